//! Orders forget their customer: when it is asked for, and when their time is over. Amounts, ids and histories stay.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::payments::payment::Order;
use standins::Decision;
use testkit::settings::{OPERATOR_KEY, SHOP_KEY, VIEWER_KEY};
use testkit::{Answer, Event, Placed, StoreFault, canary, drop_after};

use crate::{Shop, Story, get, post};

const DAY: Duration = Duration::from_hours(24);
/// What an order keeps of its customer.
const PERSONAL: [&str; 9] = ["phone", "email", "name", "address", "returning", "install_id", "check_at", "lookup", "lookup_at"];

async fn erase(story: &Story, phone: &str) -> Answer {
    Box::pin(story.back_office(post("erasures").key(OPERATOR_KEY).json(json!({"phone": phone})).rest())).await
}

async fn stored(story: &Story, order: &Placed) -> Value {
    story.environment.item("order-holds", &format!("order#{}", order.uuid)).await.unwrap()
}

/// Whether an order knows its customer; it knows all of it or nothing.
async fn knows_customer(story: &Story, order: &Placed) -> bool {
    let stored = stored(story, order).await;
    let text = stored.to_string();
    let secrets = ["78880100203", canary::EMAIL, canary::NAME, canary::ADDRESS, "install-of-a-test", "Бишкек"];
    let (known, personal) = (secrets.iter().filter(|secret| text.contains(**secret)).count(), stored.get("email").is_some());
    assert!(if personal { known == secrets.len() } else { known == 0 }, "{known} of {} are left: {text}", secrets.len());
    assert_eq!(stored.get("check_shard").is_some(), personal, "it is looked at as long as it knows somebody: {text}");
    personal
}

/// What must be as it was, whatever is forgotten.
fn books(mut item: Value) -> Value {
    let fields = item.as_object_mut().unwrap();
    for gone in PERSONAL.iter().chain(&["check_shard", "erasure_asked", "version", "write_mark", "payment_url", "cart"]) {
        fields.remove(*gone);
    }
    item
}

/// The payment is captured and everything that was planned for it was done.
async fn captured() -> (Story, Placed, String) {
    let Shop { story, order, payment } = Shop::captured().await;
    story.environment.poll_stream().await;
    (story, order, payment)
}

#[tokio::test]
async fn what_orders_know_of_a_person_goes_and_the_books_stay() {
    let (story, order, payment) = captured().await;
    let never_paid = story.order().await;
    assert!(knows_customer(&story, &order).await && knows_customer(&story, &never_paid).await);
    let before = (books(stored(&story, &order).await), books(story.payment(&payment).await));
    assert!(story.payment(&payment).await["payment_url"].is_string());
    let answer = erase(&story, canary::PHONE).await;
    let body = answer.json();
    let counted = ["orders", "orders_open", "payment_pages", "documents"].map(|name| body[name].clone());
    assert_eq!((answer.status, counted), (200, [2, 0, 1, 0].map(Value::from)), "{body}");
    assert!(!knows_customer(&story, &order).await && !knows_customer(&story, &never_paid).await);
    assert_eq!((books(stored(&story, &order).await), books(story.payment(&payment).await)), before);
    assert!(story.payment(&payment).await.get("payment_url").is_none(), "nor what leads to the customer's page at Mokka");
    let shown = story.back_office(get(&format!("orders/{}", order.id)).key(VIEWER_KEY).rest()).await.json();
    assert_eq!((&shown["order"]["amount"], shown["order"].get("name")), (&json!("3250.00"), None), "{shown}");
    assert_eq!(shown["order"].get("customer_until"), None, "{shown}");
    let logs = story.environment.logs();
    let named = |order: &Placed| {
        let line = |line: &str| line.contains("an order has forgotten its customer") && line.contains(&order.uuid);
        logs.lines().any(line)
    };
    assert!(named(&order) && named(&never_paid), "the log says which orders");
    assert_eq!(erase(&story, canary::PHONE).await.json()["orders"], 0);
    // A later refund needs no person.
    story.environment.advance(DAY);
    let refund = post(&format!("payments/{payment}/refunds")).key(testkit::settings::CASHIER_KEY).header("Idempotency-Key", "1");
    assert_eq!(story.back_office(refund.rest()).await.json()["payment"]["state"], "refunded");
    // And an order without its customer can still be paid.
    assert_eq!(story.create(&never_paid).await.json()["success"], true);
}

