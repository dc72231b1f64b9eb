//! Packed feeds, unpacked as the common tools do it.

use std::io::Write as _;

use flate2::Crc;
use flate2::write::{DeflateDecoder, GzDecoder};

use crate::error::FeedError;

/// How much is unpacked at once: a thousand times as much comes out at worst.
const AT_ONCE: usize = 4096;
/// How a gzip member begins.
const GZIP: &[u8] = &[0x1f, 0x8b];
/// How many first bytes say what is no text and cannot be unpacked.
const HEAD: usize = 4;
/// What others begin like.
const OTHERS: [(&[u8], &str); 5] =
    [(b"PK\x05\x06", "zip with nothing in it"), (b"BZh", "bzip2"), (b"\xfd7zX", "xz"), (b"7z\xbc\xaf", "7z"), (b"Rar!", "rar")];

/// How bytes are packed.
pub(crate) enum Packing {
    /// Too few of them came to say.
    Unknown(Vec<u8>),
    Plain,
    Gzip(Box<GzDecoder<Vec<u8>>>),
    Zip(Box<Zip>),
    /// A gzip member ended: another one may follow, as in files that were joined.
    Ended(Vec<u8>),
    /// What follows is neither: the zeros that fill up a block of a tape, or rubbish. gzip ignores it, too.
    Ignored,
}

impl Default for Packing {
    fn default() -> Self {
        Self::Unknown(Vec::new())
    }
}

/// Takes unpacked bytes, and whether they are the last.
type Into<'a> = &'a mut dyn FnMut(&[u8], bool) -> Result<(), FeedError>;

impl Packing {
    /// Unpacks a piece, be it the last.
    pub(crate) fn unpack(&mut self, bytes: &[u8], last: bool, into: Into<'_>) -> Result<(), FeedError> {
        bytes.chunks(AT_ONCE).try_for_each(|bytes| self.take(bytes, into))?;
        if last { self.end(into) } else { Ok(()) }
    }

    fn take(&mut self, bytes: &[u8], into: Into<'_>) -> Result<(), FeedError> {
        match self {
            Self::Plain => into(bytes, false),
            Self::Ignored => Ok(()),
            Self::Unknown(head) => {
                head.extend_from_slice(bytes);
                if head.len() >= HEAD { self.recognise(into) } else { Ok(()) }
            }
            Self::Ended(head) => {
                head.extend_from_slice(bytes);
                if head.len() < GZIP.len() {
                    return Ok(());
                }
                let head = std::mem::take(head);
                *self = if head.starts_with(GZIP) { Self::gzip() } else { Self::Ignored };
                self.take(&head, into)
            }
            Self::Zip(zip) => zip.take(bytes, into),
            Self::Gzip(decoder) => {
                // Nothing is taken of what is behind a member.
                let taken = decoder.write(bytes).map_err(|_| FeedError::Gzip)?;
                let plain = std::mem::take(decoder.get_mut());
                into(&plain, false)?;
                if taken == 0 {
                    decoder.try_finish().map_err(|_| FeedError::Gzip)?;
                    *self = Self::Ended(Vec::new());
                }
                if taken < bytes.len() { self.take(&bytes[taken..], into) } else { Ok(()) }
            }
        }
    }

    fn gzip() -> Self {
        Self::Gzip(Box::new(GzDecoder::new(Vec::new())))
    }

    fn recognise(&mut self, into: Into<'_>) -> Result<(), FeedError> {
        let Self::Unknown(head) = self else { return Ok(()) };
        let head = std::mem::take(head);
        if let Some((_, name)) = OTHERS.into_iter().find(|(begins, _)| head.starts_with(begins)) {
            return Err(FeedError::Packed(name));
        }
        *self = match () {
            () if head.starts_with(GZIP) => Self::gzip(),
            () if head.starts_with(ZIPPED) => Self::Zip(Box::default()),
            () => Self::Plain,
        };
        head.chunks(AT_ONCE).try_for_each(|bytes| self.take(bytes, into))
    }

    fn end(&mut self, into: Into<'_>) -> Result<(), FeedError> {
        self.recognise(into)?;
        if let Self::Gzip(decoder) = self {
            decoder.try_finish().map_err(|_| FeedError::Gzip)?;
            let plain = std::mem::take(decoder.get_mut());
            into(&plain, false)?;
        }
        if let Self::Zip(zip) = self {
            zip.end()?;
        }
        into(&[], true)
    }
}

/// How a file in a zip begins.
const ZIPPED: &[u8] = b"PK\x03\x04";
/// How what is only known behind it begins, mostly.
const BEHIND: &[u8] = b"PK\x07\x08";
/// What is fixed of a file's head.
const FIXED: usize = 30;
/// How much behind a file may belong to it.
const TAIL: usize = 24;

/// The one file of a zip, read from its beginning: what is at the end of the zip is not needed for it.
#[derive(Default)]
pub(crate) struct Zip {
    head: Vec<u8>,
    file: Option<DeflateDecoder<Vec<u8>>>,
    checksum: Crc,
    /// What follows the file.
    tail: Vec<u8>,
}

impl Zip {
    fn take(&mut self, bytes: &[u8], into: Into<'_>) -> Result<(), FeedError> {
        let Some(file) = &mut self.file else {
            self.head.extend_from_slice(bytes);
            return self.open(into);
        };
        let taken = if self.tail.is_empty() { file.write(bytes).map_err(|_| FeedError::Zip("its file is broken"))? } else { 0 };
        let plain = std::mem::take(file.get_mut());
        self.checksum.update(&plain);
        into(&plain, false)?;
        let rest = &bytes[taken..];
        if taken > 0 && !rest.is_empty() {
            return self.take(rest, into);
        }
        self.tail.extend_from_slice(&rest[..rest.len().min(TAIL + ZIPPED.len() - self.tail.len())]);
        Ok(())
    }

    /// A number in the file's head.
    fn number(&self, at: usize) -> usize {
        usize::from(u16::from_le_bytes([self.head[at], self.head[at + 1]]))
    }

    fn open(&mut self, into: Into<'_>) -> Result<(), FeedError> {
        if self.head.len() < FIXED {
            return Ok(());
        }
        let begins = FIXED + self.number(26) + self.number(28);
        if self.head.len() < begins {
            return Ok(());
        }
        match (self.number(6) & 1, self.number(8)) {
            (0, 8) => {}
            (1, _) => return Err(FeedError::Zip("its file has a password")),
            _ => return Err(FeedError::Zip("its first file is a folder, or is packed in a way that is not read")),
        }
        self.file = Some(DeflateDecoder::new(Vec::new()));
        let rest = self.head.split_off(begins);
        self.take(&rest, into)
    }

    fn end(&mut self) -> Result<(), FeedError> {
        let Some(file) = &mut self.file else { return Err(FeedError::Zip("it is cut off")) };
        if self.tail.is_empty() || file.try_finish().is_err() {
            return Err(FeedError::Zip("it is cut off"));
        }
        if self.tail.windows(ZIPPED.len()).any(|four| four == ZIPPED) {
            return Err(FeedError::Zip("it has more than one file"));
        }
        let is_behind = self.number(6) & 8 != 0;
        let said = match self.tail.strip_prefix(BEHIND) {
            Some(tail) if is_behind => tail.get(..4),
            None if is_behind => self.tail.get(..4),
            _ => self.head.get(14..18),
        };
        let is_right = said.is_some_and(|said| said == self.checksum.sum().to_le_bytes());
        if is_right { Ok(()) } else { Err(FeedError::Zip("its checksum is wrong")) }
    }
}
