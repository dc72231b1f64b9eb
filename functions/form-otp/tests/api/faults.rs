//! Whatever the outside systems do, the customer gets an answer in time, and the same request ends in one effect.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::forms::texts;
use shared::platform::texts::INTERNAL;
use standins::{Fault, System};
use testkit::{TIMELY, few_at_a_time};

use super::{COOL_DOWN, Customer, EXPORT, LEASE_OVER, accepted, failed, otp_failed, saved_by_shop, says, success};

const WIRE: [Fault; 6] = [Fault::Timeout, Fault::Reset, Fault::Http500, Fault::Html, Fault::Slow, Fault::AnswerLost];

async fn each<F: Future<Output = ()>>(faults: impl IntoIterator<Item = Fault>, test: impl Fn(Fault) -> F) {
    few_at_a_time(faults.into_iter().map(test)).await;
}

async fn timed(request: impl Future<Output = Value>) -> Value {
    let started = Instant::now();
    let answer = request.await;
    assert!(started.elapsed() < TIMELY, "{:?}", started.elapsed());
    answer
}

fn statuses() -> impl Iterator<Item = Fault> {
    [1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 14, 500].into_iter().map(Fault::Status)
}

#[tokio::test]
async fn every_fault_of_a_send_ends_in_one_sms() {
    each(WIRE.into_iter().chain([Fault::Refused]).chain(statuses()), |fault| async move {
        let customer = Customer::start().await;
        customer.environment.standins().fault(System::Smspro, "send", fault, 1).unwrap();
        let first = timed(customer.send()).await;
        if fault == Fault::Status(10) {
            assert!(says(&first, "через "), "{first}");
        } else {
            let text = if fault == Fault::Status(7) { texts::PHONE_INVALID } else { texts::SMS_UNAVAILABLE };
            assert_eq!(first, failed(text), "{fault}");
        }
        // Pressed again at once.
        let second = timed(customer.send()).await;
        if matches!(fault, Fault::Slow | Fault::AnswerLost | Fault::Status(10)) {
            // The SMS is out and its token is lost, or SMSPRO says so.
            assert!(says(&second, "через "), "{fault}: {second}");
            customer.environment.advance(COOL_DOWN);
            assert_eq!(timed(customer.send()).await, success(), "{fault}");
        } else {
            assert_eq!(second, success(), "{fault}");
            assert_eq!(customer.inbox().len(), 1, "{fault}");
        }
        customer.assert_spaced(&fault.to_string());
        customer.assert_counted(&fault.to_string()).await;
        assert!(says(&customer.send().await, "через "), "{fault}: the cool-down holds");
        assert_eq!(customer.submit(&customer.code()).await, saved_by_shop(), "{fault}");
        assert_eq!(customer.saved(), 1, "{fault}");
    })
    .await;
}

#[tokio::test]
async fn an_sms_is_sent_under_one_id_twice_at_most() {
    each([Fault::Reset, Fault::AnswerLost, Fault::Http500, Fault::Status(9)], |fault| async move {
        let customer = Customer::start().await;
        customer.environment.standins().fault(System::Smspro, "send", fault, 2).unwrap();
        for _ in 0..4 {
            assert!(timed(customer.send()).await["success"] == false, "{fault}");
        }
        let ids = ids(&customer);
        assert_eq!((ids.len(), &ids[0]), (2, &ids[1]), "{fault}: the first one again, then nothing");
        customer.environment.advance(COOL_DOWN);
        assert_eq!(customer.send().await, success(), "{fault}");
        customer.assert_spaced(&fault.to_string());
        customer.assert_counted(&fault.to_string()).await;
        let ids = self::ids(&customer);
        assert_ne!(ids[0], *ids.last().unwrap(), "{fault}: a new SMS has a new id");
    })
    .await;
}

#[tokio::test]
async fn the_cool_down_counts_from_the_sms_that_really_went_out() {
    let customer = Customer::start().await;
    customer.environment.standins().fault(System::Smspro, "send", Fault::Reset, 1).unwrap();
    assert_eq!(customer.send().await, failed(texts::SMS_UNAVAILABLE));
    customer.environment.advance(Duration::from_secs(100));
    assert_eq!(customer.send().await, success());
    assert!(says(&customer.send().await, "через "), "not from the first attempt");
    let ids = ids(&customer);
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
    assert_eq!(customer.submit(&customer.code()).await, saved_by_shop());
}

#[tokio::test]
async fn an_old_unclear_send_is_left_alone() {
    let customer = Customer::start().await;
    customer.environment.standins().fault(System::Smspro, "send", Fault::AnswerLost, 1).unwrap();
    customer.send().await;
    customer.environment.advance(Duration::from_mins(6));
    assert_eq!(customer.send().await, success(), "a new SMS at once");
    let ids = ids(&customer);
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn twenty_repetitions_of_an_unclear_send_repeat_it_once() {
    let customer = Customer::start().await;
    customer.environment.standins().fault(System::Smspro, "send", Fault::Reset, 1).unwrap();
    customer.send().await;
    // When the limits would allow a new one.
    customer.environment.advance(COOL_DOWN);
    let answers = join_all((0..20).map(|_| customer.send())).await;
    assert_eq!(answers.iter().filter(|answer| **answer == success()).count(), 1, "{answers:#?}");
    assert_eq!((customer.sends(), customer.inbox().len()), (2, 1));
}

#[tokio::test]
async fn leased_challenge_sends_no_second_sms() {
    let customer = Customer::start().await;
    customer.environment.standins().fault(System::Smspro, "send", Fault::Reset, 1).unwrap();
    customer.environment.standins().fault(System::Smspro, "send", Fault::Timeout, 1).unwrap();
    customer.send().await;
    // When the limits would allow a new one.
    customer.environment.advance(COOL_DOWN);
    let (repeated, other) = tokio::join!(timed(customer.send()), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        timed(customer.send()).await
    });
    assert!(says(&other, "через "), "{other}");
    assert_eq!(repeated, failed(texts::SMS_UNAVAILABLE));
    assert_eq!(customer.sends(), 2);
    assert_eq!(customer.send().await, success(), "a new one, now that it is over");
    assert_eq!(customer.inbox().len(), 1);
}

