//! Only what the shop's rules can have offered for an order may be started for it.

use std::time::Duration;

use crate::Story;
use serde_json::{Value, json};
use standins::{Decision, Options, System};
use tempfile::TempDir;
use testkit::settings::{IMSHOP_KEY, SHOP_KEY};
use testkit::{Event, Placed, invoke};

const NOT_OFFERED: &str = "Этот способ оплаты недоступен для этого заказа. Выберите другой способ оплаты.";

/// A file with one way to pay: Mokka, under that condition.
fn file(when: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("payments.toml");
    let method = "[[method]]\nid = \"mokka\"\ntitle = \"Мокка\"\ntype = \"card\"\nprovider = \"mokka\"\n";
    std::fs::write(&path, format!("{method}when = {when}\n")).unwrap();
    let path = path.to_string_lossy().into_owned();
    (folder, path)
}

async fn story(when: &str) -> (TempDir, Story) {
    let (folder, path) = file(when);
    (folder, Story::start_with(Options::default(), &[("PAYMENTS_CONFIG", &path)]).await)
}

/// An order of 2 × 1500.00 + 250.00 with some fields of its own.
async fn place(story: &Story, fields: Value) -> Placed {
    let mut request = Story::order_request("uuid-1");
    request["orders"][0].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let answer = story.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(request).rest()).await;
    Placed { uuid: "uuid-1".to_owned(), id: answer.json()["orders"][0]["id"].as_str().unwrap().to_owned() }
}

#[tokio::test]
async fn method_not_offered_is_refused_and_only_logged() {
    let (_folder, story) = story(r#"{ city = ["Ош"], amount = { max = 100 }, country = ["KG"] }"#).await;
    let order = place(&story, json!({"country": "KG"})).await;
    let _ = story.environment.store_calls();
    let answer = story.create(&order).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"success": false, "error": NOT_OFFERED})));
    assert_eq!(story.environment.store_calls(), ["GetItem"], "no round trip more than without rules");
    assert!(story.environment.items("order-holds", "payment#").await.is_empty());
    assert!(story.environment.standins().calls_to(System::Mokka, "checkout").is_empty());
    let logs = story.environment.logs();
    let line = logs.lines().find(|line| line.contains("a way to pay that was not offered")).unwrap();
    assert!(line.contains("\"unmet\":\"amount, city\""), "{line}");
    assert!(!line.contains("Бишкек") && !line.contains("Ош"), "{line}");
}

