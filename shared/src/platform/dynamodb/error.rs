//! How an operation may come out.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use super::schema::READABLE;
use crate::platform::aws::cause;
use crate::platform::clock::RandomError;

/// DynamoDB could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The request failed, or its outcome is not known.
    #[error("DynamoDB {action}: {cause}")]
    Failed {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        cause: String,
    },
    /// A write was made or not: its answer was lost, and what stands there since is another's.
    #[error("DynamoDB UpdateItem {key}: others wrote after an answer was lost")]
    InDoubt {
        /// The item's key.
        key: String,
    },
    /// An item that this code cannot read.
    #[error("the stored item {key} cannot be read: {cause}")]
    Unreadable {
        /// The item's key.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
    /// An item that newer functions have written in a shape that these do not know: it is theirs until they are back.
    #[error("the stored item {key} is of schema {schema}, these functions know {READABLE}: it is left to newer ones")]
    Newer {
        /// The item's key.
        key: String,
        /// The schema that it was written in.
        schema: u32,
    },
    /// A list was to go on where it never was.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// No random bytes for the write's mark.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// A cursor that was not given out by this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the cursor of an earlier answer")]
pub struct CursorError;

/// The result of a write that records what has happened already: in doubt, the stored item is read and says what is left to record. (A
/// write that announces something must not be taken so: whether it is announced is unknown.)
pub(crate) fn recorded<T>(saved: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
    match saved {
        Err(StoreError::InDoubt { key }) => {
            tracing::warn!(key, "a write in doubt was followed by another request's: the item is read again");
            Ok(None)
        }
        saved => saved,
    }
}

/// The outcome of a conditional write. What DynamoDB did not write for another reason than its condition is no conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// It is stored.
    Yes,
    /// Another request wrote first: read again.
    Conflict,
}

/// A request that lacks something: a fault of this code.
pub(crate) fn incomplete(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Failed { action: "TransactWriteItems", cause: error.to_string() }
}

pub(crate) fn failed<E: ProvideErrorMetadata>(action: &'static str, error: &SdkError<E>) -> StoreError {
    StoreError::Failed { action, cause: cause(error) }
}
