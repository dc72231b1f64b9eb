//! What the shop tells IMSHOP of its own accord (reference "IMSHOP", "Asynchronous result, shop → IMSHOP"): the status of a
//! payment, and the status of an order. Either is off without its address. The address is the credential, so it is a secret.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::platform::clock::Deadline;
use crate::platform::env::Env;
use crate::platform::outbound::{Answer, Http, System, Target};

/// How long IMSHOP may take. Shorter than half a lease, since one lease may publish to both addresses.
const LIMIT: Duration = Duration::from_secs(4);

/// The shop's own codes of its order statuses, which IMSHOP's manager has to know.
#[derive(Clone, Debug)]
pub struct Codes {
    pub paid: String,
    /// Will not be paid.
    pub failed: String,
    /// Part of the money was given back.
    pub partially_refunded: String,
    /// All of the money was given back.
    pub refunded: String,
}

/// The message to the payment status address; its values: `outbox/to_imshop.rs`.
///
/// `success` is always true here: it says that the message is one, not that the payment is paid.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentStatus<'a> {
    /// The shop's id of the order.
    pub order_id: &'a str,
    /// Ours.
    pub payment_id: &'a str,
    /// Always true.
    pub success: bool,
    /// Whether it is paid.
    pub payment_captured: bool,
    /// The customer may start again with `create`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retry: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderStatus<'a> {
    /// The shop's id of the order.
    pub id: &'a str,
    /// One of [`Codes`].
    pub code: &'a str,
    /// For the customer.
    pub message: String,
    /// What became of its payment.
    pub payment: OrderPayment<'a>,
}

/// The payment of an [`OrderStatus`]: both fields or none.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderPayment<'a> {
    /// Whether the order is paid.
    pub paid: bool,
    /// By which payment.
    pub payment_id: Option<&'a str>,
}

/// IMSHOP did not take a message.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// IMSHOP gave no usable answer; it may have taken the message.
    #[error("{0}")]
    Unavailable(String),
    /// IMSHOP read the message and refused it.
    #[error("IMSHOP refused the message: {0}")]
    Refused(String),
}

/// An address that is a secret: it is never printed.
#[derive(Clone)]
struct Address(Url);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// Reads an address, if it is wanted.
fn address_from_env(env: &mut Env, switch: &str, name: &str) -> Option<Address> {
    if env.wanted(switch, name) { env.url(name).map(Address) } else { None }
}

/// A client of IMSHOP's addresses.
#[derive(Clone, Debug)]
pub struct Client {
    http: Http,
    payment_status: Option<Address>,
    order_status: Option<Address>,
    codes: Codes,
}

impl Client {
    /// Reads `IMSHOP_PAYMENT_STATUS_URL` and `IMSHOP_ORDER_STATUS_URL`, each with its switch, and the order codes
    /// `IMSHOP_CODE_PAID`, `IMSHOP_CODE_FAILED`, `IMSHOP_CODE_PARTIALLY_REFUNDED`, `IMSHOP_CODE_REFUNDED`.
    pub fn from_env(env: &mut Env, http: Http) -> Self {
        let payment_status = address_from_env(env, "IMSHOP_PAYMENT_STATUS", "IMSHOP_PAYMENT_STATUS_URL");
        let order_status = address_from_env(env, "IMSHOP_ORDER_STATUS", "IMSHOP_ORDER_STATUS_URL");
        let code = |name, default: &str| env.optional(name).unwrap_or_else(|| default.to_owned());
        let codes = Codes {
            paid: code("IMSHOP_CODE_PAID", "paid"),
            failed: code("IMSHOP_CODE_FAILED", "payment_failed"),
            partially_refunded: code("IMSHOP_CODE_PARTIALLY_REFUNDED", "partially_refunded"),
            refunded: code("IMSHOP_CODE_REFUNDED", "refunded"),
        };
        Self { http, payment_status, order_status, codes }
    }

    /// The shop's order codes.
    #[must_use]
    pub fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Whether IMSHOP hears the status of payments.
    #[must_use]
    pub fn takes_payment_status(&self) -> bool {
        self.payment_status.is_some()
    }

