//! YooKassa: who may ask, under which key, and what is taken.

use serde_json::{Value, json};
use standins::{CardDecision, Options};

use crate::environment::answer;
use crate::yookassa::{Caller, refusal, rub, wanted};

#[tokio::test]
async fn credentials_are_checked_before_anything_else() {
    let caller = Caller::exact().await;
    let url = caller.environment.url("/yookassa/v3/me");
    let get = || caller.environment.http.get(&url);
    for request in [
        get(),
        get().bearer_auth("test_demo_key"),
        get().header("authorization", "Basic"),
        get().header("authorization", "Basic ###"),
        get().header("authorization", "Basic NTA2NzUx"),
        get().basic_auth("506751", Some("live_demo_key")),
        get().basic_auth("506752", Some("test_demo_key")),
        get().basic_auth("506751", Some("")),
    ] {
        let answer = answer(request).await;
        assert_eq!(refusal(&answer).0, 401);
        assert_eq!((&answer.1["code"], &answer.1["parameter"]), (&json!("invalid_credentials"), &json!("Authorization")));
    }
    let create = caller.environment.http.post(caller.environment.url("/yookassa/v3/payments")).body("{");
    assert_eq!(answer(create).await.0, 401);
}

#[tokio::test]
async fn same_key_and_body_get_the_first_answer_for_a_day() {
    let caller = Caller::exact().await;
    let body = wanted("10.00", false);
    let first = caller.post_as("k", "/payments", &body).await;
    caller.decide(&first.1, CardDecision::Paid).await;
    assert_eq!(caller.post_as("k", "/payments", &body).await, first, "as it was answered, though it is paid");
    let other = caller.post_as("k", "/payments", &wanted("10.01", false)).await;
    assert_eq!(refusal(&other), (400, "Idempotence key duplicated"));
    assert_eq!(other.1["code"], "invalid_request");
    let elsewhere = caller.post_as("k", "/refunds", &body).await;
    assert_eq!(refusal(&elsewhere), (400, "Idempotence key duplicated"));
    assert_eq!(caller.environment.standins.yookassa_payments().len(), 1);

    caller.environment.advance(86_399).await;
    assert_eq!(caller.post_as("k", "/payments", &body).await, first);
    caller.environment.advance(1).await;
    let later = caller.post_as("k", "/payments", &body).await;
    assert!(later.0 == 200 && later.1["id"] != first.1["id"], "a day later the key is a new one");
}

#[tokio::test]
async fn refusal_stays_under_its_key_and_another_key_is_tried_anew() {
    let caller = Caller::exact().await;
    let payment = caller.create(&wanted("10.00", false)).await;
    let path = format!("/payments/{}/capture", payment["id"].as_str().unwrap());
    let early = caller.post_as("first", &path, &json!({})).await;
    assert_eq!(refusal(&early), (400, "Payment can not be captured in current status"));
    caller.decide(&payment, CardDecision::Paid).await;
    assert_eq!(caller.post_as("first", &path, &json!({})).await, early);
    assert_eq!(caller.post_as("second", &path, &json!({})).await.1["status"], "succeeded");
}

#[tokio::test]
async fn twenty_creates_under_one_key_are_one_payment() {
    let caller = Caller::exact().await;
    let body = wanted("10.00", false);
    let answers = futures_util::future::join_all((0..20).map(|_| caller.post_as("k", "/payments", &body))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == 200));
    assert_eq!(caller.environment.standins.yookassa_payments().len(), 1);
}

#[tokio::test]
async fn envelope_of_a_post_is_strict() {
    let caller = Caller::exact().await;
    let url = caller.environment.url("/yookassa/v3/payments");
    let post = || caller.environment.http.post(&url).basic_auth("506751", Some("test_demo_key"));
    let json = |key: &str, body: &str| {
        answer(post().header("Idempotence-Key", key).header("content-type", "application/json").body(body.to_owned()))
    };
    let unkeyed = answer(post().header("content-type", "application/json").body("{}")).await;
    assert_eq!((unkeyed.0, &unkeyed.1["parameter"]), (400, &json!("Idempotence-Key")));
    for key in ["", " ", &"k".repeat(65)] {
        let answer = json(key, "{}").await;
        assert_eq!((answer.0, &answer.1["parameter"]), (400, &json!("Idempotence-Key")), "{key}");
    }
    for body in ["{", "nonsense", "[]", "1", "\"{}\"", "{\"amount\":1}x"] {
        assert_eq!(refusal(&json(body, body).await).0, 400, "{body}");
    }
    let form =
        post().header("Idempotence-Key", "form").header("content-type", "application/x-www-form-urlencoded").body("amount=1");
    assert_eq!(refusal(&answer(form).await).0, 415);
    let put = caller.environment.http.put(&url).basic_auth("506751", Some("test_demo_key"));
    assert_eq!(refusal(&answer(put).await).0, 405);
    assert_eq!(answer(caller.environment.http.get(caller.environment.url("/yookassa/v3/payments//capture"))).await.0, 404);
    assert_eq!(caller.environment.standins.yookassa_payments(), [json!(null); 0]);
}

pub(crate) fn with(path: &[&str], value: &Value) -> Value {
    let mut body = wanted("10.00", false);
    let mut place = &mut body;
    for name in path {
        place = &mut place[*name];
    }
    *place = value.clone();
    body
}

