//! The outbox relay: publishes what became of a payment. The payment's history is the outbox: each step that matters carries a message,
//! and the messages go out in their order, each at least once, to IMSHOP's two addresses and to the shop's own system. The channels do
//! not wait for each other: each has its own mark, failures, lease and next try. Two triggers, no other logic in them: the table's
//! stream, at once, and the scheduled reconciliation, for what failed.
//!
//! Round trips when nothing is in the way: one read, one write (the leases), one call for each channel, one write; for an event one more
//! read, of the order; for IMSHOP one more of the order of a payment that failed, and one of the attempt that followed if this one once
//! counted as paid. What a slow channel keeps waiting for longer than a second is written apart, so that it holds up no other.

mod health;
pub mod resend;
mod to_imshop;
mod to_shop;

use std::time::Duration;

use futures_util::future::{Either, join, select};

pub use health::ChannelHealth;

use crate::payments::imshop::status as imshop;
use crate::payments::payment::{Channel, ChannelState, EventReceipt, Outbox, Payment};
use crate::payments::shop_events;
use crate::payments::store::Orders;
use crate::platform::clock::{Clock, Deadline};
use crate::platform::dynamodb::StoreError;
use crate::platform::env::Env;
use crate::platform::ids::PaymentId;
use crate::platform::metrics::Metrics;
use crate::platform::outbound::Http;

/// How often one run may lose a conditional write, which only happens when others make progress.
const ROUNDS: u32 = 8;
/// How long the first channel's result waits for the other's, so that one write records both.
const TOGETHER: Duration = Duration::from_secs(1);

/// What is needed to publish.
#[derive(Clone, Debug)]
pub struct OutboxRelay {
    orders: Orders,
    imshop: imshop::Client,
    shop: Option<shop_events::Client>,
    clock: Clock,
    metrics: Metrics,
}

/// How far a payment could be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Published {
    /// Nothing is due, or another request holds the lease.
    Nothing,
    /// Everything that was due.
    Everything,
    /// All but an event that the shop did not take; it is written down when to try again.
    ButShop,
    /// IMSHOP did not take a message; it is written down when to try again.
    Failed,
}

/// How far the channels of one call are, to be written down.
#[derive(Debug, Default)]
struct Progress {
    /// The channels with their new state.
    channels: Vec<(Channel, ChannelState)>,
    /// What the shop said.
    receipts: Vec<EventReceipt>,
    /// Those that did not take their message.
    closed: Vec<Channel>,
}

impl Progress {
    fn add(&mut self, other: Self) {
        self.channels.extend(other.channels);
        self.receipts.extend(other.receipts);
        self.closed.extend(other.closed);
    }

    fn published(&self) -> Published {
        match self.closed.as_slice() {
            [] => Published::Everything,
            [Channel::ShopEvents] => Published::ButShop,
            _ => Published::Failed,
        }
    }

    fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// This outbox, whatever was written to it meanwhile, as far as these channels are.
    fn applied_to(&self, mut outbox: Outbox) -> Outbox {
        for (channel, delivery) in &self.channels {
            let now = outbox.of_mut(*channel);
            // What came further meanwhile is not led back.
            if delivery.done >= now.done {
                *now = *delivery;
            }
        }
        for receipt in &self.receipts {
            outbox.keep(receipt.clone());
        }
        outbox
    }
}

impl OutboxRelay {
    /// Reads IMSHOP's addresses and the shop's (`SHOP_EVENTS_URL`); nothing without a store.
    pub fn from_env(env: &mut Env, orders: Option<Orders>, http: Http, clock: Clock, metrics: Metrics) -> Option<Self> {
        let shop = shop_events::Client::from_env(env, http.clone(), clock.clone());
        let imshop = imshop::Client::from_env(env, http);
        Some(Self { orders: orders?, imshop, shop, clock, metrics })
    }

