//! What is measured of payments, callbacks and calls: each event once, whatever is repeated, parallel or without an answer.

use std::time::Duration;

use futures_util::future::join_all;
use sandbox::functions::Story;
use serde_json::{Value, json};
use shared::platform::metrics::{
    CALLBACKS_REFUSED, CAPTURED_AMOUNT, METHOD, MISMATCHES, Metric, PAYMENT, PAYMENTS, PAYMENTS_NEEDING_ATTENTION, PROVIDER,
    PROVIDER_FAULTS, PROVIDER_LATENCY, PROVIDER_REFUSALS, REASON, REFUNDED_AMOUNT, STATE, TRIGGER, UNKNOWN_OUTCOMES,
    UNRESOLVED_AGE,
};
use standins::{Decision, Fault, Options, System};
use testkit::settings::{CASHIER_KEY, OPERATOR_KEY, SMS_REPORT_SECRET};
use testkit::{Event, invoke};
use url::Url;

/// A payment that waits on Mokka's form.
async fn pending(story: &Story) -> String {
    let order = story.order().await;
    assert_eq!(story.create(&order).await.json()["success"], json!(true));
    order.payment(1)
}

/// The same, approved by the customer; we were not told.
async fn approved(story: &Story) -> String {
    let payment = pending(story).await;
    story.decide(&payment, Decision::Approved).await;
    payment
}

fn total(story: &Story, metric: Metric) -> i64 {
    story.environment.total(metric, &[])
}

/// The states that were counted, in their order, each with what moved the payment there.
fn states(story: &Story) -> Vec<(String, String)> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    story.environment.measured(PAYMENTS).iter().map(|line| (text(line, STATE), text(line, TRIGGER))).collect()
}

fn steps(steps: &[(&str, &str)]) -> Vec<(String, String)> {
    steps.iter().map(|(state, by)| ((*state).to_owned(), (*by).to_owned())).collect()
}

async fn refund(story: &Story, payment: &str, key: &str, amount: &str) {
    let event = Event::post(&format!("/v1/back-office/payments/{payment}/refunds")).key(CASHIER_KEY);
    let event = event.header("Idempotency-Key", key).json(json!({"amount": amount}));
    let answers = join_all((0..4).map(|_| story.back_office(event.rest()))).await;
    assert!(answers.iter().all(|answer| [200, 202].contains(&answer.status)), "{answers:#?}");
}

#[tokio::test]
async fn state_and_money_are_counted_once_under_parallel_settles() {
    let story = Story::start().await;
    let payment = approved(&story).await;
    let captures = join_all((0..10).map(|_| story.capture(&payment)));
    let callbacks = join_all((0..5).map(|_| story.callback(&payment, "approved")));
    futures_util::future::join(captures, callbacks).await;
    story.callback(&payment, "approved").await;
    story.come_back(&payment).await;
    // IMSHOP is told, which is written to the payment, too.
    assert!(story.environment.poll_stream().await > 0);
    let counted: Vec<_> = states(&story).into_iter().map(|(state, _)| state).collect();
    assert_eq!(counted, ["creating", "pending", "held", "finishing", "captured"]);
    assert_eq!((total(&story, CAPTURED_AMOUNT), total(&story, REFUNDED_AMOUNT)), (325_000, 0));
    let line = &story.environment.measured(CAPTURED_AMOUNT)[0];
    assert_eq!((&line[PROVIDER], &line["currency"], &line[PAYMENT]), (&json!("mokka"), &json!("RUB"), &json!(payment)));
}

#[tokio::test]
async fn money_given_back_is_counted_by_each_refund_and_the_states_once() {
    let story = Story::start().await;
    let payment = approved(&story).await;
    story.capture(&payment).await;
    story.environment.advance(Duration::from_hours(24));
    let mut given_back = Vec::new();
    for (key, amount) in [("first", "1000.00"), ("second", "250.00"), ("rest", "2000.00")] {
        refund(&story, &payment, key, amount).await;
        given_back.push(total(&story, REFUNDED_AMOUNT));
    }
    assert_eq!(given_back, [100_000, 125_000, 325_000]);
    assert_eq!(states(&story)[5..], steps(&[("partially_refunded", "back-office"), ("refunded", "back-office")]));
    assert_eq!(total(&story, CAPTURED_AMOUNT), 325_000);
}

