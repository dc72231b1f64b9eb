//! The table `quotes`: what only saves the asking. All of it can be made again, none of it decides what is charged.

use super::Table;
use crate::clock::Random;
use crate::env::Env;

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
}
