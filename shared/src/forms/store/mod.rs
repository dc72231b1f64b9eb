//! What is stored of codes and forms. Only these files know the items' shapes; how an item is read and written is
//! [`dynamodb`](crate::platform::dynamodb)'s.
//!
//! - `otp-tokens`: `challenge#…`, `sends#…`, `count#…`, `sms#…`, `conversion#…`, `erasure#…` ([`Otp`](otp::Otp)).
//! - `forms`: what customers handed in, `form#{submission}` ([`Submissions`](submissions::Submissions)).

mod challenges;
mod erasures;
pub mod otp;
mod otp_records;
mod quota_counters;
mod sms;
pub mod submissions;
