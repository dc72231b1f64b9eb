//! Telling IMSHOP what became of a payment. The payment's history is the outbox: each step that matters carries a word, and
//! the words go out in their order, each at least once. Two triggers, no other logic in them: the table's stream, at once, and
//! the scheduled reconciliation, for what failed.
//!
//! Round trips when nothing is in the way: one read, one write (the lease), one call for each address, one write; of a payment
//! that failed one more read, of its order.

use crate::clock::{Clock, Deadline};
use crate::ids::PaymentId;
use crate::imshop::status::{Channel, Client, OrderPayment, OrderStatus, PaymentStatus, Untold};
use crate::payment::{Payment, Telling, Word};
use crate::store::{Orders, StoreError};
use crate::texts;

/// How often one run may lose a conditional write, which only happens when others make progress.
const ROUNDS: u32 = 8;

/// What is needed to tell IMSHOP.
#[derive(Clone, Debug)]
pub struct Teller {
    orders: Orders,
    imshop: Client,
    clock: Clock,
}

/// How far IMSHOP could be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// There was nothing to tell, or somebody else is at it.
    Nothing,
    /// IMSHOP knows everything.
    Everything,
    /// IMSHOP did not take it; it is written down when to try again.
    Failed,
}

/// A word about a payment, with what IMSHOP has to know beside it.
struct Message<'a> {
    payment: &'a Payment,
    word: Word,
    /// The order has no newer attempt.
    latest: bool,
}

impl Teller {
    /// Tells IMSHOP at the addresses of `imshop`.
    #[must_use]
    pub fn new(orders: Orders, imshop: Client, clock: Clock) -> Self {
        Self { orders, imshop, clock }
    }

    /// Tells IMSHOP what it does not know of a payment.
    pub async fn tell(&self, id: &PaymentId, deadline: Deadline) -> Result<Told, StoreError> {
        let Some(mut payment) = self.orders.payment(id).await? else { return Ok(Told::Nothing) };
        let mut told = Told::Nothing;
        for _ in 0..ROUNDS {
            let Some((steps, word)) = payment.word_from(payment.telling.done()) else { return Ok(told) };
            let now = self.clock.now();
            // A call to the provider is under way: its result is written, and told, in a moment.
            if payment.is_leased(now) || payment.is_being_told(now) {
                return Ok(told);
            }
            if !self.imshop.has_any() {
                let telling = Telling { payment_status: steps, order_status: steps, ..payment.telling };
                payment = self.record(payment, telling).await?;
                continue;
            }
            let Some(leased) = self.orders.save_payment(payment.leased_for_telling(now)).await? else {
                let Some(stored) = self.orders.payment(id).await? else { return Ok(told) };
                payment = stored;
                continue;
            };
            let (telling, result) = self.send(&leased, steps, word, deadline).await?;
            payment = self.record(leased, telling).await?;
            if let Err(cause) = result {
                tracing::warn!(payment_id = %id, cause = %cause, failures = payment.telling.failures, "IMSHOP was not told");
                return Ok(Told::Failed);
            }
            tracing::info!(payment_id = %id, ?word, "IMSHOP was told");
            told = Told::Everything;
        }
        Ok(told)
    }

    /// Writes down that IMSHOP cannot be told now, without trying.
    pub async fn postpone(&self, id: &PaymentId) -> Result<(), StoreError> {
        let Some(payment) = self.orders.payment(id).await? else { return Ok(()) };
        let now = self.clock.now();
        if payment.has_untold() && !payment.is_leased(now) && !payment.is_being_told(now) {
            let failures = payment.telling.failures.saturating_add(1);
            let telling = Telling { failures, ..payment.telling };
            // Whoever writes first plans the next try as well.
            drop(self.orders.save_payment(Payment { telling, ..payment }).await?);
        }
        Ok(())
    }

    /// Sends one word to every address that has not had it, and says how far that came.
    async fn send(
        &self,
        payment: &Payment,
        steps: usize,
        word: Word,
        deadline: Deadline,
    ) -> Result<(Telling, Result<(), Untold>), StoreError> {
        let latest = match word {
            Word::Failed => {
                let order = self.orders.order(&payment.order_uuid).await?;
                order.is_none_or(|order| order.latest_payment.as_ref() == Some(&payment.id))
            }
            // Nobody pays an order again that is paid or was given back.
            Word::Paid | Word::PartiallyRefunded(_) | Word::Refunded => true,
        };
        let message = Message { payment, word, latest };
        let mut telling = Telling { lease_until: None, ..payment.telling };
        for channel in Channel::ALL {
            let done = match channel {
                Channel::PaymentStatus => &mut telling.payment_status,
                Channel::OrderStatus => &mut telling.order_status,
            };
            if *done >= steps {
                continue;
            }
            if let Err(cause) = self.send_to(channel, &message, deadline).await {
                telling.failures = telling.failures.saturating_add(1);
                return Ok((telling, Err(cause)));
            }
            *done = steps;
        }
        telling.failures = 0;
        Ok((telling, Ok(())))
    }

    async fn send_to(&self, channel: Channel, message: &Message<'_>, deadline: Deadline) -> Result<(), Untold> {
        match channel {
            Channel::PaymentStatus => self.imshop.send(channel, &message.payment_status(), deadline).await,
            // The order's status is its newest attempt's business.
            Channel::OrderStatus if !message.latest => Ok(()),
            Channel::OrderStatus => self.imshop.send(channel, &message.order_status(&self.imshop), deadline).await,
        }
    }

    /// Writes down how far IMSHOP was told, whatever else was written to the payment meanwhile.
    async fn record(&self, payment: Payment, telling: Telling) -> Result<Payment, StoreError> {
        let mut payment = payment;
        for _ in 0..ROUNDS {
            let so_far = payment.telling;
            let merged = Telling {
                payment_status: telling.payment_status.max(so_far.payment_status),
                order_status: telling.order_status.max(so_far.order_status),
                ..telling
            };
            match self.orders.save_payment(Payment { telling: merged, ..payment.clone() }).await? {
                Some(saved) => return Ok(saved),
                None => payment = self.orders.payment(&payment.id).await?.unwrap_or(payment),
            }
        }
        Err(StoreError::Failed { action: "PutItem", cause: "others kept writing the payment".to_owned() })
    }
}

impl Message<'_> {
    fn payment_status(&self) -> PaymentStatus<'_> {
        PaymentStatus {
            order_id: self.payment.order_id.as_str(),
            payment_id: self.payment.id.as_str(),
            success: true,
            payment_captured: self.is_paid(),
            retry: self.word == Word::Failed && self.latest,
        }
    }

    fn order_status<'a>(&'a self, imshop: &'a Client) -> OrderStatus<'a> {
        let codes = imshop.codes();
        let (code, message) = match self.word {
            Word::Paid => (&codes.paid, texts::ORDER_PAID.to_owned()),
            Word::Failed => (&codes.failed, texts::ORDER_NOT_PAID.to_owned()),
            Word::PartiallyRefunded(amount) => (&codes.partially_refunded, texts::partially_refunded(amount)),
            Word::Refunded => (&codes.refunded, texts::REFUNDED.to_owned()),
        };
        let payment = OrderPayment { paid: self.is_paid(), payment_id: Some(self.payment.id.as_str()) };
        OrderStatus { id: self.payment.order_id.as_str(), code, message, payment }
    }

    fn is_paid(&self) -> bool {
        match self.word {
            Word::Paid | Word::PartiallyRefunded(_) => true,
            Word::Failed | Word::Refunded => false,
        }
    }
}
