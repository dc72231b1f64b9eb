//! The calls to YooKassa.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{Cause, Code, Error, Refusal};
use super::operation::Operation;
use super::types::{List, Me, Payment, Receipt, Refund};
use crate::platform::clock::{Deadline, Timestamp};
use crate::platform::outbound::{self, CallError, Http, System, Target};
use crate::platform::secret::{Keys, Secret};
use crate::platform::wire::{self, Lenient};

/// A call that changes something gets this long: IMSHOP waits for about ten seconds, while YooKassa may take thirty.
const CHANGE_LIMIT: Duration = Duration::from_secs(8);
/// A question gets this long, twice.
const ASK_LIMIT: Duration = Duration::from_millis(2500);
/// As much of YooKassa's words as a log needs, in characters.
const MAX_DESCRIPTION: usize = 200;
/// The longest wait that is believed.
const MAX_RETRY_AFTER: u64 = 60 * 60 * 1000;
/// As many as YooKassa puts on one page.
const PAGE: &str = "100";

/// How to reach a shop at YooKassa.
#[derive(Debug)]
pub struct Settings {
    /// `https://api.yookassa.ru/v3`; test shops are served there, too.
    pub base_url: Url,
    /// The shop's number.
    pub shop_id: String,
    /// The shop's secret key, and while it changes the other one.
    pub secret: Keys,
}

/// A client of YooKassa's API for one shop.
#[derive(Debug)]
pub struct Client {
    http: Http,
    settings: Settings,
    /// Whether YooKassa was last found to take the other secret.
    takes_next: AtomicBool,
}

/// A call as it is sent, maybe more than once.
#[derive(Clone, Copy)]
struct Call<'a> {
    method: &'static str,
    path: &'a [&'a str],
    query: &'a [(&'a str, String)],
    /// What it changes; it only asks without that.
    operation: Option<&'a Operation>,
}

