//! The only place that knows how DynamoDB is spoken to. Every write is conditional, every item carries the version that the next write must
//! name, and every write carries a mark of its own, so that a write repeated by the SDK after a lost answer is known again. The
//! exceptions are the buckets of prices, each written once under a key that nobody else has, and what is deleted for good.
//!
//! # Changing what is stored
//!
//! While a release is deployed, and after it was rolled back, older and newer functions work on the same items. Two things keep
//! them from losing what the other has written:
//!
//! - **A write leaves alone what it does not know** (`dynamodb/writes.rs`): it sets the attributes that its record has, removes
//!   those that the record knows and has not, and touches no other. What is inside an attribute (a step of the history, a
//!   refund) is written as a whole.
//! - **An item of a newer schema is neither read nor written** ([`StoreError::Newer`]): the caller is asked to come again, no
//!   provider is called. Nothing is lost, but nobody gets on with that item until the newer functions are back.
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
//! `infra/upgrade/run` lets the functions of two releases take turns. A changed shape fails there until it is noted.
//!
//! Which table has which items is said where they are read: `payments/store`, `forms/store`.

pub(crate) mod batches;
pub(crate) mod pages;
pub(crate) mod refusals;
mod turns;
mod writes;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::config::BehaviorVersion;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::platform::aws::{Account, cause, http_client, slowness};
use crate::platform::clock::{Random, RandomError};
use crate::platform::env::Env;

pub use pages::{Cursor, CursorError, Page};
pub use turns::Turn;

use refusals::{Refused, Tried, Unanswered};
use writes::Write;

/// One attempt at one request; DynamoDB answers in single-digit milliseconds, so a slow one is a lost one.
pub(crate) const ATTEMPT_LIMIT: Duration = Duration::from_millis(900);
/// One attempt at a transaction, which takes longer beside others: the second one still has a second.
const TRANSACTION_LIMIT: Duration = Duration::from_millis(1500);
/// All attempts together.
pub(crate) const OPERATION_LIMIT: Duration = Duration::from_millis(2500);
/// What a call that changes something outside leaves of a request's time for recording how it came out. A request has 9 s;
/// even if the store then takes all of its own time, the caller is answered within 10.
pub const RECORDING: Duration = Duration::from_secs(2);

/// DynamoDB could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The request failed, or its outcome is not known.
    #[error("DynamoDB {action}: {cause}")]
    Failed {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        cause: String,
    },
    /// A write was made or not: its answer was lost, and what stands there since is another's.
    #[error("DynamoDB UpdateItem {key}: others wrote after an answer was lost")]
    InDoubt {
        /// The item's key.
        key: String,
    },
    /// An item that this code cannot read.
    #[error("the stored item {key} cannot be read: {cause}")]
    Unreadable {
        /// The item's key.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
    /// An item that newer functions have written in a shape that these do not know: it is theirs until they are back.
    #[error("the stored item {key} is of schema {schema}, these functions know {READABLE}: it is left to newer ones")]
    Newer {
        /// The item's key.
        key: String,
        /// The schema that it was written in.
        schema: u32,
    },
    /// A list was to go on where it never was.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// No random bytes for the write's mark.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// The word of a write that records what has happened already: in doubt, what stands there is read and says what is left to record. (A
/// write that announces something must not be taken so: nobody knows whether it is announced.)
pub(crate) fn recorded<T>(saved: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
    match saved {
        Err(StoreError::InDoubt { key }) => {
            tracing::warn!(key, "others wrote after an answer was lost: what stands there is read");
            Ok(None)
        }
        saved => saved,
    }
}

/// How a conditional write came out. What DynamoDB did not write for another reason than its condition is no conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// It is stored.
    Yes,
    /// Somebody else wrote first: read again.
    Conflict,
}

