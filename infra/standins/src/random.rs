//! Tokens and codes that are not guessed by accident.
//!
//! The standard library's hasher keys are seeded by the operating system, which is enough here: nothing in a sandbox is
//! worth attacking, and this way making a token cannot fail.

use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};

fn number() -> u64 {
    RandomState::new().hash_one(0_u8)
}

/// 32 lower-case hex digits.
pub(crate) fn token() -> String {
    let mut token = String::with_capacity(32);
    for _ in 0..2 {
        // Writing to a String cannot fail.
        let _ = write!(token, "{:016x}", number());
    }
    token
}

/// An id in the form of a UUID: 36 characters.
pub(crate) fn uuid() -> String {
    let token = token();
    let part = |range| token.get(range).unwrap_or_default();
    format!("{}-{}-5{}-8{}-{}", part(0..8), part(8..12), part(12..15), part(15..18), part(20..32))
}

/// A code of `length` characters of `alphabet`; digits if the alphabet is empty.
pub(crate) fn code(alphabet: &str, length: usize) -> String {
    let alphabet: Vec<char> = if alphabet.is_empty() { ('0'..='9').collect() } else { alphabet.chars().collect() };
    (0..length).filter_map(|_| alphabet.get(below(alphabet.len()))).collect()
}

fn below(limit: usize) -> usize {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
    usize::try_from(number() % limit).unwrap_or(0)
}