#[tokio::test]
async fn every_spelling_of_a_phone_finds_the_same_orders() {
    for (ordered, erased) in [
        ("9268180621", "+7 926 818-06-21"),
        ("8 (926) 818-06-21", "9268180621"),
        ("+7\u{a0}926\u{2011}818\u{2011}06\u{2011}21", "tel:+79268180621"),
        ("007 926 818 06 21", "8-926-818-06-21"),
        ("0770 123456", "+996 770 123456"),
        ("+996 (0) 770 12 34 56", "770123456"),
    ] {
        let story = Story::start().await;
        let push = |uuid: &str, phone: &str| {
            let body = json!({"orderId": uuid, "amount": "10.00", "currency": "RUB", "phone": phone});
            Event::new("PUT", &format!("/v1/orders/{uuid}")).key(SHOP_KEY).json(body).rest()
        };
        assert_eq!(story.orders(push("5001", ordered)).await.status, 200, "{ordered}");
        assert_eq!(story.orders(push("5002", "+7 901 111 22 33")).await.status, 200);
        assert_eq!(erase(&story, erased).await.json()["orders"], 1, "{ordered} by {erased}");
        let has_phone =
            |uuid: &'static str| async { story.environment.item("order-holds", uuid).await.unwrap().get("phone").is_some() };
        assert!(!Box::pin(has_phone("order#5001")).await, "{ordered} by {erased}");
        assert!(Box::pin(has_phone("order#5002")).await, "another's stays");
    }
}

#[tokio::test]
async fn an_order_of_an_earlier_release_is_found_by_its_phone() {
    let (story, order, _) = captured().await;
    let key = format!("order#{}", order.uuid);
    story
        .environment
        .edit("order-holds", &key, |item| {
            // As numbers without +7 were recorded; without what earlier releases do not know.
            item.insert("phone".to_owned(), AttributeValue::S("9268180621".to_owned()));
            for unknown in ["check_at", "check_shard", "said_at", "address"] {
                item.remove(unknown);
            }
        })
        .await;
    assert_eq!(erase(&story, "+7 926 818 06 21").await.json()["orders"], 1);
    let stored = stored(&story, &order).await;
    assert!(PERSONAL.iter().all(|name| stored.get(*name).is_none()), "{stored}");
}

