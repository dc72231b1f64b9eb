//! The provider is ahead of our books: the shop acted in its cabinet.

use std::time::Duration;

use serde_json::json;
use standins::Decision;

use crate::{AMOUNT, Shop, assert_refused};

impl Shop {
    /// Gives money back in Mokka's cabinet, without us.
    pub(crate) fn return_at_mokka(&self, amount: &str) {
        self.story.environment.standins().give_back_at_mokka(&self.payment, amount).unwrap();
    }
}

#[tokio::test]
async fn a_hold_that_is_no_more_is_not_acted_on() {
    for (status, state, code) in [
        ("finished", "captured", "already_captured"),
        ("canceled", "canceled", "already_canceled"),
        ("expired", "expired", "already_expired"),
        ("declined", "declined", "already_declined"),
        ("refunded", "refunded", "already_captured"),
    ] {
        for command in ["finish", "cancel", "change"] {
            let shop = Shop::held().await;
            shop.story.environment.standins().set_mokka_status(&shop.payment, status).unwrap();
            let answer = match command {
                "finish" => shop.finish().await,
                "cancel" => shop.cancel().await,
                _ => shop.change("3000.00").await,
            };
            assert_refused(&answer, 409, code, &format!("{command}, {status}"));
            assert_eq!(shop.called(), ["status"], "{command}, {status}: asked, and nothing else");
            assert_eq!((shop.state().await.as_str(), &answer.json()["payment"]["state"]), (state, &json!(state)), "{status}");
        }
    }
}

#[tokio::test]
async fn a_hold_whose_state_mokka_cannot_name_is_not_lost() {
    let shop = Shop::held().await;
    shop.story.environment.standins().set_mokka_status(&shop.payment, "frozen").unwrap();
    let answer = shop.cancel().await;
    // Mokka answers 81, which may mean that it is done already; nothing is guessed.
    assert_eq!((answer.status, &answer.json()["outcome"]), (202, &json!("unknown")), "{}", answer.body);
    assert_eq!(shop.state().await, "held");
    shop.story.environment.standins().set_mokka_status(&shop.payment, "hold").unwrap();
    shop.story.environment.advance(Duration::from_mins(2));
    shop.story.environment.tick().await;
    assert_eq!(shop.state().await, "canceled", "what was asked for is done once Mokka can");
}

#[tokio::test]
async fn money_that_mokka_gave_back_is_not_given_back_again() {
    let shop = Shop::captured().await;
    shop.return_at_mokka(AMOUNT);
    assert_refused(&shop.refund("all", None).await, 409, "nothing_to_refund", "given back in the cabinet");
    assert_eq!(shop.called(), ["status"]);
    let payment = shop.look().await;
    assert_eq!((&payment["state"], &payment["refunded"]), (&json!("refunded"), &json!(AMOUNT)));
    assert_eq!(payment["refunds"][0]["by"], json!("mokka seen by back-office:cashier"));
    assert_eq!(shop.mokka().returned, AMOUNT);
}

#[tokio::test]
async fn a_part_that_mokka_gave_back_cannot_be_given_back_twice() {
    let shop = Shop::captured_yesterday().await;
    shop.return_at_mokka("300.00");
    // Of a part Mokka's status says nothing, so it is Mokka that refuses: with 100, after which it may have been done all the same.
    assert_eq!(shop.refund("all", None).await.status, 202, "more than is left");
    for _ in 0..3 {
        shop.story.environment.advance(Duration::from_mins(10));
        shop.story.environment.tick().await;
    }
    assert_eq!(shop.changing(), ["return", "return"], "repeated once, when it was due; then it is a person's turn");
    assert_eq!((shop.state().await.as_str(), shop.mokka().returned.as_str()), ("captured", "300.00"));
    assert_eq!(shop.outcome(1, false).await.status, 200);
    let rest = shop.refund("rest", Some("2950.00")).await;
    assert_eq!((rest.status, shop.mokka().returned.as_str()), (200, AMOUNT), "{}", rest.body);
    assert_eq!(shop.settle().await.status, 200);
    let payment = shop.look().await;
    assert_eq!((&payment["state"], &payment["refunded"]), (&json!("refunded"), &json!(AMOUNT)));
}

#[tokio::test]
async fn refund_of_money_gone_at_mokka_needs_manual_review() {
    for status in ["hold", "canceled", "expired"] {
        let shop = Shop::captured().await;
        shop.story.environment.standins().set_mokka_status(&shop.payment, status).unwrap();
        assert_refused(&shop.refund("all", None).await, 409, "mismatch", status);
        assert!(shop.changing().is_empty(), "{status}");
        assert_eq!(shop.state().await, "captured", "{status}");
    }
}

#[tokio::test]
async fn hold_unknown_to_us_is_acted_on() {
    for policy in ["on_hold", "on_shipment"] {
        for (command, state) in [("finish", "captured"), ("cancel", "canceled")] {
            let shop = Shop::with(&[("MOKKA_FINISH", policy)]).await;
            shop.story.decide(&shop.payment, Decision::Approved).await;
            assert_eq!(shop.state().await, "pending", "the callback is lost");
            let answer = if command == "finish" { shop.finish().await } else { shop.cancel().await };
            assert_eq!((answer.status, shop.state().await.as_str()), (200, state), "{command}, {policy}: {}", answer.body);
            assert_eq!(shop.mokka().finishes, u32::from(command == "finish"), "{command}, {policy}");
        }
    }
}

#[tokio::test]
async fn capture_unknown_to_us_is_refunded() {
    let shop = Shop::held().await;
    shop.story.environment.standins().set_mokka_status(&shop.payment, "finished").unwrap();
    let answer = shop.refund("key", None).await;
    assert_eq!((answer.status, shop.state().await.as_str()), (200, "refunded"), "{}", answer.body);
    assert_eq!(shop.mokka().returned, AMOUNT);
}

#[tokio::test]
async fn what_was_captured_after_it_had_been_canceled_goes_back_whole_and_only_once() {
    for reading in ["refunded", "finished"] {
        let shop = Shop::held().await;
        let standins = shop.story.environment.standins();
        standins.set_reading("status_after_return", reading).unwrap();
        assert_eq!(shop.cancel().await.status, 200);
        assert_refused(&shop.refund("early", None).await, 409, "already_canceled", "nothing was captured");
        standins.set_mokka_status(&shop.payment, "finished").unwrap();
        assert_eq!(shop.settle().await.status, 200);
        assert_refused(&shop.refund("part", Some("1000.00")).await, 409, "mismatch", "all of it, or nothing");
        let back = shop.refund("all", None).await;
        assert_eq!((back.status, &back.json()["payment"]["state"]), (200, &json!("canceled")), "{}", back.body);
        assert_eq!(
            (back.json()["payment"]["refunded"].as_str(), back.json()["payment"]["mismatch"].as_str()),
            (Some(AMOUNT), None)
        );
        assert_eq!(shop.refund("all", None).await.status, 200);
        assert_eq!(shop.mokka().returned, AMOUNT);
        assert_refused(&shop.refund("again", None).await, 409, "already_canceled", "nothing is left");
        shop.story.environment.advance(Duration::from_hours(26));
        shop.story.environment.tick().await;
        let stored = shop.story.payment(&shop.payment).await;
        assert_eq!(
            (&stored["state"], stored.get("mismatch"), stored.get("attention")),
            (&json!("canceled"), None, None),
            "{stored}"
        );
    }
}
