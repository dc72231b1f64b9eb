//! When a payment is polled next, and when it needs a manual review. Recomputed at every write.

use std::time::Duration;

use super::channels::Channel;
use super::data::{Payment, RefundStatus};
use super::state::{State, Trigger};
use crate::platform::clock::Timestamp;

/// The first poll of what may be broken off: a call without a clear answer, a request that died.
const DOUBT: Backoff = Backoff { first: Duration::from_secs(15), longest: Duration::from_mins(30) };
/// Polls of an attempt that is the customer's turn: on the provider's page, where the callback is expected to be quicker, or
/// before it was ever shown, where only another `create` can do something about it.
const CUSTOMER: Backoff = Backoff { first: Duration::from_mins(5), longest: Duration::from_hours(6) };
/// Polls of what waits for a bank, which may take days.
const BANK: Backoff = Backoff { first: Duration::from_secs(15), longest: Duration::from_hours(6) };
/// Polls of a hold that waits for the goods to ship.
const HOLD: Backoff = Backoff { first: Duration::from_mins(30), longest: Duration::from_hours(6) };
/// Polls of what should have ended by itself.
const OVERDUE: Backoff = Backoff { first: Duration::from_mins(1), longest: Duration::from_hours(1) };
/// Polls of data that do not match.
const MISMATCH: Backoff = Backoff { first: Duration::from_mins(5), longest: Duration::from_hours(1) };
/// Polls while the provider cannot be asked: the end of its outage is noticed soon.
const OUTAGE: Duration = Duration::from_mins(1);
/// Audit looks at an attempt that is not paid, after the provider's end or its own, whichever came later: a form that was approved in
/// spite of it is found out.
const AFTER_FAILURE: [Duration; 2] = [Duration::from_hours(1), Duration::from_hours(24)];
/// The first audit look at a captured payment, which is planned at the capture; the others by [`Payment::audited`].
const AFTER_CAPTURE: Duration = Duration::from_hours(24);
/// How long before its end a hold that still waits for its capture is trouble.
const NEAR_ITS_END: Duration = Duration::from_hours(24);
/// After so long beyond its end what was withdrawn should be closed, whatever the provider calls it.
const WITHDRAWN_FOR: Duration = Duration::from_hours(2);
/// Polls of what is over after the provider has said by itself that something happened: for a quarter of an hour.
const POLLS_AFTER_HINT: u32 = 6;
/// Audit looks that are answered, and not with how the payment stands: so often, so far apart.
const UNANSWERED_AUDITS: u32 = 24;
const BETWEEN_UNANSWERED_AUDITS: Duration = Duration::from_hours(1);
/// What is added to a moment at which something ends, so that it has ended for everybody.
const MARGIN: Duration = Duration::from_secs(5);

struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// The pause after `times` unchanged polls: twice as long each time.
    fn after(&self, times: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(times.min(16))).min(self.longest)
    }
}

impl Payment {
    /// This payment with its next poll, as it is stored at `now`.
    #[must_use]
    pub fn scheduled(mut self, now: Timestamp) -> Self {
        if self.is_over() {
            let first = if self.poll.audits_done == 0 { self.next_audit(0, &[AFTER_CAPTURE]) } else { None };
            self.poll.audit_at = self.poll.audit_at.or(first).filter(|_| self.state != State::Refunded);
        }
        self.poll.troubled_since = if self.is_troubled(now) { Some(self.poll.troubled_since.unwrap_or(now)) } else { None };
        self.poll.manual_review &= self.poll.troubled_since.is_some();
        let payment = self.with_manual_review_noted(now);
        let provider_at = payment.provider_poll(now);
        payment.planned(provider_at, now)
    }

    fn planned(mut self, provider_at: Option<Timestamp>, now: Timestamp) -> Self {
        self.poll.provider_at = provider_at;
        self.poll.next_at = [provider_at, self.next_publication(now)].into_iter().flatten().min();
        self
    }

    /// The same of a payment of which only something was published: its provider is asked when that was planned already.
    #[must_use]
    pub fn rescheduled(self, now: Timestamp) -> Self {
        let planned = self.poll.provider_at.filter(|_| !self.is_over());
        let payment = self.scheduled(now);
        let provider_at = planned.or(payment.poll.provider_at);
        payment.planned(provider_at, now)
    }

    /// It is time to ask its provider, which is not so if only a message for a channel is due.
    #[must_use]
    pub fn is_provider_poll_due(&self, now: Timestamp) -> bool {
        self.poll.provider_at.is_none_or(|at| at <= now)
    }

    /// This payment after a poll that brought nothing new.
    #[must_use]
    pub fn polled_unchanged(mut self) -> Self {
        self.poll.unchanged = self.poll.unchanged.saturating_add(1);
        self.poll.unreachable_since = None;
        self
    }

