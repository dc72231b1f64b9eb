//! SMSPRO, one-time codes by SMS (document "Nikita SMSPRO OTP", reference "SMSPRO").
//!
//! - [`Client`]: sends a code, checks a code.
//! - [`Error`] and [`Code`]: how a call can fail, and whose fault it is.
//! - [`Token`]: what stands for a sent code; it stays with us.
//! - [`read_reports`] and [`Reports`]: what became of an SMS, as SMSPRO pushes it and as it answers; [`DeliveryStatus`] names it.

mod client;
mod error;
mod reports;
mod types;
mod xml;

pub use client::{Client, Settings};
pub use error::{Code, Error};
pub use reports::{AskCode, AskError, DeliveryReport, DeliveryStatus, Reports, read_reports};
pub use types::{Token, TokenError};
pub use xml::Malformed;
