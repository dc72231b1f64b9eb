//! YooKassa API v3: payments on its card page, captures, refunds (reference "Card gateways", section 1).
//!
//! - [`types`]: what goes over the wire.
//! - [`Client`]: the calls.
//! - [`Operation`]: an idempotence key with the body that belongs to it.
//! - [`Error`], [`Refusal`] and [`Cause`]: how a call can fail, and whether something may have been done.
//!
//! Credentials are the shop's id and secret key (HTTP Basic). Each POST carries an `Idempotence-Key`, which lives for 24 hours: the same key
//! with the same body is answered as the first time, so that a call without an answer is repeated with both. With another body it
//! is refused ([`Cause::KeyReused`]).
//!
//! | method | call below the base URL | sent again by itself | if no answer comes ([`Error::Unknown`]) |
//! |---|---|---|---|
//! | [`Client::create_payment`] | `POST payments` | no | the payment may exist; the same operation again answers with it |
//! | [`Client::payment`], [`Client::payments`] | `GET payments…` | once | nothing has changed |
//! | [`Client::capture`] | `POST payments/{id}/capture` | no | it may be captured; the same operation again, or [`Client::payment`] |
//! | [`Client::cancel`] | `POST payments/{id}/cancel` | no | the hold may be gone; likewise |
//! | [`Client::create_refund`] | `POST refunds` | no | the refund may exist; the same operation again answers with it |
//! | [`Client::refund`], [`Client::refunds`] | `GET refunds…` | once | nothing has changed |
//! | [`Client::me`] | `GET me` | once | nothing has changed |
//!
//! After a refused capture, cancel or refund the payment is to be read: an earlier call may have done what was asked.

mod client;
mod error;
mod operation;
pub mod types;

pub use client::{Client, Settings};
pub use error::{Cause, Code, Error, Refusal};
pub use operation::Operation;
