//! Refunds and receipts as they are kept.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::payment::Cancellation;
use crate::money::Kopecks;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RefundState {
    Pending,
    Succeeded,
    Canceled(Cancellation),
}

#[derive(Clone, Debug)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) payment_id: String,
    pub(super) amount: Kopecks,
    pub(super) state: RefundState,
    pub(super) description: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) with_receipt: bool,
    pub(super) created_at: OffsetDateTime,
}

/// A receipt as the API shows it, but for its registration.
#[derive(Clone, Debug)]
pub(super) struct Receipt(pub(super) Value);

impl Receipt {
    /// As it is once the register has taken it.
    pub(super) fn shown(&self) -> Value {
        let mut shown = self.0.clone();
        shown["status"] = json!("succeeded");
        shown["fiscal_document_number"] = json!("3986");
        shown["fiscal_storage_number"] = json!("9288000100115785");
        shown["fiscal_attribute"] = json!("2617603921");
        shown["registered_at"] = json!(self.0["created_at"]);
        without_moment(shown)
    }
}

/// When it was created is nothing that the API shows.
pub(super) fn without_moment(mut shown: Value) -> Value {
    if let Value::Object(map) = &mut shown {
        map.remove("created_at");
    }
    shown
}