/// Reads `DYNAMODB_ENDPOINT` (this machine only) and the account.
pub fn client_from_env(env: &mut Env) -> Option<aws_sdk_dynamodb::Client> {
    let endpoint = env.optional_url("DYNAMODB_ENDPOINT");
    let Account { region, credentials } = Account::from_env(env)?;
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region)
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts(ATTEMPT_LIMIT, OPERATION_LIMIT, slowness(endpoint.as_ref())))
        .http_client(http_client());
    let config = match endpoint {
        Some(url) => config.endpoint_url(url.as_str()),
        None => config,
    };
    Some(aws_sdk_dynamodb::Client::from_conf(config.build()))
}

fn timeouts(attempt: Duration, operation: Duration, slowness: u32) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(500) * slowness)
        .operation_attempt_timeout(attempt * slowness)
        .operation_timeout(operation * slowness)
        .build()
}

/// A record together with the version that the next write must name.
#[derive(Deserialize)]
pub(crate) struct Versioned<T> {
    pub(crate) version: u64,
    #[serde(flatten)]
    pub(crate) record: T,
}

pub(crate) type Item = HashMap<String, AttributeValue>;

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

/// The version of the items' schema that this code writes.
pub(crate) const SCHEMA: u32 = 1;
/// The newest version of it that this code reads; as high as [`SCHEMA`] or, in the release before it is raised, one higher.
pub(crate) const READABLE: u32 = 1;
/// The condition of a write that does not read first: no item of a newer schema stands there. Names `#schema`, `:readable`.
pub(crate) const KNOWN: &str = "(attribute_not_exists(#schema) OR #schema <= :readable)";

impl Table {
    /// By how much the limits of one answer are longer for its client than for DynamoDB itself ([`slowness`]). How long is waited before a
    /// request is repeated, and how often, does not change with it.
    pub(crate) fn slowness(&self) -> u32 {
        let limit = self.client.config().timeout_config().and_then(TimeoutConfig::operation_timeout);
        limit.and_then(|limit| u32::try_from(limit.as_millis() / OPERATION_LIMIT.as_millis()).ok()).unwrap_or(1)
    }

    /// Another patience than the client's, for one request.
    fn patience(&self, attempt: Duration, operation: Duration) -> aws_sdk_dynamodb::config::Builder {
        aws_sdk_dynamodb::Config::builder().timeout_config(timeouts(attempt, operation, self.slowness()))
    }

    /// One cheap read that opens the connection while the function starts. Its result does not matter.
    pub(crate) async fn warm_up(&self) {
        drop(tokio::time::timeout(Duration::from_secs(1), self.get::<IgnoredAny>("warm-up")).await);
    }

