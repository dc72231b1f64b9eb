//! Calls that change something at the provider: under a lease that was written before, recorded after.

use super::Settler;
use crate::payments::gateway::{Call, Delivered, Gateway, Unknown};
use crate::payments::payment::{Intent, Order, Payment, ProviderOutcome, State, Trigger};
use crate::platform::clock::Deadline;
use crate::platform::dynamodb::{RECORDING, StoreError, recorded};

/// How often an outcome is recorded again when the payment or its order was written meanwhile.
const ROUNDS: u32 = 4;

impl Settler {
    /// Writes the lease and does what is intended. Nothing if another request wrote first, before or after.
    pub(super) async fn lease_and_execute(
        &self,
        leased: Payment,
        by: Trigger<'_>,
        deadline: Deadline,
    ) -> Result<Option<Payment>, StoreError> {
        let order = match leased.receipt_due() {
            Some(_) => Some(self.order_of(&leased).await?),
            None => None,
        };
        match self.orders.save_payment(self.prepared(leased, order.as_ref())).await? {
            Some(leased) => self.execute(leased, by, deadline).await,
            None => Ok(None),
        }
    }

    /// Makes the intended call for a leased payment, and records its outcome.
    pub(super) async fn execute(
        &self,
        payment: Payment,
        by: Trigger<'_>,
        deadline: Deadline,
    ) -> Result<Option<Payment>, StoreError> {
        let gateway = self.gateways.get(&payment.provider);
        let outcome = self.call(gateway, &payment, deadline.before(RECORDING)).await;
        let operation = operation(&payment);
        match &outcome {
            Ok(ProviderOutcome::Done) => {
                tracing::info!(operation, amount_minor = payment.amount.minor(), by = %by, "done at the provider");
            }
            Ok(ProviderOutcome::Accepted(_)) => tracing::info!(operation, by = %by, "accepted by the provider"),
            Ok(ProviderOutcome::Refused(reason)) => tracing::warn!(operation, reason = reason.code, "refused by the provider"),
            Ok(ProviderOutcome::NotSent(cause)) => tracing::warn!(operation, cause, "the provider could not be reached"),
            Err(cause) => tracing::warn!(operation, cause = %cause, "no clear answer from the provider"),
        }
        let mut payment = payment;
        for _ in 0..ROUNDS {
            if let Some(saved) = recorded(self.record_outcome(payment.clone(), &outcome, by).await)? {
                return Ok(Some(saved));
            }
            match self.orders.payment(&payment.id).await? {
                // Only the outbox has been written meanwhile: no other request changes what is leased.
                Some(stored) if stored.lease_until == payment.lease_until => payment = stored,
                Some(_) | None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Records the outcome of a call. Nothing if another request wrote first.
    async fn record_outcome(
        &self,
        payment: Payment,
        outcome: &Result<ProviderOutcome, Unknown>,
        by: Trigger<'_>,
    ) -> Result<Option<Payment>, StoreError> {
        let now = self.clock.now();
        let after = match outcome {
            Ok(ProviderOutcome::Done) if payment.intent.is_some() => return self.save_done(payment, by).await,
            Ok(ProviderOutcome::Done) => payment.moved(State::Captured, by, now),
            // The call before may have been executed: the refusal of this one says nothing about it.
            Ok(ProviderOutcome::Refused(_)) if payment.unknown && !is_sure_of_refusal(&payment) => payment.in_doubt(now),
            Ok(ProviderOutcome::Accepted(id)) if payment.intent == Some(Intent::Receipt) => payment.receipt_accepted(id, by, now),
            Ok(ProviderOutcome::Accepted(id)) => payment.refund_accepted(id, now),
            Ok(ProviderOutcome::Refused(reason)) if payment.intent.is_none() => payment.capture_refused(reason.clone(), by, now),
            Ok(ProviderOutcome::Refused(reason)) => payment.intent_dropped(reason, by, now),
            Ok(ProviderOutcome::NotSent(_)) => payment.postponed(now),
            Err(_) => payment.in_doubt(now),
        };
        self.orders.save_payment(after).await
    }

    /// This payment, leased to one request, with the call that it is about to make as it is sent each time.
    /// With a receipt it needs the order that the receipt is for; without that it is not made.
    pub(super) fn prepared(&self, payment: Payment, order: Option<&Order>) -> Payment {
        let call = match payment.intent {
            None => Call::Capture { order },
            Some(Intent::Cancel) => Call::Cancel,
            Some(Intent::Refund(index)) => Call::Refund { index, order },
            Some(Intent::Receipt) => Call::Receipt { order },
            Some(Intent::Change(_)) => return payment,
        };
        let gateway = self.gateways.get(&payment.provider);
        payment.with_operation(&call.name(), self.clock.now(), |payment, number| gateway.keyed(payment, &call, number))
    }

    async fn call(&self, gateway: &dyn Gateway, payment: &Payment, deadline: Deadline) -> Result<ProviderOutcome, Unknown> {
        match &payment.intent {
            None if !gateway.abilities().takes_documents => gateway.capture(payment, None, deadline).await,
            None => {
                let order = match self.order_of(payment).await {
                    Ok(order) => order,
                    Err(error) => return Ok(ProviderOutcome::NotSent(error.to_string())),
                };
                let document = match payment.fiscal_receipt.as_ref().and_then(|receipt| receipt.document.as_ref()) {
                    None => None,
                    Some(document) => match self.orders.document(&payment.id, document).await {
                        Ok(Some(bytes)) => Some(bytes),
                        Ok(None) => return Ok(ProviderOutcome::NotSent("the fiscal document is gone".to_owned())),
                        Err(error) => return Ok(ProviderOutcome::NotSent(error.to_string())),
                    },
                };
                gateway.capture(payment, Some(Delivered { order, document }), deadline).await
            }
            Some(Intent::Cancel) => gateway.cancel(payment, deadline).await,
            Some(Intent::Change(change)) => gateway.change(payment, change, deadline).await,
            Some(Intent::Refund(index)) => match payment.refunds.get(*index) {
                Some(refund) => gateway.refund(payment, refund.amount, deadline).await,
                None => Ok(ProviderOutcome::NotSent("the intended refund is not there".to_owned())),
            },
            Some(Intent::Receipt) => gateway.receipt(payment, deadline).await,
        }
    }

    /// Records that the provider did what was intended. A change is one of the order too: what is held is what it costs.
    pub(super) async fn save_done(&self, payment: Payment, by: Trigger<'_>) -> Result<Option<Payment>, StoreError> {
        let now = self.clock.now();
        let Some(Intent::Change(change)) = payment.intent.clone().filter(|_| !payment.is_extending()) else {
            return self.orders.save_payment(payment.intent_done(by, now)).await;
        };
        for _ in 0..ROUNDS {
            let mut order = self.order_of(&payment).await?;
            order.amount = Some(payment.with_prepayment(change.amount));
            order.lines.clone_from(&change.lines);
            let done = payment.clone().with_lines_of(&order, change.amount).intent_done(by, now);
            if let Some(saved) = self.orders.save_together(&order, done).await? {
                return Ok(Some(saved));
            }
            if self.orders.payment(&payment.id).await?.is_none_or(|stored| stored.version != payment.version) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    pub(super) async fn order_of(&self, payment: &Payment) -> Result<Order, StoreError> {
        self.orders.order(&payment.order_uuid).await?.ok_or_else(|| StoreError::Unreadable {
            key: payment.order_uuid.to_string(),
            cause: "the payment's order is gone".to_owned(),
        })
    }
}

/// The refusal of a repetition says that nothing was done: with its key, what was asked before would have been answered again. So does that of
/// a change of the hold, which shows in the amount and must not stand in the way of the capture meanwhile.
fn is_sure_of_refusal(payment: &Payment) -> bool {
    payment.operation.is_some() || matches!(payment.intent, Some(Intent::Change(_)))
}

/// What is being done, for the log.
fn operation(payment: &Payment) -> &'static str {
    payment.intent.as_ref().map_or("finish", Intent::name)
}
