//! What Mokka answers.

use std::fmt;

use serde::Deserialize;

use super::values::{Decision, ScheduledPayment, number, optional_number};
use crate::platform::money::Decimal;
use crate::platform::wire::{Lenient, Said, objects};

/// What Registration answers.
#[derive(Debug, Deserialize)]
pub struct Registration {
    /// The page for the customer: an opaque https URL.
    pub iframe_url: String,
}

/// What a customer may spend.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Limit {
    /// How much, in roubles; it means something of an active customer only.
    #[serde(default)]
    pub limit_amount: Lenient<Decimal>,
    /// Whether it may be spent.
    pub status: LimitStatus,
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limit(…)")
    }
}

/// Whether a customer may pay in instalments; others are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum LimitStatus {
    /// Up to the limit.
    Active,
    /// Not at all, whatever the limit.
    Inactive,
    /// Mokka does not know the customer yet, nor so what may be spent, whatever the amount says.
    New,
    /// Something new.
    Other(String),
}

impl From<String> for LimitStatus {
    fn from(status: String) -> Self {
        match status.as_str() {
            "active" => Self::Active,
            "inactive" => Self::Inactive,
            "new" => Self::New,
            _ => Self::Other(status),
        }
    }
}

/// Limit's answer: `client` is null if it failed.
#[derive(Deserialize)]
pub(in crate::payments::mokka) struct LimitAnswer {
    #[serde(default)]
    pub(in crate::payments::mokka) client: Option<Limit>,
}

/// What Checkout answers.
#[derive(Debug, Deserialize)]
pub struct Checkout {
    /// The page for the customer: an opaque https URL.
    pub iframe_url: String,
}

impl Limit {
    /// What the customer may spend, in roubles, if Mokka knows it.
    #[must_use]
    pub fn known(&self) -> Option<Decimal> {
        match self.status {
            LimitStatus::Active => self.limit_amount.0,
            LimitStatus::Inactive => Some(Decimal::default()),
            LimitStatus::New | LimitStatus::Other(_) => None,
        }
    }
}

/// Schedule's answer: no tariffs if none suits the amount. One that cannot be read says nothing of the others.
#[derive(Deserialize)]
pub(in crate::payments::mokka) struct ScheduleAnswer {
    #[serde(deserialize_with = "objects")]
    pub(in crate::payments::mokka) payment_schedule: Said<Vec<Lenient<Tariff>>>,
}

/// One way to pay an amount in instalments.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Tariff {
    /// For how many months.
    #[serde(deserialize_with = "number")]
    pub term: u32,
    /// Everything the customer pays, in roubles.
    pub total: Decimal,
    /// About how much each month, in roubles.
    #[serde(default)]
    pub monthly_payment: Lenient<Decimal>,
    /// What of it is Mokka's price, each month, in roubles.
    #[serde(default)]
    pub monthly_overpayment: Lenient<Decimal>,
    /// What is due when.
    pub payment_dates: Vec<ScheduledPayment>,
}

/// What Status answers.
#[derive(Debug, Deserialize)]
pub struct Status {
    pub current_order: StatusOrder,
}

/// The order of a [`Status`]. `status` alone decides: a granted limit (`decision`) of a declined order is a decline, and
/// `expired` of a finished order says nothing about its money.
#[derive(Debug, Deserialize)]
pub struct StatusOrder {
    /// Ours, hopefully.
    pub order_id: String,
    /// Whether `valid_till` has passed; information only.
    #[serde(default)]
    pub expired: Lenient<bool>,
    /// Where it stands.
    pub status: OrderStatus,
    /// What Mokka thinks of the customer's limit; nothing before there is an opinion.
    #[serde(default)]
    pub decision: Lenient<Decision>,
    /// The amount that the customer took; kept as nothing if it cannot be read.
    #[serde(default)]
    pub amount: Lenient<Decimal>,
    /// For how many months; nothing before the customer has chosen.
    #[serde(default, deserialize_with = "optional_number")]
    pub term: Option<u32>,
}

/// Mokka's order statuses; others are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum OrderStatus {
    /// The customer has not finished.
    Pending,
    /// The money is held.
    Hold,
    /// Captured.
    Finished,
    Canceled,
    /// Refused, by policy or because the offer does not suit the customer.
    Declined,
    /// Wholly given back.
    Refunded,
    /// The hold ran out.
    Expired,
    /// Something new.
    Other(String),
}

impl From<String> for OrderStatus {
    fn from(status: String) -> Self {
        match status.as_str() {
            "pending" => Self::Pending,
            "hold" => Self::Hold,
            "finished" => Self::Finished,
            "canceled" => Self::Canceled,
            "declined" => Self::Declined,
            "refunded" => Self::Refunded,
            "expired" => Self::Expired,
            _ => Self::Other(status),
        }
    }
}

/// What Change answers. A change is done whatever the schedule looks like, so one that is missing or cannot be read is empty.
#[derive(Debug, Default)]
pub struct Changed {
    /// What the customer now pays when.
    pub schedule: Vec<ScheduledPayment>,
}

/// Change's answer on the wire.
#[derive(Default, Deserialize)]
pub(in crate::payments::mokka) struct ChangeAnswer {
    #[serde(default)]
    pub(in crate::payments::mokka) schedule: Lenient<Vec<ScheduledPayment>>,
}

/// The part of every answer that says whether it worked. `status` comes as a number or a numeric string.
#[derive(Debug, Deserialize)]
pub(in crate::payments::mokka) struct Verdict {
    #[serde(deserialize_with = "number")]
    pub(in crate::payments::mokka) status: i64,
    #[serde(default)]
    pub(in crate::payments::mokka) message: Lenient<String>,
}

/// Limit's verdict is nested.
#[derive(Deserialize)]
pub(in crate::payments::mokka) struct NestedVerdict {
    pub(in crate::payments::mokka) meta: Verdict,
}
