//! At least once, in order, and no address waits for another.

use std::time::Duration;

use crate::Story;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use standins::{Decision, Fault, System};
use testkit::drop_after;

use crate::{settled, told};

fn record(number: u32, key: &str) -> Value {
    json!({"eventName": "MODIFY", "dynamodb": {"Keys": {"pk": {"S": key}}, "SequenceNumber": number.to_string()}})
}

async fn give(deps: &payment_events::Deps, records: Vec<Value>) -> Value {
    payment_events::handle(deps, LambdaEvent::new(json!({"Records": records}), Context::default())).await.unwrap()
}

#[tokio::test]
async fn untaken_status_event_is_planned_again_and_record_is_done() {
    for fault in [Fault::Http500, Fault::Html, Fault::Reset, Fault::Refused, Fault::Status(503)] {
        let story = Story::start().await;
        let payment = settled(&story, Decision::Approved).await;
        story.environment.standins().fault(System::Imshop, "payment_status", fault, 1).unwrap();
        assert_eq!(story.environment.poll_stream().await, 1, "{fault}");
        assert_eq!(story.environment.dead_letters(), [], "{fault}");
        assert_eq!(told(&story, "payment_status"), Vec::<Value>::new(), "{fault}");
        let stored = story.payment(&payment).await;
        assert_eq!((stored.get("untold"), &stored["tell_failures"]), (None, &json!(1)), "{fault}");
        assert!(stored["check_at"].is_number(), "{fault}: the next try is planned");
        story.environment.advance(Duration::from_mins(2));
        story.environment.tick().await;
        assert_eq!(told(&story, "payment_status").len(), 1, "{fault}");
        assert_eq!(told(&story, "order_status").len(), 1, "{fault}");
        let stored = story.payment(&payment).await;
        let open = (stored.get("untold"), &stored["tell_failures"], &stored["check_at"]);
        assert_eq!(open, (None, &json!(0), &stored["last_look_at"]), "{fault}");
    }
}

#[tokio::test]
async fn a_byte_order_mark_before_imshops_answer_is_nothing() {
    let story = Story::start().await;
    let payment = settled(&story, Decision::Approved).await;
    for address in ["payment_status", "order_status"] {
        story.environment.standins().fault(System::Imshop, address, Fault::Bom, 1).unwrap();
    }
    story.environment.poll_stream().await;
    assert_eq!((told(&story, "payment_status").len(), told(&story, "order_status").len()), (1, 1));
    assert_eq!(story.payment(&payment).await["tell_failures"], 0);
}

#[tokio::test]
async fn failed_publish_does_not_trigger_another_call() {
    let story = Story::start().await;
    for _ in 0..3 {
        settled(&story, Decision::Approved).await;
    }
    story.environment.standins().fault(System::Imshop, "payment_status", Fault::Http500, 10_000).unwrap();
    assert_eq!(story.environment.poll_stream().await, 3, "what the failures wrote is no news");
    assert_eq!(story.environment.standins().calls_to(System::Imshop, "payment_status").len(), 3);
}

#[tokio::test]
async fn one_address_that_is_down_does_not_double_the_other() {
    let story = Story::start().await;
    settled(&story, Decision::Approved).await;
    story.environment.standins().fault(System::Imshop, "order_status", Fault::Http500, 3).unwrap();
    story.environment.poll_stream().await;
    for _ in 0..20 {
        story.environment.advance(Duration::from_mins(1));
        story.environment.tick().await;
    }
    assert_eq!(told(&story, "payment_status").len(), 1);
    assert_eq!(told(&story, "order_status").len(), 1);
}

