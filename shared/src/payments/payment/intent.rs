//! What was asked for: recorded before the provider is called, so that the next request knows what to finish.

use super::data::{Intent, Payment, Reason, Refund, RefundStatus};
use super::receipt::Wanted;
use super::refund_grounds::RefundGrounds;
use super::state::{State, Trigger};
use crate::platform::clock::Timestamp;

impl Payment {
    /// This payment with what is about to be done to it, leased to the request that does it.
    #[must_use]
    pub fn intending(mut self, intent: Intent, by: Trigger<'_>, now: Timestamp) -> Self {
        let action = match &intent {
            Intent::Cancel => "cancel asked for".to_owned(),
            Intent::Change(change) => format!("change to {} asked for", change.amount),
            Intent::Refund(index) => match self.refunds.get(*index) {
                Some(refund) => format!("refund {} of {} asked for", index + 1, refund.amount),
                None => format!("refund {} asked for", index + 1),
            },
            Intent::Receipt => "second receipt asked for".to_owned(),
        };
        self.push(Some(action), None, by, now);
        self.intent = Some(intent);
        self.reason = None;
        self.settled_for_now().leased(now)
    }

    /// This payment, withdrawn before, with its hold about to be let go, leased to the request that does it.
    #[must_use]
    pub fn releasing(mut self, by: Trigger<'_>, now: Timestamp) -> Self {
        if self.reason.is_none() {
            return self.intending(Intent::Cancel, by, now);
        }
        // It was refused before: that is in the history already, and the polls go on becoming rarer.
        self.intent = Some(Intent::Cancel);
        self.leased(now)
    }

    /// This payment with one more refund, which is about to be made.
    #[must_use]
    pub fn refunding(
        mut self,
        key_hash: String,
        wanted: Wanted,
        grounds: RefundGrounds,
        by: Trigger<'_>,
        now: Timestamp,
    ) -> Self {
        let index = self.refunds.len();
        self.refunds.push(Refund::asked(key_hash, wanted, grounds, by, now));
        self.intending(Intent::Refund(index), by, now)
    }

    /// This payment with what was intended about to be tried again, leased to the request that does it.
    #[must_use]
    pub fn repeating(mut self, now: Timestamp) -> Self {
        if let Some(refund) = self.intended_refund() {
            // Whatever this call is answered says nothing of the one before.
            let was_sent = refund.status == RefundStatus::Pending;
            refund.repeats += u32::from(was_sent);
            refund.status = RefundStatus::Pending;
            self.unknown |= was_sent;
        }
        self.leased(now)
    }

    /// This payment after the call never reached the provider: nothing was done, and it can be tried again.
    #[must_use]
    pub fn postponed(mut self, now: Timestamp) -> Self {
        if self.unknown {
            return self.in_doubt(now);
        }
        if let Some(refund) = self.intended_refund() {
            refund.status = RefundStatus::Waiting;
        }
        Self { unknown: false, ..self.in_doubt(now) }
    }

    pub(super) fn intended_refund(&mut self) -> Option<&mut Refund> {
        let Some(Intent::Refund(index)) = self.intent else { return None };
        self.refunds.get_mut(index)
    }

    /// This payment after the provider did what was intended. A cancellation moves it instead.
    #[must_use]
    pub fn intent_done(mut self, by: Trigger<'_>, now: Timestamp) -> Self {
        match self.intent.take() {
            None => {}
            Some(Intent::Cancel) if self.withdrawn => {
                self.push(Some("hold let go".to_owned()), None, by, now);
                return self.closed();
            }
            Some(Intent::Cancel) => {
                self.intent = Some(Intent::Cancel);
                return self.moved(State::Canceled, by, now);
            }
            Some(Intent::Change(change)) => {
                let is_longer_only = change.amount == self.amount;
                self.amount = change.amount;
                self.valid_till = change.valid_till;
                self.hold_until = Some(change.valid_till);
                let end = change.valid_till.rfc3339();
                let action = if is_longer_only { format!("held until {end}") } else { format!("changed to {}", change.amount) };
                self.push(Some(action), None, by, now);
            }
            Some(Intent::Refund(index)) => self.refund_made(index, by, now),
            Some(Intent::Receipt) => self.push(Some("second receipt made".to_owned()), None, by, now),
        }
        self.settled_for_now()
    }

    /// This payment after what was intended is known not to have been done and not to be tried again.
    #[must_use]
    pub fn intent_dropped(mut self, reason: &Reason, by: Trigger<'_>, now: Timestamp) -> Self {
        if let Some(intent) = self.intent.take() {
            if let Intent::Refund(index) = intent {
                self.end_refund(index, RefundStatus::Refused(reason.clone()), by, now);
            }
            if let Intent::Change(change) = &intent
                && change.amount == self.amount
            {
                // It ends when the form would have ended, and it is not extended again by itself.
                self.hold_until.get_or_insert(self.valid_till);
            }
            if self.withdrawn && intent == Intent::Cancel {
                return self.release_refused(reason, by, now);
            }
            self.push(Some(format!("{} not done: {}", intent.name(), reason.code)), None, by, now);
            self.reason = Some(reason.clone());
        }
        self.settled_for_now()
    }

    /// The provider does not let the hold go: it is asked again when that is due; if that lasts, it goes to manual review.
    fn release_refused(mut self, reason: &Reason, by: Trigger<'_>, now: Timestamp) -> Self {
        if self.reason.as_ref() != Some(reason) {
            self.push(Some(format!("{} not done: {}", Intent::Cancel.name(), reason.code)), None, by, now);
        }
        self.refused(reason.clone()).repeated_later(now)
    }
}