impl<'a> Call<'a> {
    fn asks(method: &'static str, path: &'a [&'a str], query: &'a [(&'a str, String)]) -> Self {
        Self { method, path, query, operation: None }
    }

    fn changes(method: &'static str, path: &'a [&'a str], operation: &'a Operation) -> Self {
        Self { method, path, query: &[], operation: Some(operation) }
    }
}

impl Client {
    /// A client over the shared HTTP client.
    #[must_use]
    pub fn new(http: Http, settings: Settings) -> Self {
        Self { http, settings, takes_next: AtomicBool::default() }
    }

    /// The shop's number.
    #[must_use]
    pub fn shop_id(&self) -> &str {
        &self.settings.shop_id
    }

    /// Opens a payment; the operation's body is a [`PaymentRequest`](super::types::PaymentRequest).
    pub async fn create_payment(&self, operation: &Operation, deadline: Deadline) -> Result<Payment, Error> {
        self.make(Call::changes("create", &["payments"], operation), deadline).await
    }

    /// Asks how a payment stands.
    pub async fn payment(&self, id: &str, deadline: Deadline) -> Result<Payment, Error> {
        self.make(Call::asks("get", &["payments", id], &[]), deadline).await
    }

    /// A page of the payments created from `from` on and before `before`, the newest first.
    pub async fn payments(
        &self,
        from: Timestamp,
        before: Timestamp,
        cursor: Option<&str>,
        deadline: Deadline,
    ) -> Result<List<Payment>, Error> {
        let created = [("created_at.gte", from.rfc3339()), ("created_at.lt", before.rfc3339())];
        self.make(Call::asks("get", &["payments"], &paged(&created, cursor)), deadline).await
    }

    /// Captures a hold, or a part of it; the operation's body is a [`CaptureRequest`](super::types::CaptureRequest).
    pub async fn capture(&self, id: &str, operation: &Operation, deadline: Deadline) -> Result<Payment, Error> {
        self.make(Call::changes("capture", &["payments", id, "capture"], operation), deadline).await
    }

    /// Lets a hold go; the operation's body is an empty object.
    pub async fn cancel(&self, id: &str, operation: &Operation, deadline: Deadline) -> Result<Payment, Error> {
        self.make(Call::changes("cancel", &["payments", id, "cancel"], operation), deadline).await
    }

    /// Gives back what was captured, or a part of it; the operation's body is a [`RefundRequest`](super::types::RefundRequest).
    pub async fn create_refund(&self, operation: &Operation, deadline: Deadline) -> Result<Refund, Error> {
        self.make(Call::changes("refund", &["refunds"], operation), deadline).await
    }

    /// Asks how a refund stands.
    pub async fn refund(&self, id: &str, deadline: Deadline) -> Result<Refund, Error> {
        self.make(Call::asks("get_refund", &["refunds", id], &[]), deadline).await
    }

    /// A page of a payment's refunds, the newest first.
    pub async fn refunds(&self, payment_id: &str, cursor: Option<&str>, deadline: Deadline) -> Result<List<Refund>, Error> {
        let of = [("payment_id", payment_id.to_owned())];
        self.make(Call::asks("get_refund", &["refunds"], &paged(&of, cursor)), deadline).await
    }

    /// Makes a receipt apart from a payment; the operation's body is a [`SecondReceiptRequest`](super::types::SecondReceiptRequest).
    pub async fn create_receipt(&self, operation: &Operation, deadline: Deadline) -> Result<Receipt, Error> {
        self.make(Call::changes("receipt", &["receipts"], operation), deadline).await
    }

    /// Asks how such a receipt stands.
    pub async fn receipt(&self, id: &str, deadline: Deadline) -> Result<Receipt, Error> {
        self.make(Call::asks("get_receipt", &["receipts", id], &[]), deadline).await
    }

    /// A page of a payment's receipts, the newest first.
    pub async fn receipts(&self, payment_id: &str, cursor: Option<&str>, deadline: Deadline) -> Result<List<Receipt>, Error> {
        let of = [("payment_id", payment_id.to_owned())];
        self.make(Call::asks("get_receipt", &["receipts"], &paged(&of, cursor)), deadline).await
    }

    /// Asks whose credentials these are.
    pub async fn me(&self, deadline: Deadline) -> Result<Me, Error> {
        self.make(Call::asks("me", &["me"], &[]), deadline).await
    }

    /// Makes a call; one that only asks is made a second time if no answer comes.
    async fn make<T: DeserializeOwned>(&self, call: Call<'_>, deadline: Deadline) -> Result<T, Error> {
        let answer = match self.authorised(call, deadline).await {
            Err(Error::NotSent(cause) | Error::Unknown { cause, .. }) if call.operation.is_none() => {
                tracing::warn!(method = call.method, cause, "YooKassa's answer did not come, asking once more");
                self.authorised(call, deadline).await
            }
            other => other,
        };
        if let Err(Error::Refused(Refusal { id, code, parameter, description })) = &answer {
            let (method, id, parameter) = (call.method, id.as_deref(), parameter.as_deref());
            tracing::info!(method, id, %code, parameter, description, "YooKassa refused the call");
        }
        answer
    }

    /// Sends with the secret key that worked last, or if that is refused with the other one, while there is one.
    async fn authorised<T: DeserializeOwned>(&self, call: Call<'_>, deadline: Deadline) -> Result<T, Error> {
        let current = self.settings.secret.current();
        let Some(next) = self.settings.secret.next() else { return self.send(call, current, false, deadline).await };
        let takes_next = self.takes_next.load(Ordering::Relaxed);
        let (secret, other) = if takes_next { (next, current) } else { (current, next) };
        let first = self.send(call, secret, true, deadline).await;
        let Err(Error::Refused(Refusal { code: Code::InvalidCredentials, .. })) = &first else { return first };
        // Nothing was done: the credentials are looked at first.
        let second = self.send(call, other, false, deadline).await;
        if second.is_ok() {
            tracing::info!("YooKassa takes the other secret key now");
            // Not turned round: others may find the same at the same time.
            self.takes_next.store(!takes_next, Ordering::Relaxed);
        }
        second
    }

    /// Sends once. In a trial wrong credentials are no fault: the other ones follow.
    async fn send<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
        secret: &Secret,
        trial: bool,
        deadline: Deadline,
    ) -> Result<T, Error> {
        let limit = if call.operation.is_some() { CHANGE_LIMIT } else { ASK_LIMIT };
        let request = self.request(call).basic_auth(&self.settings.shop_id, Some(secret.expose()));
        let target = Target { system: System::Yookassa, method: call.method };
        let answer = self.http.send(target, request, limit, deadline).await;
        let mut answer = answer.map_err(|error| match error {
            CallError::NotSent(cause) => Error::NotSent(cause),
            CallError::NoAnswer(cause) => Error::unknown(cause),
        })?;
        let content = read(&answer);
        match &content {
            Ok(_) => answer.call.done(),
            Err(Error::Refused(refusal)) => match refusal.cause() {
                Cause::State | Cause::Amount => answer.call.refused(),
                Cause::Configuration if trial && refusal.code == Code::InvalidCredentials => answer.call.refused(),
                Cause::Configuration | Cause::KeyReused | Cause::Request => {}
            },
            Err(_) => {}
        }
        content
    }

    fn request(&self, call: Call<'_>) -> RequestBuilder {
        let mut url = self.settings.base_url.clone();
        // Fails only for addresses without a path, which the settings refuse.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        match call.operation {
            None => self.http.get(url),
            Some(Operation { key, body }) => self
                .http
                .post(url)
                .header("Idempotence-Key", key)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.clone()),
        }
    }
}

fn paged<'a>(filter: &[(&'a str, String)], cursor: Option<&str>) -> Vec<(&'a str, String)> {
    let page = [("limit", Some(PAGE.to_owned())), ("cursor", cursor.map(str::to_owned))];
    let page = page.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
    filter.iter().cloned().chain(page).collect()
}

