//! Messages that come twice, for nothing, or say nothing.

use std::time::Duration;

use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use standins::Fault;
use testkit::settings::FORMS_QUEUE;

use crate::{House, LOOKED_AFTER};

fn message(id: &str) -> String {
    json!({"submission": id}).to_string()
}

#[tokio::test]
async fn a_message_for_a_form_that_was_never_stored_is_done() {
    let house = House::start().await;
    house.world.queues().put(FORMS_QUEUE, &message(&"0f".repeat(32))).unwrap();
    assert_eq!(house.world.deliver_forms().await, 1);
    assert_eq!((house.queued(), house.tries()), (0, 0));
}

#[tokio::test]
async fn a_message_for_a_form_whose_time_is_over_is_done() {
    let house = House::start().await;
    house.shop_has(Fault::Http500);
    house.hand_in("a call").await;
    let id = house.id().await;
    house.world.advance(Duration::from_hours(24 * 91));
    house.world.queues().put(FORMS_QUEUE, &message(&id)).unwrap();
    house.world.deliver_forms().await;
    assert_eq!((house.queued(), house.tries()), (0, 1));
}

#[tokio::test]
async fn a_message_that_comes_three_times_delivers_once() {
    let house = House::start().await;
    house.shop_has(Fault::Http500);
    house.hand_in("a call").await;
    let id = house.id().await;
    for _ in 0..2 {
        house.world.queues().put(FORMS_QUEUE, &message(&id)).unwrap();
    }
    house.shop_is_well();
    house.world.deliver_forms_for(LOOKED_AFTER).await;
    assert_eq!((house.in_the_books().len(), house.tries(), house.queued()), (1, 2, 0));
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_said_so_and_holds_up_nobody() {
    let house = House::start().await;
    house.shop_has(Fault::Http500);
    for body in ["not a message", "{}", "[]", r#"{"submission":"canary"}"#] {
        house.world.queues().put(FORMS_QUEUE, body).unwrap();
    }
    house.hand_in("a call").await;
    house.shop_is_well();
    house.world.deliver_forms_for(LOOKED_AFTER).await;
    assert_eq!((house.in_the_books().len(), house.queued()), (1, 0));
    assert!(house.logged("ERROR", "a message of the queue cannot be read and is dropped").len() >= 4);
}

#[tokio::test]
async fn what_is_no_batch_is_an_error() {
    let house = House::start().await;
    let deps = house.world.build(form_delivery::Deps::from_env, &[]);
    let give = async |event: Value| form_delivery::handle(&deps, LambdaEvent::new(event, Context::default())).await;
    assert!(give(json!({})).await.is_err());
    assert_eq!(give(json!({"Records": []})).await.unwrap(), json!({"batchItemFailures": []}));
    assert_eq!(give(json!({"Records": [{"body": "{}"}]})).await.unwrap(), json!({"batchItemFailures": []}));
}

#[tokio::test]
async fn a_form_for_which_no_time_is_left_is_given_again_without_a_try() {
    let house = House::start().await;
    house.shop_has(Fault::Http500);
    house.hand_in("a call").await;
    let record = json!({
        "messageId": "message-1",
        "receiptHandle": "receipt-1",
        "body": message(&house.id().await),
        "attributes": {"ApproximateReceiveCount": "1"},
    });
    let deps = house.world.build(form_delivery::Deps::from_env, &[]);
    let context = emulators::functions::context(Duration::from_secs(30));
    let answer = form_delivery::handle(&deps, LambdaEvent::new(json!({"Records": [record]}), context)).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "message-1"}]}));
    assert_eq!(house.tries(), 1, "that of the request itself");
}
