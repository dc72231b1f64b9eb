//! Counters of the table `otp-tokens` that many requests add to at once: `count#{quota}#{date}` with `used` and, for each hour,
//! `used_HH`; where one thing counts once, the set `things`. One conditional update each and never a part of a transaction, so that
//! none ever waits for another.

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::otp::Otp;
use crate::forms::challenge::{LimitRefusal, Quota, Used};
use crate::platform::dynamodb::{Attempt, Consistency, Item, KNOWN, READABLE, Reading, SCHEMA, StoreError, failed, readable};

/// How long a day's counter is kept, from its last use.
const KEPT: std::time::Duration = std::time::Duration::from_hours(48);

/// The outcome of counting one against a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum QuotaOutcome {
    /// It is counted; so much is used now.
    Yes(Used),
    /// The same thing is counted already.
    Before,
    /// There is no more to be had.
    No(LimitRefusal),
}

pub(super) fn key(quota: &Quota) -> String {
    format!("count#{}", quota.key())
}

fn hour(quota: &Quota) -> String {
    format!("used_{:02}", quota.hour())
}

/// What a counter says; nothing is used of one that is not there.
pub(super) fn read(quota: &Quota, item: Option<&Item>) -> Result<Used, StoreError> {
    if let Some(item) = item {
        readable(&key(quota), item)?;
    }
    Ok(used(quota, item))
}

fn used(quota: &Quota, item: Option<&Item>) -> Used {
    let number = |name: &str| {
        let number = item.and_then(|item| item.get(name)?.as_n().ok()?.parse().ok());
        number.unwrap_or(0)
    };
    Used { in_hour: number(&hour(quota)), in_day: number("used"), alarmed_at: number("alarmed_at") }
}

/// Whether it is counted already for what this quota counts.
fn has_counted(quota: &Quota, item: Option<&Item>) -> bool {
    let things = item.and_then(|item| item.get("things")?.as_ss().ok());
    quota.thing().is_some_and(|thing| things.is_some_and(|things| things.iter().any(|known| known == thing)))
}

/// A set of the one thing that is counted.
fn set(thing: &str) -> AttributeValue {
    AttributeValue::Ss(vec![thing.to_owned()])
}

