//! What the shop's own system hears: each step once at least, in order, and apart from IMSHOP's channels.

use std::time::Duration;

use serde_json::{Value, json};
use shared::platform::env::Env;
use shared::platform::metrics;
use standins::{Decision, Fault, Options, System};
use testkit::settings::SHOP_EVENTS_SECRET;

use crate::{Story, settled, told};

/// The types of the events that the shop has taken, oldest first.
fn heard(story: &Story) -> Vec<String> {
    taken(story).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

fn taken(story: &Story) -> Vec<Value> {
    story.environment.standins().shop_events().into_iter().filter(|event| event.get("refused").is_none()).collect()
}

fn step_backs(story: &Story) -> Value {
    story.environment.standins().shop_books()["step_backs"].clone()
}

async fn minutes(story: &Story, minutes: u64) {
    for _ in 0..minutes {
        story.environment.advance(Duration::from_mins(1));
        story.environment.tick().await;
    }
}

#[tokio::test]
async fn paid_order_is_one_event_with_all_the_shop_needs() {
    let story = Story::start().await;
    let payment = settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    let events = taken(&story);
    assert_eq!(events.len(), 1, "{events:?}");
    let stored = story.payment(&payment).await;
    let steps = stored["history"].as_array().unwrap();
    let step = steps.iter().position(|step| step["state"] == "captured").unwrap() + 1;
    assert_eq!(events[0]["webhook_id"], format!("{payment}-{step}"));
    assert_eq!((&events[0]["verified"], &events[0]["times"]), (&json!(true), &json!(1)));
    assert_eq!(
        events[0]["body"]["data"],
        json!({
            "order_id": "1001", "order_uuid": "order-uuid-1", "public_id": "A-1001", "payment_id": payment, "attempt": 1,
            "latest": true, "provider": "mokka", "method": "mokka", "state": "captured", "amount": "3250.00", "currency": "RUB",
            "refunded": "0.00", "by": "capture", "refund": null,
        })
    );
    assert_eq!(events[0]["body"]["type"], "payment.paid");
    assert_eq!(story.environment.total(metrics::SHOP_EVENTS, &[("event_type", "payment.paid")]), 1);
}

#[tokio::test]
async fn hold_is_an_event_only_where_the_shop_captures_on_shipment() {
    let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", "on_shipment")]).await;
    let payment = settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    assert_eq!(heard(&story), ["payment.held"]);
    // Finished in Mokka's own cabinet: no news for IMSHOP, but the shop's money.
    story.environment.standins().set_mokka_status(&payment, "finished").unwrap();
    story.capture(&payment).await;
    story.environment.poll_stream().await;
    assert_eq!(heard(&story), ["payment.held", "payment.paid"]);
    assert_eq!(told(&story, "payment_status").len(), 1);
    assert_eq!(step_backs(&story), json!([]));
}

#[tokio::test]
async fn failed_attempt_that_another_followed_is_not_the_latest() {
    let story = Story::start().await;
    story.environment.standins().fault(System::Shop, "events", Fault::Http500, 1).unwrap();
    let order = story.order().await;
    story.create(&order).await;
    story.decide(&order.payment(1), Decision::Declined).await;
    story.capture(&order.payment(1)).await;
    story.environment.poll_stream().await;
    assert_eq!(heard(&story), [""; 0], "the shop did not take it");
    story.create(&order).await;
    story.decide(&order.payment(2), Decision::Approved).await;
    story.capture(&order.payment(2)).await;
    story.environment.poll_stream().await;
    minutes(&story, 3).await;
    let events = taken(&story);
    let latest = |attempt: u32| {
        let of = events.iter().find(|event| event["body"]["data"]["attempt"] == attempt).unwrap();
        (of["type"].clone(), of["body"]["data"]["latest"].clone())
    };
    assert_eq!(latest(1), (json!("payment.failed"), json!(false)), "it comes late and undoes nothing");
    assert_eq!(latest(2), (json!("payment.paid"), json!(true)));
    assert_eq!(story.environment.standins().shop_book(&order.id).unwrap()["state"], "paid");
}

#[tokio::test]
async fn shop_that_is_down_delays_no_message_to_imshop() {
    let story = Story::start().await;
    story.environment.standins().fault(System::Shop, "events", Fault::Http500, 10_000).unwrap();
    let first = settled(&story, Decision::Approved).await;
    let second = settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    for payment in [&first, &second] {
        assert_eq!(story.environment.standins().imshop_payment(payment).unwrap()["paymentCaptured"], true);
        let stored = story.payment(payment).await;
        assert_eq!((&stored["tell_failures"], stored.get("untold")), (&json!(0), None));
        assert_eq!(stored["channels"]["shop_events"]["failures"], 1);
    }
    minutes(&story, 60).await;
    assert_eq!(told(&story, "payment_status").len(), 2, "told once each, however often the shop was tried");
    assert_eq!(story.payment(&first).await.get("attention"), None, "the shop's trouble is none of the payment's");
    story.environment.standins().clear_faults();
    minutes(&story, 11).await;
    assert_eq!(heard(&story), ["payment.paid", "payment.paid"]);
}

#[tokio::test]
async fn imshop_that_is_down_delays_no_event_for_the_shop() {
    let story = Story::start().await;
    for address in ["payment_status", "order_status"] {
        story.environment.standins().fault(System::Imshop, address, Fault::Http500, 10_000).unwrap();
    }
    settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    minutes(&story, 30).await;
    assert_eq!(taken(&story).iter().map(|event| event["times"].clone()).collect::<Vec<_>>(), [1], "told once");
}

#[tokio::test]
async fn event_whose_answer_was_lost_comes_again_under_the_same_id() {
    let story = Story::start().await;
    settled(&story, Decision::Approved).await;
    story.environment.standins().fault(System::Shop, "events", Fault::AnswerLost, 1).unwrap();
    story.environment.poll_stream().await;
    minutes(&story, 2).await;
    let events = taken(&story);
    assert_eq!((events.len(), &events[0]["times"], &events[0]["changed"]), (1, &json!(2), &json!(false)));
    assert_eq!(story.environment.standins().shop_book("1001").unwrap()["state"], "paid");
}

#[tokio::test]
async fn event_is_tried_from_thirty_seconds_to_ten_minutes_apart() {
    let story = Story::start().await;
    story.environment.standins().fault(System::Shop, "events", Fault::Http500, 10_000).unwrap();
    settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    let tries = || story.environment.standins().calls_to(System::Shop, "events").len();
    let mut pauses = Vec::new();
    let mut last = 0;
    for second in 1..=4_500 / 15 {
        let before = tries();
        story.environment.advance(Duration::from_secs(15));
        story.environment.tick().await;
        if tries() > before {
            pauses.push((second - last) * 15);
            last = second;
        }
    }
    assert_eq!(pauses[..6], [30, 60, 120, 240, 480, 600], "{pauses:?}");
    assert!(pauses[6..].iter().all(|pause| *pause == 600), "{pauses:?}");
}

#[tokio::test]
async fn event_untaken_for_fourteen_days_is_given_up_and_those_after_it_go_on() {
    let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", "on_shipment")]).await;
    story.environment.standins().fault(System::Shop, "events", Fault::Status(410), 10_000).unwrap();
    let payment = settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    minutes(&story, 70).await;
    assert!(story.environment.total(metrics::SHOP_EVENTS_LATE, &[]) > 0, "an alarm after an hour");
    assert_eq!(story.environment.total(metrics::SHOP_EVENTS_GIVEN_UP, &[]), 0);
    story.environment.advance(Duration::from_hours(13 * 24));
    story.environment.standins().set_mokka_status(&payment, "finished").unwrap();
    story.capture(&payment).await;
    story.environment.poll_stream().await;
    assert_eq!(story.environment.total(metrics::SHOP_EVENTS_GIVEN_UP, &[]), 0);
    story.environment.advance(Duration::from_hours(24));
    story.environment.tick().await;
    assert_eq!(story.environment.total(metrics::SHOP_EVENTS_GIVEN_UP, &[("event_type", "payment.held")]), 1);
    story.environment.standins().clear_faults();
    minutes(&story, 11).await;
    assert_eq!(heard(&story), ["payment.paid"]);
    let receipts = &story.payment(&payment).await["shop_receipts"];
    assert!(receipts[0]["error"].as_str().unwrap().contains("given up"), "{receipts}");
}

#[tokio::test]
async fn both_secrets_sign_while_they_are_changed() {
    let next = "whsec_bmV4dC1kZW1vLXNpZ25pbmcta2V5LW9mLXRoZS1zYW5kYm94LTI=";
    let story =
        Story::start_with(Options::default(), &[("SHOP_EVENTS_SECRET", next), ("SHOP_EVENTS_SECRET_NEXT", SHOP_EVENTS_SECRET)])
            .await;
    settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    let events = taken(&story);
    assert_eq!((events.len(), &events[0]["verified"]), (1, &json!(true)), "the shop knows one of them");
    assert_eq!(events[0]["headers"]["webhook-signature"].as_str().unwrap().split(' ').count(), 2);
}

#[tokio::test]
async fn shop_without_an_address_hears_nothing_and_nothing_waits() {
    let story = Story::start_with(Options::default(), &[("SHOP_EVENTS_URL", "")]).await;
    let payment = settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    let stored = story.payment(&payment).await;
    assert_eq!((stored.get("untold"), &stored["check_at"]), (None, &stored["last_look_at"]));
    assert_eq!(story.environment.standins().calls_to(System::Shop, "events").len(), 0);
}

#[tokio::test]
async fn events_that_are_switched_on_without_address_or_secret_stop_the_start() {
    let story = Story::start().await;
    for (changes, missing) in [
        ([("SHOP_EVENTS", "on"), ("SHOP_EVENTS_URL", "")], "SHOP_EVENTS_URL"),
        ([("SHOP_EVENTS", "on"), ("SHOP_EVENTS_SECRET", "")], "SHOP_EVENTS_SECRET"),
        ([("SHOP_EVENTS", "on"), ("SHOP_EVENTS_SECRET", "secret")], "SHOP_EVENTS_SECRET"),
    ] {
        let mut settings = story.environment.env();
        settings.extend(changes.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let built = payment_events::Deps::from_env(Env::from_map(settings), story.environment.platform());
        let error = built.unwrap_err().to_string();
        assert!(error.contains(missing), "{error}");
    }
}

#[tokio::test]
async fn what_imshop_knew_before_there_were_events_is_no_news_for_the_shop() {
    let story = Story::start().await;
    let payment = settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    // As a release without events has stored it.
    let key = format!("payment#{payment}");
    for attribute in ["channels", "shop_receipts"] {
        story.environment.forget("order-holds", &key, attribute).await;
    }
    let before = taken(&story).len();
    story.capture(&payment).await;
    story.environment.poll_stream().await;
    minutes(&story, 31).await;
    assert_eq!(taken(&story).len(), before, "the shop is not told of the past");
}

#[tokio::test]
async fn step_of_a_release_without_events_is_an_event_if_it_is_news() {
    let story = Story::start().await;
    let payment = settled(&story, Decision::Approved).await;
    let key = format!("payment#{payment}");
    for attribute in ["channels", "shop_receipts"] {
        story.environment.forget("order-holds", &key, attribute).await;
    }
    story.environment.poll_stream().await;
    assert_eq!(heard(&story), ["payment.paid"]);
}

#[tokio::test]
async fn lease_of_a_release_without_events_is_respected() {
    let story = Story::start().await;
    let payment = settled(&story, Decision::Approved).await;
    let until = story.environment.clock().now().plus(Duration::from_secs(12)).millis();
    let key = format!("payment#{payment}");
    story
        .environment
        .edit("order-holds", &key, |item| {
            item.insert("tell_lease_until".to_owned(), aws_sdk_dynamodb::types::AttributeValue::N(until.to_string()));
        })
        .await;
    story.environment.poll_stream().await;
    assert_eq!(told(&story, "payment_status").len(), 0, "the other release is at it");
    assert_eq!(heard(&story), ["payment.paid"], "which knows no events");
    minutes(&story, 1).await;
    assert_eq!(told(&story, "payment_status").len(), 1);
}

#[tokio::test]
async fn order_that_cannot_be_read_stops_no_message_to_imshop() {
    let story = Story::start().await;
    let payment = settled(&story, Decision::Approved).await;
    let uuid = story.payment(&payment).await["order_uuid"].as_str().unwrap().to_owned();
    story.environment.forget("order-holds", &format!("order#{uuid}"), "lines").await;
    story.environment.poll_stream().await;
    assert_eq!(told(&story, "payment_status").len(), 1);
    assert_eq!(heard(&story), [""; 0]);
    let stored = story.payment(&payment).await;
    assert_eq!((&stored["tell_failures"], &stored["channels"]["shop_events"]["failures"]), (&json!(0), &json!(1)));
    minutes(&story, 5).await;
    assert_eq!(told(&story, "payment_status").len(), 1, "told once");
}

#[tokio::test]
async fn shops_retries_ask_the_provider_no_more_often_and_plan_nothing_later() {
    let polls = async |shop_is_down: bool| {
        let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", "on_shipment")]).await;
        if shop_is_down {
            story.environment.standins().fault(System::Shop, "events", Fault::Http500, 10_000).unwrap();
        }
        settled(&story, Decision::Approved).await;
        story.environment.poll_stream().await;
        let before = story.environment.standins().calls_to(System::Mokka, "status").len();
        minutes(&story, 240).await;
        story.environment.standins().calls_to(System::Mokka, "status").len() - before
    };
    let (quiet, down) = (polls(false).await, polls(true).await);
    assert!(quiet > 0 && down == quiet, "{quiet} polls of a hold in four hours, {down} while the shop is down");
}

#[tokio::test]
async fn imshop_that_is_down_calls_for_no_attention_of_the_shop() {
    let story = Story::start().await;
    story.environment.standins().fault(System::Imshop, "payment_status", Fault::Http500, 10_000).unwrap();
    let payment = settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    minutes(&story, 120).await;
    assert_eq!(story.payment(&payment).await["attention"], "open", "a person of the shop must look");
    assert_eq!(heard(&story), ["payment.paid"], "the money is certain");
}

#[tokio::test]
async fn attention_is_an_event_and_so_is_its_end() {
    let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", "on_shipment")]).await;
    let payment = settled(&story, Decision::Approved).await;
    story.environment.standins().set_mokka_amount(&payment, "1.00").unwrap();
    for _ in 0..20 {
        minutes(&story, 15).await;
        story.environment.poll_stream().await;
    }
    assert_eq!(heard(&story), ["payment.held", "payment.attention"]);
    story.environment.standins().set_mokka_amount(&payment, "3250.00").unwrap();
    for _ in 0..20 {
        minutes(&story, 15).await;
        story.environment.poll_stream().await;
    }
    let events = taken(&story);
    assert_eq!(heard(&story), ["payment.held", "payment.attention", "payment.attention_over"]);
    assert!(events.iter().all(|event| !event["body"]["data"]["by"].as_str().unwrap().contains(':')), "{events:?}");
}

#[tokio::test]
async fn capture_that_was_no_news_for_imshop_is_none_for_the_shop_after_an_upgrade() {
    let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", "on_shipment"), ("SHOP_EVENTS_URL", "")]).await;
    let payment = settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    story.environment.standins().set_mokka_status(&payment, "finished").unwrap();
    story.capture(&payment).await;
    // As a release without events has stored it.
    let key = format!("payment#{payment}");
    for attribute in ["channels", "shop_receipts"] {
        story.environment.forget("order-holds", &key, attribute).await;
    }
    story.environment.set_workers(&[("SHOP_EVENTS_URL", &story.environment.env()["SHOP_EVENTS_URL"])]);
    story.environment.poll_stream().await;
    story.environment.advance(Duration::from_hours(25));
    story.environment.tick().await;
    story.environment.poll_stream().await;
    assert_eq!(story.state(&payment).await, "captured");
    assert_eq!(heard(&story), [""; 0], "it was captured before there were events");
}

#[tokio::test]
async fn failures_that_an_earlier_release_has_made_good_are_over() {
    let story = Story::start().await;
    story.environment.standins().fault(System::Imshop, "payment_status", Fault::Http500, 1).unwrap();
    let payment = settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    let stored = story.payment(&payment).await;
    assert_eq!(stored["channels"]["payment_status"]["failures"], 1);
    // The earlier release tells IMSHOP, and leaves what it does not know.
    let steps = stored["history"].as_array().unwrap().len();
    let number = |number: usize| aws_sdk_dynamodb::types::AttributeValue::N(number.to_string());
    let key = format!("payment#{payment}");
    story
        .environment
        .edit("order-holds", &key, |item| {
            item.insert("told_payment_status".to_owned(), number(steps));
            item.insert("tell_failures".to_owned(), number(0));
        })
        .await;
    minutes(&story, 90).await;
    let stored = story.payment(&payment).await;
    assert_eq!(stored.get("attention"), None, "nothing is wrong any more");
    assert_eq!(told(&story, "payment_status").len(), 0, "it was told by the other release");
}
