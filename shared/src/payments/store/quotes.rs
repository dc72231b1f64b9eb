//! The table `quotes`: what only saves the asking. All of it can be made again, none of it decides what is charged.

use std::time::Duration;

use crate::platform::clock::{Random, Timestamp};
use crate::platform::dynamodb::{LastRun, RunLease, StoreError, Table};
use crate::platform::env::Env;

/// The table, for each kind of quote to keep its own items in.
#[derive(Clone, Debug)]
pub struct Quotes {
    pub(super) table: Table,
}

impl Quotes {
    /// Reads `QUOTES_TABLE`.
    pub fn from_env(env: &mut Env, client: aws_sdk_dynamodb::Client, random: Random) -> Option<Self> {
        let name = env.required("QUOTES_TABLE")?;
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
