//! What comes in over HTTP, as text: unpacked if a header says that it is packed, in the charset that its byte order mark, the header
//! or the document itself names. What cannot be read so is an error that names the charset, and never text with holes. And base64 within
//! such a text.

use std::borrow::Cow;
use std::io::Read as _;

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::platform::plain::is_invisible;

/// How often a body may be packed: two are never meant, and each time costs as much as the first.
const MOST_PACKINGS: usize = 2;
/// Where an XML declaration is looked for.
const HEAD: usize = 256;
/// What stands for a character that an earlier program could not read.
pub const LOST: char = '\u{fffd}';

/// Why bytes are no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// A `Content-Encoding` other than gzip and deflate.
    #[error("packed as `{0}`, which is not understood: send it as it is, or as gzip")]
    Packing(String),
    /// It is not packed as its header says.
    #[error("not {0}, as its Content-Encoding says")]
    Packed(&'static str),
    /// More than may be unpacked.
    #[error("more than {0} bytes when it is unpacked")]
    TooLarge(usize),
    /// A charset that is unknown here.
    #[error("in the charset `{0}`, which is not understood: send UTF-8")]
    Charset(String),
    /// It is not in the charset that it says.
    #[error("not {charset}, {named}")]
    NotThat {
        charset: String,
        /// Who names it.
        named: &'static str,
    },
    /// It is not UTF-8, and names no other charset.
    #[error("not UTF-8 (byte {0}), and names no other charset")]
    NotUtf8(usize),
    /// The API gateway has read it as UTF-8, and it was not.
    #[error("not UTF-8 but {0}, which the gateway does not pass on: send UTF-8")]
    Lost(String),
}

/// What the headers say of a body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    pub content_type: Option<&'a str>,
    pub content_encoding: Option<&'a str>,
}

/// The text that a body is, without a byte order mark. At most `limit` bytes are unpacked.
pub fn text<'a>(body: &'a [u8], headers: Headers<'_>, limit: usize) -> Result<Cow<'a, str>, Undecodable> {
    match unpacked(body, headers.content_encoding, limit)? {
        Cow::Borrowed(bytes) => decoded(bytes, headers.content_type),
        Cow::Owned(bytes) => decoded(&bytes, headers.content_type).map(|text| Cow::Owned(text.into_owned())),
    }
}

/// What was packed, the last packing first (RFC 9110, 8.4). A proxy that unpacks may leave the header, so what is not packed
/// is taken as it is.
fn unpacked<'a>(body: &'a [u8], encodings: Option<&str>, limit: usize) -> Result<Cow<'a, [u8]>, Undecodable> {
    let mut body = Cow::Borrowed(body);
    let encodings = encodings.unwrap_or_default();
    if encodings.split(',').count() > MOST_PACKINGS {
        return Err(Undecodable::Packing(shown(encodings)));
    }
    for encoding in encodings.rsplit(',').map(str::trim) {
        body = match encoding.to_ascii_lowercase().as_str() {
            "" | "identity" | "none" | "utf-8" => body,
            "gzip" | "x-gzip" if body.starts_with(&[0x1f, 0x8b]) => read(MultiGzDecoder::new(&*body), "gzip", limit)?.into(),
            "gzip" | "x-gzip" if body.first() != Some(&0x1f) => body,
            "gzip" | "x-gzip" => return Err(Undecodable::Packed("gzip")),
            // zlib's format by the standard, bare by a misunderstanding that is as old (RFC 9110, 8.4.1.2).
            "deflate" if body.first().is_some_and(|byte| byte & 0x0f == 8) => {
                read(ZlibDecoder::new(&*body), "deflate", limit)?.into()
            }
            "deflate" if body.first().is_some_and(|byte| matches!(byte, b'{' | b'[' | b'<' | b' ' | b'\n')) => body,
            "deflate" => read(DeflateDecoder::new(&*body), "deflate", limit)?.into(),
            _ => return Err(Undecodable::Packing(shown(encoding))),
        };
    }
    Ok(body)
}

fn read(packed: impl std::io::Read, kind: &'static str, limit: usize) -> Result<Vec<u8>, Undecodable> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    packed.take(most).read_to_end(&mut bytes).map_err(|_| Undecodable::Packed(kind))?;
    if bytes.len() > limit { Err(Undecodable::TooLarge(limit)) } else { Ok(bytes) }
}

