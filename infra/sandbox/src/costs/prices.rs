//! `infra/costs/prices.toml`: AWS's prices, and how the shop is used. Operations edit it for their region and shop.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::CostsError;
use super::life::Life;

/// The file as it was when the sandbox was built.
const PRICES: &str = include_str!("../../../costs/prices.toml");

/// Something that AWS charges for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// Requests to API Gateway.
    ApiRequests,
    /// Calls of functions.
    Invocations,
    /// Memory of functions for the time of their calls.
    GbSeconds,
    /// Read request units of DynamoDB.
    TableReads,
    /// Write request units of DynamoDB.
    TableWrites,
    /// What lies in tables and indexes.
    TableGbMonths,
    /// The same, for going back to any second of the last 35 days.
    BackupGbMonths,
    /// Log lines on their way in.
    LogGb,
    /// Log lines that are kept.
    LogGbMonths,
    /// Metrics that AWS does not keep by itself.
    Metrics,
    /// Metrics that alarms look at.
    Alarms,
    Dashboards,
    /// Requests to SQS, ours and Lambda's.
    QueueRequests,
    /// Objects written to S3.
    ObjectPuts,
    /// Objects read from S3.
    ObjectGets,
    /// What lies in S3.
    ObjectGbMonths,
    /// Documents in Secrets Manager.
    Secrets,
    /// Looks at them.
    SecretRequests,
    /// Requests of DynamoDB for the key of its tables.
    KeyRequests,
    /// Bytes that leave AWS.
    TransferGb,
}

impl Item {
    /// Every one.
    pub const ALL: [Self; 20] = [
        Self::ApiRequests,
        Self::Invocations,
        Self::GbSeconds,
        Self::TableReads,
        Self::TableWrites,
        Self::TableGbMonths,
        Self::BackupGbMonths,
        Self::LogGb,
        Self::LogGbMonths,
        Self::Metrics,
        Self::Alarms,
        Self::Dashboards,
        Self::QueueRequests,
        Self::ObjectPuts,
        Self::ObjectGets,
        Self::ObjectGbMonths,
        Self::Secrets,
        Self::SecretRequests,
        Self::KeyRequests,
        Self::TransferGb,
    ];
}

/// What so much of something costs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Whose line of the bill it is.
    pub service: String,
    /// What is counted.
    pub what: String,
    /// US dollars.
    pub usd: f64,
    /// For how much.
    pub per: u32,
    /// How much of it no account ever pays for.
    #[serde(default)]
    pub free: u32,
}

impl Price {
    /// What so much of it costs.
    #[must_use]
    pub fn of(&self, amount: f64) -> f64 {
        (amount - f64::from(self.free)).max(0.0) / f64::from(self.per) * self.usd
    }
}

/// The file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Whose prices.
    pub region: String,
    /// Of when.
    pub date: String,
    #[serde(rename = "prices")]
    items: BTreeMap<Item, Price>,
    /// How often each thing happens for one order that is paid.
    pub for_each_order: BTreeMap<Life, f64>,
    /// What is assumed of the world around.
    pub assumptions: Assumptions,
    dimensions: BTreeMap<String, u32>,
    processor_ms: BTreeMap<String, f64>,
}

/// What is assumed of the world around; the file says what each is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumptions {
    pub dynamodb_ms: f64,
    pub s3_ms: f64,
    pub sqs_ms: f64,
    pub mokka_ms: f64,
    pub smspro_ms: f64,
    pub yookassa_ms: f64,
    pub shop_ms: f64,
    pub imshop_ms: f64,
    pub access_log_bytes: f64,
    pub platform_log_bytes: f64,
    pub answer_overhead_bytes: f64,
    pub log_compression: f64,
    pub months_of_orders: f64,
    pub months_of_forms: f64,
    pub busiest_hour: f64,
    pub pollers: f64,
}

impl Prices {
    /// Reads the file.
    pub fn read() -> Result<Self, CostsError> {
        let prices: Self = toml::from_str(PRICES).map_err(|error| CostsError::Prices(error.to_string()))?;
        let missing = Item::ALL.iter().find(|item| !prices.items.contains_key(item));
        match missing {
            Some(item) => Err(CostsError::Prices(format!("{item:?} has no price"))),
            None => Ok(prices),
        }
    }

    /// Every price, in the order of the bill.
    pub fn all(&self) -> impl Iterator<Item = (Item, &Price)> {
        self.items.iter().map(|(item, price)| (*item, price))
    }

    /// How much processor time a call of this function takes, or `start`, in milliseconds of a whole core.
    pub fn processor_ms(&self, function: &str) -> Result<f64, CostsError> {
        let found = self.processor_ms.get(function).copied();
        found.ok_or_else(|| CostsError::Prices(format!("[processor_ms] says nothing of {function}: measure it")))
    }

    /// How many metrics one that is kept apart by these dimensions comes to.
    pub fn metrics(&self, dimensions: &[&str]) -> Result<u32, CostsError> {
        let names = dimensions.join(", ");
        let found = if names.is_empty() { Some(1) } else { self.dimensions.get(&names).copied() };
        found.ok_or_else(|| CostsError::Prices(format!("[dimensions] says nothing of \"{names}\"")))
    }
}
