//! How a call to YooKassa can fail (reference "Card gateways", 1.1).

use std::fmt;
use std::time::Duration;

/// Why a call has not come to what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// YooKassa read the request and refused it: nothing was done.
    #[error("YooKassa refused: {0}")]
    Refused(Refusal),
    /// The request never reached YooKassa: nothing was done.
    #[error("YooKassa was not reached: {0}")]
    NotSent(String),
    /// YooKassa asks for fewer calls (HTTP 429): nothing was done.
    #[error("YooKassa asks for fewer calls")]
    Throttled,
    /// No usable answer: time-out, reset, 202, 5xx, HTML, truncated JSON. A call that changes something may have been done.
    #[error("YooKassa's answer is unknown: {cause}")]
    Unknown {
        cause: String,
        /// How long YooKassa wants us to wait, if it says so (`retry_after`, in milliseconds on the wire).
        retry_after: Option<Duration>,
    },
}

impl Error {
    pub(super) fn unknown(cause: impl Into<String>) -> Self {
        Self::Unknown { cause: cause.into(), retry_after: None }
    }

    /// Whether what was asked for may have been done all the same.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Unknown { .. } => true,
            Self::Refused(_) | Self::NotSent(_) | Self::Throttled => false,
        }
    }
}

/// What an error's `code` says; others are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// 400: the request, or the payment's state, does not allow it.
    InvalidRequest,
    /// 401: the shop's id or its secret key.
    InvalidCredentials,
    /// 403: the shop may not do this.
    Forbidden,
    /// 404: no such object of this shop.
    NotFound,
    /// Something new.
    Other(String),
}

impl From<String> for Code {
    fn from(code: String) -> Self {
        match code.as_str() {
            "invalid_request" => Self::InvalidRequest,
            "invalid_credentials" => Self::InvalidCredentials,
            "forbidden" => Self::Forbidden,
            "not_found" => Self::NotFound,
            _ => Self::Other(code),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidCredentials => "invalid_credentials",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Other(code) => code,
        })
    }
}

/// YooKassa's error object. Its words are for the log, never for customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error's id, which YooKassa's support asks for.
    pub id: Option<String>,
    pub code: Code,
    /// The first 200 characters of what it says.
    pub description: String,
    /// The field that it is about.
    pub parameter: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(parameter) = &self.parameter {
            write!(f, " at {parameter}")?;
        }
        write!(f, ": {}", self.description)
    }
}

/// What has to change before a refused call can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The settings: id, secret key, the shop's rights, or an object of another shop. Never the customer, and no word on the payment.
    Configuration,
    /// The payment's state: it is to be read, since an earlier call may have done what was asked.
    State,
    /// The amount: above what is held or left, or leaving too little.
    Amount,
    /// Our own books: the key was used with another body.
    KeyReused,
    /// Anything else that is wrong with the request.
    Request,
}

impl Refusal {
    /// By its code, and where that is `invalid_request` by its words.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self.code {
            Code::InvalidCredentials | Code::Forbidden | Code::NotFound => Cause::Configuration,
            Code::InvalidRequest => by_words(&self.description),
            Code::Other(_) => Cause::Request,
        }
    }
}

/// What YooKassa's own descriptions are known to begin with.
const WORDS: [(&str, Cause); 10] = [
    ("payment can not be captured in current status", Cause::State),
    ("you can not cancel payment with autocapture", Cause::State),
    ("payment can not be canceled in current status", Cause::State),
    ("payment can not be refunded in current status", Cause::State),
    ("payment is already completely refunded", Cause::State),
    ("illegal amount for capture", Cause::Amount),
    ("refund sum exceeded", Cause::Amount),
    ("partial refund forbidden", Cause::Amount),
    ("remaining payment amount after refund must be greater than", Cause::Amount),
    ("idempotence key duplicated", Cause::KeyReused),
];

fn by_words(description: &str) -> Cause {
    let said = description.trim_start().to_lowercase();
    WORDS.iter().find(|(words, _)| said.starts_with(words)).map_or(Cause::Request, |(_, cause)| *cause)
}
