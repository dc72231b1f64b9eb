//! What cannot be resolved comes onto the list for people, and goes from it when it can.

use std::time::Duration;

use crate::Story;
use serde_json::{Value, json};
use standins::{Fault, System};

use crate::forgotten;

/// A tick every two minutes for so long.
async fn minutes(story: &Story, minutes: u32) -> Vec<Value> {
    let mut reports = Vec::new();
    for _ in 0..minutes / 2 {
        story.environment.advance(Duration::from_mins(2));
        reports.push(story.environment.tick().await);
    }
    reports
}

fn sum(reports: &[Value], field: &str) -> u64 {
    reports.iter().filter_map(|report| report[field].as_u64()).sum()
}

#[tokio::test]
async fn payment_unknown_for_an_hour_needs_review_until_mokka_answers() {
    let story = Story::start().await;
    let payment = forgotten(&story).await;
    let standins = story.environment.standins();
    standins.fault(System::Mokka, "finish", Fault::Http500, 1).unwrap();
    story.capture(&payment).await;
    standins.fault(System::Mokka, "status", Fault::Http500, 10_000).unwrap();
    standins.fault(System::Mokka, "finish", Fault::Http500, 10_000).unwrap();
    let reports = minutes(&story, 58).await;
    assert_eq!(sum(&reports, "attention"), 0);
    let reports = minutes(&story, 60).await;
    assert_eq!(sum(&reports, "attention"), 1, "once");
    let stored = story.payment(&payment).await;
    assert_eq!(stored["attention"], "open");
    assert!(story.environment.logs().contains("a payment needs manual review"));
    standins.clear_faults();
    minutes(&story, 35).await;
    let stored = story.payment(&payment).await;
    assert_eq!((&stored["state"], stored.get("attention"), stored.get("troubled_since")), (&json!("captured"), None, None));
}

#[tokio::test]
async fn other_amount_at_mokka_needs_review_and_captures_nothing() {
    let story = Story::start().await;
    let payment = forgotten(&story).await;
    story.environment.standins().set_mokka_amount(&payment, "1.00").unwrap();
    minutes(&story, 100).await;
    let stored = story.payment(&payment).await;
    assert_eq!((&stored["state"], &stored["attention"]), (&json!("pending"), &json!("open")));
    assert!(stored["mismatch"].is_string());
    assert_eq!(story.environment.standins().mokka_order(&payment).unwrap().finishes, 0);
}

#[tokio::test]
async fn slow_customer_needs_no_manual_review() {
    let story = Story::start().await;
    let order = story.order().await;
    story.create(&order).await;
    minutes(&story, 180).await;
    assert_eq!(story.payment(&order.payment(1)).await.get("attention"), None);
}

#[tokio::test]
async fn unchanged_polls_back_off() {
    let story = Story::start().await;
    let order = story.order().await;
    story.create(&order).await;
    let mut looks = Vec::new();
    for minute in (5..=12 * 60).step_by(5) {
        story.environment.advance(Duration::from_mins(5));
        if story.environment.tick().await["due"] == 1 {
            looks.push(minute);
        }
    }
    let pauses: Vec<_> = looks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(looks.len(), 7, "{looks:?}");
    assert!(pauses.windows(2).all(|pair| pair[1] >= 2 * pair[0] - 5), "each pause is twice the one before: {looks:?}");
    assert_eq!(story.environment.standins().calls_to(System::Mokka, "status").len(), 7);
}
