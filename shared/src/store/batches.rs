//! Many items in one request. DynamoDB may leave a part of it undone, which is asked for again.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};

use super::refusals::Refused;
use super::{Consistency, Item, StoreError, Table, failed, incomplete};

/// How many keys DynamoDB reads at once, `BatchGetItem`.
const READ_AT_ONCE: usize = 100;
/// How often keys that DynamoDB left unread are asked for again.
const READ_ROUNDS: u32 = 5;
/// How many items DynamoDB writes at once, `BatchWriteItem`.
pub(super) const WRITTEN_AT_ONCE: usize = 25;
/// How often items that DynamoDB left unwritten are sent again: with the pauses below, for some 20 s.
const WRITE_ROUNDS: u32 = 14;
/// The first pause before that, doubled each time up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(2);

impl Table {
    /// Items by their keys; what does not exist is left out.
    pub(super) async fn get_all(&self, keys: Vec<String>, consistency: Consistency) -> Result<HashMap<String, Item>, StoreError> {
        let mut items = HashMap::new();
        for batch in keys.chunks(READ_AT_ONCE) {
            let mut wanted: Vec<_> =
                batch.iter().map(|key| HashMap::from([("pk".to_owned(), AttributeValue::S(key.clone()))])).collect();
            for _ in 0..READ_ROUNDS {
                let request = KeysAndAttributes::builder().set_keys(Some(wanted));
                let request = request.consistent_read(consistency == Consistency::Strong).build();
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

    /// Writes at most [`WRITTEN_AT_ONCE`] items, whatever stands in their place. Not one thing: after an error some of them may
    /// be there.
    pub(super) async fn put_all(&self, items: Vec<Item>) -> Result<(), StoreError> {
        let puts = items.into_iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item)).build().map_err(|error| incomplete(&error))?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        let mut left = puts.collect::<Result<Vec<_>, StoreError>>()?;
        let mut pause = FIRST_PAUSE;
        for _ in 0..WRITE_ROUNDS {
            match self.client.batch_write_item().request_items(&self.name, left.clone()).send().await {
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
