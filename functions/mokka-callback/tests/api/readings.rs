//! What Mokka's document leaves open: whichever way the real one does it, the money is right or a person is called.

use std::time::Duration;

use serde_json::{Value, json};
use shared::payments::texts;
use standins::{Decision, Fault, Options, System};
use testkit::{Event, Placed};

use crate::Story;

const DAY: Duration = Duration::from_hours(24);

async fn created(story: &Story) -> (Placed, String) {
    let order = story.order().await;
    let answer = story.create(&order).await;
    assert_eq!(answer.json()["success"], json!(true), "{}", answer.body);
    let payment = order.payment(1);
    (order, payment)
}

fn read(story: &Story, name: &str, value: &str) {
    story.environment.standins().set_reading(name, value).unwrap();
}

fn calls(story: &Story, method: &str) -> usize {
    story.environment.standins().calls_to(System::Mokka, method).len()
}

async fn after(story: &Story, time: Duration) {
    story.environment.advance(time);
    story.environment.tick().await;
}

/// The customer was declined, stayed on the form, and was approved by another phone.
async fn declined_and_approved(story: &Story) -> (Placed, String) {
    read(story, "late_form", "approved");
    let (order, payment) = created(story).await;
    story.decide(&payment, Decision::Declined).await;
    assert_eq!(story.callback(&payment, "declined").await.status, 200);
    assert_eq!(story.state(&payment).await, "declined");
    story.decide(&payment, Decision::Approved).await;
    (order, payment)
}

async fn assert_not_paid_twice(story: &Story, order: &Placed, payment: &str) {
    let answer = story.create(order).await.json();
    assert_eq!(answer["error"], json!(texts::PAYMENT_MISMATCH), "{answer}");
    assert_eq!((calls(story, "checkout"), calls(story, "finish")), (1, 0), "one attempt");
    let stored = story.payment(payment).await;
    assert_eq!(stored["mismatch"], json!("the provider has money for a payment that is declined"));
    after(story, Duration::from_mins(10)).await;
    after(story, Duration::from_mins(61)).await;
    assert_eq!(story.payment(payment).await["attention"], json!("open"), "a person is called");
}

#[tokio::test]
async fn form_approved_after_decline_is_found_and_never_paid_twice() {
    let story = Story::start().await;
    let (order, payment) = declined_and_approved(&story).await;
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    assert!(story.payment(&payment).await["mismatch"].is_string(), "an authentic callback is never deaf");
    assert_not_paid_twice(&story, &order, &payment).await;
}

#[tokio::test]
async fn late_approval_is_found_before_next_attempt_without_callback() {
    let story = Story::start().await;
    let (order, payment) = declined_and_approved(&story).await;
    assert_not_paid_twice(&story, &order, &payment).await;
}

#[tokio::test]
async fn no_attempt_opens_while_the_failed_one_cannot_be_polled() {
    for decision in [Decision::Declined, Decision::Approved] {
        let story = Story::start().await;
        let (order, payment) = created(&story).await;
        if decision == Decision::Declined {
            story.decide(&payment, decision).await;
            story.callback(&payment, "declined").await;
        } else {
            // The customer did not come: it expires.
            after(&story, DAY + Duration::from_hours(2)).await;
            assert_eq!(story.state(&payment).await, "expired");
        }
        story.environment.standins().fault(System::Mokka, "status", Fault::Http500, 10).unwrap();
        let answer = story.create(&order).await.json();
        assert_eq!(answer["error"], json!(texts::PAYMENT_UNCERTAIN), "{answer}");
        assert_eq!(calls(&story, "checkout"), 1);
        story.environment.standins().clear_faults();
        let answer = story.create(&order).await.json();
        assert_eq!(answer["paymentId"], json!(order.payment(2)), "{answer}");
    }
}

#[tokio::test]
async fn hint_not_shown_by_status_brings_the_next_poll_forward() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    for _ in 0..8 {
        after(&story, Duration::from_mins(40)).await;
    }
    read(&story, "status_after_decision", "behind");
    story.decide(&payment, Decision::Approved).await;
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    assert_eq!(story.state(&payment).await, "pending", "Mokka's status still says so");
    after(&story, Duration::from_secs(30)).await;
    assert_eq!((story.state(&payment).await.as_str(), calls(&story, "finish")), ("pending", 0));
    read(&story, "status_after_decision", "at_once");
    after(&story, Duration::from_mins(1)).await;
    assert_eq!((story.state(&payment).await.as_str(), calls(&story, "finish")), ("captured", 1));
    let stored = story.payment(&payment).await;
    assert_eq!((stored.get("hinted"), stored.get("troubled_since")), (None, None), "what was noted is forgotten");
}

