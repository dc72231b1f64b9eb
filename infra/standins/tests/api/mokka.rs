use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use standins::{Decision, Fault, MokkaStatus, Options, SignatureOrder, System};

use crate::environment::{PDF, TestEnvironment, answer, pdf, signature, valid_till};

const CHECKOUT: &str = "/factoring/v1/precheck/auth";

/// Sets a value deep inside a Checkout, or removes it if it is `None`.
fn set(body: &mut Value, pointer: &str, value: Option<Value>) {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(field.to_owned(), value),
        None => parent.remove(field),
    };
}

#[tokio::test]
async fn an_order_goes_from_checkout_to_finished() {
    let environment = TestEnvironment::start().await;
    let answer = environment.checkout("R-1").await;
    assert_eq!((&answer["status"], &answer["message"]), (&json!(0), &json!("Payload valid")));
    let url = answer["iframe_url"].as_str().unwrap();
    assert!(url.starts_with(&environment.url("/mokka/form/")), "{url}");

    let status = environment.status("R-1").await;
    let pending = json!({ "order_id": "R-1", "expired": false, "status": "pending", "decision": null,
        "amount": "4500.00", "term": null });
    assert_eq!(status["current_order"], pending);

    environment.standins.decide("R-1", Decision::Approved, false, 1).await.unwrap();
    let held = &environment.status("R-1").await["current_order"];
    assert_eq!((&held["status"], &held["decision"], &held["term"]), (&json!("hold"), &json!("approved"), &json!(3)));

    assert_eq!(environment.finish("R-1", "4500.00").await, json!({ "status": 0, "message": "Payload valid" }));
    assert_eq!(environment.finish("R-1", "4500.00").await["status"], 80);
    assert_eq!(environment.cancel("R-1").await["status"], 81);
    assert_eq!(environment.checkout("R-1").await["status"], 22);
    let order = environment.standins.mokka_order("R-1").unwrap();
    assert_eq!((order.status, order.finishes, order.checkouts), (MokkaStatus::Finished, 1, 1));
    assert_eq!(order.check_number.as_deref(), Some("N-1"));
}

#[tokio::test]
async fn a_hold_is_canceled_once() {
    let environment = TestEnvironment::start().await;
    assert_eq!(environment.cancel("R-1").await["status"], 24);
    environment.checkout("R-1").await;
    assert_eq!(environment.cancel("R-1").await["status"], 81, "nothing is held yet");
    environment.standins.decide("R-1", Decision::Approved, false, 1).await.unwrap();
    assert_eq!(environment.cancel("R-1").await["status"], 0);
    assert_eq!(environment.cancel("R-1").await["status"], 81);
    assert_eq!(environment.finish("R-1", "4500.00").await["status"], 80);
    assert_eq!(environment.standins.mokka_order("R-1").unwrap().cancels, 1);
}

#[tokio::test]
async fn a_checkout_may_be_repeated_until_it_is_decided() {
    let environment = TestEnvironment::start().await;
    let first = environment.checkout("R-1").await["iframe_url"].clone();
    let mut body = environment.checkout_body("R-1");
    set(&mut body, "/current_order/amount", Some(json!("5000.00")));
    let second = environment.mokka(CHECKOUT, &body).await["iframe_url"].clone();
    assert_ne!(first, second);
    let order = environment.standins.mokka_order("R-1").unwrap();
    assert_eq!((order.amount.as_str(), order.checkouts), ("5000.00", 2));
    assert_eq!(Some(order.form_url.as_str()), second.as_str());
    assert_eq!(environment.http.get(first.as_str().unwrap()).send().await.unwrap().status(), 404);

    environment.standins.decide("R-1", Decision::Approved, false, 1).await.unwrap();
    assert_eq!(environment.checkout("R-1").await["iframe_url"], second, "a hold keeps its form");
    let order = environment.standins.mokka_order("R-1").unwrap();
    assert_eq!((order.status, order.amount.as_str()), (MokkaStatus::Hold, "5000.00"));
}