    /// Reads an item, strongly consistent: a decision about money is never made on an old copy.
    pub(crate) async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        self.get_as(key, Consistency::Strong).await
    }

    /// Reads an item.
    pub(crate) async fn get_as<T: DeserializeOwned>(&self, key: &str, consistency: Consistency) -> Result<Option<T>, StoreError> {
        self.get_item(key, consistency).await?.map(|item| read(key, item)).transpose()
    }

    /// The same as it is stored.
    pub(crate) async fn get_item(&self, key: &str, consistency: Consistency) -> Result<Option<Item>, StoreError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", AttributeValue::S(key.to_owned()))
            .consistent_read(consistency == Consistency::Strong);
        let attempt = || async { Tried::of("GetItem", get.clone().send().await) };
        Ok(self.patiently("GetItem", attempt).await?.item)
    }

    /// Writes an item as version `version`, replacing exactly the version before it (none, for version 1).
    pub(crate) async fn put<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        version: u64,
        record: &T,
    ) -> Result<Written, StoreError> {
        let mark = self.random.hex32()?;
        let write = Write::new(key, version, &mark, record)?;
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", AttributeValue::S(key.to_owned()))
            .update_expression(write.expression)
            .condition_expression(write.condition)
            .set_expression_attribute_names(Some(write.names))
            .set_expression_attribute_values(Some(write.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mark = AttributeValue::S(mark);
        let unanswered = Unanswered::default();
        let attempt = || async {
            let sent = update.clone().customize().interceptor(unanswered.clone()).send().await;
            let Err(error) = sent else { return Ok(Tried::Done(Written::Yes)) };
            let standing = match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => refused.item(),
                _ => None,
            };
            match standing {
                // The SDK repeats a request whose answer was lost: then the item that stands in the way is this write.
                Some(item) if item.get("write_mark") == Some(&mark) => Ok(Tried::Done(Written::Yes)),
                // Or what others have written on top of it, perhaps.
                Some(item) if unanswered.is_any() && version_of(item) > version => {
                    Err(StoreError::InDoubt { key: key.to_owned() })
                }
                _ => Tried::of("UpdateItem", Err(error)),
            }
        };
        match self.written("UpdateItem", attempt).await {
            // The write may have been made all the same, and whoever goes on must know: nothing that it announces was begun yet.
            Err(error) if self.has_mark(key, &mark).await => {
                tracing::warn!(key, cause = %error, "a write without an answer is made");
                Ok(Written::Yes)
            }
            written => written,
        }
    }

    /// Whether an item stands as a write with this mark has left it; no, if that cannot be seen soon.
    async fn has_mark(&self, key: &str, mark: &AttributeValue) -> bool {
        let look = tokio::time::timeout(ATTEMPT_LIMIT * self.slowness(), self.get_item(key, Consistency::Strong)).await;
        look.ok().and_then(Result::ok).flatten().is_some_and(|item| item.get("write_mark") == Some(mark))
    }

    /// Deletes an item; whether it was there. A deletion repeated by the SDK after a lost answer finds nothing, which is said
    /// of one that was there, too: what counts is that it is gone.
    pub(crate) async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        let delete = self.client.delete_item().table_name(&self.name).key("pk", AttributeValue::S(key.to_owned()));
        let delete = delete.return_values(ReturnValue::AllOld);
        let attempt = || async { Tried::of("DeleteItem", delete.clone().send().await) };
        Ok(self.patiently("DeleteItem", attempt).await?.attributes.is_some())
    }

    /// The same write as a part of a transaction with the mark `mark`.
    pub(crate) fn put_in_transaction<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        version: u64,
        mark: &str,
        record: &T,
    ) -> Result<TransactWriteItem, StoreError> {
        Write::new(key, version, mark, record)?.in_transaction(&self.name, key)
    }

    /// Writes all of the items or none. The mark makes a repetition by the SDK after a lost answer the same transaction.
    pub(crate) async fn transact(&self, mark: &str, items: Vec<TransactWriteItem>) -> Result<Written, StoreError> {
        let write = self.client.transact_write_items().set_transact_items(Some(items)).client_request_token(mark);
        let attempt = || async {
            let sent = write.clone().customize().config_override(self.patience(TRANSACTION_LIMIT, OPERATION_LIMIT)).send().await;
            let Err(error) = sent else { return Ok(Tried::Done(Written::Yes)) };
            Refused::of_transaction(&error).map(Tried::Refused).ok_or_else(|| failed("TransactWriteItems", &error))
        };
        self.written("TransactWriteItems", attempt).await
    }
}

/// A request that lacks something: a fault of this code.
pub(crate) fn incomplete(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Failed { action: "TransactWriteItems", cause: error.to_string() }
}

pub(crate) fn read<T: DeserializeOwned>(key: &str, item: Item) -> Result<T, StoreError> {
    readable(key, &item)?;
    serde_dynamo::from_item(item).map_err(|error| StoreError::Unreadable { key: key.to_owned(), cause: error.to_string() })
}

/// The version that an item has; 0 if it has none.
fn version_of(item: &Item) -> u64 {
    item.get("version").and_then(|version| version.as_n().ok()?.parse().ok()).unwrap_or(0)
}

/// Refuses an item of a schema that this code does not know.
pub(crate) fn readable(key: &str, item: &Item) -> Result<(), StoreError> {
    let schema = item.get("schema").and_then(|schema| schema.as_n().ok()?.parse().ok()).unwrap_or(SCHEMA);
    if schema > READABLE { Err(StoreError::Newer { key: key.to_owned(), schema }) } else { Ok(()) }
}

pub(crate) fn failed<E: ProvideErrorMetadata>(action: &'static str, error: &SdkError<E>) -> StoreError {
    StoreError::Failed { action, cause: cause(error) }
}
