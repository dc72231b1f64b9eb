//! Why DynamoDB did not write. It says so, and each reason wants something else: a lost condition is somebody else's write, to be
//! read again; a conflict in flight passes in a moment; a table that is short of capacity is waited for; the rest is an error.
//! Both waits end with the time that one operation has.

use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use tokio::time::Instant;

use super::{OPERATION_LIMIT, StoreError, Written};

/// How often a write is tried.
const TRIES: u32 = 6;
/// The first pause before it is tried again, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Why it was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Another version stands there.
    Condition,
    /// Another write of the same item is under way.
    InFlight,
    /// The table is asked for more than it gives at the moment.
    Throttled,
}

impl Refused {
    /// The reason by the code of an exception, or of a part of a transaction; nothing if it is an error.
    fn by_code(code: &str) -> Option<Self> {
        Some(match code {
            "ConditionalCheckFailed" | "ConditionalCheckFailedException" => Self::Condition,
            "TransactionConflict" | "TransactionConflictException" | "TransactionInProgressException" => Self::InFlight,
            "ThrottlingError"
            | "ThrottlingException"
            | "ProvisionedThroughputExceeded"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded" => Self::Throttled,
            _ => return None,
        })
    }

    /// The reason of an exception; nothing if it is an error, or there is no answer.
    pub(super) fn of<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Option<Self> {
        Self::by_code(error.as_service_error()?.code()?)
    }

    /// The reason of a transaction. One part that is in error makes it one, and a lost condition makes waiting vain.
    pub(super) fn of_transaction(error: &SdkError<TransactWriteItemsError>) -> Option<Self> {
        let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
            return Self::of(error);
        };
        let codes = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code()).filter(|code| *code != "None");
        let parts = codes.map(Self::by_code).collect::<Option<Vec<_>>>()?;
        [Self::Condition, Self::Throttled, Self::InFlight].into_iter().find(|reason| parts.contains(reason))
    }
}

/// How one try came out.
pub(super) enum Tried {
    Written(Written),
    Refused(Refused),
}

/// Tries a write until it is decided, as long as waiting can help and there is time.
pub(super) async fn written<F: Future<Output = Result<Tried, StoreError>>>(
    action: &'static str,
    attempt: impl Fn() -> F,
) -> Result<Written, StoreError> {
    let failed = |cause: &str| StoreError::Failed { action, cause: cause.to_owned() };
    let end = Instant::now() + OPERATION_LIMIT;
    let mut pause = FIRST_PAUSE;
    let mut last = "no answer in time";
    for _ in 0..TRIES {
        let Ok(tried) = tokio::time::timeout_at(end, attempt()).await else { return Err(failed(last)) };
        last = match tried? {
            Tried::Written(written) => return Ok(written),
            Tried::Refused(Refused::Condition) => return Ok(Written::Conflict),
            Tried::Refused(Refused::InFlight) => "others keep writing the same item",
            Tried::Refused(Refused::Throttled) => "the table stays short of capacity",
        };
        tracing::debug!(action, cause = last, "not written yet");
        tokio::time::sleep_until(end.min(Instant::now() + pause)).await;
        pause *= 2;
    }
    Err(failed(last))
}
