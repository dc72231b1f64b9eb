//! What the shop knows, Mokka's form need not ask.

use serde_json::{Value, json};
use standins::System;
use testkit::settings::IMSHOP_KEY;
use testkit::{Event, Placed};

use crate::Story;

/// What Checkout says of an order with these fields in IMSHOP's request and in the shop's answer.
async fn checkout(requested: &Value, answered: &Value) -> Value {
    let story = Story::start().await;
    story.environment.standins().shop_answers(answered.clone()).unwrap();
    let mut request = Story::order_request("uuid-1");
    for (field, value) in requested.as_object().unwrap() {
        match field.as_str() {
            "installId" => request["installId"] = value.clone(),
            _ => request["orders"][0][field] = value.clone(),
        }
    }
    let answer = story.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(request).rest()).await.json();
    let id = answer["orders"][0]["id"].as_str().unwrap().to_owned();
    let created = story.create(&Placed { uuid: "uuid-1".to_owned(), id }).await.json();
    assert_eq!(created["success"], true, "{requested} {answered}: {created}");
    story.environment.standins().calls_to(System::Mokka, "checkout")[0].body.clone()
}

#[tokio::test]
async fn only_names_that_can_be_told_apart_fill_in_the_form() {
    for (name, person) in [
        ("Чернышев Петр Александрович", json!({"first_name": "Петр", "surname": "Чернышев", "patronymic": "Александрович"})),
        ("Петр Александрович Чернышев", json!({"first_name": "Петр", "surname": "Чернышев", "patronymic": "Александрович"})),
        ("Мария Ивановна", json!({"first_name": "Мария", "patronymic": "Ивановна"})),
        ("Chernyshev Petr Aleksandrovich", json!(null)),
        ("Айгуль", json!(null)),
        ("Иванов Иван", json!(null)),
        ("", json!(null)),
    ] {
        let body = checkout(&json!({"name": name}), &json!({})).await;
        assert_eq!(body["person"], person, "{name}");
        for part in ["first_name", "surname", "patronymic"] {
            assert_eq!(body["delivery_info"][part], person[part], "{name}: the recipient is the customer");
        }
    }
}

#[tokio::test]
async fn checkout_passes_on_known_delivery_channel_and_term() {
    let canary = json!("canary.customer@example.org");
    for (requested, answered, path, wanted) in [
        (json!({"address": "ул. Ленина, 1"}), json!({}), "/delivery_info/address", json!("Бишкек, ул. Ленина, 1")),
        (json!({"address": "г. Бишкек, ул. Ленина, 1"}), json!({}), "/delivery_info/address", json!("г. Бишкек, ул. Ленина, 1")),
        (
            json!({"address": "ул. Ленина, 1", "city": "0c5b2444-70a0-4932-980c-b4dc0d3f02b5"}),
            json!({}),
            "/delivery_info/address",
            json!("ул. Ленина, 1"),
        ),
        (json!({"address": "ул. Ленина, 1", "city": null}), json!({}), "/delivery_info/address", json!("ул. Ленина, 1")),
        (json!({"address": null}), json!({}), "/delivery_info/address", json!(null)),
        (json!({"address": {"street": "Ленина"}}), json!({}), "/delivery_info/address", json!(null)),
        (json!({}), json!({}), "/delivery_info/type", json!("courier/1")),
        (json!({"delivery": null}), json!({}), "/delivery_info/type", json!(null)),
        (json!({}), json!({}), "/delivery_info/phone", json!("8880100203")),
        (json!({}), json!({}), "/delivery_info/email", canary),
        (json!({"address": null, "delivery": null}), json!({}), "/delivery_info", json!(null)),
        (json!({"email": "нет"}), json!({}), "/delivery_info/email", json!(null)),
        (json!({}), json!({}), "/additional_data", json!({"channel": "app"})),
        (json!({"installId": null}), json!({}), "/additional_data", json!(null)),
        (
            json!({}),
            json!({"returningCustomer": true}),
            "/additional_data",
            json!({"channel": "app", "returning_customer": true}),
        ),
        (
            json!({}),
            json!({"returningCustomer": "0"}),
            "/additional_data",
            json!({"channel": "app", "returning_customer": false}),
        ),
        (json!({}), json!({"returningCustomer": "many"}), "/additional_data", json!({"channel": "app"})),
        (json!({}), json!({"term": 3}), "/current_order/term", json!(3)),
        (json!({}), json!({"term": null}), "/current_order/term", json!(null)),
        (json!({}), json!({"term": 0}), "/current_order/term", json!(null)),
        (json!({}), json!({"term": "soon"}), "/current_order/term", json!(null)),
    ] {
        let body = checkout(&requested, &answered).await;
        assert_eq!(body.pointer(path).unwrap_or(&Value::Null), &wanted, "{requested} {answered}: {body}");
    }
}

