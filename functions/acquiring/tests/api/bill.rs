//! What Mokka's page shows of the order: lines that sum up to what is paid, or none.

use serde_json::{Value, json};
use standins::{Options, System};
use testkit::settings::IMSHOP_KEY;
use testkit::{Event, Placed};

use crate::Story;

/// The shop's answer, and what of it is on Mokka's page.
async fn shown(answer: &Value) -> Value {
    let story = Story::start().await;
    story.environment.standins().shop_answers(answer.clone()).unwrap();
    let order = story.order().await;
    let created = story.create(&order).await.json();
    assert_eq!(created["success"], json!(true), "{answer}: {created}");
    let body = story.environment.standins().calls_to(System::Mokka, "checkout")[0].body.clone();
    assert_sums_up(&body);
    body["cart_items"].clone()
}

/// The lines of a Checkout, if it has any, are what it is paid for.
fn assert_sums_up(checkout: &Value) {
    let Some(items) = checkout["cart_items"].as_array() else { return };
    let price = |item: &Value| item["sale_price"].as_f64().or(item["price"].as_f64()).unwrap();
    let sum: f64 = items.iter().map(|item| price(item) * item["quantity"].as_f64().unwrap_or(1.0)).sum();
    let amount: f64 = checkout["current_order"]["amount"].as_str().unwrap().parse().unwrap();
    assert!((sum - amount).abs() < 0.001, "{checkout}: {sum} of {amount}");
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

#[tokio::test]
async fn whatever_way_the_shop_sells_what_is_left_to_pay_is_charged() {
    // Half a kilo at 12000, two pieces at 700 with 100 off the line (or each), 250 for the delivery; maybe 300 paid with points.
    for (ways, includes_delivery, points, amount) in [
        (&[][..], "true", 0, Some("7550.00")),
        (&[], "true", 300, Some("7250.00")),
        (&[("delivery", "beside_price")], "false", 0, Some("7550.00")),
        (&[("delivery", "beside_price")], "false", 300, Some("7250.00")),
        (&[("discounts", "of_unit")], "true", 0, Some("7450.00")),
        (&[("weights", "pieces")], "true", 0, Some("7550.00")),
        (&[("weights", "pieces"), ("discounts", "of_unit"), ("delivery", "beside_price")], "false", 300, Some("7150.00")),
        (&[("bonuses", "no_price")], "true", 0, Some("7550.00")),
        // What the points are worth is the shop's to say: nothing is charged before it has.
        (&[("bonuses", "no_price")], "true", 300, None),
    ] {
        let story = Story::start_with(Options::default(), &[("SHOP_PRICE_INCLUDES_DELIVERY", includes_delivery)]).await;
        let standins = story.environment.standins();
        for (name, value) in ways {
            standins.set_reading(name, value).unwrap();
        }
        let mut request = Story::order_request("uuid-1");
        request["orders"][0]["authorizedBonuses"] = points.into();
        request["orders"][0]["items"] = json!([
            {"configurationId": "cheese-1", "name": "Сыр", "quantity": 0.5, "price": 12000},
            {"configurationId": "tea-1", "name": "Чай", "quantity": 2, "price": 700, "discount": 100},
        ]);
        let answer = story.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(request).rest()).await.json();
        let id = answer["orders"][0]["id"].as_str().unwrap().to_owned();
        let created = story.create(&Placed { uuid: "uuid-1".to_owned(), id }).await.json();
        let checkouts = standins.calls_to(System::Mokka, "checkout");
        assert_eq!(created["success"], amount.is_some(), "{ways:?}, {points} points: {created}");
        let charged = checkouts.first().map(|call| call.body["current_order"]["amount"].clone());
        assert_eq!(charged, amount.map(Value::from), "{ways:?}, {points} points: {answer}");
        for call in &checkouts {
            assert_sums_up(&call.body);
        }
    }
}
