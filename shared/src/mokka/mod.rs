//! Mokka, payment in instalments: the API Factoring protocol (document "Mokka API Factoring", reference "Mokka").
//!
//! - [`signature`]: SHA-1 over the body as sent and the secret, in either order.
//! - [`types`]: what goes over the wire.
//! - [`Client`]: the calls.
//! - [`Error`] and [`Code`]: how a call can fail, and whose fault it is.

mod client;
mod error;
pub mod signature;
pub mod types;

pub use client::{Client, Settings, Store};
pub use error::{Code, Error};
