//! Mokka, payment in instalments: the API Factoring protocol (document "Mokka API Factoring", reference "Mokka").
//!
//! - [`signature`]: SHA-1 over the body as sent and the secret, in either order.
//! - [`types`]: what goes over the wire.
//! - [`Client`]: the calls.
//! - [`Error`] and [`Code`]: how a call can fail, whose fault it is, and whether something may have been done.
//!
//! Every method is a POST. "Repeated" says whether a call is sent a second time when no answer comes; a call that is refused
//! because of its signature (61) is sent once more in the other order of the signature, since nothing was done.
//!
//! | method | path below the base URL | repeated | if no answer comes ([`Error::Unavailable`]) |
//! |---|---|---|---|
//! | [`Client::registration`] | `factoring/v1/limit/auth` | no | a page may exist that was not seen; register again, nothing is lost |
//! | [`Client::limit`] | `api/external/v1/client/limit` | once | nothing has changed |
//! | [`Client::checkout`] | `factoring/v1/precheck/auth` | no | the order may exist; Status tells, and Checkout may be repeated with the same id until 22 |
//! | [`Client::schedule`] | `factoring/v1/schedule` | once | nothing has changed |
//! | [`Client::status`] | `factoring/v1/status` | once | nothing has changed |
//! | [`Client::change`] | `factoring/v1/precheck/change` | no | the amount may be the new one; Status tells |
//! | [`Client::cancel`] | `factoring/v1/precheck/cancel` | no | the hold may be gone; Status tells (`canceled`) |
//! | [`Client::finish`] | `factoring/v1/precheck/finish` | no | the hold may be captured; Status tells (`finished`); 23 and 80 mean the same: ask |
//! | [`Client::refund`] | `factoring/v1/return` | no | money may be on its way back; Status tells (`refunded`) only if it was everything |

mod client;
mod error;
pub mod signature;
pub mod types;

pub use client::{Client, Settings, Store};
pub use error::{Code, Error, Fault, Method, MokkaOutcome};