#[tokio::test]
async fn unconfirmed_hint_needs_manual_review() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    read(&story, "status_after_decision", "behind");
    story.decide(&payment, Decision::Approved).await;
    story.callback(&payment, "approved").await;
    for _ in 0..5 {
        after(&story, Duration::from_mins(30)).await;
    }
    assert_eq!(story.payment(&payment).await["attention"], json!("open"));
}

#[tokio::test]
async fn outage_does_not_slow_polls_and_is_reviewed_after_an_hour() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    // By now the looks are hours apart.
    for _ in 0..6 {
        after(&story, Duration::from_hours(1)).await;
    }
    story.decide(&payment, Decision::Approved).await;
    story.environment.standins().fault(System::Mokka, "status", Fault::Http500, 1_000_000).unwrap();
    let mut called = None;
    for minutes in (0..14 * 60).step_by(10) {
        after(&story, Duration::from_mins(10)).await;
        let stored = story.payment(&payment).await;
        if let (None, Some(since)) = (called, stored["unasked_since"].as_i64()) {
            let now = story.environment.clock().now().millis();
            called = (stored["attention"] == json!("open")).then_some((minutes, now - since));
        }
    }
    let (_, waited) = called.expect("a person is called: the customer may have paid");
    assert!((60 * 60 * 1000..=80 * 60 * 1000).contains(&waited), "{waited} ms after it could not be asked");
    story.environment.standins().clear_faults();
    after(&story, Duration::from_mins(1)).await;
    let stored = story.payment(&payment).await;
    assert_eq!((&stored["state"], stored.get("attention"), stored.get("unasked_since")), (&json!("captured"), None, None));
}

#[tokio::test]
async fn an_attempt_past_its_end_is_not_handed_out_again() {
    for status in ["expired", "pending"] {
        let story = Story::start().await;
        read(&story, "status_past_end", status);
        let (order, payment) = created(&story).await;
        story.environment.advance(DAY + Duration::from_secs(1));
        let answer = story.create(&order).await.json();
        assert_eq!(answer["paymentId"], json!(order.payment(2)), "{status}: {answer}");
        assert_eq!((story.state(&payment).await.as_str(), calls(&story, "checkout")), ("expired", 2), "{status}");
    }
}

#[tokio::test]
async fn no_attempt_opens_while_the_ended_one_may_be_paid() {
    let story = Story::start().await;
    let (order, payment) = created(&story).await;
    read(&story, "status_past_end", "pending");
    // Approved in the last seconds, and the status shows nothing of it yet.
    story.environment.advance(DAY.saturating_sub(Duration::from_secs(5)));
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    story.environment.advance(Duration::from_secs(10));
    assert_eq!(story.create(&order).await.json()["error"], json!(texts::PAYMENT_UNCERTAIN));
    assert_eq!((story.state(&payment).await.as_str(), calls(&story, "checkout")), ("pending", 1));
    let story = Story::start().await;
    let (order, payment) = created(&story).await;
    story.environment.standins().set_mokka_status(&payment, "processing").unwrap();
    story.environment.advance(DAY + Duration::from_secs(1));
    assert_eq!(story.create(&order).await.json()["error"], json!(texts::PAYMENT_UNCERTAIN), "nobody knows what it means");
    assert_eq!(calls(&story, "checkout"), 1);
}

#[tokio::test]
async fn hint_about_failed_attempt_is_kept_while_status_is_behind() {
    let story = Story::start().await;
    let (order, payment) = declined_and_approved(&story).await;
    // What the customer did on the form that was declined before does not show yet.
    story.environment.standins().set_mokka_status(&payment, "declined").unwrap();
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    assert_eq!(story.create(&order).await.json()["error"], json!(texts::PAYMENT_UNCERTAIN));
    story.environment.standins().set_mokka_status(&payment, "hold").unwrap();
    after(&story, Duration::from_secs(35)).await;
    assert_not_paid_twice(&story, &order, &payment).await;
    // A no that is said twice is no hint, and one that never comes to anything blocks no payment for long.
    let story = Story::start().await;
    let (order, payment) = created(&story).await;
    story.decide(&payment, Decision::Declined).await;
    for _ in 0..2 {
        assert_eq!(story.callback(&payment, "declined").await.status, 200);
    }
    assert_eq!(story.payment(&payment).await.get("hinted"), None);
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    assert_eq!(story.create(&order).await.json()["error"], json!(texts::PAYMENT_UNCERTAIN));
    for _ in 0..20 {
        after(&story, Duration::from_mins(1)).await;
    }
    assert_eq!(story.create(&order).await.json()["paymentId"], json!(order.payment(2)));
    assert_eq!(story.payment(&payment).await.get("attention"), None);
}

#[tokio::test]
async fn a_callback_that_is_paid_by_asks_once_and_captures() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    story.environment.standins().forget_calls();
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    let called: Vec<_> = story.environment.standins().calls(Some(System::Mokka)).iter().map(|call| call.method).collect();
    assert_eq!(called, ["status", "finish"]);
}

