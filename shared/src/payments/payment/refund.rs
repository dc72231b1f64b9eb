//! Money given back. What is asked for is recorded first, so that parallel requests can never give back more than was captured.

use std::time::Duration;

use super::data::{Intent, Payment, Refund, RefundStatus, StatusEvent};
use super::receipt::{RECEIPT_TAKES, ReceiptPart, Wanted};
use super::refund_grounds::RefundGrounds;
use super::report::{ProviderReport, ReportedRefund};
use super::state::{State, Trigger};
use crate::platform::clock::Timestamp;
use crate::platform::money::Money;

/// How many refunds a payment can have: more than any order has lines, and they all fit into its item.
pub const MAX_REFUNDS: usize = 100;

/// A refund that the provider has accepted is nothing unusual for so long.
const REFUND_TAKES: Duration = Duration::from_hours(4 * 24);

impl Refund {
    /// One that is about to be made.
    pub(super) fn asked(key_hash: String, wanted: Wanted, grounds: RefundGrounds, by: Trigger<'_>, now: Timestamp) -> Self {
        let Wanted { amount, part, lines_hash } = wanted;
        Self {
            key_hash,
            amount,
            status: RefundStatus::Pending,
            repeats: 0,
            by: by.to_string(),
            at: now,
            ended_at: None,
            provider_id: None,
            accepted_at: None,
            part,
            lines_hash,
            grounds,
            scheduled_for: None,
            is_refusal_unseen: false,
            approval: None,
        }
    }

    /// Whether its amount was not free for another one that was asked for at `moment`.
    fn was_taken(&self, moment: Timestamp) -> bool {
        match self.status {
            RefundStatus::Refused(_) | RefundStatus::Withdrawn => self.ended_at.is_some_and(|ended| ended > moment),
            RefundStatus::AwaitsApproval
            | RefundStatus::Scheduled
            | RefundStatus::Waiting
            | RefundStatus::Pending
            | RefundStatus::Made => true,
        }
    }

    /// Whether the provider accepted it longer ago than banks take for one, and it is still not made.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.provider_id.is_some() && now.since(self.accepted_at.unwrap_or(self.at)) >= REFUND_TAKES
    }
}

impl Payment {
    fn sum_of_refunds(&self, counts: impl Fn(&RefundStatus) -> bool) -> Money {
        let minor = self.refunds.iter().filter(|refund| counts(&refund.status)).map(|refund| refund.amount.minor()).sum();
        // A sum that is no amount can only come from a damaged item: then nothing is left to give back.
        Money::from_minor(minor, self.amount.currency()).unwrap_or(self.amount)
    }

    /// What is known to be given back.
    #[must_use]
    pub fn refunded(&self) -> Money {
        self.sum_of_refunds(|status| *status == RefundStatus::Made)
    }

    /// What can still be given back: not what is given back, nor what is being given back or is to be.
    #[must_use]
    pub fn rest(&self) -> Money {
        self.rest_before(self.refunds.len())
    }

    /// What could be given back when the refund `index` was asked for.
    #[must_use]
    pub fn rest_before(&self, index: usize) -> Money {
        let moment = self.refunds.get(index).map_or(Timestamp::from_millis(i64::MAX), |refund| refund.at);
        let earlier = self.refunds.iter().take(index).filter(|refund| refund.was_taken(moment));
        let minor = self.amount.minor() - earlier.map(|refund| refund.amount.minor()).sum::<i64>();
        Money::from_minor(minor.max(0), self.amount.currency()).unwrap_or(self.amount)
    }

    /// The refund that was asked for with this key.
    #[must_use]
    pub fn refund_with_key(&self, key_hash: &str) -> Option<(usize, &Refund)> {
        self.refunds.iter().enumerate().find(|(_, refund)| refund.key_hash == key_hash)
    }

    /// The refund that is being made, and whether it would give back all that is left.
    #[must_use]
    pub fn refund_under_way(&self) -> Option<(&Refund, bool)> {
        let Some(Intent::Refund(index)) = self.intent else { return None };
        let refund = self.refunds.get(index)?;
        Some((refund, self.refunded().minor() + refund.amount.minor() == self.amount.minor()))
    }

