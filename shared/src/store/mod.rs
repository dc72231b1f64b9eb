//! The only place that knows DynamoDB. Every write is conditional, every item carries the version that the next write must
//! name, and every write carries a mark of its own, so that a write repeated by the SDK after a lost answer is known again. The
//! exceptions are the buckets of prices, each written once under a key that nobody else has, and what is deleted for good.
//!
//! - `order-holds`: `order#{orderUuid}`, `payment#{paymentId}`, the fiscal documents of captures to come, and customers'
//!   requests for a limit, `registration#{id}` ([`Orders`]).
//! - `otp-tokens`: `challenge#…`, `sends#…`, `count#…`, `sms#…`, `conversion#…` ([`Otp`](otp::Otp)).
//! - `forms`: what customers handed in, `form#{submission}` ([`Submissions`](submissions::Submissions)).
//! - `quotes`: what can be made again at any time ([`Quotes`]): `prices`, `prices#…` ([`Prices`](prices::Prices)), `schedule#…`
//!   ([`Schedules`]).

mod batches;
mod documents;
mod lists;
mod orders;
pub mod otp;
mod otp_records;
mod pages;
pub mod prices;
mod quotas;
mod quotes;
mod records;
mod registrations;
mod schedules;
mod sms;
pub mod submissions;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::config::BehaviorVersion;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::aws::{Account, cause, plain_http};
use crate::clock::{Random, RandomError};
use crate::env::Env;

pub use orders::Orders;
pub use pages::{Cursor, CursorError, Page};
pub use quotes::Quotes;
pub use registrations::{Decided, Registration};
pub use schedules::Schedules;

/// One attempt at one request; DynamoDB answers in single-digit milliseconds, so a slow one is a lost one.
const ATTEMPT_LIMIT: Duration = Duration::from_millis(900);
/// All attempts together.
const OPERATION_LIMIT: Duration = Duration::from_millis(2500);
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
    /// An item that this code cannot read.
    #[error("the stored item {key} cannot be read: {cause}")]
    Unreadable {
        /// The item's key.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A list was to go on where it never was.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// No random bytes for the write's mark.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// How a conditional write came out.
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
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(500))
        .operation_attempt_timeout(ATTEMPT_LIMIT)
        .operation_timeout(OPERATION_LIMIT)
        .build();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region)
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts);
    let config = match endpoint {
        Some(url) if url.scheme() == "http" => config.endpoint_url(url.as_str()).http_client(plain_http()),
        Some(url) => config.endpoint_url(url.as_str()),
        None => config,
    };
    Some(aws_sdk_dynamodb::Client::from_conf(config.build()))
}

type Item = HashMap<String, AttributeValue>;

/// Whether a read sees every write that was answered before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Consistency {
    /// It does: a decision about money is never made on an old copy.
    Strong,
    /// Mostly, at half the cost: for what is an estimate anyway.
    Eventual,
}

/// A table, and what all its items have in common.
#[derive(Clone, Debug)]
struct Table {
    client: aws_sdk_dynamodb::Client,
    name: String,
    random: Random,
}

/// What every item has beside its own attributes.
#[derive(Serialize)]
struct Envelope<'a, T> {
    pk: &'a str,
    /// The schema's version, so that newer code can read older items.
    schema: u32,
    version: u64,
    write_mark: &'a str,
    #[serde(flatten)]
    record: &'a T,
}

/// The version of the items' schema that this code writes.
const SCHEMA: u32 = 1;

impl Table {
    /// One cheap read that opens the connection while the function starts. Its result does not matter.
    async fn warm_up(&self) {
        drop(tokio::time::timeout(Duration::from_secs(1), self.get::<IgnoredAny>("warm-up")).await);
    }

