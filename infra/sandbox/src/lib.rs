//! The whole system on one machine: no account, no Docker, no network, nothing to install beyond the Rust toolchain.
//!
//! - [`template`]: reads `template.yaml`: which routes lead to which function, which tables there are, what else calls whom.
//! - [`dynamodb`]: an embedded DynamoDB with those tables.
//! - [`s3`]: an embedded S3, empty at first.
//! - [`queue`]: queues as SQS has them, and what is in them, given to the function that takes it.
//! - `standins` (a crate of its own): Mokka, SMSPRO, the shop and IMSHOP.
//! - [`functions`]: the functions as they are deployed, built from the same settings.
//! - [`gateway`]: turns HTTP requests into API Gateway's events and gives them to the functions.
//! - [`stream`], [`filter`]: what changes in a table, given to the function that reads its stream.
//! - [`schedule`]: what runs by the clock.
//! - [`world`]: starts all of it.
//! - [`check`]: reads the files that operations edit, before they are deployed.
//! - [`demo`]: plays the main job and prints what happens.
//! - [`costs`]: counts what the main job uses of AWS, and what that costs.
//! - [`testing`]: the same world for tests, one for each test.

pub mod check;
pub mod costs;
pub mod demo;
pub mod dynamodb;
pub mod filter;
pub mod functions;
pub mod gateway;
pub mod queue;
pub mod s3;
pub mod schedule;
pub mod settings;
pub mod stream;
pub mod template;
pub mod testing;
pub mod world;
