//! A hold that waits for the goods: how long it lives, and who is told before it ends.

use std::time::Duration;

use serde_json::{Value, json};
use standins::{Decision, Fault, System};
use testkit::settings::OPERATOR_KEY;

use crate::{AMOUNT, Shop, assert_refused};

const DAY: Duration = Duration::from_hours(24);

async fn after(shop: &Shop, time: Duration) {
    shop.story.environment.advance(time);
    shop.story.environment.tick().await;
}

/// Mokka answers the change that is to move the hold's end with this fault.
async fn held_with(fault: &str, times: u32) -> Shop {
    let shop = Shop::pending().await;
    shop.story.decide(&shop.payment, Decision::Approved).await;
    shop.story.environment.standins().fault(System::Mokka, "change", fault.parse::<Fault>().unwrap(), times).unwrap();
    assert_eq!(shop.story.callback(&shop.payment, "approved").await.status, 200);
    assert_eq!(shop.state().await, "held");
    shop
}

async fn hours_of(shop: &Shop, field: &str) -> i64 {
    let stored = shop.stored().await;
    (stored[field].as_i64().unwrap() - stored["created_at"].as_i64().unwrap()) / 3_600_000
}

#[tokio::test]
async fn hold_outlives_the_form() {
    let shop = Shop::pending().await;
    assert_eq!(hours_of(&shop, "valid_till").await, 24, "the customer has a day for the form");
    shop.story.decide(&shop.payment, Decision::Approved).await;
    assert_eq!(shop.story.callback(&shop.payment, "approved").await.status, 200);
    let called: Vec<_> = shop.called();
    assert_eq!(called, ["status", "change", "status"], "one call more than a hold that is captured at once");
    assert_eq!((hours_of(&shop, "hold_until").await, shop.mokka().amount.as_str()), (336, AMOUNT));
    assert_eq!(shop.look().await["hold_until"], shop.look().await["valid_till"]);
    for _ in 0..48 {
        after(&shop, Duration::from_hours(1)).await;
    }
    let seen = shop.look().await;
    assert_eq!((&seen["state"], &seen["attention"]), (&json!("held"), &json!(false)));
    assert_eq!(shop.changes(), 0, "moved once");
    assert_eq!(shop.finish().await.status, 200, "shipped on the third day");
}

#[tokio::test]
async fn immediate_capture_extends_no_hold() {
    let shop = Shop::with(&[("MOKKA_FINISH", "on_hold")]).await;
    shop.story.decide(&shop.payment, Decision::Approved).await;
    shop.story.callback(&shop.payment, "approved").await;
    assert_eq!((shop.state().await.as_str(), shop.mokka().changes), ("captured", 0));
}

#[tokio::test]
async fn refused_extension_and_lost_hold_need_manual_review() {
    let shop = held_with("status:32", 100).await;
    after(&shop, Duration::from_mins(31)).await;
    after(&shop, Duration::from_mins(61)).await;
    assert_eq!(shop.look().await["attention"], json!(true), "it ends with the form, within a day");
    assert_eq!(shop.called().iter().filter(|method| **method == "change").count(), 1, "asked once");
    after(&shop, DAY).await;
    shop.story.environment.poll_stream().await;
    let seen = shop.look().await;
    assert_eq!((&seen["state"], &seen["lost"], &seen["attention"]), (&json!("expired"), &json!(true), &json!(true)));
    assert_eq!(shop.story.environment.standins().imshop_payment(&shop.payment).unwrap()["paymentCaptured"], json!(false));
    assert_refused(&shop.finish().await, 409, "already_expired", "it is too late");
    // It stays on the list until a person has looked.
    for _ in 0..30 {
        after(&shop, Duration::from_hours(1)).await;
    }
    assert_eq!(shop.look().await["attention"], json!(true));
    assert_eq!(shop.settle().await.status, 200);
    let seen = shop.look().await;
    assert_eq!((&seen["lost"], &seen["attention"]), (&Value::Null, &json!(false)));
    let actions: Vec<_> = seen["history"].as_array().unwrap().iter().map(|step| step["action"].clone()).collect();
    assert_eq!(actions[actions.len() - 2..], [json!("seen"), json!("attention over")]);
}

#[tokio::test]
async fn hold_end_is_extended_later_and_blocks_nothing_meanwhile() {
    for fault in ["http500", "answer_lost", "reset", "refused"] {
        let shop = held_with(fault, 2).await;
        after(&shop, Duration::from_mins(2)).await;
        after(&shop, Duration::from_mins(2)).await;
        assert_eq!((hours_of(&shop, "hold_until").await, shop.state().await.as_str()), (336, "held"), "{fault}");
        // The shop ships while the outcome is unknown.
        let shop = held_with(fault, 100).await;
        let answer = shop.finish().await;
        assert_eq!(answer.status, 200, "{fault}: {}", answer.body);
        assert_eq!((shop.state().await.as_str(), shop.mokka().finishes), ("captured", 1), "{fault}");
    }
}

#[tokio::test]
async fn hold_a_day_before_its_end_needs_review_and_can_be_extended() {
    let shop = Shop::held().await;
    for _ in 0..12 {
        after(&shop, DAY).await;
    }
    assert_eq!(shop.look().await["attention"], json!(false), "on the twelfth day");
    after(&shop, DAY + Duration::from_mins(1)).await;
    after(&shop, Duration::from_hours(2)).await;
    assert_eq!(shop.look().await["attention"], json!(true), "on the thirteenth");
    let end = shop.story.environment.clock().now().plus(5 * DAY).rfc3339();
    let longer = shop.ask(shop.event("change", OPERATOR_KEY).json(json!({"valid_till": end}))).await;
    assert_eq!(longer.status, 200, "{}", longer.body);
    let seen = longer.json()["payment"].clone();
    assert_eq!((&seen["hold_until"], &seen["amount"], &seen["attention"]), (&json!(end), &json!(AMOUNT), &json!(false)));
    let call = shop.story.environment.standins().calls_to(System::Mokka, "change").pop().unwrap();
    assert!(!call.body["cart_items"].as_array().unwrap().is_empty(), "the same goods: {}", call.body);
}

#[tokio::test]
async fn hold_released_by_the_shop_needs_no_review() {
    let shop = Shop::held().await;
    assert_eq!(shop.cancel().await.status, 200);
    let seen = shop.look().await;
    assert_eq!((&seen["state"], &seen["lost"], &seen["attention"]), (&json!("canceled"), &Value::Null, &json!(false)));
}

#[tokio::test]
async fn change_of_goods_at_same_amount_applies_before_hold_is_extended() {
    let shop = held_with("http500", 2).await;
    shop.story.environment.forget("order-holds", &format!("payment#{}", shop.payment), "intent").await;
    let body = json!({"amount": AMOUNT, "cart": [{"name": "Самовар", "price": AMOUNT, "quantity": 1}]});
    assert_eq!(shop.ask(shop.event("change", OPERATOR_KEY).json(body)).await.status, 200);
    let order = shop.story.environment.item("order-holds", &format!("order#{}", shop.order.uuid)).await.unwrap();
    assert_eq!(order["lines"][0]["name"], json!("Самовар"), "{order}");
}