#[tokio::test]
async fn a_registration_made_anew_gives_the_customer_the_whole_time() {
    let story = Story::start().await;
    let order = story.order().await;
    story.environment.standins().fault(System::Mokka, "checkout", Fault::Http500, 1).unwrap();
    assert_eq!(story.create(&order).await.json()["success"], json!(false));
    story.environment.advance(DAY.saturating_sub(Duration::from_mins(5)));
    let answer = story.create(&order).await.json();
    assert_eq!(answer["paymentId"], json!(order.payment(1)), "{answer}");
    let end = story.environment.clock().now().plus(DAY);
    assert_eq!(story.payment(&order.payment(1)).await["valid_till"], json!(end.millis()));
    let mokka = story.environment.standins().mokka_order(&order.payment(1)).unwrap();
    assert_eq!(mokka.valid_till.unix_timestamp(), end.seconds());
}

#[tokio::test]
async fn however_mokka_writes_its_answers_the_payment_is_captured() {
    for (name, value) in [("amounts", "number"), ("content_type", "text/html")] {
        let story = Story::start_with(Options::default(), &[]).await;
        read(&story, name, value);
        let (_, payment) = created(&story).await;
        story.decide(&payment, Decision::Approved).await;
        assert_eq!(story.callback(&payment, "approved").await.status, 200, "{name}");
        assert_eq!(story.state(&payment).await, "captured", "{name}: {value}");
    }
}

#[tokio::test]
async fn callbacks_of_a_captured_payment_ask_and_change_nothing() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    story.callback(&payment, "approved").await;
    let (before, asked): (Value, usize) = (story.payment(&payment).await, calls(&story, "status"));
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    assert_eq!((story.payment(&payment).await, calls(&story, "status")), (before, asked + 1));
    // Everything was given back in Mokka's cabinet, and Mokka says that something happened.
    story.environment.standins().give_back_at_mokka(&payment, "3250.00").unwrap();
    assert_eq!(story.callback(&payment, "declined").await.status, 200);
    assert_eq!(story.state(&payment).await, "refunded");
}

#[tokio::test]
async fn a_capture_that_mokka_makes_after_its_caller_gave_up_is_made_once() {
    for reading in ["at_once", "later"] {
        let story = Story::start().await;
        read(&story, "lost_call", reading);
        let (_, payment) = created(&story).await;
        story.decide(&payment, Decision::Approved).await;
        story.environment.standins().fault(System::Mokka, "finish", Fault::AnswerLost, 2).unwrap();
        assert_eq!(story.callback(&payment, "approved").await.status, 200);
        let made = u32::from(reading != "later");
        assert_eq!(story.environment.standins().mokka_order(&payment).unwrap().finishes, made, "{reading}");
        after(&story, Duration::from_mins(1)).await;
        let mokka = story.environment.standins().mokka_order(&payment).unwrap();
        assert_eq!((mokka.status.as_str(), mokka.finishes), ("finished", 1), "{reading}");
        let stored = story.payment(&payment).await;
        assert_eq!((&stored["state"], stored.get("intent"), stored.get("mismatch")), (&json!("captured"), None, None));
    }
}

#[tokio::test]
async fn another_phone_on_the_form_makes_the_payment_no_other() {
    let story = Story::start().await;
    read(&story, "phone_on_form", "another");
    let (order, payment) = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    let phone = story.environment.standins().mokka_order(&payment).unwrap();
    assert_ne!(phone.primary_phone, phone.requested_phone);
    // The app asks for the page again before the callback has come.
    let answer = story.create(&order).await.json();
    assert_eq!(answer["success"], json!(false), "{answer}");
    assert_eq!((calls(&story, "checkout"), calls(&story, "finish")), (1, 1), "it is captured, and not registered again");
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    assert_eq!(story.state(&payment).await, "captured");
}

#[tokio::test]
async fn nulls_for_what_mokka_need_not_say_change_nothing() {
    let story = Story::start().await;
    read(&story, "optional_fields", "null");
    let (_, payment) = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    let order = story.environment.standins().mokka_order(&payment).unwrap();
    let path = url::Url::parse(&order.callback_url).unwrap().path().to_owned();
    let nulls = json!({"order_id": payment, "decision": "approved", "amount": order.amount, "prepayment_amount": null,
        "total_amount": null, "term": null, "client": null, "schedule": null, "monthly_overpayment": null});
    let logs = story.environment.logs().len();
    assert_eq!(story.mokka(Event::post(&path).json(nulls).rest()).await.status, 200);
    assert!(story.environment.logs()[logs..].contains("\"readable\":true"), "the callback is read");
    assert_eq!(story.state(&payment).await, "captured");
}
