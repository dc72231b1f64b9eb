use serde_json::{Value, json};
use standins::Options;

use crate::environment::{TestEnvironment, answer, machine_time, text};

fn order(uuid: &str) -> Value {
    json!({
        "uuid": uuid,
        "deliveryPrice": 199.9,
        "items": [
            { "id": "7", "configurationId": "7-red", "name": "Чайник", "quantity": 3, "price": 0.1 },
            { "id": "8", "privateId": "P8", "name": "Чашка", "quantity": 2, "discount": 100 },
        ],
    })
}

#[tokio::test]
async fn the_shop_prices_an_order_exactly() {
    let environment = TestEnvironment::start().await;
    let request = environment.shop_request("/shop/orders", &json!({ "installId": "i", "orders": [order("u1")] }));
    let (status, raw) = text(request.send().await.unwrap()).await;
    assert_eq!(status, 200);
    // 3 × 0.10 + (2 × 1500.00 − 100.00) + 199.90
    for exact in ["\"price\":3100.20", "\"deliveryPrice\":199.90", "\"subtotal\":0.30", "\"subtotal\":2900.00"] {
        assert!(raw.contains(exact), "{exact} in {raw}");
    }
    let answer: Value = serde_json::from_str(&raw).unwrap();
    let answered = &answer["orders"][0];
    assert_eq!((&answered["id"], &answered["publicId"]), (&json!("1001"), &json!("A-1001")));
    assert_eq!((&answered["success"], &answered["uuid"]), (&json!(true), &json!("u1")));
    assert_eq!(answered["items"][0]["configurationId"], "7-red");
    assert_eq!(answered["items"][1]["privateId"], "P8");
}

/// A kilo and a half of cheese, two teas with a discount, a delivery; 6000 + 1300 + 250, and 300 of it paid with points.
fn weighed(uuid: &str) -> Value {
    json!({
        "uuid": uuid,
        "deliveryPrice": 250,
        "authorizedBonuses": 300,
        "items": [
            { "configurationId": "cheese", "quantity": 1.5, "price": "4000" },
            { "configurationId": "tea", "quantity": "2", "price": 700, "discount": 100 },
        ],
    })
}

#[tokio::test]
async fn shops_that_sell_in_different_ways_price_the_same_order() {
    for (readings, price, lines) in [
        (&[][..], json!(7250.0), [json!([1.5, 4000.0, 6000.0]), json!([2, 700.0, 1300.0])]),
        (&[("delivery", "beside_price")], json!(7000.0), [json!([1.5, 4000.0, 6000.0]), json!([2, 700.0, 1300.0])]),
        (&[("bonuses", "no_price")], Value::Null, [json!([1.5, 4000.0, 6000.0]), json!([2, 700.0, 1300.0])]),
        (&[("discounts", "of_unit")], json!(7150.0), [json!([1.5, 4000.0, 6000.0]), json!([2, 700.0, 1200.0])]),
        (&[("weights", "pieces")], json!(7250.0), [json!([1, 6000.0, 6000.0]), json!([2, 700.0, 1300.0])]),
        (
            &[("delivery", "beside_price"), ("discounts", "of_unit"), ("weights", "pieces")],
            json!(6900.0),
            [json!([1, 6000.0, 6000.0]), json!([2, 700.0, 1200.0])],
        ),
    ] {
        let environment = TestEnvironment::start().await;
        for (name, value) in readings {
            let (status, list) =
                environment.control("/control/readings", &json!({"system": "shop", "name": name, "value": value})).await;
            assert_eq!(status, 200, "{list}");
        }
        let (status, answer) = answer(environment.shop_request("/shop/orders", &json!({ "orders": [weighed("u1")] }))).await;
        assert_eq!(status, 200, "{answer}");
        let order = &answer["orders"][0];
        assert_eq!((&order["price"], &order["deliveryPrice"]), (&price, &json!(250.0)), "{readings:?}: {order}");
        for (item, line) in order["items"].as_array().unwrap().iter().zip(lines) {
            assert_eq!(json!([item["quantity"], item["price"], item["subtotal"]]), line, "{readings:?}: {item}");
        }
    }
}

