use std::time::Instant;

use crate::Story;
use serde_json::{Value, json};
use shared::platform::metrics;
use standins::{Fault, Options, System};
use testkit::settings::{IMSHOP_KEY, SHOP_KEY, SHOP_ORDERS_SECRET};
use testkit::{Answer, Event, TIMELY, drop_after, invoke};

fn post(body: Value) -> Event {
    Event::post("/v1/orders").key(IMSHOP_KEY).json(body)
}

async fn stored(story: &Story, uuid: &str) -> Value {
    let mut order = story.environment.item("order-holds", &format!("order#{uuid}")).await.unwrap_or_default();
    if let Some(order) = order.as_object_mut() {
        order.remove("write_mark");
    }
    order
}

#[tokio::test]
async fn an_order_goes_to_the_shop_and_its_answer_comes_back_unchanged() {
    let story = Story::start().await;
    let body = Story::order_request("uuid-1").to_string();
    for event in
        [Event::post("/v1/orders").key(IMSHOP_KEY).text(&body).rest(), Event::post("/v1/orders").key(IMSHOP_KEY).text(&body).v2()]
    {
        let answer = story.orders(event).await;
        assert_eq!(answer.status, 200);
        insta::assert_snapshot!("answer", answer.body);
    }
    let calls = story.environment.standins().calls_to(System::Shop, "orders");
    assert_eq!(calls[0].raw, body, "byte for byte");
    assert_eq!(calls[0].headers["authorization"], format!("Bearer {SHOP_KEY}"));
    assert!(!calls[0].headers.values().any(|value| value.contains(IMSHOP_KEY)), "IMSHOP's key stays here");
    insta::assert_json_snapshot!("stored_order", stored(&story, "uuid-1").await, {
        ".cart.at" => "[now]", ".said_at" => "[now]", ".check_at" => "[in 90 days]", ".lookup_at" => "[now]",
        ".state" => "[today]", ".moved_at" => "[now]"
    });
}

/// The ids of the messages to the shop, in their order.
fn ids(story: &Story) -> Vec<String> {
    let calls = story.environment.standins().calls_to(System::Shop, "orders");
    calls.iter().map(|call| call.headers["webhook-id"].clone()).collect()
}

#[tokio::test]
async fn an_order_is_signed_at_the_machines_time_under_an_id_of_its_words() {
    let story = Story::start().await;
    story.environment.advance(std::time::Duration::from_hours(24 * 365));
    for uuid in ["uuid-1", "uuid-1", "uuid-2"] {
        let answer = story.orders(post(Story::order_request(uuid)).rest()).await;
        assert_eq!(answer.json()["orders"][0]["success"], true, "the shop verifies what is signed: {}", answer.body);
    }
    let ids = ids(&story);
    assert_eq!(ids[0], ids[1], "the same order in the same words");
    assert_ne!(ids[0], ids[2], "another order");
    let calls = story.environment.standins().calls_to(System::Shop, "orders");
    assert!(calls.iter().all(|call| call.headers["webhook-signature"].starts_with("v1,")), "{:?}", calls[0].headers);
}

#[tokio::test]
async fn while_keys_are_changed_an_order_has_both_signatures() {
    let next = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (current, other) in [(SHOP_ORDERS_SECRET, next), (next, SHOP_ORDERS_SECRET)] {
        let changes = [("SHOP_ORDERS_SECRET", current), ("SHOP_ORDERS_SECRET_NEXT", other)];
        let story = Story::start_with(Options::default(), &changes).await;
        let answer = story.orders(post(Story::order_request("uuid-1")).rest()).await;
        assert_eq!(answer.json()["orders"][0]["success"], true, "{}", answer.body);
    }
    let story = Story::start_with(Options::default(), &[("SHOP_ORDERS_SECRET", next)]).await;
    let answer = story.orders(post(Story::order_request("uuid-1")).rest()).await;
    assert_eq!(answer.json()["orders"][0]["errorCode"], "shop_unavailable", "the shop takes no other key: {}", answer.body);
}

#[tokio::test]
async fn without_a_secret_an_order_has_its_id_alone() {
    let story = Story::start_with(Options::default(), &[("SHOP_ORDERS_SECRET", "")]).await;
    story.orders(post(Story::order_request("uuid-1")).rest()).await;
    let calls = story.environment.standins().calls_to(System::Shop, "orders");
    let sent = |name: &str| calls[0].headers.contains_key(name);
    assert!(sent("webhook-id") && sent("authorization") && !sent("webhook-timestamp") && !sent("webhook-signature"));
}

