//! A payment's events for the shop's own system: how far each is, and resending one.

use lambda_http::{Body, Response};
use serde::Serialize;
use shared::payments::outbox::resend::{Resent, resend};
use shared::payments::payment::{Payment, ShopEvent};
use shared::platform::clock::Timestamp;
use shared::platform::http::{self, Failure, Status};

use crate::Asked;
use crate::request::{self, Nothing, number};

/// An event, and how far it is.
#[derive(Serialize)]
pub(crate) struct ShownEvent {
    number: usize,
    #[serde(rename = "type")]
    kind: &'static str,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    told_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl ShownEvent {
    /// Every event of a payment, oldest first.
    pub(crate) fn all(payment: &Payment) -> Vec<Self> {
        payment.events().iter().map(|event| Self::of(payment, event)).collect()
    }

    fn of(payment: &Payment, event: &ShopEvent) -> Self {
        let receipt = payment.outbox.receipt(event.number);
        Self {
            number: event.number,
            kind: event.kind.name(),
            at: event.at.rfc3339(),
            told_at: receipt.and_then(|receipt| receipt.taken_at).map(Timestamp::rfc3339),
            last_status: receipt.and_then(|receipt| receipt.status),
            last_error: receipt.and_then(|receipt| receipt.error.clone()),
        }
    }
}

/// What came of sending an event again.
#[derive(Serialize)]
struct ResendAnswer {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The HTTP status that the shop answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    shop_status: Option<u16>,
    /// The first KB of its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    shop_answer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<ShownEvent>,
}

pub(crate) async fn resend_event(asked: &Asked<'_>, id: &str, event: &str) -> Result<Response<Body>, Failure> {
    let Nothing {} = request::body(asked.inbound)?;
    let event = number(event)?;
    let payment = asked.payment(id).await?;
    let Some(shop) = &asked.deps.shop_events else {
        return refused("events_off", "the shop hears no events: neither SHOP_EVENTS nor SHOP_EVENTS_URL is set".to_owned());
    };
    tracing::info!(who = asked.who, payment_id = %payment.id, event, "an event is resent to the shop by hand");
    let settler = &asked.deps.settler;
    let resent = resend(&settler.orders, shop, &settler.clock, payment, event, asked.inbound.deadline()).await;
    let (sent, payment) = match resent.map_err(Failure::internal)? {
        Resent::Unknown => return Err(Failure::not_found()),
        Resent::NotItsTurn(next) => {
            return refused("not_its_turn", format!("event {next} comes before it, and was not taken yet"));
        }
        Resent::InProgress => return refused("in_progress", "an event of this payment is being sent; ask again".to_owned()),
        Resent::Sent(sent, payment) => (sent, payment),
    };
    let event = ShownEvent::all(&payment).into_iter().find(|shown| shown.number == event);
    let (status, answer) = match sent {
        Ok(answered) => {
            let is_taken = answered.is_taken();
            let answer = ResendAnswer {
                success: is_taken,
                code: (!is_taken).then_some("shop_refused"),
                error: (!is_taken).then(|| format!("the shop answered {} and has not taken the event", answered.status)),
                shop_status: Some(answered.status),
                shop_answer: Some(answered.text),
                event,
            };
            (if is_taken { Status::Ok } else { Status::BadGateway }, answer)
        }
        Err(not_taken) => {
            let error = Some(format!("the shop gave no answer: {}", not_taken.cause));
            let code = Some("shop_unavailable");
            (Status::Unavailable, ResendAnswer { success: false, code, error, shop_status: None, shop_answer: None, event })
        }
    };
    http::json(status, &answer)
}

/// The state of things forbids it, and nothing was sent.
fn refused(code: &'static str, error: String) -> Result<Response<Body>, Failure> {
    let (code, error) = (Some(code), Some(error));
    http::json(Status::Conflict, &ResendAnswer { success: false, code, error, shop_status: None, shop_answer: None, event: None })
}
