//! What is over is looked at a few times more: what was done in the provider's own cabinet sends no callback.

use std::time::Duration;

use serde_json::{Value, json};
use standins::{Decision, Fault, Options, System};

use crate::{Story, forgotten, pending};

const DAY: Duration = Duration::from_hours(24);

async fn captured(story: &Story) -> String {
    let payment = forgotten(story).await;
    story.capture(&payment).await;
    assert_eq!(story.state(&payment).await, "captured");
    story.environment.poll_stream().await;
    payment
}

async fn after(story: &Story, time: Duration) -> Value {
    story.environment.advance(time);
    story.environment.tick().await
}

/// How often Mokka was asked while the days passed, for each of them.
async fn asked_on(story: &Story, days: std::ops::RangeInclusive<u32>) -> Vec<u32> {
    let mut asked = Vec::new();
    for day in days {
        story.environment.standins().forget_calls();
        after(story, DAY).await;
        if !story.environment.standins().calls_to(System::Mokka, "status").is_empty() {
            asked.push(day);
        }
    }
    asked
}

#[tokio::test]
async fn captured_payment_is_audited_after_a_day_a_week_and_a_month() {
    let story = Story::start().await;
    let payment = captured(&story).await;
    assert_eq!(asked_on(&story, 1..=60).await, [1, 7, 30]);
    let stored = story.payment(&payment).await;
    assert_eq!((stored.get("check_at"), stored.get("check_shard")), (None, None), "it has left the index");
}

#[tokio::test]
async fn when_is_a_setting() {
    for (setting, days) in [("2,3", vec![2, 3]), (" 14 ", vec![14]), ("none", vec![])] {
        let story = Story::start_with(Options::default(), &[("AUDIT_AFTER_DAYS", setting)]).await;
        captured(&story).await;
        assert_eq!(asked_on(&story, 1..=20).await, days, "{setting}");
    }
}

#[tokio::test]
async fn full_refund_in_the_cabinet_is_recorded_and_published() {
    let story = Story::start().await;
    let payment = captured(&story).await;
    after(&story, DAY).await;
    story.environment.standins().give_back_at_mokka(&payment, "3250.00").unwrap();
    after(&story, 6 * DAY).await;
    assert_eq!(story.state(&payment).await, "refunded");
    story.environment.poll_stream().await;
    let order = story.payment(&payment).await["order_id"].as_str().unwrap().to_owned();
    let told = story.environment.standins().imshop_order(&order).unwrap();
    assert!(told.to_string().contains("\"refunded\""), "{told}");
    assert_eq!(asked_on(&story, 1..=40).await, [0_u32; 0], "nothing is left that could change");
}

#[tokio::test]
async fn partial_refund_in_the_cabinet_needs_manual_review() {
    let story = Story::start().await;
    story.environment.standins().set_reading("amount_after_return", "rest").unwrap();
    let payment = captured(&story).await;
    after(&story, DAY).await;
    story.environment.standins().give_back_at_mokka(&payment, "300.00").unwrap();
    after(&story, 6 * DAY).await;
    let stored = story.payment(&payment).await;
    assert_eq!((&stored["state"], stored["mismatch"].is_string()), (&json!("captured"), true), "{stored}");
    after(&story, Duration::from_hours(2)).await;
    assert_eq!(story.payment(&payment).await["attention"], json!("open"));
}

#[tokio::test]
async fn form_approved_after_its_end_is_found_by_the_audit() {
    for end in ["declined", "expired"] {
        let story = Story::start().await;
        story.environment.standins().set_reading("late_form", "approved").unwrap();
        let (_, payment) = pending(&story).await;
        if end == "declined" {
            story.decide(&payment, Decision::Declined).await;
            after(&story, Duration::from_mins(6)).await;
        }
        after(&story, DAY + Duration::from_mins(1)).await;
        assert_eq!(story.state(&payment).await, end);
        story.environment.poll_stream().await;
        story.decide(&payment, Decision::Approved).await;
        after(&story, Duration::from_mins(61)).await;
        after(&story, Duration::from_hours(2)).await;
        let stored = story.payment(&payment).await;
        assert_eq!((stored["mismatch"].is_string(), &stored["attention"]), (true, &json!("open")), "{end}: {stored}");
    }
}

#[tokio::test]
async fn ended_attempt_is_audited_an_hour_and_a_day_after_its_end() {
    let story = Story::start().await;
    let (_, payment) = pending(&story).await;
    story.decide(&payment, Decision::Declined).await;
    after(&story, Duration::from_mins(6)).await;
    assert_eq!(story.state(&payment).await, "declined");
    story.environment.poll_stream().await;
    story.environment.standins().forget_calls();
    let mut hours = Vec::new();
    for hour in 1..=72 {
        after(&story, Duration::from_hours(1)).await;
        if !story.environment.standins().calls_to(System::Mokka, "status").is_empty() {
            hours.push(hour);
            story.environment.standins().forget_calls();
        }
    }
    // The form was open for 24 hours, whatever became of it before.
    assert_eq!(hours, [25, 48]);
}

#[tokio::test]
async fn outage_postpones_the_audit_without_review() {
    let story = Story::start().await;
    let payment = captured(&story).await;
    story.environment.standins().fault(System::Mokka, "status", Fault::Http500, 10_000).unwrap();
    for _ in 0..30 {
        after(&story, Duration::from_hours(1)).await;
    }
    let stored = story.payment(&payment).await;
    assert_eq!((&stored["state"], stored.get("attention"), stored.get("troubled_since")), (&json!("captured"), None, None));
    story.environment.standins().clear_faults();
    assert_eq!(after(&story, Duration::from_mins(1)).await["due"], 1);
    assert_eq!(story.payment(&payment).await["last_looks"], json!(1));
}

#[tokio::test]
async fn order_that_mokka_forgot_delays_no_other_and_its_audits_end() {
    let story = Story::start().await;
    let mut over = Vec::new();
    for _ in 0..6 {
        over.push(captured(&story).await);
    }
    story.environment.advance(DAY + Duration::from_mins(1));
    let mut waiting = Vec::new();
    for _ in 0..6 {
        waiting.push(forgotten(&story).await);
    }
    let old = over.clone();
    story.environment.standins().choose_faults(move |system, method, body| {
        let body = String::from_utf8_lossy(body);
        let is_old = old.iter().any(|payment| body.contains(&format!("\"{payment}\"")));
        (system == System::Mokka && method == "status" && is_old).then_some(Fault::Status(23))
    });
    after(&story, Duration::from_mins(6)).await;
    for payment in &waiting {
        assert_eq!(story.state(payment).await, "captured", "{payment}");
    }
    for _ in 0..30 {
        after(&story, Duration::from_hours(1)).await;
    }
    let stored = story.payment(&over[0]).await;
    assert_eq!((&stored["last_looks"], stored.get("attention")), (&json!(1), None), "after a day it counts as made");
}