/// Everything that the shop's rules on ways to pay can ask for later, with every id that an item has.
fn full_request(uuid: &str) -> Value {
    let mut request = Story::order_request(uuid);
    let kettle = json!({
        "id": "i-1", "configurationId": "sku-1", "privateId": "sku-1", "name": "Чайник", "quantity": 2, "price": 1500, "warehouseId": 7
    });
    let cup = json!({"id": "i-2", "name": "Чашка", "subtotal": "99.90", "warehouseId": null});
    for (field, value) in [
        ("externalUserId", json!("customer-of-the-shop")),
        ("country", json!("KG")),
        ("pickupLocationId", Value::Null),
        ("promocode", json!("SPRING")),
        ("authorizedBonuses", json!("250.50")),
        ("items", json!([kettle, cup])),
    ] {
        request["orders"][0][field] = value;
    }
    request
}

#[tokio::test]
async fn order_records_cart_facts_for_rules_without_the_customer() {
    let story = Story::start().await;
    story.orders(post(full_request("uuid-1")).rest()).await;
    let stored = stored(&story, "uuid-1").await;
    insta::assert_json_snapshot!("recorded_cart", stored["cart"], {".at" => "[now]"});
    assert!(!stored.to_string().contains("customer-of-the-shop"));
}

#[tokio::test]
async fn what_an_order_does_not_say_or_says_unreadably_is_left_out() {
    let story = Story::start().await;
    let mut request = Story::order_request("uuid-1");
    for (field, value) in [
        ("city", json!({"name": "Бишкек"})),
        ("delivery", json!([])),
        ("promocode", json!("")),
        ("authorizedBonuses", json!("много")),
        ("externalUserId", json!(false)),
    ] {
        request["orders"][0][field] = value;
    }
    assert_eq!(story.orders(post(request).rest()).await.status, 200);
    let order = stored(&story, "uuid-1").await;
    assert_eq!(order["cart"].as_object().unwrap().keys().collect::<Vec<_>>(), ["at", "goods"], "{order}");
    // Null says that there is none, which is more than nothing.
    let mut request = full_request("uuid-2");
    for field in ["externalUserId", "promocode", "authorizedBonuses", "country"] {
        request["orders"][0][field] = Value::Null;
    }
    story.orders(post(request).rest()).await;
    let cart = stored(&story, "uuid-2").await["cart"].clone();
    assert_eq!((&cart["known_customer"], &cart["bonuses"]), (&json!(false), &json!("0.00")), "{cart}");
    assert_eq!((cart.get("promocode"), cart.get("country")), (Some(&Value::Null), Some(&Value::Null)), "{cart}");
}

#[tokio::test]
async fn a_line_that_cannot_be_read_is_the_one_that_is_unknown() {
    let kettle = json!({"configurationId": "sku-1", "name": "Чайник", "quantity": 1, "price": 3000, "subtotal": 3000});
    let lines = |order: &Value| {
        let lines = order["lines"].as_array().unwrap().iter();
        lines.map(|line| (line["name"].clone(), line["subtotal"].clone())).collect::<Vec<_>>()
    };
    for odd in [json!("чай"), json!(7), json!(null), json!([1, 2]), json!(true)] {
        let story = Story::start().await;
        let items = json!([kettle, odd]);
        story.environment.standins().shop_answers(json!({"price": 3250, "deliveryPrice": 250, "items": items})).unwrap();
        story.orders(post(Story::order_request("uuid-1")).rest()).await;
        let order = stored(&story, "uuid-1").await;
        assert_eq!(lines(&order), [(json!("Чайник"), json!(300_000)), (json!("Товар"), Value::Null)], "{odd}");
        assert_eq!(order["amount"], json!(325_000), "{odd}");
        // What the lines cost together is as unknown as the one.
        let story = Story::start().await;
        story.environment.standins().shop_answers(json!({"price": null, "deliveryPrice": 0, "items": items})).unwrap();
        story.orders(post(Story::order_request("uuid-1")).rest()).await;
        assert_eq!(stored(&story, "uuid-1").await.get("amount"), None, "{odd}");
        // In the request, of which the simulated shop would take none.
        let url = crate::text::shop("Content-Type: application/json", crate::text::ANSWER.into()).await;
        let story = Story::start_with(Options::default(), &[("SHOP_ORDERS_URL", &url)]).await;
        let mut request = Story::order_request("uuid-1");
        request["orders"][0]["items"] = items;
        assert_eq!(story.orders(post(request).rest()).await.status, 200, "{odd}");
        let order = stored(&story, "uuid-1").await;
        assert_eq!(lines(&order), [(json!("Чайник"), Value::Null), (json!("Товар"), Value::Null)], "{odd}");
        assert_eq!(order["cart"].get("goods"), None, "{odd}: no rule on goods is sure");
    }
}

