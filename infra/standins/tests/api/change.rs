use serde_json::{Value, json};
use standins::{Decision, LimitStatus, MokkaStatus};

use crate::environment::{TestEnvironment, valid_till};

const CHANGE: &str = "/factoring/v1/precheck/change";

fn change(order_id: &str, amount: &str) -> Value {
    json!({
        "order_id": order_id,
        "amount": amount,
        "valid_till": valid_till(7200),
        "cart_items": [{ "sku": "1", "name": "Чайник", "price": 4000, "sale_price": 3999.5, "quantity": 1, "brand": "Кама" }],
    })
}

async fn held(environment: &TestEnvironment, order_id: &str) {
    assert_eq!(environment.checkout(order_id).await["status"], 0);
    environment.standins.decide(order_id, Decision::Approved, false, 1).await.unwrap();
}

fn amounts(schedule: &Value) -> Vec<&str> {
    schedule.as_array().unwrap().iter().map(|payment| payment["amount"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_hold_gets_another_amount_and_another_end() {
    let environment = TestEnvironment::start().await;
    held(&environment, "R-1").await;
    let answer = environment.mokka(CHANGE, &change("R-1", "4000.00")).await;
    assert_eq!((&answer["status"], &answer["message"]), (&json!(0), &json!("Payload valid")));
    assert_eq!(amounts(&answer["schedule"]), ["1334.00", "1334.00", "1332.00"]);
    assert_eq!(answer.as_object().unwrap().len(), 3);
    assert_eq!(environment.status("R-1").await["current_order"]["amount"], "4000.00");
    environment.advance(3601).await;
    assert_eq!(environment.status("R-1").await["current_order"]["status"], "hold", "it has another end");
    assert_eq!(environment.finish("R-1", "4500.00").await["status"], 32);
    assert_eq!(environment.finish("R-1", "4000.00").await["status"], 0);
    assert_eq!(environment.get("/control/mokka/R-1").await["changes"], 1);
}

#[tokio::test]
async fn left_out_the_end_is_a_day_from_now() {
    let environment = TestEnvironment::start().await;
    held(&environment, "R-1").await;
    let mut body = change("R-1", "4500.00");
    body.as_object_mut().unwrap().remove("valid_till");
    body["cart_items"][0]["quantity"] = json!(0.5);
    assert_eq!(environment.mokka(CHANGE, &body).await["status"], 0);
    environment.advance(23 * 3600).await;
    assert_eq!(environment.status("R-1").await["current_order"]["status"], "hold");
    environment.advance(3600).await;
    assert_eq!(environment.status("R-1").await["current_order"]["status"], "expired");
}

#[tokio::test]
async fn a_pending_order_can_be_changed_too() {
    let environment = TestEnvironment::start().await;
    environment.checkout("R-1").await;
    assert_eq!(environment.mokka(CHANGE, &change("R-1", "120000.00")).await["schedule"].as_array().unwrap().len(), 6);
    environment.standins.decide("R-1", Decision::Approved, false, 1).await.unwrap();
    let order = environment.standins.mokka_order("R-1").unwrap();
    assert_eq!((order.amount.as_str(), order.term, order.changes), ("120000.00", Some(6), 1));
}

#[tokio::test]
async fn a_new_customer_has_no_limit_to_exceed_yet() {
    let environment = TestEnvironment::start().await;
    let mut body = environment.checkout_body("R-1");
    body["primary_phone"] = json!("9031234567");
    environment.mokka("/factoring/v1/precheck/auth", &body).await;
    assert_eq!(environment.mokka(CHANGE, &change("R-1", "9000.00")).await["status"], 0);
    environment.standins.set_mokka_limit("9031234567", "8000.00", LimitStatus::Active).unwrap();
    assert_eq!(environment.mokka(CHANGE, &change("R-1", "9000.00")).await["status"], 71);
}

#[tokio::test]
async fn each_state_has_its_code() {
    let environment = TestEnvironment::start().await;
    assert_eq!(environment.mokka(CHANGE, &change("R-1", "4000.00")).await["status"], 24);
    environment.checkout("R-1").await;
    for (status, code) in
        [("finished", 82), ("canceled", 82), ("declined", 82), ("refunded", 82), ("expired", 23), ("on_the_moon", 100)]
    {
        environment.standins.set_mokka_status("R-1", status).unwrap();
        let (answered, note) = environment.refusal(CHANGE, &change("R-1", "4000.00")).await;
        assert_eq!(answered, code, "{status}: {note}");
    }
    let order = environment.standins.mokka_order("R-1").unwrap();
    assert_eq!((order.amount.as_str(), order.changes), ("4500.00", 0));
}

#[tokio::test]
async fn each_field_of_a_change_has_its_code() {
    let environment = TestEnvironment::exact().await;
    held(&environment, "R-1").await;
    for (pointer, value, code, noted) in [
        ("/order_id", None, 20, "order_id"),
        ("/order_id", Some(json!([])), 21, "order_id"),
        ("/amount", None, 30, "amount"),
        ("/amount", Some(json!("4000")), 30, "amount"),
        ("/amount", Some(json!(4000)), 30, "amount"),
        ("/amount", Some(json!("999.99")), 33, "tariff"),
        ("/amount", Some(json!("100000.01")), 33, "tariff"),
        ("/valid_till", Some(json!("2030-01-01")), 110, "valid_till"),
        ("/valid_till", Some(json!(null)), 110, "valid_till"),
        ("/cart_items", None, 90, "cart_items"),
        ("/cart_items", Some(json!([])), 90, "cart_items"),
        ("/cart_items", Some(json!({})), 100, "cart_items"),
        ("/cart_items/0/name", None, 100, "cart_items[0].name"),
        ("/cart_items/0/price", None, 100, "cart_items[0].price"),
        ("/cart_items/0/price", Some(json!("4000.00")), 100, "cart_items[0].price"),
        ("/cart_items/0/quantity", None, 100, "cart_items[0].quantity"),
        ("/cart_items/0/quantity", Some(json!("1")), 100, "cart_items[0].quantity"),
        ("/cart_items/0/quantity", Some(json!(0)), 100, "cart_items[0].quantity"),
        ("/cart_items/0/unit", Some(json!("шт.")), 100, "cart_items[0].unit"),
        ("/term", Some(json!(3)), 100, "term"),
    ] {
        let mut body = change("R-1", "4000.00");
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => drop(parent.insert(field.to_owned(), value)),
            None => drop(parent.remove(field)),
        }
        let (answered, note) = environment.refusal(CHANGE, &body).await;
        assert!(answered == code && note.contains(noted), "{pointer}: {answered} {note}");
    }
    let order = environment.standins.mokka_order("R-1").unwrap();
    assert_eq!((order.amount.as_str(), order.changes), ("4500.00", 0));
}

#[tokio::test]
async fn a_change_stays_within_the_limit_and_above_the_prepayment() {
    let environment = TestEnvironment::start().await;
    environment.standins.set_reading("prepaid_amount", "whole").unwrap();
    let mut body = environment.checkout_body("R-1");
    body["current_order"]["prepayment_amount"] = json!("2000.00");
    environment.mokka("/factoring/v1/precheck/auth", &body).await;
    environment.standins.decide("R-1", Decision::Approved, false, 1).await.unwrap();
    assert_eq!(environment.mokka(CHANGE, &change("R-1", "1999.99")).await["status"], 35);
    environment.standins.set_mokka_limit("8881234567", "5000.00", LimitStatus::Active).unwrap();
    for (amount, code) in [("7000.01", 71), ("7000.00", 0)] {
        assert_eq!(environment.mokka(CHANGE, &change("R-1", amount)).await["status"], code, "{amount}");
    }
    environment.standins.set_mokka_limit("8881234567", "5000.00", LimitStatus::Inactive).unwrap();
    assert_eq!(environment.mokka(CHANGE, &change("R-1", "4500.00")).await["status"], 71);
    let order = environment.standins.mokka_order("R-1").unwrap();
    assert_eq!((order.status, order.amount.as_str(), order.changes), (MokkaStatus::Hold, "5000.00", 1));
}