#[tokio::test]
async fn what_real_shops_are_sent_is_taken() {
    let environment = TestEnvironment::start().await;
    for (number, order) in [
        json!({ "uuid": 5, "items": null }),
        json!({ "uuid": "u6", "items": [{ "quantity": null, "price": "1 ", "discount": "" }] }),
        json!({ "uuid": "u7", "items": [{ "quantity": "0,25", "price": 100 }], "deliveryPrice": "" }),
        json!({ "uuid": "u8", "items": [], "authorizedBonuses": "много", "anything": [[]] }),
        json!({ "uuid": "u9", "items": [{ "price": 100 }], "authorizedBonuses": "500" }),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, answer) = answer(environment.shop_request("/shop/orders", &json!({ "orders": [order] }))).await;
        let price = [0.0, 1.0, 25.0, 0.0, 0.0][number];
        assert_eq!((status, &answer["orders"][0]["price"]), (200, &json!(price)), "{order}: {answer}");
    }
}

#[tokio::test]
async fn a_repeated_uuid_is_the_same_order() {
    let environment = TestEnvironment::start().await;
    let body = json!({ "orders": [order("u1"), order("u2")] });
    let first = answer(environment.shop_request("/shop/orders", &body)).await;
    let mut changed = order("u1");
    changed["items"] = json!([]);
    let again = answer(environment.shop_request("/shop/orders", &json!({ "orders": [changed, order("u3")] }))).await;
    assert_eq!(again.1["orders"][0], first.1["orders"][0]);
    assert_eq!(again.1["orders"][1]["id"], "1003");
    let orders = environment.get("/control/orders").await;
    let uuids: Vec<&Value> = orders.as_array().unwrap().iter().map(|order| &order["uuid"]).collect();
    assert_eq!(uuids, ["u1", "u2", "u3"]);
    assert_eq!(orders[0]["order"]["items"][0]["name"], "Чайник");
    assert_eq!(orders[0]["answer"]["id"], "1001");
}

#[tokio::test]
async fn answers_can_be_overridden() {
    let environment = TestEnvironment::start().await;
    let body = json!({ "orders": [order("u1")] });
    let (status, _) = environment.control("/control/shop", &json!({ "order": { "price": null, "id": "x", "extra": 1.5 } })).await;
    assert_eq!(status, 200);
    let (_, changed) = answer(environment.shop_request("/shop/orders", &body)).await;
    assert_eq!(changed["orders"][0].get("price"), None);
    assert_eq!((&changed["orders"][0]["id"], &changed["orders"][0]["extra"]), (&json!("x"), &json!(1.5)));
    assert_eq!(environment.get("/control/shop").await["order"]["id"], "x");
    environment.delete("/control/shop").await;
    let (_, plain) = answer(environment.shop_request("/shop/orders", &body)).await;
    assert_eq!(plain["orders"][0]["id"], "1001");
    assert!(environment.standins.shop_answers(json!([])).is_err());
}

#[tokio::test]
async fn unusable_orders_are_refused_as_a_whole() {
    let environment = TestEnvironment::start().await;
    for (body, field) in [
        (json!({}), "orders"),
        (json!({ "orders": [] }), "orders"),
        (json!({ "orders": [order("u1"), {}] }), "orders[1].uuid"),
        (json!({ "orders": [{ "uuid": true }] }), "orders[0].uuid"),
        (json!({ "orders": [{ "uuid": "u", "items": [{ "quantity": 0 }] }] }), "orders[0].items[0].quantity"),
        (json!({ "orders": [{ "uuid": "u", "items": [{ "quantity": 0.0005 }] }] }), "orders[0].items[0].quantity"),
        (json!({ "orders": [{ "uuid": "u", "items": [{ "price": "дёшево" }] }] }), "orders[0].items[0].price"),
        (json!({ "orders": [{ "uuid": "u", "deliveryPrice": 0.001 }] }), "orders[0].deliveryPrice"),
        (json!({ "orders": [{ "uuid": "u", "items": [{ "quantity": u64::MAX }] }] }), "orders[0]"),
    ] {
        let (status, answer) = answer(environment.shop_request("/shop/orders", &body)).await;
        assert_eq!((status, &answer["success"]), (400, &json!(false)), "{body}");
        assert!(answer["message"].as_str().unwrap().contains(field), "{answer}");
    }
    assert!(environment.standins.orders().is_empty());
}