#[tokio::test]
async fn split_cart_records_shared_facts_and_huge_cart_no_items() {
    let story = Story::start().await;
    let mut request = full_request("uuid-a");
    let second = full_request("uuid-b")["orders"][0].clone();
    request["orders"].as_array_mut().unwrap().push(second);
    story.orders(post(request).rest()).await;
    for uuid in ["uuid-a", "uuid-b"] {
        let cart = stored(&story, uuid).await["cart"].clone();
        let keys: Vec<_> = cart.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["at", "city", "country", "is_split", "known_customer", "promocode"]);
    }
    let mut request = full_request("uuid-c");
    request["orders"][0]["items"] = (0..101).map(|id| json!({"id": id, "price": 1})).collect();
    story.orders(post(request).rest()).await;
    let cart = stored(&story, "uuid-c").await["cart"].clone();
    assert_eq!((cart.get("goods"), &cart["amount"]), (None, &json!(10_100)), "{cart}");
}

#[tokio::test]
async fn a_key_in_the_body_opens_and_does_not_travel_on() {
    let story = Story::start().await;
    let body = format!(
        "{{\"key\":\"{IMSHOP_KEY}\",\"x\":1.10,\"orders\":[{{\"uuid\":\"uuid-1\",\"deliveryPrice\":250.00,\"items\":[]}}]}}"
    );
    let answer = story.orders(Event::post("/v1/orders").text(&body).rest()).await;
    assert_eq!(answer.status, 200);
    let call = &story.environment.standins().calls_to(System::Shop, "orders")[0];
    assert_eq!(call.raw, "{\"x\":1.10,\"orders\":[{\"uuid\":\"uuid-1\",\"deliveryPrice\":250.00,\"items\":[]}]}");
}

#[tokio::test]
async fn the_amount_is_the_price_else_the_sum_else_unknown() {
    for (answers, amount) in [
        (json!({"price": 4999.0}), json!(499_900)),
        (json!({"price": "4999.00"}), json!(499_900)),
        (json!({"price": null}), json!(325_000)),
        (json!({"price": null, "deliveryPrice": 100.5}), json!(310_050)),
        (json!({"price": null, "items": [{"subtotal": "0.29"}, {"subtotal": 0.01}], "deliveryPrice": 0}), json!(30)),
        (json!({"price": null, "items": [{"subtotal": 10}, {"name": "without a subtotal", "price": 5}]}), Value::Null),
        (json!({"price": null, "items": null}), Value::Null),
        (json!({"price": -5, "items": null}), Value::Null),
        (json!({"price": 1e300, "items": null}), Value::Null),
        (json!({"price": "много", "items": []}), Value::Null),
        (json!({"price": 5000, "currency": "ZZZ"}), Value::Null),
        // A price that was said and cannot be read is never replaced by a sum of something else.
        (json!({"price": "3250 руб."}), Value::Null),
        (json!({"price": null, "deliveryPrice": "дёшево"}), Value::Null),
    ] {
        let story = Story::start().await;
        story.environment.standins().shop_answers(answers.clone()).unwrap();
        let order = story.order().await;
        assert_eq!(stored(&story, &order.uuid).await["amount"], amount, "{answers}");
    }
}

#[tokio::test]
async fn a_repeated_uuid_changes_nothing_that_a_payment_relies_on() {
    let story = Story::start().await;
    let order = story.order().await;
    assert_eq!(story.create(&order).await.json()["success"], json!(true));
    let before = stored(&story, &order.uuid).await;
    for answers in
        [json!({"price": 1}), json!({"id": "other"}), json!({"price": null, "items": null}), json!({"currency": "KZT"})]
    {
        story.environment.standins().shop_answers(answers.clone()).unwrap();
        let mut request = Story::order_request(&order.uuid);
        request["orders"][0]["phone"] = "+996 555 000 000".into();
        let answer = story.orders(post(request).rest()).await;
        assert_eq!(answer.json()["orders"][0]["success"], json!(true), "IMSHOP gets the shop's word all the same");
        assert_eq!(stored(&story, &order.uuid).await, before, "{answers}");
        story.environment.standins().clear_shop_answers();
    }
    let said = story.environment.logs().matches("otherwise than the one that is being paid").count();
    assert_eq!(said, 4, "never in silence");
    assert_eq!(story.environment.total(metrics::ORDERS_NOT_RECORDED, &[("reason", "differs")]), 4);
}

