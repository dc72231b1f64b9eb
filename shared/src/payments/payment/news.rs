//! What is new about a payment since it was stored: what is measured once that is stored, too.

use super::data::{Payment, Stored};
use super::state::State;
use crate::platform::money::Money;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The states that it came to, one after the other, and what moved it there.
    pub reached: Vec<(State, String)>,
    /// The money that has become ours.
    pub captured: Option<Money>,
    /// The money that was given back.
    pub refunded: Option<Money>,
    /// A call that changes something had no clear answer.
    pub unknown: bool,
    /// The provider's data do not match ours any more.
    pub mismatch: bool,
    /// It is on the list for manual review.
    pub manual_review: bool,
}

impl Payment {
    /// This payment as it was read from the store or written to it just now: nothing is new.
    #[must_use]
    pub fn in_store(mut self) -> Self {
        self.stored = Stored {
            steps: self.last_step(),
            leased: self.lease_until.is_some(),
            mismatch: self.mismatch.is_some(),
            manual_review: self.poll.manual_review,
            captured_minor: self.captured_minor(),
            refunded_minor: self.refunded().minor(),
        };
        self
    }

    /// What is new since it was stored.
    #[must_use]
    pub fn news(&self) -> News {
        let Stored { steps, leased, mismatch, manual_review, captured_minor, refunded_minor } = self.stored;
        let more = |minor: i64| Money::from_minor(minor, self.amount.currency()).ok().filter(|more| !more.is_zero());
        News {
            reached: self.reached_since(steps),
            captured: more(self.captured_minor() - captured_minor),
            refunded: more(self.refunded().minor() - refunded_minor),
            // Only a call has the lease, and only one without a clear answer gives it back like this.
            unknown: leased && self.lease_until.is_none() && self.unknown,
            mismatch: !mismatch && self.mismatch.is_some(),
            manual_review: !manual_review && self.poll.manual_review,
        }
    }

    fn captured_minor(&self) -> i64 {
        if self.captured_at.is_some() { self.amount.minor() } else { 0 }
    }

    fn reached_since(&self, steps: usize) -> Vec<(State, String)> {
        let (old, new): (Vec<_>, Vec<_>) = self.history.iter().partition(|step| step.number <= steps);
        let before = old.last().map(|step| step.state.as_str());
        let new = new.into_iter().scan(before, |before, step| {
            let changed = before.replace(&step.state) != Some(step.state.as_str());
            Some(changed.then_some(step))
        });
        new.flatten().filter_map(|step| Some((State::from_name(&step.state)?, step.by.clone()))).collect()
    }
}
