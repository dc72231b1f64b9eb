//! Limit: what a customer may pay in instalments (Mokka, "Limit").

use serde_json::json;

use super::fields::Fields;
use super::key::Key;
use super::refusal::MokkaRefusal;
use super::state::Mokka;
use super::{code, envelope};
use crate::answer::Answer;
use crate::request::Request;

/// Answers the method.
pub(super) fn handle(mokka: &Mokka, request: &Request) -> Result<Answer, MokkaRefusal> {
    let body = envelope::json(Key::of_limits(&mokka.options), request)?;
    let fields = Fields::root(&body, &["client"])?;
    let client = fields.object("client", &["mobile_phone"])?;
    let client = client.ok_or_else(|| MokkaRefusal::new(code::CANNOT_PROCESS, "client is missing"))?;
    let phone = client.phone("mobile_phone")?;
    let phone = phone.ok_or_else(|| MokkaRefusal::new(code::CANNOT_PROCESS, "client.mobile_phone is missing"))?;
    let limit = mokka.limits.of(&mokka.options, phone);
    Ok(Answer::ok(&json!({
        "meta": { "status": 0, "message": code::message(0) },
        "client": { "mobile_phone": phone, "limit_amount": limit.amount.to_string(), "status": limit.status },
    })))
}