#[tokio::test]
async fn of_a_repeated_uuid_the_last_answer_counts_while_nobody_pays() {
    let story = Story::start().await;
    let standins = story.environment.standins();
    let order = story.order().await;
    for (answers, amount) in [
        (json!({"price": 4500}), json!(450_000)),
        (json!({"price": null, "items": null}), Value::Null),
        (json!({"price": 4700.5}), json!(470_050)),
    ] {
        standins.shop_answers(answers.clone()).unwrap();
        story.orders(post(Story::order_request(&order.uuid)).rest()).await;
        standins.clear_shop_answers();
        assert_eq!(stored(&story, &order.uuid).await["amount"], amount, "{answers}");
    }
    // What failed relies on nothing any more; the next attempt is of the price that was shown last.
    assert_eq!(story.create(&order).await.json()["success"], json!(true));
    assert_eq!(standins.mokka_order(&order.payment(1)).unwrap().amount, "4700.50");
    story.decide(&order.payment(1), standins::Decision::Declined).await;
    story.capture(&order.payment(1)).await;
    standins.shop_answers(json!({"price": 4000})).unwrap();
    story.orders(post(Story::order_request(&order.uuid)).rest()).await;
    assert_eq!(story.create(&order).await.json()["paymentId"], json!(order.payment(2)));
    assert_eq!(standins.mokka_order(&order.payment(2)).unwrap().amount, "4000.00");
}

#[tokio::test]
async fn what_decides_an_amount() {
    let two = |line: Value| json!([line, {"configurationId": "b", "name": "B", "quantity": 1, "price": 100, "subtotal": 100}]);
    for (answers, amount) in [
        // Binary dust is not a price of its own; what is more than dust is none.
        (json!({"price": 3_300.000_000_000_000_5}), json!(330_000)),
        (json!({"price": 1_999.989_999_999_999_8}), json!(199_999)),
        (json!({"price": "5240.1000000000004"}), json!(524_010)),
        (json!({"price": 5240.101}), Value::Null),
        // A currency that is said and unreadable never becomes the default one.
        (json!({"price": 50_000, "currency": 398}), Value::Null),
        (json!({"price": 50_000, "currency": ["KZT"]}), Value::Null),
        (json!({"price": 50_000, "currency": "tenge"}), Value::Null),
        (json!({"price": 50_000, "currency": ""}), Value::Null),
        // Numbers of the request are never charged: it says 250 for the delivery.
        (json!({"price": null, "deliveryPrice": null}), json!(300_000)),
        (json!({"price": null, "deliveryPrice": 99}), json!(309_900)),
        (json!({"price": null, "deliveryPrice": "дёшево"}), Value::Null),
        // A line without a subtotal is computed, if nothing of it is missing or unreadable.
        (
            json!({"price": null, "deliveryPrice": 0, "items": two(json!({"configurationId": "a", "quantity": 3, "price": 10.5}))}),
            json!(13_150),
        ),
        (
            json!({"price": null, "deliveryPrice": 0, "items": two(json!({"configurationId": "a", "quantity": 3, "price": 10.5, "discount": 1.5}))}),
            json!(13_000),
        ),
        (
            json!({"price": null, "deliveryPrice": 0, "items": two(json!({"configurationId": "a", "quantity": 3, "price": 10.5, "discount": "10%"}))}),
            Value::Null,
        ),
        (
            json!({"price": null, "deliveryPrice": 0, "items": two(json!({"configurationId": "a", "quantity": 1, "price": 10, "discount": 11}))}),
            Value::Null,
        ),
        (json!({"price": null, "deliveryPrice": 0, "items": two(json!({"configurationId": "a", "price": 10}))}), Value::Null),
        (
            json!({"price": null, "deliveryPrice": 0, "items": two(json!({"configurationId": "a", "quantity": 3, "price": 10, "subtotal": "thirty"}))}),
            Value::Null,
        ),
    ] {
        let story = Story::start().await;
        story.environment.standins().shop_answers(answers.clone()).unwrap();
        let order = story.order().await;
        assert_eq!(stored(&story, &order.uuid).await["amount"], amount, "{answers}");
        let warned = story.environment.logs().contains("the shop's answer leaves no certain amount");
        assert_eq!(warned, amount.is_null(), "{answers}: somebody is told that this order cannot be paid");
        let counted = story.environment.total(metrics::ORDERS_WITHOUT_AMOUNT, &[("order_uuid", &order.uuid)]);
        assert_eq!(counted, i64::from(amount.is_null()), "{answers}");
    }
}

