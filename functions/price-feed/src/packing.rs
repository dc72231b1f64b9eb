//! Packed feeds, unpacked as the common tools do it.

use std::io::Write as _;

use flate2::write::GzDecoder;

use crate::error::FeedError;
use crate::unpacked::Into;
use crate::zip::{ZIPPED, Zip};

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