#[tokio::test]
async fn a_hold_is_for_one_phone() {
    let environment = TestEnvironment::start().await;
    environment.checkout("R-1").await;
    environment.standins.decide("R-1", Decision::Approved, false, 1).await.unwrap();
    for (phone, code) in [(Some(json!("8887654321")), 70), (Some(json!("8881234567")), 0), (None, 0)] {
        let mut body = environment.checkout_body("R-1");
        set(&mut body, "/primary_phone", phone.clone());
        assert_eq!(environment.mokka(CHECKOUT, &body).await["status"], code, "{phone:?}");
    }
    assert_eq!(environment.standins.mokka_order("R-1").unwrap().checkouts, 3);
}

#[tokio::test]
async fn every_documented_code_can_be_made_to_come() {
    let environment = TestEnvironment::start().await;
    let codes = [10, 20, 21, 22, 23, 24, 30, 31, 32, 33, 34, 35, 40, 41, 50, 51, 60, 61, 62, 70, 71, 80, 81, 82, 90, 100, 110];
    let mut messages = std::collections::BTreeSet::new();
    for method in System::Mokka.methods() {
        for code in codes {
            environment.standins.fault(System::Mokka, method, Fault::Status(code), 1).unwrap();
        }
    }
    for code in codes {
        for path in ["precheck/auth", "precheck/change", "precheck/cancel", "precheck/finish", "return", "status", "schedule"] {
            let answer = environment.mokka(&format!("/factoring/v1/{path}"), &json!({})).await;
            assert_eq!(answer["status"], code, "{path}");
            messages.insert(answer["message"].as_str().unwrap().to_owned());
        }
        assert_eq!(environment.mokka("/factoring/v1/limit/auth", &json!({})).await["status"], code);
        assert_eq!(environment.mokka("/api/external/v1/client/limit", &json!({})).await["meta"]["status"], code);
    }
    assert_eq!(messages.len(), codes.len(), "each has a message of its own: {messages:?}");
}

#[tokio::test]
async fn time_runs_out() {
    let environment = TestEnvironment::start().await;
    for order in ["R-1", "R-2", "R-3"] {
        environment.checkout(order).await;
    }
    environment.standins.decide("R-2", Decision::Approved, false, 1).await.unwrap();
    environment.standins.decide("R-3", Decision::Approved, false, 1).await.unwrap();
    assert_eq!(environment.finish("R-3", "4500.00").await["status"], 0);
    environment.advance(3601).await;

    let order = &environment.status("R-1").await["current_order"];
    assert_eq!((&order["status"], &order["expired"], &order["decision"]), (&json!("expired"), &json!(true), &json!(null)));
    assert_eq!(environment.checkout("R-1").await["status"], 23);
    let late = environment.standins.decide("R-1", Decision::Approved, false, 1).await.unwrap_err();
    assert!(late.to_string().contains("expired"), "{late}");

    assert_eq!(environment.status("R-2").await["current_order"]["status"], "expired");
    assert_eq!(environment.finish("R-2", "4500.00").await["status"], 23);
    assert_eq!(environment.status("R-2").await["current_order"]["status"], "canceled");
    assert_eq!(environment.finish("R-2", "4500.00").await["status"], 80);
    assert_eq!(environment.standins.mokka_order("R-2").unwrap().finishes, 0);

    let order = &environment.status("R-3").await["current_order"];
    assert_eq!((&order["status"], &order["expired"]), (&json!("finished"), &json!(true)));
}