    /// Reads an item, strongly consistent: a decision about money is never made on an old copy.
    async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        self.get_as(key, Consistency::Strong).await
    }

    /// Reads an item.
    async fn get_as<T: DeserializeOwned>(&self, key: &str, consistency: Consistency) -> Result<Option<T>, StoreError> {
        self.get_item(key, consistency).await?.map(|item| read(key, item)).transpose()
    }

    /// The same as it is stored.
    async fn get_item(&self, key: &str, consistency: Consistency) -> Result<Option<Item>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", AttributeValue::S(key.to_owned()))
            .consistent_read(consistency == Consistency::Strong)
            .send()
            .await
            .map_err(|error| failed("GetItem", &error))?;
        Ok(output.item)
    }

    fn item<T: Serialize>(key: &str, version: u64, mark: &str, record: &T) -> Result<Item, StoreError> {
        let envelope = Envelope { pk: key, schema: SCHEMA, version, write_mark: mark, record };
        serde_dynamo::to_item(envelope).map_err(|error| StoreError::Unreadable { key: key.to_owned(), cause: error.to_string() })
    }

    /// Writes an item as version `version`, replacing exactly the version before it (none, for version 1).
    async fn put<T: Serialize>(&self, key: &str, version: u64, record: &T) -> Result<Written, StoreError> {
        let mark = self.random.hex32()?;
        let condition = Condition::replaces_before(version);
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(Self::item(key, version, &mark, record)?))
            .condition_expression(condition.expression)
            .set_expression_attribute_names(condition.names)
            .set_expression_attribute_values(condition.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(Written::Yes),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    // The SDK repeats a request whose answer was lost: then the item that stands in the way is this write.
                    let ours = refused.item().and_then(|item| item.get("write_mark")) == Some(&AttributeValue::S(mark));
                    Ok(if ours { Written::Yes } else { Written::Conflict })
                }
                Some(PutItemError::TransactionConflictException(_)) => Ok(Written::Conflict),
                _ => Err(failed("PutItem", &error)),
            },
        }
    }

    /// Deletes an item; whether it was there. A deletion repeated by the SDK after a lost answer finds nothing, which is said
    /// of one that was there, too: what counts is that it is gone.
    async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        let delete = self.client.delete_item().table_name(&self.name).key("pk", AttributeValue::S(key.to_owned()));
        let output = delete.return_values(ReturnValue::AllOld).send().await.map_err(|error| failed("DeleteItem", &error))?;
        Ok(output.attributes.is_some())
    }

    /// The same write as a part of a transaction with the mark `mark`.
    fn put_in_transaction<T: Serialize>(
        &self,
        key: &str,
        version: u64,
        mark: &str,
        record: &T,
    ) -> Result<TransactWriteItem, StoreError> {
        let condition = Condition::replaces_before(version);
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(Self::item(key, version, mark, record)?))
            .condition_expression(condition.expression)
            .set_expression_attribute_names(condition.names)
            .set_expression_attribute_values(condition.values);
        Ok(TransactWriteItem::builder().put(put.build().map_err(|error| incomplete(&error))?).build())
    }

    /// Writes all of the items or none. The mark makes a repetition by the SDK after a lost answer the same transaction.
    async fn transact(&self, mark: &str, items: Vec<TransactWriteItem>) -> Result<Written, StoreError> {
        let write = self.client.transact_write_items().set_transact_items(Some(items)).client_request_token(mark);
        match write.send().await {
            Ok(_) => Ok(Written::Yes),
            Err(error) => match error.as_service_error() {
                Some(
                    TransactWriteItemsError::TransactionCanceledException(_)
                    | TransactWriteItemsError::TransactionInProgressException(_),
                ) => Ok(Written::Conflict),
                _ => Err(failed("TransactWriteItems", &error)),
            },
        }
    }
}

/// What must stand in an item's place before it is written.
struct Condition {
    expression: &'static str,
    names: Option<HashMap<String, String>>,
    values: Option<Item>,
}

impl Condition {
    /// Exactly the version before `version`; nothing, for version 1.
    fn replaces_before(version: u64) -> Self {
        if version == 1 {
            return Self { expression: "attribute_not_exists(pk)", names: None, values: None };
        }
        let before = AttributeValue::N((version - 1).to_string());
        Self {
            expression: "#version = :before",
            names: Some(HashMap::from([("#version".to_owned(), "version".to_owned())])),
            values: Some(HashMap::from([(":before".to_owned(), before)])),
        }
    }
}

/// A request that lacks something: a fault of this code.
fn incomplete(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Failed { action: "TransactWriteItems", cause: error.to_string() }
}

fn read<T: DeserializeOwned>(key: &str, item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::Unreadable { key: key.to_owned(), cause: error.to_string() })
}

fn failed<E: ProvideErrorMetadata>(action: &'static str, error: &SdkError<E>) -> StoreError {
    StoreError::Failed { action, cause: cause(error) }
}
