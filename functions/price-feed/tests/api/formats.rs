//! The same feed in other bytes.

use std::io::Write as _;

use encoding_rs::WINDOWS_1251;

use crate::{Shop, feed, offer};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A file in a zip, its checksum before or behind it.
fn local(bytes: &[u8], is_behind: bool) -> Vec<u8> {
    named("feed.yml", bytes, is_behind)
}

/// The same under a name.
fn named(name: &str, bytes: &[u8], is_behind: bool) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    let (packed, name) = (encoder.finish().unwrap(), name.as_bytes());
    let mut checksum = flate2::Crc::new();
    checksum.update(bytes);
    let size = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    let sums = [checksum.sum().to_le_bytes(), size(packed.len()), size(bytes.len())].concat();
    let flags = if is_behind { 8_u8 } else { 0 };
    let before = if is_behind { vec![0; 12] } else { sums.clone() };
    let length = [u8::try_from(name.len()).unwrap(), 0, 0, 0];
    let head = [&b"PK\x03\x04\x14\0"[..], &[flags, 0, 8, 0, 0, 0, 0, 0], &before, &length, name].concat();
    let behind = if is_behind { [&b"PK\x07\x08"[..], &sums].concat() } else { Vec::new() };
    [head, packed, behind].concat()
}

fn zip(bytes: &[u8], is_behind: bool) -> Vec<u8> {
    zip_of(&[local(bytes, is_behind)])
}

fn zip_of(files: &[Vec<u8>]) -> Vec<u8> {
    // Of the directory at the end only its beginning is looked at.
    [&files.concat()[..], b"PK\x01\x02", &[0; 60], b"PK\x05\x06", &[0; 18]].concat()
}

