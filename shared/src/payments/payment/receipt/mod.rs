//! Fiscal receipts that a gateway makes of a payment (54-ФЗ; reference "Card gateways", 1.6 and 4.15): what the money is for, line by line.

mod items;
mod lines;
mod part;
mod spread;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::command::CommandRefusal;
use super::data::{Intent, Payment};
use super::order::Order;
use super::refund::Part;
use super::state::Trigger;
use crate::platform::clock::Timestamp;
use crate::platform::money::Money;

pub use items::ReceiptItem;
pub use lines::{ReceiptLine, ReceiptLines};
pub use part::{AskedLine, LinesRefusal, ReceiptPart, TakenLine};

/// When a cash register has taken a receipt, or has not.
pub(super) const RECEIPT_TAKES: Duration = Duration::from_hours(1);
/// How often it is asked again of one that takes longer.
const BETWEEN_LOOKS: Duration = Duration::from_hours(6);

/// What a payment keeps for its receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipts {
    /// What the customer's money is for: of what is given back no longer.
    pub lines: ReceiptLines,
    /// The cash register has not taken one of them.
    pub rejection: Option<ReceiptRejection>,
    /// The second receipt of goods that were paid in advance.
    pub closing: Option<ClosingReceipt>,
    /// The cash register had one of the others still to do when the provider was asked last.
    pub is_pending: bool,
    /// When the provider is asked what became of the newest.
    pub look_at: Option<Timestamp>,
}

impl Receipts {
    #[must_use]
    pub fn new(lines: ReceiptLines) -> Self {
        Self { lines, rejection: None, closing: None, is_pending: false, look_at: None }
    }

    /// Whether the second receipt is made, or is being made. One that the cash register has not taken can be asked for again.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closing.as_ref().is_some_and(|closing| closing.status != ReceiptStatus::Rejected)
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
pub struct ClosingReceipt {
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

/// Why no receipt can be made of an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptProblem {
    #[error("the order has no lines")]
    NoLines,
    #[error("line {0} of the order has no price")]
    NoPrice(usize),
    #[error("the lines and the delivery of the order sum up to {lines}, which is less than the {amount} that are to be paid")]
    BelowAmount { lines: Money, amount: Money },
    #[error("the order has neither an e-mail nor a phone for the receipt")]
    NoContact,
    #[error("the cash register sends receipts to an e-mail, and the order has none")]
    NoEmail,
    #[error("nothing was paid in advance")]
    NoSecondReceipt,
    #[error("{lines} lines; a receipt takes at most {most}")]
    TooManyLines { lines: usize, most: usize },
    #[error("{field} `{word}` of a line has no counterpart in the section of the gateway's receipt")]
    UnknownWord { field: &'static str, word: String },
}

impl ReceiptProblem {
    /// Whether the customer can do something about it.
    #[must_use]
    pub fn is_contact(&self) -> bool {
        matches!(self, Self::NoContact | Self::NoEmail)
    }
}

impl Payment {
    /// The lines of the receipt that belongs to what is about to be asked of the provider; nothing if none does: what is whole needs none.
    #[must_use]
    pub fn receipt_due(&self) -> Option<ReceiptLines> {
        let lines = &self.receipts.as_ref()?.lines;
        match self.intent {
            None => (self.registered() != self.amount).then(|| lines.clone()),
            Some(Intent::Refund(index)) => {
                let refund = self.refunds.get(index).filter(|refund| refund.amount != self.amount)?;
                Some(lines.of_part(&refund.part))
            }
            Some(Intent::Receipt) => Some(lines.clone()),
            Some(Intent::Cancel | Intent::Change(_)) => None,
        }
    }

    /// A receipt was not taken by the cash register, and nobody has seen it yet.
    #[must_use]
    pub fn has_new_receipt_rejection(&self) -> bool {
        self.receipts.as_ref().is_some_and(|receipts| receipts.rejection == Some(ReceiptRejection::New))
    }

    /// This payment after the provider has taken the second receipt, which it calls by this id.
    #[must_use]
    pub fn receipt_accepted(mut self, provider_id: &str, by: Trigger<'_>, now: Timestamp) -> Self {
        if let Some(receipts) = &mut self.receipts {
            receipts.closing = Some(ClosingReceipt { provider_id: provider_id.to_owned(), status: ReceiptStatus::Pending });
            receipts.look_at = Some(now.plus(RECEIPT_TAKES));
        }
        self.intent_done(by, now)
    }

    /// Whether it is time to ask what became of the newest receipt.
    #[must_use]
    pub fn is_receipt_look_due(&self, now: Timestamp) -> bool {
        self.receipts.as_ref().and_then(|receipts| receipts.look_at).is_some_and(|at| at <= now)
    }

    /// This payment after the provider was asked what became of its receipts; as long as the cash register has one to do it is asked again.
    #[must_use]
    pub(super) fn receipts_looked_at(mut self, now: Timestamp) -> Self {
        if let Some(receipts) = self.receipts.as_mut().filter(|receipts| receipts.look_at.is_none_or(|at| at <= now)) {
            let is_open =
                receipts.is_pending || receipts.closing.as_ref().is_some_and(|closing| closing.status == ReceiptStatus::Pending);
            receipts.look_at = is_open.then(|| now.plus(BETWEEN_LOOKS));
        }
        self
    }

    /// This payment without a second receipt that the cash register has not taken: another one is asked for.
    #[must_use]
    pub fn closing_receipt_again(mut self) -> Self {
        if let Some(receipts) = &mut self.receipts {
            receipts.closing = None;
        }
        self
    }

    /// This payment, held, of which only a part is to be captured: the rest of the hold goes back to the customer.
    pub fn to_be_captured(mut self, part: &Part) -> Result<Self, CommandRefusal> {
        let (amount, lines) = self.captured_part(part)?;
        self.registered = Some(self.registered());
        self.amount = amount;
        if let (Some(receipts), Some(lines)) = (&mut self.receipts, lines) {
            receipts.lines = lines;
        }
        Ok(self)
    }

    /// This payment with its order's lines for what it costs now, if its gateway makes receipts.
    #[must_use]
    pub fn with_lines_of(mut self, order: &Order, amount: Money) -> Self {
        if let Some(receipts) = &mut self.receipts {
            receipts.lines = ReceiptLines::of(order, amount).unwrap_or_else(|_| receipts.lines.for_amount(amount));
        }
        self
    }
}

impl ReceiptLines {
    /// The lines of `order` and its delivery, when `amount` is paid for them: what that is less than their sum is a discount, spread over the
    /// goods, and over the delivery once no good costs anything any more.
    pub fn of(order: &Order, amount: Money) -> Result<Self, ReceiptProblem> {
        lines::of_order(&order.lines, order.delivery, amount)
    }
}
