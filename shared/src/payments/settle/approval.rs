//! Refunds that a second person has to approve: those above the limit of the one who asks for them.

use super::operate::CommandOutcome;
use super::{ROUNDS, Settler};
use crate::payments::payment::{Command, CommandRefusal, Limit, Payment, Refund, RefundStatus, State, Trigger};
use crate::platform::clock::{Deadline, MOSCOW};
use crate::platform::dynamodb::StoreError;
use crate::platform::money::Money;

impl Settler {
    /// Whether a command is a refund that the person who asks for it cannot give back alone; if they can, it is counted.
    pub(super) async fn needs_approval(&self, payment: &Payment, command: &Command, who: &str) -> Result<bool, StoreError> {
        let Command::Refund { key_hash, part, limit: Some(limit), .. } = command else { return Ok(false) };
        let Ok(wanted) = payment.wanted(part.as_ref()) else { return Ok(false) };
        Ok(!self.is_within(*limit, payment, key_hash, wanted.amount, who).await?)
    }

    /// Whether a refund is within what a person may give back alone, with what they gave back of this payment and on this day; then it is
    /// counted.
    async fn is_within(
        &self,
        limit: Limit,
        payment: &Payment,
        key_hash: &str,
        amount: Money,
        who: &str,
    ) -> Result<bool, StoreError> {
        let before = payment.given_back_before(Trigger::BackOffice(who), self.clock.now());
        match limit.after(before + amount.minor(), amount.currency()) {
            Some(_) => self.orders.count_against(limit, who, key_hash, amount, before).await,
            None => Ok(false),
        }
    }

    /// Whether a refund can wait for its approval: the schedule makes none of a payment that failed here and was paid after all.
    pub(super) fn can_await_approval(payment: &Payment) -> bool {
        matches!(payment.state, State::Captured | State::PartiallyRefunded)
    }

    /// Takes a refund that was not made out of what is counted for the person who answers for it. That it was not made stands already.
    pub(super) async fn uncount_refund(&self, refund: &Refund) {
        let (person, at) = refund.counted();
        if at.day(MOSCOW) != self.clock.now().day(MOSCOW) {
            return;
        }
        if let Err(error) = self.orders.uncount(person, &refund.key_hash, at).await {
            tracing::warn!(person, cause = %error, "a refund that was not made stays counted for today");
        }
    }

    /// Approves the refund `number`, counted from 1, for the holder of the key `who`, who may give back so much alone, and makes it, if the
    /// provider takes it already.
    pub async fn approve_refund(
        &self,
        payment: Payment,
        number: usize,
        who: &str,
        limit: Option<Limit>,
        deadline: Deadline,
    ) -> Result<CommandOutcome, StoreError> {
        let by = Trigger::BackOffice(who);
        let index = number.wrapping_sub(1);
        let mut payment = payment;
        for _ in 0..ROUNDS {
            payment = self.wait_for_lease(payment, deadline).await?;
            let Some(refund) = payment.refunds.get(index) else {
                return Ok(CommandOutcome::Forbidden(payment, CommandRefusal::NotToApprove));
            };
            let approved_by = refund.approval.as_ref().map(|approval| approval.by.as_str());
            if refund.status != RefundStatus::AwaitsApproval {
                // Pressed twice.
                return if approved_by == Some(by.to_string().as_str()) {
                    self.refund_outcome(payment, index, by, deadline).await
                } else {
                    Ok(CommandOutcome::Forbidden(payment, CommandRefusal::NotToApprove))
                };
            }
            if refund.by == by.to_string() {
                return Ok(CommandOutcome::Forbidden(payment, CommandRefusal::OwnRefund));
            }
            if let Some(limit) = limit
                && !self.is_within(limit, &payment, &refund.key_hash, refund.amount, who).await?
            {
                return Ok(CommandOutcome::Forbidden(payment, CommandRefusal::AboveLimit(limit)));
            }
            let approved = payment.clone().refund_approved(index, by, self.clock.now());
            if let Some(approved) = self.orders.save_payment(approved).await? {
                tracing::info!(refund = number, by = %by, "a refund is approved");
                return self.refund_outcome(approved, index, by, deadline).await;
            }
            payment = self.reread(payment).await?;
        }
        Ok(CommandOutcome::Forbidden(payment, CommandRefusal::InProgress("other requests")))
    }

    /// What became of an approved refund, which is made if its time has come.
    async fn refund_outcome(
        &self,
        payment: Payment,
        index: usize,
        by: Trigger<'_>,
        deadline: Deadline,
    ) -> Result<CommandOutcome, StoreError> {
        let payment = if payment.due_refund(self.clock.now()).is_some() {
            Box::pin(self.settle(payment, by, deadline)).await?.into_payment()
        } else {
            payment
        };
        let Some(refund) = payment.refunds.get(index).cloned() else {
            return Ok(CommandOutcome::Forbidden(payment, CommandRefusal::NotToApprove));
        };
        if matches!(refund.status, RefundStatus::Refused(_)) {
            self.uncount_refund(&refund).await;
        }
        Ok(match refund.status {
            RefundStatus::Made => CommandOutcome::Done(payment),
            RefundStatus::AwaitsApproval => CommandOutcome::AwaitsApproval(payment),
            RefundStatus::Scheduled => CommandOutcome::Scheduled(payment),
            RefundStatus::Waiting | RefundStatus::Pending => CommandOutcome::Unknown(payment),
            RefundStatus::Refused(reason) => CommandOutcome::Refused(payment, reason),
            RefundStatus::Withdrawn => CommandOutcome::Forbidden(payment, CommandRefusal::RefundWithdrawn),
        })
    }
}
