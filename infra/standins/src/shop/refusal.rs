//! What the shop asks of every request, and how it refuses one.

use hyper::StatusCode;
use serde_json::{Map, Value};

use crate::options::Options;
use crate::request::Request;

/// A request the shop does not take: an HTTP status and a message.
pub(super) struct Refusal(pub(super) StatusCode, pub(super) String);

impl Refusal {
    pub(super) fn bad(problem: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, problem.into())
    }
}

/// The key, and the body as an object.
pub(super) fn authorized(options: &Options, request: &Request) -> Result<Map<String, Value>, Refusal> {
    if request.bearer() != Some(options.shop_key.as_str()) {
        return Err(Refusal(StatusCode::UNAUTHORIZED, "`Authorization: Bearer …` is missing or has another key".to_owned()));
    }
    object(request)
}

/// The content type, and the body as an object.
pub(super) fn object(request: &Request) -> Result<Map<String, Value>, Refusal> {
    if !request.is_json() {
        return Err(Refusal::bad("the content type must be application/json"));
    }
    serde_json::from_slice(&request.body).map_err(|error| Refusal::bad(format!("the body must be an object: {error}")))
}
