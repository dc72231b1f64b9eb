//! `change` and `cancel` of a hold.

use std::time::Duration;

use serde_json::{Value, json};
use standins::{Fault, LimitStatus, System};
use testkit::settings::OPERATOR_KEY;

use crate::{Shop, assert_answer, assert_refused, cart};

#[tokio::test]
async fn a_change_is_one_of_the_order_and_of_what_is_captured() {
    let shop = Shop::held().await;
    let answer = shop.change("3000.00").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_answer!("changed", answer);
    assert_eq!(shop.called(), ["status", "change"]);
    let sent = shop.story.environment.standins().calls_to(System::Mokka, "change")[0].body.clone();
    insta::assert_json_snapshot!("change_request", sent, {".valid_till" => "[moscow time]", ".order_id" => "[payment]"});
    assert_eq!((shop.mokka().amount.as_str(), shop.changes()), ("3000.00", 1));
    let order = shop.story.environment.item("order-holds", &format!("order#{}", shop.order.uuid)).await.unwrap();
    assert_eq!((&order["amount"], &order["lines"][0]["name"]), (&json!(300_000), &json!("Чайник «Өзгөн»")));
    assert_eq!(shop.finish().await.status, 200);
    assert_eq!(shop.mokka().finishes, 1);
    assert_eq!(shop.story.environment.standins().calls_to(System::Mokka, "finish")[0].body["body"]["amount"], json!("3000.00"));
}

#[tokio::test]
async fn a_hold_can_be_held_longer() {
    let shop = Shop::held().await;
    let before = shop.mokka().valid_till;
    let wanted = shop.story.environment.clock().now().plus(Duration::from_hours(29 * 24));
    let mut body = cart("3250.00");
    body["valid_till"] = json!(wanted.rfc3339());
    let answer = shop.ask(shop.event("change", OPERATOR_KEY).json(body.clone())).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["payment"]["valid_till"], body["valid_till"]);
    assert!(shop.mokka().valid_till > before);
    assert_eq!(shop.mokka().valid_till.unix_timestamp(), wanted.seconds());
    // With another amount afterwards, and without an end of its own, it keeps the new end.
    assert_eq!(shop.change("3100.00").await.status, 200);
    assert_eq!(shop.mokka().valid_till.unix_timestamp(), wanted.seconds());
}

#[tokio::test]
async fn a_change_of_the_end_alone_that_is_refused_is_not_called_done() {
    let shop = Shop::held().await;
    let mut body = cart("3250.00");
    body["valid_till"] = json!(shop.story.environment.clock().now().plus(Duration::from_hours(48)).rfc3339());
    shop.story.environment.standins().set_mokka_limit("8880100203", "1.00", LimitStatus::Active).unwrap();
    let answer = shop.ask(shop.event("change", OPERATOR_KEY).json(body)).await;
    assert_refused(&answer, 502, "provider_refused", "limit");
    assert_answer!("refused_by_mokka", answer);
    // Even one that would change nothing.
    let answer = shop.ask(shop.event("change", OPERATOR_KEY).json(cart("3250.00"))).await;
    assert_refused(&answer, 502, "provider_refused", "limit");
    assert_eq!(shop.state().await, "held");
}

#[tokio::test]
async fn the_end_of_a_hold_is_in_the_future_but_not_far() {
    let shop = Shop::held().await;
    let now = shop.story.environment.clock().now();
    for at in [now.rfc3339(), "2020-01-01T00:00:00Z".to_owned(), now.plus(Duration::from_hours(721)).rfc3339()] {
        let mut body = cart("3250.00");
        body["valid_till"] = at.clone().into();
        let answer = shop.ask(shop.event("change", OPERATOR_KEY).json(body)).await;
        assert_eq!(answer.status, 400, "{at}");
        assert!(answer.json()["error"].as_str().unwrap().contains("`valid_till`"), "{}", answer.body);
    }
    shop.story.environment.advance(Duration::from_hours(337));
    let answer = shop.change("3000.00").await;
    assert_eq!(answer.status, 400, "its own end has passed: {}", answer.body);
    assert!(shop.changing().is_empty());
}

#[tokio::test]
async fn the_amounts_of_the_cart_need_not_add_up() {
    let shop = Shop::held().await;
    let cart = json!([
        {"name": "Чай на развес", "price": "99.99", "quantity": 0.125},
        {"name": "Подарок", "price": "0.00", "quantity": "1"}
    ]);
    let answer = shop.ask(shop.event("change", OPERATOR_KEY).json(json!({"amount": "1000.00", "cart": cart}))).await;
    assert_eq!((answer.status, shop.mokka().amount.as_str()), (200, "1000.00"), "{}", answer.body);
}

