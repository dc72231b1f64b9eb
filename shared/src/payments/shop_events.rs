//! Where the shop's own system hears what became of payments: events, signed as Standard Webhooks 1.0 says
//! ([`webhook`](crate::platform::webhook)). What they mean to the shop is `infra/docs/SHOP.md`.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use url::Url;

use crate::payments::payment::{EventRefund, Order, Payment, ShopEvent};
use crate::platform::clock::{Clock, Deadline, Timestamp};
use crate::platform::env::Env;
use crate::platform::ids::{OrderId, PaymentId};
use crate::platform::money::Money;
use crate::platform::outbound::{Http, System, Target};
use crate::platform::webhook::SigningKeys;

/// How long the shop may take.
const LIMIT: Duration = Duration::from_secs(4);
/// How much of the shop's answer is shown.
const SHOWN: usize = 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A client of the shop's events address.
#[derive(Clone, Debug)]
pub struct Client {
    http: Http,
    url: Url,
    keys: SigningKeys,
    clock: Clock,
}

/// What the shop answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The beginning of its body, at most 1 KB.
    pub text: String,
}

impl Answered {
    /// Whether the shop has the event now: any 2xx.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Why it has not taken the event, if so.
    pub(super) fn refusal(&self) -> Option<String> {
        (!self.is_taken()).then(|| format!("HTTP {}", self.status))
    }
}

/// The shop has not taken an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct NotTaken {
    /// The HTTP status, if the shop has answered.
    pub status: Option<u16>,
    /// Why.
    pub cause: String,
}

impl NotTaken {
    /// Whether it says something about the event, and not only that the shop's server is not well.
    #[must_use]
    pub fn is_about_the_event(&self) -> bool {
        self.status.is_some_and(|status| status < 500)
    }
}

/// The id of an event: the payment's and the number of the step, the same at each repetition.
#[must_use]
pub fn id(payment: &PaymentId, number: usize) -> String {
    format!("{payment}-{number}")
}

#[derive(Debug, Serialize)]
pub struct EventBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it happened, RFC 3339.
    timestamp: String,
    data: Data<'a>,
}

/// What happened, without any personal data.
#[derive(Debug, Serialize)]
struct Data<'a> {
    order_id: &'a str,
    order_uuid: &'a str,
    public_id: Option<&'a str>,
    payment_id: &'a str,
    attempt: u32,
    /// Whether this is the order's last attempt by now.
    latest: bool,
    provider: &'a str,
    method: &'a str,
    state: &'a str,
    amount: String,
    currency: &'static str,
    /// How much was given back by then.
    refunded: String,
    by: &'a str,
    refund: Option<RefundBody>,
}

#[derive(Debug, Serialize)]
struct RefundBody {
    id: String,
    amount: String,
}

impl From<EventRefund> for RefundBody {
    fn from(EventRefund { number, amount }: EventRefund) -> Self {
        Self { id: number.to_string(), amount: amount.decimal() }
    }
}

impl<'a> EventBody<'a> {
    /// The body of an event of a payment, whose order now stands so.
    #[must_use]
    pub fn of(payment: &'a Payment, order: Option<&'a Order>, event: &'a ShopEvent) -> Self {
        let newest = order.and_then(|order| order.latest_payment.as_ref());
        Self {
            kind: event.kind.name(),
            timestamp: event.at.rfc3339(),
            data: Data {
                order_id: payment.order_id.as_str(),
                order_uuid: payment.order_uuid.as_str(),
                public_id: order.and_then(|order| order.public_id.as_ref()).map(OrderId::as_str),
                payment_id: payment.id.as_str(),
                attempt: payment.attempt,
                latest: newest.is_none_or(|newest| *newest == payment.id),
                provider: payment.provider.as_str(),
                method: payment.method.as_str(),
                state: &event.state,
                amount: Money::decimal(payment.amount),
                currency: payment.amount.currency().code(),
                refunded: event.refunded.decimal(),
                by: &event.by,
                refund: event.refund.map(RefundBody::from),
            },
        }
    }
}

impl Client {
    /// Reads `SHOP_EVENTS_URL` with its switch `SHOP_EVENTS`, `SHOP_EVENTS_SECRET`, and while keys are changed `SHOP_EVENTS_SECRET_NEXT`;
    /// nothing if the shop wants no events.
    pub fn from_env(env: &mut Env, http: Http, clock: Clock) -> Option<Self> {
        if !env.wanted("SHOP_EVENTS", "SHOP_EVENTS_URL") {
            return None;
        }
        let url = env.url("SHOP_EVENTS_URL");
        let keys = SigningKeys::from_env(env, "SHOP_EVENTS_SECRET");
        Some(Self { http, url: url?, keys: keys?, clock })
    }

    /// Sends an event and gives the shop's answer.
    pub async fn send(&self, id: &str, event: &EventBody<'_>, deadline: Deadline) -> Result<Answered, NotTaken> {
        let unsent = |cause: String| NotTaken { status: None, cause };
        let body = serde_json::to_string(event).map_err(|error| unsent(error.to_string()))?;
        let request = self.http.post(self.url.clone()).header(CONTENT_TYPE, JSON);
        let request = self.keys.sign(request, id, self.machine_now(), &body).body(body);
        let target = Target { system: System::Shop, method: "events" };
        let mut answer = self.http.send(target, request, LIMIT, deadline).await.map_err(|error| unsent(error.to_string()))?;
        let text = String::from_utf8_lossy(&answer.body);
        let end = (0..=text.len().min(SHOWN)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        let answered = Answered { status: answer.status.as_u16(), text: text[..end].to_owned() };
        if answered.is_taken() {
            answer.call.done();
        }
        Ok(answered)
    }

    fn machine_now(&self) -> Timestamp {
        self.clock.machine_now()
    }
}
