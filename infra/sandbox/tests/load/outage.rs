//! IMSHOP's addresses or the shop's are down for an hour: everything arrives afterwards, in order, nothing is lost, no address waits for another.
//!
//! `UNHEARD` payments (10 without it; `.ci/run` plays 300) are paid while the shop is down.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sandbox::functions::Story;
use serde_json::{Value, json};
use shared::payments::payment::{Command, Part, RefundGrounds, RefundTime};
use shared::payments::settle::{CommandOutcome, Settler};
use shared::platform::clock::Deadline;
use shared::platform::env::{ConfigError, Env};
use shared::platform::ids::PaymentId;
use shared::platform::money::{Currency, Money};
use shared::platform::runtime::Platform;
use standins::{Decision, Fault, System};
use testkit::settings::SHOP_EVENTS_SECRET;

const ADDRESSES: [&str; 2] = ["payment_status", "order_status"];
/// The longest pause between two tries to tell IMSHOP, and a bit.
const LONGEST_PAUSE_MIN: u32 = 12;

fn settler(mut env: Env, platform: Platform) -> Result<Settler, ConfigError> {
    let settler = Settler::from_env(&mut env, platform.clock, platform.random, platform.http, platform.metrics);
    env.finish(settler)
}

/// Gives back so much, or all that is left.
async fn refund(story: &Story, payment: &str, minor: Option<i64>) {
    let settler = story.environment.build(settler, &[]);
    let id = PaymentId::parse(payment).unwrap();
    let stored = settler.orders.payment(&id).await.unwrap().unwrap();
    let part = minor.map(|minor| Part::Amount(Money::from_minor(minor, Currency::Rub).unwrap()));
    let key_hash = format!("{payment} {minor:?} {}", stored.refunds.len());
    let command = Command::Refund { key_hash, part, grounds: RefundGrounds::default(), when: RefundTime::Now, limit: None };
    let operated = Box::pin(settler.operate(stored, command, "cashier", Deadline::within(Duration::from_secs(9)))).await.unwrap();
    assert!(matches!(operated, CommandOutcome::Done(_)), "{operated:?}");
}

/// An order that is paid, and how IMSHOP's addresses should hear of it.
async fn paid(story: &Story) -> (String, String) {
    let order = story.order().await;
    assert_eq!(story.create(&order).await.json()["success"], true);
    let payment = order.payment(1);
    story.decide(&payment, Decision::Approved).await;
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    assert_eq!(story.state(&payment).await, "captured");
    (order.id, payment)
}

async fn declined(story: &Story) -> (String, String) {
    let order = story.order().await;
    assert_eq!(story.create(&order).await.json()["success"], true);
    let payment = order.payment(1);
    story.decide(&payment, Decision::Declined).await;
    assert_eq!(story.callback(&payment, "declined").await.status, 200);
    (order.id, payment)
}

/// What was taken of an order: `paymentCaptured` of the payment status, and the codes of the order status, in order.
type Heard = (Vec<bool>, Vec<String>);
/// What the shop has taken of an order: the types of the events, and their ids, in order.
type Taken = (Vec<String>, Vec<String>);

/// What IMSHOP has taken of each order.
fn heard_of_all(story: &Story) -> BTreeMap<String, Heard> {
    let mut all: BTreeMap<String, Heard> = BTreeMap::new();
    for said in story.environment.standins().imshop() {
        let body = &said["body"];
        if let Some(order) = body["orderId"].as_str() {
            all.entry(order.to_owned()).or_default().0.push(body["paymentCaptured"].as_bool().unwrap());
        } else if let Some(order) = body["id"].as_str() {
            all.entry(order.to_owned()).or_default().1.push(body["code"].as_str().unwrap().to_owned());
        }
    }
    all
}

fn heard(story: &Story, order: &str) -> Heard {
    heard_of_all(story).remove(order).unwrap_or_default()
}

fn words(captured: &[bool], codes: &[&str]) -> Heard {
    (captured.to_vec(), codes.iter().map(|code| (*code).to_owned()).collect())
}

