//! `change` and `cancel` of a hold.

use std::time::Duration;

use serde_json::{Value, json};
use standins::{LimitStatus, System};
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