#[tokio::test]
async fn each_field_of_a_payment_is_checked() {
    let caller = Caller::exact().await;
    let many: Value = (0..17).map(|number| (number.to_string(), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    let cyrillic = |letters: usize| json!("ж".repeat(letters));
    for (path, value, parameter) in [
        (&["amount"][..], json!(null), "amount"),
        (&["amount"], json!("10.00"), "amount"),
        (&["amount", "value"], json!(10.0), "amount.value"),
        (&["amount", "value"], json!("10"), "amount.value"),
        (&["amount", "value"], json!("10.000"), "amount.value"),
        (&["amount", "value"], json!("1e3"), "amount.value"),
        (&["amount", "value"], json!("-10.00"), "amount.value"),
        (&["amount", "value"], json!("0.00"), "amount.value"),
        (&["amount", "value"], json!("0.99"), "amount.value"),
        (&["amount", "value"], json!("350000.01"), "amount.value"),
        (&["amount", "value"], json!("99999999999999999999.00"), "amount.value"),
        (&["amount", "currency"], json!("USD"), "amount.currency"),
        (&["amount", "extra"], json!("x"), "amount.extra"),
        (&["capture"], json!("false"), "capture"),
        (&["description"], cyrillic(129), "description"),
        (&["metadata"], many, "metadata"),
        (&["metadata", &"k".repeat(33)], json!("x"), "metadata"),
        (&["metadata", "long"], cyrillic(513), "metadata.long"),
        (&["metadata", "order_id"], json!(1001), "metadata.order_id"),
        (&["confirmation"], json!(null), "confirmation"),
        (&["confirmation", "type"], json!("qr"), "confirmation.type"),
        (&["confirmation", "return_url"], json!(null), "confirmation.return_url"),
        (&["confirmation", "return_url"], json!("javascript:alert(1)"), "confirmation.return_url"),
        (&["confirmation", "return_url"], json!("shop.example/back"), "confirmation.return_url"),
        (&["confirmation", "return_url"], json!(format!("https://shop.example/{}", "x".repeat(2040))), "confirmation.return_url"),
        (&["confirmation", "locale"], json!("fr_FR"), "confirmation.locale"),
        (&["payment_method_data", "type"], json!("sbp"), "capture"),
        (&["payment_method_data", "type"], json!("SBP"), "payment_method_data.type"),
        (&["payment_method_data", "type"], json!("google_pay"), "payment_method_data.type"),
        (&["payment_method_data", "type"], json!("apple_pay"), "payment_method_data.type"),
        (&["payment_token"], json!("eyJ0"), "payment_method_data"),
        (&["merchant_customer_id"], cyrillic(201), "merchant_customer_id"),
        (&["capture_mode"], json!("auto"), "capture_mode"),
    ] {
        let answer = caller.post("/payments", &with(path, &value)).await;
        assert_eq!(refusal(&answer).0, 400, "{path:?} {value}");
        assert_eq!(answer.1["parameter"], parameter, "{path:?} {value}");
    }
    for (path, value, parameter) in [
        (&["save_payment_method"][..], json!(true), "save_payment_method"),
        (&["transfers"], json!([{ "account_id": "1" }]), "transfers"),
        (&["deal"], json!({ "id": "1" }), "deal"),
        (&["payment_method_data", "card"], json!({ "number": "1" }), "payment_method_data.card"),
    ] {
        let answer = caller.post("/payments", &with(path, &value)).await;
        assert_eq!((refusal(&answer).0, &answer.1["code"]), (403, &json!("forbidden")), "{path:?}");
        assert_eq!(answer.1["parameter"], parameter);
    }
    assert_eq!(caller.environment.standins.yookassa_payments(), [json!(null); 0]);
    for (path, value) in [
        (&["amount", "value"][..], json!("1.00")),
        (&["amount", "value"], json!("350000.00")),
        (&["description"], cyrillic(128)),
        (&["metadata", &"k".repeat(32)], cyrillic(512)),
        (&["transfers"], json!([])),
        (&["confirmation"], json!({ "type": "embedded" })),
        (&["save_payment_method"], json!(false)),
    ] {
        let answer = caller.post("/payments", &with(path, &value)).await;
        assert_eq!(answer.0, 200, "{path:?} {value}: {}", answer.1);
    }
}

#[tokio::test]
async fn what_real_clients_send_beside_the_documentation_is_taken_and_noted() {
    let caller = Caller::with(Options::default()).await;
    for (path, value, noted) in [
        (&["amount", "value"][..], json!(10.5), "amount.value"),
        (&["amount", "value"], json!("10"), "amount.value"),
        (&["payment_method_id"], json!(null), "payment_method_id"),
        (&["description"], json!(""), "description"),
        (&["payment_options"], json!({}), "payment_options"),
    ] {
        let response = caller.request("/payments", &format!("{path:?}{value}"), &with(path, &value)).send().await.unwrap();
        let note = response.headers()["x-stand-in-note"].to_str().unwrap().to_owned();
        assert!(response.status() == 200 && note.contains(noted), "{note}");
    }
    let half = caller.create(&with(&["amount", "value"], &json!(10.5))).await;
    assert_eq!(half["amount"], rub("10.50"));
}