fn decoded<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Result<Cow<'a, str>, Undecodable> {
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Err(Undecodable::Charset("UTF-32".to_owned()));
    }
    if let Some((marked, length)) = Encoding::for_bom(bytes) {
        return in_charset(&bytes[length..], marked, "as its byte order mark says");
    }
    let by_header = content_type.and_then(charset).map(|name| (name, "as its Content-Type says"));
    let by_document = || declared(bytes).map(|name| (name, "as its declaration says"));
    let named = by_header.or_else(by_document);
    let encoding = named.as_ref().map(|(name, _)| find(name));
    match (encoding.flatten(), std::str::from_utf8(bytes)) {
        // What is written in two bytes is valid in one, too.
        (Some(wide), _) if [UTF_16LE, UTF_16BE].contains(&wide) => in_charset(bytes, wide, named.map_or("", |(_, by)| by)),
        (None, Ok(text)) if named.is_none() => match bytes {
            // JSON and XML begin with ASCII (RFC 4627, section 3).
            [0, second, ..] if *second != 0 => in_charset(bytes, UTF_16BE, "as its first bytes look like"),
            [first, 0, ..] if *first != 0 => in_charset(bytes, UTF_16LE, "as its first bytes look like"),
            _ => Ok(Cow::Borrowed(text)),
        },
        // Text in another charset that is not ASCII is next to never valid UTF-8: a header that says otherwise is wrong.
        (_, Ok(text)) => Ok(Cow::Borrowed(text)),
        (Some(encoding), Err(_)) => in_charset(bytes, encoding, named.map_or("", |(_, by)| by)),
        (None, Err(error)) => Err(match named {
            Some((name, _)) => Undecodable::Charset(shown(&name)),
            None => Undecodable::NotUtf8(error.valid_up_to()),
        }),
    }
}

fn in_charset<'a>(bytes: &'a [u8], encoding: &'static Encoding, named: &'static str) -> Result<Cow<'a, str>, Undecodable> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.ok_or_else(|| Undecodable::NotThat { charset: encoding.name().to_owned(), named })
}

/// A text that an API gateway has taken for UTF-8 and passes on as such. Most of what is not ASCII in it being lost says that it was not.
pub fn passed_on<'a>(text: &'a str, content_type: Option<&str>) -> Result<&'a str, Undecodable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lost = text.matches(LOST).count();
    if lost == 0 {
        return Ok(text);
    }
    let named = content_type.and_then(charset);
    let says_otherwise = named.as_deref().is_some_and(|name| find(name) != Some(UTF_8));
    let kept = text.chars().filter(|character| !character.is_ascii()).count() - lost;
    let is_lost = says_otherwise || lost > kept && lost > 1;
    if is_lost { Err(Undecodable::Lost(named.map_or("something else".to_owned(), |name| shown(&name)))) } else { Ok(text) }
}

/// The charset that a `Content-Type` names.
#[must_use]
pub fn charset(content_type: &str) -> Option<String> {
    let parameters = content_type.split([';', ',']).skip(1);
    let named = parameters.filter_map(|parameter| parameter.split_once('=')).find(|(name, _)| {
        let name = name.trim();
        name.eq_ignore_ascii_case("charset") || name.eq_ignore_ascii_case("encoding")
    });
    let name = named?.1.trim().trim_matches(['"', '\'', ' ']);
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

/// The charset that an XML declaration names.
#[must_use]
pub fn declared(bytes: &[u8]) -> Option<String> {
    let head: String = bytes.iter().take(HEAD).map(|byte| char::from(*byte)).collect();
    let (declaration, _) = head.trim_start().strip_prefix("<?xml")?.split_once("?>")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (name, _) = value[1..].split_once(quote)?;
    Some(shown(name.trim())).filter(|name| !name.is_empty())
}

/// The encoding of that name: by the names that browsers know, and those that programs write for them.
#[must_use]
pub fn find(name: &str) -> Option<&'static Encoding> {
    let label = |name: &str| Encoding::for_label_no_replacement(name.as_bytes());
    label(name).or_else(|| {
        let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        match bare.as_str() {
            "utf8mb4" | "utf8mb3" | "cp65001" | "utf8bom" => Some(UTF_8),
            "koi8r" | "cp20866" => label("koi8-r"),
            "koi8u" | "cp21866" => label("koi8-u"),
            _ => {
                let page = ["windows", "win", "cp", "ansi", "ms", ""].iter().find_map(|vendor| bare.strip_prefix(vendor));
                let page = page.filter(|page| page.len() == 4 && page.starts_with("125"))?;
                label(&format!("windows-{page}"))
            }
        }
    })
}

/// Base64 with or without its padding, whatever the bits are that belong to no byte.
pub const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// White space and invisible characters.
#[must_use]
pub fn does_not_count(character: char) -> bool {
    character.is_whitespace() || is_invisible(character)
}