#[tokio::test]
async fn a_hold_is_let_go() {
    for body in [None, Some(json!({}))] {
        let shop = Shop::held().await;
        let event = shop.event("cancel", OPERATOR_KEY);
        let answer = shop
            .ask(match body {
                Some(body) => event.json(body),
                None => event,
            })
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_answer!("canceled", answer);
        assert_eq!(shop.called(), ["status", "cancel"]);
        assert_eq!((shop.mokka().cancels, shop.state().await.as_str()), (1, "canceled"));
        assert_refused(&shop.cancel().await, 409, "already_canceled", "again");
        assert_eq!(shop.story.create(&shop.order).await.json()["paymentId"], json!(shop.order.payment(2)));
    }
}

#[tokio::test]
async fn a_command_without_fields_takes_none() {
    let shop = Shop::held().await;
    for action in ["cancel", "settle"] {
        for body in [json!({"amount": "1.00"}), json!({"reason": "x"})] {
            let answer = shop.ask(shop.event(action, OPERATOR_KEY).json(body)).await;
            assert_eq!(answer.status, 400, "{action}: {}", answer.body);
        }
    }
    assert!(shop.called().is_empty());
    assert_eq!(shop.look().await["intent"], Value::Null);
}

/// A change whose only line says this too.
fn taxed(said: &Value) -> Value {
    let mut body = cart("3000.00");
    body["cart"][0].as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
    body
}

/// What the order's only line says for receipts.
async fn words(shop: &Shop) -> [Value; 3] {
    let order = shop.story.environment.item("order-holds", &format!("order#{}", shop.order.uuid)).await.unwrap();
    ["vat", "subject", "mode"].map(|field| order["lines"][0][field].clone())
}

#[tokio::test]
async fn words_for_receipts_come_with_the_cart_and_stay_without_one() {
    let shop = Shop::held().await;
    let said = json!({"vat": "20 %", "subject": "Commodity", "mode": "full_prepayment"});
    let stored = [json!("20"), json!("commodity"), json!("full_prepayment")];
    let change = async |body: Value| shop.ask(shop.event("change", OPERATOR_KEY).json(body)).await;
    let answer = change(taxed(&said)).await;
    assert_eq!((answer.status, words(&shop).await), (200, stored.clone()), "{}", answer.body);
    let call = &shop.story.environment.standins().calls_to(System::Mokka, "change")[0];
    assert!(!call.body.to_string().contains("full_prepayment"), "Mokka has no such fields: {}", call.body);
    let wanted = shop.story.environment.clock().now().plus(Duration::from_hours(48));
    assert_eq!(change(json!({"valid_till": wanted.rfc3339()})).await.status, 200);
    assert_eq!(words(&shop).await, stored, "only the end was moved");
    assert_eq!(change(taxed(&json!({"vat": 10, "subject": null}))).await.status, 200);
    assert_eq!(words(&shop).await, [json!("10"), Value::Null, Value::Null], "a cart is said whole");
}

#[tokio::test]
async fn words_for_receipts_outlive_a_change_without_an_answer() {
    let shop = Shop::held().await;
    // As often as it is tried in one request.
    shop.story.environment.standins().fault(System::Mokka, "change", Fault::Reset, 2).unwrap();
    let body = taxed(&json!({"vat": 20, "subject": "service", "mode": "advance"}));
    let answer = shop.ask(shop.event("change", OPERATOR_KEY).json(body)).await;
    assert_eq!((answer.status, words(&shop).await), (202, [Value::Null, Value::Null, Value::Null]), "{}", answer.body);
    shop.story.environment.advance(Duration::from_mins(10));
    shop.story.environment.tick().await;
    assert_eq!(shop.mokka().amount, "3000.00");
    assert_eq!(words(&shop).await, [json!("20"), json!("service"), json!("advance")], "from the stored intent");
}

#[tokio::test]
async fn word_for_receipts_that_cannot_be_read_is_refused_and_named() {
    let shop = Shop::held().await;
    for field in ["vat", "subject", "mode"] {
        for word in [json!("НДС 20%"), json!(""), json!(-20), json!(true), json!(["20"])] {
            let answer = shop.ask(shop.event("change", OPERATOR_KEY).json(taxed(&json!({field: word})))).await;
            assert_eq!(answer.status, 400, "{field} {word}: {}", answer.body);
            let error = answer.json()["error"].as_str().unwrap().to_owned();
            assert!(error.contains(&format!("field `cart[0].{field}`: must be a word like 20, none")), "{error}");
        }
    }
    assert!(shop.changing().is_empty());
    assert_eq!(words(&shop).await, [Value::Null, Value::Null, Value::Null]);
}
