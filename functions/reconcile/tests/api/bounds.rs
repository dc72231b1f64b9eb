//! A run is bounded, harmless when doubled, and costs what is due, not what is stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Story;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use standins::{Fault, System};
use testkit::drop_after;

use crate::{FIRST_LOOK, forgotten, pending};

async fn run(deps: &reconcile::Deps) -> Value {
    reconcile::handle(deps, LambdaEvent::new(json!({}), Context::default())).await.unwrap()
}

#[tokio::test]
async fn idle_run_costs_its_lease_and_two_queries_for_each_partition() {
    let story = Story::start().await;
    for _ in 0..3 {
        let payment = forgotten(&story).await;
        story.capture(&payment).await;
        story.environment.poll_stream().await;
    }
    drop(story.environment.store_calls());
    assert_eq!(story.environment.tick().await["due"], 0);
    let turn = ["UpdateItem"];
    assert_eq!(story.environment.store_calls(), [&turn[..], &["Query"; 16], &turn].concat());
}

#[tokio::test]
async fn a_run_whose_time_is_over_begins_nothing_and_the_next_one_goes_on() {
    let story = Story::start().await;
    let payment = forgotten(&story).await;
    story.environment.advance(FIRST_LOOK);
    let deps = story.environment.build(reconcile::Deps::from_env, &[]);
    let mut context = Context::default();
    let soon = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(3);
    context.deadline = u64::try_from(soon.as_millis()).unwrap();
    drop(story.environment.store_calls());
    let report = reconcile::handle(&deps, LambdaEvent::new(json!({}), context)).await.unwrap();
    assert_eq!((&report["left"], &report["due"]), (&json!(true), &json!(0)));
    let queries = story.environment.store_calls().into_iter().filter(|call| call == "Query").count();
    assert_eq!(queries, 8, "nor are orders looked for");
    assert_eq!(
        (story.state(&payment).await.as_str(), story.environment.standins().calls(Some(System::Mokka)).len()),
        ("pending", 1)
    );
    let report = run(&deps).await;
    assert_eq!((&report["left"], &report["moved"]), (&json!(false), &json!(1)));
}

#[tokio::test]
async fn two_runs_at_once_finish_every_payment_once() {
    let story = Story::start().await;
    let mut payments = Vec::new();
    for _ in 0..12 {
        payments.push(forgotten(&story).await);
    }
    story.environment.advance(FIRST_LOOK);
    let (one, two) =
        (story.environment.build(reconcile::Deps::from_env, &[]), story.environment.build(reconcile::Deps::from_env, &[]));
    let (first, second) = tokio::join!(run(&one), run(&two));
    assert_eq!((&first["failed"], &second["failed"]), (&json!(0), &json!(0)));
    for payment in &payments {
        assert_eq!(story.state(payment).await, "captured");
        assert_eq!(story.environment.standins().mokka_order(payment).unwrap().finishes, 1);
    }
    story.environment.advance(Duration::from_mins(2));
    run(&one).await;
    let told = story.environment.standins().imshop();
    for payment in &payments {
        let times = told.iter().filter(|told| told["method"] == "payment_status" && told["body"]["paymentId"] == **payment);
        assert_eq!(times.count(), 1, "{payment}");
    }
}

#[tokio::test]
async fn a_mokka_that_is_down_is_left_alone_for_the_rest_of_the_run() {
    let story = Story::start().await;
    for _ in 0..40 {
        pending(&story).await;
    }
    story.environment.advance(FIRST_LOOK);
    story.environment.standins().fault(System::Mokka, "status", Fault::Http500, 10_000).unwrap();
    let report = story.environment.tick().await;
    assert_eq!(report["due"], 40, "each has its next look planned");
    let calls = story.environment.standins().calls_to(System::Mokka, "status").len();
    assert!(calls < 20, "each is asked twice by the client, and four were under way: {calls}");
    story.environment.standins().clear_faults();
    assert_eq!(story.environment.tick().await["due"], 0);
}

