//! What a gateway must be able to do, and how it answers.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;

use crate::payments::payment::{
    Change, KeyedRequest, Order, Payment, PaymentAction, Policy, ProviderOutcome, ProviderReport, Reason, ReceiptLines,
    ReceiptProblem, Receipts, RefundStatus, State,
};
use crate::platform::clock::{Deadline, Timestamp};
use crate::platform::env::parse_url;
use crate::platform::money::{Currency, Money};
use crate::platform::outbound::System;

/// A payment provider.
#[async_trait]
pub trait Gateway: Send + Sync + std::fmt::Debug {
    /// Registers an attempt and returns the customer's payment page. May be repeated for the same attempt.
    async fn register(&self, order: &Order, payment: &Payment, urls: &Urls, deadline: Deadline) -> Result<Registration, Unknown>;

    /// Asks how a payment stands.
    async fn status(&self, payment: &Payment, deadline: Deadline) -> Result<ProviderReport, Unknown>;

    /// The request for a call, the `number`th of its payment, to be stored before it is sent first. Nothing at a gateway that knows no
    /// idempotence keys, and for what takes no call.
    fn keyed(&self, payment: &Payment, call: &Call<'_>, number: u32) -> Option<KeyedRequest>;

    /// Captures what is to be paid of the hold; with what is delivered, if [`Abilities::takes_documents`].
    async fn capture(
        &self,
        payment: &Payment,
        delivered: Option<Delivered>,
        deadline: Deadline,
    ) -> Result<ProviderOutcome, Unknown>;

    /// Lets the hold go.
    async fn cancel(&self, payment: &Payment, deadline: Deadline) -> Result<ProviderOutcome, Unknown>;

    /// Holds another amount, or holds it longer.
    async fn change(&self, payment: &Payment, change: &Change, deadline: Deadline) -> Result<ProviderOutcome, Unknown>;

    /// Makes the second receipt of goods that were paid in advance.
    async fn receipt(&self, payment: &Payment, _: Deadline) -> Result<ProviderOutcome, Unknown> {
        Ok(ProviderOutcome::NotSent(format!("gateway {} makes no receipts", payment.provider)))
    }

    /// What its receipts of an order are made of, of which `amount` is to be paid; nothing if it makes none.
    fn receipts(&self, _: &Order, _: Money) -> Result<Option<Receipts>, ReceiptProblem> {
        Ok(None)
    }

    /// Why no receipt can be made of these lines for the customer of `order`; the second one of what was paid in advance, or another.
    fn receipt_problem(&self, _: &ReceiptLines, _: &Order, _is_second: bool) -> Option<ReceiptProblem> {
        None
    }

    /// Gives captured money back.
    async fn refund(&self, payment: &Payment, amount: Money, deadline: Deadline) -> Result<ProviderOutcome, Unknown>;

    /// From when on the provider gives a part of a payment back that was captured at `captured_at`.
    fn partial_refund_from(&self, captured_at: Timestamp) -> Timestamp;

    /// What it can do, and what it needs for that.
    fn abilities(&self) -> Abilities;

    /// When a hold is captured.
    fn policy(&self) -> Policy;

    /// How long a customer has to pay; as the installation decides without it.
    fn valid_for(&self) -> Option<Duration>;

    /// How long a hold that waits for the goods is to live.
    fn hold_for(&self) -> Duration;

    /// The outside system that its calls are counted for; none if it makes none.
    fn system(&self) -> Option<System>;

    /// The currency of the provider's amounts.
    fn currency(&self) -> Currency;
}

/// A gateway for cards: it sends notifications, in which nothing is believed but whose they may be.
#[async_trait]
pub trait CardGateway: Gateway {
    /// Whether notifications may come from this address.
    fn takes_from(&self, sender: IpAddr) -> bool;

    /// What a notification names; nothing for one about no payment.
    fn notification(&self, body: &[u8]) -> Option<Notification>;

    /// Asks whose payment the provider has under an id of its own; nothing if it is not this installation's.
    async fn owner(&self, provider_id: &str, deadline: Deadline) -> Result<Option<OwnPayment>, Unknown>;
}

/// What a notification names.
#[derive(Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its name for the log.
    pub event: &'static str,
    /// What is said to have happened.
    pub news: News,
    /// The provider's id of the payment.
    pub provider_id: String,
    /// Ours: a hint.
    pub payment_id: Option<String>,
}

