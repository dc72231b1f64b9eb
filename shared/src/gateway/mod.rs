//! What a payment needs of whoever takes the money. A new gateway is a folder here and a line in [`Gateways::get`].

pub mod mokka;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::{Deadline, Timestamp};
use crate::money::{Currency, Money};
use crate::payment::{Change, Order, Outcome, Payment, Policy, Provider, Reason, Report};

/// A payment provider.
#[async_trait]
pub trait Gateway: Send + Sync + std::fmt::Debug {
    /// Registers an attempt and returns the customer's payment page. May be repeated for the same attempt.
    async fn register(&self, order: &Order, payment: &Payment, urls: &Urls, deadline: Deadline) -> Result<Registration, Unknown>;

    /// The provider's word on a payment.
    async fn status(&self, payment: &Payment, deadline: Deadline) -> Result<Report, Unknown>;

    /// Captures the whole hold, handing over the fiscal document (PDF), or one of our own making.
    async fn capture(
        &self,
        order: &Order,
        payment: &Payment,
        document: Option<Vec<u8>>,
        deadline: Deadline,
    ) -> Result<Outcome, Unknown>;

    /// Lets the hold go.
    async fn cancel(&self, payment: &Payment, deadline: Deadline) -> Result<Outcome, Unknown>;

    /// Holds another amount, or holds it longer.
    async fn change(&self, payment: &Payment, change: &Change, deadline: Deadline) -> Result<Outcome, Unknown>;

    /// Gives captured money back.
    async fn refund(&self, payment: &Payment, amount: Money, deadline: Deadline) -> Result<Outcome, Unknown>;

    /// From when on the provider gives a part of a payment back that was captured at `captured_at`.
    fn partial_refund_from(&self, captured_at: Timestamp) -> Timestamp;

    /// When a hold is captured.
    fn policy(&self) -> Policy;

    /// How long a hold that waits for the goods is to live.
    fn hold_for(&self) -> Duration;

    /// The currency of the provider's amounts.
    fn currency(&self) -> Currency;
}

/// Where the provider sends what.
#[derive(Clone, Debug)]
pub struct Urls {
    /// The provider's callback for this payment.
    pub callback: String,
    /// The customer's browser, afterwards.
    pub redirect: String,
}

/// How a registration came out.
#[derive(Debug)]
pub enum Registration {
    /// The customer's payment page.
    Open(String),
    /// Refused; nothing was registered.
    Refused(Reason),
}

/// No clear answer: what was asked for may have been done or not.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unknown(pub String);

/// The configured gateways.
#[derive(Clone, Debug)]
pub struct Gateways {
    mokka: Arc<mokka::MokkaGateway>,
}

impl Gateways {
    /// The gateways that this installation has.
    #[must_use]
    pub fn new(mokka: mokka::MokkaGateway) -> Self {
        Self { mokka: Arc::new(mokka) }
    }

    /// The gateway of a provider.
    #[must_use]
    pub fn get(&self, provider: Provider) -> &dyn Gateway {
        match provider {
            Provider::Mokka => self.mokka.as_ref(),
        }
    }

    /// When a hold of this payment is captured. One whose customer is still to pay the shop a part waits for the shop's word.
    #[must_use]
    pub fn policy(&self, payment: &Payment) -> Policy {
        if payment.is_prepaid_afterwards() { Policy::OnShipment } else { self.get(payment.provider).policy() }
    }

    /// Mokka's, for what only Mokka has: signed callbacks, limits, schedules.
    #[must_use]
    pub fn mokka(&self) -> &mokka::MokkaGateway {
        &self.mokka
    }
}
