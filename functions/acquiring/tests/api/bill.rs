//! What Mokka's page shows of the order: lines that sum up to what is paid, or none.

use serde_json::{Value, json};
use standins::System;

use crate::Story;

/// The shop's answer, and what of it is on Mokka's page.
async fn shown(answer: &Value) -> Value {
    let story = Story::start().await;
    story.world.standins().shop_answers(answer.clone()).unwrap();
    let order = story.order().await;
    let created = story.create(&order).await.json();
    assert_eq!(created["success"], json!(true), "{answer}: {created}");
    let body = story.world.standins().calls_to(System::Mokka, "checkout")[0].body.clone();
    let cart = body["cart_items"].clone();
    if let Some(items) = cart.as_array() {
        let price = |item: &Value| item["sale_price"].as_f64().or(item["price"].as_f64()).unwrap();
        let sum: f64 = items.iter().map(|item| price(item) * item["quantity"].as_f64().unwrap_or(1.0)).sum();
        let amount: f64 = body["current_order"]["amount"].as_str().unwrap().parse().unwrap();
        assert!((sum - amount).abs() < 0.001, "{answer}: {sum} of {amount}");
    }
    cart
}

#[tokio::test]
async fn the_lines_sum_up_to_what_is_paid_or_there_are_none() {
    let tea = |quantity: Value, price: Value, subtotal: Value| json!([{"name": "Чай", "quantity": quantity, "price": price, "subtotal": subtotal}]);
    for (answer, cart) in [
        (
            json!({"deliveryPrice": 0, "price": 6000, "items": tea(json!(0.5), json!(12000), json!(6000))}),
            json!([{"name": "Чай × 0,5", "price": 6000.0, "quantity": 1}]),
        ),
        (
            json!({"deliveryPrice": 0, "price": 4490, "items": tea(json!(1), json!(4990), json!(4490))}),
            json!([{"name": "Чай", "price": 4990.0, "sale_price": 4490.0, "quantity": 1}]),
        ),
        (
            json!({"deliveryPrice": 0, "price": 4000, "items": [{"name": "Чай", "quantity": 2, "price": 2500, "discount": 1000}]}),
            json!([{"name": "Чай", "price": 2500.0, "sale_price": 2000.0, "quantity": 2}]),
        ),
        (
            json!({"deliveryPrice": 0, "price": 5400, "items": [{"name": "Чай", "quantity": 0.5, "price": 12000, "discount": 600}]}),
            json!([{"name": "Чай × 0,5", "price": 6000.0, "sale_price": 5400.0, "quantity": 1}]),
        ),
        (
            // A third of it is no whole number of kopecks.
            json!({"deliveryPrice": 0, "price": 5000, "items": tea(json!(3), json!(2000), json!(5000))}),
            json!([{"name": "Чай × 3", "price": 6000.0, "sale_price": 5000.0, "quantity": 1}]),
        ),
        (
            json!({"deliveryPrice": 250, "price": 3250, "items": tea(json!(2), json!(1500), json!(null))}),
            json!([{"name": "Чай", "price": 1500.0, "quantity": 2}, {"name": "Доставка", "price": 250.0, "quantity": 1}]),
        ),
        (
            // The delivery is in the lines already.
            json!({"deliveryPrice": 250, "price": 3000, "items": tea(json!(2), json!(1500), json!(3000))}),
            json!([{"name": "Чай", "price": 1500.0, "quantity": 2}]),
        ),
        (
            // More than its price: the price of the line is what counts.
            json!({"deliveryPrice": 0, "price": 3100, "items": tea(json!(2), json!(1500), json!(3100))}),
            json!([{"name": "Чай", "price": 1550.0, "quantity": 2}]),
        ),
        (
            json!({"deliveryPrice": 0, "price": 5000, "items": [
                {"name": " ", "quantity": 1, "price": 5000}, {"name": "Подарок", "quantity": 1, "price": 500, "discount": 500},
                {"name": "Ничего", "quantity": 0, "price": 5}
            ]}),
            json!([
                {"name": "Товар", "price": 5000.0, "quantity": 1},
                {"name": "Подарок", "price": 500.0, "sale_price": 0.0, "quantity": 1}
            ]),
        ),
        (
            json!({"deliveryPrice": 0, "price": 3333.33, "items": tea(json!(0.333), json!(10010.01), json!(3333.33))}),
            json!([{"name": "Чай × 0,333", "price": 3333.33, "quantity": 1}]),
        ),
        // Bonuses or a discount on the order: no line is what is paid for it.
        (json!({"deliveryPrice": 0, "price": 4000, "items": tea(json!(1), json!(5000), json!(5000))}), json!(null)),
        (json!({"deliveryPrice": 250, "price": 5100, "items": tea(json!(1), json!(5000), json!(5000))}), json!(null)),
        // A line without a price.
        (json!({"deliveryPrice": 0, "price": 5000, "items": tea(json!(1), json!(null), json!(null))}), json!(null)),
        (json!({"deliveryPrice": 0, "price": 5000, "items": []}), json!(null)),
    ] {
        let mut shown = shown(&answer).await;
        for item in shown.as_array_mut().into_iter().flatten() {
            item.as_object_mut().unwrap().remove("sku");
        }
        assert_eq!(shown, cart, "{answer}");
    }
}