#[tokio::test]
async fn the_store_and_the_signature_are_checked_first() {
    let environment = TestEnvironment::start().await;
    let body = environment.checkout_body("R-1").to_string();
    let good = signature(&body);
    let upper = good.to_uppercase();
    for (query, code) in [
        (String::new(), 50),
        (format!("store_id=&signature={good}"), 50),
        (format!("store_id=073&signature={good}"), 51),
        (format!("store_id=072&signature={good}"), 51),
        ("store_id=72".to_owned(), 60),
        (format!("store_id=72&signature={upper}"), 61),
        (format!("store_id=72&signature={}", signature(&format!("{body} "))), 61),
        (format!("store_id=72&signature={good}"), 0),
    ] {
        let request = environment.http.post(environment.url(&format!("/mokka{CHECKOUT}?{query}")));
        let request = request.header("content-type", "application/json").body(body.clone());
        let (http, answer) = answer(request).await;
        assert_eq!((http, &answer["status"]), (200, &json!(code)), "{query}");
    }
}

#[tokio::test]
async fn one_order_of_the_signature_is_right() {
    let options = Options { mokka_signature: SignatureOrder::SecretBody, ..Options::default() };
    let environment = TestEnvironment::with(options).await;
    assert_eq!(environment.checkout("R-1").await["status"], 61, "body + secret");
}

#[tokio::test]
async fn each_field_of_a_checkout_has_its_code() {
    let environment = TestEnvironment::with(Options { exact_requests: true, ..Options::default() }).await;
    for (pointer, value, code) in [
        ("/current_order", None, 20),
        ("/current_order/order_id", None, 20),
        ("/current_order/order_id", Some(json!("")), 21),
        ("/current_order/order_id", Some(json!(17)), 21),
        ("/current_order/order_id", Some(json!("x".repeat(256))), 21),
        ("/current_order/amount", None, 30),
        ("/current_order/amount", Some(json!(4500.00)), 30),
        ("/current_order/amount", Some(json!("4500")), 30),
        ("/current_order/amount", Some(json!("4500.0")), 30),
        ("/current_order/prepayment_amount", Some(json!("1")), 31),
        ("/current_order/amount", Some(json!("999.99")), 33),
        ("/current_order/amount", Some(json!("1000.00")), 0),
        ("/current_order/amount", Some(json!("150000.00")), 0),
        ("/current_order/amount", Some(json!("150000.01")), 33),
        ("/current_order/term", Some(json!(5)), 34),
        ("/current_order/term", Some(json!("3")), 34),
        ("/current_order/prepayment_amount", Some(json!("4500.01")), 35),
        ("/callback_url", None, 40),
        ("/callback_url", Some(json!("")), 40),
        ("/callback_url", Some(json!("http://shop.example/x")), 40),
        ("/redirect_url", None, 41),
        ("/redirect_url", Some(json!("javascript:alert(1)")), 41),
        ("/current_order/valid_till", Some(json!("2026-07-21 12:08:01+03:00")), 110),
        ("/current_order/valid_till", Some(json!("21.07.2026 12:08:01")), 110),
        ("/current_order/valid_till", Some(json!("1.7.2026 12:08:01+03:00")), 110),
        ("/current_order/valid_till", None, 0),
        ("/current_order/valid_til", Some(json!(valid_till(60))), 100),
        ("/primary_phone", Some(json!("88812345678")), 100),
        ("/primary_phone", Some(json!(null)), 100),
        ("/primary_email", Some(json!("anna")), 100),
        ("/cart_items/0/price", Some(json!("4500.00")), 100),
        ("/cart_items/0/name", Some(json!("")), 100),
        ("/cart_items/0/name", None, 100),
        ("/cart_items/0/quantity", Some(json!(1.5)), 100),
        ("/skip_result_page", Some(json!("true")), 100),
        ("/additional_data", Some(json!({ "channel": "web" })), 100),
        ("/person/birth_date", Some(json!("1975-01-15")), 100),
        ("/key", Some(json!("value")), 100),
    ] {
        let mut body = environment.checkout_body(&format!("R{}", pointer.len()));
        if let Some(index) = pointer.strip_prefix("/cart_items/0") {
            set(&mut body["cart_items"][0], index, value.clone());
        } else {
            set(&mut body, pointer, value.clone());
        }
        let answer = environment.mokka(CHECKOUT, &body).await;
        assert_eq!(answer["status"], code, "{pointer} {value:?}: {answer}");
    }
}

