//! A run is bounded, harmless when doubled, and costs what is due, not what is stored.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Story;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use standins::{Fault, System};
use testkit::drop_after;

use crate::{FIRST_LOOK, forgotten, pending};

async fn run(deps: &reconcile::Deps) -> Value {
    reconcile::handle(deps, LambdaEvent::new(json!({}), Context::default())).await.unwrap()
}

#[tokio::test]
async fn a_run_with_nothing_due_is_its_turn_and_one_query_for_each_partition_whatever_is_stored() {
    let story = Story::start().await;
    for _ in 0..3 {
        let payment = forgotten(&story).await;
        story.capture(&payment).await;
        story.world.pump().await;
    }
    drop(story.world.store_calls());
    assert_eq!(story.world.tick().await["due"], 0);
    let turn = ["UpdateItem"];
    assert_eq!(story.world.store_calls(), [&turn[..], &["Query"; 8], &turn].concat());
}

#[tokio::test]
async fn a_run_whose_time_is_over_begins_nothing_and_the_next_one_goes_on() {
    let story = Story::start().await;
    let payment = forgotten(&story).await;
    story.world.advance(FIRST_LOOK);
    let deps = story.world.build(reconcile::Deps::from_env, &[]);
    let mut context = Context::default();
    let soon = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(3);
    context.deadline = u64::try_from(soon.as_millis()).unwrap();
    let report = reconcile::handle(&deps, LambdaEvent::new(json!({}), context)).await.unwrap();
    assert_eq!((&report["left"], &report["due"]), (&json!(true), &json!(0)));
    assert_eq!((story.state(&payment).await.as_str(), story.world.standins().calls(Some(System::Mokka)).len()), ("pending", 1));
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
    story.world.advance(FIRST_LOOK);
    let (one, two) = (story.world.build(reconcile::Deps::from_env, &[]), story.world.build(reconcile::Deps::from_env, &[]));
    let (first, second) = tokio::join!(run(&one), run(&two));
    assert_eq!((&first["failed"], &second["failed"]), (&json!(0), &json!(0)));
    for payment in &payments {
        assert_eq!(story.state(payment).await, "captured");
        assert_eq!(story.world.standins().mokka_order(payment).unwrap().finishes, 1);
    }
    story.world.advance(Duration::from_mins(2));
    run(&one).await;
    let told = story.world.standins().imshop();
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
    story.world.advance(FIRST_LOOK);
    story.world.standins().fault(System::Mokka, "status", Fault::Http500, 10_000).unwrap();
    let report = story.world.tick().await;
    assert_eq!(report["due"], 40, "each has its next look planned");
    let calls = story.world.standins().calls_to(System::Mokka, "status").len();
    assert!(calls < 20, "each is asked twice by the client, and four were under way: {calls}");
    story.world.standins().clear_faults();
    assert_eq!(story.world.tick().await["due"], 0);
}

#[tokio::test]
async fn an_item_that_cannot_be_read_holds_up_no_other() {
    let story = Story::start().await;
    let (broken, payment) = (forgotten(&story).await, forgotten(&story).await);
    let key = aws_sdk_dynamodb::types::AttributeValue::S(format!("payment#{broken}"));
    let update = story.world.dynamodb().update_item().table_name("order-holds").key("pk", key);
    let update = update
        .update_expression("SET provider = :other")
        .expression_attribute_values(":other", aws_sdk_dynamodb::types::AttributeValue::S("nobody".to_owned()));
    update.send().await.unwrap();
    story.world.advance(FIRST_LOOK);
    let report = story.world.tick().await;
    assert_eq!((&report["due"], &report["failed"], &report["moved"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(story.state(&payment).await, "captured");
}

#[tokio::test]
async fn a_run_dropped_at_every_point_converges() {
    let mut points = 0;
    loop {
        let story = Story::start().await;
        let payment = forgotten(&story).await;
        story.world.advance(FIRST_LOOK);
        let deps = story.world.build(reconcile::Deps::from_env, &[]);
        let finished = drop_after(points, run(&deps)).await.is_some();
        story.world.advance(Duration::from_mins(1));
        run(&deps).await;
        story.world.advance(Duration::from_mins(1));
        run(&deps).await;
        assert_eq!(story.state(&payment).await, "captured", "dropped after {points}");
        assert_eq!(story.world.standins().mokka_order(&payment).unwrap().finishes, 1, "dropped after {points}");
        assert_eq!(story.world.standins().imshop_payment(&payment).unwrap()["paymentCaptured"], true, "dropped after {points}");
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
    let mut env = story.world.env();
    env.insert("ATTENTION_AFTER_MINUTES".to_owned(), "0".to_owned());
    env.insert("IMSHOP_ORDER_STATUS_URL".to_owned(), "http://imshop.example/hook".to_owned());
    env.remove("ORDERS_TABLE");
    let error = reconcile::Deps::from_env(shared::env::Env::from_map(env), story.world.world()).unwrap_err().to_string();
    for name in ["ATTENTION_AFTER_MINUTES", "IMSHOP_ORDER_STATUS_URL", "ORDERS_TABLE"] {
        assert!(error.contains(name), "{error}");
    }
}
