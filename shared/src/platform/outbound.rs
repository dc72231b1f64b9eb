//! Calls to outside systems over HTTP: one client for all, no redirects, bounded answers, every failure one of two kinds. Every
//! call is measured once, however it ends.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{RequestBuilder, StatusCode, redirect};
use url::Url;

use crate::platform::clock::{self, Deadline};
use crate::platform::decoding::{self, Headers, Undecodable};
use crate::platform::metrics::{METHOD, Metrics, PROVIDER, PROVIDER_FAULTS, PROVIDER_LATENCY, PROVIDER_REFUSALS};
use crate::platform::trust::Trust;

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
    /// The content type, if it says one; of what `body` is.
    pub content_type: Option<String>,
    /// The body: its text as UTF-8, without a byte order mark; as it came if it is no text.
    pub body: Bytes,
    /// Why it is no text, if so.
    pub unreadable: Option<Undecodable>,
    /// The call, whose reader has to say how it came out.
    pub call: Call,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> Result<&str, Undecodable> {
        match &self.unreadable {
            Some(problem) => Err(problem.clone()),
            None => std::str::from_utf8(&self.body).map_err(|error| Undecodable::NotUtf8(error.valid_up_to())),
        }
    }
}

/// An outside system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Secrets Manager; the SDK's own calls are not made here.
    Aws,
    /// IMSHOP's addresses for what became of a payment.
    Imshop,
    Mokka,
    /// The shop's own.
    Shop,
    Smspro,
    Yookassa,
}

impl System {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::Aws, Self::Imshop, Self::Mokka, Self::Shop, Self::Smspro, Self::Yookassa];

    /// Its name among what is measured.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Imshop => "imshop",
            Self::Mokka => "mokka",
            Self::Shop => "shop",
            Self::Smspro => "smspro",
            Self::Yookassa => "yookassa",
        }
    }
}

/// Whom a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The outside system.
    pub system: System,
    /// What it is asked to do.
    pub method: &'static str,
}

/// A call that is made. Measured when this goes, as a fault unless it was said otherwise: what breaks off is one, too.
#[derive(Debug)]
pub struct Call {
    http: Http,
    target: Target,
    began: Instant,
    took: Option<Duration>,
    outcome: CallOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallOutcome {
    Done,
    Refused,
    Fault,
}

impl Call {
    fn begin(http: Http, target: Target) -> Self {
        Self { http, target, began: Instant::now(), took: None, outcome: CallOutcome::Fault }
    }

    /// The answer is what was asked for.
    pub fn done(&mut self) {
        self.outcome = CallOutcome::Done;
    }

    /// The other side has read what was asked for and refuses it, which is no fault of the two.
    pub fn refused(&mut self) {
        self.outcome = CallOutcome::Refused;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let took = self.took.unwrap_or_else(|| self.began.elapsed());
        let faults = i64::from(self.outcome == CallOutcome::Fault);
        let refusals = i64::from(self.outcome == CallOutcome::Refused);
        if self.outcome != CallOutcome::Fault {
            self.http.counts_of(self.target.system).understood.fetch_add(1, Ordering::Relaxed);
        }
        self.http.metrics.emit(
            &[(PROVIDER_LATENCY, clock::millis(took)), (PROVIDER_FAULTS, faults), (PROVIDER_REFUSALS, refusals)],
            &[(PROVIDER, self.target.system.name()), (METHOD, self.target.method)],
        );
    }
}

/// The HTTP client that all outside systems share, and what measures its calls.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    metrics: Metrics,
    counts: Arc<[Counts; System::ALL.len()]>,
}

/// How a system has answered so far.
#[derive(Debug, Default)]
struct Counts {
    throttled: AtomicU32,
    understood: AtomicU32,
}

impl Http {
    /// A client of its own, which believes the compiled-in certificates.
    pub fn new(metrics: Metrics) -> Result<Self, reqwest::Error> {
        Self::trusting(&Trust::compiled_in(), metrics)
    }

    /// A client of its own.
    pub fn trusting(trust: &Trust, metrics: Metrics) -> Result<Self, reqwest::Error> {
        Ok(Self { client: builder(trust).build()?, metrics, counts: Arc::default() })
    }

    /// The client itself.
    #[must_use]
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// How often a system has asked for fewer calls so far (HTTP 429).
    #[must_use]
    pub fn times_throttled(&self, system: System) -> u32 {
        self.counts_of(system).throttled.load(Ordering::Relaxed)
    }

    /// How often a system has given an answer that could be used, or refused properly.
    #[must_use]
    pub fn times_understood(&self, system: System) -> u32 {
        self.counts_of(system).understood.load(Ordering::Relaxed)
    }

    fn counts_of(&self, system: System) -> &Counts {
        let [aws, imshop, mokka, shop, smspro, yookassa] = self.counts.as_ref();
        match system {
            System::Aws => aws,
            System::Imshop => imshop,
            System::Mokka => mokka,
            System::Shop => shop,
            System::Smspro => smspro,
            System::Yookassa => yookassa,
        }
    }

