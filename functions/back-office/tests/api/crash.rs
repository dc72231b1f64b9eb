//! A process may die at any await. Whatever it left behind, the next look brings it to one effect.

use std::time::Duration;

use serde_json::json;
use testkit::drop_after;

use crate::{AMOUNT, Shop};

/// Longer than any lease.
const LEASE_OVER: Duration = Duration::from_secs(13 + 5);

#[tokio::test]
async fn a_dropped_finish_converges_to_one_capture_or_none() {
    Box::pin(walk("finish")).await;
}

#[tokio::test]
async fn a_dropped_cancellation_converges_to_one_or_none() {
    Box::pin(walk("cancel")).await;
}

#[tokio::test]
async fn a_dropped_change_converges_to_one_or_none() {
    Box::pin(walk("change")).await;
}

#[tokio::test]
async fn a_dropped_refund_of_everything_converges_to_one_or_none() {
    Box::pin(walk("refund")).await;
}

async fn walk(command: &str) {
    let mut points = 0;
    loop {
        let context = format!("{command} dropped after {points}");
        let shop = if command == "refund" { Shop::captured().await } else { Shop::held().await };
        let run = async || match command {
            "finish" => shop.finish().await,
            "cancel" => shop.cancel().await,
            "change" => shop.change("3000.00").await,
            _ => shop.refund("key", None).await,
        };
        let finished = drop_after(points, run()).await.is_some();
        shop.story.environment.advance(LEASE_OVER);
        let settled = shop.settle().await;
        assert_eq!(settled.status, 200, "{context}: {}", settled.body);
        let payment = shop.look().await;
        assert_eq!((&payment["unknown"], payment.get("intent")), (&json!(false), None), "{context}: {payment}");
        let mokka = shop.mokka();
        let (effects, ours, before, after) = match command {
            "finish" => (mokka.finishes as usize, payment["state"].clone(), "held", "captured"),
            "cancel" => (mokka.cancels as usize, payment["state"].clone(), "held", "canceled"),
            "change" => (shop.changes() as usize, payment["amount"].clone(), AMOUNT, "3000.00"),
            _ => (mokka.returns.len(), payment["state"].clone(), "captured", "refunded"),
        };
        assert!(effects <= 1 || command == "change", "{context}: {effects}");
        assert_eq!(ours, json!(if effects == 0 { before } else { after }), "{context}: our books and Mokka's");
        assert_eq!(mokka.amount, payment["amount"].as_str().unwrap(), "{context}");
        // Given once more, the command is done.
        let again = run().await;
        assert!([200, 409].contains(&again.status), "{context}: {}", again.body);
        let state = shop.look().await;
        let ours = if command == "change" { state["amount"].clone() } else { state["state"].clone() };
        assert_eq!(ours, json!(after), "{context}");
        shop.assert_asked_before_each(&context);
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 5, "read, Status, intent, call, record: {points}");
}

#[tokio::test]
async fn a_dropped_refund_of_a_part_is_made_at_most_once() {
    let mut points = 0;
    loop {
        let context = format!("dropped after {points}");
        let shop = Shop::captured_yesterday().await;
        let finished = drop_after(points, shop.refund("key", Some("300.00"))).await.is_some();
        shop.story.environment.advance(LEASE_OVER);
        assert_eq!(shop.settle().await.status, 200, "{context}");
        let payment = shop.look().await;
        if payment.get("intent").is_some() {
            // Only a person can decide; here it is Mokka's books.
            let made = !shop.mokka().returns.is_empty();
            let decided = shop.outcome(1, made).await;
            assert_eq!(decided.status, 200, "{context}: {}", decided.body);
        }
        assert_eq!(shop.look().await["refunded"], json!(shop.mokka().returned), "{context}");
        assert!(shop.changing().len() <= 1, "{context}");
        let again = shop.refund("key", Some("300.00")).await;
        assert!([200, 409].contains(&again.status), "{context}: {}", again.body);
        assert!(shop.mokka().returns.len() <= 1, "{context}");
        assert_eq!(shop.look().await["refunded"], json!(shop.mokka().returned), "{context}");
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 5, "{points}");
}
