//! A zip, read from its beginning while it arrives: the directory at its end comes too late. Its one XML, YML or CSV file is the feed,
//! whatever lies beside it; two of them are a question that only the shop can answer.

use std::io::Write as _;

use flate2::Crc;
use flate2::write::DeflateDecoder;

use crate::error::FeedError;
use crate::unpacked::Into;

/// How a file in a zip begins.
pub(crate) const ZIPPED: &[u8] = b"PK\x03\x04";
/// What comes behind the files: the directory, or the end of a zip without one.
const BEHIND_ALL: [&[u8]; 3] = [b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06"];
/// How what is only known behind a file begins, mostly.
const BEHIND: &[u8] = b"PK\x07\x08";
/// How long that is, with its mark and without; longer for files that may be large.
const LENGTHS: [usize; 4] = [16, 24, 12, 20];
/// The longest of them, and the mark that follows.
const LONGEST: usize = 24 + 4;
/// What is fixed of a file's head.
const FIXED: usize = 30;
/// Names that a feed has; `.gz` may follow.
const FEEDS: [&str; 3] = ["xml", "yml", "csv"];
/// Names of what is surely none.
const OTHERS: [&str; 16] =
    ["txt", "md", "html", "htm", "dtd", "xsd", "xsl", "xslt", "json", "jpg", "jpeg", "png", "gif", "webp", "pdf", "log"];
/// How many files are named in an error, and how much of a name is.
const NAMED: usize = 10;
const SHOWN: usize = 60;
/// How much of what lies beside the feed is unpacked.
const MOST_BESIDE: u64 = 4 * 1024 * 1024 * 1024;

/// A zip while it is read.
#[derive(Default)]
pub(crate) struct Zip {
    state: State,
    /// What came and is not read yet: heads and what is behind files.
    pending: Vec<u8>,
    chosen: Option<String>,
    /// The others, as far as they are named.
    others: Vec<String>,
    beside: u64,
}

#[derive(Default)]
enum State {
    /// Before a file's head, or the end.
    #[default]
    Between,
    In(Box<File>),
    /// Behind a file whose checksum comes there.
    Behind(u32),
    Ended,
}

/// The file that is read.
struct File {
    packed: Packed,
    checksum: Crc,
    /// What its head says of it; it comes behind the file otherwise.
    said: Option<u32>,
    fate: Fate,
    name: String,
}

enum Packed {
    Deflated(DeflateDecoder<Vec<u8>>),
    /// As it is, so many bytes.
    Stored(u64),
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Feed,
    Other,
    /// Its name does not tell: its first letter says it.
    Unknown,
}

impl Fate {
    fn by_name(name: &str) -> Self {
        let name = name.to_lowercase();
        let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
        // What a Mac puts beside every file.
        if name.starts_with("__macosx/") || file.is_empty() || file.starts_with('.') {
            return Self::Other;
        }
        let plain = file.strip_suffix(".gz").unwrap_or(file);
        let ending = plain.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending {
            _ if FEEDS.contains(&ending) => Self::Feed,
            _ if OTHERS.contains(&ending) => Self::Other,
            _ => Self::Unknown,
        }
    }

    /// XML, in bytes of one or two, or what is packed once more.
    fn by_first_bytes(bytes: &[u8]) -> Self {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let begins = text.iter().find(|byte| !byte.is_ascii_whitespace());
        let is_wide = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
        if is_wide || begins == Some(&b'<') || bytes.starts_with(&[0x1f, 0x8b]) { Self::Feed } else { Self::Other }
    }
}

fn broken<T>(what: &str) -> Result<T, FeedError> {
    Err(FeedError::Zip(what.to_owned()))
}

impl Zip {
    pub(crate) fn take(&mut self, bytes: &[u8], into: Into<'_>) -> Result<(), FeedError> {
        self.pending.extend_from_slice(bytes);
        loop {
            let goes_on = match self.state {
                State::Ended => {
                    self.pending.clear();
                    false
                }
                State::In(_) => self.read_on(into)?,
                State::Between => self.open()?,
                State::Behind(checksum) => self.compare(checksum)?,
            };
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Whether everything is there.
    pub(crate) fn end(&mut self) -> Result<(), FeedError> {
        if !matches!(self.state, State::Ended) {
            return broken("it is cut off");
        }
        match &self.chosen {
            None => Err(FeedError::Zip(format!("it has no file of XML, YML or CSV, only {}", self.others.join(", ")))),
            Some(file) => {
                if !self.others.is_empty() {
                    tracing::info!(file, beside = self.others.join(", "), "the feed is one of several files of a zip");
                }
                Ok(())
            }
        }
    }

    /// A number in the head that is pending.
    fn number(&self, at: usize) -> usize {
        usize::from(u16::from_le_bytes([self.pending[at], self.pending[at + 1]]))
    }

    fn long(&self, at: usize) -> u32 {
        self.pending.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
    }

    /// Reads the head of the next file, or that there is none.
    fn open(&mut self) -> Result<bool, FeedError> {
        if self.pending.len() < ZIPPED.len() {
            return Ok(false);
        }
        if BEHIND_ALL.into_iter().any(|mark| self.pending.starts_with(mark)) {
            self.state = State::Ended;
            return Ok(true);
        }
        if !self.pending.starts_with(ZIPPED) {
            return broken("what follows a file in it is none");
        }
        if self.pending.len() < FIXED || self.pending.len() < FIXED + self.number(26) + self.number(28) {
            return Ok(false);
        }
        let begins = FIXED + self.number(26) + self.number(28);
        let name = String::from_utf8_lossy(&self.pending[FIXED..FIXED + self.number(26)]).into_owned();
        let (flags, length) = (self.number(6), self.long(18));
        let is_behind = flags & 8 != 0;
        let packed = match (flags & 1, self.number(8)) {
            (1, _) => return broken("its file has a password"),
            (_, 8) => Packed::Deflated(DeflateDecoder::new(Vec::new())),
            (_, 0) if !is_behind && length != u32::MAX => Packed::Stored(length.into()),
            _ => return broken("a file in it is packed in a way that is not read"),
        };
        let said = (!is_behind).then(|| self.long(14));
        self.pending.drain(..begins);
        let fate = Fate::by_name(&name);
        let is_folder = name.ends_with('/');
        if fate == Fate::Feed {
            self.choose(&name)?;
        } else if fate == Fate::Other && !is_folder && self.others.len() < NAMED {
            self.others.push(shown(&name));
        }
        self.state = State::In(Box::new(File { packed, checksum: Crc::new(), said, fate, name }));
        Ok(true)
    }

    fn choose(&mut self, name: &str) -> Result<(), FeedError> {
        match self.chosen.replace(shown(name)) {
            None => Ok(()),
            Some(first) => {
                Err(FeedError::Zip(format!("it has more than one file that may be the feed: {first}, {}", shown(name))))
            }
        }
    }

    /// Reads on in the file. Whether there is more to do.
    fn read_on(&mut self, into: Into<'_>) -> Result<bool, FeedError> {
        let State::In(file) = &mut self.state else { return Ok(true) };
        let bytes = std::mem::take(&mut self.pending);
        let (taken, plain, is_over) = file.packed.unpack(&bytes)?;
        self.pending = bytes[taken..].to_vec();
        file.checksum.update(&plain);
        if file.fate == Fate::Unknown && !plain.is_empty() {
            file.fate = Fate::by_first_bytes(&plain);
            let (name, is_feed) = (file.name.clone(), file.fate == Fate::Feed);
            if is_feed {
                self.choose(&name)?;
            } else if self.others.len() < NAMED {
                self.others.push(shown(&name));
            }
        }
        let State::In(file) = &mut self.state else { return Ok(true) };
        if file.fate == Fate::Feed {
            into(&plain, false)?;
        } else {
            self.beside += plain.len() as u64;
            if self.beside > MOST_BESIDE {
                return Err(FeedError::TooLarge);
            }
        }
        if !is_over {
            return Ok(taken > 0);
        }
        let (said, sum) = (file.said, file.checksum.sum());
        self.state = match said {
            None => State::Behind(sum),
            Some(said) if said == sum => State::Between,
            Some(_) => return broken("its checksum is wrong"),
        };
        Ok(true)
    }

    /// Compares the checksum behind a file.
    fn compare(&mut self, checksum: u32) -> Result<bool, FeedError> {
        if self.pending.len() < LONGEST {
            return Ok(false);
        }
        let is_marked = self.pending.starts_with(BEHIND);
        let is_next = |length: &usize| {
            let next = &self.pending[*length..];
            next.starts_with(ZIPPED) || BEHIND_ALL.into_iter().any(|mark| next.starts_with(mark))
        };
        let lengths = if is_marked { &LENGTHS[..2] } else { &LENGTHS[2..] };
        let Some(length) = lengths.iter().copied().find(is_next) else { return broken("what is behind a file in it is wrong") };
        if self.long(if is_marked { BEHIND.len() } else { 0 }) != checksum {
            return broken("its checksum is wrong");
        }
        self.pending.drain(..length);
        self.state = State::Between;
        Ok(true)
    }
}

impl Packed {
    /// How many of the bytes are the file's, what they are, and whether that is its end.
    fn unpack(&mut self, bytes: &[u8]) -> Result<(usize, Vec<u8>, bool), FeedError> {
        match self {
            Self::Stored(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                Ok((taken, bytes[..taken].to_vec(), *left == 0))
            }
            Self::Deflated(decoder) => {
                let Ok(taken) = decoder.write(bytes) else { return broken("its file is broken") };
                // Nothing is taken of what is behind a file.
                let is_over = taken == 0 && !bytes.is_empty();
                if is_over && decoder.try_finish().is_err() {
                    return broken("its file is broken");
                }
                Ok((taken, std::mem::take(decoder.get_mut()), is_over))
            }
        }
    }
}

/// A file's name as it is shown.
fn shown(name: &str) -> String {
    name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(SHOWN).collect()
}
