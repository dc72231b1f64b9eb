//! What YooKassa answers that is no success: `{"type":"error","id","code","description","parameter"?}`.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::random;

/// An answer as it is sent, and kept under its idempotence key.
pub(super) type Outcome = (StatusCode, Value);

/// An error of the API.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    description: String,
    parameter: Option<String>,
}

impl Refusal {
    fn new(status: StatusCode, description: impl Into<String>, parameter: Option<&str>) -> Self {
        Self { status, description: description.into(), parameter: parameter.map(str::to_owned) }
    }

    /// The request as a whole, or the payment's state, does not allow it.
    pub(super) fn invalid(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, description, None)
    }

    /// A field is wrong.
    pub(super) fn at(parameter: &str, description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, description, Some(parameter))
    }

    /// A payment or a part of one without its receipt.
    pub(super) fn no_receipt() -> Self {
        Self::at("receipt", "Receipt is missing or illegal")
    }

    pub(super) fn credentials(description: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, description, Some("Authorization"))
    }

    pub(super) fn forbidden(parameter: &str, description: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, description, Some(parameter))
    }

    /// No object of this shop has this id: `Payment`, say.
    pub(super) fn unknown(parameter: &str, object: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{object} doesn't exist or access denied"), Some(parameter))
    }

    pub(super) fn media_type() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json", Some("Content-Type"))
    }

    /// In YooKassa's words.
    pub(super) fn description(&self) -> &str {
        &self.description
    }

    pub(super) fn outcome(&self) -> Outcome {
        let mut body = error(self.status, &self.description);
        if let Some(parameter) = &self.parameter {
            body["parameter"] = json!(parameter);
        }
        (self.status, body)
    }
}

fn error(status: StatusCode, description: &str) -> Value {
    json!({ "type": "error", "id": random::uuid(), "code": code(status), "description": description })
}

/// What an error of this status is called. The statuses beside these have no name of their own in the documentation.
fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "invalid_credentials",
        403 => "forbidden",
        404 => "not_found",
        429 => "too_many_requests",
        500.. => "internal_server_error",
        _ => "invalid_request",
    }
}

/// The fault `status:NN`: 202 says that the outcome is not known yet, everything else that it is an error.
pub(crate) fn fail(status: u16) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == StatusCode::ACCEPTED {
        let description = "Request accepted, but not processed yet. Retry with the same Idempotence-Key";
        return Answer::json(status, &json!({ "type": "processing", "description": description, "retry_after": 1800 }));
    }
    Answer::json(status, &error(status, &format!("The stand-in was told to answer {}", status.as_u16())))
}

/// The fault `refused`.
pub(crate) fn refuse() -> Answer {
    Answer::json(StatusCode::BAD_REQUEST, &error(StatusCode::BAD_REQUEST, "The stand-in was told to refuse"))
}

/// A path that exists, asked for in a way that it does not take.
pub(crate) fn wrong_verb(problem: &str) -> Answer {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    Answer::json(status, &error(status, problem))
}
