//! A table, and how long a request to it is made again.

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::client::OPERATION_LIMIT;
use super::error::{StoreError, Written};
use super::refusals::{Pauses, Refused, Tried};
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
    /// Makes a request until it is decided, as long as waiting can help and there is time. In a box: the SDK's futures are deep, and
    /// would make every caller's deeper still.
    pub(crate) fn patiently<'a, T, F>(
        &'a self,
        action: &'static str,
        attempt: impl Fn() -> F + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>>
    where
        T: Send + 'a,
        F: Future<Output = Result<Tried<T>, StoreError>> + Send + 'a,
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
                    Tried::Done(done) => return Ok(done),
                    Tried::Refused(Refused::Condition) => return Err(failed("a condition failed")),
                    Tried::Refused(Refused::InFlight) => "others keep writing the same item",
                    Tried::Refused(Refused::Throttled) => "the table stays short of capacity",
                };
                tracing::debug!(action, cause = last, "not done yet");
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
        F: Future<Output = Result<Tried<Written>, StoreError>> + Send + 'a,
    {
        self.patiently(action, move || {
            let tried = attempt();
            async move {
                Ok(match tried.await? {
                    Tried::Refused(Refused::Condition) => Tried::Done(Written::Conflict),
                    Tried::Refused(moment) => Tried::Refused(moment),
                    Tried::Done(written) => Tried::Done(written),
                })
            }
        })
    }
}
