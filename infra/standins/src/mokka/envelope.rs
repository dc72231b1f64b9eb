//! What every method checks before it looks at its own fields: the store, the signature, JSON; and the fields that
//! several methods have: the order id, the end of its time.

use serde_json::Value;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::code;
use super::fields::{Body, Fields};
use super::key::Key;
use super::refusal::MokkaRefusal;
use crate::request::Request;

const VALID_TILL: &[BorrowedFormatItem<'_>] =
    format_description!("[day].[month].[year] [hour]:[minute]:[second][offset_hour sign:mandatory]:[offset_minute]");

/// The JSON body of a method that takes JSON, its signature verified.
pub(super) fn json<'a>(key: Key<'_>, request: &'a Request) -> Result<Body<'a>, MokkaRefusal> {
    store(key, request)?;
    if !request.is_json() {
        return Err(MokkaRefusal::new(code::JSON, "the content type must be application/json"));
    }
    signed(key, request, &request.body)
}

/// `store_id` of the query string (Mokka, "Параметры авторизации").
pub(super) fn store(key: Key<'_>, request: &Request) -> Result<(), MokkaRefusal> {
    match request.query.get("store_id").map(String::as_str) {
        None | Some("") => Err(MokkaRefusal::new(code::STORE_ID_MISSING, "query parameter store_id")),
        Some(store) if key.is_store(store) => Ok(()),
        Some(_) => Err(MokkaRefusal::new(code::STORE_NOT_FOUND, "this method knows one store, and this is another")),
    }
}

/// Verifies `signature` of the query string over the raw bytes, and only then parses them.
pub(super) fn signed<'a>(key: Key<'_>, request: &'a Request, body: &[u8]) -> Result<Body<'a>, MokkaRefusal> {
    match request.query.get("signature").map(String::as_str) {
        None | Some("") => return Err(MokkaRefusal::new(code::SIGNATURE_MISSING, "query parameter signature")),
        Some(signature) if signature == key.signature(body) => {}
        Some(_) => {
            let note = format!("expected lower-case hex SHA-1 in the order {:?}", key.order);
            return Err(MokkaRefusal::new(code::SIGNATURE_WRONG, note));
        }
    }
    let map = serde_json::from_slice(body).map_err(|error| MokkaRefusal::new(code::JSON, error.to_string()))?;
    Ok(Body::new(map, (!key.exact).then_some(&request.remarks)))
}

/// `order_id`: a string of 1 to 255 characters.
pub(super) fn order_id<'a>(fields: &Fields<'a>) -> Result<&'a str, MokkaRefusal> {
    match fields.get("order_id") {
        None => Err(MokkaRefusal::new(code::ORDER_ID_MISSING, fields.path("order_id"))),
        Some(Value::String(id)) if (1..=255).contains(&id.chars().count()) => Ok(id),
        Some(_) => {
            let note = format!("{}: a string of 1 to 255 characters", fields.path("order_id"));
            Err(MokkaRefusal::new(code::ORDER_ID_FORMAT, note))
        }
    }
}

/// `valid_till`; left out, it is 24 hours from now.
pub(super) fn valid_till(fields: &Fields<'_>, now: OffsetDateTime) -> Result<OffsetDateTime, MokkaRefusal> {
    let Some(sent) = fields.get("valid_till") else { return Ok(now + Duration::hours(24)) };
    let moment = sent.as_str().and_then(|text| OffsetDateTime::parse(text, VALID_TILL).ok());
    moment
        .ok_or_else(|| MokkaRefusal::new(code::TIME_FORMAT, format!("{}: dd.mm.yyyy HH:MM:SS+03:00", fields.path("valid_till"))))
}
