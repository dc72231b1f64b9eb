//! What the shop's own system hears of a payment: events, each of which is a step of its history. They follow from the history alone, so
//! that steps of releases that knew no events make them as well.

use super::data::{Payment, RefundStatus, StatusEvent, Step};
use super::state::State;
use crate::platform::clock::Timestamp;
use crate::platform::money::Money;

/// What the history says when a payment comes to manual review, and when that is over.
const ATTENTION: &str = "attention";
const ATTENTION_OVER: &str = "attention over";

/// What the history says when it is learned of captured money that it is another amount: the shop hears once more that it is paid.
pub(super) const AMOUNT_CORRECTED: &str = "amount corrected";

/// What an event says has happened; its name is the event's `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The money is held for the shop, which ships and captures then.
    Held,
    /// The money is the shop's.
    Paid,
    /// It is not paid and will not be: declined, or its time ran out.
    Failed,
    /// It was given up before the money was the shop's.
    Canceled,
    /// A part was given back.
    PartiallyRefunded,
    /// All of it was given back.
    Refunded,
    /// It came to manual review.
    ManualReview,
    /// The manual review is over.
    ManualReviewOver,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Held,
        Self::Paid,
        Self::Failed,
        Self::Canceled,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::ManualReview,
        Self::ManualReviewOver,
    ];

    /// The event's type as it is sent.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "payment.held",
            Self::Paid => "payment.paid",
            Self::Failed => "payment.failed",
            Self::Canceled => "payment.canceled",
            Self::PartiallyRefunded => "payment.partially_refunded",
            Self::Refunded => "payment.refunded",
            Self::ManualReview => "payment.attention",
            Self::ManualReviewOver => "payment.attention_over",
        }
    }
}

/// The refund that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRefund {
    /// Its number, from 1, as in the back office; the last one's where several were found made at once.
    pub number: usize,
    /// How much was given back since the event before.
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopEvent {
    /// The number of its step, which never changes.
    pub number: usize,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// The payment's state since then.
    pub state: String,
    /// How much of it was given back by then.
    pub refunded: Money,
    /// What was given back with it.
    pub refund: Option<EventRefund>,
    /// The way in which it was found out or done: `callback`, `schedule`, `back-office`, … Never a person.
    pub by: String,
}

impl Step {
    /// Whether it says that a payment came to manual review, or that this is over.
    pub(super) fn is_about_attention(&self) -> bool {
        self.attention().is_some()
    }

    fn attention(&self) -> Option<EventKind> {
        match self.action.as_deref() {
            Some(ATTENTION) => Some(EventKind::ManualReview),
            Some(ATTENTION_OVER) => Some(EventKind::ManualReviewOver),
            Some(_) | None => None,
        }
    }
}

impl Payment {
    /// Every event of the history, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<ShopEvent> {
        let mut events = Vec::new();
        let mut state = "";
        let mut refunded = Money::from_minor(0, self.amount.currency()).unwrap_or(self.amount);
        for step in &self.history {
            let is_new = step.state != state;
            state = &step.state;
            let Some(kind) = kind_of(step, is_new, self.is_prepaid_afterwards()) else { continue };
            let before = refunded;
            match (kind, step.event) {
                (EventKind::PartiallyRefunded, Some(StatusEvent::PartiallyRefunded(amount))) => refunded = amount,
                (EventKind::Refunded, _) => refunded = self.amount,
                _ => {}
            }
            let refund = self.refund_between(before, refunded);
            let by = step.by.split(':').next().unwrap_or_default().to_owned();
            events.push(ShopEvent { number: step.number, at: step.at, kind, state: step.state.clone(), refunded, refund, by });
        }
        events
    }

    /// What was given back between two sums.
    fn refund_between(&self, before: Money, after: Money) -> Option<EventRefund> {
        let mut sum = 0;
        let made = self.refunds.iter().enumerate().filter(|(_, refund)| refund.status == RefundStatus::Made);
        let made = made.map(|(index, refund)| {
            sum += refund.amount.minor();
            (index + 1, sum)
        });
        let (number, _) = made.filter(|(_, sum)| *sum > before.minor() && *sum <= after.minor()).last()?;
        let amount = Money::from_minor(after.minor() - before.minor(), after.currency()).ok()?;
        Some(EventRefund { number, amount })
    }

    /// The steps whose events are still to be published, and the last line on manual review: lines that a long history must keep.
    pub(super) fn kept_events(&self) -> Vec<usize> {
        let done = self.outbox.shop_events.done;
        let waiting = self.events().into_iter().map(|event| event.number).filter(|number| *number > done);
        let last = self.history.iter().rev().find(|step| step.attention().is_some()).map(|step| step.number);
        waiting.chain(last).collect()
    }

    /// This payment with a line of its history that says whether it is in manual review for itself, if that has changed since the last
    /// one. That IMSHOP does not take its messages is a person's business too, but none of the shop's system's.
    pub(super) fn with_manual_review_noted(mut self, now: Timestamp) -> Self {
        let last = self.history.iter().rev().find_map(Step::attention);
        let action = match (self.poll.manual_review && self.is_in_doubt(now), last) {
            (true, None | Some(EventKind::ManualReviewOver)) => ATTENTION,
            (false, Some(EventKind::ManualReview)) => ATTENTION_OVER,
            _ => return self,
        };
        // The new step before it has the same cause; without one it was the schedule.
        let cause = self.history.last().filter(|step| step.number > self.stored.steps).map(|step| step.by.clone());
        self.push_line(Some(action.to_owned()), None, cause.unwrap_or_else(|| "schedule".to_owned()), now);
        self
    }
}

/// The event that a step is, if it is one.
fn kind_of(step: &Step, is_new_state: bool, is_prepaid_afterwards: bool) -> Option<EventKind> {
    if let Some(kind) = step.attention() {
        return Some(kind);
    }
    match State::from_name(&step.state)? {
        State::Creating | State::Pending | State::Finishing => None,
        // A hold that is captured at once carries no status event. One beside a part that is paid afterwards carries none either, but waits
        // for the shop.
        State::Held => (step.event.is_some() || is_prepaid_afterwards && is_new_state).then_some(EventKind::Held),
        State::Captured => (is_new_state || step.action.as_deref() == Some(AMOUNT_CORRECTED)).then_some(EventKind::Paid),
        State::PartiallyRefunded => (is_new_state || step.event.is_some()).then_some(EventKind::PartiallyRefunded),
        State::Refunded => is_new_state.then_some(EventKind::Refunded),
        State::Declined | State::Expired => is_new_state.then_some(EventKind::Failed),
        State::Canceled => is_new_state.then_some(EventKind::Canceled),
    }
}
