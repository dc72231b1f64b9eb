//! The shop's order backend, which knows us by a key.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use url::Url;

use crate::platform::clock::Deadline;
use crate::platform::outbound::{Answer, CallError, Http, System, Target};
use crate::platform::secret::Secret;

/// How long the shop may take.
const LIMIT: Duration = Duration::from_secs(7);

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A URL of the shop's, and the key that we present there as `Authorization: Bearer`.
#[derive(Debug)]
pub struct Shop {
    http: Http,
    url: Url,
    key: Secret,
}

impl Shop {
    /// A client for one of the shop's URLs.
    #[must_use]
    pub fn new(http: Http, url: Url, key: Secret) -> Self {
        Self { http, url, key }
    }

    /// Sends JSON and gives the shop's answer as it is.
    pub async fn post(&self, body: String, deadline: Deadline) -> Result<Answer, CallError> {
        let request = self
            .http
            .post(self.url.clone())
            .header(AUTHORIZATION, format!("Bearer {}", self.key.expose()))
            .header(CONTENT_TYPE, JSON);
        let target = Target { system: System::Shop, method: "orders" };
        self.http.send(target, request.body(body), LIMIT, deadline).await
    }
}