#[tokio::test]
async fn order_forgets_its_customer_within_an_hour_after_the_payment_ends() {
    let shop = Shop::held().await;
    let (story, order) = (&shop.story, &shop.order);
    let body = erase(story, canary::PHONE).await.json();
    let said = ["success", "orders", "orders_open", "complete"].map(|name| body[name].clone());
    assert_eq!(said, [json!(true), json!(0), json!(1), json!(false)], "{body}");
    story.environment.advance(Duration::from_mins(61));
    assert_eq!(story.environment.tick().await["forgotten"], 0);
    assert!(knows_customer(story, order).await, "the money is held: Mokka may need to hear of it again");
    assert_eq!(shop.finish().await.status, 200);
    assert!(knows_customer(story, order).await, "nothing is looked at that is not due");
    story.environment.advance(Duration::from_mins(61));
    assert_eq!(story.environment.tick().await["forgotten"], 1);
    assert!(!knows_customer(story, order).await);
    assert_eq!(shop.state().await, "captured");
    let again = erase(story, canary::PHONE).await.json();
    assert_eq!((&again["orders"], &again["orders_open"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn an_open_attempt_of_any_kind_keeps_the_customer() {
    let shop = Shop::pending().await;
    assert_eq!(erase(&shop.story, canary::PHONE).await.json()["orders_open"], 1, "on Mokka's page");
    // Given up here, and still to be paid there: a hold that comes is let go.
    assert_eq!(shop.cancel().await.status, 200);
    assert_eq!(shop.state().await, "canceled");
    assert_eq!(erase(&shop.story, canary::PHONE).await.json()["orders_open"], 1, "withdrawn");
    shop.story.environment.advance(2 * DAY);
    for _ in 0..4 {
        shop.story.environment.tick().await;
        shop.story.environment.advance(Duration::from_mins(61));
    }
    assert!(!knows_customer(&shop.story, &shop.order).await, "nobody can pay it any more");

    // The shop has to call the customer who was told that it is paid.
    let shop = Shop::held().await;
    shop.story.environment.standins().set_mokka_status(&shop.payment, "expired").unwrap();
    shop.story.environment.advance(Duration::from_mins(31));
    shop.story.environment.tick().await;
    assert!(shop.look().await["attention"] == true, "{}", shop.look().await);
    assert_eq!(erase(&shop.story, canary::PHONE).await.json()["orders_open"], 1, "a person must look");
}

#[tokio::test]
async fn a_failed_attempt_keeps_the_customer_until_its_last_look() {
    let shop = Shop::pending().await;
    shop.story.decide(&shop.payment, Decision::Declined).await;
    assert_eq!(shop.story.callback(&shop.payment, "declined").await.status, 200);
    assert_eq!(shop.state().await, "declined");
    assert_eq!(erase(&shop.story, canary::PHONE).await.json()["orders_open"], 1, "it may still turn out to be paid");
    for hour in 0..60 {
        shop.story.environment.advance(Duration::from_mins(61));
        shop.story.environment.tick().await;
        let looks = shop.story.payment(&shop.payment).await["last_looks"].as_u64().unwrap_or(0);
        assert!(knows_customer(&shop.story, &shop.order).await || looks == 2, "hour {hour}, {looks} looks");
    }
    assert!(!knows_customer(&shop.story, &shop.order).await);
}

#[tokio::test]
async fn erasure_is_not_undone_by_a_later_push_of_the_shop() {
    let shop = Shop::pending().await;
    let (story, order) = (&shop.story, &shop.order);
    assert_eq!(shop.cancel().await.status, 200);
    assert_eq!(erase(story, canary::PHONE).await.json()["orders_open"], 1);
    let until = stored(story, order).await["check_at"].clone();
    story.environment.advance(Duration::from_mins(1));
    // The shop pushes it again, with the person spelled otherwise, and answers the same request again.
    let body =
        json!({"orderId": order.id, "amount": "3250.00", "phone": canary::PHONE, "email": canary::EMAIL, "name": canary::NAME});
    let push = Event::new("PUT", &format!("/v1/orders/{}", order.uuid)).key(SHOP_KEY).json(body);
    assert_eq!(story.orders(push.rest()).await.status, 200);
    assert_eq!(stored(story, order).await["check_at"], until, "pushed");
    let relay = Event::post("/v1/orders").key(testkit::settings::IMSHOP_KEY).json(Story::order_request(&order.uuid));
    assert_eq!(story.orders(relay.rest()).await.status, 200);
    assert_eq!(stored(story, order).await["check_at"], until, "answered");
    for _ in 0..60 {
        story.environment.advance(Duration::from_mins(61));
        story.environment.tick().await;
    }
    assert!(!knows_customer(story, order).await);
}

#[tokio::test]
async fn who_is_named_again_after_an_erasure_is_forgotten_within_the_hour() {
    let story = Story::start().await;
    let push = || {
        let body = json!({"orderId": "5001", "amount": "10.00", "phone": canary::PHONE});
        Event::new("PUT", "/v1/orders/5001").key(SHOP_KEY).json(body).rest()
    };
    let has_phone = async || story.environment.item("order-holds", "order#5001").await.unwrap().get("phone").is_some();
    assert_eq!(story.orders(push()).await.status, 200);
    assert_eq!(erase(&story, canary::PHONE).await.json()["orders"], 1);
    assert!(!has_phone().await);
    assert_eq!(story.orders(push()).await.status, 200);
    assert!(has_phone().await, "somebody may come to pay");
    story.environment.advance(Duration::from_mins(61));
    assert_eq!(story.environment.tick().await["forgotten"], 1);
    assert!(!has_phone().await);
}

#[tokio::test]
async fn attempt_under_earlier_order_id_is_awaited_and_emptied() {
    let shop = Shop::pending().await;
    let (story, order) = (&shop.story, &shop.order);
    assert_eq!(shop.cancel().await.status, 200);
    assert!(story.payment(&shop.payment).await["payment_url"].is_string());
    let push = Event::new("PUT", &format!("/v1/orders/{}", order.uuid)).key(SHOP_KEY);
    assert_eq!(story.orders(push.json(json!({"orderId": "renamed", "amount": "3250.00"})).rest()).await.status, 200);
    let renamed = Placed { uuid: order.uuid.clone(), id: "renamed".to_owned() };
    assert_eq!(story.create(&renamed).await.json()["success"], true);
    let second = renamed.payment(2);
    assert!(story.payment(&second).await["payment_url"].is_string());
    story.decide(&second, Decision::Approved).await;
    assert_eq!(story.callback(&second, "approved").await.status, 200);
    let finish = post(&format!("payments/{second}/finish")).key(OPERATOR_KEY).header("Idempotency-Key", "1").json(json!({}));
    let finished = story.back_office(finish.rest()).await;
    assert_eq!((finished.status, story.state(&second).await.as_str()), (200, "captured"), "{}", finished.body);
    assert_eq!(erase(story, canary::PHONE).await.json()["orders_open"], 1, "the first one can still be paid");
    for _ in 0..60 {
        story.environment.advance(Duration::from_mins(61));
        story.environment.tick().await;
    }
    assert!(!knows_customer(story, order).await);
    for payment in [&shop.payment, &second] {
        assert!(story.payment(payment).await.get("payment_url").is_none(), "{payment}");
    }
}

#[tokio::test]
async fn unchanged_push_of_paid_order_restores_no_customer() {
    let (story, order, _) = captured().await;
    assert_eq!(erase(&story, canary::PHONE).await.json()["orders"], 1);
    let push = |amount: &str| {
        let body =
            json!({"orderId": order.id, "amount": amount, "phone": canary::PHONE, "email": canary::EMAIL, "name": canary::NAME});
        Event::new("PUT", &format!("/v1/orders/{}", order.uuid)).key(SHOP_KEY).json(body).rest()
    };
    story.environment.advance(Duration::from_mins(1));
    let before = books(stored(&story, &order).await);
    let answer = story.orders(push("3250.00")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(!knows_customer(&story, &order).await);
    let mut after = books(stored(&story, &order).await);
    assert_ne!(after["said_at"], before["said_at"]);
    after["said_at"] = before["said_at"].clone();
    assert_eq!(after, before);
    assert_eq!(story.orders(push("3251.00")).await.status, 409, "another amount is another matter");
}

#[tokio::test]
async fn due_order_is_decided_by_its_latest_read() {
    let story = Story::start().await;
    story.order().await;
    story.environment.advance(Order::PERSON_KEPT);
    drop(story.environment.store_calls());
    assert_eq!(story.environment.tick().await["forgotten"], 1);
    let reads = story.environment.store_calls().into_iter().filter(|call| call == "GetItem").count();
    assert_eq!(reads, 1, "what is written is what was found to be due");
}

#[tokio::test]
async fn an_old_failed_attempt_is_emptied_and_not_looked_at_again() {
    let shop = Shop::pending().await;
    shop.story.decide(&shop.payment, Decision::Declined).await;
    assert_eq!(shop.story.callback(&shop.payment, "declined").await.status, 200);
    shop.story.environment.poll_stream().await;
    let key = format!("payment#{}", shop.payment);
    // As the first release left it.
    for unknown in ["last_look_at", "last_looks", "check_at", "check_shard"] {
        shop.story.environment.forget("order-holds", &key, unknown).await;
    }
    let body = erase(&shop.story, canary::PHONE).await.json();
    assert_eq!((&body["orders"], &body["payment_pages"]), (&json!(1), &json!(1)), "{body}");
    let payment = shop.story.payment(&shop.payment).await;
    assert_eq!(
        (payment.get("payment_url"), payment.get("check_at"), payment.get("last_look_at")),
        (None, None, None),
        "{payment}"
    );
}

#[tokio::test]
async fn customer_is_known_ninety_days_after_the_last_order_change() {
    let (story, order, _) = captured().await;
    let never_paid = story.order().await;
    let said_again = story.order().await;
    story.environment.advance(50 * DAY);
    let body = json!({"orderId": said_again.id, "amount": "3250.00", "phone": canary::PHONE});
    let push = Event::new("PUT", &format!("/v1/orders/{}", said_again.uuid)).key(SHOP_KEY).json(body);
    assert_eq!(story.orders(push.rest()).await.status, 200);
    story.environment.advance(39 * DAY);
    assert_eq!(story.environment.tick().await["forgotten"], 0);
    story.environment.advance(DAY);
    let report = story.environment.tick().await;
    assert_eq!(report["forgotten"], 2, "{report}");
    assert!(!knows_customer(&story, &order).await && !knows_customer(&story, &never_paid).await);
    assert!(knows_customer(&story, &said_again).await);
    story.environment.advance(50 * DAY);
    assert_eq!(story.environment.tick().await["forgotten"], 1);
    assert!(!knows_customer(&story, &said_again).await);
    let keys = story.environment.items("order-holds", "order#").await;
    assert!(keys.iter().all(|order| order.get("check_at").is_none()), "the index has none of them any more");
}

#[tokio::test]
async fn for_how_long_is_a_setting_and_what_is_open_then_is_waited_for() {
    let shop = Shop::with(&[("ORDER_PERSON_DAYS", "1")]).await;
    shop.story.decide(&shop.payment, Decision::Approved).await;
    assert_eq!(shop.story.callback(&shop.payment, "approved").await.status, 200);
    let never_paid = shop.story.order().await;
    shop.story.environment.advance(3 * DAY);
    shop.story.environment.tick().await;
    assert!(!knows_customer(&shop.story, &never_paid).await);
    assert!(knows_customer(&shop.story, &shop.order).await, "its money is held");
    assert_eq!(shop.finish().await.status, 200);
    shop.story.environment.advance(Duration::from_mins(61));
    shop.story.environment.tick().await;
    assert!(!knows_customer(&shop.story, &shop.order).await);
}

#[tokio::test]
async fn order_of_earlier_release_forgets_after_rewrite_or_erasure() {
    let story = Story::start().await;
    let earlier = [story.order().await, story.order().await, story.order().await];
    for order in &earlier {
        for unknown in ["check_at", "check_shard"] {
            story.environment.forget("order-holds", &format!("order#{}", order.uuid), unknown).await;
        }
    }
    let [touched, told, neither] = &earlier;
    assert_eq!(story.create(touched).await.json()["success"], true);
    // As the command of OPERATIONS.md does.
    let due = story.environment.clock().now().millis().to_string();
    let tell = |item: &mut std::collections::HashMap<String, AttributeValue>| {
        item.insert("check_shard".to_owned(), AttributeValue::S("o0".to_owned()));
        item.insert("check_at".to_owned(), AttributeValue::N(due));
    };
    story.environment.edit("order-holds", &format!("order#{}", told.uuid), tell).await;
    story.environment.tick().await;
    assert!(!knows_customer(&story, told).await);
    story.environment.advance(Order::PERSON_KEPT);
    // Its attempt has failed by now, and is looked for a day longer.
    for _ in 0..28 {
        story.environment.tick().await;
        story.environment.advance(Duration::from_mins(61));
    }
    assert!(!knows_customer(&story, touched).await);
    let left = stored(&story, neither).await;
    assert!(left.get("email").is_some() && left.get("check_at").is_none(), "nobody has touched it");
}

#[tokio::test]
async fn a_document_with_the_persons_name_goes_with_them() {
    let shop = Shop::held().await;
    let finish = shop.event("finish", OPERATOR_KEY).json(json!({"document": STANDARD.encode(b"%PDF-1.7\n of canary")}));
    let answer = shop.ask(finish).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let size = async || {
        let parts = shop.story.environment.dynamodb().scan().table_name("order-holds").send().await.unwrap();
        let parts = parts.items.unwrap_or_default().into_iter().filter_map(|item| item.get("bytes")?.as_b().ok().cloned());
        parts.map(|bytes| bytes.into_inner().len()).collect::<Vec<_>>()
    };
    assert!(size().await[0] > 10);
    let body = erase(&shop.story, canary::PHONE).await.json();
    assert_eq!((&body["orders"], &body["documents"]), (&json!(1), &json!(1)), "{body}");
    assert_eq!(size().await, [0]);
}

#[tokio::test]
async fn interrupted_erasure_of_orders_is_completed_by_the_next() {
    for points in 0.. {
        let (story, order, payment) = captured().await;
        let done = drop_after(points, erase(&story, canary::PHONE)).await;
        assert_eq!(erase(&story, canary::PHONE).await.status, 200, "{points}");
        assert!(!knows_customer(&story, &order).await, "{points}");
        assert!(story.payment(&payment).await.get("payment_url").is_none(), "{points}");
        if done.is_some() {
            assert!(points > 5, "{points}");
            break;
        }
    }
}

#[tokio::test]
async fn a_write_that_is_lost_leaves_no_half_and_another_ones_is_not_undone() {
    for index in 0..10 {
        let (story, order, _) = captured().await;
        story.environment.lose_store_answer(index);
        let answer = erase(&story, canary::PHONE).await;
        assert_eq!((answer.status, knows_customer(&story, &order).await), (200, false), "answer {index} lost: {}", answer.body);
    }
    // Without a store nothing is said to be complete.
    let (story, order, _) = captured().await;
    story.environment.choose_store_faults(|request| (request.operation == "UpdateItem").then_some(StoreFault::Failed));
    let answer = erase(&story, canary::PHONE).await;
    story.environment.spare_the_store();
    assert_eq!((answer.status, &answer.json()["complete"]), (503, &json!(false)), "{}", answer.body);
    assert!(knows_customer(&story, &order).await);
}

#[tokio::test]
async fn payment_opened_during_erasure_is_one_with_or_without_customer() {
    for points in [2, 4, 6, 8, 10, 12, 14] {
        let story = Story::start().await;
        let order = story.order().await;
        // The erasure is under way when the customer comes to pay.
        let _ = drop_after(points, erase(&story, canary::PHONE)).await;
        let (created, erased) = tokio::join!(story.create(&order), erase(&story, canary::PHONE));
        assert_eq!((created.json()["success"].clone(), erased.status), (json!(true), 200), "{points}: {}", created.body);
        assert_eq!(story.environment.items("order-holds", "payment#").await.len(), 1, "{points}");
        let open = erased.json()["orders_open"] == 1;
        assert_eq!(knows_customer(&story, &order).await, open, "{points}: {}", erased.body);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_keeps_nothing_else() {
    let (story, order, _) = captured().await;
    let odd = story.order().await;
    let key = format!("order#{}", odd.uuid);
    let spoil = |item: &mut std::collections::HashMap<String, AttributeValue>| {
        item.insert("amount".to_owned(), AttributeValue::N("-1".to_owned()));
    };
    story.environment.edit("order-holds", &key, spoil).await;
    let answer = erase(&story, canary::PHONE).await;
    assert_eq!(
        (answer.status, &answer.json()["orders"], &answer.json()["complete"]),
        (503, &json!(1), &json!(false)),
        "{}",
        answer.body
    );
    assert!(!knows_customer(&story, &order).await);
    assert!(story.environment.logs().contains(&key), "the log says which");
}
