//! What the shop asks of every request, and how it refuses one.

use hyper::StatusCode;
use serde_json::{Map, Value};

use crate::options::Options;
use crate::request::Request;

/// A request the shop does not take: an HTTP status and a message.
pub(super) struct ShopRefusal(pub(super) StatusCode, pub(super) String);

impl ShopRefusal {
    pub(super) fn bad(problem: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, problem.into())
    }
}

/// The key, and the body as an object.
pub(super) fn authorized(options: &Options, request: &Request) -> Result<Map<String, Value>, ShopRefusal> {
    if request.bearer() != Some(options.shop_key.as_str()) {
        return Err(ShopRefusal(StatusCode::UNAUTHORIZED, "`Authorization: Bearer …` is missing or has another key".to_owned()));
    }
    object(request)
}

/// The content type, and the body as an object.
pub(super) fn object(request: &Request) -> Result<Map<String, Value>, ShopRefusal> {
    if !request.is_json() {
        return Err(ShopRefusal::bad("the content type must be application/json"));
    }
    serde_json::from_slice(&request.body).map_err(|error| ShopRefusal::bad(format!("the body must be an object: {error}")))
}
