//! Calls to outside systems over HTTP: one client for all, no redirects, bounded answers, every failure one of two kinds.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{RequestBuilder, StatusCode, redirect};

use crate::clock::Deadline;

/// 4 MiB: the largest answer that is read from an outside system.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Why a call has no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The request never reached the other side: nothing was done there.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It may have been received: what it asked for may have been done.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// The other side's answer, whatever it says.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The content type, if it says one.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
}

/// The HTTP client that all outside systems share: connections are kept for the life of the process.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        // A 3xx from a provider's API is a fault, and following it would send the body elsewhere.
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(2))
        // Shorter than what load balancers keep, so that a reused connection is not one that is being closed.
        .pool_idle_timeout(Duration::from_secs(20))
        .user_agent(concat!("imshop-webhooks/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Sends a request and reads the whole answer, within `limit` and the deadline.
pub async fn send(request: RequestBuilder, limit: Duration, deadline: Deadline) -> Result<Answer, CallError> {
    let Some(allowed) = deadline.allows(limit) else {
        return Err(CallError::NotSent("no time left for it".to_owned()));
    };
    // `without_url`: addresses may carry signatures and, for some systems, are secrets themselves.
    let failed = |error: reqwest::Error| {
        if error.is_connect() || error.is_builder() {
            CallError::NotSent(describe(&error.without_url()))
        } else {
            CallError::NoAnswer(describe(&error.without_url()))
        }
    };
    let mut response = request.timeout(allowed).send().await.map_err(failed)?;
    let status = response.status();
    let content_type =
        response.headers().get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(CallError::NoAnswer("the answer is too large".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, content_type, body: body.into() })
}

/// An error with its causes, on one line.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// An address below a base address, whatever slashes the base ends with.
#[must_use]
pub fn below(base: &url::Url, path: &str) -> url::Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{}", base.path().trim_end_matches('/'), path.trim_start_matches('/')));
    url
}
