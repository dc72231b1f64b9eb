//! How the AWS SDK is set up: from what Lambda puts into the environment. The SDK's whole chain of providers is not needed
//! there, and costs time at every cold start.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::env::Env;

/// Region and credentials of the function.
#[derive(Clone, Debug)]
pub struct Account {
    /// Where it runs.
    pub region: Region,
    /// As whom it calls.
    pub credentials: Credentials,
}

impl Account {
    /// Reads `AWS_REGION` and the credentials.
    pub fn from_env(env: &mut Env) -> Option<Self> {
        let region = env.required("AWS_REGION");
        let access_key = env.required("AWS_ACCESS_KEY_ID");
        let secret_key = env.required("AWS_SECRET_ACCESS_KEY");
        let session_token = env.optional("AWS_SESSION_TOKEN");
        let credentials = Credentials::new(access_key?, secret_key?, session_token, None, "environment");
        Some(Self { region: Region::new(region?), credentials })
    }
}

/// What the addresses of AWS's services end in, in the partition of that region. (The SDK's own clients know.)
pub(crate) fn url_suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// Plain HTTP on this machine: a connector that loads no root certificates.
pub(crate) fn plain_http() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// Why a request failed, for the log.
pub(crate) fn cause<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    match error {
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(_) => "could not be reached".to_owned(),
        SdkError::ServiceError(service) => service.err().code().unwrap_or("refused without a code").to_owned(),
        SdkError::ConstructionFailure(_) => "the request could not be built".to_owned(),
        SdkError::ResponseError(_) | _ => "the answer could not be read".to_owned(),
    }
}

/// A client for S3: `S3_ENDPOINT` (this machine only) and the account. One attempt at a request may take `attempt`, all of
/// them `operation`; without a limit where an answer is read for as long as it flows.
pub fn s3_from_env(env: &mut Env, limits: Option<(Duration, Duration)>) -> Option<aws_sdk_s3::Client> {
    let endpoint = env.optional_url("S3_ENDPOINT");
    let Account { region, credentials } = Account::from_env(env)?;
    let mut timeouts = TimeoutConfig::builder().connect_timeout(Duration::from_secs(2));
    if let Some((attempt, operation)) = limits {
        timeouts = timeouts.operation_attempt_timeout(attempt).operation_timeout(operation);
    }
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region)
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts.build());
    let config = match endpoint {
        // And the bucket in the path, for want of names.
        Some(url) if url.scheme() == "http" => config.endpoint_url(url.as_str()).force_path_style(true).http_client(plain_http()),
        Some(url) => config.endpoint_url(url.as_str()),
        None => config,
    };
    Some(aws_sdk_s3::Client::from_conf(config.build()))
}