/// An answer that is no success.
#[derive(Deserialize)]
struct Failure {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Lenient<String>,
    #[serde(default)]
    code: Lenient<String>,
    #[serde(default)]
    description: Lenient<String>,
    #[serde(default)]
    parameter: Lenient<String>,
    /// Milliseconds.
    #[serde(default)]
    retry_after: Lenient<u64>,
}

fn read<T: DeserializeOwned>(answer: &outbound::Answer) -> Result<T, Error> {
    let status = answer.status;
    if status == StatusCode::OK {
        return wire::object(&answer.body).map_err(Error::unknown);
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Error::Throttled);
    }
    let cause = || format!("HTTP {status}");
    let failure: Failure = wire::object(&answer.body).map_err(|_| Error::unknown(cause()))?;
    let Failure { kind, id, code, description, parameter, retry_after } = failure;
    // What stands before YooKassa may say 4xx as well, and then nothing is known of the call.
    if kind != "error" || !status.is_client_error() {
        let retry_after = retry_after.0.map(|millis| Duration::from_millis(millis.min(MAX_RETRY_AFTER)));
        return Err(Error::Unknown { cause: cause(), retry_after });
    }
    let description = description.0.unwrap_or_default().chars().take(MAX_DESCRIPTION).collect();
    // An answer without a code says by its status alone what it is.
    let code = code.0.map_or_else(|| by_status(status), Code::from);
    Err(Error::Refused(Refusal { id: id.0, code, description, parameter: parameter.0 }))
}

fn by_status(status: StatusCode) -> Code {
    match status {
        StatusCode::BAD_REQUEST => Code::InvalidRequest,
        StatusCode::UNAUTHORIZED => Code::InvalidCredentials,
        StatusCode::FORBIDDEN => Code::Forbidden,
        StatusCode::NOT_FOUND => Code::NotFound,
        other => Code::Other(other.as_str().to_owned()),
    }
}
