//! What IMSHOP has to be told of a payment. The history is the outbox: a step that matters to IMSHOP carries its word, and two
//! marks say up to which step each of IMSHOP's addresses was told.

use super::command::Refusal;
use super::data::{Payment, Word};
use super::state::Trigger;
use crate::payments::imshop::status::Channel;
use crate::platform::clock::{LEASE, Timestamp};

impl Payment {
    /// The last word of the history, told or not.
    #[must_use]
    pub fn last_word(&self) -> Option<&Word> {
        self.history.iter().rev().find_map(|step| step.word.as_ref())
    }

    /// The first word after the line `done`, and the number of its line.
    #[must_use]
    pub fn word_after(&self, done: usize) -> Option<(usize, Word)> {
        self.history.iter().filter(|step| step.number > done).find_map(|step| Some((step.number, step.word?)))
    }

    /// The next word for one of IMSHOP's addresses.
    #[must_use]
    pub fn word_for(&self, channel: Channel) -> Option<(usize, Word)> {
        self.word_after(self.telling.done_by(channel))
    }

    /// Whether it has counted as paid, so that IMSHOP may have been told so: a message without an answer may have arrived.
    #[must_use]
    pub fn has_been_paid(&self) -> bool {
        self.history.iter().any(|step| step.word == Some(Word::Paid))
    }

    /// This payment after a person has closed a message that one of IMSHOP's addresses does not take: the `number`th step of the
    /// history. Only the one that is in the way can be closed, and only after it was tried, so that none is closed unseen. What
    /// comes after it is news.
    pub fn message_closed(mut self, channel: Channel, number: usize, by: Trigger<'_>, now: Timestamp) -> Result<Self, Refusal> {
        if self.is_being_told(now) {
            return Err(Refusal::InProgress("a message to IMSHOP"));
        }
        let waits = self.word_for(channel).filter(|(step, _)| *step == number && self.telling.failures > 0);
        let Some((_, word)) = waits else { return Err(Refusal::MessageDecided) };
        *self.telling.done_mut(channel) = number;
        self.push(Some(format!("message {number} ({}) to {} closed", word.name(), channel.name())), None, by, now);
        // Whatever the other address has not taken keeps its planned tries.
        if Channel::ALL.into_iter().all(|other| other == channel || self.word_for(other).is_none()) {
            self.telling.failures = 0;
        }
        self.telling.lease_until = None;
        Ok(self)
    }

    /// Whether IMSHOP has to be told something.
    #[must_use]
    pub fn has_untold(&self) -> bool {
        self.word_after(self.telling.done()).is_some()
    }

    /// IMSHOP has to be told something, nobody is at it, and nobody has tried in vain. What was tried in vain is not news: its
    /// next try is planned, and the stream, which carries each of these writes too, must not make it a hundred at once.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.has_untold() && self.telling.lease_until.is_none() && self.telling.failures == 0
    }

    /// Somebody may be telling IMSHOP right now.
    #[must_use]
    pub fn is_being_told(&self, now: Timestamp) -> bool {
        self.telling.lease_until.is_some_and(|until| until > now)
    }

    /// This payment, leased to one request that tells IMSHOP.
    #[must_use]
    pub fn leased_for_telling(mut self, now: Timestamp) -> Self {
        self.telling.lease_until = Some(now.plus(LEASE));
        self
    }
}
