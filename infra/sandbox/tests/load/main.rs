//! Many payments, and an IMSHOP that is away for long.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test that cannot go on has failed, and says what it measured")]

mod crowd;
mod outage;
