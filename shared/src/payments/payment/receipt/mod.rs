//! Fiscal receipts that a gateway makes of a payment (54-ФЗ; reference "Card gateways", 1.6 and 4.15): what the money is for, line by line.

mod items;
mod lines;
mod part;
mod problem;
mod spread;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::platform::clock::Timestamp;

pub use items::ReceiptItem;
pub use lines::{ReceiptLine, ReceiptLines};
pub use part::{AskedLine, LinesRefusal, Part, ReceiptPart, TakenLine, Wanted};
pub use problem::ReceiptProblem;

/// When a cash register has taken a receipt, or has not.
pub(super) const RECEIPT_TAKES: Duration = Duration::from_hours(1);

/// What a payment keeps for its receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipts {
    /// What the customer's money is for: of what is given back no longer.
    pub lines: ReceiptLines,
    /// The cash register has not taken one of them.
    pub rejection: Option<ReceiptRejection>,
    /// The second receipt of goods that were paid in advance.
    pub second: Option<SecondReceipt>,
    /// The cash register had one of the others still to do when the provider was asked last.
    pub is_pending: bool,
    /// When the provider is asked what became of the newest.
    pub look_at: Option<Timestamp>,
}

impl Receipts {
    #[must_use]
    pub fn new(lines: ReceiptLines) -> Self {
        Self { lines, rejection: None, second: None, is_pending: false, look_at: None }
    }

    /// Whether the second receipt is made, or is being made. One that the cash register has not taken can be asked for again.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.second.as_ref().is_some_and(|second| second.status != ReceiptStatus::Rejected)
    }
}

/// A receipt that the cash register has not taken: a person has to see to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptRejection {
    /// Nobody has seen it yet.
    New,
    /// A person has.
    Seen,
}

/// The second receipt, which is made when the goods ship.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondReceipt {
    /// The provider's id of it.
    pub provider_id: String,
    pub status: ReceiptStatus,
}

/// How the registration of a receipt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptStatus {
    Pending,
    Registered,
    /// The cash register has not taken it.
    Rejected,
}

impl ReceiptStatus {
    /// The name used in storage and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Registered => "registered",
            Self::Rejected => "rejected",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pending, Self::Registered, Self::Rejected].into_iter().find(|status| status.name() == name)
    }
}
