//! When a call with an idempotence key is the one of before, and when it is a new one.

use std::time::Duration;

use super::data::Payment;
use super::operation::{KeyedRequest, Operation};
use crate::platform::clock::Timestamp;

/// How long a key may be repeated: it lives for 24 hours at the gateways.
const KEY_LIVES: Duration = Duration::from_hours(23);

impl Payment {
    /// This payment about to ask for `name`: what was asked before and is not known to have been answered is asked again as it was; else
    /// `request` makes a new operation of that number, if the gateway knows keys.
    #[must_use]
    pub fn with_operation(
        mut self,
        name: &str,
        now: Timestamp,
        request: impl FnOnce(&Self, u32) -> Option<KeyedRequest>,
    ) -> Self {
        let is_same = |operation: &Operation| operation.name == name && now.since(operation.begun_at) < KEY_LIVES;
        if self.operation.as_ref().is_some_and(is_same) {
            return self;
        }
        let number = self.operations.saturating_add(1);
        self.operation = request(&self, number).map(|request| {
            self.operations = number;
            Operation { name: name.to_owned(), number, request, begun_at: now }
        });
        self
    }

    /// The key of the operation under way does not live any more.
    #[must_use]
    pub fn is_key_expired(&self, now: Timestamp) -> bool {
        self.operation.as_ref().is_some_and(|operation| now.since(operation.begun_at) >= KEY_LIVES)
    }
}