#[tokio::test]
async fn an_item_that_cannot_be_read_holds_up_no_other() {
    let story = Story::start().await;
    let (broken, payment) = (forgotten(&story).await, forgotten(&story).await);
    let key = AttributeValue::S(format!("payment#{broken}"));
    let update = story.environment.dynamodb().update_item().table_name("order-holds").key("pk", key);
    let update = update
        .update_expression("SET provider = :other")
        .expression_attribute_values(":other", AttributeValue::S("No body".to_owned()));
    update.send().await.unwrap();
    story.environment.advance(FIRST_LOOK);
    let report = story.environment.tick().await;
    assert_eq!((&report["due"], &report["failed"], &report["moved"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(story.state(&payment).await, "captured");
}

#[tokio::test]
async fn a_payment_whose_gateway_is_not_configured_any_more_comes_to_manual_review() {
    let story = Story::start().await;
    let payment = forgotten(&story).await;
    let key = AttributeValue::S(format!("payment#{payment}"));
    let update = story.environment.dynamodb().update_item().table_name("order-holds").key("pk", key);
    let update = update
        .update_expression("SET provider = :other")
        .expression_attribute_values(":other", AttributeValue::S("old-bank".to_owned()));
    update.send().await.unwrap();
    for _ in 0..60 {
        story.environment.advance(Duration::from_mins(2));
        story.environment.tick().await;
    }
    let item = story.environment.item("order-holds", &format!("payment#{payment}")).await.unwrap();
    assert_eq!(item["attention"], "open", "{item}");
    assert_eq!(story.state(&payment).await, "pending", "nothing is known of it");
    assert!(story.environment.standins().calls_to(System::Mokka, "finish").is_empty());
}

/// Orders whose customer's time was over long ago.
async fn overdue_orders(story: &Story, count: usize) -> Vec<String> {
    let mut keys = Vec::new();
    for _ in 0..count {
        let key = format!("order#{}", story.order().await.uuid);
        let overdue = |item: &mut HashMap<String, AttributeValue>| {
            item.insert("check_at".to_owned(), AttributeValue::N("1".to_owned()));
        };
        story.environment.edit("order-holds", &key, overdue).await;
        keys.push(key);
    }
    keys
}

#[tokio::test]
async fn payments_wait_for_no_order_however_many_are_due() {
    let story = Story::start().await;
    let orders = overdue_orders(&story, 24).await;
    let mut payments = Vec::new();
    for _ in 0..8 {
        payments.push(format!("payment#{}", forgotten(&story).await));
    }
    story.environment.advance(FIRST_LOOK);
    let reads = Arc::new(Mutex::new(Vec::new()));
    let noted = reads.clone();
    story.environment.choose_store_faults(move |request| {
        if request.operation == "GetItem" {
            noted.lock().unwrap().push(String::from_utf8_lossy(request.body).into_owned());
        }
        None
    });
    let report = story.environment.tick().await;
    story.environment.spare_the_store();
    assert_eq!((&report["due"], &report["moved"], &report["forgotten"]), (&json!(32), &json!(8), &json!(24)));
    let reads = reads.lock().unwrap();
    let is_of = |read: &String, keys: &[String]| keys.iter().any(|key| read.contains(&format!("\"{key}\"")));
    let last_payment = reads.iter().rposition(|read| is_of(read, &payments)).unwrap();
    let first_order = reads.iter().position(|read| is_of(read, &orders)).unwrap();
    assert!(last_payment < first_order, "{last_payment} {first_order} of {}", reads.len());
}

#[tokio::test]
async fn order_whose_poll_failed_is_due_an_hour_later() {
    let story = Story::start().await;
    let [broken, newer] = overdue_orders(&story, 2).await.try_into().unwrap();
    for (key, name, value) in [(&broken, "amount", "-1"), (&newer, "schema", "2")] {
        let spoil = |item: &mut HashMap<String, AttributeValue>| {
            item.insert(name.to_owned(), AttributeValue::N(value.to_owned()));
        };
        story.environment.edit("order-holds", key, spoil).await;
    }
    assert_eq!(story.environment.tick().await["failed"], 2);
    let due = story.environment.clock().now().plus(Duration::from_hours(1)).millis();
    let check_at = async |key: &str| story.environment.item("order-holds", key).await.unwrap()["check_at"].clone();
    assert_eq!((check_at(&broken).await, check_at(&newer).await), (json!(due), json!(1)));
    assert_eq!(story.environment.tick().await["failed"], 1, "the newer one");
    story.environment.advance(Duration::from_mins(61));
    assert_eq!(story.environment.tick().await["failed"], 2, "it is not given up");
}

#[tokio::test]
async fn a_run_dropped_at_every_point_converges() {
    let mut points = 0;
    loop {
        let story = Story::start().await;
        let payment = forgotten(&story).await;
        story.environment.advance(FIRST_LOOK);
        let deps = story.environment.build(reconcile::Deps::from_env, &[]);
        let finished = drop_after(points, run(&deps)).await.is_some();
        story.environment.advance(Duration::from_mins(1));
        run(&deps).await;
        story.environment.advance(Duration::from_mins(1));
        run(&deps).await;
        assert_eq!(story.state(&payment).await, "captured", "dropped after {points}");
        assert_eq!(story.environment.standins().mokka_order(&payment).unwrap().finishes, 1, "dropped after {points}");
        assert_eq!(
            story.environment.standins().imshop_payment(&payment).unwrap()["paymentCaptured"],
            true,
            "dropped after {points}"
        );
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points > 10, "queries, reads, writes and calls: {points}");
}

#[tokio::test]
async fn settings_that_are_wrong_are_named() {
    let story = Story::start().await;
    let mut env = story.environment.env();
    env.insert("ATTENTION_AFTER_MINUTES".to_owned(), "0".to_owned());
    env.insert("IMSHOP_ORDER_STATUS_URL".to_owned(), "http://imshop.example/hook".to_owned());
    env.remove("ORDERS_TABLE");
    let error = reconcile::Deps::from_env(shared::platform::env::Env::from_map(env), story.environment.platform())
        .unwrap_err()
        .to_string();
    for name in ["ATTENTION_AFTER_MINUTES", "IMSHOP_ORDER_STATUS_URL", "ORDERS_TABLE"] {
        assert!(error.contains(name), "{error}");
    }
}
