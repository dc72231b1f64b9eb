//! How the AWS SDK is set up: from what Lambda puts into the environment. The SDK's whole chain of providers is not needed
//! there, and costs time at every cold start.

use std::sync::OnceLock;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use url::Url;

use crate::platform::env::Env;
use crate::platform::outbound;
use crate::platform::trust::Trust;

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

/// How many times as long as the service an emulator on this machine may take, which shares its processors with everything that asks it.
const ON_THIS_MACHINE: u32 = 8;

/// How many times as long as the service that may take which stands at an endpoint of ours, if there is one.
pub(crate) fn slowness(endpoint: Option<&Url>) -> u32 {
    endpoint.map_or(1, |_| ON_THIS_MACHINE)
}

/// Carries the SDK's requests by the HTTP client that the outside systems are called with. The SDK's own would be a second one in every
/// program, with certificates of its own to load at every start. The SDK asks for a connector for each attempt: it is always the
/// same one, which keeps its connections.
pub(crate) fn http_client() -> SharedHttpClient {
    let made = OnceLock::new();
    http_client_fn(move |settings, _| {
        let connector = || SharedHttpConnector::new(Connector(aws_client(settings.connect_timeout())));
        made.get_or_init(connector).clone()
    })
}

#[derive(Debug)]
struct Connector(Result<reqwest::Client, String>);

fn aws_client(connect_timeout: Option<Duration>) -> Result<reqwest::Client, String> {
    let mut builder = outbound::builder(&Trust::compiled_in());
    if let Some(limit) = connect_timeout {
        builder = builder.connect_timeout(limit);
    }
    builder.build().map_err(|error| error.to_string())
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let client = client.map_err(|cause| ConnectorError::other(cause.into(), None))?;
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = reqwest::Request::try_from(request.map(reqwest::Body::wrap));
            let answer = client.execute(request.map_err(|error| ConnectorError::user(error.into()))?).await.map_err(failed)?;
            let answer = http::Response::from(answer).map(SdkBody::from_body_1_x);
            HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What the SDK makes of it: a call that timed out, or whose connection failed, may be tried again.
fn failed(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
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
    let slowness = slowness(endpoint.as_ref());
    let mut timeouts = TimeoutConfig::builder().connect_timeout(Duration::from_secs(2) * slowness);
    if let Some((attempt, operation)) = limits {
        timeouts = timeouts.operation_attempt_timeout(attempt * slowness).operation_timeout(operation * slowness);
    }
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region)
        .credentials_provider(credentials)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts.build())
        .http_client(http_client());
    let config = match endpoint {
        // And the bucket in the path, for want of names.
        Some(url) if url.scheme() == "http" => config.endpoint_url(url.as_str()).force_path_style(true),
        Some(url) => config.endpoint_url(url.as_str()),
        None => config,
    };
    Some(aws_sdk_s3::Client::from_conf(config.build()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// An S3 that has nothing, and how often it was connected to.
    async fn nothing() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let mut request = [0; 8192];
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                        stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                    }
                });
            }
        });
        (url, connections)
    }

    #[tokio::test]
    async fn calls_one_after_the_other_share_a_connection() {
        let (url, connections) = nothing().await;
        let settings = [
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("S3_ENDPOINT", &url),
        ];
        let mut env = Env::from_map(BTreeMap::from(settings.map(|(name, value)| (name.to_owned(), value.to_owned()))));
        let client = s3_from_env(&mut env, None).unwrap();
        for _ in 0..5 {
            client.head_object().bucket("photos").key("none").send().await.unwrap_err();
        }
        assert_eq!(connections.load(Ordering::Relaxed), 1);
    }
}
