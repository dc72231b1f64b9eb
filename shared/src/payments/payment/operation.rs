//! A call to a gateway that knows idempotence keys. It is stored with the lease and sent as it is stored, so that each repetition carries
//! the same key with the same body (reference "Card gateways", 4.7).

use std::time::Duration;

use super::data::Payment;
use crate::platform::clock::Timestamp;

/// How long a key may be repeated: it lives for 24 hours at the gateways.
const KEY_LIVES: Duration = Duration::from_hours(23);

/// A call whose outcome is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What is asked for: `create`, `capture`, `cancel`, `refund-1`, …
    pub name: String,
    /// Counts the operations of the payment. It stays while the outcome is unknown, and the next operation has the next one.
    pub number: u32,
    pub request: KeyedRequest,
    /// When it was stored first.
    pub begun_at: Timestamp,
}

/// An idempotence key with the body that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    pub key: String,
    /// JSON.
    pub body: String,
}

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
