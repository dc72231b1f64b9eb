//! Telling IMSHOP what became of a payment. The payment's history is the outbox: each step that matters carries a word, and
//! the words go out in their order, each at least once. IMSHOP's two addresses do not wait for each other. Two triggers, no
//! other logic in them: the table's stream, at once, and the scheduled reconciliation, for what failed.
//!
//! An order's last word is the order's truth: the failure of an attempt that another followed is not told any more, unless
//! IMSHOP may have been told that this one is paid and the order is not.
//!
//! Round trips when nothing is in the way: one read, one write (the lease), one call for each address, one write; of a payment
//! that failed one more read, of its order, and one of the attempt that followed if this one once counted as paid.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::payments::imshop::status::{Channel, Client, OrderPayment, OrderStatus, PaymentStatus, Unpublished};
use crate::payments::payment::{OutboxMarks, Payment, StatusEvent};
use crate::payments::store::Orders;
use crate::payments::texts;
use crate::platform::clock::{Clock, Deadline};
use crate::platform::dynamodb::StoreError;
use crate::platform::ids::PaymentId;

/// How often one run may lose a conditional write, which only happens when others make progress.
const ROUNDS: u32 = 8;

/// What is needed to tell IMSHOP.
#[derive(Clone, Debug)]
pub struct OutboxRelay {
    orders: Orders,
    imshop: Client,
    clock: Clock,
}

/// How far IMSHOP could be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayOutcome {
    /// There was nothing to tell, or another request is at it.
    Nothing,
    /// IMSHOP knows everything.
    Everything,
    /// IMSHOP did not take all of it; it is written down when to try again.
    Failed,
}

/// After so many failed calls in a row an address is taken for down.
const DOWN: u32 = 3;

/// Whether IMSHOP's addresses answer, in one run over many payments. One that is down is left alone for the rest of the run, so
/// that waiting for it takes no time from what can be done. A message that is refused was answered.
#[derive(Debug, Default)]
pub struct AddressHealth([AtomicU32; 2]);

impl AddressHealth {
    fn failed_calls(&self, channel: Channel) -> &AtomicU32 {
        let [payment_status, order_status] = &self.0;
        match channel {
            Channel::PaymentStatus => payment_status,
            Channel::OrderStatus => order_status,
        }
    }

    fn is_down(&self, channel: Channel) -> bool {
        self.failed_calls(channel).load(Ordering::Relaxed) >= DOWN
    }

