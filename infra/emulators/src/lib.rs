//! AWS on one machine, as `template.yaml` has it. Knows no function: the program that starts it says what is called.
//!
//! - [`template`]: reads `template.yaml`: which routes lead to which function, which tables there are, what else calls whom.
//! - [`dynamodb`]: an embedded DynamoDB with those tables.
//! - [`tap`]: the line to it, on which it behaves as the real one does, and goes wrong on demand.
//! - [`s3`]: an embedded S3, empty at first.
//! - [`queue`]: queues as SQS has them, and what is in them, given to the function that takes it.
//! - [`functions`]: functions by their names, called with Lambda's events.
//! - [`api_gateway`]: turns HTTP requests into API Gateway's events and gives them to the functions.
//! - [`stream`], [`filter`]: what changes in a table, given to the function that reads its stream.
//! - [`scheduler`]: what runs by the clock.

pub mod api_gateway;
mod cut;
pub mod dynamodb;
pub mod filter;
pub mod functions;
pub mod queue;
pub mod s3;
pub mod scheduler;
pub mod stream;
pub mod tap;
pub mod template;