#[tokio::test]
async fn every_fault_of_a_check_leaves_the_code_usable() {
    each(WIRE.into_iter().chain([Fault::Refused]).chain(statuses()), |fault| async move {
        let customer = Customer::start().await;
        let code = customer.get_code().await;
        customer.environment.standins().fault(System::Smspro, "verify", fault, 1).unwrap();
        let first = timed(customer.submit(&code)).await;
        let wrong = matches!(fault, Fault::Status(12..=14));
        assert_eq!(first, if wrong { otp_failed() } else { failed(texts::CHECK_UNAVAILABLE) }, "{fault}");
        assert_eq!(customer.challenge().await["sent"]["checks_used"], u32::from(wrong), "{fault}");
        assert_eq!(customer.saved(), 0, "{fault}");
        assert_eq!(timed(customer.submit(&code)).await, saved_by_shop(), "{fault}");
        assert_eq!((customer.checks(), customer.saved(), customer.inbox().len()), (2, 1, 1), "{fault}");
    })
    .await;
}

#[tokio::test]
async fn checks_that_could_not_be_made_are_given_back() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.environment.standins().fault(System::Smspro, "verify", Fault::Http500, 8).unwrap();
    for _ in 0..8 {
        assert_eq!(customer.submit(&code).await, failed(texts::CHECK_UNAVAILABLE));
    }
    assert_eq!(customer.submit(&code).await, saved_by_shop());
}

#[tokio::test]
async fn every_fault_of_the_shop_is_a_form_that_is_taken_and_looked_after() {
    each(WIRE.into_iter().chain([Fault::Status(401), Fault::Status(503)]), |fault| async move {
        let customer = Customer::start().await;
        let code = customer.get_code().await;
        customer.environment.standins().fault(System::Shop, "forms", fault, 1).unwrap();
        assert_eq!(timed(customer.submit(&code)).await, accepted(), "{fault}");
        assert_eq!(timed(customer.submit(&code)).await, accepted(), "{fault}: the same again");
        assert_eq!((customer.checks(), customer.calls(System::Shop, "forms")), (1, 1), "{fault}");
        let stored = customer.stored().await;
        assert_eq!((stored.len(), &stored[0]["state"], customer.looked_after()), (1, &json!("waiting"), 1), "{fault}");
    })
    .await;
}

#[tokio::test]
async fn every_fault_of_the_shop_is_a_form_that_is_taken_without_a_code_too() {
    each(WIRE, |fault| async move {
        let customer = Customer::start_given_away().await;
        let form = customer.with("/formName", "feedback");
        customer.environment.standins().fault(System::Shop, "forms", fault, 1).unwrap();
        assert_eq!(timed(customer.ok(EXPORT, form.clone())).await, accepted(), "{fault}");
        assert_eq!(timed(customer.ok(EXPORT, form)).await, saved_by_shop(), "{fault}: pressed again");
        assert_eq!((customer.saved(), customer.stored().await.len()), (1, 1), "{fault}");
    })
    .await;
}

#[tokio::test]
async fn a_check_and_a_shop_that_both_hang_still_end_in_time() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.environment.standins().fault(System::Shop, "forms", Fault::Timeout, 1).unwrap();
    let (first, second) = tokio::join!(timed(customer.submit(&code)), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        timed(customer.submit(&code)).await
    });
    assert_eq!(first, accepted());
    assert_eq!(second, failed(texts::FORM_IN_PROGRESS), "who waits is told so");
    assert_eq!(customer.submit(&code).await, accepted());
    assert_eq!((customer.checks(), customer.calls(System::Shop, "forms"), customer.stored().await.len()), (1, 1, 1));
}

#[tokio::test]
async fn systems_that_are_not_there_at_all() {
    let nowhere = [("SMSPRO_BASE_URL", "http://127.0.0.1:9"), ("SHOP_FORMS_URL", "http://127.0.0.1:9")];
    let path = super::configured("nowhere", &[("requires_code = false", "requires_code = false\ndestinations = [\"shop\"]")]);
    let customer = Customer::start_with(&[&nowhere[..], &[("FORMS_CONFIG", path.as_str())]].concat()).await;
    for _ in 0..7 {
        assert_eq!(timed(customer.send()).await, failed(texts::SMS_UNAVAILABLE), "and it counts nowhere");
    }
    let form = customer.with("/formName", "feedback");
    assert_eq!(timed(customer.ok(EXPORT, form)).await, accepted());
}

#[tokio::test]
async fn a_store_that_is_not_there_is_a_fault_of_ours_in_the_right_shape() {
    let customer = Customer::start_with(&[("DYNAMODB_ENDPOINT", "http://127.0.0.1:9")]).await;
    let started = Instant::now();
    let answer = customer.post(super::SEND, customer.form.clone()).await;
    assert!(started.elapsed() < TIMELY);
    assert_eq!((answer.status, answer.json()), (500, failed(INTERNAL)));
    assert_eq!(customer.sends(), 0);
    customer.environment.advance(LEASE_OVER);
}

fn ids(customer: &Customer) -> Vec<String> {
    let calls = customer.environment.standins().calls_to(System::Smspro, "send");
    calls.iter().map(|call| call.body["transaction_id"].as_str().unwrap().to_owned()).collect()
}
