//! The client, and how long it may take.

use std::time::Duration;

use aws_sdk_dynamodb::config::BehaviorVersion;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;

use crate::platform::aws::{Account, http_client, slowness};
use crate::platform::env::Env;

/// One attempt at one request; DynamoDB answers in single-digit milliseconds, so a slow one is a lost one.
pub(super) const ATTEMPT_LIMIT: Duration = Duration::from_millis(900);
/// One attempt at a transaction, which takes longer beside others: the second one still has a second.
pub(super) const TRANSACTION_LIMIT: Duration = Duration::from_millis(1500);
/// All attempts together.
pub(crate) const OPERATION_LIMIT: Duration = Duration::from_millis(2500);
/// What a call that changes something outside leaves of a request's time for recording how it came out. A request has 9 s;
/// even if the store then takes all of its own time, the caller is answered within 10.
pub const RECORDING: Duration = Duration::from_secs(2);

/// Reads `DYNAMODB_ENDPOINT` (this machine only) and the account.
pub fn client_from_env(env: &mut Env) -> Option<aws_sdk_dynamodb::Client> {
    let endpoint = env.optional_url("DYNAMODB_ENDPOINT");
    let Account { region, credentials } = Account::from_env(env)?;
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region)
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts(ATTEMPT_LIMIT, OPERATION_LIMIT, slowness(endpoint.as_ref())))
        .http_client(http_client());
    let config = match endpoint {
        Some(url) => config.endpoint_url(url.as_str()),
        None => config,
    };
    Some(aws_sdk_dynamodb::Client::from_conf(config.build()))
}

pub(super) fn timeouts(attempt: Duration, operation: Duration, slowness: u32) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(500) * slowness)
        .operation_attempt_timeout(attempt * slowness)
        .operation_timeout(operation * slowness)
        .build()
}
