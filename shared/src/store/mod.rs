//! The only place that knows DynamoDB. Every write is conditional, every item carries the version that the next write must
//! name, and every write carries a mark of its own, so that a write repeated by the SDK after a lost answer is known again.
//!
//! - `order-holds`: `order#{orderUuid}`, `payment#{paymentId}`, the fiscal documents of captures to come, and customers'
//!   requests for a limit, `registration#{id}` ([`Orders`]).
//! - `otp-tokens`: `challenge#…`, `sends#…`, `count#…`, `form#…` ([`Otp`](otp::Otp)).

mod documents;
mod lists;
mod orders;
pub mod otp;
mod otp_records;
mod quotas;
mod records;
mod registrations;

use std::collections::HashMap;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::{Random, RandomError};
use crate::env::Env;

pub use lists::{Cursor, CursorError, Page};
pub use orders::Orders;
pub use registrations::{Decided, Registration};

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

/// Reads `DYNAMODB_ENDPOINT` (this machine only), `AWS_REGION` and the credentials that Lambda puts into the environment.
/// The SDK's whole chain of providers is not needed there, and costs time at every cold start.
pub fn client_from_env(env: &mut Env) -> Option<aws_sdk_dynamodb::Client> {
    let endpoint = env.optional_url("DYNAMODB_ENDPOINT");
    let region = env.required("AWS_REGION");
    let access_key = env.required("AWS_ACCESS_KEY_ID");
    let secret_key = env.required("AWS_SECRET_ACCESS_KEY");
    let session_token = env.optional("AWS_SESSION_TOKEN");
    let credentials = Credentials::new(access_key?, secret_key?, session_token, None, "environment");
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(500))
        .operation_attempt_timeout(ATTEMPT_LIMIT)
        .operation_timeout(OPERATION_LIMIT)
        .build();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region?))
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts);
    let config = match endpoint {
        // Plain HTTP on this machine: a connector that loads no root certificates.
        Some(url) if url.scheme() == "http" => config.endpoint_url(url.as_str()).http_client(plain_http()),
        Some(url) => config.endpoint_url(url.as_str()),
        None => config,
    };
    Some(aws_sdk_dynamodb::Client::from_conf(config.build()))
}

fn plain_http() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

type Item = HashMap<String, AttributeValue>;

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

/// How many keys DynamoDB gives back at once, `BatchGetItem`.
const BATCH: usize = 100;
/// How often keys that DynamoDB left unread are asked for again.
const BATCH_ROUNDS: u32 = 5;

/// The version of the items' schema that this code writes.
const SCHEMA: u32 = 1;

impl Table {
    /// Reads an item, strongly consistent: a decision about money is never made on an old copy.
    async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        self.get_item(key).await?.map(|item| read(key, item)).transpose()
    }

    /// The same as it is stored.
    async fn get_item(&self, key: &str) -> Result<Option<Item>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", AttributeValue::S(key.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("GetItem", &error))?;
        Ok(output.item)
    }

    /// Items by their keys, strongly consistent.
    async fn items(&self, keys: Vec<String>) -> Result<HashMap<String, Item>, StoreError> {
        let mut items = HashMap::new();
        for batch in keys.chunks(BATCH) {
            let mut wanted: Vec<_> =
                batch.iter().map(|key| HashMap::from([("pk".to_owned(), AttributeValue::S(key.clone()))])).collect();
            for _ in 0..BATCH_ROUNDS {
                let request = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build();
                let request = request.map_err(|error| incomplete(&error))?;
                let read = self.client.batch_get_item().request_items(&self.name, request);
                let output = read.send().await.map_err(|error| failed("BatchGetItem", &error))?;
                for item in output.responses.unwrap_or_default().into_values().flatten() {
                    if let Some(AttributeValue::S(key)) = item.get("pk") {
                        items.insert(key.clone(), item);
                    }
                }
                wanted = output.unprocessed_keys.unwrap_or_default().into_values().flat_map(|left| left.keys).collect();
                if wanted.is_empty() {
                    break;
                }
            }
            if !wanted.is_empty() {
                return Err(StoreError::Failed { action: "BatchGetItem", cause: "left keys unread".to_owned() });
            }
        }
        Ok(items)
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

fn failed<E: ProvideErrorMetadata + std::error::Error>(action: &'static str, error: &SdkError<E>) -> StoreError {
    let cause = match error {
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(_) => "could not be reached".to_owned(),
        SdkError::ServiceError(service) => service.err().code().unwrap_or("refused without a code").to_owned(),
        SdkError::ConstructionFailure(_) => "the request could not be built".to_owned(),
        SdkError::ResponseError(_) | _ => "the answer could not be read".to_owned(),
    };
    StoreError::Failed { action, cause }
}
