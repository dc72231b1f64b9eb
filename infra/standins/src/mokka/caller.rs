//! Sends callbacks: one HTTP client for all of them, so that thousands do not each open a connection of their own.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use serde::Serialize;
use url::Url;

use super::key::Key;
use crate::error::ControlError;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long an unused connection is kept; shorter than servers usually do, so that none dies under a callback.
const IDLE: Duration = Duration::from_secs(2);

/// The clients for http and for https, made when first needed.
#[derive(Default)]
pub(super) struct Caller {
    plain: OnceLock<Client>,
    tls: OnceLock<Client>,
}

impl Caller {
    /// Posts `content` to `url`, signed if there is a key to sign it with; the HTTP status of the answer, or 0 if none came.
    pub(super) async fn post(&self, url: &str, content: &impl Serialize, key: Option<Key<'_>>) -> Result<u16, ControlError> {
        let body = serde_json::to_vec(content).map_err(|error| impossible(&error))?;
        let mut url = Url::parse(url).map_err(|error| impossible(&error))?;
        if let Some(key) = key {
            url.query_pairs_mut().append_pair("signature", &key.signature(&body));
        }
        let client = self.client(url.scheme())?;
        let sent = client.post(url).header("content-type", "application/json").body(body).send().await;
        Ok(sent.map_or(0, |answer| answer.status().as_u16()))
    }

    fn client(&self, scheme: &str) -> Result<Client, ControlError> {
        let slot = if scheme == "http" { &self.plain } else { &self.tls };
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        let mut client = Client::builder().timeout(PATIENCE).pool_idle_timeout(IDLE).no_proxy().redirect(Policy::none());
        if scheme == "http" {
            // Loopback needs no root certificates, and a machine without any must still be able to run this.
            client = client.tls_certs_only([]);
        }
        let client = client.build().map_err(|error| impossible(&error))?;
        Ok(slot.get_or_init(|| client).clone())
    }
}

fn impossible(error: &dyn std::fmt::Display) -> ControlError {
    ControlError::Request(format!("the callback: {error}"))
}
