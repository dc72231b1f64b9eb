//! What IMSHOP has to be told of a payment. The history is the outbox: a step that matters to IMSHOP carries its word, and two
//! marks say up to which step each of IMSHOP's addresses was told.

use super::command::CommandRefusal;
use super::data::{Payment, StatusEvent};
use super::state::Trigger;
use crate::payments::imshop::status::Channel;
use crate::platform::clock::{LEASE, Timestamp};

impl Payment {
    /// The last word of the history, told or not.
    #[must_use]
    pub fn last_event(&self) -> Option<&StatusEvent> {
        self.history.iter().rev().find_map(|step| step.event.as_ref())
    }

    /// The first word after the line `done`, and the number of its line.
    #[must_use]
    pub fn event_after(&self, done: usize) -> Option<(usize, StatusEvent)> {
        self.history.iter().filter(|step| step.number > done).find_map(|step| Some((step.number, step.event?)))
    }

    /// The next word for one of IMSHOP's addresses.
    #[must_use]
    pub fn event_for(&self, channel: Channel) -> Option<(usize, StatusEvent)> {
        self.event_after(self.outbox.done_by(channel))
    }

    /// Whether it has counted as paid, so that IMSHOP may have been told so: a message without an answer may have arrived.
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
        if self.is_being_published(now) {
            return Err(CommandRefusal::InProgress("a message to IMSHOP"));
        }
        let waits = self.event_for(channel).filter(|(step, _)| *step == number && self.outbox.failures > 0);
        let Some((_, event)) = waits else { return Err(CommandRefusal::MessageDecided) };
        *self.outbox.done_mut(channel) = number;
        self.push(Some(format!("message {number} ({}) to {} closed", event.name(), channel.name())), None, by, now);
        // Whatever the other address has not taken keeps its planned tries.
        if Channel::ALL.into_iter().all(|other| other == channel || self.event_for(other).is_none()) {
            self.outbox.failures = 0;
        }
        self.outbox.lease_until = None;
        Ok(self)
    }

    /// Whether IMSHOP has to be told something.
    #[must_use]
    pub fn has_unpublished(&self) -> bool {
        self.event_after(self.outbox.done()).is_some()
    }

    /// IMSHOP has to be told something, no request is at it, and no try has failed. What failed is not due at once: its
    /// next try is planned, and the stream, which carries each of these writes too, must not make it a hundred at once.
    #[must_use]
    pub fn is_ready_to_publish(&self) -> bool {
        self.has_unpublished() && self.outbox.lease_until.is_none() && self.outbox.failures == 0
    }

    /// Another request may be telling IMSHOP right now.
    #[must_use]
    pub fn is_being_published(&self, now: Timestamp) -> bool {
        self.outbox.lease_until.is_some_and(|until| until > now)
    }

    /// This payment, leased to one request that tells IMSHOP.
    #[must_use]
    pub fn leased_for_publishing(mut self, now: Timestamp) -> Self {
        self.outbox.lease_until = Some(now.plus(LEASE));
        self
    }
}
