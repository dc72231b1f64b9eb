//! A call to a gateway that knows idempotence keys. It is stored with the lease and sent as it is stored, so that each repetition carries
//! the same key with the same body (reference "Card gateways", 4.7).

use crate::platform::clock::Timestamp;

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
