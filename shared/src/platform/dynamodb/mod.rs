//! The only place that knows how DynamoDB is spoken to. Every write is conditional, every item carries the version that the next write must
//! name, and every write carries a mark of its own, so that a write repeated by the SDK after a lost answer is known again. The
//! exceptions are the buckets of prices, each written once under a key of its own, and what is deleted for good.
//!
//! # Changing what is stored
//!
//! While a release is deployed, and after it was rolled back, older and newer functions work on the same items. Two things keep
//! them from losing what the other has written:
//!
//! - **A write preserves unknown attributes** (`dynamodb/writes.rs`): it sets the attributes that its record has, removes
//!   those that the record knows and has not, and touches no other. What is inside an attribute (a step of the history, a
//!   refund) is written as a whole.
//! - **An item of a newer schema is neither read nor written** ([`StoreError::Newer`]): the caller is asked to come again, no
//!   provider is called. Nothing is lost, but that item waits until the newer functions are back.
//!
//! So a change is one of these:
//!
//! 1. *An attribute is added* on which nothing depends that older functions do: make it optional (`#[serde(default)]`), at the
//!    top of the item. The schema stays; older functions carry it along.
//! 2. *Anything else* (a field inside a list or a map, a new state or kind, another meaning, one that must change whenever
//!    another does): two releases. The first reads the new shape and raises `READABLE`; the next, once no older function can
//!    come back, writes it and raises `SCHEMA`.
//! 3. *An attribute goes*: the first release reads without it, the next no longer writes it. It is never given another meaning.
//!
//! What every release has stored is kept in `infra/sandbox/tests/releases/fixtures`, read by today's code and played to its end;
//! `infra/upgrade/run` plays a rolling upgrade with the functions of two releases. A changed shape fails there until it is noted.
//!
//! Which table has which items is said where they are read: `payments/store`, `forms/store`.
//!
//! # Files
//!
//! `client`, `table`: where requests go. `items`, `batches`, `pages`: one item, many, and lists. `writes`: what a write says.
//! `run_lease`: one run at a time of what a schedule starts. `refusals`, `error`: what DynamoDB refuses, and the outcome. `schema`, `item`:
//! what every item has.

mod batches;
mod client;
mod error;
mod item;
mod items;
mod pages;
mod refusals;
mod run_lease;
mod schema;
mod table;
mod writes;

pub use client::{RECORDING, client_from_env};
pub use error::{CursorError, StoreError, Written};
pub use pages::{Cursor, Page};
pub use run_lease::{EndedRun, LastRun, RunLease};

pub(crate) use batches::{Reading, WRITTEN_AT_ONCE};
pub(crate) use client::OPERATION_LIMIT;
pub(crate) use error::{failed, incomplete, recorded};
pub(crate) use item::{Item, Versioned, read, readable};
pub(crate) use pages::{Lookup, passed_over};
pub(crate) use refusals::Attempt;
pub(crate) use schema::{KNOWN, READABLE, SCHEMA};
pub(crate) use table::{Consistency, Table};