#[tokio::test]
async fn every_recorded_fact_decides_and_what_is_unknown_does_not() {
    let item = json!({"id": "i-1", "configurationId": "shop/sku-1", "privateId": "p-1", "quantity": 2, "price": 1500, "warehouseId": "W-1"});
    let said = json!({
        "country": "KG", "city": "Бишкек", "delivery": "courier/1", "pickupLocationId": "7", "externalUserId": "C-5",
        "promocode": "Spring", "authorizedBonuses": 100, "items": [item]
    });
    for (holds, fails) in [
        (r#"{ country = ["kg"] }"#, r#"{ country = ["RU"] }"#),
        (r#"{ city = ["бишкек"] }"#, r#"{ city = ["Ош"] }"#),
        (r#"{ delivery = ["1"] }"#, r#"{ delivery = ["post/1"] }"#),
        ("{ pickup = true }", "{ pickup = false }"),
        (r#"{ pickupLocation = ["7"] }"#, r#"{ pickupLocation = ["8"] }"#),
        (r#"{ customer = "known" }"#, r#"{ customer = "guest" }"#),
        (r#"{ promocode = ["SPRING"] }"#, "{ promocode = false }"),
        ("{ bonuses = { min = 100 } }", "{ bonuses = { max = 99 } }"),
        (r#"{ items = ["sku-*"] }"#, r#"{ items = ["sku-2"] }"#),
        (r#"{ everyItem = ["p-1"] }"#, r#"{ not = { everyItem = ["i-1"] } }"#),
        (r#"{ warehouse = ["W-1"] }"#, r#"{ everyWarehouse = ["W-2"] }"#),
        ("{ quantity = { max = 2 } }", "{ quantity = { min = 3 } }"),
        // What the cart cost, and what it costs with its delivery, may both have been the amount; without the points spent.
        ("{ amount = { max = 2900 } }", "{ amount = { max = 2899.99 } }"),
        ("{ amount = { min = 3150 } }", "{ amount = { min = 3150.01 } }"),
    ] {
        for (when, wanted) in [(holds, true), (fails, false)] {
            let (_folder, story) = story(when).await;
            let order = place(&story, said.clone()).await;
            let answer = story.create(&order).await.json();
            assert_eq!(answer["success"], json!(wanted), "{when}: {answer}");
        }
    }
    for when in ["{ preorder = true }", "{ promo = true }", "{ legalEntity = true }", r#"{ country = ["RU"] }"#] {
        let (_folder, story) = story(when).await;
        let order = place(&story, json!({})).await;
        let answer = story.create(&order).await.json();
        assert_eq!(answer["success"], json!(true), "{when}: {answer}");
    }
}

#[tokio::test]
async fn an_order_that_the_shop_pushed_is_not_judged_by_what_nobody_said() {
    let (_folder, story) = story(r#"{ country = ["RU"], items = ["other"], customer = "known" }"#).await;
    let push = json!({"orderId": "2001", "amount": "4999.00", "items": [{"name": "Чайник", "quantity": 1, "sku": "sku-1"}]});
    let event = Event::new("PUT", "/v1/orders/uuid-1").key(SHOP_KEY).json(push);
    assert_eq!(story.orders(event.rest()).await.status, 200);
    let order = Placed { uuid: "uuid-1".to_owned(), id: "2001".to_owned() };
    assert_eq!(story.create(&order).await.json()["success"], json!(true));
}

#[tokio::test]
async fn changed_rules_keep_open_attempts_and_refuse_new_ones() {
    let (_folder, story) = story(r#"{ city = ["Бишкек"] }"#).await;
    let order = place(&story, json!({})).await;
    let first = story.create(&order).await;
    assert_eq!(first.json()["success"], json!(true), "{}", first.body);
    let (_changed, path) = file(r#"{ city = ["Ош"] }"#);
    let changed = story.environment.build(acquiring::Deps::from_env, &[("PAYMENTS_CONFIG", &path)]);
    let create = async || {
        let event = Story::create_event(&order);
        invoke(&changed, |deps, request| Box::pin(acquiring::handle(deps, request)), event).await
    };
    assert_eq!(create().await, first, "the customer's page is still open");
    story.decide(&order.payment(1), Decision::Declined).await;
    assert_eq!(create().await.json(), json!({"success": false, "error": NOT_OFFERED}));
    assert_eq!(story.create(&order).await.json()["paymentId"], json!(order.payment(2)));
}

#[tokio::test]
async fn time_window_is_judged_when_order_was_recorded_not_when_paid() {
    let now = testkit::clock::beginning();
    let clock = |hours: u64| now.plus(Duration::from_hours(hours)).rfc3339()[11..16].to_owned();
    // From one hour ago to an hour from now, by clocks at UTC; later, the same time of day will be over.
    let when = format!("{{ time = {{ from = \"{}\", to = \"{}\" }} }}", clock(23), clock(1));
    let (_folder, path) = file(&when);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("utcOffset = \"+00:00\"\n{text}")).unwrap();
    let story = Story::start_with(Options::default(), &[("PAYMENTS_CONFIG", &path)]).await;
    let order = place(&story, json!({})).await;
    story.environment.advance(Duration::from_hours(5));
    assert_eq!(story.create(&order).await.json()["success"], json!(true), "paid from the order history, hours later");

    let (_folder, path) = file(&when);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("utcOffset = \"+00:00\"\n{text}")).unwrap();
    let story = Story::start_with(Options::default(), &[("PAYMENTS_CONFIG", &path)]).await;
    story.environment.advance(Duration::from_hours(3));
    let late = place(&story, json!({})).await;
    assert_eq!(story.create(&late).await.json(), json!({"success": false, "error": NOT_OFFERED}), "two hours too late");
}
