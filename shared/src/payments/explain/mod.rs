//! What a payment's state and flags come to, for people: what is so, what happens next by itself, and what can be done.
//!
//! [`explain`] is pure. [`Situation`] decides which of them it is; `words` has what is said of it.

mod situation;
#[cfg(test)]
mod tests;
mod view;
mod words;

use super::payment::{Change, Command, FiscalReceipt, Intent, Payment, RefundGrounds, RefundStatus, RefundTime};
use crate::platform::clock::Timestamp;

pub use situation::Situation;
pub use view::ProviderView;

/// A payment in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Which of all situations it is; a row of the runbook (OPERATIONS, "A payment needs manual review").
    pub situation: Situation,
    /// For the operator: what is so, and what is to be done if anything is.
    pub text: String,
    /// What may be sent to the customer, in Russian.
    pub customer_text: &'static str,
    /// When the payment is looked at by itself next; never again without it.
    pub next_look: Option<Timestamp>,
    /// What would not be refused now.
    pub actions: Vec<Action>,
}

/// What the back office can do with a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Capture the hold.
    Finish,
    /// Let the hold go, or give the attempt up.
    Cancel,
    /// Hold another amount, or longer.
    Change,
    /// Give everything that is left back.
    Refund,
    /// Give up a refund that is made later.
    Withdraw,
    /// Approve a refund that another person has asked for.
    Approve,
    /// Make the second receipt.
    Receipt,
    /// Say whether the refund under way was made.
    Outcome,
    /// Ask the provider now, and do what is due.
    Settle,
}

impl Action {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Finish,
        Self::Cancel,
        Self::Change,
        Self::Refund,
        Self::Withdraw,
        Self::Approve,
        Self::Receipt,
        Self::Outcome,
        Self::Settle,
    ];

    /// The name used in answers: that of the route.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Finish => "finish",
            Self::Cancel => "cancel",
            Self::Change => "change",
            Self::Refund => "refunds",
            Self::Withdraw => "withdraw",
            Self::Approve => "approve",
            Self::Receipt => "receipts",
            Self::Outcome => "outcome",
            Self::Settle => "settle",
        }
    }

    /// Whether it would not be refused now for a reason that lies in the payment.
    fn is_permitted(self, payment: &Payment, now: Timestamp) -> bool {
        let permits = |command: &Command| {
            // The whole rest can be given back at any time.
            match payment.permits(command, now, now) {
                Ok(()) => true,
                Err(refusal) => payment.may_give_all_back(command, &refusal),
            }
        };
        match self {
            Self::Finish => permits(&Command::Finish { receipt: FiscalReceipt::default(), part: None }),
            Self::Cancel => permits(&Command::Cancel),
            Self::Change => {
                permits(&Command::Change(Change { amount: payment.amount, valid_till: payment.valid_till, lines: Vec::new() }))
            }
            Self::Refund => permits(&Command::Refund {
                key_hash: String::new(),
                part: None,
                grounds: RefundGrounds::default(),
                when: RefundTime::Now,
                limit: None,
            }),
            Self::Withdraw => payment.planned_refunds().next().is_some(),
            Self::Approve => payment.unapproved_refund().is_some() && !payment.is_leased(now),
            Self::Receipt => permits(&Command::Receipt),
            Self::Outcome => is_outcome_for_people(payment, now),
            Self::Settle => !payment.is_leased(now),
        }
    }
}

/// A refund that was sent, of which its provider keeps no record that could still tell.
fn is_outcome_for_people(payment: &Payment, now: Timestamp) -> bool {
    let Some(Intent::Refund(index)) = payment.intent else { return false };
    let is_recorded = payment.operation.is_some() && !payment.is_key_expired(now);
    let is_sent = payment
        .refunds
        .get(index)
        .is_some_and(|refund| matches!(refund.status, RefundStatus::Pending) && refund.provider_id.is_none());
    is_sent && !is_recorded && !payment.is_leased(now)
}

/// Explains a payment by our books and by what its provider says of it.
#[must_use]
pub fn explain(payment: &Payment, view: ProviderView<'_>, now: Timestamp) -> Explanation {
    let situation = Situation::of(payment, view, now);
    Explanation {
        situation,
        text: words::text(situation, payment, view, now),
        customer_text: words::customer_text(situation),
        next_look: payment.poll.next_at,
        actions: Action::ALL.into_iter().filter(|action| action.is_permitted(payment, now)).collect(),
    }
}