#[tokio::test]
async fn what_real_clients_send_beside_the_document_is_taken_and_noted() {
    let environment = TestEnvironment::start().await;
    let long = json!({ "system": "bitrix", "version": 24 });
    for (pointer, value, note) in [
        ("/current_order/order_id", json!(17), Some("current_order.order_id is not written as in the document")),
        ("/current_order/amount", json!(4500.00), Some("current_order.amount is not")),
        ("/current_order/amount", json!("4500"), Some("current_order.amount is not")),
        ("/current_order/amount", json!("4500,5"), Some("current_order.amount is not")),
        ("/current_order/prepayment_amount", json!(1), Some("current_order.prepayment_amount is not")),
        ("/current_order/term", json!("3"), Some("current_order.term is not")),
        ("/current_order/term", Value::Null, Some("current_order.term says nothing")),
        ("/current_order/currency", json!("RUB"), Some("current_order.currency is not in the document")),
        ("/primary_phone", json!("+7 (926) 818-06-21"), Some("primary_phone is not")),
        ("/primary_phone", json!("89268180621"), Some("primary_phone is not")),
        ("/primary_phone", Value::Null, Some("primary_phone says nothing")),
        ("/primary_email", json!(" "), Some("primary_email says nothing")),
        ("/cart_items/0/price", json!("4500.00"), Some("cart_items[0].price is not")),
        ("/cart_items/0/sku", json!(17), Some("cart_items[0].sku is not")),
        ("/cart_items/0/quantity", json!("0.5"), Some("cart_items[0].quantity is not")),
        ("/cart_items/0/quantity", json!(1.5), None),
        ("/skip_result_page", json!(1), Some("skip_result_page is not")),
        ("/cms", long, Some("cms is not in the document")),
        ("/primary_phone", json!("9268180621"), None),
    ] {
        let mut body = environment.checkout_body(&format!("R{}", pointer.len()));
        match pointer.strip_prefix("/cart_items/0") {
            Some(index) => set(&mut body["cart_items"][0], index, Some(value.clone())),
            None => set(&mut body, pointer, Some(value.clone())),
        }
        let (status, said) = environment.refusal(CHECKOUT, &body).await;
        assert_eq!(status, 0, "{pointer} {value}: {said}");
        assert_eq!(said.contains(note.unwrap_or("taken")), note.is_some(), "{pointer} {value}: {said}");
    }
    // What it means, and not only that it is taken.
    let order = environment.standins.mokka_order("17").unwrap();
    assert_eq!((order.amount.as_str(), order.primary_phone.as_deref()), ("4500.00", Some("8881234567")));
    // What cannot be read stays refused.
    for (pointer, value, code) in [
        ("/current_order/amount", json!("много"), 30),
        ("/current_order/amount", Value::Null, 30),
        ("/current_order/term", json!("три"), 34),
        ("/primary_phone", json!("996770001122"), 100),
        ("/skip_result_page", json!("yes"), 100),
        ("/current_order/valid_till", json!("2026-07-21T12:08:01Z"), 110),
    ] {
        let mut body = environment.checkout_body("R-1");
        set(&mut body, pointer, Some(value.clone()));
        assert_eq!(environment.mokka(CHECKOUT, &body).await["status"], code, "{pointer} {value}");
    }
}

#[tokio::test]
async fn what_is_not_json_is_10_and_the_note_says_why() {
    let environment = TestEnvironment::start().await;
    let url = |body: &str| environment.url(&format!("/mokka{CHECKOUT}?store_id=72&signature={}", signature(body)));
    for (content_type, body) in [("application/json", "{"), ("application/json", "[]"), ("text/plain", "{}")] {
        let request = environment.http.post(url(body)).header("content-type", content_type).body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(!response.headers()["x-stand-in-note"].is_empty());
        let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(answer, json!({ "status": 10, "message": "JSON decode error" }), "{content_type} {body}");
    }
}

