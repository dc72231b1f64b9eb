use crate::Story;
use futures_util::future::join;
use serde_json::{Value, json};
use standins::Decision;
use testkit::settings::{IMSHOP_KEY, SHOP_KEY};
use testkit::{Answer, Event, Placed, canary};

fn push() -> Value {
    json!({
        "orderId": "2001",
        "publicId": "A-2001",
        "amount": "4999.00",
        "currency": "RUB",
        "phone": canary::PHONE,
        "email": canary::EMAIL,
        "name": canary::NAME,
        "items": [{"sku": "sku-1", "name": "Чайник", "quantity": 1, "price": 4999, "subtotal": "4999.00"}],
        "checkNumber": "FD-1",
        "checkLink": "https://ofd.example/1"
    })
}

async fn put(story: &Story, uuid: &str, body: Value) -> Answer {
    story.orders(Event::new("PUT", &format!("/v1/orders/{uuid}")).key(SHOP_KEY).json(body).rest()).await
}

async fn amount(story: &Story, uuid: &str) -> Value {
    story.environment.item("order-holds", &format!("order#{uuid}")).await.unwrap_or_default()["amount"].clone()
}

#[tokio::test]
async fn a_pushed_order_can_be_paid() {
    let story = Story::start().await;
    let answer = put(&story, "pushed-1", push()).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"success": true})));
    let order = Placed { uuid: "pushed-1".to_owned(), id: "2001".to_owned() };
    let created = story.create(&order).await.json();
    assert_eq!(created["success"], json!(true), "{created}");
    assert_eq!(story.environment.standins().mokka_order("2001-1").unwrap().amount, "4999.00");
}

