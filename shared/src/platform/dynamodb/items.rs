//! One item, read and written, and several in one transaction.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::client::{ATTEMPT_LIMIT, OPERATION_LIMIT, TRANSACTION_LIMIT};
use super::error::{StoreError, Written, failed};
use super::item::{Item, read, version_of};
use super::refusals::{Attempt, Refused, Unanswered};
use super::table::{Consistency, Table};
use super::writes::Write;

impl Table {
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
        let attempt = || async { Attempt::of("GetItem", get.clone().send().await) };
        Ok(self.patiently("GetItem", attempt).await?.item)
    }

    /// An update of the item `key`, of which nothing is said yet.
    pub(crate) fn update(&self, key: impl Into<String>) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.name).key("pk", AttributeValue::S(key.into()))
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
            .update(key)
            .update_expression(write.expression)
            .condition_expression(write.condition)
            .set_expression_attribute_names(Some(write.names))
            .set_expression_attribute_values(Some(write.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mark = AttributeValue::S(mark);
        let unanswered = Unanswered::default();
        let attempt = || async {
            let sent = update.clone().customize().interceptor(unanswered.clone()).send().await;
            let Err(error) = sent else { return Ok(Attempt::Done(Written::Yes)) };
            let standing = match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => refused.item(),
                _ => None,
            };
            match standing {
                // The SDK repeats a request whose answer was lost: then the item that stands in the way is this write.
                Some(item) if item.get("write_mark") == Some(&mark) => Ok(Attempt::Done(Written::Yes)),
                // Or what others have written on top of it, perhaps.
                Some(item) if unanswered.is_any() && version_of(item) > version => {
                    Err(StoreError::InDoubt { key: key.to_owned() })
                }
                _ => Attempt::of("UpdateItem", Err(error)),
            }
        };
        match self.written("UpdateItem", attempt).await {
            // The write may have been made all the same, and the caller must know: nothing that it announces was begun yet.
            Err(error) if self.has_mark(key, &mark).await => {
                tracing::warn!(key, cause = %error, "a write whose answer was lost turns out to be made");
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
        let attempt = || async { Attempt::of("DeleteItem", delete.clone().send().await) };
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
            let Err(error) = sent else { return Ok(Attempt::Done(Written::Yes)) };
            Refused::of_transaction(&error).map(Attempt::Refused).ok_or_else(|| failed("TransactWriteItems", &error))
        };
        self.written("TransactWriteItems", attempt).await
    }
}
