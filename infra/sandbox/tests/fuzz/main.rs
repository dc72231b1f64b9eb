//! Whatever the world sends: every decoder gets inputs made of a corpus, and of nothing.
//!
//! `corpus/` has a folder for each decoder, with what public bug reports and real shops, phones and feeds sent, and examples of our own.
//! [`input`] changes them byte by byte and piece by piece, and repeats pieces of them until they are large. For each input:
//!
//! - nothing panics, caught or not;
//! - nothing is answered with 5xx, and what is refused is told where: a 400 names the field, the place or the body;
//! - what is canonical stays as it is when it is read again;
//! - the whole process stays small ([`trial`]).
//!
//! `FUZZ_CASES` sets how many inputs each decoder gets (48 without it). A failing input is shrunk and shown; what it taught belongs
//! into the corpus.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod input;
mod store;
mod text;
mod trial;
mod wire;
