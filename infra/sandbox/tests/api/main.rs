//! The sandbox from outside: over HTTP, as people and IMSHOP's servers use it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api_gateway;
mod check;
mod costs;
mod deployment;
mod documents;
mod environment;
mod events;
mod measured;
mod measured_forms;
mod measured_keys;
mod pages;
mod phone_codes;
mod program;
mod queue;
mod runs;
mod schedule;
mod settings;
mod signature;
mod store;
mod stream;
mod tables;