#[tokio::test]
async fn a_state_is_counted_by_whatever_moved_the_payment_and_names_nobody() {
    let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", "on_shipment")]).await;
    let payment = approved(&story).await;
    story.callback(&payment, "approved").await;
    let path = format!("/v1/back-office/payments/{payment}/finish");
    assert_eq!(story.back_office(Event::post(&path).key(OPERATOR_KEY).rest()).await.status, 200);
    let by_hand = [("held", "callback"), ("finishing", "back-office"), ("captured", "back-office")];
    assert_eq!(states(&story)[2..], steps(&by_hand));
    let forgotten = approved(&story).await;
    story.environment.advance(Duration::from_secs(301));
    story.environment.tick().await;
    assert_eq!(states(&story).last(), steps(&[("held", "schedule")]).last());
    let declined = pending(&story).await;
    story.decide(&declined, Decision::Declined).await;
    story.come_back(&declined).await;
    assert_eq!(states(&story).last(), steps(&[("declined", "return")]).last());
    assert_eq!(story.environment.total(PAYMENTS, &[(STATE, "held"), (PAYMENT, &forgotten)]), 1);
}

#[tokio::test]
async fn unknown_outcome_is_counted_once_and_its_age_until_resolved() {
    let story = Story::start().await;
    let payment = approved(&story).await;
    let standins = story.environment.standins();
    standins.fault(System::Mokka, "finish", Fault::Http500, 1).unwrap();
    story.capture(&payment).await;
    assert_eq!((total(&story, UNKNOWN_OUTCOMES), total(&story, PAYMENTS_NEEDING_ATTENTION)), (1, 0));
    standins.fault(System::Mokka, "status", Fault::Http500, 10_000).unwrap();
    let mut ages = Vec::new();
    for _ in 0..35 {
        story.environment.advance(Duration::from_mins(2));
        story.environment.tick().await;
        ages = story.environment.measured(UNRESOLVED_AGE).iter().map(|line| line["UnresolvedAge"].as_i64().unwrap()).collect();
    }
    assert!(ages.len() > 3 && ages.is_sorted() && *ages.last().unwrap() > 3600, "{ages:?}");
    assert_eq!((total(&story, UNKNOWN_OUTCOMES), total(&story, PAYMENTS_NEEDING_ATTENTION)), (1, 1), "once each");
    standins.clear_faults();
    story.environment.advance(Duration::from_mins(31));
    story.environment.tick().await;
    assert_eq!((story.state(&payment).await.as_str(), total(&story, CAPTURED_AMOUNT)), ("captured", 325_000));
    let looks = story.environment.measured(UNRESOLVED_AGE).len();
    story.environment.advance(Duration::from_hours(2));
    story.environment.tick().await;
    assert_eq!(story.environment.measured(UNRESOLVED_AGE).len(), looks, "what is resolved has no age");
}

#[tokio::test]
async fn a_registration_without_an_answer_is_an_unknown_outcome_too() {
    let story = Story::start().await;
    let order = story.order().await;
    story.environment.standins().fault(System::Mokka, "checkout", Fault::AnswerLost, 1).unwrap();
    story.create(&order).await;
    assert_eq!(story.environment.total(UNKNOWN_OUTCOMES, &[(PROVIDER, "mokka")]), 1);
    story.create(&order).await;
    assert_eq!(total(&story, UNKNOWN_OUTCOMES), 1);
}

#[tokio::test]
async fn a_mismatch_is_counted_when_it_is_found_and_not_again() {
    let story = Story::start().await;
    let payment = approved(&story).await;
    story.environment.standins().set_mokka_amount(&payment, "1.00").unwrap();
    join_all((0..5).map(|_| story.callback(&payment, "approved"))).await;
    story.capture(&payment).await;
    assert_eq!((total(&story, MISMATCHES), total(&story, CAPTURED_AMOUNT)), (1, 0));
    assert_eq!(story.environment.measured(MISMATCHES)[0][PAYMENT], json!(payment));
}