/// The stream and the schedule for so many minutes; the sums of reconcile's reports.
async fn minutes(story: &Story, minutes: u32) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for _ in 0..minutes {
        story.environment.advance(Duration::from_mins(1));
        story.environment.poll_stream().await;
        let report = story.environment.tick().await;
        assert_eq!(report["failed"], 0, "{report}");
        for (name, value) in report.as_object().unwrap() {
            *sums.entry(name.clone()).or_default() += value.as_u64().unwrap_or(0);
        }
    }
    sums
}

async fn captured_without_a_callback(story: &Story) -> String {
    let order = story.order().await;
    assert_eq!(story.create(&order).await.json()["success"], true);
    story.decide(&order.payment(1), Decision::Approved).await;
    order.payment(1)
}

/// At rest: nothing is left to be done or told.
async fn at_rest(story: &Story, payment: &str) {
    let stored = story.payment(payment).await;
    assert_eq!((stored.get("check_at"), stored.get("attention")), (stored.get("last_look_at"), None), "{stored:#}");
}

/// An hour in which these addresses fail, and after which they do not. Whether a message can have been taken although it failed.
async fn an_hour_without(down: &[&str], fault: Fault, doubled: bool) {
    let story = Story::start().await;
    let (refunded_order, refunded) = paid(&story).await;
    story.environment.poll_stream().await;
    // Mokka takes a part back from the next day on.
    story.environment.advance(Duration::from_hours(24));
    for address in down {
        story.environment.standins().fault(System::Imshop, address, fault, u32::MAX).unwrap();
    }
    refund(&story, &refunded, Some(30_000)).await;
    let (paid_order, paid) = paid(&story).await;
    let (declined_order, declined) = declined(&story).await;
    let forgotten = captured_without_a_callback(&story).await;
    story.environment.poll_stream().await;
    let other_address = |order: &str| match (down, heard(&story, order)) {
        (["payment_status"], (_, codes)) => codes.len(),
        (["order_status"], (captured, _)) => captured.len(),
        _ => 1,
    };
    assert_eq!([&paid_order, &declined_order].map(|order| other_address(order)), [1, 1], "the other address is told at once");
    minutes(&story, 10).await;
    assert_eq!(story.state(&forgotten).await, "captured", "settling goes on");
    refund(&story, &refunded, Some(20_000)).await;
    minutes(&story, 10).await;
    refund(&story, &refunded, None).await;
    minutes(&story, 40).await;
    let (captured, codes) = heard(&story, &refunded_order);
    if !doubled {
        assert_eq!(captured.len(), if down.contains(&"payment_status") { 1 } else { 4 });
        assert_eq!(codes.len(), if down.contains(&"order_status") { 1 } else { 4 });
    }
    story.environment.standins().clear_faults();
    minutes(&story, LONGEST_PAUSE_MIN).await;
    let once = |(mut captured, mut codes): (Vec<bool>, Vec<String>)| {
        if doubled {
            captured.dedup();
            codes.dedup();
        }
        (captured, codes)
    };
    let all = words(&[true, true, true, false], &["paid", "partially_refunded", "partially_refunded", "refunded"]);
    assert_eq!(once(heard(&story, &refunded_order)), once(all), "{down:?} {fault}");
    assert_eq!(once(heard(&story, &paid_order)), words(&[true], &["paid"]), "{down:?} {fault}");
    assert_eq!(once(heard(&story, &declined_order)), words(&[false], &["payment_failed"]), "{down:?} {fault}");
    assert_eq!(story.environment.standins().imshop_payment(&forgotten).unwrap()["paymentCaptured"], true);
    for payment in [&refunded, &paid, &declined, &forgotten] {
        at_rest(&story, payment).await;
    }
    assert_eq!(story.environment.dead_letters(), []);
}

#[tokio::test]
async fn everything_arrives_once_and_in_order_after_an_hour_without_imshop() {
    for fault in [Fault::Reset, Fault::Http500, Fault::Refused] {
        Box::pin(an_hour_without(&ADDRESSES, fault, false)).await;
    }
}