fn number(number: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

impl Otp {
    /// Counts one more, unless that is too many. If DynamoDB's answer is lost and others write before the repetition, it may be
    /// counted twice: then less is sent, never more.
    pub async fn acquire_quota(&self, quota: &Quota) -> Result<QuotaOutcome, StoreError> {
        let mark = AttributeValue::S(self.table.random.hex32()?);
        let mut conditions = vec![KNOWN.to_owned(), "(attribute_not_exists(write_mark) OR write_mark <> :mark)".to_owned()];
        let also = if quota.thing().is_some() { ", things :things" } else { "" };
        let mut update = self
            .update(
                quota,
                &format!(
                    "ADD used :one, #hour :one, #version :one{also} SET #schema = :schema, expires_at = :end, write_mark = :mark"
                ),
            )
            .expression_attribute_names("#hour", hour(quota))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":mark", mark.clone())
            .return_values(ReturnValue::AllNew);
        for (name, limit, bound) in [("used", ":day", quota.per_day()), ("#hour", ":hour", quota.per_hour())] {
            if let Some(bound) = bound {
                conditions.push(format!("(attribute_not_exists({name}) OR {name} < {limit})"));
                update = update.expression_attribute_values(limit, number(bound));
            }
        }
        if let Some(thing) = quota.thing() {
            conditions.push("(attribute_not_exists(things) OR NOT contains(things, :thing))".to_owned());
            update = update
                .expression_attribute_values(":thing", AttributeValue::S(thing.to_owned()))
                .expression_attribute_values(":things", set(thing));
        }
        let update = update.condition_expression(conditions.join(" AND "));
        let attempt = || async {
            let error = match update.clone().send().await {
                Ok(output) => return Ok(Attempt::Done(QuotaOutcome::Yes(used(quota, output.attributes.as_ref())))),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    let used = used(quota, refused.item());
                    let ours = refused.item().and_then(|item| item.get("write_mark")) == Some(&mark);
                    if ours {
                        return Ok(Attempt::Done(QuotaOutcome::Yes(used)));
                    }
                    if has_counted(quota, refused.item()) {
                        return Ok(Attempt::Done(QuotaOutcome::Before));
                    }
                    let refusal = quota.refuses(used).ok_or_else(|| failed("UpdateItem", &error))?;
                    Ok(Attempt::Done(QuotaOutcome::No(refusal)))
                }
                _ => Attempt::of("UpdateItem", Err(error)),
            }
        };
        self.table.patiently("UpdateItem", attempt).await
    }

    /// How much of each is used.
    pub async fn counts<const N: usize>(&self, quotas: &[Quota; N]) -> Result<[Used; N], StoreError> {
        let keys = quotas.iter().map(key).collect();
        let items = self.table.get_all(keys, Consistency::Strong, Reading::few()).await?;
        let mut counts = [Used::default(); N];
        for (count, quota) in counts.iter_mut().zip(quotas) {
            *count = read(quota, items.get(&key(quota)))?;
        }
        Ok(counts)
    }

    /// Has a day begin anew: nothing is used of it any more.
    pub async fn forget_count(&self, quota: &Quota) -> Result<bool, StoreError> {
        self.table.delete(&key(quota)).await
    }

    /// Counts one less of what was taken. Not tried again unless it was refused: what is given back twice would be one too many
    /// for another request.
    pub async fn release_quota(&self, quota: &Quota) -> Result<(), StoreError> {
        let also = if quota.thing().is_some() { " DELETE things :things" } else { "" };
        let mut update = self
            .update(quota, &format!("ADD used :less, #hour :less, #version :one SET #schema = :schema, expires_at = :end{also}"))
            .expression_attribute_names("#hour", hour(quota))
            .expression_attribute_values(":less", number(-1))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":zero", number(0))
            .condition_expression(format!("{KNOWN} AND used > :zero AND #hour > :zero"));
        if let Some(thing) = quota.thing() {
            update = update.expression_attribute_values(":things", set(thing));
        }
        let attempt = || async {
            let once = aws_sdk_dynamodb::Config::builder().retry_config(RetryConfig::disabled());
            Attempt::of("UpdateItem", update.clone().customize().config_override(once).send().await)
        };
        self.table.patiently("UpdateItem", attempt).await.map(drop)
    }

    /// Notes that an alarm was raised at this threshold; whether this is the one request that raises it.
    pub async fn raises_alarm(&self, quota: &Quota, threshold: u32) -> Result<bool, StoreError> {
        let mark = AttributeValue::S(self.table.random.hex32()?);
        let update = self
            .update(quota, "ADD #version :one SET #schema = :schema, expires_at = :end, alarmed_at = :at, alarm_mark = :mark")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":at", number(threshold))
            .expression_attribute_values(":mark", mark.clone())
            .condition_expression(format!("{KNOWN} AND (attribute_not_exists(alarmed_at) OR alarmed_at < :at)"));
        let attempt = || async {
            let Err(error) = update.clone().send().await else { return Ok(Attempt::Done(true)) };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Attempt::Done(refused.item().and_then(|item| item.get("alarm_mark")) == Some(&mark)))
                }
                _ => Attempt::of("UpdateItem", Err(error)),
            }
        };
        self.table.patiently("UpdateItem", attempt).await
    }

    fn update(&self, quota: &Quota, expression: &str) -> UpdateItemFluentBuilder {
        self.table
            .update(key(quota))
            .update_expression(expression)
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":schema", number(SCHEMA))
            .expression_attribute_values(":readable", number(READABLE))
            .expression_attribute_values(":end", number(quota.at().plus(KEPT).seconds()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}
