//! Orders larger than an item of the store.

use serde_json::{Value, json};
use shared::platform::http::SMALL_BODY;
use standins::{Decision, System};
use testkit::Event;
use testkit::settings::{IMSHOP_KEY, SHOP_KEY};

use crate::Story;

/// What DynamoDB takes, less what writes add.
const ITEM: usize = 390 * 1024;

/// An order whose lines cost 10.00 each, without what is usually there.
fn request(uuid: &str, lines: usize, name: &str) -> Value {
    let items: Vec<_> = (0..lines)
        .map(|line| json!({"configurationId": format!("sku-{line}"), "name": format!("{name} {line}"), "quantity": 1, "price": 10}))
        .collect();
    json!({"orders": [{"uuid": uuid, "phone": "+7 (888) 010-02-03", "deliveryPrice": 250, "items": items}]})
}

async fn stored(story: &Story, uuid: &str) -> Value {
    story.environment.item("order-holds", &format!("order#{uuid}")).await.unwrap_or_default()
}

#[tokio::test]
async fn an_order_of_any_size_is_recorded_and_paid_to_the_kopeck() {
    for (lines, name, recorded) in
        [(101, "Чай", 101), (3000, "Чай, чёрный, крупнолистовой, в жестяной банке", 600), (2500, "Ы", 800)]
    {
        let story = Story::start().await;
        let name = if name == "Ы" { "ы".repeat(100) } else { name.to_owned() };
        let request = request("uuid-1", lines, &name);
        assert!(request.to_string().len() < SMALL_BODY);
        let answer = story.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(request).rest()).await.json();
        assert_eq!(answer["orders"][0]["success"], json!(true));
        let order = stored(&story, "uuid-1").await;
        let amount = i64::try_from(lines).unwrap() * 1000 + 25_000;
        assert_eq!((&order["amount"], &order["order_id"]), (&json!(amount), &json!("1001")));
        let kept = order["lines"].as_array().unwrap();
        assert!(kept.len() <= recorded && order.to_string().len() < ITEM, "{} of {lines}", kept.len());
        let sum: i64 = kept.iter().map(|line| line["subtotal"].as_i64().unwrap()).sum();
        assert_eq!(sum + 25_000, amount, "what has no room is one line with its sum");
        let shortened = story.environment.logs().contains("an order is recorded shortened");
        assert_eq!(shortened, kept.len() < lines, "never in silence");
        let placed = testkit::Placed { uuid: "uuid-1".to_owned(), id: "1001".to_owned() };
        assert_eq!(story.create(&placed).await.json()["success"], json!(true));
        let checkout = &story.environment.standins().calls_to(System::Mokka, "checkout")[0];
        let shown = checkout.body["cart_items"].as_array().unwrap();
        assert_eq!(shown.len(), kept.len() + 1, "the customer's page adds up, too, with the delivery");
        story.decide(&placed.payment(1), Decision::Approved).await;
        assert_eq!(story.capture(&placed.payment(1)).await.json()["paymentCaptured"], json!(true), "with its sales document");
    }
}

#[tokio::test]
async fn large_order_shortens_display_texts_and_drops_uncuttable_ones() {
    let story = Story::start().await;
    let long = |text: &str| text.repeat(50_000 / text.len());
    story
        .environment
        .standins()
        .shop_answers(json!({"checkNumber": long("7"), "checkLink": format!("https://ofd.example/{}", long("x"))}))
        .unwrap();
    let mut request = request("uuid-1", 100, "Чай");
    for (field, value) in [("name", long("Айгуль ")), ("email", format!("{}@shop.example", long("a")))] {
        request["orders"][0][field] = value.into();
    }
    for item in request["orders"][0]["items"].as_array_mut().unwrap() {
        item["name"] = "Чай\u{7} ".repeat(200).into();
        item["id"] = "\"".repeat(200).into();
        item["warehouseId"] = "\\".repeat(200).into();
    }
    story.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(request).rest()).await;
    let order = stored(&story, "uuid-1").await;
    assert!(order.to_string().len() < ITEM, "{}", order.to_string().len());
    let name = order["name"].as_str().unwrap();
    assert!(name.starts_with("Айгуль Айгуль") && name.ends_with('…') && name.len() <= 300, "{name}");
    let line = order["lines"][0]["name"].as_str().unwrap();
    assert!(line.starts_with("Чай  Чай") && line.ends_with('…') && line.len() <= 300, "{line}");
    for field in ["email", "check_number", "check_link"] {
        assert_eq!(order.get(field), None, "a part of it would be another's, or nobody's");
    }
    assert_eq!(order["cart"].get("goods"), None, "rules that ask for them do not know");
    assert_eq!(order["amount"], json!(125_000));
}

#[tokio::test]
async fn a_large_push_is_recorded_and_can_be_repeated() {
    let story = Story::start().await;
    let name = "ы".repeat(100);
    let items: Vec<_> = (0..2500).map(|_| json!({"name": name, "quantity": 1, "subtotal": "0.10"})).collect();
    let push = json!({"orderId": "2001", "amount": "250.00", "items": items});
    for _ in 0..2 {
        let event = Event::new("PUT", "/v1/orders/pushed-1").key(SHOP_KEY).json(push.clone()).rest();
        let answer = story.orders(event).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"success": true})));
    }
    let order = stored(&story, "pushed-1").await;
    assert_eq!((&order["amount"], &order["version"]), (&json!(25_000), &json!(1)), "the same again is not a change");
    assert!(order.to_string().len() < ITEM);
}