/// A file in a zip that is not packed, like a folder.
fn unpacked(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut checksum = flate2::Crc::new();
    checksum.update(bytes);
    let size = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let sums = [checksum.sum().to_le_bytes(), size, size].concat();
    let length = [u8::try_from(name.len()).unwrap(), 0, 0, 0];
    [&b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0"[..], &sums, &length, name.as_bytes(), bytes].concat()
}

async fn price_of_tea(bytes: Vec<u8>) -> Option<String> {
    let shop = Shop::start().await;
    shop.environment.standins().set_shop_feed(bytes);
    shop.load().await;
    shop.price("чай").await
}

#[tokio::test]
async fn a_feed_is_read_in_the_encoding_that_it_names() {
    let text = |declaration: &str| feed(&offer("чай", "12.30")).replace("<?xml version=\"1.0\"?>", declaration);
    let utf8 = |declaration| text(declaration).into_bytes();
    let cyrillic = |declaration| WINDOWS_1251.encode(&text(declaration)).0.into_owned();
    let utf16: Vec<u8> = "\u{feff}".encode_utf16().chain(text("").encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for (name, bytes) in [
        ("UTF-8 without a word", utf8("")),
        ("UTF-8", utf8("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")),
        ("UTF-8 with a mark", utf8("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>")),
        ("windows-1251", cyrillic("<?xml version=\"1.0\" encoding=\"windows-1251\"?>")),
        ("windows-1251 otherwise written", cyrillic("<?xml version='1.0' encoding = 'Windows-1251' standalone='yes'?>")),
        ("windows-1251 by another name", cyrillic("<?xml version=\"1.0\" encoding=\"win-1251\"?>")),
        ("UTF-16", utf16),
        ("gzip", gzip(&utf8(""))),
        ("gzip of windows-1251", gzip(&cyrillic("<?xml version=\"1.0\" encoding=\"windows-1251\"?>"))),
        ("two gzips in a row", [gzip(&utf8("")[..50]), gzip(&utf8("")[50..])].concat()),
    ] {
        assert_eq!(price_of_tea(bytes).await.as_deref(), Some("12.30"), "{name}");
    }
}

#[tokio::test]
async fn feed_encoding_prefers_bom_then_header_then_declaration() {
    const XML_1251: &str = "text/xml; charset=windows-1251";
    const XML_UTF8: &str = "application/xml; charset=utf-8";
    let text = |declaration: &str| feed(&offer("чай", "12.30")).replace("<?xml version=\"1.0\"?>", declaration);
    let says = |charset: &str| text(&format!("<?xml version=\"1.0\" encoding=\"{charset}\"?>"));
    let cyrillic = |text: String| WINDOWS_1251.encode(&text).0.into_owned();
    let wide = |text: String| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let read = Ok("12.30");
    let lost = Err("1 of 1 offers are bad");
    for (bytes, content_type, wanted) in [
        (cyrillic(text("")), XML_1251, read),
        (cyrillic(text("")), "TEXT/XML; Charset=\"CP1251\"", read),
        (cyrillic(text("")), "text/plain;charset=win-1251", read),
        (cyrillic(says("utf-8")), XML_1251, read),
        (cyrillic(says("windows-1251")), XML_UTF8, lost),
        (cyrillic(says("windows-1251")), "text/xml", read),
        (cyrillic(says("windows-1251")), "application/octet-stream; charset=binary", read),
        (says("windows-1251").into_bytes(), XML_UTF8, read),
        (format!("\u{feff}{}", says("utf-8")).into_bytes(), XML_1251, read),
        (says("utf-16").into_bytes(), "application/xml", read),
        (wide(text("")), "application/xml; charset=utf-16le", read),
        (gzip(&cyrillic(text(""))), XML_1251, read),
        (zip(&cyrillic(says("windows-1251")), true), "application/zip; charset=utf-8", read),
        (text("").into_bytes(), "text/xml; charset=koi9", Err("the charset `koi9`, as its server's Content-Type says")),
        (says("koi9").into_bytes(), "text/xml", Err("the charset `koi9`, as its XML declaration says")),
        (says("koi9").into_bytes(), XML_UTF8, read),
    ] {
        let shop = Shop::start().await;
        shop.environment.standins().set_shop_feed_as(bytes, content_type);
        match (shop.run().await, wanted) {
            (Ok(_), Ok(price)) => assert_eq!(shop.price("чай").await.as_deref(), Some(price), "{content_type}"),
            (Err(error), Err(wanted)) => assert!(error.contains(wanted), "{content_type}: {error}"),
            (came, _) => panic!("{content_type}: {came:?} instead of {wanted:?}"),
        }
    }
}

#[tokio::test]
async fn an_id_in_the_wrong_encoding_is_nobodys() {
    let shop = Shop::start().await;
    let cyrillic = WINDOWS_1251.encode(&feed(&offer("чай", "12.30"))).0.into_owned();
    shop.environment.standins().set_shop_feed(cyrillic);
    assert!(shop.run().await.unwrap_err().contains("1 of 1 offers are bad"));
}

#[tokio::test]
async fn packed_files_are_read_as_the_common_tools_read_them() {
    let plain = feed(&offer("чай", "12.30")).into_bytes();
    let packed = gzip(&plain);
    for (name, bytes) in [
        ("zeros behind the end", [packed.as_slice(), &[0; 10_000]].concat()),
        ("rubbish behind the end", [packed.as_slice(), b"rubbish"].concat()),
        ("one byte behind the end", [packed.as_slice(), &[0x1f]].concat()),
        ("three in a row and zeros", [&gzip(&plain[..1])[..], &gzip(&plain[1..60]), &gzip(&plain[60..]), &[0; 512]].concat()),
        ("an empty one before", [gzip(b""), packed.clone()].concat()),
        ("an empty one behind", [packed.clone(), gzip(b"")].concat()),
        ("zip", zip(&plain, false)),
        ("zip, written as a stream", zip(&plain, true)),
        ("zip of a feed that is not packed", zip_of(&[unpacked("feed.xml", &plain)])),
        ("zip with a folder", zip_of(&[unpacked("export/", b""), named("export/feed.yml", &plain, false)])),
        (
            "zip with other files before",
            zip_of(&[named("README.txt", b"<b>", true), unpacked("logo.png", &[1; 9]), local(&plain, true)]),
        ),
        (
            "zip with other files behind",
            zip_of(&[
                local(&plain, true),
                named("shops.dtd", &vec![b'<'; 90_000], true),
                unpacked("a.json", b"{}"),
                named("b.pdf", b"%PDF", false),
            ]),
        ),
        (
            "zip of a Mac",
            zip_of(&[local(&plain, true), named("__MACOSX/._feed.yml", b"<plist>", true), named(".DS_Store", b"x", true)]),
        ),
        ("zip of a file without an ending", zip_of(&[named("catalogue", &plain, false)])),
        ("zip with a file of another kind", zip_of(&[named("catalogue", b"nothing", true), named("prices.dat", &plain, true)])),
        ("zip of a gzip", zip_of(&[named("feed.xml.gz", &packed, true)])),
        ("packed twice", gzip(&packed)),
        ("packed twice, zeros within", gzip(&[packed.as_slice(), &[0; 100]].concat())),
        ("with the file's name in it", {
            let mut encoder = flate2::GzBuilder::new().filename("feed.yml").write(Vec::new(), flate2::Compression::best());
            encoder.write_all(&plain).unwrap();
            encoder.finish().unwrap()
        }),
        ("stored, not packed", {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
            encoder.write_all(&plain).unwrap();
            encoder.finish().unwrap()
        }),
    ] {
        assert_eq!(price_of_tea(bytes).await.as_deref(), Some("12.30"), "{name}");
    }
}

#[tokio::test]
async fn a_packed_file_that_is_cut_off_broken_or_a_bomb_is_refused() {
    let shop = Shop::start().await;
    let whole = gzip(feed(&offer("a", "1")).as_bytes());
    let mut wrong = whole.clone();
    let checksum = wrong.len() - 6;
    wrong[checksum] ^= 1;
    let plain = feed(&offer("a", "1")).into_bytes();
    let zipped = zip(&plain, false);
    let with = |zipped: &[u8], at: usize, bit: u8| {
        let mut changed = zipped.to_vec();
        changed[at] ^= bit;
        changed
    };
    let bomb = gzip(format!("<yml_catalog>{}", " ".repeat(64 * 1024 * 1024)).as_bytes());
    for (name, bytes, complaint) in [
        ("cut off", whole[..whole.len() - 9].to_vec(), "gzip"),
        ("its checksum cut off", whole[..whole.len() - 3].to_vec(), "gzip"),
        ("a wrong checksum", wrong.clone(), "gzip"),
        ("a wrong checksum, and more behind", [wrong, whole.clone()].concat(), "gzip"),
        ("the second cut off", [whole.clone(), whole[..30].to_vec()].concat(), "gzip"),
        ("a bomb", bomb, "cut off"),
        ("zip, cut off", zipped.clone()[..60].to_vec(), "zip that cannot be read: it is cut off"),
        ("zip, its head cut off", zipped.clone()[..20].to_vec(), "zip that cannot be read: it is cut off"),
        ("zip with a wrong checksum", with(&zipped, 14, 1), "its checksum is wrong"),
        ("zip with a password", with(&zipped, 6, 1), "has a password"),
        ("zip, not packed as it says", with(&zipped, 8, 8), "its checksum is wrong"),
        ("zip, packed in another way", with(&zipped, 8, 1), "packed in a way that is not read"),
        ("zip with rubbish behind its file", zip_of(&[local(&plain, false), b"rubbish".to_vec()]), "none"),
        (
            "zip with two feeds",
            zip_of(&[named("new/feed.xml", &plain, false), named("readme.txt", b"x", true), named("OLD.YML", &plain, true)]),
            "it has more than one file that may be the feed: new/feed.xml, OLD.YML",
        ),
        (
            "zip with a table beside the feed",
            zip_of(&[named("goods.csv", b"id;price", false), local(&plain, true)]),
            "it has more than one file that may be the feed: goods.csv, feed.yml",
        ),
        (
            "zip without a feed",
            zip_of(&[unpacked("docs/", b""), named("docs/readme.txt", b"hello", true), named("logo.png", b"<svg>", false)]),
            "it has no file of XML, YML or CSV, only docs/readme.txt, logo.png",
        ),
        ("zip that ends behind its file", local(&plain, false), "it is cut off"),
        ("zip with nothing in it", b"PK\x05\x06\0\0\0\0".to_vec(), "nothing in it"),
        ("bzip2", b"BZh91AY&SY".to_vec(), "file of bzip2"),
        ("xz", b"\xfd7zXZ\0".to_vec(), "file of xz"),
        ("rar", b"Rar!\x1a\x07".to_vec(), "file of rar"),
    ] {
        shop.environment.standins().set_shop_feed(bytes);
        let error = shop.run().await.unwrap_err();
        assert!(error.contains(complaint), "{name}: {error}");
    }
}
