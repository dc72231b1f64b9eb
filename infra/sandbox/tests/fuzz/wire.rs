//! What comes over HTTP, as events at the functions.

use std::cell::RefCell;
use std::time::Duration;

use sandbox::functions::Story;
use serde_json::json;
use standins::Options;
use testkit::settings::{CASHIER_KEY, IMSHOP_KEY, SHOP_KEY, SMS_REPORT_SECRET, WITH_CARDS};
use testkit::{Answer, Event};
use tokio::runtime::{Builder, Runtime};

use crate::input::{corpus, inputs};
use crate::trial::try_all;

/// Statuses with a cause that no field has: a key, an address, a size, a state.
const NOT_A_FIELDS: [u16; 6] = [401, 403, 404, 405, 409, 413];

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// An answer with a 4xx says where it comes from, and nothing is a fault of ours.
pub(crate) fn is_told(answer: &Answer) -> Result<(), String> {
    let places = ["`", "the body", "the path", "must be", "must have", "must not"];
    match answer.status {
        200..=399 => Ok(()),
        status if NOT_A_FIELDS.contains(&status) => Ok(()),
        400..=499 if places.iter().any(|place| answer.body.contains(place)) => Ok(()),
        status => Err(format!("{status}: {}", answer.body)),
    }
}

/// Gives every input to a function, of an environment of its own with an order and an attempt to pay it.
fn send(folder: &str, function: &str, events: impl Fn(&Story, &[u8]) -> Vec<Event>) {
    let runtime = runtime();
    let story = runtime.block_on(async {
        let story = Story::start().await;
        let order = story.order().await;
        story.create(&order).await;
        story
    });
    give(folder, &story, |story, input| {
        for event in events(story, input) {
            is_told(&runtime.block_on(story.environment.call(function, event.rest())))?;
        }
        Ok(())
    });
}

/// Tries every input of a folder in one environment.
fn give(folder: &str, story: &Story, check: impl Fn(&Story, &[u8]) -> Result<(), String>) {
    let (files, tried) = (corpus(folder), RefCell::new(0_u32));
    try_all(&inputs(files.clone()), files, |input| {
        check(story, &input)?;
        // What the environment remembers of each call would be all that the process takes.
        *tried.borrow_mut() += 1;
        if tried.borrow().is_multiple_of(16) {
            story.environment.sift_logs();
            story.environment.standins().forget_calls();
        }
        Ok(())
    });
}

#[test]
fn orders_are_taken_or_refused_where_they_are_wrong() {
    send("orders", "orders", |_, body| vec![Event::post("/v1/orders").key(IMSHOP_KEY).bytes(body)]);
}

#[test]
fn pushed_orders_are_taken_or_refused_where_they_are_wrong() {
    send("push", "orders", |_, body| vec![Event::new("PUT", "/v1/orders/order-9").key(SHOP_KEY).bytes(body)]);
}

#[test]
fn a_cart_always_gets_its_list() {
    send("payments", "payments", |_, body| vec![Event::post("/v1/payments").key(IMSHOP_KEY).bytes(body)]);
}

#[test]
fn commands_are_carried_out_or_refused_where_they_are_wrong() {
    send("acquiring", "acquiring", |_, body| vec![Event::post("/v1/acquiring").key(IMSHOP_KEY).bytes(body)]);
}

#[test]
fn forms_are_taken_or_refused_where_they_are_wrong() {
    send("forms", "form-otp", |_, body| {
        ["/v1/forms", "/v1/forms/otp"].map(|path| Event::post(path).key(IMSHOP_KEY).bytes(body)).into()
    });
}

#[test]
fn what_mokka_says_is_a_hint_whatever_it_is() {
    send("callbacks", "mokka-callback", |story, body| {
        let payment = story.environment.standins().mokka_order("1001-1").unwrap();
        let (_, path) = payment.callback_url.split_once("/v1/").unwrap();
        vec![
            Event::post(&format!("/v1/{path}")).bytes(body),
            Event::post(&format!("/v1/{path}"))
                .query("signature", &String::from_utf8_lossy(body).chars().take(40).collect::<String>())
                .bytes(body),
            Event::post("/v1/mokka/registration/0123456789abcdef0123456789abcdef/x").bytes(body),
        ]
    });
}

#[test]
fn what_a_card_gateway_says_is_a_hint_whatever_it_is() {
    let runtime = runtime();
    let (story, theirs) = runtime.block_on(async {
        let story = Story::start_with(Options::default(), &[("PAYMENTS_CONFIG", WITH_CARDS)]).await;
        let order = story.order().await;
        let create =
            json!({"command": "create", "paymentMethodId": "yookassa/card", "orderUuid": order.uuid, "orderId": order.id});
        let created = story.acquiring(Event::post("/v1/acquiring").key(IMSHOP_KEY).json(create).rest()).await;
        assert_eq!(created.json()["success"], json!(true), "{}", created.body);
        let theirs = story.environment.standins().yookassa_payments()[0]["id"].as_str().unwrap().to_owned();
        (story, theirs)
    });
    give("cards", &story, |story, input| {
        // In the corpus the payment of this environment has a name of its own.
        let body = replaced(input, b"THE-PAYMENT", theirs.as_bytes());
        for method in ["GET", "POST"] {
            // Callers have the gateway asked once in five seconds for a payment, and are put off with a 503 meanwhile.
            story.environment.advance(Duration::from_secs(6));
            let mut event = Event::new(method, "/v1/cards/yookassa").bytes(&body).rest();
            event["requestContext"]["identity"]["sourceIp"] = json!("127.0.0.1");
            is_told(&runtime.block_on(story.environment.call("card-callback", event)))?;
        }
        Ok(())
    });
    // In the long run its hour is over.
    let state = runtime.block_on(story.state("1001-1"));
    assert!(["pending", "expired"].contains(&state.as_str()), "nobody has paid: {state}");
}

/// The text with every `from` in it as `to`.
fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

#[test]
fn reports_of_sms_are_taken_as_far_as_they_can_be_read() {
    let path = format!("/v1/sms/reports/{SMS_REPORT_SECRET}");
    send("reports", "sms-reports", |_, body| vec![Event::post(&path).kind("text/xml").bytes(body)]);
}

#[test]
fn the_back_office_understands_everything_or_says_what_it_does_not() {
    let act = |path: &str, body: &[u8]| Event::post(path).key(CASHIER_KEY).bytes(body);
    send("back_office", "back-office", |_, body| {
        let payment = "/v1/back-office/payments/1001-1";
        vec![
            act(&format!("{payment}/change"), body),
            act(&format!("{payment}/finish"), body),
            act(&format!("{payment}/refunds"), body).header("Idempotency-Key", "return-1"),
            act("/v1/back-office/forms/search", body),
            act("/v1/back-office/orders/search", body),
            act("/v1/back-office/erasures", body),
            act("/v1/back-office/registrations", body),
            act("/v1/back-office/schedules", body),
        ]
    });
}

#[test]
fn ids_in_paths_are_read_or_refused() {
    send("codes", "orders", |_, id| {
        let path = id.iter().take(300).map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        vec![Event::new("PUT", &format!("/v1/orders/{path}")).key(SHOP_KEY).text(r#"{"orderId": "2009", "amount": 5240}"#)]
    });
}