impl Notification {
    /// Whether the payment's record already says what happened, so that asking the provider would bring nothing: each capture and
    /// refund of our own is followed by such a notification.
    #[must_use]
    pub fn is_recorded(&self, payment: &Payment) -> bool {
        let is_clear = !payment.unknown && payment.mismatch.is_none();
        is_clear
            && match &self.news {
                News::Held | News::Ended => false,
                News::Captured => match payment.state {
                    State::Captured | State::PartiallyRefunded | State::Refunded => true,
                    State::Creating
                    | State::Pending
                    | State::Held
                    | State::Finishing
                    | State::Declined
                    | State::Canceled
                    | State::Expired => false,
                },
                News::GivenBack { number } => number
                    .and_then(|number| payment.refunds.get(number.checked_sub(1)?))
                    .is_some_and(|refund| refund.status == RefundStatus::Made),
            }
    }
}

/// What a notification says to have happened.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    Held,
    Captured,
    Ended,
    /// By our refund of this number, counted from 1; by another one's without it.
    GivenBack {
        number: Option<usize>,
    },
}

/// A payment of this installation, as the provider has it.
#[derive(Debug)]
pub struct OwnPayment {
    pub payment_id: String,
    /// What was registered; unknown if it cannot be read.
    pub amount: Option<Money>,
    /// Money is held or captured.
    pub has_money: bool,
    /// Why it is not our money although it has our id.
    pub conflict: Option<String>,
}

impl OwnPayment {
    /// Why this cannot be the registration of `payment`.
    #[must_use]
    pub fn contradiction(&self, payment: &Payment) -> Option<String> {
        let amount = match self.amount {
            Some(amount) if amount == payment.registered() => None,
            Some(amount) => Some(format!("the provider says {amount}, the order says {}", payment.registered())),
            None => Some("the provider said no readable amount".to_owned()),
        };
        self.conflict.clone().or(amount)
    }
}

/// What a gateway can do.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an ability of its own")]
pub struct Abilities {
    /// A hold can be changed: held for another amount, which may be more, and held longer. Where it cannot, a lower amount is what is captured of
    /// it, and its end is the provider's.
    pub changes_hold: bool,
    /// A part of a hold can be captured: the rest goes back to the customer.
    pub captures_parts: bool,
    /// What a partial refund must leave more than, in minor units.
    pub least_rest: Option<i64>,
    /// A capture hands over the order and a fiscal document.
    pub takes_documents: bool,
    /// The customer's page has one way back for all outcomes, so that it says nothing of them.
    pub one_way_back: bool,
    /// Nobody can pay an attempt after its end, whatever its status says then.
    pub ends_exactly: bool,
}

/// A provider's payment page: https, or http on this machine (the sandbox).
pub(super) fn page(url: &str) -> Option<PaymentAction> {
    parse_url(url).ok().map(|_| PaymentAction::Page(url.to_owned()))
}

/// What a capture hands over.
pub struct Delivered {
    pub order: Order,
    /// The shop's fiscal document (PDF); one of our own making without it.
    pub document: Option<Vec<u8>>,
}

/// A call that changes something.
pub enum Call<'a> {
    Register {
        order: &'a Order,
        urls: &'a Urls,
    },
    Capture {
        order: Option<&'a Order>,
    },
    Cancel,
    Refund {
        /// In [`Payment::refunds`].
        index: usize,
        order: Option<&'a Order>,
    },
    Receipt {
        order: Option<&'a Order>,
    },
}

impl Call<'_> {
    /// The name of the operation, one for each refund.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Register { .. } => "create".into(),
            Self::Capture { .. } => "capture".into(),
            Self::Cancel => "cancel".into(),
            Self::Refund { index, .. } => format!("refund-{}", index.saturating_add(1)).into(),
            Self::Receipt { .. } => "receipt".into(),
        }
    }
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
    /// The customer can pay.
    Open {
        action: PaymentAction,
        /// The provider's id of the payment, where it gives one.
        provider_id: Option<String>,
        /// Until when the provider keeps the attempt open; as it was asked to without it.
        valid_till: Option<Timestamp>,
    },
    /// It is registered under this id of the provider's, and how to pay it was not said: its status is to be asked.
    WithoutAction(String),
    /// Refused; nothing was registered.
    Refused(Reason),
    /// Not looked at, for a reason of the configuration; nothing was registered. What the customer reads.
    NotDone(&'static str),
}

/// No clear answer: what was asked for may have been done or not.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unknown(pub String);
