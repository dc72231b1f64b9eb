//! What every webhook of imshop-webhooks is made of. Modules in this order; a lower one never imports a higher one:
//!
//! - [`decoding`], [`plain`], [`money`], [`phone`], [`ids`], [`secret`], [`roles`], [`clock`], [`wire`], [`texts`], [`mod@env`], [`aws`],
//!   [`metrics`]: text as people paste it; plain types, parsed once and valid ever after; what a customer reads; settings from the
//!   environment; what is measured.
//! - [`outbound`], [`imshop`], [`mokka`], [`smspro`], [`shop`]: one room for each outside system: its messages, its client,
//!   its errors.
//! - [`payment`], [`challenge`], [`sms`], [`submission`], [`instalments`]: the payment, the code by SMS, the SMS itself and the
//!   form that was handed in as state machines, and what paying in instalments looks like, without I/O.
//! - [`store`], [`photos`], [`queue`]: the only places that know DynamoDB, S3 and SQS.
//! - [`gateway`], [`settle`], [`tell`], [`deliver`], [`forget`]: the providers behind one trait, the one way in which a payment moves
//!   forward, the one way in which IMSHOP hears of it, the one way in which a form gets to the shop, and the one way in which an
//!   order forgets its customer.
//! - [`http`]: requests in, answers out, one error contract.
//! - [`config`], [`telemetry`], [`document`], [`runtime`]: settings files, logs, the stage's secrets, and how a function starts.

pub mod aws;
pub mod challenge;
pub mod clock;
pub mod config;
pub mod decoding;
pub mod deliver;
pub mod document;
pub mod env;
pub mod forget;
pub mod gateway;
pub mod http;
pub mod ids;
pub mod imshop;
pub mod instalments;
pub mod metrics;
pub mod mokka;
pub mod money;
pub mod outbound;
pub mod payment;
pub mod phone;
pub mod photos;
pub mod plain;
pub mod queue;
pub mod roles;
pub mod runtime;
pub mod secret;
pub mod settle;
pub mod shop;
pub mod sms;
pub mod smspro;
pub mod store;
pub mod submission;
pub mod telemetry;
pub mod tell;
pub mod texts;
pub mod trust;
pub mod wire;
