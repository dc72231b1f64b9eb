//! How often callers may have a provider asked: a mark for each thing that is looked at.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;

use super::orders::Orders;
use crate::platform::clock::Timestamp;
use crate::platform::dynamodb::{Attempt, StoreError};

/// How long a mark is kept after it has ended, for DynamoDB to sweep it away.
const KEPT: Duration = Duration::from_hours(1);

impl Orders {
    /// Marks a look at `what`; not if there was one less than `pause` ago.
    pub async fn begin_look(&self, what: &str, now: Timestamp, pause: Duration) -> Result<bool, StoreError> {
        let number = |number: i64| AttributeValue::N(number.to_string());
        let until = now.plus(pause);
        let update = self
            .table
            .update(format!("look#{what}"))
            .update_expression("SET next_at = :until, expires_at = :swept")
            .condition_expression("attribute_not_exists(pk) OR next_at <= :now")
            .expression_attribute_values(":until", number(until.millis()))
            .expression_attribute_values(":swept", number(until.plus(KEPT).seconds()))
            .expression_attribute_values(":now", number(now.millis()));
        let attempt = || async {
            let Err(error) = update.clone().send().await else { return Ok(Attempt::Done(true)) };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Attempt::Done(false)),
                _ => Attempt::of("UpdateItem", Err(error)),
            }
        };
        self.table.patiently("UpdateItem", attempt).await
    }
}