#[tokio::test]
async fn a_term_that_mokka_does_not_have_is_the_customers_to_choose() {
    for term in [1, 5, 7, 48, 60] {
        let story = Story::start().await;
        story.environment.standins().shop_answers(json!({"term": term})).unwrap();
        let order = story.order().await;
        let created = story.create(&order).await.json();
        assert_eq!(created["success"], true, "{term}: {created}");
        let asked: Vec<_> = story.environment.standins().calls_to(System::Mokka, "checkout");
        let terms: Vec<_> = asked.iter().map(|call| call.body["current_order"]["term"].clone()).collect();
        assert_eq!(terms, [json!(term), json!(null)]);
    }
}

#[tokio::test]
async fn brand_and_category_are_the_shops_else_the_requests() {
    let item = |extra: Value| {
        let mut item =
            json!({"id": "i-1", "configurationId": "sku-1", "name": "Чайник", "quantity": 1, "price": 3000, "subtotal": 3000});
        item.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!([item])
    };
    for (requested, answered, brand, category) in [
        (json!({}), json!({}), json!(null), json!(null)),
        (json!({"brand": "Кама"}), json!({}), json!("Кама"), json!(null)),
        (json!({"brand": "Кама"}), json!({"brand": "Ока", "category": "Чайники"}), json!("Ока"), json!("Чайники")),
        (json!({"category": ["Чайники"]}), json!({"brand": " "}), json!(null), json!(null)),
    ] {
        let answer = json!({"deliveryPrice": 0, "price": 3000, "items": item(answered.clone())});
        let cart = checkout(&json!({"items": item(requested.clone())}), &answer).await["cart_items"].clone();
        assert_eq!((&cart[0]["brand"], &cart[0]["category"]), (&brand, &category), "{requested} {answered}: {cart}");
    }
}

#[tokio::test]
async fn what_the_shop_pushes_is_passed_on_too() {
    let story = Story::start().await;
    let push = json!({
        "orderId": "A-17", "amount": "4990.00", "name": "Чернышев Петр Александрович", "phone": "+7 888 010-02-03",
        "address": "Москва, ул. Ленина, 1", "returningCustomer": true, "term": 6,
        "items": [{"name": "Чайник", "quantity": 1, "price": "4990.00", "brand": "Кама", "category": "Чайники"}]
    });
    let put = async |body: &Value| {
        let event = Event::new("PUT", "/v1/orders/pushed-1").key(testkit::settings::SHOP_KEY).json(body.clone());
        story.orders(event.rest()).await.status
    };
    assert_eq!(put(&push).await, 200);
    // A correction keeps what it does not name.
    assert_eq!(put(&json!({"orderId": "A-17", "amount": "4990.00"})).await, 200);
    for term in [json!(0), json!(61), json!("soon")] {
        let mut wrong = push.clone();
        wrong["term"] = term;
        assert_eq!(put(&wrong).await, 400);
    }
    let created = story.create(&Placed { uuid: "pushed-1".to_owned(), id: "A-17".to_owned() }).await.json();
    assert_eq!(created["success"], true, "{created}");
    let body = story.environment.standins().calls_to(System::Mokka, "checkout")[0].body.clone();
    assert_eq!(
        (&body["person"]["surname"], &body["delivery_info"]["address"], &body["additional_data"], &body["current_order"]["term"]),
        (&json!("Чернышев"), &json!("Москва, ул. Ленина, 1"), &json!({"returning_customer": true}), &json!(6)),
    );
    assert_eq!((&body["cart_items"][0]["brand"], &body["cart_items"][0]["category"]), (&json!("Кама"), &json!("Чайники")));
    // The environment looks for all of it in every log line when it ends.
}
