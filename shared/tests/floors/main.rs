//! The plan of the rooms, held by the code itself: which floor may import which, and that no files import each other in a circle.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod circles;
mod rules;
mod source;
