//! Accepted orders that the store does not take: they wait in a queue, and are recorded when it is well again.

use std::time::Duration;

use emulators::template::{TEMPLATE, Template};
use futures_util::future::join;
use serde_json::{Value, json};
use shared::payments::store::Orders;
use shared::platform::metrics;
use testkit::settings::{IMSHOP_KEY, ORDERS_QUEUE, SHOP_KEY};
use testkit::{Answer, Event, Placed, Program, canary, event_file, invoke};

use crate::Story;

/// Where no server listens.
const DOWN: (&str, &str) = ("DYNAMODB_ENDPOINT", "http://127.0.0.1:9");
/// How long a message that was given stays invisible.
const AGAIN: Duration = Duration::from_secs(90);

/// IMSHOP sends orders while some things are not as they should be.
async fn placed_with(story: &Story, request: Value, changes: &[(&str, &str)]) -> Answer {
    let deps = story.environment.build(orders::Deps::from_env, changes);
    let event = Event::post("/v1/orders").key(IMSHOP_KEY).json(request).rest();
    invoke(&deps, |deps, request| Box::pin(orders::handle(deps, request)), event).await
}

/// The shop answers an order with that price, and the store is down.
async fn queued(story: &Story, uuid: &str, price: u32) {
    story.environment.standins().shop_answers(json!({"price": price})).unwrap();
    let answer = placed_with(story, Story::order_request(uuid), &[DOWN]).await;
    assert_eq!((answer.status, &answer.json()["orders"][0]["success"]), (200, &json!(true)), "the shop has it: {}", answer.body);
    story.environment.standins().clear_shop_answers();
}

async fn stored(story: &Story, uuid: &str) -> Value {
    story.environment.item("order-holds", &format!("order#{uuid}")).await.unwrap_or_default()
}

fn waiting(story: &Story) -> usize {
    story.environment.queues().messages(ORDERS_QUEUE).len()
}

#[tokio::test]
async fn an_accepted_order_waits_for_the_store_and_is_paid() {
    let story = Story::start().await;
    queued(&story, "uuid-1", 3250).await;
    assert_eq!((waiting(&story), stored(&story, "uuid-1").await), (1, Value::Null));
    assert_eq!(story.environment.record_orders().await, 1);
    let order = stored(&story, "uuid-1").await;
    assert_eq!(
        (&order["amount"], &order["phone"], &order["lines"][0]["price"]),
        (&json!(325_000), &json!("78880100203"), &json!(150_000))
    );
    assert_eq!((waiting(&story), story.environment.measured(metrics::ORDERS_NOT_RECORDED).len()), (0, 0));
    // As if the store had taken it at once.
    story.environment.standins().clear_shop_answers();
    story.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(Story::order_request("uuid-2")).rest()).await;
    let at_once = stored(&story, "uuid-2").await;
    assert_eq!(order["cart"], at_once["cart"]);
    assert_eq!(order.as_object().unwrap().keys().collect::<Vec<_>>(), at_once.as_object().unwrap().keys().collect::<Vec<_>>());
    let placed = Placed { uuid: "uuid-1".to_owned(), id: "1001".to_owned() };
    assert_eq!(story.create(&placed).await.json()["success"], json!(true));
    assert_eq!(story.environment.standins().mokka_order("1001-1").unwrap().amount, "3250.00");
}

#[tokio::test]
async fn every_order_of_a_split_cart_waits() {
    let story = Story::start().await;
    let mut request = Story::order_request("uuid-a");
    let second = Story::order_request("uuid-b")["orders"][0].clone();
    request["orders"].as_array_mut().unwrap().push(second);
    placed_with(&story, request, &[DOWN]).await;
    assert_eq!((waiting(&story), story.environment.record_orders().await), (2, 2));
    for (uuid, id) in [("uuid-a", "1001"), ("uuid-b", "1002")] {
        assert_eq!(stored(&story, uuid).await["order_id"], json!(id));
    }
}

#[tokio::test]
async fn an_order_is_tried_for_a_day_and_can_be_redriven() {
    let story = Story::start().await;
    queued(&story, "uuid-1", 3250).await;
    story.environment.set_workers(&[DOWN]);
    assert_eq!((story.environment.record_orders().await, story.environment.record_orders().await), (1, 0), "not again at once");
    story.environment.advance(AGAIN);
    assert_eq!((story.environment.record_orders().await, waiting(&story)), (1, 1));
    let retries = Template::read(TEMPLATE).unwrap().queues.into_iter().find(|queue| queue.name == ORDERS_QUEUE).unwrap();
    let day = AGAIN * retries.redrive.unwrap().receives;
    assert_eq!((retries.visibility, day.as_secs() / 3600), (AGAIN, 24));
    story.environment.set_workers(&[]);
    story.environment.advance(AGAIN);
    assert_eq!((story.environment.record_orders().await, waiting(&story)), (1, 0));
    assert_eq!(stored(&story, "uuid-1").await["amount"], json!(325_000));
}