#[tokio::test]
async fn an_address_that_is_down_does_not_hold_up_the_other() {
    for address in ADDRESSES {
        Box::pin(an_hour_without(&[address], Fault::Http500, false)).await;
        Box::pin(an_hour_without(&[address], Fault::Reset, false)).await;
    }
}

#[tokio::test]
async fn possibly_arrived_event_is_sent_again_in_order() {
    Box::pin(an_hour_without(&ADDRESSES, Fault::AnswerLost, true)).await;
}

#[tokio::test]
async fn an_imshop_that_hangs_slows_down_no_settling() {
    let story = Story::start().await;
    let mut payments = Vec::new();
    for _ in 0..40 {
        payments.push(captured_without_a_callback(&story).await);
    }
    for address in ADDRESSES {
        story.environment.standins().fault(System::Imshop, address, Fault::Timeout, u32::MAX).unwrap();
    }
    story.environment.advance(Duration::from_mins(6));
    let report = story.environment.tick().await;
    assert_eq!((&report["moved"], &report["left"], &report["failed"]), (&json!(40), &json!(false), &json!(0)));
    story.environment.standins().clear_faults();
    minutes(&story, LONGEST_PAUSE_MIN).await;
    for payment in &payments {
        assert_eq!(story.environment.standins().imshop_payment(payment).unwrap()["paymentCaptured"], true);
        at_rest(&story, payment).await;
    }
}

#[tokio::test]
async fn orders_refused_by_imshop_delay_no_other_and_are_reviewed() {
    for status in [200, 400] {
        let story = Story::start().await;
        for address in ADDRESSES {
            story.environment.standins().fault(System::Imshop, address, Fault::Http500, u32::MAX).unwrap();
        }
        let (mut refused, mut others) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            refused.push(paid(&story).await);
        }
        for _ in 0..5 {
            others.push(paid(&story).await);
        }
        story.environment.poll_stream().await;
        // IMSHOP is back, but for some orders, whose turn comes first.
        story.environment.standins().clear_faults();
        for (order, _) in &refused {
            story.environment.standins().imshop_refuses(order, Some(status)).unwrap();
        }
        minutes(&story, 2).await;
        for (order, payment) in &others {
            assert_eq!(heard(&story, order), words(&[true], &["paid"]), "{status}");
            at_rest(&story, payment).await;
        }
        let (order, _) = paid(&story).await;
        story.environment.poll_stream().await;
        assert_eq!(heard(&story, &order), words(&[true], &["paid"]), "what is new is told at once");
        assert_eq!(minutes(&story, 75).await["attention"], 5, "{status}: each once");
        for (order, payment) in &refused {
            assert_eq!(story.payment(payment).await["attention"], "open");
            assert_eq!(heard(&story, order), words(&[], &[]));
            story.environment.standins().imshop_refuses(order, None).unwrap();
        }
        minutes(&story, LONGEST_PAUSE_MIN).await;
        for (order, payment) in &refused {
            assert_eq!(heard(&story, order), words(&[true], &["paid"]));
            at_rest(&story, payment).await;
        }
    }
}

#[tokio::test]
async fn dead_letter_of_payment_events_is_published_by_reconcile() {
    let story = Story::start().await;
    let mut payments = Vec::new();
    for _ in 0..10 {
        payments.push((paid(&story).await, words(&[true], &["paid"])));
        payments.push((declined(&story).await, words(&[false], &["payment_failed"])));
    }
    story.environment.set_workers(&[("DYNAMODB_ENDPOINT", "http://127.0.0.1:9")]);
    story.environment.poll_stream().await;
    let letters = story.environment.dead_letters();
    for ((_, payment), _) in &payments {
        let of = |record: &serde_json::Value| record["dynamodb"]["Keys"]["pk"]["S"] == format!("payment#{payment}");
        assert!(letters.iter().any(|letter| letter.records.iter().any(of)), "{payment}");
    }
    assert_eq!(story.environment.standins().imshop().len(), 0);
    story.environment.set_workers(&[]);
    assert_eq!(story.environment.poll_stream().await, 0, "the stream is past them");
    minutes(&story, 1).await;
    for ((order, payment), words) in &payments {
        assert_eq!(heard(&story, order), *words);
        at_rest(&story, payment).await;
    }
}

