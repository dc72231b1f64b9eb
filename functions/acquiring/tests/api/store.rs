//! Round trips to the store, counted, and their answers lost one by one.

use crate::Story;
use serde_json::json;
use standins::{Decision, System};
use testkit::few_at_a_time;

fn called(story: &Story) -> Vec<&'static str> {
    story.environment.standins().calls(Some(System::Mokka)).iter().map(|call| call.method).collect()
}

#[tokio::test]
async fn the_round_trips_of_each_command_are_as_designed() {
    let story = Story::start().await;
    let order = story.order().await;
    assert_eq!(story.environment.store_calls(), ["UpdateItem", "UpdateItem"], "an order with its alias");

    story.create(&order).await;
    assert_eq!(story.environment.store_calls(), ["GetItem", "TransactWriteItems", "UpdateItem"], "create, first time");
    assert_eq!(called(&story), ["checkout"]);

    story.environment.standins().forget_calls();
    story.create(&order).await;
    assert_eq!(story.environment.store_calls(), ["GetItem", "GetItem"], "create, repeated");
    assert_eq!(called(&story), ["status"]);

    story.decide(&order.payment(1), Decision::Approved).await;
    story.environment.standins().forget_calls();
    story.capture(&order.payment(1)).await;
    assert_eq!(story.environment.store_calls(), ["GetItem", "UpdateItem", "GetItem", "UpdateItem"], "capture of a new hold");
    assert_eq!(called(&story), ["status", "finish"]);

    story.environment.standins().forget_calls();
    story.capture(&order.payment(1)).await;
    assert_eq!(story.environment.store_calls(), ["GetItem"], "capture of a settled payment");
    assert!(called(&story).is_empty());
}

/// Why a new attempt was not written down: only a lost condition can mean that another order has the id.
#[tokio::test]
async fn a_transaction_that_was_canceled_is_dealt_with_by_its_reason() {
    const WRITE: &str = "TransactWriteItems";
    for (reason, waits) in [
        ("TransactionConflict", true),
        ("TransactionInProgressException", true),
        ("ThrottlingError", true),
        ("ProvisionedThroughputExceeded", true),
        ("ThrottlingException", true),
        ("ValidationError", false),
        ("ItemCollectionSizeLimitExceeded", false),
        ("ReasonOfTomorrow", false),
    ] {
        let story = Story::start().await;
        let order = story.order().await;
        story.environment.refuse_store(WRITE, reason, 1);
        let created = story.create(&order).await;
        assert_eq!(created.json()["success"], json!(waits), "{reason}: {}", created.body);
        if waits {
            assert_eq!(called(&story), ["checkout"], "{reason}");
            assert_eq!(created.json()["paymentId"], json!(order.payment(1)), "{reason}");
        } else {
            assert_ne!(created.json()["error"], json!(shared::payments::texts::ORDER_ID_TAKEN), "{reason}");
            assert!(called(&story).is_empty(), "{reason}: what is not written down is not done");
            assert_eq!(story.create(&order).await.json()["success"], json!(true), "{reason}: and harms nobody");
        }
    }
    // What stands in the way for longer ends the request, and says nothing false.
    for reason in ["TransactionConflict", "ThrottlingError"] {
        let story = Story::start().await;
        let order = story.order().await;
        let _ = story.environment.store_calls();
        story.environment.refuse_store(WRITE, reason, 1_000);
        let created = story.create(&order).await;
        assert_eq!(
            (&created.json()["success"], &created.json()["error"]),
            (&json!(false), &json!(shared::platform::texts::INTERNAL))
        );
        let tries = story.environment.store_calls().iter().filter(|call| *call == WRITE).count();
        assert!((2..=24).contains(&tries), "{reason}: {tries}");
        assert!(called(&story).is_empty(), "{reason}");
    }
    // The payment of that id is another order's.
    let story = Story::start().await;
    let order = story.order().await;
    story.environment.refuse_store(WRITE, "ConditionalCheckFailed", 1_000);
    assert_eq!(story.create(&order).await.json()["error"], json!(shared::payments::texts::ORDER_ID_TAKEN));
}

#[tokio::test]
async fn a_write_that_meets_another_or_a_busy_table_is_tried_again() {
    for reason in ["TransactionConflictException", "ThrottlingException", "ProvisionedThroughputExceededException"] {
        let story = Story::start().await;
        let order = story.order().await;
        story.environment.refuse_store("UpdateItem", reason, 4);
        let created = story.create(&order).await.json();
        assert_eq!(created["success"], json!(true), "{reason}: {created}");
        assert_eq!(called(&story), ["checkout"], "{reason}: once, however often its outcome is written");
    }
}

#[tokio::test]
async fn a_lost_answer_of_the_store_is_not_taken_for_somebody_elses_write() {
    few_at_a_time((0..3).map(|index| async move {
        let story = Story::start().await;
        let order = story.order().await;
        story.environment.lose_store_answer(index);
        let created = story.create(&order).await.json();
        assert_eq!(created["success"], json!(true), "create, answer {index} lost: {created}");
        assert_eq!(called(&story), ["checkout"], "create, answer {index} lost");
    }))
    .await;
    few_at_a_time((0..4).map(|index| async move {
        let story = Story::start().await;
        let order = story.order().await;
        story.create(&order).await;
        story.decide(&order.payment(1), Decision::Approved).await;
        story.environment.lose_store_answer(index);
        let captured = story.capture(&order.payment(1)).await.json();
        assert_eq!(captured["paymentCaptured"], json!(true), "capture, answer {index} lost: {captured}");
        assert_eq!(called(&story), ["checkout", "status", "finish"], "capture, answer {index} lost");
    }))
    .await;
}
