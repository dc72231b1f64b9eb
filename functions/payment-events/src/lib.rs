//! Publishes what became of a payment, to IMSHOP and to the shop's own system. The stream of the table `order-holds` is the trigger,
//! filtered to payments that carry something unpublished; the payment itself, read again, is the truth.
//!
//! A message that is not taken is written down with its next try, which reconcile makes; the record counts as done, so
//! that one order never holds up another. Only what could not even be recorded is reported to Lambda
//! (`batchItemFailures`), which repeats it and at last puts it into the dead-letter queue. Nothing is lost there either:
//! reconcile finds every unpublished payment by the table's index `due`.
//!
//! Round trips for each payment: see [`shared::payments::outbox`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use lambda_runtime::LambdaEvent;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::payments::outbox::{ChannelHealth, OutboxRelay};
use shared::payments::store::Orders;
use shared::platform::clock::Deadline;
use shared::platform::dynamodb::client_from_env;
use shared::platform::env::{ConfigError, Env};
use shared::platform::ids::PaymentId;
use shared::platform::runtime::{Platform, remaining};

/// How many payments are published at once: a whole batch, so that none waits for a slow address's answer about another.
const AT_ONCE: usize = 25;
/// How long a batch may take; Lambda gives the function a minute.
const BUDGET: Duration = Duration::from_secs(50);

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    relay: OutboxRelay,
    orders: Orders,
}

impl Deps {
    /// Reads the store's settings, IMSHOP's addresses and the shop's.
    pub fn from_env(mut env: Env, platform: Platform) -> Result<Self, ConfigError> {
        let Platform { clock, random, http, metrics } = platform;
        let client = client_from_env(&mut env);
        let orders = client.and_then(|client| Orders::from_env(&mut env, client, random, clock.clone(), metrics.clone()));
        let relay = OutboxRelay::from_env(&mut env, orders.clone(), http, clock, metrics);
        let deps = orders.zip(relay).map(|(orders, relay)| Self { relay, orders });
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.orders.warm_up().await;
    }
}

/// What is needed of a record of the stream.
#[derive(Deserialize)]
struct Record {
    dynamodb: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    keys: Keys,
    sequence_number: String,
}

#[derive(Deserialize)]
struct Keys {
    pk: Text,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

/// Takes a batch of the stream and says which of its records are to be repeated.
pub async fn handle(deps: &Deps, event: LambdaEvent<Value>) -> Result<Value, lambda_http::Error> {
    let deadline = Deadline::within(remaining(&event.context, BUDGET));
    let records = event.payload["Records"].as_array().ok_or("not a batch of a stream: no Records")?;
    // A payment is published once for all of its records; its failure is that of its first one.
    let mut firsts = BTreeMap::new();
    let mut failures = BTreeSet::new();
    for record in records {
        let number = record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default();
        match Record::deserialize(record) {
            Ok(Record { dynamodb: Change { keys, sequence_number } }) => {
                // What is no payment has nothing to publish.
                let Some(id) = keys.pk.text.strip_prefix("payment#") else { continue };
                match PaymentId::parse(id) {
                    Ok(id) => drop(firsts.entry(id.as_str().to_owned()).or_insert((id, sequence_number))),
                    Err(_) => drop(failures.insert(sequence_number)),
                }
            }
            Err(error) => {
                tracing::error!(cause = %error, "a record of the stream cannot be read");
                failures.insert(number.to_owned());
            }
        }
    }
    let health = &ChannelHealth::default();
    let published = stream::iter(firsts.into_values()).map(|(id, number)| async move {
        let result = deps.relay.publish(&id, health, deadline).await;
        (id, number, result)
    });
    let mut published = published.buffer_unordered(AT_ONCE);
    while let Some((id, number, result)) = published.next().await {
        if let Err(error) = result {
            tracing::error!(payment_id = %id, cause = %error, "a payment could neither be published nor planned again");
            failures.insert(number);
        }
    }
    let failures: Vec<_> = failures.into_iter().map(|number| json!({"itemIdentifier": number})).collect();
    Ok(json!({"batchItemFailures": failures}))
}