    /// A GET, to be sent by [`send`](Self::send).
    pub fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }

    /// A POST, to be sent by [`send`](Self::send).
    pub fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// Sends a request and reads the whole answer, within `limit` and the deadline.
    pub async fn send(
        &self,
        target: Target,
        request: RequestBuilder,
        limit: Duration,
        deadline: Deadline,
    ) -> Result<Answer, CallError> {
        let Some(allowed) = deadline.allows(limit) else {
            return Err(CallError::NotSent("no time left for it".to_owned()));
        };
        let mut call = Call::begin(self.clone(), target);
        let mut response = request.timeout(allowed).send().await.map_err(failed)?;
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS {
            self.counts_of(target.system).throttled.fetch_add(1, Ordering::Relaxed);
        }
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (content_type, content_encoding) = (header(CONTENT_TYPE), header(CONTENT_ENCODING));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(CallError::NoAnswer("the answer is too large".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        call.took = Some(call.began.elapsed());
        let body = Bytes::from(body);
        let headers = Headers { content_type: content_type.as_deref(), content_encoding: content_encoding.as_deref() };
        let text = decoding::text(&body, headers, MAX_ANSWER).map(|text| match text {
            Cow::Borrowed(text) => body.slice(body.len() - text.len()..),
            Cow::Owned(text) => text.into(),
        });
        Ok(match text {
            Ok(body) => {
                let content_type = content_type.map(|kind| in_utf8(&kind));
                Answer { status, content_type, body, unreadable: None, call }
            }
            Err(problem) => {
                let (system, method) = (target.system.name(), target.method);
                tracing::warn!(cause = %problem, system, method, http.status = status.as_u16(), "an answer is no text");
                Answer { status, content_type, body, unreadable: Some(problem), call }
            }
        })
    }
}

/// A content type that names the charset that the text is in now; as it came if it names none, or that one.
fn in_utf8(content_type: &str) -> String {
    match decoding::charset(content_type) {
        Some(name) if decoding::find(&name) != Some(encoding_rs::UTF_8) => {
            let kind = content_type.split(';').next().unwrap_or_default().trim();
            format!("{kind}; charset=utf-8")
        }
        Some(_) | None => content_type.to_owned(),
    }
}

/// The client without anything that measures: connections are kept for the life of the process.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    builder(&Trust::compiled_in()).build()
}

pub(crate) fn builder(trust: &Trust) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(trust.tls())
        // A 3xx from a provider's API is a fault, and following it would send the body elsewhere.
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(2))
        // Shorter than what load balancers keep, so that a reused connection is not one that is being closed.
        .pool_idle_timeout(Duration::from_secs(20))
        .user_agent(concat!("imshop-webhooks/", env!("CARGO_PKG_VERSION")))
}

/// `without_url`: addresses may carry signatures and, for some systems, are secrets themselves.
fn failed(error: reqwest::Error) -> CallError {
    if error.is_connect() || error.is_builder() {
        CallError::NotSent(describe(&error.without_url()))
    } else {
        CallError::NoAnswer(describe(&error.without_url()))
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde_json::Value;
    use tokio::net::TcpListener;

    use super::*;
    use crate::platform::clock::Clock;
    use crate::platform::env::Env;
    use crate::platform::metrics::Sink;

    const TARGET: Target = Target { system: System::Shop, method: "orders" };

    /// A server that takes connections and never answers, and what was measured of asking them.
    async fn silent() -> (TcpListener, Http, RequestBuilder, Sink) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Sink::Memory(Arc::default());
        let metrics = Metrics::from_env(&Env::from_map(BTreeMap::new()), Clock::system(), sink.clone());
        let http = Http::new(metrics).unwrap();
        let request = http.post(format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap());
        (listener, http, request, sink)
    }

    fn faults(sink: &Sink) -> Vec<Value> {
        sink.lines().iter().map(|line| line["ProviderFaults"].clone()).collect()
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_is_measured_once_as_a_fault() {
        let (_listener, http, request, sink) = silent().await;
        let call = http.send(TARGET, request, Duration::from_secs(9), Deadline::within(Duration::from_secs(9)));
        assert!(tokio::time::timeout(Duration::from_millis(150), call).await.is_err());
        assert_eq!(faults(&sink), [1]);
        assert!(sink.lines()[0]["ProviderLatency"].as_i64().unwrap() >= 140, "{:?}", sink.lines());
    }

    #[tokio::test]
    async fn a_call_for_which_there_is_no_time_is_none() {
        let (_listener, http, request, sink) = silent().await;
        http.send(TARGET, request, Duration::from_secs(9), Deadline::within(Duration::ZERO)).await.unwrap_err();
        assert_eq!(faults(&sink), [0; 0]);
    }
}