/// Base64 without the white space that breaks its lines (RFC 2045, 6.8), in the standard alphabet (RFC 4648, section 5 has another
/// for addresses).
#[must_use]
pub fn in_one_piece(base64: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'-' | b'_');
    if base64.bytes().all(is_plain) {
        return Cow::Borrowed(base64);
    }
    let mut piece = String::with_capacity(base64.len());
    piece.extend(base64.chars().filter(|character| !does_not_count(*character)).map(|character| match character {
        '-' => '+',
        '_' => '/',
        other => other,
    }));
    Cow::Owned(piece)
}

/// A name in a message, cut to what a name can be.
fn shown(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(40).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &str = r#"{"message":"Заказ принят"}"#;

    fn content(kind: &str) -> Headers<'_> {
        Headers { content_type: Some(kind), content_encoding: None }
    }

    fn bytes(charset: &str) -> Vec<u8> {
        match charset {
            "utf-16le" => TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "utf-16be" => TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            other => find(other).unwrap().encode(TEXT).0.into_owned(),
        }
    }

    #[test]
    fn a_text_is_read_in_the_charset_that_its_header_names() {
        for (kind, charset) in [
            ("application/json", "utf-8"),
            ("application/json; charset=utf-8", "utf-8"),
            ("application/json; charset=windows-1251", "windows-1251"),
            ("application/json;charset=WINDOWS-1251", "windows-1251"),
            ("application/json; charset=\"windows-1251\"", "windows-1251"),
            ("application/json; charset='windows-1251'; q=1", "windows-1251"),
            ("application/json; q=1; Charset = cp1251 ", "windows-1251"),
            ("text/html; charset=win-1251", "windows-1251"),
            ("text/html; charset=Windows1251", "windows-1251"),
            ("text/html; charset=CP-1251", "windows-1251"),
            ("text/html; charset=x-cp1251", "windows-1251"),
            ("text/html; charset=koi8-r", "koi8-r"),
            ("text/html; charset=KOI8R", "koi8-r"),
            ("text/html; charset=iso-8859-5", "iso-8859-5"),
            ("text/html; charset=cp866", "ibm866"),
            ("text/html; charset=x-mac-cyrillic", "x-mac-cyrillic"),
            ("application/json; charset=utf-16le", "utf-16le"),
            ("application/json; charset=utf-16be", "utf-16be"),
            ("application/json", "utf-16le"),
            ("application/json", "utf-16be"),
            // Wrong, and it misleads no reader.
            ("application/json; charset=windows-1251", "utf-8"),
            ("application/json; charset=iso-8859-1", "utf-8"),
            ("application/json; charset=nonsense", "utf-8"),
            ("application/json; charset=utf8mb4", "utf-8"),
        ] {
            assert_eq!(text(&bytes(charset), content(kind), 1000).unwrap(), TEXT, "{kind} {charset}");
        }
    }

    #[test]
    fn a_byte_order_mark_says_more_than_a_header_and_is_no_text() {
        let marked = |mark: &[u8], charset: &str| [mark, &bytes(charset)].concat();
        for body in [marked(b"\xef\xbb\xbf", "utf-8"), marked(b"\xff\xfe", "utf-16le"), marked(b"\xfe\xff", "utf-16be")] {
            for kind in ["application/json", "application/json; charset=utf-8", "application/json; charset=windows-1251"] {
                assert_eq!(text(&body, content(kind), 1000).unwrap(), TEXT, "{kind} {body:?}");
            }
        }
    }

    #[test]
    fn a_document_may_name_its_charset_itself() {
        for (head, charset) in [
            (r#"<?xml version="1.0" encoding="windows-1251"?>"#, "windows-1251"),
            ("<?xml version='1.0' encoding='CP1251'?>", "windows-1251"),
            ("<?xml version='1.0' encoding = \"koi8-r\" standalone='yes'?>", "koi8-r"),
            ("\n<?xml encoding='iso-8859-5'?>", "iso-8859-5"),
            ("<?xml version='1.0'?>", "utf-8"),
        ] {
            let body = [head.as_bytes(), &bytes(charset)].concat();
            assert_eq!(text(&body, content("text/xml"), 1000).unwrap(), format!("{head}{TEXT}"), "{head}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let windows = bytes("windows-1251");
        for (kind, body, said) in [
            ("application/json", &windows[..], "not UTF-8 (byte 12), and names no other charset"),
            ("application/json; charset=utf-8", &windows, "not UTF-8, as its Content-Type says"),
            ("application/json; charset=utf8mb4", &windows, "not UTF-8, as its Content-Type says"),
            ("application/json; charset=x-unknown", &windows, "in the charset `x-unknown`, which is not understood: send UTF-8"),
            ("application/json; charset=utf-7", &windows, "in the charset `utf-7`, which is not understood: send UTF-8"),
            (
                "application/json; charset=iso-2022-kr",
                &windows,
                "in the charset `iso-2022-kr`, which is not understood: send UTF-8",
            ),
            ("application/json; charset=euc-jp", b"{\"a\":\"\xc7\xe0\xea\xe0\xe7\"}", "not EUC-JP, as its Content-Type says"),
            ("application/json", b"\xef\xbb\xbf{\"a\":\"\xcf\"}", "not UTF-8, as its byte order mark says"),
            ("application/json", b"\xff\xfe{}\x00", "not UTF-16LE, as its byte order mark says"),
            ("application/json", b"\xff\xfe\0\0{\0\0\0", "in the charset `UTF-32`, which is not understood: send UTF-8"),
            ("text/xml", b"<?xml encoding='nonsense'?>\xcf", "in the charset `nonsense`, which is not understood: send UTF-8"),
        ] {
            assert_eq!(text(body, content(kind), 1000).unwrap_err().to_string(), said, "{kind}");
        }
    }

    #[test]
    fn what_is_packed_is_unpacked_and_no_more_of_it_than_is_allowed() {
        let gzip = |bytes: &[u8]| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::default());
            packed.write_all(bytes).unwrap();
            packed.finish().unwrap()
        };
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(TEXT.as_bytes()).unwrap();
        let zlib = zlib.finish().unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::default());
        bare.write_all(TEXT.as_bytes()).unwrap();
        let bare = bare.finish().unwrap();
        let unpacked = |body: &[u8], encoding: &str, kind: &str| {
            let headers = Headers { content_type: Some(kind), content_encoding: Some(encoding) };
            text(body, headers, 1000).map(Cow::into_owned).map_err(|error| error.to_string())
        };
        let plain = gzip(TEXT.as_bytes());
        for (body, encoding) in [
            (TEXT.as_bytes(), "identity"),
            (TEXT.as_bytes(), ""),
            (TEXT.as_bytes(), "gzip"),
            (TEXT.as_bytes(), "deflate"),
            (&plain, "gzip"),
            (&plain, "X-GZIP"),
            (&plain, "identity, gzip"),
            (&gzip(&plain), "gzip, gzip"),
            (&gzip(&zlib), "deflate, gzip"),
            (&zlib, "deflate"),
            (&bare, "deflate"),
        ] {
            assert_eq!(unpacked(body, encoding, "application/json").unwrap(), TEXT, "{encoding}");
        }
        let windows = gzip(&bytes("windows-1251"));
        assert_eq!(unpacked(&windows, "gzip", "application/json; charset=windows-1251").unwrap(), TEXT);
        for (body, encoding, said) in [
            (&plain[..], "br", "packed as `br`, which is not understood: send it as it is, or as gzip"),
            (&plain, "zstd, gzip", "packed as `zstd`, which is not understood: send it as it is, or as gzip"),
            (&plain[..20], "gzip", "not gzip, as its Content-Encoding says"),
            (&plain[1..], "gzip", "not UTF-8 (byte 0), and names no other charset"),
            (b"\x1f\x1f", "gzip", "not gzip, as its Content-Encoding says"),
            (&plain, "gzip,gzip,gzip", "packed as `gzip,gzip,gzip`, which is not understood: send it as it is, or as gzip"),
            (&gzip(&[b' '; 1001]), "gzip", "more than 1000 bytes when it is unpacked"),
        ] {
            assert_eq!(unpacked(body, encoding, "application/json").unwrap_err(), said, "{encoding}");
        }
    }

    #[test]
    fn what_a_gateway_has_lost_is_noticed() {
        for (text, kind, read) in [
            ("{\"a\":\"Айгуль\"}", "application/json", true),
            ("{\"a\":\"Айгуль\"}", "application/json; charset=windows-1251", true),
            ("{\"a\":\"Айгуль \u{fffd}\"}", "application/json; charset=utf-8", true),
            ("{\"a\":\"\u{fffd}\"}", "application/json", true),
            ("{\"a\":\"\u{fffd}\u{fffd}\u{fffd}\u{fffd}\"}", "application/json", false),
            ("{\"a\":\"\u{fffd}\u{fffd}\u{fffd}\u{fffd}\"}", "application/json; charset=utf-8", false),
            ("{\"a\":\"Айгуль \u{fffd}\"}", "application/json; charset=windows-1251", false),
        ] {
            assert_eq!(passed_on(text, Some(kind)).is_ok(), read, "{text} {kind}");
        }
    }
}
