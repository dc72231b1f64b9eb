//! Many items in one request. DynamoDB may leave a part of it undone, which is asked for again.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};

use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::client::{ATTEMPT_LIMIT, OPERATION_LIMIT};
use super::error::{StoreError, failed, incomplete};
use super::item::Item;
use super::refusals::{Attempt, Pauses, Refused};
use super::table::{Consistency, Table};

/// How many keys DynamoDB reads at once, `BatchGetItem`.
const READ_AT_ONCE: usize = 100;
/// One attempt at many items: up to 16 MB have to arrive.
const PAGE_ATTEMPT: Duration = Duration::from_secs(4);
/// A page altogether; a request has 9 s, and its index was read before.
const PAGE_LIMIT: Duration = Duration::from_secs(6);
/// How many items DynamoDB writes at once, `BatchWriteItem`.
pub(crate) const WRITTEN_AT_ONCE: usize = 25;
/// How often items that DynamoDB left unwritten are sent again: with the pauses below, for some 20 s.
const WRITE_ROUNDS: u32 = 14;
/// The first pause before that, doubled each time up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// How long items may take to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    attempt: Duration,
    end: Instant,
}

impl Reading {
    /// A few small ones.
    pub(crate) fn few() -> Self {
        Self { attempt: ATTEMPT_LIMIT, end: Instant::now() + OPERATION_LIMIT }
    }

    /// What a list shows.
    pub(crate) fn page() -> Self {
        Self { attempt: PAGE_ATTEMPT, end: Instant::now() + PAGE_LIMIT }
    }
}

impl Table {
    /// Items by their keys; what does not exist is left out. DynamoDB refuses a key that is there twice.
    pub(crate) async fn get_all(
        &self,
        keys: Vec<String>,
        consistency: Consistency,
        reading: Reading,
    ) -> Result<HashMap<String, Item>, StoreError> {
        self.get_parts(keys, &[], consistency, reading).await
    }

    /// The same of some attributes only, the key beside them; of all of them if none is named.
    pub(crate) async fn get_parts(
        &self,
        mut keys: Vec<String>,
        attributes: &[&str],
        consistency: Consistency,
        reading: Reading,
    ) -> Result<HashMap<String, Item>, StoreError> {
        keys.sort_unstable();
        keys.dedup();
        let mut items = HashMap::new();
        for batch in keys.chunks(READ_AT_ONCE) {
            let batch = batch.iter().map(|key| HashMap::from([("pk".to_owned(), AttributeValue::S(key.clone()))]));
            self.get_batch(batch.collect(), attributes, consistency, reading, &mut items).boxed().await?;
        }
        Ok(items)
    }

    async fn get_batch(
        &self,
        mut wanted: Vec<HashMap<String, AttributeValue>>,
        attributes: &[&str],
        consistency: Consistency,
        Reading { attempt, end }: Reading,
        items: &mut HashMap<String, Item>,
    ) -> Result<(), StoreError> {
        const ACTION: &str = "BatchGetItem";
        let failed = |cause: &str| StoreError::Failed { action: ACTION, cause: cause.to_owned() };
        let names: HashMap<_, _> =
            attributes.iter().zip(0..).map(|(name, index)| (format!("#{index}"), (*name).to_owned())).collect();
        let projection = (!names.is_empty()).then(|| names.keys().fold("pk".to_owned(), |all, name| all + ", " + name));
        let mut pauses = Pauses::until(end, &self.random);
        loop {
            let left = wanted.len();
            let request =
                KeysAndAttributes::builder().set_keys(Some(wanted.clone())).set_projection_expression(projection.clone());
            let request = request.set_expression_attribute_names((!names.is_empty()).then(|| names.clone()));
            let request = request.consistent_read(consistency == Consistency::Strong).build();
            let read = self.client.batch_get_item().request_items(&self.name, request.map_err(|error| incomplete(&error))?);
            let limit = self.patience(attempt, end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
            if let Attempt::Done(output) = Attempt::of(ACTION, read.customize().config_override(limit).send().await)? {
                for item in output.responses.unwrap_or_default().into_values().flatten() {
                    if let Some(AttributeValue::S(key)) = item.get("pk") {
                        items.insert(key.clone(), item);
                    }
                }
                wanted = output.unprocessed_keys.unwrap_or_default().into_values().flat_map(|left| left.keys).collect();
            }
            if wanted.is_empty() {
                return Ok(());
            }
            if wanted.len() < left {
                pauses.begin_anew();
            }
            if !pauses.wait().await {
                return Err(failed("left keys unread"));
            }
        }
    }

    /// Writes at most [`WRITTEN_AT_ONCE`] items, whatever stands in their place. Not one thing: after an error some of them may
    /// be there.
    pub(crate) async fn put_all(&self, items: Vec<Item>) -> Result<(), StoreError> {
        let puts = items.into_iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item)).build().map_err(|error| incomplete(&error))?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        let mut left = puts.collect::<Result<Vec<_>, StoreError>>()?;
        let mut pause = FIRST_PAUSE;
        for _ in 0..WRITE_ROUNDS {
            let write = self.client.batch_write_item().request_items(&self.name, left.clone());
            match write.customize().config_override(self.patience(PAGE_ATTEMPT, PAGE_LIMIT)).send().boxed().await {
                Ok(output) => left = output.unprocessed_items.unwrap_or_default().into_values().flatten().collect(),
                Err(error) if Refused::of(&error) == Some(Refused::Throttled) => {}
                Err(error) => return Err(failed("BatchWriteItem", &error)),
            }
            if left.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
        Err(StoreError::Failed { action: "BatchWriteItem", cause: "left items unwritten".to_owned() })
    }
}
