//! Speaks HTTP to the stand-ins, as their callers do.
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod control;
mod faults;
mod form;
mod mokka;
mod shop;
mod smspro;
mod world;
