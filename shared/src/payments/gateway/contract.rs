//! What a gateway must be able to do, and how it answers.

use std::time::Duration;

use async_trait::async_trait;

use crate::payments::payment::{Change, Order, Payment, Policy, ProviderOutcome, ProviderReport, Reason};
use crate::platform::clock::{Deadline, Timestamp};
use crate::platform::money::{Currency, Money};

/// A payment provider.
#[async_trait]
pub trait Gateway: Send + Sync + std::fmt::Debug {
    /// Registers an attempt and returns the customer's payment page. May be repeated for the same attempt.
    async fn register(&self, order: &Order, payment: &Payment, urls: &Urls, deadline: Deadline) -> Result<Registration, Unknown>;

    /// Asks how a payment stands.
    async fn status(&self, payment: &Payment, deadline: Deadline) -> Result<ProviderReport, Unknown>;

    /// Captures the whole hold, handing over the fiscal document (PDF), or one of our own making.
    async fn capture(
        &self,
        order: &Order,
        payment: &Payment,
        document: Option<Vec<u8>>,
        deadline: Deadline,
    ) -> Result<ProviderOutcome, Unknown>;

    /// Lets the hold go.
    async fn cancel(&self, payment: &Payment, deadline: Deadline) -> Result<ProviderOutcome, Unknown>;

    /// Holds another amount, or holds it longer.
    async fn change(&self, payment: &Payment, change: &Change, deadline: Deadline) -> Result<ProviderOutcome, Unknown>;

    /// Gives captured money back.
    async fn refund(&self, payment: &Payment, amount: Money, deadline: Deadline) -> Result<ProviderOutcome, Unknown>;

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

/// The outcome of a registration.
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
