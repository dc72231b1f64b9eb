//! What can be wrong with a wish sent to the control API or its typed twin.

use hyper::StatusCode;
use thiserror::Error;

use crate::system::System;

/// A control request that cannot be done. The text says what to send instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ControlError {
    /// The system has no such method.
    #[error("field `method`: {system} has no method `{method}`; it has {}", list(system.methods()))]
    UnknownMethod {
        /// The system that was named.
        system: System,
        /// The method it does not have.
        method: String,
    },
    /// No Checkout has created this order at Mokka.
    #[error("Mokka knows no order `{0}`; create it with a Checkout first")]
    UnknownOrder(String),
    /// No payment, refund or receipt has this id at YooKassa.
    #[error("YooKassa knows no payment, refund or receipt `{0}`; its ids are in GET /control/yookassa, …/refunds and …/receipts")]
    UnknownYookassa(String),
    /// No Registration has this order id at Mokka.
    #[error("Mokka knows no registration `{0}`; create it with a Registration first")]
    UnknownRegistration(String),
    /// The order's time ran out before the customer decided, so the form takes no decision any more.
    #[error("order `{order_id}` is {status} without a decision; its form takes none any more")]
    Undecidable { order_id: String, status: String },
    /// A field of the request has a value that makes no sense.
    #[error("field `{field}`: {problem}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// The request as a whole is not what this path takes.
    #[error("{0}")]
    Request(String),
}

impl ControlError {
    pub(crate) fn field(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Field { field, problem: problem.into() }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::UnknownOrder(_) | Self::UnknownRegistration(_) | Self::UnknownYookassa(_) => StatusCode::NOT_FOUND,
            Self::Undecidable { .. } => StatusCode::CONFLICT,
            Self::UnknownMethod { .. } | Self::Field { .. } | Self::Request(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// Names for a sentence: "a, b, c".
pub(crate) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
