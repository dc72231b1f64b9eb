//! What the app only shows and the shop's rules compare is never a reason to hide the list: what cannot be read is unknown.

use serde_json::json;
use testkit::TestEnvironment;

use crate::widget::PATIENT;
use crate::{ask, post};

/// A cart, the first field of it that cannot be read, and how many cannot.
const UNREADABLE: [(&str, &str, u32); 24] = [
    (r#"{"items": [{"quantity": 1, "subtotal": "1 990"}]}"#, "items[0].subtotal", 1),
    (r#"{"items": [{"quantity": 1, "subtotal": 12.345}]}"#, "items[0].subtotal", 1),
    (r#"{"items": [{"quantity": -1, "price": 4990}]}"#, "items[0].quantity", 1),
    (r#"{"items": [{"quantity": "2 шт", "price": 4990}]}"#, "items[0].quantity", 1),
    (r#"{"items": [{"quantity": 1, "price": 1e99}, {"quantity": {}, "subtotal": 1}]}"#, "items[0].price", 2),
    (r#"{"items": [{"quantity": 1, "price": "от 100"}]}"#, "items[0].price", 1),
    (r#"{"items": [{"quantity": 1, "price": 4990, "discount": "10%"}]}"#, "items[0].discount", 1),
    (r#"{"items": [{"quantity": 1, "price": 4990, "discount": -500}]}"#, "items[0].discount", 1),
    (r#"{"items": [{"price": 4990}, null, "tea", 7, ["1", null]]}"#, "items[2]", 3),
    (r#"{"items": [{"privateId": 1.5, "name": "\ud83d", "warehouseId": []}]}"#, "items[0].privateId", 3),
    (r#"{"items": "none"}"#, "items", 1),
    (r#"{"items": {"0": {"price": 4990}}}"#, "items", 1),
    (r#"{"items": false}"#, "items", 1),
    (r#"{"country": {}, "city": ["Ош"]}"#, "country", 2),
    (r#"{"city": "Ош\u0000"}"#, "city", 1),
    (r#"{"promocode": true}"#, "promocode", 1),
    (r#"{"deliveryId": 1.5}"#, "deliveryId", 1),
    (r#"{"pickupLocationId": {"id": 1}}"#, "pickupLocationId", 1),
    (r#"{"externalUserId": [5]}"#, "externalUserId", 1),
    (r#"{"installId": false}"#, "installId", 1),
    (r#"{"bonusesSpent": "много"}"#, "bonusesSpent", 1),
    (r#"{"bonusesSpent": -5}"#, "bonusesSpent", 1),
    (r#"{"hasPreorderItems": "maybe"}"#, "hasPreorderItems", 1),
    (r#"{"legalEntityMode": [], "phone": {"mobile": "+79991234567"}}"#, "legalEntityMode", 2),
];

#[tokio::test]
async fn what_cannot_be_read_costs_the_widget_and_is_noted() {
    for (cart, field, count) in UNREADABLE {
        let environment = TestEnvironment::start().await;
        let deps = environment.build(payments::Deps::from_env, &[PATIENT, ("PRICE_FEED_URL", "")]);
        let answer = ask(&deps, post().text(cart).rest()).await;
        assert_eq!(
            (answer.status, answer.json()["payments"].as_array().map(Vec::len)),
            (200, Some(2)),
            "{cart}: {}",
            answer.body
        );
        assert!(answer.json()["payments"][1]["widget"].is_null(), "never a guess, {cart}: {}", answer.body);
        let logs = environment.logs();
        assert!(logs.contains(&format!("\"field\":\"{field}\",\"unreadable\":{count}")), "{cart}: {logs}");
        assert!(!logs.contains("9991234567") && !logs.contains("Ош"), "where, and never what: {logs}");
    }
}

#[tokio::test]
async fn what_is_blank_or_written_otherwise_is_no_news() {
    let environment = TestEnvironment::start().await;
    let deps = environment.build(payments::Deps::from_env, &[PATIENT]);
    for cart in [
        json!({"items": "", "phone": "", "hasPreorderItems": "", "promoGroup": ""}),
        json!({"items": [], "city": " ", "bonusesSpent": "0.00"}),
        json!({"items": null, "legalEntityMode": 0, "hasPreorderItems": "false"}),
        json!({"items": [{"quantity": "2.0", "price": "", "discount": "", "id": " "}]}),
    ] {
        let answer = ask(&deps, post().json(cart.clone()).rest()).await;
        assert_eq!(answer.json()["payments"].as_array().map(Vec::len), Some(2), "{cart}: {}", answer.body);
    }
    assert!(!environment.logs().contains("cannot be read"), "{}", environment.logs());
}

/// What of a cart Mokka is asked about.
async fn amount(items: serde_json::Value) -> Option<String> {
    let environment = TestEnvironment::start().await.with(vec![testkit::worker!(price_feed)], &[]);
    assert_eq!(environment.load_prices().await["outcome"], "loaded");
    let deps = environment.build(payments::Deps::from_env, &[PATIENT]);
    ask(&deps, post().json(json!({"items": items})).rest()).await;
    payments::finish(&deps).await;
    environment
        .standins()
        .calls(Some(standins::System::Mokka))
        .first()
        .map(|call| call.body["amount"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_line_costs_its_price_times_its_quantity_less_its_discount() {
    for (items, wanted) in [
        (json!([{"price": 4990, "quantity": 1, "discount": 500}]), Some("4490.00")),
        (json!([{"price": 2500, "quantity": 2, "discount": 1000}]), Some("4000.00")),
        (json!([{"price": 12000, "quantity": 0.5}]), Some("6000.00")),
        (json!([{"price": 9990, "quantity": 0.333, "discount": "26.67"}]), Some("3300.00")),
        (json!([{"price": "129.90", "quantity": 30, "subtotal": "3897.0000000000005"}]), Some("3897.00")),
        (json!([{"price": 5000, "discount": 0}, {"price": 100, "quantity": 3, "discount": 300}]), Some("5000.00")),
        (json!([{"price": 5000, "discount": "", "subtotal": ""}]), Some("5000.00")),
        (json!([{"price": 5000, "discount": 700, "subtotal": 4300}]), Some("4300.00")),
        (json!([{"price": 5000, "discount": 5000.01}]), None),
        (json!([{"price": 5000, "discount": "10%"}]), None),
        (json!([{"price": 5000, "quantity": "много"}]), None),
        (json!([{"price": 5000}, null]), None),
        (json!([{"configurationId": "kettle-1", "discount": 490}]), Some("4500.00")),
        (json!([{"configurationId": "kettle-1", "quantity": 0.5}]), Some("2495.00")),
        (json!([{"configurationId": "kettle-1", "price": "дорого"}]), Some("4990.00")),
        (json!([{"configurationId": "kettle-1", "quantity": -1}]), None),
        (json!([{"configurationId": "kettle-1"}, "tea"]), None),
        (json!([{"configurationId": {}, "privateId": "kettle-1"}]), None),
    ] {
        assert_eq!(amount(items.clone()).await.as_deref(), wanted, "{items}");
    }
}
