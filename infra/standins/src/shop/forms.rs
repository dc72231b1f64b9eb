//! `POST /shop/forms`: takes forms as Standard Webhooks 1.0 sends messages: signed, and the same id is the same form.

use hyper::StatusCode;
use serde_json::{Map, Value, json};
use standardwebhooks::Webhook;
use time::OffsetDateTime;

use super::refusal::{ShopRefusal, object};
use crate::answer::Answer;
use crate::json::rfc3339;
use crate::options::Options;
use crate::request::Request;

/// How far a message's time may be from ours, either way (Standard Webhooks, "Verifying webhook authenticity").
const TOLERANCE_S: i64 = 300;

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

/// The signature, the time, and the body as an object.
pub(super) fn verified(options: &Options, request: &Request, now: OffsetDateTime) -> Result<Form, ShopRefusal> {
    let unauthorized = |problem: String| ShopRefusal(StatusCode::UNAUTHORIZED, problem);
    let header = |name: &'static str| request.header(name).ok_or_else(|| unauthorized(format!("`{name}` is missing")));
    let (id, signatures) = (header("webhook-id")?, header("webhook-signature")?);
    let sent_at: i64 = header("webhook-timestamp")?.parse().map_err(|_| unauthorized("`webhook-timestamp`".to_owned()))?;
    // The library's own check of the time knows only the machine's clock; the sandbox's moves.
    if (now.unix_timestamp() - sent_at).abs() > TOLERANCE_S {
        return Err(unauthorized("`webhook-timestamp` is not of these minutes".to_owned()));
    }
    let signed = Webhook::new(&options.shop_forms_secret).and_then(|webhook| webhook.sign(id, sent_at, &request.body));
    let signed = signed.map_err(|error| unauthorized(error.to_string()))?;
    if !signatures.split(' ').any(|signature| signature == signed) {
        return Err(unauthorized("`webhook-signature` is another".to_owned()));
    }
    let id = id.to_owned();
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
