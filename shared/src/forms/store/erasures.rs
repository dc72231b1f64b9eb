//! Since when an erasure is asked for, `erasure#{digest}` of the table `otp-tokens`. An index shows what was written a moment late, so
//! a deletion is complete only when it is repeated: what had been written before it was first asked for is shown by then.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::otp::Otp;
use crate::platform::clock::Timestamp;
use crate::platform::dynamodb::{StoreError, Versioned, Written};

/// For how long a repetition belongs to the same deletion.
const TOGETHER: Duration = Duration::from_hours(1);

/// An erasure's attributes.
#[derive(Serialize, Deserialize)]
struct ErasureRecord {
    /// In milliseconds.
    asked_at: i64,
    /// The table's TTL attribute, in seconds.
    expires_at: i64,
}

fn key(digest: &str) -> String {
    format!("erasure#{digest}")
}

impl Otp {
    /// When the erasure under a digest was first asked for: now, unless another one is being repeated.
    pub async fn erasure_asked(&self, digest: &str, now: Timestamp) -> Result<Timestamp, StoreError> {
        let key = key(digest);
        let found: Option<Versioned<ErasureRecord>> = self.table.get(&key).await?;
        let version = match found {
            Some(Versioned { record, .. }) if now.since(Timestamp::from_millis(record.asked_at)) < TOGETHER => {
                return Ok(Timestamp::from_millis(record.asked_at));
            }
            Some(Versioned { version, .. }) => version,
            None => 0,
        };
        let record = ErasureRecord { asked_at: now.millis(), expires_at: now.plus(TOGETHER).seconds() };
        // The quicker request asked at the same moment.
        let (Written::Yes | Written::Conflict) = self.table.put(&key, version + 1, &record).await?;
        Ok(now)
    }

    /// The erasure under a digest is complete: the next one is another.
    pub async fn erasure_over(&self, digest: &str) -> Result<(), StoreError> {
        self.table.delete(&key(digest)).await.map(drop)
    }
}
