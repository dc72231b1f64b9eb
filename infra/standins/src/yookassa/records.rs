//! Refunds and receipts as they are kept.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::amounts::amount;
use super::payment::Cancellation;
use super::receipt::Content;
use super::registration::{OwnReceipt, Registration};
use crate::money::Kopecks;
use crate::random;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RefundState {
    Pending,
    Succeeded,
    Canceled(Cancellation),
}

#[derive(Clone, Debug)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) payment_id: String,
    pub(super) amount: Kopecks,
    pub(super) state: RefundState,
    pub(super) description: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) receipt: Option<OwnReceipt>,
    pub(super) created_at: OffsetDateTime,
}

/// A receipt of a payment or of a refund.
#[derive(Clone, Debug)]
pub(super) struct Receipt {
    pub(super) id: String,
    /// Of a refund's receipt too.
    pub(super) payment_id: String,
    pub(super) refund_id: Option<String>,
    pub(super) content: Content,
    /// By what it was paid.
    pub(super) settlements: Value,
    /// How much of that was prepaid, with a receipt of its own.
    pub(super) settles_prepaid: Kopecks,
    /// As the register has said; [`super::state::Books::registration`] knows what became of the money, too.
    pub(super) registration: Registration,
    pub(super) registered_at: Option<OffsetDateTime>,
}

impl Receipt {
    /// One that came with money, or is made of it, and is the first of it.
    pub(super) fn of_money(payment_id: &str, refund_id: Option<&str>, content: Content) -> Self {
        let total = content.total();
        Self {
            id: format!("rt-{}", random::uuid()),
            payment_id: payment_id.to_owned(),
            refund_id: refund_id.map(str::to_owned),
            settlements: json!([{ "type": "cashless", "amount": amount(total) }]),
            settles_prepaid: Kopecks(0),
            content,
            registration: Registration::Pending,
            registered_at: None,
        }
    }

    /// Whether it tells of money that no receipt has told of before.
    pub(super) fn is_first_of_payment(&self) -> bool {
        self.refund_id.is_none() && self.settles_prepaid == Kopecks(0)
    }
}