/// What the shop has taken of each order.
fn taken_of_all(story: &Story) -> BTreeMap<String, Taken> {
    let mut all: BTreeMap<String, Taken> = BTreeMap::new();
    for event in story.environment.standins().shop_events() {
        if event.get("refused").is_none() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let (types, ids) = all.entry(text(&event["body"]["data"]["order_id"])).or_default();
            types.push(text(&event["type"]));
            ids.push(text(&event["webhook_id"]));
        }
    }
    all
}

/// An hour in which the shop takes no events, while its key is changed and many orders are paid and one is given back bit by bit.
async fn an_hour_without_the_shop(fault: Fault, crowd: u32) {
    let story = Story::start().await;
    let (refunded_order, refunded) = paid(&story).await;
    story.environment.poll_stream().await;
    story.environment.advance(Duration::from_hours(24));
    story.environment.standins().fault(System::Shop, "events", fault, u32::MAX).unwrap();
    refund(&story, &refunded, Some(30_000)).await;
    let (declined_order, declined) = declined(&story).await;
    let mut payments = vec![refunded.clone(), declined];
    let mut orders = Vec::new();
    for _ in 0..crowd {
        let (order, payment) = paid(&story).await;
        orders.push(order);
        payments.push(payment);
    }
    story.environment.poll_stream().await;
    let heard_by_now = heard_of_all(&story);
    for order in &orders {
        assert_eq!(heard_by_now[order], words(&[true], &["paid"]), "{fault}: IMSHOP hears it at once");
    }
    minutes(&story, 20).await;
    refund(&story, &refunded, None).await;
    // The shop knows one of the two keys.
    let next = "whsec_bmV4dC1kZW1vLXNpZ25pbmcta2V5LW9mLXRoZS1zYW5kYm94LTI=";
    story.environment.set_workers(&[("SHOP_EVENTS_SECRET", next), ("SHOP_EVENTS_SECRET_NEXT", SHOP_EVENTS_SECRET)]);
    minutes(&story, 40).await;
    let all = words(&[true, true, false], &["paid", "partially_refunded", "refunded"]);
    assert_eq!(heard(&story, &refunded_order), all, "{fault}: IMSHOP's channels are unmoved");
    story.environment.standins().clear_faults();
    minutes(&story, LONGEST_PAUSE_MIN).await;
    let (taken, heard) = (taken_of_all(&story), heard_of_all(&story));
    let (types, ids) = &taken[&refunded_order];
    assert_eq!(*types, ["payment.paid", "payment.partially_refunded", "payment.refunded"], "{fault}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3, "{fault}: {ids:?}");
    assert_eq!(taken[&declined_order].0, ["payment.failed"], "{fault}");
    for order in &orders {
        assert_eq!(taken[order].0, ["payment.paid"], "{fault}");
    }
    assert_eq!(story.environment.standins().shop_books()["step_backs"], json!([]), "{fault}");
    for order in orders.iter().chain([&refunded_order, &declined_order]) {
        let (captured, codes) = &heard[order];
        assert!(captured.len() <= 3 && captured.len() == codes.len(), "{fault}: told once");
    }
    for payment in &payments {
        at_rest(&story, payment).await;
    }
    assert_eq!(story.environment.dead_letters(), []);
}

#[tokio::test]
async fn every_event_arrives_in_order_after_an_hour_without_the_shop() {
    for fault in [Fault::Reset, Fault::Refused, Fault::AnswerLost] {
        Box::pin(an_hour_without_the_shop(fault, 3)).await;
    }
    Box::pin(an_hour_without_the_shop(Fault::Http500, testkit::size("UNHEARD", 10))).await;
}
