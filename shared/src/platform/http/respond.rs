//! An answer, with what every answer says.

use http::header::{self, HeaderName};
use lambda_http::{Body, Response};

/// What every answer says to its receiver: it is for the caller alone, it is what it says it is, it shows nothing and loads nothing, no
/// address is passed on, and the next call is encrypted, too. The API gateway's own answers say the same (template.yaml).
const EVERY_ANSWER: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
];

/// An answer of any kind, with the headers that every answer carries.
#[must_use]
pub fn respond(status: http::StatusCode, content_type: &str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(content_type) = http::HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    for (name, value) in EVERY_ANSWER {
        headers.insert(name, http::HeaderValue::from_static(value));
    }
    response
}
