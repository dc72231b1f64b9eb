//! Where a payment stands, and what moves it on.

use std::fmt;

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

/// What moved a payment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger<'a> {
    /// IMSHOP's `create`.
    Create,
    /// IMSHOP's `capture`.
    Capture,
    /// The provider's callback.
    Callback,
    /// The customer's browser came back.
    Return,
    /// The scheduled reconciliation.
    Schedule,
    /// The shop's people or system, by the name of their key.
    BackOffice(&'a str),
}

/// What the shop's people and system are called in a history, before their name.
pub(super) const BACK_OFFICE: &str = "back-office:";

impl Trigger<'_> {
    /// The back office asks for the provider's status, even if nothing is expected of it.
    #[must_use]
    pub fn is_explicit(self) -> bool {
        matches!(self, Self::BackOffice(_))
    }
}

impl fmt::Display for Trigger<'_> {
    /// The name used in storage and logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create"),
            Self::Capture => f.write_str("capture"),
            Self::Callback => f.write_str("callback"),
            Self::Return => f.write_str("return"),
            Self::Schedule => f.write_str("schedule"),
            Self::BackOffice(name) => write!(f, "{BACK_OFFICE}{name}"),
        }
    }
}
