//! Refunds above what the person who asks may give back alone. They count as taken at once, are made when another person has approved them,
//! and can be withdrawn until then.

use std::time::Duration;

use super::data::{Approval, Payment, Refund, RefundStatus};
use super::receipt::Wanted;
use super::refund_grounds::RefundGrounds;
use super::state::{BACK_OFFICE, Trigger};
use crate::platform::clock::{MOSCOW, Timestamp};

/// A refund that nobody has approved for so long is a matter for manual review.
const APPROVAL_TAKES: Duration = Duration::from_hours(24);

impl Refund {
    /// Whoever answers for it: the person who approved it, or who asked for it and needed no approval.
    fn answers_for(&self) -> &str {
        self.approval.as_ref().map_or(&self.by, |approval| &approval.by)
    }

    /// Since when it counts against that person's limit.
    fn counts_since(&self) -> Timestamp {
        self.approval.as_ref().map_or(self.at, |approval| approval.at)
    }

    /// For the holder of which key it is counted, and on the day of which moment.
    #[must_use]
    pub fn counted(&self) -> (&str, Timestamp) {
        (self.answers_for().trim_start_matches(BACK_OFFICE), self.counts_since())
    }
}

impl Payment {
    /// This payment with one more refund, which is made when it is approved, and not before `earliest`.
    #[must_use]
    pub fn asking_approval(
        mut self,
        key_hash: String,
        wanted: Wanted,
        grounds: RefundGrounds,
        earliest: Option<Timestamp>,
        by: Trigger<'_>,
        now: Timestamp,
    ) -> Self {
        let action = format!("refund {} of {} asked for, to be approved", self.refunds.len() + 1, wanted.amount);
        let refund = Refund::asked(key_hash, wanted, grounds, by, now);
        self.refunds.push(Refund { status: RefundStatus::AwaitsApproval, scheduled_for: earliest, ..refund });
        self.push(Some(action), None, by, now);
        self
    }

    /// The refund that awaits approval for the longest time, by its index.
    #[must_use]
    pub fn unapproved_refund(&self) -> Option<(usize, &Refund)> {
        self.refunds.iter().enumerate().find(|(_, refund)| refund.status == RefundStatus::AwaitsApproval)
    }

    /// When a refund that awaits approval becomes a matter for manual review.
    #[must_use]
    pub fn approval_ends(&self) -> Option<Timestamp> {
        self.unapproved_refund().map(|(_, refund)| refund.at.plus(APPROVAL_TAKES))
    }

    /// A refund awaits approval for longer than is usual.
    #[must_use]
    pub fn is_approval_overdue(&self, now: Timestamp) -> bool {
        self.approval_ends().is_some_and(|end| end <= now)
    }

    /// This payment with its refund `index` approved: it is made as soon as the provider takes it.
    #[must_use]
    pub fn refund_approved(mut self, index: usize, by: Trigger<'_>, now: Timestamp) -> Self {
        let Some(refund) = self.refunds.get_mut(index) else { return self };
        refund.status = RefundStatus::Scheduled;
        refund.scheduled_for = Some(refund.scheduled_for.map_or(now, |earliest| earliest.max(now)));
        refund.approval = Some(Approval { by: by.to_string(), at: now });
        self.push(Some(format!("refund {} approved", index + 1)), None, by, now);
        self
    }

    /// What counts against a person's limit of what was given back on this payment on other days than that of `now`, in minor units. What was
    /// given back today is counted over all payments.
    #[must_use]
    pub fn given_back_before(&self, by: Trigger<'_>, now: Timestamp) -> i64 {
        let (person, today) = (by.to_string(), now.day(MOSCOW));
        let own =
            self.refunds.iter().filter(|refund| refund.answers_for() == person && refund.counts_since().day(MOSCOW) != today);
        own.filter(|refund| match refund.status {
            RefundStatus::Scheduled | RefundStatus::Waiting | RefundStatus::Pending | RefundStatus::Made => true,
            RefundStatus::AwaitsApproval | RefundStatus::Refused(_) | RefundStatus::Withdrawn => false,
        })
        .map(|refund| refund.amount.minor())
        .sum()
    }
}
