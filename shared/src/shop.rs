//! The shop's own systems: its order backend and where its forms go. One client, one key.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use url::Url;

use crate::clock::Deadline;
use crate::outbound::{self, Answer, CallError};
use crate::secret::Secret;

/// How long the shop may take.
const LIMIT: Duration = Duration::from_secs(7);

/// The header under which a repeated form is known again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A URL of the shop's, and the key that we present there as `Authorization: Bearer`.
#[derive(Debug)]
pub struct Shop {
    http: reqwest::Client,
    url: Url,
    key: Secret,
}

impl Shop {
    /// A client for one of the shop's URLs.
    #[must_use]
    pub fn new(http: reqwest::Client, url: Url, key: Secret) -> Self {
        Self { http, url, key }
    }

    /// Sends JSON and gives the shop's answer as it is.
    pub async fn post(&self, body: String, idempotency_key: Option<&str>, deadline: Deadline) -> Result<Answer, CallError> {
        let mut request = self
            .http
            .post(self.url.clone())
            .header(AUTHORIZATION, format!("Bearer {}", self.key.expose()))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        if let Some(key) = idempotency_key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        outbound::send(request.body(body), LIMIT, deadline).await
    }
}
