use std::time::Duration;

use serde_json::{Value, json};
use standins::{Fault, Options, System};

use crate::environment::{TestEnvironment, answer, machine_time};

/// An event of the first attempt, which is the order's latest, unless `data` says otherwise.
pub(crate) fn event(kind: &str, data: &Value) -> Value {
    let mut event = json!({
        "type": format!("payment.{kind}"),
        "timestamp": "2026-11-29T10:00:00Z",
        "data": {
            "order_id": "1001", "order_uuid": "uuid-1", "public_id": "A-1001", "payment_id": "1001-1", "attempt": 1, "latest": true,
            "provider": "mokka", "method": "mokka", "state": "captured", "amount": "4990.00", "currency": "RUB", "refunded": "0.00",
            "by": "callback", "refund": null,
        },
    });
    for (field, value) in data.as_object().unwrap() {
        event["data"][field] = value.clone();
    }
    event
}

async fn tell(environment: &TestEnvironment, id: &str, event: &Value) {
    let (status, answer) = answer(environment.event_request(id, event)).await;
    assert_eq!((status, answer), (200, json!({ "success": true })), "{event}");
}

/// The shop's books about the only order.
async fn books(environment: &TestEnvironment) -> Value {
    let books = environment.get("/control/shop-events/books").await;
    assert_eq!(books["step_backs"], json!([]));
    books["orders"][0].clone()
}

#[tokio::test]
async fn an_event_is_entered_once_per_id_and_every_repetition_counted() {
    let environment = TestEnvironment::start().await;
    // However far the environment's clock was moved: a shop knows only the real time.
    environment.advance(86_400 * 365).await;
    let part =
        event("partially_refunded", &json!({ "refunded": "1000.00", "refund": { "id": "return-1", "amount": "1000.00" } }));
    tell(&environment, "1001-1-4", &event("paid", &json!({}))).await;
    tell(&environment, "1001-1-5", &part).await;
    tell(&environment, "1001-1-4", &event("paid", &json!({}))).await;
    tell(&environment, "1001-1-5", &event("paid", &json!({ "amount": "1.00" }))).await;
    let heard = environment.get("/control/shop-events").await;
    assert_eq!(heard.as_array().unwrap().len(), 2);
    let told = |index: usize, field: &str| heard[index][field].clone();
    assert_eq!((told(0, "webhook_id"), told(0, "type"), told(0, "times")), (json!("1001-1-4"), json!("payment.paid"), json!(2)));
    assert_eq!((told(0, "verified"), told(0, "changed"), told(1, "changed")), (json!(true), json!(false), json!(true)));
    assert!(told(0, "headers")["webhook-signature"].as_str().unwrap().starts_with("v1,"));
    let order = books(&environment).await;
    assert_eq!((&order["state"], &order["latest"]["refunded"]), (&json!("partially_refunded"), &json!("1000.00")));
    assert_eq!(environment.standins.shop_book("1001"), Some(order));
    assert_eq!(environment.standins.shop_events().len(), 2);
}

#[tokio::test]
async fn an_earlier_attempt_never_undoes_the_latest() {
    let environment = TestEnvironment::start().await;
    let second = json!({ "payment_id": "1001-2", "attempt": 2, "public_id": null });
    tell(&environment, "1001-1-2", &event("attention", &json!({}))).await;
    tell(&environment, "1001-2-3", &event("held", &second)).await;
    tell(&environment, "1001-1-3", &event("failed", &json!({ "latest": false }))).await;
    let order = books(&environment).await;
    assert_eq!((&order["state"], &order["latest"]["payment_id"]), (&json!("held"), &json!("1001-2")));
    assert_eq!((&order["payments"][0]["state"], &order["payments"][0]["attention"]), (&json!("failed"), &json!(true)));
    tell(&environment, "1001-1-4", &event("attention_over", &json!({ "latest": false }))).await;
    tell(&environment, "1001-2-4", &event("paid", &second)).await;
    let order = books(&environment).await;
    assert_eq!((&order["state"], &order["payments"][0]["attention"]), (&json!("paid"), &json!(false)));
}

#[tokio::test]
async fn a_step_back_is_not_entered_and_shown() {
    let environment = TestEnvironment::start().await;
    for (id, kind) in [("1001-1-2", "refunded"), ("1001-1-3", "paid"), ("1001-1-4", "failed"), ("1001-1-5", "held")] {
        tell(&environment, id, &event(kind, &json!({}))).await;
    }
    let books = environment.standins.shop_books();
    assert_eq!(books["orders"][0]["state"], "refunded");
    assert_eq!(books["step_backs"], json!(["1001-1-3", "1001-1-4", "1001-1-5"]));
}

