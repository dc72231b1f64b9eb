//! An event as the shop reads it: strict, since a field that is not documented would go unnoticed at a real shop.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::refusal::ShopRefusal;
use crate::money::Kopecks;

/// What an event tells (infra/docs/SHOP.md, "Take events").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Held,
    Paid,
    Failed,
    Canceled,
    PartiallyRefunded,
    Refunded,
    ManualReview,
    ManualReviewOver,
}

impl Kind {
    pub(super) const ALL: [Self; 8] = [
        Self::Held,
        Self::Paid,
        Self::Failed,
        Self::Canceled,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::ManualReview,
        Self::ManualReviewOver,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Held => "payment.held",
            Self::Paid => "payment.paid",
            Self::Failed => "payment.failed",
            Self::Canceled => "payment.canceled",
            Self::PartiallyRefunded => "payment.partially_refunded",
            Self::Refunded => "payment.refunded",
            Self::ManualReview => "payment.attention",
            Self::ManualReviewOver => "payment.attention_over",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What the books need of an event.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) kind: Kind,
    pub(super) order_id: String,
    pub(super) order_uuid: String,
    pub(super) public_id: Option<String>,
    pub(super) payment_id: String,
    pub(super) attempt: u64,
    pub(super) is_latest: bool,
    pub(super) amount: Kopecks,
    pub(super) currency: String,
    pub(super) refunded: Kopecks,
}

/// The fields of `data`.
const FIELDS: [&str; 14] = [
    "order_id",
    "order_uuid",
    "public_id",
    "payment_id",
    "attempt",
    "latest",
    "provider",
    "method",
    "state",
    "amount",
    "currency",
    "refunded",
    "by",
    "refund",
];

impl Event {
    /// Reads the body of the message with this id.
    pub(super) fn read(id: &str, body: &Map<String, Value>) -> Result<Self, ShopRefusal> {
        exactly(body, "", &["type", "timestamp", "data"])?;
        let kind = text(body, "type")?;
        let kind = Kind::named(kind).ok_or_else(|| ShopRefusal::bad(format!("`type` is none that is documented: {kind}")))?;
        let at = text(body, "timestamp")?;
        if !at.ends_with('Z') || OffsetDateTime::parse(at, &Rfc3339).is_err() {
            return Err(ShopRefusal::bad("`timestamp` must be a moment as RFC 3339 writes it, UTC"));
        }
        let data = body.get("data").and_then(Value::as_object).ok_or_else(|| ShopRefusal::bad("`data` must be an object"))?;
        exactly(data, "data.", &FIELDS)?;
        for field in ["provider", "method", "state", "by"] {
            text(data, field)?;
        }
        match data.get("refund") {
            Some(Value::Null) => {}
            Some(Value::Object(refund)) => {
                exactly(refund, "data.refund.", &["id", "amount"])?;
                text(refund, "id")?;
                money(refund, "amount")?;
            }
            _ => return Err(ShopRefusal::bad("`data.refund` must be null or an object")),
        }
        let payment_id = text(data, "payment_id")?.to_owned();
        let step = id.strip_prefix(&payment_id).and_then(|rest| rest.strip_prefix('-'));
        if !step.is_some_and(|step| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(ShopRefusal::bad("`webhook-id` must be `data.payment_id`, a dash and the step's number"));
        }
        Ok(Self {
            kind,
            order_id: text(data, "order_id")?.to_owned(),
            order_uuid: text(data, "order_uuid")?.to_owned(),
            public_id: match data.get("public_id") {
                Some(Value::Null) => None,
                _ => Some(text(data, "public_id")?.to_owned()),
            },
            payment_id,
            attempt: data
                .get("attempt")
                .and_then(Value::as_u64)
                .filter(|attempt| *attempt > 0)
                .ok_or_else(|| ShopRefusal::bad("`data.attempt` must be a number from 1"))?,
            is_latest: data
                .get("latest")
                .and_then(Value::as_bool)
                .ok_or_else(|| ShopRefusal::bad("`data.latest` must be a boolean"))?,
            amount: money(data, "amount")?,
            currency: text(data, "currency")?.to_owned(),
            refunded: money(data, "refunded")?,
        })
    }
}

fn exactly(object: &Map<String, Value>, prefix: &str, fields: &[&str]) -> Result<(), ShopRefusal> {
    if let Some(field) = object.keys().find(|field| !fields.contains(&field.as_str())) {
        return Err(ShopRefusal::bad(format!("`{prefix}{field}` is not in the document")));
    }
    match fields.iter().find(|field| !object.contains_key(**field)) {
        Some(field) => Err(ShopRefusal::bad(format!("`{prefix}{field}` is missing"))),
        None => Ok(()),
    }
}

fn text<'a>(object: &'a Map<String, Value>, field: &str) -> Result<&'a str, ShopRefusal> {
    let text = object.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| ShopRefusal::bad(format!("`{field}` must be a non-empty string")))
}

/// A text with two decimals, as all amounts are written.
fn money(object: &Map<String, Value>, field: &str) -> Result<Kopecks, ShopRefusal> {
    Kopecks::strict(text(object, field)?)
        .ok_or_else(|| ShopRefusal::bad(format!("`{field}` must be an amount with two decimals")))
}
