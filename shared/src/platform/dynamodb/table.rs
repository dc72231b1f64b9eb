//! A table, and how long a request to it is made again.

use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::client::{OPERATION_LIMIT, timeouts};
use super::error::{StoreError, Written};
use super::refusals::{Attempt, Pauses, Refused};
use crate::platform::clock::Random;

/// Whether a read sees every write that was answered before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// It does: a decision about money is never made on an old copy.
    Strong,
    /// Mostly, at half the cost: for what is an estimate anyway.
    Eventual,
}

/// A table, and what all its items have in common.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) name: String,
    pub(crate) random: Random,
}

impl Table {
    /// By how much the limits of one answer are longer for its client than for DynamoDB itself ([`crate::platform::aws::slowness`]). How long is waited before a
    /// request is repeated, and how often, does not change with it.
    pub(crate) fn slowness(&self) -> u32 {
        let limit = self.client.config().timeout_config().and_then(TimeoutConfig::operation_timeout);
        limit.and_then(|limit| u32::try_from(limit.as_millis() / OPERATION_LIMIT.as_millis()).ok()).unwrap_or(1)
    }

    /// Another patience than the client's, for one request.
    pub(super) fn patience(&self, attempt: Duration, operation: Duration) -> aws_sdk_dynamodb::config::Builder {
        aws_sdk_dynamodb::Config::builder().timeout_config(timeouts(attempt, operation, self.slowness()))
    }

    /// Makes a request until it is decided, as long as waiting can help and there is time. In a box: the SDK's futures are deep, and
    /// would make every caller's deeper still.
    pub(crate) fn patiently<'a, T, F>(
        &'a self,
        action: &'static str,
        attempt: impl Fn() -> F + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>>
    where
        T: Send + 'a,
        F: Future<Output = Result<Attempt<T>, StoreError>> + Send + 'a,
    {
        Box::pin(async move {
            let failed = |cause: &str| StoreError::Failed { action, cause: cause.to_owned() };
            let began = Instant::now();
            let end = began + OPERATION_LIMIT * self.slowness();
            let mut pauses = Pauses::until(began + OPERATION_LIMIT, &self.random);
            let mut last = "no answer in time";
            loop {
                let Ok(tried) = tokio::time::timeout_at(end, attempt()).await else { return Err(failed(last)) };
                last = match tried? {
                    Attempt::Done(done) => return Ok(done),
                    Attempt::Refused(Refused::Condition) => return Err(failed("a condition failed")),
                    Attempt::Refused(Refused::InFlight) => "others keep writing the same item",
                    Attempt::Refused(Refused::Throttled) => "the table stays short of capacity",
                };
                tracing::debug!(action, cause = last, "throttled or in conflict");
                if !pauses.wait().await {
                    return Err(failed(last));
                }
            }
        })
    }

    /// The same of a write with a condition.
    pub(crate) fn written<'a, F>(
        &'a self,
        action: &'static str,
        attempt: impl Fn() -> F + Send + Sync + 'a,
    ) -> BoxFuture<'a, Result<Written, StoreError>>
    where
        F: Future<Output = Result<Attempt<Written>, StoreError>> + Send + 'a,
    {
        self.patiently(action, move || {
            let tried = attempt();
            async move {
                Ok(match tried.await? {
                    Attempt::Refused(Refused::Condition) => Attempt::Done(Written::Conflict),
                    Attempt::Refused(moment) => Attempt::Refused(moment),
                    Attempt::Done(written) => Attempt::Done(written),
                })
            }
        })
    }
}