    /// Whether IMSHOP hears the status of orders.
    #[must_use]
    pub fn takes_order_status(&self) -> bool {
        self.order_status.is_some()
    }

    /// Sends the status of a payment; does nothing if IMSHOP does not hear it.
    pub async fn send_payment_status(&self, status: &PaymentStatus<'_>, deadline: Deadline) -> Result<(), NotTaken> {
        self.send(self.payment_status.as_ref(), "payment_status", status, deadline).await
    }

    /// Sends the status of an order; does nothing if IMSHOP does not hear it.
    pub async fn send_order_status(&self, status: &OrderStatus<'_>, deadline: Deadline) -> Result<(), NotTaken> {
        self.send(self.order_status.as_ref(), "order_status", status, deadline).await
    }

    async fn send<T: Serialize>(
        &self,
        address: Option<&Address>,
        method: &'static str,
        message: &T,
        deadline: Deadline,
    ) -> Result<(), NotTaken> {
        let Some(Address(url)) = address else { return Ok(()) };
        let body = serde_json::to_string(message).map_err(|error| NotTaken::Unavailable(error.to_string()))?;
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        let request = self.http.post(url.clone()).header(CONTENT_TYPE, json).body(body);
        let target = Target { system: System::Imshop, method };
        let answer = self.http.send(target, request, LIMIT, deadline).await;
        let mut answer = answer.map_err(|error| NotTaken::Unavailable(error.to_string()))?;
        let taken = read(&answer);
        match &taken {
            Ok(()) => answer.call.done(),
            Err(NotTaken::Refused(_)) => answer.call.refused(),
            Err(NotTaken::Unavailable(_)) => {}
        }
        taken
    }
}

/// Whether IMSHOP has taken a message.
fn read(answer: &Answer) -> Result<(), NotTaken> {
    if !answer.status.is_success() {
        let cause = format!("HTTP {}", answer.status);
        let wait = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&answer.status);
        let refused = answer.status.is_client_error() && !wait;
        return Err(if refused { NotTaken::Refused(cause) } else { NotTaken::Unavailable(cause) });
    }
    match serde_json::from_slice::<Taken>(&answer.body) {
        Ok(Taken { success: Some(false) }) => Err(NotTaken::Refused("success: false".to_owned())),
        Ok(_) => Ok(()),
        Err(_) if answer.body.iter().all(u8::is_ascii_whitespace) => Ok(()),
        Err(_) => Err(NotTaken::Unavailable("the answer is not JSON".to_owned())),
    }
}

/// What IMSHOP answers.
#[derive(Deserialize)]
struct Taken {
    success: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::metrics::Metrics;

    fn client(settings: &[(&str, &str)]) -> Result<Client, crate::platform::env::ConfigError> {
        let mut env = Env::from_map(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        let client = Client::from_env(&mut env, Http::new(Metrics::default()).unwrap());
        env.finish(Some(client))
    }

    const ADDRESS: (&str, &str) = ("IMSHOP_ORDER_STATUS_URL", "https://imshop.example/status");

    #[test]
    fn an_address_that_is_switched_on_must_be_there() {
        assert!(client(&[("IMSHOP_ORDER_STATUS", "on"), ADDRESS]).unwrap().takes_order_status());
        let error = client(&[("IMSHOP_ORDER_STATUS", "on"), ("IMSHOP_ORDER_STATUS_URL", "")]).unwrap_err().to_string();
        assert!(error.contains("IMSHOP_ORDER_STATUS_URL: must be set"), "{error}");
    }

    #[test]
    fn nobody_is_told_at_an_address_that_is_switched_off() {
        assert!(!client(&[("IMSHOP_ORDER_STATUS", "off"), ADDRESS]).unwrap().takes_order_status());
    }

    #[test]
    fn without_a_switch_the_address_decides() {
        assert!(client(&[ADDRESS]).unwrap().takes_order_status());
        assert!(!client(&[]).unwrap().takes_order_status());
    }

    #[test]
    fn a_switch_is_on_or_off() {
        assert!(client(&[("IMSHOP_ORDER_STATUS", "yes"), ADDRESS]).is_err());
    }
}
