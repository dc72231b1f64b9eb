//! Refunds that wait for the provider's time: made by whoever settles the payment then, and withdrawn by people until it has come.

use super::operate::CommandOutcome;
use super::{ROUNDS, Settler};
use crate::payments::payment::{CommandRefusal, Payment, Reason, RefundStatus, Trigger};
use crate::platform::clock::Deadline;
use crate::platform::dynamodb::StoreError;

impl Settler {
    /// Makes the refund `index`, whose time has come, of a payment that is as the provider has just said. Nothing if another request wrote
    /// first.
    pub(super) async fn make_scheduled(
        &self,
        payment: Payment,
        index: usize,
        by: Trigger<'_>,
        deadline: Deadline,
    ) -> Result<Option<Payment>, StoreError> {
        let now = self.clock.now();
        let begun = payment.clone().scheduled_refund_begun(index, by, now);
        let order = if payment.is_above_rest(index) {
            Err(CommandRefusal::AboveRest(payment.amount.minus(payment.refunded()).unwrap_or(payment.amount)))
        } else {
            self.order_for_receipt(&begun).await?
        };
        let order = match order {
            Ok(order) => order,
            Err(refusal) => {
                let reason = Reason { code: refusal.code().to_owned(), text: refusal.to_string() };
                tracing::error!(
                    refund = index + 1,
                    reason = reason.code,
                    "a scheduled refund cannot be made: needs manual review"
                );
                return self.orders.save_payment(payment.scheduled_refund_refused(index, &reason, by, now)).await;
            }
        };
        match self.orders.save_payment(self.prepared(begun, order.as_ref())).await? {
            Some(leased) => self.execute(leased, by, deadline).await,
            None => Ok(None),
        }
    }

    /// Gives up the refund `number`, counted from 1, that is scheduled or awaits approval, for the holder of the key `who`.
    pub async fn withdraw_refund(&self, payment: Payment, number: usize, who: &str) -> Result<CommandOutcome, StoreError> {
        let mut payment = payment;
        for _ in 0..ROUNDS {
            let index = number.wrapping_sub(1);
            let was_counted = match payment.refunds.get(index).map(|refund| &refund.status) {
                Some(RefundStatus::Withdrawn) => return Ok(CommandOutcome::Done(payment)),
                Some(RefundStatus::AwaitsApproval) => false,
                Some(RefundStatus::Scheduled) => true,
                Some(RefundStatus::Waiting | RefundStatus::Pending | RefundStatus::Made | RefundStatus::Refused(_)) | None => {
                    return Ok(CommandOutcome::Forbidden(payment, CommandRefusal::NotScheduled));
                }
            };
            let by = Trigger::BackOffice(who);
            match self.orders.save_payment(payment.clone().refund_withdrawn(index, by, self.clock.now())).await? {
                Some(payment) => {
                    if let Some(refund) = payment.refunds.get(index).filter(|_| was_counted) {
                        self.uncount_refund(refund).await;
                    }
                    return Ok(CommandOutcome::Done(payment));
                }
                None => payment = self.reread(payment).await?,
            }
        }
        Ok(CommandOutcome::Forbidden(payment, CommandRefusal::InProgress("other requests")))
    }
}
