//! Round trips to the store, counted, and their answers lost one by one.

use crate::Story;
use serde_json::json;
use standins::{Decision, System};
use testkit::few_at_a_time;

fn called(story: &Story) -> Vec<&'static str> {
    story.world.standins().calls(Some(System::Mokka)).iter().map(|call| call.method).collect()
}

#[tokio::test]
async fn the_round_trips_of_each_command_are_as_designed() {
    let story = Story::start().await;
    let order = story.order().await;
    assert_eq!(story.world.store_calls(), ["UpdateItem"]);

    story.create(&order).await;
    assert_eq!(story.world.store_calls(), ["GetItem", "TransactWriteItems", "UpdateItem"], "create, first time");
    assert_eq!(called(&story), ["checkout"]);

    story.world.standins().forget_calls();
    story.create(&order).await;
    assert_eq!(story.world.store_calls(), ["GetItem", "GetItem"], "create, repeated");
    assert_eq!(called(&story), ["status"]);

    story.decide(&order.payment(1), Decision::Approved).await;
    story.world.standins().forget_calls();
    story.capture(&order.payment(1)).await;
    assert_eq!(story.world.store_calls(), ["GetItem", "UpdateItem", "GetItem", "UpdateItem"], "capture of a new hold");
    assert_eq!(called(&story), ["status", "finish"]);

    story.world.standins().forget_calls();
    story.capture(&order.payment(1)).await;
    assert_eq!(story.world.store_calls(), ["GetItem"], "capture of a settled payment");
    assert!(called(&story).is_empty());
}

#[tokio::test]
async fn a_lost_answer_of_the_store_is_not_taken_for_somebody_elses_write() {
    few_at_a_time((0..3).map(|index| async move {
        let story = Story::start().await;
        let order = story.order().await;
        story.world.lose_store_answer(index);
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
        story.world.lose_store_answer(index);
        let captured = story.capture(&order.payment(1)).await.json();
        assert_eq!(captured["paymentCaptured"], json!(true), "capture, answer {index} lost: {captured}");
        assert_eq!(called(&story), ["checkout", "status", "finish"], "capture, answer {index} lost");
    }))
    .await;
}