#[tokio::test]
async fn spent_bonuses_without_a_price_are_not_charged_again() {
    let story = Story::start().await;
    for (index, (bonuses, price, amount)) in [
        (json!(300), Value::Null, Value::Null),
        (json!("300.00"), Value::Null, Value::Null),
        (json!("много"), Value::Null, Value::Null),
        (json!(-300), Value::Null, Value::Null),
        (json!(300), json!(2950), json!(295_000)),
        (json!(0), Value::Null, json!(325_000)),
        (Value::Null, Value::Null, json!(325_000)),
    ]
    .into_iter()
    .enumerate()
    {
        story.environment.standins().shop_answers(json!({"price": price})).unwrap();
        let uuid = format!("uuid-{index}");
        let mut request = Story::order_request(&uuid);
        request["orders"][0]["authorizedBonuses"] = bonuses.clone();
        story.orders(post(request).rest()).await;
        assert_eq!(stored(&story, &uuid).await["amount"], amount, "bonuses {bonuses}, price {price}");
    }
    assert_eq!(story.environment.logs().matches("price, which the order's bonuses are taken off").count(), 4);
}

#[tokio::test]
async fn whether_the_price_contains_the_delivery_is_a_setting() {
    for (setting, answers, amount, warned) in [
        ("true", json!({"price": 3250, "deliveryPrice": 250}), json!(325_000), false),
        ("", json!({"price": 3000, "deliveryPrice": 250}), json!(300_000), true),
        ("", json!({"price": 3000, "deliveryPrice": 0}), json!(300_000), false),
        ("", json!({"price": 2900, "deliveryPrice": 250}), json!(290_000), false),
        ("false", json!({"price": 3000, "deliveryPrice": 250}), json!(325_000), false),
        ("false", json!({"price": 2900, "deliveryPrice": "250.50"}), json!(315_050), false),
        ("false", json!({"price": 3250, "deliveryPrice": 250}), json!(350_000), true),
        ("false", json!({"price": 3000, "deliveryPrice": null}), json!(300_000), false),
        ("false", json!({"price": 3000, "deliveryPrice": "дёшево"}), Value::Null, false),
        // Without a price there is one sum, whatever the setting.
        ("false", json!({"price": null, "deliveryPrice": 250}), json!(325_000), false),
    ] {
        let story = Story::start().await;
        story.environment.standins().shop_answers(answers.clone()).unwrap();
        let deps = story.environment.build(orders::Deps::from_env, &[("SHOP_PRICE_INCLUDES_DELIVERY", setting)]);
        let event = post(Story::order_request("uuid-1")).rest();
        invoke(&deps, |deps, request| Box::pin(orders::handle(deps, request)), event).await;
        assert_eq!(stored(&story, "uuid-1").await["amount"], amount, "{setting} {answers}");
        assert_eq!(story.environment.logs().contains("SHOP_PRICE_INCLUDES_DELIVERY"), warned, "{setting} {answers}");
    }
}

#[tokio::test]
async fn a_split_cart_is_recorded_order_by_order() {
    let story = Story::start().await;
    let mut request = Story::order_request("uuid-a");
    let mut second = request["orders"][0].clone();
    second["uuid"] = "uuid-b".into();
    request["orders"].as_array_mut().unwrap().push(second);
    let answer = story.orders(post(request).rest()).await.json();
    assert_eq!(answer["orders"].as_array().unwrap().len(), 2);
    for (uuid, id) in [("uuid-a", "1001"), ("uuid-b", "1002")] {
        assert_eq!(stored(&story, uuid).await["order_id"], json!(id));
    }
}

#[tokio::test]
async fn a_refused_order_is_passed_on_and_not_recorded() {
    let story = Story::start().await;
    story.environment.standins().fault(System::Shop, "orders", Fault::Refused, 1).unwrap();
    let answer = story.orders(post(Story::order_request("uuid-1")).rest()).await;
    assert_eq!((answer.status, &answer.json()["orders"][0]["success"]), (200, &json!(false)));
    assert_eq!(stored(&story, "uuid-1").await, Value::Null);
}