#[tokio::test]
async fn an_order_can_be_corrected_until_a_payment_lives() {
    let story = Story::start().await;
    let order = story.order().await;
    let mut correction = push();
    correction["orderId"] = order.id.clone().into();
    assert_eq!(put(&story, &order.uuid, correction.clone()).await.status, 200);
    assert_eq!(amount(&story, &order.uuid).await, json!(499_900));
    story.create(&order).await;
    correction["amount"] = "1.00".into();
    for step in ["pending", "captured"] {
        let answer = put(&story, &order.uuid, correction.clone()).await;
        assert_eq!((answer.status, &answer.json()["success"]), (409, &json!(false)), "{step}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(step), "{}", answer.body);
        assert_eq!(amount(&story, &order.uuid).await, json!(499_900));
        story.decide(&order.payment(1), Decision::Approved).await;
        story.capture(&order.payment(1)).await;
    }
}

#[tokio::test]
async fn a_correction_keeps_what_is_known_of_the_cart() {
    let story = Story::start().await;
    let order = story.order().await;
    let key = format!("order#{}", order.uuid);
    let before = story.environment.item("order-holds", &key).await.unwrap()["cart"].clone();
    assert_eq!(before["city"], json!("Бишкек"));
    let mut correction = push();
    correction["orderId"] = order.id.clone().into();
    assert_eq!(put(&story, &order.uuid, correction).await.status, 200);
    let after = story.environment.item("order-holds", &key).await.unwrap();
    assert_eq!((&after["cart"], &after["amount"]), (&before, &json!(499_900)));
    put(&story, "pushed-1", push()).await;
    let pushed = story.environment.item("order-holds", "order#pushed-1").await.unwrap();
    assert_eq!(pushed.get("cart"), None, "nothing is known of the cart of an order that only the shop has sent");
}

#[tokio::test]
async fn after_a_failed_attempt_the_corrected_amount_is_paid() {
    let story = Story::start().await;
    let order = story.order().await;
    story.create(&order).await;
    story.decide(&order.payment(1), Decision::Declined).await;
    story.capture(&order.payment(1)).await;
    let mut correction = push();
    correction["orderId"] = order.id.clone().into();
    assert_eq!(put(&story, &order.uuid, correction).await.status, 200);
    let created = story.create(&order).await.json();
    assert_eq!(created["paymentId"], json!(order.payment(2)), "the count of attempts goes on");
    assert_eq!(story.environment.standins().mokka_order(&order.payment(2)).unwrap().amount, "4999.00");
}

#[tokio::test]
async fn a_push_and_a_create_at_once_agree_on_one_amount() {
    for _ in 0..20 {
        let story = Story::start().await;
        let order = story.order().await;
        let mut correction = push();
        correction["orderId"] = order.id.clone().into();
        let (created, pushed) = join(story.create(&order), put(&story, &order.uuid, correction)).await;
        assert_eq!(created.json()["success"], json!(true), "{}", created.body);
        let paid = story.payment(&order.payment(1)).await["amount"].clone();
        let expected = if pushed.status == 200 { json!(499_900) } else { json!(325_000) };
        assert_eq!((&paid, &amount(&story, &order.uuid).await), (&expected, &expected), "pushed: {}", pushed.status);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_push_is_named() {
    let story = Story::start().await;
    for (field, value, wanted) in [
        ("amount", json!(null), "amount"),
        ("amount", json!(-1), "must not be negative"),
        ("amount", json!("0.001"), "at most two decimals"),
        ("amount", json!(1e30), "amount"),
        ("currency", json!("XXX"), "currency"),
        ("phone", json!("call me"), "phone"),
        ("checkLink", json!("javascript:alert(1)"), "checkLink"),
        ("orderId", json!(""), "orderId"),
        ("items", json!([{"name": "x"}]), "items[0]"),
        ("items", json!([{"name": "x", "quantity": -1}]), "items[0].quantity"),
        ("items", json!([{"name": "x", "quantity": 0, "price": 5}]), "items[0].quantity"),
        ("ammount", json!(5), "ammount"),
    ] {
        let mut body = push();
        body[field] = value;
        let answer = put(&story, "pushed-1", body).await;
        assert_eq!((answer.status, &answer.json()["success"]), (400, &json!(false)), "{field}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(wanted), "{wanted}: {}", answer.body);
    }
    assert_eq!(amount(&story, "pushed-1").await, Value::Null);
}

#[tokio::test]
async fn only_the_shops_key_pushes() {
    let story = Story::start().await;
    for key in ["", "wrong", IMSHOP_KEY] {
        let event = Event::new("PUT", "/v1/orders/pushed-1").key(key).json(push()).rest();
        let answer = story.orders(event).await;
        assert_eq!((answer.status, &answer.json()["success"]), (401, &json!(false)), "{key}");
    }
    let mut body = push();
    body["key"] = SHOP_KEY.into();
    assert_eq!(story.orders(Event::new("PUT", "/v1/orders/pushed-1").json(body).rest()).await.status, 401);
    let answer = story.orders(Event::post("/v1/orders/pushed-1").key(SHOP_KEY).json(push()).rest()).await;
    assert_eq!((answer.status, &answer.json()["success"]), (405, &json!(false)), "the shop's shape: {}", answer.body);
}

#[tokio::test]
async fn a_correction_keeps_what_it_does_not_name_and_may_be_repeated() {
    let story = Story::start().await;
    let order = story.order().await;
    let correction = json!({"orderId": order.id, "amount": "4000.00"});
    assert_eq!(put(&story, &order.uuid, correction.clone()).await.status, 200);
    story.create(&order).await;
    let call = &story.environment.standins().calls_to(standins::System::Mokka, "checkout")[0];
    assert_eq!(call.body["primary_phone"], json!("8880100203"));
    assert_eq!(
        (&call.body["current_order"]["amount"], &call.body["cart_items"]),
        (&json!("4000.00"), &json!(null)),
        "no such sum"
    );
    let stored = story.environment.item("order-holds", &format!("order#{}", order.uuid)).await.unwrap();
    assert_eq!(stored["lines"].as_array().map(Vec::len), Some(1));
    // The same push again, after its answer was lost, is not a change.
    assert_eq!(put(&story, &order.uuid, correction).await.status, 200);
}

#[tokio::test]
async fn a_correction_into_another_currency_keeps_no_prices_of_the_old_one() {
    let story = Story::start().await;
    let order = story.order().await;
    let correction = json!({"orderId": order.id, "amount": "9000.00", "currency": "KGS"});
    assert_eq!(put(&story, &order.uuid, correction).await.status, 200);
    let stored = story.environment.item("order-holds", &format!("order#{}", order.uuid)).await.unwrap();
    assert_eq!((&stored["currency"], &stored["lines"]), (&json!("KGS"), &json!([])));
    assert_eq!(stored.get("delivery"), None);
}

#[tokio::test]
async fn a_correction_without_a_currency_is_in_the_orders_own() {
    let story = Story::start().await;
    story.environment.standins().shop_answers(json!({"price": 50_000, "currency": "KZT"})).unwrap();
    let order = story.order().await;
    let answer = put(&story, &order.uuid, json!({"orderId": order.id, "amount": "45000.00"})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let stored = story.environment.item("order-holds", &format!("order#{}", order.uuid)).await.unwrap();
    assert_eq!((&stored["amount"], &stored["currency"]), (&json!(4_500_000), &json!("KZT")));
    let answer = put(&story, &order.uuid, json!({"orderId": order.id, "amount": "4500.00", "currency": "RUB"})).await;
    assert_eq!(answer.status, 200, "said, it is another one: {}", answer.body);
}

#[tokio::test]
async fn an_order_in_an_unreadable_currency_waits_for_one_that_is_said() {
    let story = Story::start().await;
    for (index, said) in [json!("KZTT"), json!(398), json!(["KZT"])].into_iter().enumerate() {
        story.environment.standins().shop_answers(json!({"price": 50_000, "currency": said})).unwrap();
        let order = story.order().await;
        let key = format!("order#{}", order.uuid);
        let before = story.environment.item("order-holds", &key).await.unwrap();
        assert_eq!((&before["amount"], &before["currency_unknown"]), (&Value::Null, &json!(true)), "{said}");
        assert_eq!((before.get("delivery"), before["lines"][0].get("price")), (None, None), "nothing has a price: {before}");
        let correction = json!({"orderId": order.id, "amount": "45000.00"});
        let answer = put(&story, &order.uuid, correction.clone()).await;
        assert_eq!((answer.status, &answer.json()["success"]), (400, &json!(false)), "{said}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains("field `currency`: must be said"), "{}", answer.body);
        assert_eq!(story.environment.item("order-holds", &key).await.unwrap(), before);
        let currency = ["KZT", "RUB", "rub"][index];
        let mut named = correction.clone();
        named["currency"] = currency.into();
        assert_eq!(put(&story, &order.uuid, named).await.status, 200);
        let after = story.environment.item("order-holds", &key).await.unwrap();
        assert_eq!((&after["amount"], &after["currency"]), (&json!(4_500_000), &json!(currency.to_uppercase())));
        assert_eq!((after.get("currency_unknown"), after["lines"].as_array().unwrap().len()), (None, 1), "{after}");
        // From now on it is the order's own.
        assert_eq!(put(&story, &order.uuid, correction).await.status, 200);
    }
}
