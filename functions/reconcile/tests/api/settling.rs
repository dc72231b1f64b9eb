//! A payment that no caller asks about is settled all the same.

use std::time::Duration;

use crate::Story;
use serde_json::json;
use standins::{Decision, Fault, Options, System};

use crate::{FIRST_LOOK, forgotten, pending};

#[tokio::test]
async fn lost_callback_is_made_up_by_the_poll_and_published() {
    let story = Story::start().await;
    let payment = forgotten(&story).await;
    assert_eq!(story.environment.tick().await["due"], 0, "the callback is expected to be quicker");
    story.environment.advance(FIRST_LOOK);
    let report = story.environment.tick().await;
    assert_eq!(report, json!({"due": 1, "moved": 1, "told": 1, "failed": 0, "attention": 0, "forgotten": 0, "left": false}));
    assert_eq!(story.state(&payment).await, "captured");
    let order = story.environment.standins().mokka_order(&payment).unwrap();
    assert_eq!((order.status.as_str(), order.finishes), ("finished", 1));
    let last = story.payment(&payment).await["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["state"], &last["by"]), (&json!("captured"), &json!("schedule")));
    assert_eq!(story.environment.standins().imshop_payment(&payment).unwrap()["paymentCaptured"], true);
    // Nothing is left to do but to look once more, a day later.
    let stored = story.payment(&payment).await;
    assert_eq!((&stored["check_at"], stored.get("untold")), (&stored["last_look_at"], None));
    story.environment.advance(Duration::from_hours(23));
    assert_eq!(story.environment.tick().await["due"], 0);
}

#[tokio::test]
async fn an_attempt_that_is_left_alone_expires() {
    let story = Story::start().await;
    let (order, payment) = pending(&story).await;
    story.environment.advance(Duration::from_secs(24 * 3600 + 10));
    story.environment.tick().await;
    assert_eq!(story.state(&payment).await, "expired");
    let told = story.environment.standins().imshop_payment(&payment).unwrap();
    assert_eq!(
        told,
        json!({"orderId": order.id, "paymentId": payment, "success": true, "paymentCaptured": false, "retry": true})
    );
}

#[tokio::test]
async fn an_attempt_that_mokka_never_heard_of_expires() {
    let story = Story::start().await;
    let order = story.order().await;
    story.environment.standins().fault(System::Mokka, "checkout", Fault::Http500, 1).unwrap();
    assert_eq!(story.create(&order).await.json()["success"], false);
    let payment = order.payment(1);
    story.environment.advance(FIRST_LOOK);
    story.environment.tick().await;
    let stored = story.payment(&payment).await;
    assert_eq!((&stored["state"], &stored["unknown"]), (&json!("creating"), &json!(true)), "the customer may try again");
    story.environment.advance(Duration::from_hours(24));
    story.environment.tick().await;
    assert_eq!(story.state(&payment).await, "expired");
    assert!(story.create(&order).await.json()["paymentUrl"].is_string(), "a new attempt may start");
}

#[tokio::test]
async fn a_status_that_we_do_not_know_decides_nothing() {
    let story = Story::start().await;
    let (_, payment) = pending(&story).await;
    story.environment.advance(Duration::from_secs(24 * 3600 + 10));
    story.environment.standins().set_mokka_status(&payment, "frozen").unwrap();
    story.environment.tick().await;
    assert_eq!(story.state(&payment).await, "pending");
}

#[tokio::test]
async fn a_capture_without_a_clear_answer_is_found_out() {
    for (fault, finishes_before) in [(Fault::AnswerLost, 1), (Fault::Http500, 0), (Fault::Reset, 0)] {
        let story = Story::start().await;
        let payment = forgotten(&story).await;
        story.environment.standins().fault(System::Mokka, "finish", fault, 1).unwrap();
        story.environment.standins().fault(System::Mokka, "status", Fault::Http500, 4).unwrap();
        story.capture(&payment).await;
        story.environment.standins().clear_faults();
        story.environment.standins().fault(System::Mokka, "finish", fault, 1).unwrap();
        story.capture(&payment).await;
        let order = story.environment.standins().mokka_order(&payment).unwrap();
        assert_eq!(order.finishes, finishes_before, "{fault}");
        story.environment.advance(FIRST_LOOK);
        story.environment.tick().await;
        assert_eq!(story.state(&payment).await, "captured", "{fault}");
        assert_eq!(story.environment.standins().mokka_order(&payment).unwrap().finishes, 1, "{fault}");
    }
}

#[tokio::test]
async fn hold_until_shipment_counts_as_paid_until_mokka_releases_it() {
    let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", "on_shipment")]).await;
    let payment = forgotten(&story).await;
    story.environment.advance(FIRST_LOOK);
    story.environment.tick().await;
    assert_eq!(story.state(&payment).await, "held");
    assert_eq!(story.environment.standins().imshop_payment(&payment).unwrap()["paymentCaptured"], true);
    assert_eq!(story.environment.standins().mokka_order(&payment).unwrap().finishes, 0);
    story.environment.advance(Duration::from_hours(336));
    story.environment.tick().await;
    assert_eq!(story.state(&payment).await, "expired");
    assert_eq!(story.payment(&payment).await["attention"], "open", "what was paid is not paid any more");
    let told = story.environment.standins().imshop_payment(&payment).unwrap();
    assert_eq!((&told["paymentCaptured"], &told["retry"]), (&json!(false), &json!(true)));
}

#[tokio::test]
async fn a_declined_payment_is_found_out_and_the_customer_may_try_again() {
    let story = Story::start().await;
    let (order, payment) = pending(&story).await;
    story.decide(&payment, Decision::Declined).await;
    story.environment.advance(FIRST_LOOK);
    story.environment.tick().await;
    assert_eq!(story.state(&payment).await, "declined");
    assert_eq!(story.environment.standins().imshop_payment(&payment).unwrap()["retry"], true);
    assert_eq!(story.create(&order).await.json()["paymentId"], order.payment(2));
}
