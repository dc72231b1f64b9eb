//! How the shop refuses a request, and what it asks of every body.

use hyper::StatusCode;
use serde_json::{Map, Value};

use crate::request::Request;

/// A request the shop does not take: an HTTP status and a message.
pub(super) struct ShopRefusal(pub(super) StatusCode, pub(super) String);

impl ShopRefusal {
    pub(super) fn bad(problem: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, problem.into())
    }
}

/// The content type, and the body as an object.
pub(super) fn object(request: &Request) -> Result<Map<String, Value>, ShopRefusal> {
    if !request.is_json() {
        return Err(ShopRefusal::bad("the content type must be application/json"));
    }
    serde_json::from_slice(&request.body).map_err(|error| ShopRefusal::bad(format!("the body must be an object: {error}")))
}
