//! An item as DynamoDB has it, and how it is read.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;
use super::schema::{READABLE, SCHEMA};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// A record together with the version that the next write must name.
#[derive(Deserialize)]
pub(crate) struct Versioned<T> {
    pub(crate) version: u64,
    #[serde(flatten)]
    pub(crate) record: T,
}

pub(crate) fn read<T: DeserializeOwned>(key: &str, item: Item) -> Result<T, StoreError> {
    readable(key, &item)?;
    serde_dynamo::from_item(item).map_err(|error| StoreError::Unreadable { key: key.to_owned(), cause: error.to_string() })
}

/// The version that an item has; 0 if it has none.
pub(super) fn version_of(item: &Item) -> u64 {
    item.get("version").and_then(|version| version.as_n().ok()?.parse().ok()).unwrap_or(0)
}

/// Refuses an item of a schema that this code does not know.
pub(crate) fn readable(key: &str, item: &Item) -> Result<(), StoreError> {
    let schema = item.get("schema").and_then(|schema| schema.as_n().ok()?.parse().ok()).unwrap_or(SCHEMA);
    if schema > READABLE { Err(StoreError::Newer { key: key.to_owned(), schema }) } else { Ok(()) }
}
