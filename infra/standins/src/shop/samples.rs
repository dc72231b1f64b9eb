//! A sample of each event, for developers of a shop who want to see one without playing a payment to that point.

use serde_json::json;
use standardwebhooks::Webhook;
use time::OffsetDateTime;

use super::event::Kind;
use crate::error::ControlError;
use crate::json::rfc3339;

/// An event with its signed headers.
pub(crate) struct Sample {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
    pub(crate) body: String,
}

/// The kinds of events that are asked for by name, all of them without one.
pub(super) fn kinds(named: Option<&str>) -> Result<Vec<Kind>, ControlError> {
    let Some(name) = named else { return Ok(Kind::ALL.to_vec()) };
    let kind = Kind::named(name).ok_or_else(|| {
        let known = crate::error::list(Kind::ALL.into_iter().map(Kind::name));
        ControlError::field("type", format!("`{name}` is none of {known}"))
    })?;
    Ok(vec![kind])
}

/// An event about an order that nobody placed. Its ids have never been used: `machine_time` and `number` are in them, so that a shop which
/// remembers the samples of yesterday's sandbox does not take these for repetitions.
pub(super) fn sample(
    kind: Kind,
    secrets: &[String],
    now: OffsetDateTime,
    machine_time: OffsetDateTime,
    number: u64,
) -> Result<Sample, ControlError> {
    let (state, by, refunded) = match kind {
        Kind::Held => ("held", "callback", "0.00"),
        Kind::Paid => ("captured", "callback", "0.00"),
        Kind::Failed => ("declined", "schedule", "0.00"),
        Kind::Canceled => ("canceled", "back-office", "0.00"),
        Kind::PartiallyRefunded => ("partially_refunded", "back-office", "1000.00"),
        Kind::Refunded => ("refunded", "back-office", "4990.00"),
        Kind::ManualReview => ("held", "schedule", "0.00"),
        Kind::ManualReviewOver => ("captured", "schedule", "0.00"),
    };
    let refund = (refunded != "0.00").then(|| json!({ "id": "1", "amount": refunded }));
    let order_id = format!("sample-{}-{number}", machine_time.unix_timestamp_nanos() / 1_000_000);
    let payment_id = format!("{order_id}-1");
    let id = format!("{payment_id}-3");
    let body = json!({
        "type": kind.name(),
        "timestamp": rfc3339(now.replace_nanosecond(0).unwrap_or(now)),
        "data": {
            "order_id": order_id,
            "order_uuid": format!("{order_id}-uuid"),
            "public_id": format!("S-{number}"),
            "payment_id": payment_id,
            "attempt": 1,
            "latest": true,
            "provider": "mokka",
            "method": "mokka",
            "state": state,
            "amount": "4990.00",
            "currency": "RUB",
            "refunded": refunded,
            "by": by,
            "refund": refund,
        },
    })
    .to_string();
    let sign = |secret: &String| {
        let signed = Webhook::new(secret).and_then(|webhook| webhook.sign(&id, machine_time.unix_timestamp(), body.as_bytes()));
        signed.map_err(|error| ControlError::Request(format!("SHOP_EVENTS_SECRET: {error}")))
    };
    let signature = secrets.iter().map(sign).collect::<Result<Vec<_>, _>>()?.join(" ");
    Ok(Sample { kind: kind.name(), id, timestamp: machine_time.unix_timestamp().to_string(), signature, body })
}
