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
    /// `{"success":false,"code":…,"error":…}`, in English throughout: the back office, which no customer reads.
    Office,
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
            Self::Office => json!({"success": false, "code": code, "error": text}),
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

/// What a caller reads.
#[derive(Debug)]
enum Public {
    /// A wrong or missing key.
    Unauthorized,
    /// No such route, or no such thing.
    NotFound,
    /// A fault of our own.
    Fault,
    /// It cannot be done now.
    Later,
    /// Said for this request.
    Said(Cow<'static, str>),
}

impl Public {
    fn text(&self, shape: Shape) -> &str {
        match (self, shape) {
            (Self::Said(text), _) => text,
            (Self::Unauthorized, Shape::Office) => {
                "no key of the back office: send one of BACK_OFFICE_KEYS as `Authorization: Bearer` or in the header `key`"
            }
            (Self::Fault, Shape::Office) => "a fault of our own: try again in a minute; the log of this request has its cause",
            (Self::Later, Shape::Office) => "it cannot be done now: try again in a minute",
            (Self::NotFound, Shape::Office) => "not found: there is no such route, or nothing with the id in it",
            (Self::NotFound, _) => "not found",
            (Self::Unauthorized, _) => texts::UNAUTHORIZED,
            (Self::Fault | Self::Later, _) => texts::INTERNAL,
        }
    }
}

impl Status {
    /// The code of an answer that has none of its own.
    fn code(self) -> &'static str {
        match self {
            Self::Ok | Self::Accepted => "not_done",
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::Internal => "internal",
            Self::BadGateway => "provider_refused",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A request that ends without its result.
#[derive(Debug)]
pub struct Failure {
    status: Status,
    public: Public,
    code: Option<&'static str>,
    internal: Option<String>,
    allow: Option<&'static str>,
}

impl Failure {
    fn new(status: Status, public: impl Into<Cow<'static, str>>, internal: Option<String>) -> Self {
        Self { internal, ..Self::fixed(status, Public::Said(public.into())) }
    }

    fn fixed(status: Status, public: Public) -> Self {
        Self { status, public, code: None, internal: None, allow: None }
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
        Self::fixed(Status::Unauthorized, Public::Unauthorized)
    }

    /// The key is right, but its holder may not do this; `code` is for programs.
    #[must_use]
    pub fn forbidden(code: &'static str, public: impl Into<Cow<'static, str>>) -> Self {
        Self { code: Some(code), ..Self::new(Status::Forbidden, public, None) }
    }

    /// No such thing; the text does not say what is missing.
    #[must_use]
    pub fn not_found() -> Self {
        Self::fixed(Status::NotFound, Public::NotFound)
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
        Self { internal: Some(cause.to_string()), ..Self::fixed(Status::Internal, Public::Fault) }
    }

    /// It could not be done now; the caller should repeat it.
    #[must_use]
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self { internal: Some(cause.to_string()), ..Self::fixed(Status::Unavailable, Public::Later) }
    }

    /// The same where nothing is wrong: somebody else is at it, or was a moment ago.
    #[must_use]
    pub fn later(cause: &'static str) -> Self {
        tracing::info!(cause, "the request is to come again");
        Self::fixed(Status::Unavailable, Public::Later)
    }

    /// The answer in the endpoint's shape; the cause goes to the log, once, here.
    #[must_use]
    pub fn into_response(self, shape: Shape) -> Response<Body> {
        if let Some(cause) = &self.internal {
            tracing::error!(cause, "request failed");
        }
        let code = if shape == Shape::Office { Some(self.code.unwrap_or(self.status.code())) } else { self.code };
        let body = shape.body(self.public.text(shape), code);
        let mut response = respond(self.status.into(), "application/json; charset=utf-8", body);
        if let Some(allow) = self.allow {
            response.headers_mut().insert(http::header::ALLOW, http::HeaderValue::from_static(allow));
        }
        response
    }
}
