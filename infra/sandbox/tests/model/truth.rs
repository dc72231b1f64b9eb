//! How a payment really stands: Mokka's side of it, and what IMSHOP was told.

use sandbox::functions::Story;
use serde_json::Value;
use standins::{Decision, MokkaOrder, MokkaStatus};

/// Mokka's side of a payment. Amounts are kopecks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) status: MokkaStatus,
    pub(crate) decision: Option<Decision>,
    pub(crate) amount: i64,
    /// Given back, by whomever.
    pub(crate) returned: i64,
    pub(crate) finishes: u32,
    pub(crate) cancels: u32,
    pub(crate) changes: u32,
    /// Milliseconds since 1970.
    pub(crate) valid_till: i64,
    pub(crate) form_url: String,
}

impl Truth {
    pub(crate) fn of(story: &Story, payment: &str) -> Option<Self> {
        story.environment.standins().mokka_order(payment).map(|order| Self::from(&order))
    }

    /// The money is the shop's, or was.
    pub(crate) fn is_captured(&self) -> bool {
        matches!(self.status, MokkaStatus::Finished | MokkaStatus::Refunded)
    }

    /// It was held once.
    pub(crate) fn was_held(&self) -> bool {
        self.decision == Some(Decision::Approved)
    }

    /// What a call can change.
    pub(crate) fn effects(&self) -> (u32, u32, u32, i64) {
        (self.finishes, self.cancels, self.changes, self.returned)
    }
}

impl From<&MokkaOrder> for Truth {
    fn from(order: &MokkaOrder) -> Self {
        let amount = kopecks(&order.amount);
        Self {
            status: order.status.clone(),
            decision: order.decision,
            amount,
            returned: if order.status == MokkaStatus::Refunded { amount } else { kopecks(&order.returned) },
            finishes: order.finishes,
            cancels: order.cancels,
            changes: order.changes,
            valid_till: i64::try_from(order.valid_till.unix_timestamp_nanos() / 1_000_000).expect("a moment"),
            form_url: order.form_url.clone(),
        }
    }
}

fn kopecks(text: &str) -> i64 {
    text.replace('.', "").parse().expect("an amount with two decimals")
}

/// Whether IMSHOP takes the payment for paid, as it was told last.
pub(crate) fn imshop_says_paid(story: &Story, payment: &str) -> Option<bool> {
    story.environment.standins().imshop_payment(payment).map(|word| word["paymentCaptured"] == Value::Bool(true))
}

/// What IMSHOP was told last of the order: whether it is paid, and by which payment.
pub(crate) fn imshop_order(story: &Story, order: &str) -> Option<(bool, String)> {
    let word = story.environment.standins().imshop_order(order)?;
    let payment = &word["payment"];
    Some((payment["paid"] == Value::Bool(true), payment["paymentId"].as_str().unwrap_or_default().to_owned()))
}
