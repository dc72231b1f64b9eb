//! DynamoDB as it really is: its transactions take time and lock, its batches are left half done, it is short of capacity.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use standins::{Decision, System};
use testkit::Modes;

use crate::Story;

/// Whether an answer says that this cannot be done now. That the order's id is taken by another would be a lie.
fn is_later(answer: &Value) -> bool {
    answer["success"] == json!(false) && answer["error"] != json!(shared::payments::texts::ORDER_ID_TAKEN)
}

#[tokio::test]
async fn twenty_presses_are_one_payment_and_capture_on_every_store() {
    for (name, modes) in Modes::realities() {
        let story = Story::start().await;
        let order = story.order().await;
        story.environment.let_store(modes).await;
        let payment = order.payment(1);
        let pressed = join_all((0..20).map(|_| story.create(&order))).await;
        for answer in pressed.iter().map(testkit::Answer::json) {
            assert!(answer["paymentId"] == json!(payment) || is_later(&answer), "{name}: {answer}");
        }
        let mut pressed = story.create(&order).await.json();
        while is_later(&pressed) {
            story.environment.advance(Duration::from_secs(13));
            pressed = story.create(&order).await.json();
        }
        assert_eq!((&pressed["success"], &pressed["paymentId"]), (&json!(true), &json!(payment)), "{name}: {pressed}");
        assert_eq!(story.environment.standins().calls_to(System::Mokka, "checkout").len(), 1, "{name}");

        story.decide(&payment, Decision::Approved).await;
        join_all((0..20).map(|_| story.capture(&payment))).await;
        let mut captured = story.capture(&payment).await.json();
        while is_later(&captured) {
            story.environment.advance(Duration::from_secs(13));
            captured = story.capture(&payment).await.json();
        }
        assert_eq!(captured["paymentCaptured"], json!(true), "{name}: {captured}");
        assert_eq!(story.environment.standins().mokka_order(&payment).unwrap().finishes, 1, "{name}");
    }
}

#[tokio::test]
async fn a_transaction_may_take_a_second() {
    let story = Story::start().await;
    let order = story.order().await;
    story.environment.let_store(Modes { transactions_ms: Some(1000), ..Modes::default() }).await;
    drop(story.environment.store_calls());
    let created = story.create(&order).await.json();
    assert_eq!(created["success"], json!(true), "{created}");
    let tries = story.environment.store_calls().into_iter().filter(|call| call == "TransactWriteItems").count();
    assert_eq!(tries, 1, "it was not given up before");
}