    /// Whether the payment is over and its next audit look is due, or a look at its receipts.
    #[must_use]
    pub fn is_audit_due(&self, now: Timestamp) -> bool {
        self.is_over() && (self.poll.audit_at.is_some_and(|at| at <= now) || self.is_receipt_look_due(now))
    }

    /// When the audit look is due before which there were `audits_before`; those of a captured payment come `audits` after its capture.
    #[must_use]
    pub fn next_audit(&self, audits_before: u32, audits: &[Duration]) -> Option<Timestamp> {
        let index = usize::try_from(audits_before).ok()?;
        match self.state {
            State::Captured | State::PartiallyRefunded => Some(self.captured_at?.plus(*audits.get(index)?)),
            State::Declined | State::Canceled | State::Expired => {
                Some(self.valid_till.max(self.moved_at()).plus(*AFTER_FAILURE.get(index)?))
            }
            State::Creating | State::Pending | State::Held | State::Finishing | State::Refunded => None,
        }
    }

    /// This payment after an audit look that brought nothing new. Those that follow a hint, or a receipt, are made beside the planned ones.
    #[must_use]
    pub fn audited(self, audits: &[Duration], now: Timestamp) -> Self {
        let is_for_receipts = self.is_receipt_look_due(now) && !self.poll.hinted;
        let mut payment = self.receipts_looked_at(now);
        if is_for_receipts && payment.poll.audit_at.is_none_or(|at| at > now) {
            return payment;
        }
        if payment.poll.hinted {
            payment.poll.unchanged = payment.poll.unchanged.saturating_add(1);
            payment.poll.hinted = payment.poll.unchanged < POLLS_AFTER_HINT;
            let planned = payment.next_audit(payment.poll.audits_done, audits);
            let next = now.plus(DOUBT.after(payment.poll.unchanged));
            payment.poll.audit_at = if payment.poll.hinted { Some(next) } else { planned.map(|at| at.max(now.plus(MARGIN))) };
            return payment;
        }
        payment.poll.unchanged = 0;
        payment.poll.audits_done = payment.poll.audits_done.saturating_add(1);
        payment.poll.audit_at = payment.next_audit(payment.poll.audits_done, audits);
        payment
    }

    /// This payment after an audit look that the provider answered otherwise than by how the payment stands. After a day of these the look
    /// counts as made.
    #[must_use]
    pub fn audited_without_answer(mut self, audits: &[Duration], now: Timestamp) -> Self {
        self.poll.unchanged = self.poll.unchanged.saturating_add(1);
        if self.poll.unchanged >= UNANSWERED_AUDITS {
            self.poll.hinted = false;
            return self.audited(audits, now);
        }
        self.poll.audit_at = Some(now.plus(BETWEEN_UNANSWERED_AUDITS));
        if let Some(at) = self.receipts.as_mut().and_then(|receipts| receipts.look_at.as_mut()).filter(|at| **at <= now) {
            *at = now.plus(BETWEEN_UNANSWERED_AUDITS);
        }
        self
    }

    /// This payment after the provider could not be asked: that was no poll, so the next ones do not become rarer for it.
    #[must_use]
    pub fn unreachable(mut self, now: Timestamp) -> Self {
        self.poll.unreachable_since.get_or_insert(now);
        self
    }

    /// This payment after the provider said by itself that something happened: the polls begin anew, at seconds.
    #[must_use]
    pub fn hinted(mut self, now: Timestamp) -> Self {
        self.poll.unchanged = 0;
        self.poll.hinted = true;
        if self.is_over() {
            self.poll.audit_at = Some(now.plus(DOUBT.after(1)));
        }
        self
    }

    /// Whether the provider may be asked again to do what it may have done already, or has refused. A refund is repeated once,
    /// and never before its time, regardless of the caller: two would give the money back twice. The rest does no harm twice, so that the
    /// first repeat comes with the next trigger, and an operator's at any time.
    #[must_use]
    pub fn may_repeat(&self, by: Trigger<'_>, now: Timestamp) -> bool {
        let is_due = self.poll.repeat_at.or(self.poll.next_at).is_none_or(|at| at <= now);
        match self.refund_under_way() {
            Some((refund, _)) if refund.status == RefundStatus::Waiting => true,
            Some(_) => is_due,
            None if self.unknown => is_due || by.is_explicit() || self.poll.unchanged <= 1,
            // Refused for a reason that is still there, or never sent.
            None => is_due || by.is_explicit() || self.reason.is_none(),
        }
    }

    /// This payment with the time noted before which a call that had no clear answer, or a refusal, is not repeated.
    #[must_use]
    pub(super) fn repeated_later(mut self, now: Timestamp) -> Self {
        self.poll.unchanged = self.poll.unchanged.saturating_add(1);
        self.poll.repeat_at = Some(now.plus(DOUBT.after(self.poll.unchanged)));
        self
    }

