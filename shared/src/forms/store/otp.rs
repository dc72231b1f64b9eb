//! The table `otp-tokens`: challenges, send logs, what is counted, and SMS.
//!
//! - `challenge#{digest}`: a code being sent and the code in force (`Challenge`, `store/challenges.rs`).
//! - `sends#{digest}`: when codes were sent to a phone or asked for from an installation (`SendLog`).
//! - `count#{quota}#{date}`: what is counted by the hour and the day, UTC (`Quota`, `store/quota_counters.rs`).
//! - `sms#{transaction_id}`, `conversion#…`: SMS and what became of them (`store/sms.rs`).
//! - `erasure#{digest}`: since when an erasure is asked for (`store/erasures.rs`).
//!
//! `expires_at` (seconds) is the table's TTL attribute. DynamoDB deletes late, so no decision is made by it.

use std::time::Duration;

use crate::platform::clock::{Random, Timestamp};
use crate::platform::dynamodb::{LastRun, RunLease, StoreError, Table};
use crate::platform::env::Env;

pub use super::challenges::Found;
pub use super::quota_counters::QuotaOutcome;
pub use super::sms::Conversion;

/// How often a change is tried anew after another request wrote first.
pub(super) const ROUNDS: u32 = 8;

/// Challenges and send limits.
#[derive(Clone, Debug)]
pub struct Otp {
    pub(super) table: Table,
}

impl Otp {
    /// Reads `OTP_TABLE`.
    pub fn from_env(env: &mut Env, client: aws_sdk_dynamodb::Client, random: Random) -> Option<Self> {
        let name = env.required("OTP_TABLE")?;
        Some(Self { table: Table { client, name, random } })
    }

    /// Opens the connection.
    pub async fn warm_up(&self) {
        self.table.warm_up().await;
    }

    /// The run lease of the function `name` for `length` from `now` on; nothing if another run has it.
    pub async fn acquire_run_lease(&self, name: &str, now: Timestamp, length: Duration) -> Result<Option<RunLease>, StoreError> {
        self.table.acquire_run_lease(name, now, length).await
    }

    /// The last runs of functions by their names.
    pub async fn last_runs(&self, names: &[String]) -> Result<Vec<LastRun>, StoreError> {
        self.table.last_runs(names).await
    }
}
