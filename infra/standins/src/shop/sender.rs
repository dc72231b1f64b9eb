//! What is sent from here: samples of events to where events go, and copies of events to a developer's own shop.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::{self, HeaderMap};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use url::Url;

use super::events::Copy;
use super::samples::{self, Sample};
use crate::clients::Clients;
use crate::error::ControlError;
use crate::locked::locked;

/// Headers that belong to one connection, not to the message.
const OF_THE_CONNECTION: [header::HeaderName; 4] =
    [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING];

/// Where events go, and what they are signed with.
#[derive(Clone)]
pub(crate) struct Destination {
    pub(crate) url: String,
    pub(crate) secrets: Vec<String>,
}

#[derive(Default)]
pub(super) struct Sender {
    clients: Clients,
    /// Where events go if it is not here.
    elsewhere: Mutex<Option<Destination>>,
    copies: Mutex<Option<UnboundedSender<Copy>>>,
    /// How many samples there were.
    samples: AtomicU64,
}

impl Sender {
    pub(super) fn send_to(&self, destination: Destination) {
        *locked(&self.elsewhere) = Some(destination);
    }

    /// Copies go to who holds the other end from now on.
    pub(super) fn copy(&self) -> UnboundedReceiver<Copy> {
        let (sender, receiver) = unbounded_channel();
        *locked(&self.copies) = Some(sender);
        receiver
    }

    pub(super) fn hand_on(&self, copy: Copy) {
        if let Some(copies) = locked(&self.copies).as_ref() {
            // The other end goes with the runtime, and then nobody waits for copies.
            drop(copies.send(copy));
        }
    }

    /// Posts a copy as it came; the HTTP status of the answer, or 0 if none came.
    pub(super) async fn post_copy(&self, url: &str, copy: Copy) -> u16 {
        let mut headers = copy.headers;
        for name in OF_THE_CONNECTION {
            headers.remove(name);
        }
        self.post(url, headers, copy.body).await.unwrap_or_default()
    }

    /// Sends a sample of the named event, or of each, and says how it was answered.
    pub(super) async fn trigger(
        &self,
        here: Destination,
        now: OffsetDateTime,
        named: Option<&str>,
    ) -> Result<Value, ControlError> {
        let destination = locked(&self.elsewhere).clone().unwrap_or(here);
        let mut sent = Vec::new();
        for kind in samples::kinds(named)? {
            let number = self.samples.fetch_add(1, Ordering::SeqCst) + 1;
            let sample = samples::sample(kind, &destination.secrets, now, OffsetDateTime::now_utc(), number)?;
            let (kind, id) = (sample.kind, sample.id.clone());
            let status = self.post_sample(&destination.url, sample).await?;
            sent.push(json!({ "type": kind, "webhook_id": id, "status": status }));
        }
        Ok(Value::Array(sent))
    }

    async fn post_sample(&self, url: &str, sample: Sample) -> Result<u16, ControlError> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json; charset=utf-8"),
            ("webhook-id", &sample.id),
            ("webhook-timestamp", &sample.timestamp),
            ("webhook-signature", &sample.signature),
        ] {
            headers.insert(name, value.parse().map_err(|_| ControlError::Request(format!("the sample's {name}")))?);
        }
        self.post(url, headers, sample.body.into()).await
    }

    async fn post(&self, url: &str, headers: HeaderMap, body: bytes::Bytes) -> Result<u16, ControlError> {
        let impossible = |error: &dyn std::fmt::Display| ControlError::Request(format!("{url}: {error}"));
        let url = Url::parse(url).map_err(|error| impossible(&error))?;
        let client = self.clients.get(url.scheme()).map_err(|error| impossible(&error))?;
        let sent = client.post(url.clone()).headers(headers).body(body).send().await;
        Ok(sent.map_or(0, |answer| answer.status().as_u16()))
    }
}
