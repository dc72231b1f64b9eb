//! What each person who may give back only so much has given back on a day of the shop: one item for both, counted before the refund is
//! recorded. It is never counted too low: a refund that was counted and not recorded after all stays counted until the day is over.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::orders::Orders;
use crate::payments::payment::Limit;
use crate::platform::clock::{MOSCOW, Timestamp};
use crate::platform::dynamodb::{StoreError, Versioned, Written};
use crate::platform::money::Money;

/// How long a day's item is kept.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// How many of one person's refunds may be counted at the same moment.
const ROUNDS: u32 = 50;

/// An item's attributes.
#[derive(Serialize, Deserialize)]
struct DayRecord {
    /// Minor units, by the digest of the refund's idempotency key.
    amounts: BTreeMap<String, i64>,
    /// The table's TTL attribute, in seconds.
    expires_at: i64,
}

fn key(person: &str, day: &str) -> String {
    format!("given-back#{person}#{day}")
}

impl Orders {
    /// Counts a refund of `amount` against what the holder of the key `person` may still give back on the day of `now`, beside `before` (minor
    /// units) that they gave back on other days; whether it is within the limit. The same refund is counted once.
    pub async fn count_against(
        &self,
        limit: Limit,
        person: &str,
        key_hash: &str,
        amount: Money,
        before: i64,
    ) -> Result<bool, StoreError> {
        let key = key(person, &self.clock.now().day(MOSCOW));
        self.recount(&key, |amounts| {
            if amounts.contains_key(key_hash) {
                return Some(true);
            }
            amounts.insert(key_hash.to_owned(), amount.minor());
            let all = before + amounts.values().sum::<i64>();
            limit.after(all, amount.currency()).is_none().then_some(false)
        })
        .await
    }

    /// Takes a refund of the holder of the key `person` out of what is counted for the day of `at`: it is not made. Whether it was counted.
    pub async fn uncount(&self, person: &str, key_hash: &str, at: Timestamp) -> Result<bool, StoreError> {
        let key = key(person, &at.day(MOSCOW));
        self.recount(&key, |amounts| amounts.remove(key_hash).is_none().then_some(false)).await
    }

    /// Changes what is counted, on top of whatever others wrote meanwhile: true once it is written. What `change` answers instead is the answer,
    /// and nothing is written.
    async fn recount(&self, key: &str, change: impl Fn(&mut BTreeMap<String, i64>) -> Option<bool>) -> Result<bool, StoreError> {
        for _ in 0..ROUNDS {
            let (mut amounts, version) = self.counted(key).await?;
            if let Some(answer) = change(&mut amounts) {
                return Ok(answer);
            }
            let record = DayRecord { amounts, expires_at: self.clock.now().plus(KEPT).seconds() };
            if self.table.put(key, version + 1, &record).await? == Written::Yes {
                return Ok(true);
            }
        }
        Err(StoreError::Failed { action: "UpdateItem", cause: "others keep writing the same count".to_owned() })
    }

    /// What is counted, and the version that it was read with.
    async fn counted(&self, key: &str) -> Result<(BTreeMap<String, i64>, u64), StoreError> {
        let found: Option<Versioned<DayRecord>> = self.table.get(key).await?;
        Ok(found.map_or((BTreeMap::new(), 0), |found| (found.record.amounts, found.version)))
    }
}
