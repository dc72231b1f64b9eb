//! A process may die at any await. Whatever it left behind, the repeated request brings it to one effect.

use std::time::Duration;

use crate::Story;
use serde_json::json;
use standins::{Decision, System};
use testkit::drop_after;

/// Longer than any lease.
const LEASE_OVER: Duration = Duration::from_secs(13);

#[tokio::test]
async fn create_dropped_at_every_point_converges_to_one_attempt() {
    let mut points = 0;
    loop {
        let story = Story::start().await;
        let order = story.order().await;
        let finished = drop_after(points, story.create(&order)).await.is_some();
        story.environment.advance(LEASE_OVER);
        let answer = story.create(&order).await.json();
        assert_eq!(answer["success"], json!(true), "dropped after {points}: {answer}");
        assert_eq!(answer["paymentId"], json!(order.payment(1)), "dropped after {points}");
        assert!(story.environment.standins().mokka_order(&order.payment(2)).is_none(), "one Checkout in force: {points}");
        let stored = story.payment(&order.payment(1)).await;
        let mokka = story.environment.standins().mokka_order(&order.payment(1)).unwrap();
        assert_eq!((&stored["state"], &stored["payment_url"]), (&json!("pending"), &json!(mokka.form_url)), "{points}");
        story.decide(&order.payment(1), Decision::Approved).await;
        assert_eq!(story.capture(&order.payment(1)).await.json()["paymentCaptured"], json!(true), "{points}");
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 4, "read, intent, Checkout, record: {points}");
}

#[tokio::test]
async fn capture_dropped_at_every_point_converges_to_one_finish() {
    walk("capture").await;
}

#[tokio::test]
async fn callback_dropped_at_every_point_converges_to_one_finish() {
    walk("callback").await;
}

#[tokio::test]
async fn return_dropped_at_every_point_converges_to_one_finish() {
    walk("return").await;
}

async fn walk(trigger: &str) {
    let mut points = 0;
    loop {
        let story = Story::start().await;
        let order = story.order().await;
        let payment = order.payment(1);
        story.create(&order).await;
        story.decide(&payment, Decision::Approved).await;
        let run = async || match trigger {
            "capture" => story.capture(&payment).await.status,
            "callback" => story.callback(&payment, "approved").await.status,
            _ => story.come_back(&payment).await.status,
        };
        let finished = drop_after(points, run()).await.is_some();
        story.environment.advance(LEASE_OVER);
        run().await;
        assert_eq!(story.state(&payment).await, "captured", "{trigger} dropped after {points}");
        assert_eq!(story.environment.standins().mokka_order(&payment).unwrap().finishes, 1, "{trigger} dropped after {points}");
        assert!(story.environment.standins().calls_to(System::Mokka, "finish").len() <= 2);
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 5, "read, Status, intent, order, Finish, record: {points}");
}

#[tokio::test]
async fn a_running_create_is_not_disturbed_by_its_twin() {
    let story = Story::start().await;
    let order = story.order().await;
    // The first one dies with its lease; the second one comes at once and must not call Mokka beside it.
    drop_after(4, story.create(&order)).await;
    let checkouts = story.environment.standins().calls_to(System::Mokka, "checkout").len();
    let answer = story.create(&order).await.json();
    if story.payment(&order.payment(1)).await["state"] == "creating" {
        assert_eq!(answer["success"], json!(false), "{answer}");
        assert_eq!(story.environment.standins().calls_to(System::Mokka, "checkout").len(), checkouts);
    }
}
