//! `POST /shop/forms`: saves a confirmed form once per idempotency key.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::Refusal;
use crate::answer::Answer;
use crate::json::rfc3339;

/// The forms saved, oldest first.
#[derive(Default)]
pub(super) struct Drawer(Vec<Saved>);

struct Saved {
    key: String,
    form: Map<String, Value>,
    at: OffsetDateTime,
}

impl Drawer {
    /// A repeated key gets the first answer, whatever the body says now.
    pub(super) fn save(&mut self, form: Map<String, Value>, key: Option<&str>, now: OffsetDateTime) -> Result<Answer, Refusal> {
        let key = key
            .filter(|key| !key.is_empty())
            .ok_or_else(|| Refusal::bad("the header `Idempotency-Key` is required: it is what makes a repeat safe"))?;
        if !self.0.iter().any(|saved| saved.key == key) {
            self.0.push(Saved { key: key.to_owned(), form, at: now });
        }
        Ok(Answer::ok(&json!({ "success": true, "message": "Заявка принята, мы вам перезвоним" })))
    }

    pub(super) fn saved(&self) -> Vec<Value> {
        let shown = |saved: &Saved| json!({ "key": saved.key, "form": saved.form, "at": rfc3339(saved.at) });
        self.0.iter().map(shown).collect()
    }
}

/// As when somebody else was quicker.
pub(super) fn refuse() -> Answer {
    Answer::ok(&json!({ "success": false, "message": "Это время уже занято, выберите другое" }))
}
