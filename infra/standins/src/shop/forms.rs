//! `POST /shop/forms`: takes forms as Standard Webhooks 1.0 sends messages: signed, and the same id is the same form.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::refusal::{ShopRefusal, object};
use super::signed;
use crate::answer::Answer;
use crate::json::rfc3339;
use crate::options::Options;
use crate::request::Request;

/// The forms saved, oldest first.
#[derive(Default)]
pub(super) struct Drawer(Vec<Saved>);

/// A form that is really from us.
pub(super) struct Form {
    id: String,
    fields: Map<String, Value>,
}

struct Saved {
    form: Form,
    at: OffsetDateTime,
}

/// The signature, and the body as an object. Releases before this one signed at the time of the sandbox's clock, and a rolling upgrade
/// plays them against this shop.
pub(super) fn verified(options: &Options, request: &Request, now: OffsetDateTime) -> Result<Form, ShopRefusal> {
    let id = signed::verified_at(&[OffsetDateTime::now_utc(), now], &options.shop_forms_secret, request)?;
    Ok(Form { id, fields: object(request)? })
}

impl Drawer {
    /// A repeated id gets the first answer, whatever the body says now.
    pub(super) fn save(&mut self, form: Form, now: OffsetDateTime) -> Answer {
        if !self.0.iter().any(|saved| saved.form.id == form.id) {
            self.0.push(Saved { form, at: now });
        }
        Answer::ok(&json!({ "success": true, "message": "Заявка принята, мы вам перезвоним" }))
    }

    pub(super) fn saved(&self) -> Vec<Value> {
        let shown = |saved: &Saved| json!({ "id": saved.form.id, "form": saved.form.fields, "at": rfc3339(saved.at) });
        self.0.iter().map(shown).collect()
    }
}

/// As when another request was quicker.
pub(super) fn refuse() -> Answer {
    Answer::ok(&json!({ "success": false, "message": "Это время уже занято, выберите другое" }))
}
