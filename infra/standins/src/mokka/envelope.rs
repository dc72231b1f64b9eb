//! What every method checks before it looks at its own fields: the store, the signature, JSON, the order id.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::{Refusal, code, signature};
use crate::options::Options;
use crate::request::Request;

/// The JSON body of a method that takes JSON, its signature verified.
pub(super) fn json(options: &Options, request: &Request) -> Result<Map<String, Value>, Refusal> {
    store(options, request)?;
    if !request.is_json() {
        return Err(Refusal::new(code::JSON, "the content type must be application/json"));
    }
    signed(options, request, &request.body)
}

/// `store_id` of the query string (Mokka, "Параметры авторизации").
pub(super) fn store(options: &Options, request: &Request) -> Result<(), Refusal> {
    match request.query.get("store_id").map(String::as_str) {
        None | Some("") => Err(Refusal::new(code::STORE_ID_MISSING, "query parameter store_id")),
        Some(store) if store == options.mokka_store_id.to_string() => Ok(()),
        Some(_) => Err(Refusal::new(code::STORE_NOT_FOUND, "this stand-in knows one store")),
    }
}

/// Verifies `signature` of the query string over the raw bytes, and only then parses them.
pub(super) fn signed(options: &Options, request: &Request, body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match request.query.get("signature").map(String::as_str) {
        None | Some("") => return Err(Refusal::new(code::SIGNATURE_MISSING, "query parameter signature")),
        Some(signature_sent) if signature_sent == signature(options, body) => {}
        Some(_) => {
            let note = format!("expected lower-case hex SHA-1 in the order {:?}", options.mokka_signature);
            return Err(Refusal::new(code::SIGNATURE_WRONG, note));
        }
    }
    serde_json::from_slice(body).map_err(|error| Refusal::new(code::JSON, error.to_string()))
}

/// `order_id`: a string of 1 to 255 characters.
pub(super) fn order_id<'a>(fields: &Fields<'a>) -> Result<&'a str, Refusal> {
    match fields.get("order_id") {
        None => Err(Refusal::new(code::ORDER_ID_MISSING, fields.path("order_id"))),
        Some(Value::String(id)) if (1..=255).contains(&id.chars().count()) => Ok(id),
        Some(_) => {
            let note = format!("{}: a string of 1 to 255 characters", fields.path("order_id"));
            Err(Refusal::new(code::ORDER_ID_FORMAT, note))
        }
    }
}