#[tokio::test]
async fn a_finish_must_be_complete_and_exact() {
    let environment = TestEnvironment::start().await;
    environment.checkout("R-1").await;
    assert_eq!(environment.finish("R-0", "4500.00").await["status"], 24);
    assert_eq!(environment.finish("R-1", "4500.00").await["status"], 100, "pending");
    environment.standins.decide("R-1", Decision::Approved, false, 1).await.unwrap();
    assert_eq!(environment.finish("R-1", "4500.01").await["status"], 32);
    assert_eq!(environment.finish("R-1", "4500,0,0").await["status"], 30);

    let body = json!({ "order_id": "R-1", "amount": "4500.00" }).to_string();
    let file = |bytes: &'static [u8]| Part::bytes(bytes).file_name("check.pdf");
    let wrong = [
        (Form::new().text("body", body.clone()), 62),
        (Form::new().text("body", body.clone()).text("check", "%PDF"), 62),
        (Form::new().text("body", body.clone()).part("check", file(PDF)), 62),
        (Form::new().text("body", body.clone()).part("check", file(b"GIF").mime_str("application/pdf").unwrap()), 62),
        (Form::new().part("check", pdf()), 10),
        (Form::new().part("body", Part::text(body.clone()).file_name("body.json")).part("check", pdf()), 10),
        (Form::new().text("body", body.clone()).part("check", pdf()).text("more", "1"), 10),
        (Form::new().text("body", format!("{body} ")).part("check", pdf()), 61),
    ];
    for (number, (form, code)) in wrong.into_iter().enumerate() {
        let (_, answer) = answer(environment.finish_request(&body, form)).await;
        assert_eq!(answer["status"], code, "form {number}: {answer}");
    }
    let plain = environment.mokka("/factoring/v1/precheck/finish", &json!({ "order_id": "R-1", "amount": "4500.00" })).await;
    assert_eq!(plain["status"], 10, "not multipart");
    assert_eq!(environment.standins.mokka_order("R-1").unwrap().finishes, 0);

    environment.standins.forget_calls();
    assert_eq!(environment.finish("R-1", "4500.00").await["status"], 0);
    let calls = environment.standins.calls_to(System::Mokka, "finish");
    assert_eq!(calls.len(), 1);
    assert_eq!(&calls[0].check.as_ref().unwrap().bytes[..], PDF);
    let shown = environment.get("/control/calls?system=mokka").await;
    let check = json!({ "filename": "check.pdf", "content_type": "application/pdf", "size": PDF.len() });
    assert_eq!(shown[0]["body"]["check"], check);
    assert_eq!(shown[0]["body"]["body"]["amount"], "4500.00");
    assert_eq!(signature(shown[0]["raw"].as_str().unwrap()), shown[0]["query"]["signature"]);
}

#[tokio::test]
async fn a_test_may_put_the_provider_anywhere() {
    let environment = TestEnvironment::start().await;
    environment.checkout("R-1").await;
    assert!(environment.standins.set_mokka_status("R-0", "hold").is_err());
    for status in ["hold", "finished", "canceled", "declined", "refunded", "expired", "on_the_moon"] {
        environment.standins.set_mokka_status("R-1", status).unwrap();
        assert_eq!(environment.status("R-1").await["current_order"]["status"], status);
    }
    environment.standins.set_mokka_status("R-1", MokkaStatus::Hold).unwrap();
    environment.standins.set_mokka_amount("R-1", "4999.0").unwrap();
    assert_eq!(environment.status("R-1").await["current_order"]["amount"], "4999.0");
    assert_eq!(environment.finish("R-1", "4500.00").await["status"], 32);
    assert_eq!(environment.finish("R-1", "4999.00").await["status"], 0);
}