#[tokio::test]
async fn a_form_is_saved_once_per_id() {
    let environment = TestEnvironment::start().await;
    let form = json!({ "formName": "callback" });
    let first = answer(environment.form_request("f1", &form)).await;
    assert_eq!((first.0, &first.1["success"]), (200, &json!(true)));
    assert_eq!(answer(environment.form_request("f1", &json!({ "other": 1 }))).await, first);
    answer(environment.form_request("f2", &form)).await;
    let saved = environment.get("/control/forms").await;
    assert_eq!(saved.as_array().unwrap().len(), 2);
    assert_eq!((&saved[0]["id"], &saved[0]["form"]), (&json!("f1"), &form));
}

#[tokio::test]
async fn a_form_must_be_signed_with_the_right_key_at_the_right_time() {
    let environment = TestEnvironment::start().await;
    let form = json!({ "formName": "callback" });
    let (now, secret) = (machine_time(), Options::default().shop_forms_secret);
    let without = |name: &str| {
        let mut request = environment.form_request("f1", &form).build().unwrap();
        request.headers_mut().remove(name);
        reqwest::RequestBuilder::from_parts(environment.http.clone(), request)
    };
    for (refused, why) in [
        (without("webhook-id"), "webhook-id"),
        (without("webhook-timestamp"), "webhook-timestamp"),
        (without("webhook-signature"), "webhook-signature"),
        (environment.form_request("f1", &form).body(r#"{"formName":"other"}"#), "webhook-signature"),
        (environment.form_signed("f1", &form, now, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "webhook-signature"),
        (environment.form_signed("f1", &form, now - 400, &secret), "webhook-timestamp"),
        (environment.form_signed("f1", &form, now + 400, &secret), "webhook-timestamp"),
    ] {
        let (status, answer) = answer(refused).await;
        assert_eq!((status, &answer["success"]), (401, &json!(false)), "{why}");
        assert!(answer["message"].as_str().unwrap().contains(why), "{why}: {answer}");
    }
    assert!(environment.standins.forms().is_empty());
    // As earlier releases signed, whose clock the sandbox moves.
    let by_the_clock = environment.form_signed("f1", &form, standins::beginning().unix_timestamp(), &secret);
    assert_eq!(answer(by_the_clock).await.0, 200);
}

#[tokio::test]
async fn the_shop_wants_its_key() {
    let environment = TestEnvironment::start().await;
    for authorization in [None, Some("shop-demo-key"), Some("Bearer "), Some("Bearer shop-demo-keys")] {
        let mut request = environment.http.post(environment.url("/shop/orders"));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let (status, answer) = answer(request.body(json!({ "orders": [order("u1")] }).to_string())).await;
        assert_eq!((status, &answer["success"]), (401, &json!(false)), "{authorization:?}");
    }
    assert!(environment.standins.orders().is_empty());
}

#[tokio::test]
async fn an_order_that_is_signed_must_be_signed_rightly() {
    let environment = TestEnvironment::start().await;
    let body = json!({ "orders": [order("u1")] });
    let signed =
        |secret: &str| environment.signed("/shop/orders", "order-1", &body, machine_time(), secret).bearer_auth("shop-demo-key");
    let options = Options::default();
    assert_eq!(answer(signed(&options.shop_forms_secret)).await.0, 401);
    assert!(environment.standins.orders().is_empty());
    assert_eq!(answer(signed(&options.shop_orders_secret)).await.0, 200);
    assert_eq!(environment.standins.orders().len(), 1);
}

#[tokio::test]
async fn the_feed_is_sent_to_who_does_not_have_it_yet() {
    let environment = TestEnvironment::start().await;
    let ask = async |known: Option<&str>| {
        let mut request = environment.http.get(environment.url("/shop/feed.yml"));
        if let Some(known) = known {
            request = request.header("if-none-match", known);
        }
        let answer = request.send().await.unwrap();
        let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), etag, answer.text().await.unwrap())
    };
    let (status, first, text) = ask(None).await;
    assert_eq!(status, 200);
    assert!(text.contains("<offer id=\"kettle-1\"") && text.contains("<price>4990</price>"), "{text}");
    assert_eq!(ask(Some(&first)).await, (304, first.clone(), String::new()));
    environment.http.post(environment.url("/control/shop/feed")).body("<yml_catalog/>").send().await.unwrap();
    let (status, second, text) = ask(Some(&first)).await;
    assert_eq!((status, text.as_str()), (200, "<yml_catalog/>"));
    assert_ne!(first, second);
    let posted = environment.http.post(environment.url("/shop/feed.yml")).send().await.unwrap();
    assert_eq!(posted.status(), 405);
}
