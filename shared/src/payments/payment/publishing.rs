//! What has to be published about a payment. The history is the outbox: a step that matters carries a message, and for each channel a
//! mark says up to which step it was published.

use std::time::Duration;

use super::channels::{Channel, ChannelState, FIRST_RETRY_PAUSE};
use super::command::CommandRefusal;
use super::data::{Payment, StatusEvent};
use super::events::ShopEvent;
use super::state::Trigger;
use crate::platform::clock::{LEASE, Timestamp};

/// What is added to the end of a lease, so that it has ended for everybody.
const MARGIN: Duration = Duration::from_secs(5);

/// A step of the history that a channel has to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// For one of IMSHOP's addresses.
    Status(StatusEvent),
    /// For the shop's own system.
    Event(ShopEvent),
}

impl Message {
    /// The name used in logs, in answers and in the history.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status(word) => word.name(),
            Self::Event(event) => event.kind.name(),
        }
    }
}

impl Payment {
    /// The last status event of the history, published or not.
    #[must_use]
    pub fn last_status_event(&self) -> Option<&StatusEvent> {
        self.history.iter().rev().find_map(|step| step.event.as_ref())
    }

    /// The next message for a channel, with the number of its step.
    #[must_use]
    pub fn next_message(&self, channel: Channel) -> Option<(usize, Message)> {
        let done = self.outbox.of(channel).done;
        match channel {
            Channel::PaymentStatus | Channel::OrderStatus => {
                let mut new = self.history.iter().filter(|step| step.number > done);
                new.find_map(|step| Some((step.number, Message::Status(step.event?))))
            }
            // The history is only gone through when there is something new in it.
            Channel::ShopEvents if self.last_step() <= done => None,
            Channel::ShopEvents => {
                let event = self.events().into_iter().find(|event| event.number > done)?;
                Some((event.number, Message::Event(event)))
            }
        }
    }

    /// Whether a channel has to hear something.
    #[must_use]
    pub fn has_message(&self, channel: Channel) -> bool {
        self.next_message(channel).is_some()
    }

    /// Whether it ever counted as paid. IMSHOP may know so even if it is unpublished: a message without an answer may have arrived.
    #[must_use]
    pub fn has_been_paid(&self) -> bool {
        self.history.iter().any(|step| step.event == Some(StatusEvent::Paid))
    }

    /// This payment after a person has closed a message that one of IMSHOP's addresses does not take: the `number`th step of the
    /// history. Only the one that is in the way can be closed, and only after it was tried, so that none is closed unseen. What
    /// comes after it is news.
    pub fn message_closed(
        mut self,
        channel: Channel,
        number: usize,
        by: Trigger<'_>,
        now: Timestamp,
    ) -> Result<Self, CommandRefusal> {
        let delivery = self.outbox.of(channel);
        if delivery.is_leased(now) {
            return Err(CommandRefusal::InProgress("a message to IMSHOP"));
        }
        let waits = self.next_message(channel).filter(|(step, _)| *step == number && delivery.failures > 0);
        let Some((_, message)) = waits else { return Err(CommandRefusal::MessageDecided) };
        *self.outbox.of_mut(channel) = delivery.taken(number);
        self.push(Some(format!("message {number} ({}) to {} closed", message.name(), channel.name())), None, by, now);
        Ok(self)
    }

    /// Whether a status event is unpublished.
    #[must_use]
    pub fn has_unpublished_status(&self) -> bool {
        Channel::IMSHOP.into_iter().any(|channel| self.has_message(channel))
    }

    /// Whether a message is unpublished, on any channel.
    #[must_use]
    pub fn has_unpublished(&self) -> bool {
        Channel::ALL.into_iter().any(|channel| self.has_message(channel))
    }

    /// A channel has to hear something, no request is at it, and no try has failed. What failed is not due at once: its
    /// next try is planned, and the stream, which carries each of these writes too, must not make it a hundred at once.
    #[must_use]
    pub fn is_ready_to_publish(&self) -> bool {
        Channel::ALL.into_iter().any(|channel| {
            let ChannelState { failures, lease_until, .. } = self.outbox.of(channel);
            failures == 0 && lease_until.is_none() && self.has_message(channel)
        })
    }

    /// Whether a message for a channel may be published at `now`: there is one, no request has its lease, and its next try is due.
    #[must_use]
    pub fn may_publish(&self, channel: Channel, now: Timestamp) -> bool {
        let delivery = self.outbox.of(channel);
        !delivery.is_leased(now) && delivery.next_at.is_none_or(|at| at <= now) && self.has_message(channel)
    }

    /// This payment, with some channels leased to one request that publishes.
    #[must_use]
    pub fn leased_for_publishing(mut self, channels: &[Channel], now: Timestamp) -> Self {
        for channel in channels {
            self.outbox.of_mut(*channel).lease_until = Some(now.plus(LEASE));
        }
        self
    }

    /// When reconcile publishes next. What the stream publishes at once is due soon as well, for when the stream fails.
    pub(super) fn next_publication(&self, now: Timestamp) -> Option<Timestamp> {
        let next = |channel| {
            let delivery = self.outbox.of(channel);
            let leased = delivery.lease_until.filter(|until| *until > now).map(|until| until.plus(MARGIN));
            self.has_message(channel).then(|| leased.or(delivery.next_at).unwrap_or_else(|| now.plus(FIRST_RETRY_PAUSE)))
        };
        Channel::ALL.into_iter().filter_map(next).min()
    }
}