#[tokio::test]
async fn what_the_shop_said_later_stands_whichever_comes_first() {
    // The queue is late: what was said meanwhile stays, whether the shop answered or pushed it.
    let story = Story::start().await;
    queued(&story, "uuid-1", 4000).await;
    queued(&story, "uuid-2", 4000).await;
    story.environment.advance(Duration::from_secs(30));
    story.environment.standins().shop_answers(json!({"price": 4500})).unwrap();
    story.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(Story::order_request("uuid-1")).rest()).await;
    story.environment.standins().clear_shop_answers();
    let push = Event::new("PUT", "/v1/orders/uuid-2").key(SHOP_KEY);
    story.orders(push.json(json!({"orderId": "1002", "amount": "4600.00"})).rest()).await;
    assert_eq!(story.environment.record_orders().await, 2);
    for (uuid, amount) in [("uuid-1", 450_000), ("uuid-2", 460_000)] {
        assert_eq!((&stored(&story, uuid).await["amount"], waiting(&story)), (&json!(amount), 0), "{uuid}");
    }
    // It is the later word: it counts.
    story.environment.advance(Duration::from_secs(30));
    queued(&story, "uuid-1", 4700).await;
    assert_eq!(story.environment.record_orders().await, 1);
    assert_eq!(stored(&story, "uuid-1").await["amount"], json!(470_000));
    // The same price again is a word, too: an older one does not come back after it.
    queued(&story, "uuid-1", 4800).await;
    story.environment.advance(Duration::from_secs(30));
    story.environment.standins().shop_answers(json!({"price": 4700})).unwrap();
    story.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(Story::order_request("uuid-1")).rest()).await;
    assert_eq!(story.environment.record_orders().await, 1);
    assert_eq!(stored(&story, "uuid-1").await["amount"], json!(470_000));
    assert!(story.environment.measured(metrics::ORDERS_NOT_RECORDED).is_empty());
}

