//! What of a feed's text is far too long, cut short while it arrives, so that one offer with a photo in its description costs no reader
//! else's price and no memory. No price is made of what is cut off: a text, a comment or the value of an attribute keeps its beginning and its
//! end mark, and what cannot be cut (the names in a tag) is refused.

use std::collections::VecDeque;

use crate::error::FeedError;

/// How much of one text, comment or tag is kept, in bytes: far more than any price, id or currency has.
const KEPT: usize = 64 * 1024;
/// How much of the value of an attribute is kept.
const KEPT_VALUE: usize = 1024;

/// In what the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Text,
    /// Behind a `<`: what comes is known by its first letters, so many so far.
    Opened(usize),
    Tag,
    /// The value of an attribute, up to this quotation mark.
    Value(u8),
    Comment,
    CData,
    Instruction,
    DocType,
}

/// The beginnings that are longer than a letter.
const COMMENT: &[u8] = b"!--";
const CDATA: &[u8] = b"![CDATA[";

/// Cuts short, byte by byte: however the bytes are divided into pieces, the same comes out.
pub(crate) struct Trim {
    place: Place,
    /// The letters behind a `<`.
    opened: [u8; CDATA.len()],
    /// The last two bytes.
    before: [u8; 2],
    /// How much of this text, comment or tag is kept so far; of a tag beside its values.
    kept: usize,
    /// How much of this value.
    value: usize,
    /// Some of it is not.
    cuts: bool,
    /// How much came out at all.
    out: u64,
    /// Lines that were cut off: at which byte that came out, how many.
    lost: VecDeque<(u64, u64)>,
}

impl Default for Trim {
    fn default() -> Self {
        Self {
            place: Place::Text,
            opened: [0; CDATA.len()],
            before: [0; 2],
            kept: 0,
            value: 0,
            cuts: false,
            out: 0,
            lost: VecDeque::new(),
        }
    }
}

impl Trim {
    /// Takes a piece of UTF-8 text, and gives what is left of it.
    pub(crate) fn push(&mut self, text: &[u8], into: &mut Vec<u8>) -> Result<(), FeedError> {
        text.iter().try_for_each(|byte| self.take(*byte, into))
    }

    /// How many lines were cut off before the byte of that number, which are forgotten.
    pub(crate) fn lost_before(&mut self, byte: u64) -> u64 {
        let mut lines = 0;
        while let Some((_, lost)) = self.lost.front().copied().filter(|(at, _)| *at <= byte) {
            lines += lost;
            self.lost.pop_front();
        }
        lines
    }

    fn take(&mut self, byte: u8, into: &mut Vec<u8>) -> Result<(), FeedError> {
        match (self.place, byte) {
            (Place::Text, b'<') => {
                self.begin(Place::Opened(0));
                self.keep(byte, into);
            }
            (Place::Opened(length), _) => {
                self.place = self.recognised(length, byte);
                self.keep(byte, into);
            }
            (Place::Tag | Place::DocType, b'>') => {
                self.keep(byte, into);
                self.begin(Place::Text);
            }
            (Place::Tag, b'"' | b'\'') => {
                self.keep(byte, into);
                self.place = Place::Value(byte);
                self.value = 0;
            }
            (Place::Value(mark), _) if mark == byte => {
                self.place = Place::Tag;
                self.cuts = false;
                self.keep(byte, into);
            }
            (Place::Comment, b'>') if self.before == *b"--" => self.end(b"-->", into),
            (Place::CData, b'>') if self.before == *b"]]" => self.end(b"]]>", into),
            (Place::Instruction, b'>') if self.before[1] == b'?' => self.end(b"?>", into),
            (Place::Tag, _) if self.kept >= KEPT => return Err(FeedError::Bomb("a tag of more than 64 KiB beside its values")),
            (Place::DocType, _) if self.kept >= KEPT => return Err(FeedError::Bomb("a DOCTYPE of more than 64 KiB")),
            (Place::Tag | Place::DocType, _) => self.keep(byte, into),
            (Place::Text | Place::Value(_) | Place::Comment | Place::CData | Place::Instruction, _) => {
                self.keep_or_cut(byte, into);
            }
        }
        self.before = [self.before[1], byte];
        Ok(())
    }

