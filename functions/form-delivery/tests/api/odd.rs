//! Messages that come twice, for nothing, or say nothing.

use std::time::Duration;

use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use standins::Fault;
use testkit::settings::FORMS_QUEUE;

use crate::{LOOKED_AFTER, Setup};

fn message(id: &str) -> String {
    json!({"submission": id}).to_string()
}

#[tokio::test]
async fn a_message_for_a_form_that_was_never_stored_is_done() {
    let setup = Setup::start().await;
    setup.environment.queues().put(FORMS_QUEUE, &message(&"0f".repeat(32))).unwrap();
    assert_eq!(setup.environment.deliver_forms().await, 1);
    assert_eq!((setup.queued(), setup.tries()), (0, 0));
}

#[tokio::test]
async fn a_message_for_a_form_whose_time_is_over_is_done() {
    let setup = Setup::start().await;
    setup.shop_has(Fault::Http500);
    setup.hand_in("a call").await;
    let id = setup.id().await;
    setup.environment.advance(Duration::from_hours(24 * 91));
    setup.environment.queues().put(FORMS_QUEUE, &message(&id)).unwrap();
    setup.environment.deliver_forms().await;
    assert_eq!((setup.queued(), setup.tries()), (0, 1));
}

#[tokio::test]
async fn a_message_that_comes_three_times_delivers_once() {
    let setup = Setup::start().await;
    setup.shop_has(Fault::Http500);
    setup.hand_in("a call").await;
    let id = setup.id().await;
    for _ in 0..2 {
        setup.environment.queues().put(FORMS_QUEUE, &message(&id)).unwrap();
    }
    setup.shop_is_well();
    setup.environment.deliver_forms_for(LOOKED_AFTER).await;
    assert_eq!((setup.in_the_books().len(), setup.tries(), setup.queued()), (1, 2, 0));
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_said_so_and_holds_up_nobody() {
    let setup = Setup::start().await;
    setup.shop_has(Fault::Http500);
    for body in ["not a message", "{}", "[]", r#"{"submission":"canary"}"#] {
        setup.environment.queues().put(FORMS_QUEUE, body).unwrap();
    }
    setup.hand_in("a call").await;
    setup.shop_is_well();
    setup.environment.deliver_forms_for(LOOKED_AFTER).await;
    assert_eq!((setup.in_the_books().len(), setup.queued()), (1, 0));
    assert!(setup.logged("ERROR", "a message of the queue cannot be read and is dropped").len() >= 4);
}

#[tokio::test]
async fn what_is_no_batch_is_an_error() {
    let setup = Setup::start().await;
    let deps = setup.environment.build(form_delivery::Deps::from_env, &[]);
    let give = async |event: Value| form_delivery::handle(&deps, LambdaEvent::new(event, Context::default())).await;
    assert!(give(json!({})).await.is_err());
    assert_eq!(give(json!({"Records": []})).await.unwrap(), json!({"batchItemFailures": []}));
    assert_eq!(give(json!({"Records": [{"body": "{}"}]})).await.unwrap(), json!({"batchItemFailures": []}));
}

#[tokio::test]
async fn a_form_for_which_no_time_is_left_is_given_again_without_a_try() {
    let setup = Setup::start().await;
    setup.shop_has(Fault::Http500);
    setup.hand_in("a call").await;
    let record = json!({
        "messageId": "message-1",
        "receiptHandle": "receipt-1",
        "body": message(&setup.id().await),
        "attributes": {"ApproximateReceiveCount": "1"},
    });
    let deps = setup.environment.build(form_delivery::Deps::from_env, &[]);
    let context = emulators::functions::context(Duration::from_secs(30));
    let answer = form_delivery::handle(&deps, LambdaEvent::new(json!({"Records": [record]}), context)).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "message-1"}]}));
    assert_eq!(setup.tries(), 1, "that of the request itself");
}