#[tokio::test]
async fn every_fault_of_the_shop_is_answered_and_then_converges() {
    let faults = ["timeout", "reset", "http500", "html", "slow", "answer_lost", "refused", "status:401", "status:503"];
    futures_util::future::join_all(faults.map(async |fault| {
        let story = Story::start().await;
        story.environment.standins().fault(System::Shop, "orders", fault.parse::<Fault>().unwrap(), 1).unwrap();
        let started = Instant::now();
        let answer = story.orders(post(Story::order_request("uuid-1")).rest()).await;
        assert!(started.elapsed() < TIMELY, "{fault}");
        let body = answer.json();
        assert_eq!(answer.status, 200, "{fault}: {body}");
        assert_eq!(
            (&body["orders"][0]["success"], &body["orders"][0]["uuid"]),
            (&json!(false), &json!("uuid-1")),
            "{fault}: {body}"
        );
        let again = story.orders(post(Story::order_request("uuid-1")).rest()).await.json();
        assert_eq!(again["orders"][0]["success"], json!(true), "{fault}: {again}");
        assert_eq!(story.environment.standins().orders().len(), 1, "{fault}");
        assert_eq!(stored(&story, "uuid-1").await["order_id"], json!("1001"), "{fault}");
    }))
    .await;
}

#[tokio::test]
async fn dropped_at_every_point_and_repeated_it_is_one_order() {
    let mut points = 0;
    loop {
        let story = Story::start().await;
        let event = || post(Story::order_request("uuid-1")).rest();
        let finished = drop_after(points, story.orders(event())).await.is_some();
        let answer = story.orders(event()).await;
        assert_eq!(answer.json()["orders"][0]["id"], json!("1001"), "dropped after {points}: {}", answer.body);
        assert_eq!(story.environment.standins().orders().len(), 1);
        assert_eq!(stored(&story, "uuid-1").await["version"], json!(1));
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 2, "the shop, the record: {points}");
}

#[tokio::test]
async fn fields_of_wrong_types_are_the_shops_to_judge() {
    let story = Story::start().await;
    let body = json!({
        "installId": {"x": 1},
        "orders": [{"uuid": 77, "name": 5, "phone": ["x"], "email": null, "deliveryPrice": "free", "items": [{"name": 1, "quantity": "2.0"}]}]
    });
    let answer = story.orders(post(body).rest()).await;
    // The stand-in is strict about the uuid's type; a real shop may not be. Nothing here stands in its way.
    assert_eq!(story.environment.standins().calls_to(System::Shop, "orders").len(), 1, "{}", answer.body);
}

#[tokio::test]
async fn bad_requests_are_named_and_strangers_kept_out() {
    let story = Story::start().await;
    let shape = |answer: &Answer, status: u16, wanted: &str| {
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.json()["orders"], json!([]));
        assert!(answer.json()["message"].as_str().unwrap().contains(wanted), "{wanted}: {}", answer.body);
    };
    let event = || Event::post("/v1/orders").key(IMSHOP_KEY);
    shape(&story.orders(event().rest()).await, 400, "empty");
    shape(&story.orders(event().text("{").rest()).await, 400, "not JSON");
    shape(&story.orders(event().text("{}").rest()).await, 400, "orders");
    shape(&story.orders(event().json(json!({"orders": []})).rest()).await, 400, "orders");
    shape(&story.orders(event().json(json!({"orders": [{}]})).rest()).await, 400, "orders[0]");
    shape(&story.orders(event().json(json!({"orders": [{"uuid": ""}]})).rest()).await, 400, "orders[0].uuid");
    shape(&story.orders(event().bytes(b"\xff").rest()).await, 400, "UTF-8");
    shape(&story.orders(event().text(&" ".repeat(1_048_577)).rest()).await, 413, "at most");
    shape(&story.orders(Event::post("/v1/orders").json(Story::order_request("u")).rest()).await, 401, "ключ");
    shape(&story.orders(Event::post("/v1/orders").key(SHOP_KEY).json(Story::order_request("u")).rest()).await, 401, "ключ");
    shape(&story.orders(Event::new("GET", "/v1/orders").key(IMSHOP_KEY).rest()).await, 405, "POST");
    shape(&story.orders(Event::post("/v1/orders/x/y").key(IMSHOP_KEY).rest()).await, 404, "not found");
    assert!(story.environment.standins().calls(None).is_empty());
}
