//! The calls to Mokka. A body is serialised once; those bytes are signed and those bytes are sent.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::multipart::{Form, Part};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{Code, Error};
use super::signature::{Order, OrderSetting, Signer};
use super::types::{Checkout, CheckoutRequest, FinishRequest, OrderRef, Status, Verdict};
use crate::clock::Deadline;
use crate::outbound;
use crate::secret::Secret;

/// A call that changes something gets this long: Mokka's answer is worth more than a quick "unknown".
const CHANGE_LIMIT: Duration = Duration::from_secs(5);
/// A question gets this long, twice.
const ASK_LIMIT: Duration = Duration::from_millis(2500);

/// How to reach Mokka.
#[derive(Debug)]
pub struct Settings {
    /// `https://r.revo.ru` or another host of theirs.
    pub base_url: Url,
    /// The store's number.
    pub store_id: u64,
    /// The store's secret key.
    pub secret: Secret,
    /// Where the secret goes in a signature.
    pub signature_order: OrderSetting,
}

/// A client of Mokka's API Factoring.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base_url: Url,
    store_id: u64,
    signer: Signer,
}

impl Client {
    /// A client over the shared HTTP client.
    #[must_use]
    pub fn new(http: reqwest::Client, settings: Settings) -> Self {
        let signer = Signer::new(settings.secret, settings.signature_order);
        Self { http, base_url: settings.base_url, store_id: settings.store_id, signer }
    }

    /// Verifies the signature of a callback over its raw body.
    #[must_use]
    pub fn verify(&self, body: &[u8], signature: &str) -> bool {
        self.signer.verify(body, signature)
    }

    /// Checkout: registers the order and returns the customer's page. May be repeated with the same `order_id` until the
    /// order is finalised (22 after that). Document "Checkout".
    pub async fn checkout(&self, request: &CheckoutRequest, deadline: Deadline) -> Result<Checkout, Error> {
        self.call("factoring/v1/precheck/auth", &json(request)?, None, CHANGE_LIMIT, deadline).await
    }

    /// Status: what became of an order. Asked a second time if the first answer does not come. Document "Status".
    pub async fn status(&self, order_id: &str, deadline: Deadline) -> Result<Status, Error> {
        let body = json(&OrderRef { order_id })?;
        match self.call("factoring/v1/status", &body, None, ASK_LIMIT, deadline).await {
            Err(Error::Unavailable(first)) => {
                tracing::warn!(cause = first, "Mokka's status did not come, asking once more");
                self.call("factoring/v1/status", &body, None, ASK_LIMIT, deadline).await
            }
            other => other,
        }
    }

    /// Finish: captures the hold, handing over the sales document (PDF). Document "Finish".
    pub async fn finish(&self, request: &FinishRequest, document: &[u8], deadline: Deadline) -> Result<(), Error> {
        let done: Result<Done, Error> =
            self.call("factoring/v1/precheck/finish", &json(request)?, Some(document), CHANGE_LIMIT, deadline).await;
        done.map(|_| ())
    }

    /// Cancel: lets a hold go. Document "Cancel".
    pub async fn cancel(&self, order_id: &str, deadline: Deadline) -> Result<(), Error> {
        let done: Result<Done, Error> =
            self.call("factoring/v1/precheck/cancel", &json(&OrderRef { order_id })?, None, CHANGE_LIMIT, deadline).await;
        done.map(|_| ())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &str,
        document: Option<&[u8]>,
        limit: Duration,
        deadline: Deadline,
    ) -> Result<T, Error> {
        let order = self.signer.order();
        let first = self.send(path, body, document, order, limit, deadline).await;
        let (Err(Error::Refused { code: Code::SignatureWrong, .. }), Some(other)) = (&first, self.signer.alternative(order))
        else {
            return first;
        };
        // 61 is a refusal before anything is done, so asking again in the other order is safe.
        let second = self.send(path, body, document, other, limit, deadline).await;
        match &second {
            Err(Error::Refused { code: Code::SignatureWrong, .. } | Error::Unavailable(_)) => {}
            Ok(_) | Err(Error::Refused { .. }) => {
                tracing::warn!("Mokka takes the other signature order; set MOKKA_SIGNATURE_ORDER to it");
                self.signer.remember(other);
            }
        }
        second
    }

    async fn send<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &str,
        document: Option<&[u8]>,
        order: Order,
        limit: Duration,
        deadline: Deadline,
    ) -> Result<T, Error> {
        let mut url = outbound::below(&self.base_url, path);
        url.query_pairs_mut()
            .append_pair("store_id", &self.store_id.to_string())
            .append_pair("signature", &self.signer.sign(body.as_bytes(), order));
        let request = self.http.post(url);
        let request = match document {
            None => {
                request.header(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")).body(body.to_owned())
            }
            Some(pdf) => {
                let check = Part::bytes(pdf.to_vec()).file_name("check.pdf");
                let check = check.mime_str("application/pdf").map_err(|error| Error::Unavailable(error.to_string()))?;
                request.multipart(Form::new().text("body", body.to_owned()).part("check", check))
            }
        };
        let answer = outbound::send(request, limit, deadline).await.map_err(|error| Error::Unavailable(error.to_string()))?;
        if !answer.status.is_success() {
            return Err(Error::Unavailable(format!("HTTP {}", answer.status)));
        }
        let verdict: Verdict = parse(&answer.body)?;
        match verdict.status {
            0 => parse(&answer.body),
            number => Err(Error::Refused { code: Code::from_number(number), message: verdict.message.0.unwrap_or_default() }),
        }
    }
}

/// What Finish and Cancel answer beyond the verdict: nothing.
#[derive(serde::Deserialize)]
struct Done {}

fn json<T: Serialize>(request: &T) -> Result<String, Error> {
    serde_json::to_string(request).map_err(|error| Error::Unavailable(format!("the request cannot be written: {error}")))
}

/// The cause names the place in the answer, never its content.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        Error::Unavailable(format!("not the JSON that was expected (line {}, column {})", error.line(), error.column()))
    })
}