#[tokio::test]
async fn an_event_must_be_signed_with_the_right_key_within_five_real_minutes() {
    let environment = TestEnvironment::start().await;
    let (paid, now, secret) = (event("paid", &json!({})), machine_time(), Options::default().shop_events_secret);
    let signed = |at: i64, secret: &str| environment.signed("/shop/events", "1001-1-2", &paid, at, secret);
    for (request, why) in [
        (signed(now - 400, &secret), "webhook-timestamp"),
        (signed(now + 400, &secret), "webhook-timestamp"),
        (signed(now, &Options::default().shop_forms_secret), "webhook-signature"),
        (signed(now, &secret).body("{}"), "webhook-signature"),
    ] {
        let (status, answer) = answer(request).await;
        assert_eq!((status, &answer["success"]), (401, &json!(false)), "{why}");
        assert!(answer["message"].as_str().unwrap().contains(why), "{why}: {answer}");
    }
    let heard = environment.standins.shop_events();
    assert!(
        heard.len() == 4 && heard.iter().all(|event| event["verified"] == false && event["refused"].is_string()),
        "{heard:?}"
    );
    assert_eq!(environment.standins.shop_books()["orders"], json!([]));
}

#[tokio::test]
async fn what_is_not_in_the_document_of_events_is_refused_by_its_field() {
    let environment = TestEnvironment::start().await;
    let paid = event("paid", &json!({}));
    let with = |path: &str, value: Value| {
        let mut event = paid.clone();
        *event.pointer_mut(path).unwrap() = value;
        event
    };
    let without = |field: &str| {
        let mut event = paid.clone();
        event["data"].as_object_mut().unwrap().remove(field);
        event
    };
    for (id, wrong, why) in [
        ("1001-1-2", event("paid", &json!({ "phone": "1" })), "data.phone"),
        ("1001-1-2", event("captured", &json!({})), "type"),
        ("1001-1-2", with("/timestamp", json!("2026-11-29T13:00:00+03:00")), "timestamp"),
        ("1001-1-2", with("/data/amount", json!(4990)), "amount"),
        ("1001-1-2", with("/data/amount", json!("4990")), "amount"),
        ("1001-1-2", with("/data/attempt", json!("1")), "data.attempt"),
        ("1001-1-2", with("/data/latest", json!("true")), "data.latest"),
        ("1001-1-2", with("/data/refund", json!({ "id": "r", "amount": "1.00", "by": "anna" })), "data.refund.by"),
        ("1001-1-2", without("refund"), "data.refund"),
        ("1001-1", paid.clone(), "webhook-id"),
        ("1001-1-two", paid.clone(), "webhook-id"),
    ] {
        let (status, answer) = answer(environment.event_request(id, &wrong)).await;
        assert_eq!(status, 400, "{why}");
        assert!(answer["message"].as_str().unwrap().contains(why), "{why}: {answer}");
    }
    assert_eq!(environment.standins.shop_books()["orders"], json!([]));
}

#[tokio::test]
async fn a_sample_of_each_event_is_taken_and_forwarded_as_it_came() {
    let (environment, own) = (TestEnvironment::start().await, TestEnvironment::start().await);
    environment.standins.forward_shop_events_to(own.url("/shop/events"));
    let (status, all) = environment.control("/control/shop-events/trigger", &json!({})).await;
    assert_eq!((status, all.as_array().unwrap().len()), (200, 8));
    let (_, paid) = environment.control("/control/shop-events/trigger", &json!({ "type": "payment.paid" })).await;
    assert_eq!((&paid[0]["type"], &paid[0]["status"], &paid[1]), (&json!("payment.paid"), &json!(200), &Value::Null));
    let forwarded = || own.standins.shop_events().len() == 9 && environment.standins.shop_events()[8]["forwarded"] == 200;
    while !forwarded() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let sent = |environment: &TestEnvironment| -> Vec<_> {
        let events = environment.standins.shop_events().into_iter();
        events.map(|event| (event["webhook_id"].clone(), event["headers"].clone(), event["body"].clone())).collect()
    };
    assert_eq!(sent(&environment), sent(&own));
    let (status, error) = environment.control("/control/shop-events/trigger", &json!({ "type": "payment.lost" })).await;
    assert!(status == 400 && error["error"].as_str().unwrap().contains("payment.attention_over"), "{error}");
}

#[tokio::test]
async fn samples_go_where_the_functions_events_go() {
    let (environment, own) = (TestEnvironment::start().await, TestEnvironment::start().await);
    let trigger = async || {
        environment.control("/control/shop-events/trigger", &json!({ "type": "payment.held" })).await.1[0]["status"].clone()
    };
    let next = "whsec_bmV4dC1kZW1vLXNpZ25pbmcta2V5LW9mLXRoZS1zYW5kYm94LTI=".to_owned();
    // The shop has the older of the two, whichever comes first.
    environment.standins.send_shop_events_to(own.url("/shop/events"), vec![next, Options::default().shop_events_secret]);
    assert_eq!(trigger().await, 200);
    own.standins.fault(System::Shop, "events", Fault::Status(503), 1).unwrap();
    assert_eq!(trigger().await, 503);
    assert_eq!((own.standins.shop_events().len(), environment.standins.shop_events().len()), (1, 0));
    let signatures = own.standins.shop_events()[0]["headers"]["webhook-signature"].as_str().map(|text| text.split(' ').count());
    assert_eq!((signatures, &own.standins.shop_events()[0]["verified"]), (Some(2), &json!(true)));
}
