//! Refunds that are asked for before the provider takes them. They count as taken at once, are made by the schedule, and can be withdrawn
//! until then.

use super::data::{Intent, Payment, Reason, Refund, RefundStatus};
use super::receipt::{ReceiptLines, ReceiptPart, Wanted};
use super::refund_grounds::RefundGrounds;
use super::state::{State, Trigger};
use crate::platform::clock::Timestamp;

impl Payment {
    /// This payment with one more refund, which is made at `at`.
    #[must_use]
    pub fn scheduling_refund(
        mut self,
        key_hash: String,
        wanted: Wanted,
        grounds: RefundGrounds,
        at: Timestamp,
        by: Trigger<'_>,
        now: Timestamp,
    ) -> Self {
        let action = format!("refund {} of {} asked for, to be made at {}", self.refunds.len() + 1, wanted.amount, at.rfc3339());
        let refund = Refund::asked(key_hash, wanted, grounds, by, now);
        self.refunds.push(Refund { status: RefundStatus::Scheduled, scheduled_for: Some(at), ..refund });
        self.push(Some(action), None, by, now);
        self
    }

    /// The refunds that are to be made later, by their indices: scheduled ones, and those that await approval.
    pub fn planned_refunds(&self) -> impl Iterator<Item = (usize, &Refund)> {
        let is_planned = |status: &RefundStatus| matches!(status, RefundStatus::AwaitsApproval | RefundStatus::Scheduled);
        self.refunds.iter().enumerate().filter(move |(_, refund)| is_planned(&refund.status))
    }

    fn scheduled_refunds(&self) -> impl Iterator<Item = (usize, &Refund)> {
        self.refunds.iter().enumerate().filter(|(_, refund)| refund.status == RefundStatus::Scheduled)
    }

    /// The refund that is to be made next, by its index.
    #[must_use]
    pub fn next_scheduled_refund(&self) -> Option<(usize, Timestamp)> {
        let scheduled = self.scheduled_refunds().filter_map(|(index, refund)| Some((index, refund.scheduled_for?)));
        scheduled.min_by_key(|(_, at)| *at)
    }

    /// The refund whose time has come, by its index, if nothing stands in its way.
    #[must_use]
    pub fn due_refund(&self, now: Timestamp) -> Option<usize> {
        let has_money = matches!(self.state, State::Captured | State::PartiallyRefunded);
        let is_free = has_money && self.is_over() && !self.is_leased(now);
        self.next_scheduled_refund().filter(|(_, at)| is_free && *at <= now).map(|(index, _)| index)
    }

    /// The refund `index` would give back more than is left, since money was given back beside it.
    #[must_use]
    pub fn is_above_rest(&self, index: usize) -> bool {
        let amount = self.refunds.get(index).map_or(0, |refund| refund.amount.minor());
        self.refunded().minor() + amount > self.amount.minor()
    }

    /// This payment with its scheduled refund `index` about to be made, leased to the request that makes it.
    #[must_use]
    pub fn scheduled_refund_begun(mut self, index: usize, by: Trigger<'_>, now: Timestamp) -> Self {
        if let Some(refund) = self.refunds.get_mut(index) {
            refund.status = RefundStatus::Pending;
        }
        self.intending(Intent::Refund(index), by, now)
    }

    /// This payment after it is known that its scheduled refund `index` cannot be made. A person has to hear of it.
    #[must_use]
    pub fn scheduled_refund_refused(mut self, index: usize, reason: &Reason, by: Trigger<'_>, now: Timestamp) -> Self {
        self.end_refund(index, RefundStatus::Refused(reason.clone()), by, now);
        self.push(Some(format!("refund {} not done: {}", index + 1, reason.code)), None, by, now);
        self
    }

    /// This payment without its refund `index`, which was to be made later.
    #[must_use]
    pub fn refund_withdrawn(mut self, index: usize, by: Trigger<'_>, now: Timestamp) -> Self {
        self.end_refund(index, RefundStatus::Withdrawn, by, now);
        self.push(Some(format!("refund {} withdrawn", index + 1)), None, by, now);
        self
    }

    /// Ends a refund that was not made. Of a scheduled one that is refused the person who asked for it has not heard, unless a person is
    /// answered so now.
    pub(super) fn end_refund(&mut self, index: usize, status: RefundStatus, by: Trigger<'_>, now: Timestamp) {
        let Some(refund) = self.refunds.get_mut(index) else { return };
        refund.is_refusal_unseen =
            refund.scheduled_for.is_some() && matches!(status, RefundStatus::Refused(_)) && !by.is_explicit();
        self.poll.manual_review |= refund.is_refusal_unseen;
        refund.status = status;
        refund.ended_at = Some(now);
        refund.part = ReceiptPart::default();
    }

    /// Everything is given back: nothing is left for what was to be made later.
    pub(super) fn drop_planned_refunds(&mut self, by: Trigger<'_>, now: Timestamp) {
        let indices: Vec<_> = self.planned_refunds().map(|(index, _)| index).collect();
        for index in indices {
            self.end_refund(index, RefundStatus::Withdrawn, by, now);
            self.push(Some(format!("refund {} withdrawn: everything is given back", index + 1)), None, by, now);
        }
    }

    /// A scheduled refund was refused, and no person has seen it yet.
    #[must_use]
    pub fn has_unseen_refusal(&self) -> bool {
        self.refunds.iter().any(|refund| refund.is_refusal_unseen)
    }

    /// What is left of the lines beside what refunds take of them that are made later.
    pub(super) fn free_lines(&self) -> Option<ReceiptLines> {
        let lines = self.receipts.as_ref()?.lines.clone();
        Some(self.planned_refunds().fold(lines, |lines, (_, refund)| lines.without(&refund.part)))
    }

    /// This payment without the notes on its refunds, which may name the customer.
    #[must_use]
    pub fn without_notes(mut self) -> Self {
        for refund in &mut self.refunds {
            refund.grounds.note = None;
        }
        self
    }

    /// Whether people have written something about its refunds.
    #[must_use]
    pub fn has_notes(&self) -> bool {
        self.refunds.iter().any(|refund| refund.grounds.note.is_some())
    }
}