#[tokio::test]
async fn a_callback_that_is_not_believed_is_counted_by_its_reason() {
    let story = Story::start().await;
    let payment = pending(&story).await;
    let right = Url::parse(&story.environment.standins().mokka_order(&payment).unwrap().callback_url).unwrap().path().to_owned();
    let token = right.rsplit('/').next().unwrap();
    let zeros = "0".repeat(64);
    for (path, reason) in [
        (format!("/v1/mokka/callback/{payment}/{zeros}"), "token"),
        (format!("/v1/mokka/callback/9999-1/{token}"), "unknown"),
        (format!("/v1/mokka/callback/no%20id/{token}"), "id"),
        (format!("/v1/mokka/registration/{}/{zeros}", "a".repeat(32)), "unknown"),
    ] {
        let before = story.environment.total(CALLBACKS_REFUSED, &[(PROVIDER, "mokka"), (REASON, reason)]);
        assert_eq!(story.mokka(Event::post(&path).json(json!({})).rest()).await.status, 404, "{path}");
        assert_eq!(story.environment.total(CALLBACKS_REFUSED, &[(PROVIDER, "mokka"), (REASON, reason)]), before + 1, "{path}");
    }
    story.mokka(Event::post(&right).query("signature", &"0".repeat(40)).json(json!({})).rest()).await;
    assert_eq!(story.environment.total(CALLBACKS_REFUSED, &[(PROVIDER, "mokka"), (REASON, "signature")]), 1);
    assert_eq!(total(&story, CALLBACKS_REFUSED), 5);
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    let reports = story.environment.build(sms_reports::Deps::from_env, &[]);
    for (secret, counted) in [("wrong", 1), (SMS_REPORT_SECRET, 1)] {
        let event = Event::post(&format!("/v1/sms/reports/{secret}")).text("<report/>").rest();
        invoke(&reports, |deps, request| Box::pin(sms_reports::handle(deps, request)), event).await;
        assert_eq!(story.environment.total(CALLBACKS_REFUSED, &[(PROVIDER, "smspro"), (REASON, "secret")]), counted);
    }
    assert_eq!(total(&story, CALLBACKS_REFUSED), 6, "and what is believed is not");
}

/// Calls, faults and refusals of one method.
fn calls(story: &Story, provider: &str, method: &str) -> [i64; 3] {
    let fields = [(PROVIDER, provider), (METHOD, method)];
    let lines = story.environment.measured(PROVIDER_LATENCY);
    let made = lines.iter().filter(|line| fields.iter().all(|(name, value)| line[*name] == *value)).count();
    [
        i64::try_from(made).unwrap(),
        story.environment.total(PROVIDER_FAULTS, &fields),
        story.environment.total(PROVIDER_REFUSALS, &fields),
    ]
}

#[tokio::test]
async fn every_call_is_measured_once_by_provider_and_method() {
    let story = Story::start().await;
    let payment = approved(&story).await;
    story.environment.standins().fault(System::Mokka, "finish", Fault::Timeout, 1).unwrap();
    story.capture(&payment).await;
    story.capture(&payment).await;
    story.environment.poll_stream().await;
    for (system, provider, methods) in [
        (System::Mokka, "mokka", &["checkout", "status", "finish", "return"][..]),
        (System::Shop, "shop", &["orders"][..]),
        (System::Imshop, "imshop", &["payment_status", "order_status"][..]),
    ] {
        for method in methods {
            let made = story.environment.standins().calls_to(system, method).len();
            assert_eq!(calls(&story, provider, method)[0], i64::try_from(made).unwrap(), "{provider} {method}");
        }
    }
    assert_eq!(calls(&story, "mokka", "finish"), [2, 1, 0], "one timed out");
    let slow = story.environment.measured(PROVIDER_FAULTS);
    let slow = slow.iter().find(|line| line["ProviderFaults"] == 1).unwrap();
    assert!(slow["ProviderLatency"].as_i64().unwrap() >= 1000, "a time-out took its time: {slow}");
}

#[tokio::test]
async fn a_refusal_is_told_from_a_fault() {
    let story = Story::start().await;
    for (fault, outcome) in [
        // 71: the customer's limit does not suffice.
        (Fault::Status(71), [1, 0, 1]),
        (Fault::Status(51), [1, 1, 0]),
        (Fault::Http500, [1, 1, 0]),
        (Fault::Html, [1, 1, 0]),
        (Fault::Reset, [1, 1, 0]),
    ] {
        let before = calls(&story, "mokka", "checkout");
        story.environment.standins().fault(System::Mokka, "checkout", fault, 1).unwrap();
        let order = story.order().await;
        story.create(&order).await;
        let after = calls(&story, "mokka", "checkout");
        assert_eq!([0, 1, 2].map(|index| after[index] - before[index]), outcome, "{fault}");
    }
}