#[tokio::test]
async fn later_push_stands_whether_it_changed_anything_or_not() {
    let story = Story::start().await;
    let order = story.order().await;
    for amount in ["4600.00", "4600.00", "4700.00"] {
        story.environment.advance(Duration::from_secs(30));
        queued(&story, &order.uuid, 4000).await;
        story.environment.advance(Duration::from_secs(30));
        let push = Event::new("PUT", &format!("/v1/orders/{}", order.uuid)).key(SHOP_KEY);
        let answer = story.orders(push.json(json!({"orderId": order.id, "amount": amount})).rest()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!((story.environment.record_orders().await, waiting(&story)), (1, 0));
        let minor = amount.replace('.', "").parse::<i64>().unwrap();
        assert_eq!(stored(&story, &order.uuid).await["amount"], json!(minor));
    }
    // While it is paid, a push that changes nothing is no conflict, however late it comes.
    story.environment.advance(Duration::from_secs(30));
    assert_eq!(story.create(&order).await.json()["success"], json!(true));
    for (amount, status) in [("4700.00", 200), ("4800.00", 409)] {
        story.environment.advance(Duration::from_secs(30));
        let push = Event::new("PUT", &format!("/v1/orders/{}", order.uuid)).key(SHOP_KEY);
        let answer = story.orders(push.json(json!({"orderId": order.id, "amount": amount})).rest()).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn what_is_said_again_while_it_is_paid_is_the_last_word_too() {
    for by_push in [false, true] {
        let story = Story::start().await;
        let order = story.order().await;
        assert_eq!(story.create(&order).await.json()["success"], json!(true));
        story.environment.advance(Duration::from_secs(30));
        queued(&story, &order.uuid, 4000).await;
        story.environment.advance(Duration::from_secs(30));
        let again = if by_push {
            let push = Event::new("PUT", &format!("/v1/orders/{}", order.uuid)).key(SHOP_KEY);
            push.json(json!({"orderId": order.id, "amount": "3250.00"}))
        } else {
            story.environment.standins().shop_answers(json!({"price": 3250})).unwrap();
            Event::post("/v1/orders").key(IMSHOP_KEY).json(Story::order_request(&order.uuid))
        };
        assert_eq!(story.orders(again.rest()).await.status, 200, "by push: {by_push}");
        story.decide(&order.payment(1), standins::Decision::Declined).await;
        story.capture(&order.payment(1)).await;
        assert_eq!((story.environment.record_orders().await, waiting(&story)), (1, 0));
        assert_eq!(stored(&story, &order.uuid).await["amount"], json!(325_000), "by push: {by_push}");
        assert_eq!(story.environment.measured(metrics::ORDERS_NOT_RECORDED).len(), 0, "by push: {by_push}");
    }
}

#[tokio::test]
async fn a_late_order_changes_nothing_that_is_being_paid_and_says_so() {
    let story = Story::start().await;
    let order = story.order().await;
    story.environment.advance(Duration::from_secs(30));
    queued(&story, &order.uuid, 4000).await;
    story.environment.standins().shop_answers(json!({"price": 3250})).unwrap();
    assert_eq!(story.create(&order).await.json()["success"], json!(true));
    assert_eq!(story.environment.record_orders().await, 1);
    assert_eq!((&stored(&story, &order.uuid).await["amount"], waiting(&story)), (&json!(325_000), 0));
    assert_eq!(story.environment.total(metrics::ORDERS_NOT_RECORDED, &[("reason", "differs")]), 1);
}

#[tokio::test]
async fn order_untaken_by_store_and_queue_raises_the_alarm() {
    let story = Story::start().await;
    let both = [DOWN, ("SQS_ENDPOINT", "http://127.0.0.1:9")];
    let answer = placed_with(&story, Story::order_request("uuid-1"), &both).await;
    assert_eq!((answer.status, &answer.json()["orders"][0]["success"]), (200, &json!(true)), "the shop has it");
    assert_eq!(story.environment.total(metrics::ORDERS_NOT_RECORDED, &[("reason", "lost"), ("order_uuid", "uuid-1")]), 1);
    assert!(story.environment.logs().contains("an accepted order is not recorded"));
    // As OPERATIONS.md says: the shop pushes it.
    let push = Event::new("PUT", "/v1/orders/uuid-1").key(SHOP_KEY).json(json!({"orderId": "1001", "amount": "3250.00"}));
    assert_eq!(story.orders(push.rest()).await.status, 200);
    assert_eq!(stored(&story, "uuid-1").await["amount"], json!(325_000));
}

#[tokio::test]
async fn an_order_is_recorded_once_however_often_its_message_comes() {
    let story = Story::start().await;
    queued(&story, "uuid-1", 3250).await;
    let body = story.environment.queues().messages(ORDERS_QUEUE)[0].body.clone();
    for _ in 0..2 {
        story.environment.queues().put(ORDERS_QUEUE, &body).unwrap();
    }
    let (first, second) = join(story.environment.record_orders(), story.environment.record_orders()).await;
    assert_eq!((first + second, waiting(&story)), (3, 0));
    assert_eq!(stored(&story, "uuid-1").await["version"], json!(1));
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_kept_and_not_quoted() {
    let story = Story::start().await;
    queued(&story, "uuid-1", 3250).await;
    let newer = story.environment.queues().messages(ORDERS_QUEUE)[0].body.replacen("\"schema\":1", "\"schema\":2", 1);
    assert!(newer.contains("\"schema\":2"));
    let bodies = [format!("{{\"schema\":1,\"version\":0,\"name\":[\"{}\"]}}", canary::NAME), "canary".to_owned(), newer];
    for body in &bodies {
        story.environment.queues().put(ORDERS_QUEUE, body).unwrap();
    }
    assert_eq!(
        (story.environment.record_orders().await, waiting(&story)),
        (4, 3),
        "the good one is done, the others wait for who can read them"
    );
    assert!(!story.environment.logs().contains("canary"));
    assert_eq!(story.environment.logs().matches("an order of the queue could not be recorded").count(), 3);
}

#[tokio::test]
async fn the_largest_order_fits_into_a_message() {
    let story = Story::start().await;
    let mut request = Story::order_request("uuid-1");
    let id = "\"".repeat(200);
    let item = |index: usize| json!({"id": id, "configurationId": format!("{index}{}", "\"".repeat(190)), "name": "\"".repeat(400), "quantity": 1, "price": 10, "warehouseId": id});
    request["orders"][0]["items"] = (0..500).map(item).collect();
    for (field, value) in [("name", 900), ("email", 900)] {
        request["orders"][0][field] = "\"".repeat(value).into();
    }
    placed_with(&story, request, &[DOWN]).await;
    assert_eq!(waiting(&story), 1, "{}", story.environment.logs());
    assert!(Orders::unpacked(&story.environment.queues().messages(ORDERS_QUEUE)[0].body).is_ok());
    story.environment.record_orders().await;
    assert_eq!(stored(&story, "uuid-1").await["amount"], json!(525_000));
}

#[tokio::test]
async fn an_order_that_is_recorded_costs_one_write_and_no_message() {
    let story = Story::start().await;
    drop((story.environment.store_calls(), story.environment.queues().take_requests()));
    story.order().await;
    assert_eq!(story.environment.store_calls(), ["UpdateItem", "UpdateItem"]);
    assert_eq!(story.environment.queues().take_requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_program_takes_requests_and_what_the_queue_brings() {
    let environment = testkit::TestEnvironment::start_now().await;
    let mut queued = event_file("orders-queued");
    let body = queued["Records"][0]["body"].as_str().unwrap().to_owned();
    let uuid = serde_json::from_str::<Value>(&body).unwrap()["order_uuid"].as_str().unwrap().to_owned();
    queued["Records"][0]["eventSourceARN"] = "arn:aws:sqs:eu-central-1:123456789012:OrdersQueue".into();
    let placed = Event::post("/v1/orders").key(IMSHOP_KEY).json(Story::order_request("uuid-1")).rest();
    let mut function = Program::start(env!("CARGO_BIN_EXE_orders"), environment.env(), vec![placed, queued]).await;
    let answer = function.answer().await;
    assert_eq!(answer["statusCode"], json!(200), "{answer}");
    assert_eq!(function.answer().await, json!({"batchItemFailures": []}));
    for uuid in ["uuid-1", &uuid] {
        assert!(environment.item("order-holds", &format!("order#{uuid}")).await.is_some(), "{uuid}");
    }
}
