//! What IMSHOP, YooKassa and the customer's browser ask of us for a payment by card.

use sandbox::functions::Story;
use serde_json::{Value, json};
use testkit::settings::{IMSHOP_KEY, OPERATOR_KEY};
use testkit::{Answer, Event, Placed};

use super::side::Side;
use crate::office::{Office, Verdict, rubles};

/// The way to pay that is YooKassa's.
pub(crate) const CARD: &str = "yookassa/card";

/// What a notification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notified {
    /// How it stands.
    AsItIs,
    /// That it is paid, whether it is or not.
    Paid,
    /// The same, from an address that is not on the list.
    Stranger,
}

pub(crate) async fn create(story: &Story, order: &Placed, method: &str) -> Answer {
    let body = json!({
        "command": "create", "paymentMethodId": method, "orderUuid": order.uuid, "orderId": order.id,
        "returnUrl": "imshop://payment/failed",
    });
    story.acquiring(Event::post("/v1/acquiring").key(IMSHOP_KEY).json(body).rest()).await
}

pub(crate) async fn capture(story: &Story, payment: &str, method: &str) -> Answer {
    let body = json!({"command": "capture", "paymentMethodId": method, "paymentId": payment});
    story.acquiring(Event::post("/v1/acquiring").key(IMSHOP_KEY).json(body).rest()).await
}

/// The customer's browser comes back to the page of a payment as it is stored, if it has one.
pub(crate) async fn come_back(story: &Story, stored: &Value) -> Option<Answer> {
    let path = format!("/v1/return/{}/{}", stored["pk"].as_str()?.strip_prefix("payment#")?, stored["return_token"].as_str()?);
    Some(story.mokka(Event::new("GET", &path).rest()).await)
}

/// A notification; none of a payment about which there is nothing to say.
pub(crate) async fn notify(story: &Story, side: &Side, said: Notified) -> Option<Answer> {
    let mut object = side.shown.clone();
    if said != Notified::AsItIs && object.is_object() {
        object["status"] = json!("succeeded");
    }
    let event = match object["status"].as_str()? {
        "waiting_for_capture" => "payment.waiting_for_capture",
        "canceled" => "payment.canceled",
        "succeeded" => "payment.succeeded",
        _ => return None,
    };
    let body = json!({"type": "notification", "event": event, "object": object});
    let mut event = Event::post("/v1/cards/yookassa").json(body).rest();
    let sender = if said == Notified::Stranger { "203.0.113.9" } else { "127.0.0.1" };
    event["requestContext"]["identity"]["sourceIp"] = json!(sender);
    Some(story.environment.call("card-callback", event).await)
}

/// The shop's people say what is to be paid of a hold, in kopecks.
pub(crate) async fn change(story: &Story, payment: &str, amount: i64) -> Verdict {
    let cart = json!([{"name": "Чайник", "price": rubles(amount), "quantity": 1}]);
    let body = json!({"amount": rubles(amount), "cart": cart});
    Office(story).ask(payment, "change", OPERATOR_KEY, body, &[]).await
}
