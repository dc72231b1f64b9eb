//! Paths, methods, sizes, bodies of every bad kind, and a store that is down.

use serde_json::{Value, json};
use testkit::Event;
use testkit::settings::{CASHIER_KEY, OPERATOR_KEY, VIEWER_KEY};

use crate::{Shop, cart, get, post};

#[tokio::test]
async fn paths_and_methods_are_held() {
    let shop = Shop::held().await;
    for path in [
        "",
        "nothing",
        "payments/1001-1/refund",
        "payments/1001-1/finish/now",
        "orders/1/2",
        "orders/search/1",
        "reindex/1",
        "limits/1",
        "payments//finish",
    ] {
        assert_eq!(
            shop.ask(post(path).key(CASHIER_KEY)).await.status,
            if path == "payments//finish" { 405 } else { 404 },
            "{path}"
        );
    }
    for (method, path, allow) in [
        ("POST", "orders/1001", "GET"),
        ("POST", "payments", "GET"),
        ("POST", "orders", "GET"),
        ("GET", "orders/search", "POST"),
        ("GET", "reindex", "POST"),
        ("DELETE", "payments/1001-1", "GET"),
        ("GET", "payments/1001-1/finish", "POST"),
        ("PUT", "payments/1001-1/cancel", "POST"),
        ("GET", "payments/1001-1/refunds", "POST"),
        ("GET", "limits", "POST"),
        ("GET", "schedules", "POST"),
        ("PATCH", "registrations/0123456789abcdef0123456789abcdef", "GET"),
    ] {
        let answer = shop.ask(Event::new(method, &format!("/v1/back-office/{path}")).key(CASHIER_KEY)).await;
        assert_eq!((answer.status, answer.headers["allow"].as_str()), (405, allow), "{method} {path}");
    }
}

#[tokio::test]
async fn both_kinds_of_events_are_answered_alike() {
    let shop = Shop::held().await;
    for event in [
        get("payments").query("state", "held").query("limit", "10").key(VIEWER_KEY),
        get(&format!("orders/{}", shop.order.id)).key(VIEWER_KEY),
        shop.event("settle", OPERATOR_KEY),
        shop.event("refunds", CASHIER_KEY).header("Idempotency-Key", "key").json(json!({"amount": "1.00"})),
        shop.event("cancel", VIEWER_KEY),
    ] {
        let (rest, v2) = (shop.story.back_office(event.rest()).await, shop.story.back_office(event.v2()).await);
        assert_eq!((rest.status, rest.json()), (v2.status, v2.json()), "{event:?}");
    }
}

#[tokio::test]
async fn bodies_are_small() {
    let shop = Shop::held().await;
    let large = " ".repeat(1024 * 1024 + 1);
    for action in ["cancel", "change", "settle"] {
        assert_eq!(shop.ask(shop.event(action, OPERATOR_KEY).text(&large)).await.status, 413, "{action}");
    }
    let six_megabytes = format!("{{\"document\":\"{}\"}}", "A".repeat(6_000_000));
    assert_eq!(shop.ask(shop.event("finish", OPERATOR_KEY).text(&six_megabytes)).await.status, 413);
    assert!(shop.called().is_empty());
}

