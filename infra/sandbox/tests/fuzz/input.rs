//! Inputs: a file of the corpus, changed a few times.

use std::fmt;
use std::fs;
use std::ops::Deref;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The largest input, in bytes.
const MOST: usize = 256 * 1024;
/// What decoders are known to stumble over.
const PIECES: [&[u8]; 40] = [
    b"",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc3\x28",
    "\u{fffd}".as_bytes(),
    "\u{200b}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{a0}".as_bytes(),
    "\u{ff11}\u{0661}".as_bytes(),
    "\u{fdfa}".as_bytes(),
    "é e\u{301}".as_bytes(),
    "👨‍👩‍👧".as_bytes(),
    b"null",
    b"true",
    b"-0",
    b"1e400",
    b"0.1e-400",
    b"99999999999999999999",
    b"389.70000000000005",
    b"1 299,00",
    b"[",
    b"{\"\":0},",
    b"\"\\ud83d\"",
    b"\\u0000",
    b"}",
    b"\"",
    b"<",
    b"<a>",
    b"</a>",
    b"&amp;&#0;&#x110000;&x;",
    b"<![CDATA[]]>",
    b"<!DOCTYPE a [<!ENTITY x \"y\">]>",
    b"<?xml version=\"1.0\" encoding=\"utf-7\"?>",
    b"data:image/png;base64,",
    b"=+-_/",
    b"%00%2F+",
];

/// What a decoder gets; shown as people can read it.
#[derive(Clone)]
pub(crate) struct Input(pub(crate) Vec<u8>);

impl Deref for Input {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self).escape_debug().to_string())
    }
}

/// A change of an input.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, u8),
    Insert(Index, &'static [u8]),
    Remove(Index, usize),
    /// A piece, so many times more.
    Repeat(Index, usize, usize),
    /// What another file has from there on.
    Graft(Index, Index, Index),
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        4 => (at(), select(&PIECES[..])).prop_map(|(at, piece)| Change::Insert(at, piece)),
        2 => (at(), 1..64_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        2 => (at(), 1..48_usize, 1..4_usize).prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
        1 => (at(), 1..16_usize, 500..20_000_usize).prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
        1 => (at(), at(), at()).prop_map(|(at, file, from)| Change::Graft(at, file, from)),
        1 => at().prop_map(Change::Cut),
    ]
}

impl Change {
    fn of(&self, mut bytes: Vec<u8>, corpus: &[Input]) -> Vec<u8> {
        let place = |index: &Index, length: usize| index.index(length + 1);
        match self {
            Self::Replace(at, byte) => {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
            }
            Self::Insert(at, piece) => {
                let at = place(at, bytes.len());
                bytes.splice(at..at, piece.iter().copied());
            }
            Self::Remove(at, length) => {
                let at = place(at, bytes.len());
                bytes.drain(at..bytes.len().min(at + length));
            }
            Self::Repeat(at, length, times) => {
                let at = place(at, bytes.len());
                let piece = bytes[at..bytes.len().min(at + length)].repeat(*times);
                bytes.splice(at..at, piece);
            }
            Self::Graft(at, file, from) => {
                let other = &corpus[file.index(corpus.len())];
                bytes.truncate(place(at, bytes.len()));
                bytes.extend_from_slice(&other[place(from, other.len())..]);
            }
            Self::Cut(at) => bytes.truncate(place(at, bytes.len())),
        }
        bytes.truncate(MOST);
        bytes
    }
}

/// The files of a folder of the corpus, in their order.
pub(crate) fn corpus(folder: &str) -> Vec<Input> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| Input(fs::read(file).unwrap())).collect()
}

/// Changed files of the corpus, and now and then bytes that never were in it.
pub(crate) fn inputs(corpus: Vec<Input>) -> BoxedStrategy<Input> {
    assert!(!corpus.is_empty());
    let changed = (any::<Index>(), vec(change(), 0..5)).prop_map(move |(file, changes)| {
        let Input(whole) = corpus[file.index(corpus.len())].clone();
        changes.iter().fold(whole, |bytes, change| change.of(bytes, &corpus))
    });
    prop_oneof![15 => changed, 1 => vec(any::<u8>(), 0..400)].prop_map(Input).boxed()
}
