//! Why there is no receipt.

use crate::platform::money::Money;

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
