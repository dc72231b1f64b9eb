//! A payment: one attempt to pay an order, as a state machine. No I/O here; `settle` runs it.
//!
//! `creating → pending → held → finishing → captured → partially_refunded → refunded`, and `declined`, `canceled`,
//! `expired`. States only move forward (a step may be skipped when the provider is ahead of us). "Unknown outcome" is a flag
//! on a state, never a state: the next look asks the provider before anything else is done.

mod machine;
mod order;
pub mod receipt;

use crate::clock::{LEASE, Timestamp};
use crate::ids::{MethodId, OrderId, OrderUuid, PaymentId};
use crate::money::Money;

pub use machine::{Capture, Next, Policy, Report, ReportedState, next};
pub use order::{Line, Order};

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// About to be registered with the provider.
    Creating,
    /// Registered; the customer is on the provider's page.
    Pending,
    /// The provider holds the money for us.
    Held,
    /// About to be captured.
    Finishing,
    /// The money is ours.
    Captured,
    /// Part of it was given back.
    PartiallyRefunded,
    /// All of it was given back.
    Refunded,
    /// The provider said no.
    Declined,
    /// Given up before the money was ours.
    Canceled,
    /// The time to pay ran out.
    Expired,
}

impl State {
    /// Every state, in the order of the machine.
    pub const ALL: [Self; 10] = [
        Self::Creating,
        Self::Pending,
        Self::Held,
        Self::Finishing,
        Self::Captured,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Declined,
        Self::Canceled,
        Self::Expired,
    ];

    /// The name used in storage and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Finishing => "finishing",
            Self::Captured => "captured",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Declined => "declined",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Paying is over, with or without success; only a refund can follow.
    #[must_use]
    pub fn is_settled(self) -> bool {
        match self {
            Self::Creating | Self::Pending | Self::Held | Self::Finishing => false,
            Self::Captured | Self::PartiallyRefunded | Self::Refunded | Self::Declined | Self::Canceled | Self::Expired => true,
        }
    }

    /// Not paid and never will be: the order may be tried again.
    #[must_use]
    pub fn is_failed(self) -> bool {
        matches!(self, Self::Declined | Self::Canceled | Self::Expired)
    }

    /// Whether the machine allows this step. Every step goes forward.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use State::{Canceled, Captured, Creating, Declined, Expired, Finishing, Held, PartiallyRefunded, Pending, Refunded};
        match self {
            Creating => next != Creating,
            Pending => !matches!(next, Creating | Pending),
            Held => matches!(next, Finishing | Captured | PartiallyRefunded | Refunded | Declined | Canceled | Expired),
            Finishing => matches!(next, Captured | PartiallyRefunded | Refunded | Declined | Canceled | Expired),
            Captured => matches!(next, PartiallyRefunded | Refunded),
            PartiallyRefunded => next == Refunded,
            Refunded | Declined | Canceled | Expired => false,
        }
    }
}

/// Who takes the money of an online payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Mokka, payment in instalments.
    Mokka,
}

impl Provider {
    /// The name used in configuration, storage and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mokka => "mokka",
        }
    }

    /// The provider of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        (name == Self::Mokka.name()).then_some(Self::Mokka)
    }
}

/// What moved a payment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// IMSHOP's `create`.
    Create,
    /// IMSHOP's `capture`.
    Capture,
    /// The provider's callback.
    Callback,
    /// The customer's browser came back.
    Return,
}

impl Trigger {
    /// The name used in storage and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Capture => "capture",
            Self::Callback => "callback",
            Self::Return => "return",
        }
    }
}

/// One step of a payment's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Into which state.
    pub state: String,
    /// What moved it.
    pub by: String,
}

/// Why a payment was not made: for the log and support, and which sentence the customer reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The provider's code, or a word of ours.
    pub code: String,
    /// The customer's sentence.
    pub text: String,
}

/// One attempt to pay an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Ours, and the provider's order id.
    pub id: PaymentId,
    /// The order.
    pub order_uuid: OrderUuid,
    /// The shop's id of the order.
    pub order_id: OrderId,
    /// 1, 2, 3, …
    pub attempt: u32,
    /// The way to pay that the customer chose.
    pub method: MethodId,
    /// Who takes the money.
    pub provider: Provider,
    /// What is to be paid; never changes.
    pub amount: Money,
    /// Where it stands.
    pub state: State,
    /// The last call that changes something at the provider had no clear answer.
    pub unknown: bool,
    /// The provider's data do not match ours: nothing counts as paid until they do.
    pub mismatch: Option<String>,
    /// The provider's payment page.
    pub url: Option<String>,
    /// Where the app is opened again.
    pub return_url: Option<String>,
    /// SHA-256 of the token in the callback's path.
    pub callback_token_hash: String,
    /// Until when the provider keeps the attempt open.
    pub valid_till: Timestamp,
    /// Until when one request alone may call the provider to change something.
    pub lease_until: Option<Timestamp>,
    /// Why it failed, if it did.
    pub reason: Option<Reason>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// What happened, oldest first.
    pub history: Vec<Step>,
    /// Counts the writes; every write names the version it replaces.
    pub version: u64,
}

impl Payment {
    /// A new attempt, leased to the request that opens it.
    #[must_use]
    pub fn open(order: &Order, attempt: u32, amount: Money, choice: Choice, now: Timestamp) -> Self {
        Self {
            id: PaymentId::new(&order.id, attempt),
            order_uuid: order.uuid.clone(),
            order_id: order.id.clone(),
            attempt,
            method: choice.method,
            provider: choice.provider,
            amount,
            state: State::Creating,
            unknown: false,
            mismatch: None,
            url: None,
            return_url: choice.return_url,
            callback_token_hash: String::new(),
            valid_till: choice.valid_till,
            lease_until: Some(now.plus(LEASE)),
            reason: None,
            created_at: now,
            history: vec![Step { at: now, state: State::Creating.name().to_owned(), by: Trigger::Create.name().to_owned() }],
            version: 0,
        }
    }

    /// Another request may be calling the provider for this payment right now.
    #[must_use]
    pub fn is_leased(&self, now: Timestamp) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }

    /// This payment moved on to `state`. The outcome is known again and the lease is over.
    /// A step that the machine does not allow leaves it as it is.
    #[must_use]
    pub fn moved(mut self, state: State, by: Trigger, now: Timestamp) -> Self {
        if self.state.may_become(state) {
            self.state = state;
            self.history.push(Step { at: now, state: state.name().to_owned(), by: by.name().to_owned() });
        }
        // It moves only when the provider's data match, or when there is no money to match.
        self.mismatch = None;
        self.unknown = false;
        self.lease_until = None;
        self
    }

    /// This payment, leased to one request that is about to change something at the provider.
    #[must_use]
    pub fn leased(mut self, now: Timestamp) -> Self {
        self.lease_until = Some(now.plus(LEASE));
        self
    }

    /// This payment after a call that changes something had no clear answer: anybody may look next, by asking the status.
    #[must_use]
    pub fn in_doubt(mut self) -> Self {
        self.unknown = true;
        self.lease_until = None;
        self
    }

    /// This payment after the provider refused what was asked, having changed nothing.
    #[must_use]
    pub fn refused(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self.unknown = false;
        self.lease_until = None;
        self
    }
}

/// What the customer chose when the attempt was opened.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The way to pay.
    pub method: MethodId,
    /// Who takes the money.
    pub provider: Provider,
    /// Where the app is opened again.
    pub return_url: Option<String>,
    /// Until when the provider keeps the attempt open.
    pub valid_till: Timestamp,
}
