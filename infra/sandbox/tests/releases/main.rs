//! What is stored outlives the code that has stored it. Every release leaves what its functions stored in every kind of state
//! (`fixtures/{version}`, invented data); today's functions read it and bring each of it to its end. And what a newer release
//! may have stored, today's functions either carry along or leave alone.
//!
//! A release is kept by `cargo test -p sandbox --test releases -- --ignored` when its version is in `Cargo.toml`; the folder is
//! committed with it, and `fixtures/unreleased.txt` emptied. It is never written again.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and says how far it came"
)]

mod deployment;
mod ends;
mod keep;
mod newer;
mod shapes;
mod stored;
mod stories;
