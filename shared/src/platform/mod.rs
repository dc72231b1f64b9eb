//! What every webhook stands on, whatever it is about. It knows neither payments nor forms (`shared/tests/floors`).
//!
//! - Plain types, parsed once and valid ever after: [`money`], [`phone`], [`ids`], [`secret`], [`clock`], [`roles`] (the back office's
//!   keys).
//! - Text as people and programs write it: [`decoding`] (bytes to text), [`plain`] (characters), [`wire`] (lenient JSON), [`texts`].
//! - A request in, an answer out, one error contract: [`http`]. A call to an outside system: [`outbound`], [`trust`]; a message that
//!   is signed: [`webhook`].
//! - AWS: [`aws`] (the account), [`dynamodb`] (tables, conditional writes, pages, leases), [`queue`] (SQS), [`secrets_manager`]
//!   (the stage's secrets).
//! - Settings: [`mod@env`] (the environment), [`config`] (files).
//! - What is seen from outside: [`metrics`], [`telemetry`] (logs).
//! - How a function starts and runs: [`runtime`].

pub mod aws;
pub mod clock;
pub mod config;
pub mod decoding;
pub mod dynamodb;
pub mod env;
pub mod http;
pub mod ids;
pub mod metrics;
pub mod money;
pub mod outbound;
pub mod phone;
pub mod plain;
pub mod queue;
pub mod roles;
pub mod runtime;
pub mod secret;
pub mod secrets_manager;
pub mod telemetry;
pub mod texts;
pub mod trust;
pub mod webhook;
pub mod wire;
