//! What Mokka answers that is no success, and the plainest answer that is one.

use serde_json::json;

use super::code;
use crate::answer::Answer;

/// A business error: HTTP 200 with a status other than 0 (Mokka, "Коды ошибок").
#[derive(Debug)]
pub(crate) struct MokkaRefusal {
    pub(super) code: u16,
    pub(super) note: String,
}

impl MokkaRefusal {
    pub(super) fn new(code: u16, note: impl Into<String>) -> Self {
        Self { code, note: note.into() }
    }
}

/// A failure in the shape of `method`: Limit nests its status (Mokka, "Limit").
pub(crate) fn fail(method: &str, status: u16) -> Answer {
    if method == "limit" {
        let meta = json!({ "status": status, "message": code::message(status) });
        return Answer::ok(&json!({ "meta": meta, "client": null }));
    }
    business(status)
}

pub(super) fn business(status: u16) -> Answer {
    Answer::ok(&json!({ "status": status, "message": code::message(status) }))
}

/// The order id is one that Mokka has never seen.
pub(super) fn unknown_order() -> MokkaRefusal {
    MokkaRefusal::new(code::ORDER_NOT_FOUND, "no Checkout has created it")
}
