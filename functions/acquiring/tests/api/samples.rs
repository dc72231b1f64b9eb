//! The samples of IMSHOP's document "Эквайринг через webhook", in its order, with ids of our own; and what its own slips make of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::payments::texts;
use standins::{Decision, Options};
use testkit::settings::{IMSHOP_KEY, SHOP_KEY};
use testkit::{Event, canary};

use crate::Story;

const ORDER: &str = "cbc85e53-0000-4f13-a708-000000000001";

/// A shop whose way to pay is called as the document calls it, and the order of the samples.
async fn start() -> Story {
    let card = "[[method]]\nid = \"sberbank/card\"\ntitle = \"Частями\"\ntype = \"card\"\nprovider = \"mokka\"\n";
    let file = testkit::written(env!("CARGO_TARGET_TMPDIR"), "samples.toml", card);
    let story = Story::start_with(Options::default(), &[("PAYMENTS_CONFIG", &file)]).await;
    let push = json!({"orderId": "12345", "amount": "3250.00", "currency": "RUB", "phone": canary::PHONE});
    let event = Event::new("PUT", &format!("/v1/orders/{ORDER}")).key(SHOP_KEY).json(push);
    assert_eq!(story.orders(event.rest()).await.status, 200);
    story
}

async fn ask(story: &Story, body: &Value) -> Value {
    let answer = story.acquiring(Event::post("/v1/acquiring").key(IMSHOP_KEY).json(body.clone()).rest()).await;
    assert_eq!(answer.status, 200, "{body}: {}", answer.body);
    answer.json()
}

fn create() -> Value {
    json!({
        "command": "create", "paymentMethodId": "sberbank/card", "orderUuid": ORDER, "orderId": "12345",
        "returnUrl": "imshop://payment/failed"
    })
}

/// The names of an object.
fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn every_way_to_write_the_documents_create_is_the_same_payment() {
    let story = start().await;
    let first = ask(&story, &create()).await;
    assert_eq!(names(&first), BTreeSet::from(["success", "paymentId", "paymentUrl", "successRegex", "failureRegex"]));
    assert_eq!((&first["success"], &first["paymentId"]), (&json!(true), &json!("12345-1")));
    let with = |name: &str, value: Value| {
        let mut body = create();
        body[name] = value;
        body
    };
    for body in [
        create(),
        with("orderId", json!(12345)),
        with("paymentMethodId", json!("webhook/sberbank/card")),
        with("returnUrl", json!("imshop://payment/failed")),
        with("installId", json!("install-1")),
        with("device", json!({"os": "ios"})),
        with("orderUuid", json!(ORDER.to_owned())),
        with("applePayData", Value::Null),
        with("error", json!("")),
        with("amount", json!(1)),
    ] {
        assert_eq!(ask(&story, &body).await, first, "{body}");
    }
    assert_eq!(story.payment("12345-1").await["amount"], json!(325_000), "no command carries an amount");
}

#[tokio::test]
async fn capture_answers_pending_captured_and_declined_as_documented() {
    let story = start().await;
    ask(&story, &create()).await;
    let capture = json!({"command": "capture", "paymentMethodId": "sberbank/card", "paymentId": "12345-1"});
    let pending = json!({"success": true, "paymentId": "12345-1", "paymentCaptured": false, "pending": true});
    assert_eq!(ask(&story, &capture).await, pending);
    story.decide("12345-1", Decision::Approved).await;
    let captured = json!({"success": true, "paymentId": "12345-1", "paymentCaptured": true});
    assert_eq!(ask(&story, &capture).await, captured);
    let mut prefixed = capture.clone();
    prefixed["paymentMethodId"] = json!("webhook/sberbank/card");
    assert_eq!(ask(&story, &prefixed).await, captured);
    let mut gateways = capture.clone();
    gateways["paymentId"] = json!("7d0567f9-0000-4e84-9580-000000000001");
    let unknown = ask(&story, &gateways).await;
    assert_eq!(
        (&unknown["success"], &unknown["error"]),
        (&json!(false), &json!(texts::PAYMENT_UNKNOWN)),
        "an id that is not ours"
    );

    let other = start().await;
    ask(&other, &create()).await;
    other.decide("12345-1", Decision::Declined).await;
    let declined = ask(&other, &capture).await;
    assert_eq!(names(&declined), BTreeSet::from(["success", "paymentId", "paymentCaptured", "error"]));
    assert_eq!((&declined["success"], &declined["paymentCaptured"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn documented_wallet_samples_are_read_with_swapped_lists() {
    let story = start().await;
    let wallet = |command: &str, method: &str, field: &str| json!({"command": command, "paymentMethodId": method, "orderUuid": ORDER, "orderId": "12345", field: canary::CRYPTOGRAM});
    let refused = json!({"success": false, "error": texts::WALLET_NOT_CONFIGURED});
    for body in [
        wallet("applepay", "sberbank/applepay", "applePayData"),
        wallet("androidpay", "sberbank/androidpay", "androidPayData"),
        wallet("android", "sberbank/androidpay", "androidPayData"),
        // Below each sample stands the other's list of fields.
        wallet("applepay", "sberbank/applepay", "androidPayData"),
        wallet("androidpay", "sberbank/androidpay", "applePayData"),
    ] {
        assert_eq!(ask(&story, &body).await, refused, "{body}");
    }
    let neither = wallet("applepay", "sberbank/applepay", "payData");
    let answer = story.acquiring(Event::post("/v1/acquiring").key(IMSHOP_KEY).json(neither).rest()).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.json()["error"].as_str().unwrap().contains("applePayData"));
}