    fn note(&self, channel: Channel, result: &Result<(), Unpublished>) {
        let failed_calls = self.failed_calls(channel);
        match result {
            Ok(()) | Err(Unpublished::Refused(_)) => failed_calls.store(0, Ordering::Relaxed),
            Err(Unpublished::Unavailable(_)) => drop(failed_calls.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

/// A word about a payment, with what IMSHOP has to know beside it.
struct Message<'a> {
    payment: &'a Payment,
    event: StatusEvent,
    order: OrderNow,
}

/// What the order of a payment is about by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OrderNow {
    /// This payment.
    This,
    /// A newer attempt, of which there is nothing to say yet.
    Newer,
    /// A newer attempt, which has failed or was given back.
    EndedByNewer,
    /// A newer attempt, which is paid.
    PaidByNewer,
}

impl OutboxRelay {
    /// Tells IMSHOP at the addresses of `imshop`.
    #[must_use]
    pub fn new(orders: Orders, imshop: Client, clock: Clock) -> Self {
        Self { orders, imshop, clock }
    }

    /// Tells IMSHOP what it does not know of a payment.
    pub async fn publish(&self, id: &PaymentId, health: &AddressHealth, deadline: Deadline) -> Result<RelayOutcome, StoreError> {
        let Some(mut payment) = self.orders.payment(id).await? else { return Ok(RelayOutcome::Nothing) };
        let mut outcome = RelayOutcome::Nothing;
        // Where a word was not taken, the words after it wait for it.
        let mut closed = Vec::new();
        for _ in 0..ROUNDS {
            let open = |channel: &Channel| !closed.contains(channel) && payment.event_for(*channel).is_some();
            let open: Vec<_> = Channel::ALL.into_iter().filter(open).collect();
            let now = self.clock.now();
            // A call to the provider is under way: its result is written, and told, in a moment.
            if open.is_empty() || payment.is_leased(now) || payment.is_being_published(now) {
                break;
            }
            if !self.imshop.has_any() {
                let steps = payment.last_step();
                let outbox = OutboxMarks { payment_status: steps, order_status: steps, ..payment.outbox };
                self.record(payment, outbox).await?;
                break;
            }
            if open.iter().all(|channel| health.is_down(*channel)) {
                // Without trying; the first write plans the next try as well.
                let failures = payment.outbox.failures.saturating_add(1);
                let outbox = OutboxMarks { failures, ..payment.outbox };
                drop(self.orders.save_payment(Payment { outbox, ..payment }).await?);
                return Ok(RelayOutcome::Failed);
            }
            let Some(leased) = self.orders.save_payment(payment.leased_for_publishing(now)).await? else {
                let Some(stored) = self.orders.payment(id).await? else { break };
                payment = stored;
                continue;
            };
            let outbox = self.send(&leased, &open, &mut closed, health, deadline).await?;
            payment = self.record(leased, outbox).await?;
            outcome = RelayOutcome::Everything;
        }
        Ok(if closed.is_empty() { outcome } else { RelayOutcome::Failed })
    }

    /// Sends its next word to every open address, and says how far that came.
    async fn send(
        &self,
        payment: &Payment,
        open: &[Channel],
        closed: &mut Vec<Channel>,
        health: &AddressHealth,
        deadline: Deadline,
    ) -> Result<OutboxMarks, StoreError> {
        let mut outbox = OutboxMarks { lease_until: None, ..payment.outbox };
        let failures = outbox.failures;
        let order = match payment.last_event() {
            // No customer pays an order again that is paid or was given back.
            Some(StatusEvent::Paid | StatusEvent::PartiallyRefunded(_) | StatusEvent::Refunded) | None => OrderNow::This,
            // Whatever is still to be told of an attempt that failed may be late: another may have followed.
            Some(StatusEvent::Failed) => self.order_now(payment).await?,
        };
        for channel in open.iter().copied() {
            let Some((steps, event)) = payment.event_for(channel) else { continue };
            // Beside a newer attempt only what is true now still counts.
            let (steps, event) =
                if order == OrderNow::This { (steps, event) } else { (payment.last_step(), StatusEvent::Failed) };
            if order.is_silent(payment, channel) {
                tracing::info!(payment_id = %payment.id, ?channel, word = ?event, "not told any more: another attempt followed");
                *outbox.done_mut(channel) = steps;
                continue;
            }
            let result = if health.is_down(channel) {
                Err(Unpublished::Unavailable("it has not answered before".to_owned()))
            } else {
                let result = self.send_to(channel, &Message { payment, event, order }, deadline).await;
                health.note(channel, &result);
                result
            };
            match result {
                Ok(()) => {
                    tracing::info!(payment_id = %payment.id, ?channel, word = ?event, "IMSHOP was told");
                    *outbox.done_mut(channel) = steps;
                }
                Err(cause) => {
                    closed.push(channel);
                    outbox.failures = failures.saturating_add(1);
                    tracing::warn!(payment_id = %payment.id, ?channel, %cause, failures = outbox.failures, "IMSHOP was not told");
                }
            }
        }
        if closed.is_empty() {
            outbox.failures = 0;
        }
        Ok(outbox)
    }

    /// What its order is about by now.
    async fn order_now(&self, payment: &Payment) -> Result<OrderNow, StoreError> {
        let order = self.orders.order(&payment.order_uuid).await?;
        let Some(newest) = order.and_then(|order| order.latest_payment).filter(|newest| *newest != payment.id) else {
            return Ok(OrderNow::This);
        };
        if !payment.has_been_paid() {
            return Ok(OrderNow::Newer);
        }
        let newest = self.orders.payment(&newest).await?;
        Ok(match newest.as_ref().and_then(Payment::last_event) {
            None => OrderNow::Newer,
            Some(StatusEvent::Failed | StatusEvent::Refunded) => OrderNow::EndedByNewer,
            Some(StatusEvent::Paid | StatusEvent::PartiallyRefunded(_)) => OrderNow::PaidByNewer,
        })
    }

    async fn send_to(&self, channel: Channel, message: &Message<'_>, deadline: Deadline) -> Result<(), Unpublished> {
        match channel {
            Channel::PaymentStatus => self.imshop.send(channel, &message.payment_status(), deadline).await,
            Channel::OrderStatus => self.imshop.send(channel, &message.order_status(&self.imshop), deadline).await,
        }
    }

    /// Writes down how far IMSHOP was told, whatever else was written to the payment meanwhile.
    async fn record(&self, payment: Payment, outbox: OutboxMarks) -> Result<Payment, StoreError> {
        let mut payment = payment;
        for _ in 0..ROUNDS {
            let so_far = payment.outbox;
            let merged = OutboxMarks {
                payment_status: outbox.payment_status.max(so_far.payment_status),
                order_status: outbox.order_status.max(so_far.order_status),
                ..outbox
            };
            match self.orders.save_payment(Payment { outbox: merged, ..payment.clone() }).await? {
                Some(saved) => return Ok(saved),
                None => payment = self.orders.payment(&payment.id).await?.unwrap_or(payment),
            }
        }
        Err(StoreError::Failed { action: "UpdateItem", cause: "others kept writing the payment".to_owned() })
    }
}

impl OrderNow {
    /// Whether an address hears no more of a payment that failed: what it says would come after what is true of the order.
    fn is_silent(self, payment: &Payment, channel: Channel) -> bool {
        match self {
            Self::This => false,
            // What may have been called paid is taken back.
            Self::Newer => !payment.has_been_paid(),
            // The order's status is its newest attempt's business, once that has something to say.
            Self::EndedByNewer => !payment.has_been_paid() || channel == Channel::OrderStatus,
            Self::PaidByNewer => true,
        }
    }
}

impl Message<'_> {
    fn payment_status(&self) -> PaymentStatus<'_> {
        PaymentStatus {
            order_id: self.payment.order_id.as_str(),
            payment_id: self.payment.id.as_str(),
            success: true,
            payment_captured: self.is_paid(),
            retry: self.event == StatusEvent::Failed && self.order == OrderNow::This,
        }
    }

    fn order_status<'a>(&'a self, imshop: &'a Client) -> OrderStatus<'a> {
        let codes = imshop.codes();
        let (code, message) = match self.event {
            StatusEvent::Paid => (&codes.paid, texts::ORDER_PAID.to_owned()),
            StatusEvent::Failed => (&codes.failed, texts::ORDER_NOT_PAID.to_owned()),
            StatusEvent::PartiallyRefunded(amount) => (&codes.partially_refunded, texts::partially_refunded(amount)),
            StatusEvent::Refunded => (&codes.refunded, texts::REFUNDED.to_owned()),
        };
        let payment = OrderPayment { paid: self.is_paid(), payment_id: Some(self.payment.id.as_str()) };
        OrderStatus { id: self.payment.order_id.as_str(), code, message, payment }
    }

    fn is_paid(&self) -> bool {
        match self.event {
            StatusEvent::Paid | StatusEvent::PartiallyRefunded(_) => true,
            StatusEvent::Failed | StatusEvent::Refunded => false,
        }
    }
}
