//! Queues (Amazon SQS). The queue of forms on their way to the shop is the promise to look after a form, made before it is stored;
//! a message names a submission and says nothing of what is in it. The queue of orders holds accepted orders that the store did not
//! take, each as it is to be stored.
//!
//! SQS gives a message at least once, and the SDK may send one twice when an answer is lost: what a message asks for must be
//! something that can be done twice.

use std::time::Duration;

use aws_sdk_sqs::config::BehaviorVersion;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use serde::{Deserialize, Serialize};

use crate::platform::aws::{Account, cause, http_client, slowness};
use crate::platform::env::Env;
use crate::platform::ids::SubmissionId;

/// One attempt at one request; SQS answers in some tens of milliseconds.
const ATTEMPT_LIMIT: Duration = Duration::from_millis(900);
/// All attempts together.
const OPERATION_LIMIT: Duration = Duration::from_millis(2500);
/// The longest delay of a new message (SQS, `SendMessage`, `DelaySeconds`).
const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// The longest time that a message can stay invisible (SQS, `ChangeMessageVisibility`, `VisibilityTimeout`).
const LONGEST_POSTPONEMENT: Duration = Duration::from_hours(12);

#[derive(Clone, Debug)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

/// SQS could not do it, or its answer is not known.
#[derive(Debug, thiserror::Error)]
#[error("SQS {action}: {cause}")]
pub struct QueueError {
    action: &'static str,
    cause: String,
}

/// A message's body.
#[derive(Serialize, Deserialize)]
struct Message {
    submission: String,
}

impl Message {
    fn of(id: &SubmissionId) -> serde_json::Result<String> {
        serde_json::to_string(&Self { submission: id.as_str().to_owned() })
    }
}

/// The submission that a message's body names; the error says why it cannot be read, and quotes nothing of it.
pub fn submission(body: &str) -> Result<SubmissionId, String> {
    let message: Message = serde_json::from_str(body).map_err(|error| format!("no message at column {}", error.column()))?;
    SubmissionId::parse(&message.submission).map_err(|error| format!("submission {error}"))
}

impl Queue {
    /// The queue of forms: reads `FORMS_QUEUE_URL`, `SQS_ENDPOINT` (this machine only) and the account.
    pub fn from_env(env: &mut Env) -> Option<Self> {
        Self::at(env, "FORMS_QUEUE_URL")
    }

    /// The queue of orders: the same with `ORDERS_QUEUE_URL`.
    pub fn of_orders(env: &mut Env) -> Option<Self> {
        Self::at(env, "ORDERS_QUEUE_URL")
    }

    fn at(env: &mut Env, url: &str) -> Option<Self> {
        let url = env.url(url);
        let client = client_from_env(env);
        Some(Self { client: client?, url: url?.into() })
    }

    /// Puts a submission into the queue, to be looked at after `delay` (whole seconds, 15 minutes at most).
    pub async fn send(&self, id: &SubmissionId, delay: Duration) -> Result<(), QueueError> {
        let body = Message::of(id).map_err(|error| QueueError { action: "SendMessage", cause: error.to_string() })?;
        self.put(body, delay).await
    }

    /// Puts a message into the queue, to be given `delay` later (whole seconds, 15 minutes at most).
    pub async fn put(&self, body: String, delay: Duration) -> Result<(), QueueError> {
        let message = self.client.send_message().queue_url(&self.url).message_body(body);
        let sent = message.delay_seconds(seconds(delay.min(LONGEST_DELAY))).send().await;
        sent.map(drop).map_err(|error| failed("SendMessage", &error))
    }

    /// Lets a message that was received become visible again after `by` (whole seconds, 12 hours at most), instead of after
    /// the queue's own time.
    pub async fn postpone(&self, receipt: &str, by: Duration) -> Result<(), QueueError> {
        let change = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        let changed = change.visibility_timeout(seconds(by.min(LONGEST_POSTPONEMENT))).send().await;
        changed.map(drop).map_err(|error| failed("ChangeMessageVisibility", &error))
    }
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

fn client_from_env(env: &mut Env) -> Option<aws_sdk_sqs::Client> {
    let endpoint = env.optional_url("SQS_ENDPOINT");
    let Account { region, credentials } = Account::from_env(env)?;
    let slowness = slowness(endpoint.as_ref());
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(500) * slowness)
        .operation_attempt_timeout(ATTEMPT_LIMIT * slowness)
        .operation_timeout(OPERATION_LIMIT * slowness)
        .build();
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region)
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts)
        .http_client(http_client());
    let config = match endpoint {
        Some(url) => config.endpoint_url(url.as_str()),
        None => config,
    };
    Some(aws_sdk_sqs::Client::from_conf(config.build()))
}

fn failed<E: ProvideErrorMetadata>(action: &'static str, error: &SdkError<E>) -> QueueError {
    QueueError { action, cause: cause(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_its_submission() {
        let id = SubmissionId::parse(&"0f".repeat(32)).unwrap();
        let body = Message::of(&id).unwrap();
        assert_eq!(body, format!(r#"{{"submission":"{id}"}}"#));
        assert_eq!(submission(&body).unwrap(), id);
    }

    #[test]
    fn what_is_wrong_with_a_message_is_said_without_quoting_it() {
        for body in ["", "canary", "{}", r#"{"submission":7}"#, r#"{"submission":"canary"}"#, r#"["canary"]"#] {
            let error = submission(body).unwrap_err();
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
