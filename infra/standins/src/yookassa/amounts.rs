//! Amounts as the API writes them.

use serde_json::{Value, json};

use crate::money::Kopecks;

pub(super) fn amount(kopecks: Kopecks) -> Value {
    json!({ "value": kopecks.to_string(), "currency": "RUB" })
}