#[tokio::test]
async fn status_event_with_lost_answer_is_sent_again() {
    let story = Story::start().await;
    settled(&story, Decision::Approved).await;
    story.environment.standins().fault(System::Imshop, "payment_status", Fault::AnswerLost, 1).unwrap();
    story.environment.poll_stream().await;
    story.environment.advance(Duration::from_mins(2));
    story.environment.tick().await;
    let told = told(&story, "payment_status");
    assert_eq!(told.len(), 2, "at least once");
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn the_same_record_many_times_at_once_is_one_message() {
    let story = Story::start().await;
    let payment = settled(&story, Decision::Approved).await;
    let deps = story.environment.build(payment_events::Deps::from_env, &[]);
    let records = || vec![record(1, &format!("payment#{payment}")), record(2, &format!("payment#{payment}"))];
    let all = (0..20).map(|_| give(&deps, records()));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    assert_eq!(told(&story, "payment_status").len(), 1);
    assert_eq!(told(&story, "order_status").len(), 1);
}

#[tokio::test]
async fn only_what_cannot_be_written_down_is_given_back() {
    let story = Story::start().await;
    let good = settled(&story, Decision::Approved).await;
    let broken = settled(&story, Decision::Approved).await;
    let key = aws_sdk_dynamodb::types::AttributeValue::S(format!("payment#{broken}"));
    let update = story.environment.dynamodb().update_item().table_name("order-holds").key("pk", key);
    update.update_expression("REMOVE provider").send().await.unwrap();
    let deps = story.environment.build(payment_events::Deps::from_env, &[]);
    let answer = give(
        &deps,
        vec![
            record(1, "order#somebody"),
            record(2, &format!("payment#{broken}")),
            record(3, &format!("payment#{good}")),
            record(4, "payment#never-existed"),
            json!({"dynamodb": {"SequenceNumber": "5"}}),
            record(6, "payment#не наш"),
        ],
    )
    .await;
    let back: Vec<_> =
        answer["batchItemFailures"].as_array().unwrap().iter().map(|item| item["itemIdentifier"].clone()).collect();
    assert_eq!(back, ["2", "5", "6"]);
    assert!(story.environment.standins().imshop_payment(&good).is_some());
}

#[tokio::test]
async fn records_without_store_become_dead_letters_and_reconcile_publishes() {
    let story = Story::start().await;
    let payment = settled(&story, Decision::Approved).await;
    story.environment.set_workers(&[("DYNAMODB_ENDPOINT", "http://127.0.0.1:9")]);
    story.environment.poll_stream().await;
    let dead = story.environment.dead_letters();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].calls > 1, "Lambda repeats: {}", dead[0].calls);
    story.environment.set_workers(&[]);
    assert_eq!(story.environment.poll_stream().await, 0, "the stream is past it");
    story.environment.advance(Duration::from_mins(1));
    story.environment.tick().await;
    assert_eq!(story.environment.standins().imshop_payment(&payment).unwrap()["paymentCaptured"], true);
}

#[tokio::test]
async fn what_is_no_batch_is_an_error_of_its_own() {
    let story = Story::start().await;
    let deps = story.environment.build(payment_events::Deps::from_env, &[]);
    let event = LambdaEvent::new(json!({"Records": "none"}), Context::default());
    assert!(payment_events::handle(&deps, event).await.unwrap_err().to_string().contains("Records"));
}

#[tokio::test]
async fn dropped_at_every_point_it_converges_to_the_truth() {
    let mut points = 0;
    loop {
        let story = Story::start().await;
        let payment = settled(&story, Decision::Approved).await;
        let deps = story.environment.build(payment_events::Deps::from_env, &[]);
        let finished = drop_after(points, give(&deps, vec![record(1, &format!("payment#{payment}"))])).await.is_some();
        story.environment.advance(Duration::from_mins(1));
        story.environment.tick().await;
        assert_eq!(
            story.environment.standins().imshop_payment(&payment).unwrap()["paymentCaptured"],
            true,
            "dropped after {points}"
        );
        assert_eq!(story.environment.standins().imshop_order("1001").unwrap()["payment"]["paid"], true, "dropped after {points}");
        let stored = story.payment(&payment).await;
        assert_eq!((stored.get("untold"), &stored["check_at"]), (None, &stored["last_look_at"]), "dropped after {points}");
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 4, "read, lease, two calls, record: {points}");
}

#[tokio::test]
async fn publishing_costs_two_reads_two_writes_and_a_call_each() {
    let story = Story::start().await;
    let payment = settled(&story, Decision::Approved).await;
    let deps = story.environment.build(payment_events::Deps::from_env, &[]);
    drop(story.environment.store_calls());
    give(&deps, vec![record(1, &format!("payment#{payment}"))]).await;
    assert_eq!(story.environment.store_calls(), ["GetItem", "UpdateItem", "GetItem", "UpdateItem"]);
    give(&deps, vec![record(2, &format!("payment#{payment}"))]).await;
    assert_eq!(story.environment.store_calls(), ["GetItem"], "nothing to tell");
}

#[tokio::test]
async fn parallel_write_loses_neither_itself_nor_published_marks() {
    for lost in 0..4 {
        let story = Story::start().await;
        let payment = settled(&story, Decision::Approved).await;
        let deps = story.environment.build(payment_events::Deps::from_env, &[]);
        story.environment.lose_store_answer(lost);
        give(&deps, vec![record(1, &format!("payment#{payment}"))]).await;
        story.environment.advance(Duration::from_mins(1));
        story.environment.tick().await;
        assert_eq!(told(&story, "payment_status").len(), 1, "answer {lost} lost");
        assert_eq!(story.payment(&payment).await.get("untold"), None, "answer {lost} lost");
    }
}
