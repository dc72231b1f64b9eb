//! The run lease: what runs by the clock does so one run at a time, by a lease in its own table. Two runs at once do no harm; they would
//! only ask the providers twice. A run that ends releases it, and the lease of one that died expires. Beside the lease stands when the last run
//! began, when it ended and how.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};

use super::batches::Reading;
use super::client::{ATTEMPT_LIMIT, OPERATION_LIMIT};
use super::error::{StoreError, failed};
use super::refusals::Attempt;
use super::table::{Consistency, Table};
use crate::platform::clock::Timestamp;

/// How the last run of a name stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRun {
    pub name: String,
    pub began_at: Timestamp,
    /// Nothing while it runs, or if it died.
    pub ended: Option<EndedRun>,
}

/// When a run ended, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedRun {
    pub at: Timestamp,
    /// It ended with an error.
    pub failed: bool,
}

fn key(name: &str) -> String {
    format!("turn#{name}")
}

/// The right of one run to work.
#[derive(Debug)]
#[must_use]
pub struct RunLease {
    table: Table,
    key: String,
    holder: String,
}

impl Table {
    /// The run lease of the function `name` for `length` from `now` on; nothing if another run has it.
    pub(crate) async fn acquire_run_lease(
        &self,
        name: &str,
        now: Timestamp,
        length: Duration,
    ) -> Result<Option<RunLease>, StoreError> {
        let (key, holder) = (key(name), self.random.hex32()?);
        let number = |moment: Timestamp| AttributeValue::N(moment.millis().to_string());
        let update = self
            .update(key.clone())
            .update_expression("SET taken_until = :until, taken_by = :holder, began_at = :now REMOVE ended_at, failed")
            .condition_expression("attribute_not_exists(pk) OR taken_until <= :now")
            .expression_attribute_values(":until", number(now.plus(length)))
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":holder", AttributeValue::S(holder.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let attempt = || async {
            let Err(error) = update.clone().send().await else { return Ok(Attempt::Done(true)) };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    // The SDK repeats a request whose answer was lost: then this lease stands in its own way.
                    let standing = refused.item().and_then(|item| item.get("taken_by")?.as_s().ok());
                    Ok(Attempt::Done(standing == Some(&holder)))
                }
                _ => Attempt::of("UpdateItem", Err(error)),
            }
        };
        let is_acquired = self.patiently("UpdateItem", attempt).await?;
        Ok(is_acquired.then(|| RunLease { table: self.clone(), key, holder }))
    }

    /// The last runs of these names, at most 100, in their order; nothing of a name that has not run since this was first written down.
    pub(crate) async fn last_runs(&self, names: &[String]) -> Result<Vec<LastRun>, StoreError> {
        let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
        let mut items = self.get_all(keys, Consistency::Eventual, Reading::page()).await?;
        let runs = names.iter().filter_map(|name| {
            let item = items.remove(&key(name))?;
            let moment = |name: &str| Some(Timestamp::from_millis(item.get(name)?.as_n().ok()?.parse().ok()?));
            let failed = item.get("failed").and_then(|failed| failed.as_bool().ok()) == Some(&true);
            let ended = moment("ended_at").map(|at| EndedRun { at, failed });
            Some(LastRun { name: name.clone(), began_at: moment("began_at")?, ended })
        });
        Ok(runs.collect())
    }
}

impl RunLease {
    /// Lets the next run begin, in the time that is `left` to this one, and notes how this one ended. If that fails, it begins when the lease
    /// expires.
    pub async fn release(self, left: Duration, ended: EndedRun) {
        let limit = OPERATION_LIMIT.min(left);
        let released = self
            .table
            .update(self.key.clone())
            .update_expression("SET taken_until = :over, ended_at = :at, failed = :failed")
            .condition_expression("taken_by = :holder")
            .expression_attribute_values(":over", AttributeValue::N("0".to_owned()))
            .expression_attribute_values(":at", AttributeValue::N(ended.at.millis().to_string()))
            .expression_attribute_values(":failed", AttributeValue::Bool(ended.failed))
            .expression_attribute_values(":holder", AttributeValue::S(self.holder))
            .customize()
            .config_override(self.table.patience(ATTEMPT_LIMIT.min(limit), limit))
            .send()
            .await;
        match released {
            Ok(_) => {}
            // Its time was over, and the next run has begun.
            Err(error) if matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_))) => {}
            Err(error) => {
                let cause = failed("UpdateItem", &error);
                tracing::warn!(key = self.key, %cause, "the run lease could not be released, the next run waits until it expires");
            }
        }
    }
}