    fn begin(&mut self, place: Place) {
        self.place = place;
        self.kept = 0;
        self.cuts = false;
    }

    /// What a `<` and these letters begin.
    fn recognised(&mut self, length: usize, byte: u8) -> Place {
        self.opened[length] = byte;
        let letters = &self.opened[..=length];
        let place = match letters {
            _ if letters == COMMENT => Place::Comment,
            _ if letters == CDATA => Place::CData,
            _ if COMMENT.starts_with(letters) || CDATA.starts_with(letters) => return Place::Opened(length + 1),
            [b'?', ..] => Place::Instruction,
            [b'!', ..] if byte == b'>' => Place::Text,
            [b'!', ..] => Place::DocType,
            _ if byte == b'>' => Place::Text,
            _ => Place::Tag,
        };
        // The letters of the beginning are not those of an end: `<!-->` ends no comment.
        self.before = [0; 2];
        place
    }

    fn end(&mut self, mark: &[u8], into: &mut Vec<u8>) {
        // All of the mark but its last letter is cut off already, or kept.
        let missing = if self.cuts { mark } else { &mark[mark.len() - 1..] };
        for byte in missing {
            self.keep(*byte, into);
        }
        self.begin(Place::Text);
    }

    fn keep(&mut self, byte: u8, into: &mut Vec<u8>) {
        into.push(byte);
        self.out += 1;
        let counted = if matches!(self.place, Place::Value(_)) { &mut self.value } else { &mut self.kept };
        *counted += 1;
    }

    fn keep_or_cut(&mut self, byte: u8, into: &mut Vec<u8>) {
        // Never within a character.
        let is_full = if matches!(self.place, Place::Value(_)) { self.value >= KEPT_VALUE } else { self.kept >= KEPT };
        self.cuts |= is_full && byte & 0xc0 != 0x80;
        if !self.cuts {
            self.keep(byte, into);
        } else if byte == b'\n' {
            match self.lost.back_mut().filter(|(at, _)| *at == self.out) {
                Some((_, lines)) => *lines += 1,
                None => self.lost.push_back((self.out, 1)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trimmed(text: &str, piece: usize) -> Result<String, FeedError> {
        let (mut trim, mut out) = (Trim::default(), Vec::new());
        text.as_bytes().chunks(piece).try_for_each(|piece| trim.push(piece, &mut out))?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_is_too_long_keeps_its_beginning_and_its_end() {
        let long = "ы\n".repeat(KEPT);
        for (text, end) in [
            (format!("<a>{long}</a>"), "</a>"),
            (format!("<a><![CDATA[{long}]]></a>"), "]]></a>"),
            (format!("<a><![CDATA[{long}]]]]></a>"), "]]></a>"),
            (format!("<a><!--{long}--></a>"), "--></a>"),
            (format!("<a><!-->{long}--></a>"), "--></a>"),
            (format!("<a><?php {long}?></a>"), "?></a>"),
            (format!("<a b=\"{long}\" c='1'/>"), "\" c='1'/>"),
            (format!("<a b='{long}>\"'/>"), "'/>"),
            (format!("<a b='{long}' c='{long}'/>"), "'/>"),
            (format!("<a>{long}<b>{long}</b></a>"), "</b></a>"),
        ] {
            let whole = trimmed(&text, text.len()).unwrap();
            assert!(whole.len() < 3 * KEPT && whole.ends_with(end), "{}: {}", &text[..5], &whole[whole.len() - 8..]);
            assert_eq!(whole[..5], text[..5]);
            assert_eq!(trimmed(&text, 7).unwrap(), whole);
        }
        for text in [format!("<a {long}"), format!("<{long}>"), format!("<!DOCTYPE {long}>")] {
            assert!(matches!(trimmed(&text, 4096), Err(FeedError::Bomb(_))));
        }
    }

    proptest! {
        #[test]
        fn what_is_not_too_long_stays_as_it_is(text in "[-<>/a!?\\[\\]CDAT\"'&;= ы\n]{0,80}", piece in 1_usize..9) {
            prop_assert_eq!(trimmed(&text, piece).unwrap(), text);
        }
    }
}