#[tokio::test]
async fn whatever_is_not_understood_is_refused_and_named() {
    let shop = Shop::held().await;
    let with = |change: fn(&mut Value)| {
        let mut body = cart("3000.00");
        change(&mut body);
        body
    };
    for (action, body, wanted) in [
        ("change", json!({}), "field `amount`: missing"),
        ("change", json!({"amount": "1.00"}), "field `cart`: missing"),
        ("change", with(|body| drop(body.as_object_mut().unwrap().remove("amount"))), "field `amount`: missing"),
        ("change", with(|body| body["amount"] = true.into()), "`amount`"),
        ("change", with(|body| body["amount"] = "3.000".into()), "`amount`"),
        ("change", with(|body| body["amount"] = "0.00".into()), "`amount`"),
        ("change", with(|body| body["amount"] = "1e9999999999".into()), "`amount`"),
        ("change", with(|body| body["amount"] = "999999999999999999999999999999.00".into()), "`amount`"),
        ("change", with(|body| body["cart"] = json!([])), "`cart`"),
        ("change", with(|body| body["cart"] = json!({})), "`cart`"),
        ("change", with(|body| body["cart"] = Value::Null), "`cart`"),
        ("change", with(|body| body["cart"] = vec![body["cart"][0].clone(); 201].into()), "`cart`"),
        ("change", with(|body| body["cart"][0]["name"] = " ".into()), "`cart[0].name`"),
        ("change", with(|body| body["cart"][0]["name"] = "x".repeat(256).into()), "`cart[0].name`"),
        ("change", with(|body| body["cart"][0]["price"] = "1.500".into()), "`cart[0].price`"),
        ("change", with(|body| body["cart"][0]["price"] = "-1.00".into()), "`cart[0].price`"),
        ("change", with(|body| body["cart"][0]["quantity"] = 0.into()), "`cart[0].quantity`"),
        ("change", with(|body| body["cart"][0]["quantity"] = (-1).into()), "`cart[0].quantity`"),
        ("change", with(|body| body["cart"][0]["quantity"] = "1.0001".into()), "`cart[0].quantity`"),
        ("change", with(|body| body["cart"][0]["qty"] = 1.into()), "unknown field `qty`"),
        ("change", with(|body| body["valid_until"] = "2026-12-01T00:00:00Z".into()), "unknown field `valid_until`"),
        ("change", with(|body| body["valid_till"] = Value::Null), "`valid_till`"),
        ("change", with(|body| body["valid_till"] = "01.12.2026".into()), "`valid_till`"),
        ("change", with(|body| body["valid_till"] = 1_795_305_600_i64.into()), "`valid_till`"),
        ("finish", json!({"check_number": ""}), "`check_number`"),
        ("finish", json!({"check_number": "x".repeat(101)}), "`check_number`"),
        ("finish", json!({"check_number": "a\u{0}b"}), "`check_number`"),
        ("finish", json!({"check_number": 7}), "`check_number`"),
        ("finish", json!({"check_link": "http://ofd.example/1"}), "`check_link`"),
        ("finish", json!({"check_link": "ofd.example/1"}), "`check_link`"),
        ("finish", json!({"check_link": "https://"}), "`check_link`"),
        ("finish", json!({"check_link": "https://ofd.example/\n1"}), "`check_link`"),
        ("finish", json!({"document": null}), "`document`"),
        ("finish", json!({"document": 5}), "`document`"),
        ("finish", json!({"documents": "JVBERi0="}), "unknown field `documents`"),
    ] {
        let answer = shop.ask(shop.event(action, OPERATOR_KEY).json(body.clone())).await;
        assert_eq!(answer.status, 400, "{action} {body}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(wanted), "{wanted}: {}", answer.body);
    }
    for text in ["{", "[]", "null", "7", "\u{feff}{}x", &"[".repeat(40_000)] {
        for action in ["finish", "cancel", "change", "settle"] {
            let answer = shop.ask(shop.event(action, OPERATOR_KEY).text(text)).await;
            assert_eq!(answer.status, 400, "{action} {text:.20}: {}", answer.body);
        }
    }
    assert_eq!(shop.ask(shop.event("cancel", OPERATOR_KEY).bytes(b"{\xff\xfe}")).await.status, 400);
    assert_eq!(shop.ask(shop.event("cancel", OPERATOR_KEY).query("force", "true")).await.status, 400);
    assert!(shop.called().is_empty());
    assert_eq!(shop.state().await, "held");
}

#[tokio::test]
async fn the_largest_cart_fits_into_the_store() {
    let shop = Shop::held().await;
    let line = json!({"name": "ы".repeat(255), "price": "1.00", "quantity": 1, "sku": "s".repeat(200)});
    let body = json!({"amount": "3000.00", "cart": vec![line; 200]});
    let answer = shop.ask(shop.event("change", OPERATOR_KEY).json(body)).await;
    assert_eq!(answer.status, 200, "{:.300}", answer.body);
}

#[tokio::test]
async fn a_store_that_is_down_is_our_fault_and_said_so() {
    let shop = Shop::held().await;
    let broken = shop.story.environment.build(back_office::Deps::from_env, &[("DYNAMODB_ENDPOINT", "http://127.0.0.1:9")]);
    for event in [shop.event("finish", OPERATOR_KEY), get("payments").query("state", "held").key(VIEWER_KEY)] {
        let answer = testkit::invoke(&broken, |deps, request| Box::pin(back_office::handle(deps, request)), event.rest()).await;
        assert_eq!(answer.status, 500);
        assert_eq!(answer.json()["code"], json!("internal"));
        assert!(!answer.body.contains("127.0.0.1"), "{}", answer.body);
    }
    assert!(shop.called().is_empty());
}

#[tokio::test]
async fn every_error_has_a_code_and_says_in_english_what_would_be_right() {
    let shop = Shop::pending().await;
    let event =
        |method: &str, path: &str| Event::new(method, &format!("/v1/back-office/{path}")).key(testkit::settings::CASHIER_KEY);
    let payment = format!("payments/{}", shop.payment);
    let large = "x".repeat(1_100_000);
    let cases = [
        (event("GET", &payment).key("wrong"), 401, "unauthorized", "Authorization: Bearer"),
        (event("GET", "payments/9999-1"), 404, "not_found", "no such route"),
        (event("GET", "nothing"), 404, "not_found", "no such route"),
        (event("DELETE", &payment), 405, "method_not_allowed", "GET"),
        (event("GET", "payments").query("surplus", "1"), 400, "bad_request", "only these query parameters"),
        (event("GET", "payments").query("state", "lost"), 400, "bad_request", "state"),
        (event("POST", &format!("{payment}/cancel")).json(json!({"surplus": 1})), 400, "bad_request", "surplus"),
        (event("POST", &format!("{payment}/refunds")).json(json!({})), 400, "bad_request", "Idempotency-Key"),
        (event("POST", &format!("{payment}/cancel")).json(json!({"text": large})), 413, "too_large", "bytes"),
        (event("POST", &format!("{payment}/finish")).json(json!({})), 409, "not_held", "cancel"),
    ];
    for (event, status, code, right) in cases {
        let answer = shop.ask(event).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        let body = answer.json();
        let error = body["error"].as_str().unwrap();
        assert_eq!((&body["success"], &body["code"]), (&json!(false), &json!(code)), "{body}");
        assert!(error.contains(right) && error.is_ascii(), "{error}");
    }
    let broken = shop.story.environment.build(back_office::Deps::from_env, &[("DYNAMODB_ENDPOINT", "http://127.0.0.1:9")]);
    let answer =
        testkit::invoke(&broken, |deps, request| Box::pin(back_office::handle(deps, request)), event("GET", &payment).rest())
            .await;
    let body = answer.json();
    assert_eq!((answer.status, &body["code"]), (500, &json!("internal")));
    assert!(body["error"].as_str().unwrap().is_ascii() && !answer.body.contains("127.0.0.1"), "{body}");
}
