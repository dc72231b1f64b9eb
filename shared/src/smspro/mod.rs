//! SMSPRO, one-time codes by SMS (document "Nikita SMSPRO OTP", reference "SMSPRO").
//!
//! - [`Client`]: sends a code, checks a code.
//! - [`Error`] and [`Code`]: how a call can fail, and whose fault it is.
//! - [`Token`]: what stands for a sent code; it stays with us.

mod client;
mod error;
mod types;

pub use client::{Client, Settings};
pub use error::{Code, Error};
pub use types::{Token, TokenError};
