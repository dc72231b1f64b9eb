//! What to do next with a payment, given what the provider says of it. Pure: every case is in one `match`.

use super::{Payment, State};
use crate::money::Money;

/// When a hold is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// As soon as it is confirmed.
    OnHold,
    /// When the goods ship, by the back office; a hold counts as paid.
    OnShipment,
}

/// The provider's word on a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it says happened.
    pub state: ReportedState,
    /// The provider's order id, which must be ours.
    pub payment_id: String,
    /// The amount, which must be ours; unknown if the provider did not say a readable one.
    pub amount: Option<Money>,
}

/// A provider's status, every one mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportedState {
    /// The provider has no such order.
    Unregistered,
    /// The customer has not finished.
    Pending,
    /// The money is held.
    Held,
    /// The money was captured.
    Captured,
    /// All of it was given back.
    Refunded,
    /// No.
    Declined,
    /// Canceled.
    Canceled,
    /// Out of time.
    Expired,
    /// A status that we do not know, kept as it came.
    Unrecognised(String),
}

/// How a capture came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capture {
    /// The money is ours.
    Done,
    /// Refused; nothing changed.
    Refused(super::Reason),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: wait for the customer or for somebody else.
    Wait,
    /// The provider does not have the attempt (or we do not have its page): register it, which only `create` does.
    Register,
    /// Record this state.
    Move(State),
    /// Record the hold if it is new, take the lease, capture.
    Capture,
    /// The provider speaks of another amount or order: stop and call a person.
    Mismatch(String),
}

/// Decides. Whatever the provider says of money counts only if it is our order and our amount.
#[must_use]
pub fn next(payment: &Payment, report: &Report, policy: Policy) -> Next {
    if payment.state.is_settled() {
        return Next::Wait;
    }
    match &report.state {
        ReportedState::Unregistered | ReportedState::Pending if payment.state == State::Creating => Next::Register,
        ReportedState::Unregistered | ReportedState::Pending | ReportedState::Unrecognised(_) => Next::Wait,
        ReportedState::Declined => Next::Move(State::Declined),
        ReportedState::Canceled => Next::Move(State::Canceled),
        ReportedState::Expired => Next::Move(State::Expired),
        ReportedState::Held | ReportedState::Captured | ReportedState::Refunded => match mismatch(payment, report) {
            Some(what) => Next::Mismatch(what),
            None => money(payment, &report.state, policy),
        },
    }
}

fn money(payment: &Payment, reported: &ReportedState, policy: Policy) -> Next {
    match (reported, policy) {
        (ReportedState::Captured, _) => Next::Move(State::Captured),
        (ReportedState::Refunded, _) => Next::Move(State::Refunded),
        // A capture under way is finished whatever the policy says by now.
        (_, Policy::OnShipment) if payment.state != State::Finishing => {
            if payment.state == State::Held {
                Next::Wait
            } else {
                Next::Move(State::Held)
            }
        }
        _ => Next::Capture,
    }
}

fn mismatch(payment: &Payment, report: &Report) -> Option<String> {
    if report.payment_id != payment.id.as_str() {
        return Some("the provider answered about another order".to_owned());
    }
    match report.amount {
        Some(amount) if amount == payment.amount => None,
        Some(amount) => Some(format!("the provider says {amount}, the order says {}", payment.amount)),
        None => Some("the provider said no readable amount".to_owned()),
    }
}
