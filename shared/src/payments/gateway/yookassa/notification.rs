//! What YooKassa's notifications name (reference "Card gateways", 1.5). They are not signed, so that nothing else is read.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::metadata::{PAYMENT_ID, REFUND};
use crate::payments::gateway::contract::{News, Notification};
use crate::platform::wire::{self, Lenient};

/// The longest id that is believed; YooKassa's have 36 characters.
const MAX_ID: usize = 64;

#[derive(Deserialize)]
struct Body {
    event: String,
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    id: String,
    /// Of a refund: the payment's.
    #[serde(default)]
    payment_id: Lenient<String>,
    #[serde(default)]
    metadata: Lenient<BTreeMap<String, String>>,
}

/// The payment that a notification is about; nothing for one about something else, or that cannot be read.
pub(super) fn read(body: &[u8]) -> Option<Notification> {
    let Body { event, object } = wire::object(body).ok()?;
    let mut metadata = object.metadata.0.unwrap_or_default();
    let number = metadata.get(REFUND).and_then(|number| number.parse().ok());
    let (event, news, provider_id) = match event.as_str() {
        "payment.waiting_for_capture" => ("payment.waiting_for_capture", News::Held, object.id),
        "payment.succeeded" => ("payment.succeeded", News::Captured, object.id),
        "payment.canceled" => ("payment.canceled", News::Ended, object.id),
        "refund.succeeded" => ("refund.succeeded", News::GivenBack { number }, object.payment_id.0?),
        _ => return None,
    };
    let is_plain = provider_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let payment_id = metadata.remove(PAYMENT_ID);
    (is_plain && (1..=MAX_ID).contains(&provider_id.len())).then_some(Notification { event, news, provider_id, payment_id })
}
