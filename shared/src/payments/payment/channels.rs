//! Where messages about a payment go, and how far each of these channels is. They do not wait for each other: each has its own mark,
//! failures, lease and next try.

use std::time::Duration;

use crate::platform::clock::Timestamp;

/// The pauses between retries of a message that a channel does not take, doubling from the first to the longest.
pub(super) const FIRST_RETRY_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_mins(10);

/// Where messages about a payment go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// IMSHOP's payment status address.
    PaymentStatus,
    /// IMSHOP's order status address.
    OrderStatus,
    /// The shop's own system.
    ShopEvents,
}

impl Channel {
    /// All of them, in the order in which they are published to.
    pub const ALL: [Self; 3] = [Self::PaymentStatus, Self::OrderStatus, Self::ShopEvents];
    /// IMSHOP's two.
    pub const IMSHOP: [Self; 2] = [Self::PaymentStatus, Self::OrderStatus];

    /// The name used in storage, in answers and among what is measured.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PaymentStatus => "payment_status",
            Self::OrderStatus => "order_status",
            Self::ShopEvents => "shop_events",
        }
    }
}

/// How far one channel is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelState {
    /// The number of the history's last step that the channel is done with.
    pub done: usize,
    /// How often in a row publishing failed.
    pub failures: u32,
    /// Until when one request alone may publish.
    pub lease_until: Option<Timestamp>,
    /// The next try after one that failed.
    pub next_at: Option<Timestamp>,
    /// When the first of these tries failed.
    pub failing_since: Option<Timestamp>,
}

impl ChannelState {
    /// After the message of step `number` was taken, or is not to be published any more.
    #[must_use]
    pub fn taken(self, number: usize) -> Self {
        Self { done: self.done.max(number), ..Self::default() }
    }

    /// After a try that failed.
    #[must_use]
    pub fn failed(self, now: Timestamp) -> Self {
        let pause = FIRST_RETRY_PAUSE.saturating_mul(2_u32.saturating_pow(self.failures.min(16))).min(LONGEST_RETRY_PAUSE);
        Self {
            failures: self.failures.saturating_add(1),
            lease_until: None,
            next_at: Some(now.plus(pause)),
            failing_since: self.failing_since.or(Some(now)),
            ..self
        }
    }

    /// A request may be publishing right now.
    #[must_use]
    pub fn is_leased(self, now: Timestamp) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }
}

/// What became of a message to the shop's own system, apart from the channel's mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventReceipt {
    /// The number of its step.
    pub number: usize,
    /// When the shop took it.
    pub taken_at: Option<Timestamp>,
    /// The HTTP status of the shop's last answer.
    pub status: Option<u16>,
    /// Why it was not taken at the last try.
    pub error: Option<String>,
}

/// How far each channel is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    /// IMSHOP's payment status address.
    pub payment_status: ChannelState,
    /// IMSHOP's order status address.
    pub order_status: ChannelState,
    /// The shop's own system.
    pub shop_events: ChannelState,
    /// What became of the events for the shop, by their steps.
    pub receipts: Vec<EventReceipt>,
}

impl Outbox {
    /// How far a channel is.
    #[must_use]
    pub fn of(&self, channel: Channel) -> ChannelState {
        match channel {
            Channel::PaymentStatus => self.payment_status,
            Channel::OrderStatus => self.order_status,
            Channel::ShopEvents => self.shop_events,
        }
    }

    /// The same, to be changed.
    pub fn of_mut(&mut self, channel: Channel) -> &mut ChannelState {
        match channel {
            Channel::PaymentStatus => &mut self.payment_status,
            Channel::OrderStatus => &mut self.order_status,
            Channel::ShopEvents => &mut self.shop_events,
        }
    }

    /// What became of the event of a step.
    #[must_use]
    pub fn receipt(&self, number: usize) -> Option<&EventReceipt> {
        self.receipts.iter().find(|receipt| receipt.number == number)
    }

    /// Keeps what became of an event, in place of what was kept of it before.
    pub fn keep(&mut self, receipt: EventReceipt) {
        let earlier = self.receipts.iter().position(|known| known.number == receipt.number);
        match earlier.and_then(|index| self.receipts.get_mut(index)) {
            Some(known) => *known = EventReceipt { taken_at: receipt.taken_at.or(known.taken_at), ..receipt },
            None => self.receipts.push(receipt),
        }
    }
}
