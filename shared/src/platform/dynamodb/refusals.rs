//! Why DynamoDB did not do it. It says so, and each reason wants something else: a lost condition is another request's write, to be
//! read again; a conflict in flight passes in a moment; a table that is short of capacity is waited for; the rest is an error.
//! Both waits end with the time that one operation has.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::time::Instant;

use super::error::{StoreError, failed};
use crate::platform::clock::Random;

/// The first pause before a request is made again, doubled each time up to the last. What is slept is between a half of it and all.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LAST_PAUSE: Duration = Duration::from_millis(250);

/// Why it was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
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
    pub(crate) fn of<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Option<Self> {
        Self::by_code(error.as_service_error()?.code()?)
    }

    /// The reason of a transaction. One part that is in error makes it one, and a lost condition makes waiting vain.
    pub(crate) fn of_transaction(error: &SdkError<TransactWriteItemsError>) -> Option<Self> {
        let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
            return Self::of(error);
        };
        let codes = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code()).filter(|code| *code != "None");
        let parts = codes.map(Self::by_code).collect::<Option<Vec<_>>>()?;
        [Self::Condition, Self::Throttled, Self::InFlight].into_iter().find(|reason| parts.contains(reason))
    }
}

/// The outcome of one attempt.
pub(crate) enum Attempt<T> {
    Done(T),
    Refused(Refused),
}

impl<T> Attempt<T> {
    /// What came of a request, if it is no error.
    pub(crate) fn of<E: ProvideErrorMetadata>(action: &'static str, outcome: Result<T, SdkError<E>>) -> Result<Self, StoreError> {
        outcome.map(Self::Done).or_else(|error| Refused::of(&error).map(Self::Refused).ok_or_else(|| failed(action, &error)))
    }
}

/// The pauses of a caller that waits.
pub(crate) struct Pauses<'a> {
    random: &'a Random,
    end: Instant,
    next: Duration,
}

impl<'a> Pauses<'a> {
    pub(crate) fn until(end: Instant, random: &'a Random) -> Self {
        Self { random, end, next: FIRST_PAUSE }
    }

    /// There was some success: the next pause is a first one.
    pub(crate) fn begin_anew(&mut self) {
        self.next = FIRST_PAUSE;
    }

    /// Waits; whether there is time left.
    pub(crate) async fn wait(&mut self) -> bool {
        let pause = self.random.spread(self.next);
        self.next = (self.next * 2).min(LAST_PAUSE);
        tokio::time::sleep_until(self.end.min(Instant::now() + pause)).await;
        Instant::now() < self.end
    }
}

/// How many attempts at a request went out and were not clearly refused: the SDK repeats them, and says how the last one came out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unanswered(Arc<AtomicU32>);

impl Unanswered {
    /// Whether one may have had its effect beside the one that was refused.
    pub(crate) fn is_any(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

impl Intercept for Unanswered {
    fn name(&self) -> &'static str {
        "Unanswered"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().status().is_client_error() {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
        Ok(())
    }
}
