//! Sends callbacks.

use serde::Serialize;
use url::Url;

use super::key::Key;
use crate::clients::Clients;
use crate::error::ControlError;

/// What sends them.
#[derive(Default)]
pub(super) struct Caller(Clients);

impl Caller {
    /// Posts `content` to `url`, signed if there is a key to sign it with; the HTTP status of the answer, or 0 if none came.
    pub(super) async fn post(&self, url: &str, content: &impl Serialize, key: Option<Key<'_>>) -> Result<u16, ControlError> {
        let body = serde_json::to_vec(content).map_err(|error| impossible(&error))?;
        let mut url = Url::parse(url).map_err(|error| impossible(&error))?;
        if let Some(key) = key {
            url.query_pairs_mut().append_pair("signature", &key.signature(&body));
        }
        let client = self.0.get(url.scheme()).map_err(|error| impossible(&error))?;
        let sent = client.post(url).header("content-type", "application/json").body(body).send().await;
        Ok(sent.map_or(0, |answer| answer.status().as_u16()))
    }
}

fn impossible(error: &dyn std::fmt::Display) -> ControlError {
    ControlError::Request(format!("the callback: {error}"))
}
