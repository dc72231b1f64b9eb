//! What went wrong, in two fields that never mix: the text for the caller and the cause for the log.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use lambda_http::{Body, Response};
use serde_json::json;

use super::respond::respond;
use crate::platform::texts;

/// The statuses that this project answers with. Business failures are `Ok`: their result is in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 200.
    Ok,
    /// 202: taken note of; how it comes out is not known yet.
    Accepted,
    /// 400: unreadable body or a missing mandatory field.
    BadRequest,
    /// 401: wrong key.
    Unauthorized,
    /// 403: the right key, without the role for this.
    Forbidden,
    /// 404: unknown path.
    NotFound,
    /// 405: wrong method.
    MethodNotAllowed,
    /// 409: the state of things forbids it.
    Conflict,
    /// 413: too large.
    TooLarge,
    /// 500: a fault of our own.
    Internal,
    /// 502: the provider refused.
    BadGateway,
    /// 503: could not be done now, worth trying again.
    Unavailable,
}

impl From<Status> for StatusCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok => Self::OK,
            Status::Accepted => Self::ACCEPTED,
            Status::BadRequest => Self::BAD_REQUEST,
            Status::Unauthorized => Self::UNAUTHORIZED,
            Status::Forbidden => Self::FORBIDDEN,
            Status::NotFound => Self::NOT_FOUND,
            Status::MethodNotAllowed => Self::METHOD_NOT_ALLOWED,
            Status::Conflict => Self::CONFLICT,
            Status::TooLarge => Self::PAYLOAD_TOO_LARGE,
            Status::Internal => Self::INTERNAL_SERVER_ERROR,
            Status::BadGateway => Self::BAD_GATEWAY,
            Status::Unavailable => Self::SERVICE_UNAVAILABLE,
        }
    }
}

/// The shape of an endpoint's failures (reference "IMSHOP", transport).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{"success":false,"error":…}`, with a `code` where there is one: acquiring, and our own interfaces for shop and providers.
    Error,
    /// `{"success":false,"message":…}`: forms.
    Message,
    /// `{"payments":[],"message":…}`: the list of ways to pay.
    Payments,
    /// `{"orders":[],"message":…}`: order creation.
    Orders,
}

impl Shape {
    fn body(self, text: &str, code: Option<&str>) -> String {
        match self {
            Self::Error => match code {
                Some(code) => json!({"success": false, "code": code, "error": text}),
                None => json!({"success": false, "error": text}),
            },
            Self::Message => json!({"success": false, "message": text}),
            Self::Payments => json!({"payments": [], "message": text}),
            Self::Orders => json!({"orders": [], "message": text}),
        }
        .to_string()
    }
}

/// A request that ends without its result.
#[derive(Debug)]
pub struct Failure {
    status: Status,
    public: Cow<'static, str>,
    code: Option<&'static str>,
    internal: Option<String>,
    allow: Option<&'static str>,
}

impl Failure {
    fn new(status: Status, public: impl Into<Cow<'static, str>>, internal: Option<String>) -> Self {
        Self { status, public: public.into(), code: None, internal, allow: None }
    }

    /// The request cannot be read; `public` names the field and says what would be right.
    #[must_use]
    pub fn bad_request(public: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::BadRequest, public, None)
    }

    /// A business failure: HTTP 200, the text is for the customer.
    #[must_use]
    pub fn business(public: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::Ok, public, None)
    }

    /// The key is wrong, missing or empty.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(Status::Unauthorized, texts::UNAUTHORIZED, None)
    }

    /// The key is right, but its holder may not do this; `code` is for programs.
    #[must_use]
    pub fn forbidden(code: &'static str, public: impl Into<Cow<'static, str>>) -> Self {
        Self { code: Some(code), ..Self::new(Status::Forbidden, public, None) }
    }

    /// No such thing; the text does not say what is missing.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Status::NotFound, "not found", None)
    }

    /// The path exists, the method does not; `allow` lists the right ones.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Self::new(Status::MethodNotAllowed, format!("wrong method, allowed: {allow}"), None) }
    }

    /// The state of things forbids it.
    #[must_use]
    pub fn conflict(public: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::Conflict, public, None)
    }

    /// The body is larger than `limit` bytes.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        Self::new(Status::TooLarge, format!("the body must be at most {limit} bytes"), None)
    }

    /// The body has more values than `limit`.
    #[must_use]
    pub fn too_many(limit: usize) -> Self {
        Self::new(Status::TooLarge, format!("the body must have at most {limit} values"), None)
    }

    /// The answer would be larger than can be sent; `public` says what to ask for instead.
    #[must_use]
    pub fn answer_too_large(public: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::TooLarge, public, None)
    }

    /// It would take longer than an answer may; `public` says what to ask for instead.
    #[must_use]
    pub fn takes_too_long(public: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::Unavailable, public, None)
    }

    /// A fault of our own: the caller reads a fixed text, the log gets the cause.
    #[must_use]
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(Status::Internal, texts::INTERNAL, Some(cause.to_string()))
    }

    /// It could not be done now; the caller should repeat it.
    #[must_use]
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::new(Status::Unavailable, texts::INTERNAL, Some(cause.to_string()))
    }

    /// The same where nothing is wrong: somebody else is at it, or was a moment ago.
    #[must_use]
    pub fn later(cause: &'static str) -> Self {
        tracing::info!(cause, "the request is to come again");
        Self::new(Status::Unavailable, texts::INTERNAL, None)
    }

    /// The answer in the endpoint's shape; the cause goes to the log, once, here.
    #[must_use]
    pub fn into_response(self, shape: Shape) -> Response<Body> {
        if let Some(cause) = &self.internal {
            tracing::error!(cause, "request failed");
        }
        let mut response = respond(self.status.into(), "application/json; charset=utf-8", shape.body(&self.public, self.code));
        if let Some(allow) = self.allow {
            response.headers_mut().insert(http::header::ALLOW, http::HeaderValue::from_static(allow));
        }
        response
    }
}
