//! The channels to IMSHOP's two addresses: which status event each gets next.
//!
//! An order's last status event is what IMSHOP believes: the failure of an attempt that another followed is not published, unless
//! IMSHOP may have heard that this attempt is paid while the order is not.

use super::{ChannelHealth, OutboxRelay, Progress};
use crate::payments::imshop::status::{Client, NotTaken, OrderPayment, OrderStatus, PaymentStatus};
use crate::payments::payment::{Channel, Message, Payment, StatusEvent};
use crate::payments::texts;
use crate::platform::clock::Deadline;
use crate::platform::dynamodb::StoreError;

/// A status event of a payment, with what the order stands at.
struct Status<'a> {
    payment: &'a Payment,
    word: StatusEvent,
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
    /// Sends the next status event to each open address of IMSHOP's, one after the other.
    pub(super) async fn send_status(
        &self,
        payment: &Payment,
        open: &[Channel],
        health: &ChannelHealth,
        deadline: Deadline,
    ) -> Progress {
        let mut progress = Progress::default();
        let open: Vec<_> = Channel::IMSHOP.into_iter().filter(|channel| open.contains(channel)).collect();
        if open.is_empty() {
            return progress;
        }
        let order = self.order_now(payment).await;
        for channel in open {
            let Some((step, Message::Status(word))) = payment.next_message(channel) else { continue };
            let delivery = payment.outbox.of(channel);
            let order = match &order {
                Ok(order) => *order,
                Err(error) => {
                    tracing::error!(payment_id = %payment.id, cause = %error, "what became of its order cannot be read");
                    progress.channels.push((channel, delivery.failed(self.clock.now())));
                    progress.closed.push(channel);
                    continue;
                }
            };
            // Beside a newer attempt only what is true now still counts.
            let (step, word) = if order == OrderNow::This { (step, word) } else { (payment.last_step(), StatusEvent::Failed) };
            if order.is_silent(payment, channel) {
                tracing::info!(payment_id = %payment.id, ?channel, ?word, "status event skipped: a newer attempt followed");
                progress.channels.push((channel, delivery.taken(step)));
                continue;
            }
            let result = if health.is_down(channel) {
                Err(NotTaken::Unavailable("it has not answered before".to_owned()))
            } else {
                let result = self.send_to(channel, &Status { payment, word, order }, deadline).await;
                health.note(channel, !matches!(result, Err(NotTaken::Unavailable(_))));
                result
            };
            match result {
                Ok(()) => {
                    tracing::info!(payment_id = %payment.id, ?channel, ?word, "status event published to IMSHOP");
                    progress.channels.push((channel, delivery.taken(step)));
                }
                Err(cause) => {
                    let delivery = delivery.failed(self.clock.now());
                    let failures = delivery.failures;
                    tracing::warn!(payment_id = %payment.id, ?channel, %cause, failures, "IMSHOP did not take a status event");
                    progress.channels.push((channel, delivery));
                    progress.closed.push(channel);
                }
            }
        }
        progress
    }

    /// What its order is about by now. Whatever is still to be told of an attempt that failed may be late, and another may have followed;
    /// no customer pays an order again that is paid or was given back.
    async fn order_now(&self, payment: &Payment) -> Result<OrderNow, StoreError> {
        match payment.last_status_event() {
            Some(StatusEvent::Failed) => {}
            Some(StatusEvent::Paid | StatusEvent::PartiallyRefunded(_) | StatusEvent::Refunded) | None => {
                return Ok(OrderNow::This);
            }
        }
        let order = self.orders.order(&payment.order_uuid).await?;
        let newest = order.and_then(|order| order.latest_payment).filter(|newest| *newest != payment.id);
        let Some(newest) = newest else { return Ok(OrderNow::This) };
        if !payment.has_been_paid() {
            return Ok(OrderNow::Newer);
        }
        let newest = self.orders.payment(&newest).await?;
        Ok(match newest.as_ref().and_then(Payment::last_status_event) {
            None => OrderNow::Newer,
            Some(StatusEvent::Failed | StatusEvent::Refunded) => OrderNow::EndedByNewer,
            Some(StatusEvent::Paid | StatusEvent::PartiallyRefunded(_)) => OrderNow::PaidByNewer,
        })
    }

    async fn send_to(&self, channel: Channel, status: &Status<'_>, deadline: Deadline) -> Result<(), NotTaken> {
        match channel {
            Channel::PaymentStatus => self.imshop.send_payment_status(&status.of_payment(), deadline).await,
            Channel::OrderStatus => self.imshop.send_order_status(&status.of_order(&self.imshop), deadline).await,
            Channel::ShopEvents => Ok(()),
        }
    }
}

impl OrderNow {
    /// Whether an address hears no more of a payment that failed: what it says would come after what is true of the order.
    fn is_silent(self, payment: &Payment, channel: Channel) -> bool {
        match self {
            Self::This => false,
            // IMSHOP may have heard "paid" of this attempt, so its failure is published.
            Self::Newer => !payment.has_been_paid(),
            // The order's status is its newest attempt's business, once that has something to say.
            Self::EndedByNewer => !payment.has_been_paid() || channel == Channel::OrderStatus,
            Self::PaidByNewer => true,
        }
    }
}

impl Status<'_> {
    fn of_payment(&self) -> PaymentStatus<'_> {
        PaymentStatus {
            order_id: self.payment.order_id.as_str(),
            payment_id: self.payment.id.as_str(),
            success: true,
            payment_captured: self.is_paid(),
            retry: self.word == StatusEvent::Failed && self.order == OrderNow::This,
        }
    }

    fn of_order<'a>(&'a self, imshop: &'a Client) -> OrderStatus<'a> {
        let codes = imshop.codes();
        let (code, message) = match self.word {
            StatusEvent::Paid => (&codes.paid, texts::ORDER_PAID.to_owned()),
            StatusEvent::Failed => (&codes.failed, texts::ORDER_NOT_PAID.to_owned()),
            StatusEvent::PartiallyRefunded(amount) => (&codes.partially_refunded, texts::partially_refunded(amount)),
            StatusEvent::Refunded => (&codes.refunded, texts::REFUNDED.to_owned()),
        };
        let payment = OrderPayment { paid: self.is_paid(), payment_id: Some(self.payment.id.as_str()) };
        OrderStatus { id: self.payment.order_id.as_str(), code, message, payment }
    }

    fn is_paid(&self) -> bool {
        match self.word {
            StatusEvent::Paid | StatusEvent::PartiallyRefunded(_) => true,
            StatusEvent::Failed | StatusEvent::Refunded => false,
        }
    }
}