    /// Takes what was given back off the lines: those of its own, if the refund knew them, and a part of everybody's otherwise.
    fn lines_given_back(&mut self, part: &ReceiptPart) {
        let kept = self.amount.minor() - self.refunded().minor();
        let currency = self.amount.currency();
        let Some(receipts) = &mut self.receipts else { return };
        receipts.lines = receipts.lines.without(part);
        if let Ok(surplus) = Money::from_minor(receipts.lines.minor() - kept, currency) {
            receipts.lines = receipts.lines.without(&receipts.lines.share(surplus));
        }
    }

    /// Records that the refund `index` is made, and the state and the status event that follow.
    pub(super) fn refund_made(&mut self, index: usize, by: Trigger<'_>, now: Timestamp) {
        let Some(refund) = self.refunds.get_mut(index) else { return };
        refund.status = RefundStatus::Made;
        refund.ended_at = Some(now);
        let part = std::mem::take(&mut refund.part);
        let action = format!("refund {} of {} made", index + 1, refund.amount);
        self.lines_given_back(&part);
        if let Some(receipts) = &mut self.receipts {
            // Whether the cash register has taken the receipt is known some time later.
            receipts.look_at = Some(now.plus(RECEIPT_TAKES));
        }
        let refunded = self.refunded();
        if self.state.is_failed() {
            // It was told as failed, and now there is no money of it again.
            self.mismatch = None;
            self.push(Some(action), None, by, now);
            return;
        }
        self.state = if refunded == self.amount { State::Refunded } else { State::PartiallyRefunded };
        self.push(Some(action), StatusEvent::of(self.state, refunded), by, now);
    }

    /// The provider says that `amount` more was given back than we know of: its own people did it.
    #[must_use]
    pub fn given_back(mut self, amount: Money, by: Trigger<'_>, now: Timestamp) -> Self {
        let index = self.refunds.len();
        self.given_back_by_provider(amount, by, now);
        self.refund_made(index, by, now);
        self.mismatch = None;
        self.settled_for_now()
    }

    fn given_back_by_provider(&mut self, amount: Money, by: Trigger<'_>, now: Timestamp) {
        let seen = format!("{} seen by {by}", self.provider);
        let wanted = Wanted { amount, part: ReceiptPart::default(), lines_hash: None };
        let refund = Refund::asked(String::new(), wanted, RefundGrounds::default(), by, now);
        self.refunds.push(Refund { status: RefundStatus::Made, by: seen, ended_at: Some(now), ..refund });
    }

    /// The provider has accepted the refund under way, and has not made it yet.
    #[must_use]
    pub fn awaits_refund(&self) -> Option<&Refund> {
        self.refund_under_way().map(|(refund, _)| refund).filter(|refund| refund.provider_id.is_some())
    }

    /// Whether people can say what became of the refund under way where the provider keeps a record of each: it was never sent, or its key
    /// lives no more and the record does not show it.
    #[must_use]
    pub fn is_refund_for_people(&self, report: &ProviderReport, now: Timestamp) -> bool {
        let Some((refund, _)) = self.refund_under_way() else { return false };
        let is_absent = matches!(report.refund, Some(ReportedRefund::Absent)) && self.is_key_expired(now);
        refund.provider_id.is_none() && (refund.status == RefundStatus::Waiting || is_absent)
    }

    /// This payment after the provider has accepted the refund under way, which it will make or refuse later.
    #[must_use]
    pub fn refund_accepted(mut self, provider_id: &str, now: Timestamp) -> Self {
        self.note_acceptance(provider_id, now);
        self.settled_for_now()
    }

    /// Notes that the provider has accepted the refund under way. Which it is and since when stays as it was known first.
    pub(super) fn note_acceptance(&mut self, provider_id: &str, now: Timestamp) {
        if let Some(refund) = self.intended_refund() {
            refund.provider_id.get_or_insert_with(|| provider_id.to_owned());
            refund.accepted_at.get_or_insert(now);
        }
    }

    /// The provider says that everything is given back: what was asked for is made, and its own people made the rest.
    pub(super) fn give_back_the_rest(&mut self, by: Trigger<'_>, now: Timestamp) {
        self.drop_planned_refunds(by, now);
        for refund in self.refunds.iter_mut().filter(|refund| refund.status.is_open()) {
            refund.status = RefundStatus::Made;
            refund.ended_at = Some(now);
            refund.part = ReceiptPart::default();
        }
        let rest = self.rest();
        if !rest.is_zero() {
            self.given_back_by_provider(rest, by, now);
        }
        self.lines_given_back(&ReceiptPart::default());
    }
}