    /// Whether the payment has been in trouble for longer than `age`.
    #[must_use]
    pub fn is_overdue(&self, age: Duration, now: Timestamp) -> bool {
        self.poll.troubled_since.is_some_and(|since| now.since(since) >= age)
    }

    /// When its provider is asked next, if it is.
    fn provider_poll(&self, now: Timestamp) -> Option<Timestamp> {
        let leased = self.lease_until.filter(|until| *until > now).map(|until| until.plus(MARGIN));
        if self.is_over() {
            let for_receipts = self.receipts.as_ref().and_then(|receipts| receipts.look_at);
            // One whose time has come and that could not be begun is tried again soon.
            let for_refund = self.next_scheduled_refund().map(|(_, at)| if at > now { at } else { now.plus(OUTAGE) });
            let for_approval = self.approval_ends().filter(|at| *at > now || !self.poll.manual_review).map(|at| at.max(now));
            return [self.poll.audit_at, for_receipts, for_refund, for_approval].into_iter().flatten().min();
        }
        Some(leased.unwrap_or_else(|| self.next_provider_poll(now)))
    }

    /// When to ask the provider.
    fn next_provider_poll(&self, now: Timestamp) -> Timestamp {
        let pause = |backoff: Backoff| now.plus(backoff.after(self.poll.unchanged));
        if self.poll.unreachable_since.is_some() {
            return now.plus(OUTAGE);
        }
        if self.mismatch.is_some() {
            return pause(MISMATCH);
        }
        let end = self.valid_till.plus(MARGIN);
        if self.withdrawn && self.intent.is_none() {
            return match self.poll.hinted {
                _ if self.reason.is_some() => pause(DOUBT),
                _ if end <= now => pause(OVERDUE),
                true => pause(DOUBT).min(end),
                false => pause(CUSTOMER).min(end),
            };
        }
        match self.state {
            State::Creating | State::Pending if self.processing => pause(BANK),
            State::Creating | State::Pending | State::Held if end <= now => pause(OVERDUE),
            State::Creating | State::Pending if self.poll.hinted => pause(DOUBT).min(end),
            State::Creating | State::Pending => pause(CUSTOMER).min(end),
            State::Held if self.intent.is_none() && !self.unknown => {
                let near = self.valid_till.minus(NEAR_ITS_END).plus(MARGIN);
                if near > now { pause(HOLD).min(near) } else { pause(OVERDUE).min(end) }
            }
            State::Held
            | State::Finishing
            | State::Captured
            | State::PartiallyRefunded
            | State::Refunded
            | State::Declined
            | State::Canceled
            | State::Expired => pause(DOUBT),
        }
    }

    /// Whether the payment is in trouble: if that lasts, it goes to manual review.
    fn is_troubled(&self, now: Timestamp) -> bool {
        self.is_in_doubt(now) || self.is_told_in_vain()
    }

    /// One of IMSHOP's addresses has not taken what it should hear.
    #[must_use]
    pub fn is_told_in_vain(&self) -> bool {
        Channel::IMSHOP.into_iter().any(|channel| self.outbox.of(channel).failures > 0)
    }

    /// The payment itself is not as it should be, whatever IMSHOP has heard of it.
    #[must_use]
    pub fn is_in_doubt(&self, now: Timestamp) -> bool {
        let stuck = match self.state {
            // Whether it was registered may be unknown, but a page that was never shown cannot have been paid; it ends by itself.
            State::Creating | State::Pending => now > self.valid_till || self.processing,
            State::Held => self.unknown || self.ends_soon(now),
            State::Finishing => true,
            State::Captured | State::PartiallyRefunded | State::Refunded | State::Declined | State::Canceled | State::Expired => {
                self.unknown
            }
        };
        // A hold that should be let go and is not.
        let is_kept = self.withdrawn && (self.reason.is_some() || self.is_given_up_for_long(now));
        let stuck = stuck || is_kept || self.lost || self.has_new_receipt_rejection() || self.has_unseen_refusal();
        let stuck = stuck || self.is_approval_overdue(now);
        // Its customer may have paid unnoticed.
        let stuck = stuck || self.poll.hinted || self.poll.unreachable_since.is_some();
        // Banks take days for some refunds.
        let awaits = self.awaits_refund().is_some_and(|refund| !refund.is_overdue(now));
        stuck || self.mismatch.is_some() || self.second_payment.is_some() || self.intent.is_some() && !awaits
    }

    /// Whether a hold that still waits for its capture ends within a day.
    #[must_use]
    pub fn ends_soon(&self, now: Timestamp) -> bool {
        now.plus(NEAR_ITS_END) > self.valid_till
    }

    /// Whether it was withdrawn, and should be closed by now, whatever the provider calls it.
    #[must_use]
    pub fn is_given_up_for_long(&self, now: Timestamp) -> bool {
        self.withdrawn && now > self.valid_till.plus(WITHDRAWN_FOR)
    }
}