    /// Publishes what is due of a payment.
    pub async fn publish(&self, id: &PaymentId, health: &ChannelHealth, deadline: Deadline) -> Result<Published, StoreError> {
        let Some(mut payment) = self.orders.payment(id).await? else { return Ok(Published::Nothing) };
        let mut published = Published::Nothing;
        // Where a message was not taken, the messages after it wait for it.
        let mut closed = Vec::new();
        for _ in 0..ROUNDS {
            let outbox = self.without_absent(&payment);
            let is_absence_new = outbox != payment.outbox;
            payment.outbox = outbox;
            let now = self.clock.now();
            let open = |channel: &Channel| !closed.contains(channel) && payment.may_publish(*channel, now);
            let open: Vec<_> = Channel::ALL.into_iter().filter(open).collect();
            // A call to the provider is under way: its result is written, and published, in a moment.
            if payment.is_leased(now) {
                break;
            }
            if open.is_empty() {
                if is_absence_new {
                    drop(self.orders.save_published(payment).await?);
                }
                break;
            }
            if open.iter().all(|channel| health.is_down(*channel)) {
                // Without trying, and without a lease: a request that writes first plans the next try as well.
                let mut progress = self.send_status(&payment, &open, health, deadline).await;
                progress.add(self.send_event(&payment, &open, health, deadline).await);
                payment.outbox = progress.applied_to(payment.outbox);
                drop(self.orders.save_published(payment).await?);
                return Ok(progress.published());
            }
            let Some(leased) = self.orders.save_published(payment.leased_for_publishing(&open, now)).await? else {
                let Some(stored) = self.orders.payment(id).await? else { break };
                payment = stored;
                continue;
            };
            let (saved, progress) = self.send(&leased, &open, health, deadline).await?;
            payment = saved;
            published = published.max(progress.published());
            closed.extend(progress.closed);
        }
        Ok(published)
    }

    /// Sends the next message of every open channel, and writes down how far that came, whatever becomes of the others.
    async fn send(
        &self,
        payment: &Payment,
        open: &[Channel],
        health: &ChannelHealth,
        deadline: Deadline,
    ) -> Result<(Payment, Progress), StoreError> {
        let imshop = Box::pin(self.send_status(payment, open, health, deadline));
        let shop = Box::pin(self.send_event(payment, open, health, deadline));
        let (mut progress, mut rest) = match select(imshop, shop).await {
            Either::Left((first, rest)) => (first, Either::Left(rest)),
            Either::Right((first, rest)) => (first, Either::Right(rest)),
        };
        // Usually the other side has answered by then as well, and one write does for both.
        let together = if progress.is_empty() { Duration::MAX } else { TOGETHER };
        let mut saved = None;
        if let Ok(others) = tokio::time::timeout(together, &mut rest).await {
            progress.add(others);
        } else {
            let (recorded, others) = join(self.record(payment.clone(), &progress), rest).await;
            // What could not be written is tried again together with the rest.
            saved =
                recorded.inspect_err(|error| tracing::warn!(payment_id = %payment.id, cause = %error, "not written down")).ok();
            progress.add(others);
        }
        let saved = self.record(saved.unwrap_or_else(|| payment.clone()), &progress).await?;
        Ok((saved, progress))
    }

    /// Whether a channel is switched on.
    fn has(&self, channel: Channel) -> bool {
        match channel {
            Channel::PaymentStatus => self.imshop.takes_payment_status(),
            Channel::OrderStatus => self.imshop.takes_order_status(),
            Channel::ShopEvents => self.shop.is_some(),
        }
    }

    /// The outbox with every channel that is switched off counted as done.
    fn without_absent(&self, payment: &Payment) -> Outbox {
        let mut outbox = payment.outbox.clone();
        for channel in Channel::ALL.into_iter().filter(|channel| !self.has(*channel) && payment.has_message(*channel)) {
            let delivery = outbox.of_mut(channel);
            *delivery = delivery.taken(payment.last_step());
        }
        outbox
    }

    /// Writes down how far the channels are, whatever else was written to the payment meanwhile.
    async fn record(&self, payment: Payment, progress: &Progress) -> Result<Payment, StoreError> {
        let mut payment = payment;
        for _ in 0..ROUNDS {
            let outbox = progress.applied_to(payment.outbox.clone());
            match self.orders.save_published(Payment { outbox, ..payment.clone() }).await? {
                Some(saved) => return Ok(saved),
                None => payment = self.orders.payment(&payment.id).await?.unwrap_or(payment),
            }
        }
        Err(StoreError::Failed { action: "UpdateItem", cause: "others kept writing the payment".to_owned() })
    }
}
