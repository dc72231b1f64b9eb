//! An attempt that is not wanted any more while the customer can still pay it.

use std::time::Duration;

use serde_json::json;
use standins::{Decision, Fault, System};
use testkit::{Answer, Event, settings};

use crate::{AMOUNT, Shop, assert_refused};

/// The operator gives up what is not paid yet.
async fn withdrawn() -> Shop {
    withdrawn_under("on_shipment").await
}

async fn withdrawn_under(policy: &str) -> Shop {
    let shop = Shop::with(&[("MOKKA_FINISH", policy)]).await;
    let answer = shop.cancel().await;
    assert_eq!((answer.status, &answer.json()["payment"]["state"]), (200, &json!("canceled")), "{}", answer.body);
    assert_eq!(shop.called(), ["status"], "asked, and nothing else");
    shop.story.environment.poll_stream().await;
    shop
}

async fn after(shop: &Shop, time: Duration) {
    shop.story.environment.advance(time);
    shop.story.environment.tick().await;
}

/// The shop's own system corrects the order.
async fn correct(shop: &Shop, amount: &str) -> Answer {
    let event = Event::new("PUT", &format!("/v1/orders/{}", shop.order.uuid)).key(settings::SHOP_KEY);
    shop.story.orders(event.json(json!({"orderId": shop.order.id, "amount": amount})).rest()).await
}

#[tokio::test]
async fn an_order_is_corrected_and_paid_anew() {
    for policy in ["on_hold", "on_shipment"] {
        let shop = withdrawn_under(policy).await;
        let word = shop.story.environment.standins().imshop_payment(&shop.payment).unwrap();
        assert_eq!((&word["paymentCaptured"], &word["retry"]), (&json!(false), &json!(true)), "{word}");
        assert_refused(&shop.cancel().await, 409, "already_canceled", "again");
        assert_eq!(correct(&shop, "4000.00").await.status, 200);
        let second = shop.story.create(&shop.order).await.json();
        assert_eq!(second["paymentId"], json!(shop.order.payment(2)), "its page is not given out again: {second}");
        assert_eq!(shop.story.environment.standins().mokka_order(&shop.order.payment(2)).unwrap().amount, "4000.00");
        // The customer had both pages open, and pays the wrong one first.
        shop.story.decide(&shop.payment, Decision::Approved).await;
        assert_eq!(shop.story.callback(&shop.payment, "approved").await.status, 200);
        assert_eq!((shop.mokka().status.as_str(), shop.mokka().cancels, shop.mokka().finishes), ("canceled", 1, 0), "{policy}");
        shop.story.decide(&shop.order.payment(2), Decision::Approved).await;
        assert_eq!(shop.story.capture(&shop.order.payment(2)).await.json()["paymentCaptured"], json!(true));
        after(&shop, Duration::from_hours(2)).await;
        assert_eq!(shop.look().await["attention"], json!(false), "nobody is called");
        assert_eq!(shop.state().await, "canceled");
    }
}

#[tokio::test]
async fn withdrawn_payment_is_released_by_the_first_observer() {
    for who in ["return", "capture", "schedule", "settle", "create"] {
        let shop = withdrawn_under("on_hold").await;
        shop.story.environment.standins().decide(&shop.payment, Decision::Approved, false, 1).await.unwrap();
        match who {
            "return" => assert!(shop.story.come_back(&shop.payment).await.headers["location"].ends_with("/failed")),
            "capture" => assert_eq!(shop.story.capture(&shop.payment).await.json()["success"], json!(false)),
            "schedule" => after(&shop, Duration::from_mins(6)).await,
            "settle" => assert_eq!(shop.settle().await.status, 200),
            _ => assert_eq!(shop.story.create(&shop.order).await.json()["paymentId"], json!(shop.order.payment(2))),
        }
        assert_eq!((shop.mokka().status.as_str(), shop.mokka().finishes), ("canceled", 0), "{who}");
        let last = shop.look().await["history"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["action"], json!("hold let go"), "{who}: {last}");
    }
}

#[tokio::test]
async fn unreleased_hold_is_reviewed_and_released_later() {
    for (fault, ends_well) in [("http500", true), ("answer_lost", true), ("reset", true), ("refused", true), ("status:32", false)]
    {
        let shop = withdrawn().await;
        let standins = shop.story.environment.standins();
        standins.decide(&shop.payment, Decision::Approved, false, 1).await.unwrap();
        standins.fault(System::Mokka, "cancel", fault.parse::<Fault>().unwrap(), if ends_well { 1 } else { 1000 }).unwrap();
        shop.story.callback(&shop.payment, "approved").await;
        for _ in 0..40 {
            after(&shop, Duration::from_mins(5)).await;
        }
        let seen = shop.look().await;
        assert_eq!(seen["attention"], json!(!ends_well), "{fault}: {seen}");
        assert_eq!((seen["state"].clone(), shop.mokka().cancels), (json!("canceled"), u32::from(ends_well)), "{fault}");
        assert!(seen["history"].as_array().unwrap().len() <= 10, "{fault}: {}", seen["history"]);
        standins.clear_faults();
        after(&shop, Duration::from_mins(31)).await;
        assert_eq!((shop.mokka().status.as_str(), shop.look().await["attention"].clone()), ("canceled", json!(false)), "{fault}");
    }
}

#[tokio::test]
async fn withdrawn_payment_is_polled_until_it_cannot_be_paid() {
    let shop = withdrawn().await;
    assert_eq!(shop.stored().await["withdrawn"], json!(true));
    // Declined, and approved on the same form: this page can still be paid.
    shop.story.environment.standins().set_reading("late_form", "approved").unwrap();
    shop.story.decide(&shop.payment, Decision::Declined).await;
    after(&shop, Duration::from_hours(3)).await;
    shop.story.decide(&shop.payment, Decision::Approved).await;
    after(&shop, Duration::from_hours(7)).await;
    assert_eq!((shop.mokka().status.as_str(), shop.stored().await.get("withdrawn")), ("canceled", None));
    // This one is never paid.
    let shop = withdrawn().await;
    for _ in 0..26 {
        after(&shop, Duration::from_hours(1)).await;
    }
    let stored = shop.stored().await;
    assert_eq!((stored.get("withdrawn"), stored.get("attention"), &stored["state"]), (None, None, &json!("canceled")));
    assert_eq!(shop.mokka().cancels, 0);
}

#[tokio::test]
async fn what_was_paid_meanwhile_is_canceled_as_a_hold() {
    let shop = Shop::pending().await;
    shop.story.decide(&shop.payment, Decision::Approved).await;
    let answer = shop.cancel().await;
    assert_eq!((answer.status, &answer.json()["payment"]["state"]), (200, &json!("canceled")), "{}", answer.body);
    assert_eq!((shop.mokka().status.as_str(), shop.mokka().cancels), ("canceled", 1));
    let captured = Shop::captured().await;
    assert_refused(&captured.cancel().await, 409, "already_captured", AMOUNT);
}

#[tokio::test]
async fn a_registration_that_may_have_reached_mokka_can_be_given_up() {
    let shop = Shop::pending().await;
    shop.story.environment.standins().fault(System::Mokka, "checkout", Fault::AnswerLost, 1).unwrap();
    let order = shop.story.order().await;
    assert_eq!(shop.story.create(&order).await.json()["success"], json!(false));
    let creating = Shop { payment: order.payment(1), order, story: shop.story };
    assert_eq!(creating.cancel().await.status, 200);
    creating.story.decide(&creating.payment, Decision::Approved).await;
    after(&creating, Duration::from_mins(6)).await;
    assert_eq!((creating.mokka().status.as_str(), creating.state().await.as_str()), ("canceled", "canceled"));
}

#[tokio::test]
async fn no_other_attempt_opens_while_its_hold_is_not_let_go() {
    let shop = withdrawn_under("on_hold").await;
    let standins = shop.story.environment.standins();
    standins.fault(System::Mokka, "cancel", "status:32".parse().unwrap(), 100).unwrap();
    standins.decide(&shop.payment, Decision::Approved, false, 1).await.unwrap();
    for _ in 0..3 {
        let answer = shop.story.create(&shop.order).await.json();
        assert_eq!(answer["error"], json!(shared::payments::texts::PAYMENT_UNCERTAIN), "{answer}");
        after(&shop, Duration::from_secs(20)).await;
    }
    standins.clear_faults();
    after(&shop, Duration::from_mins(31)).await;
    assert_eq!(shop.mokka().status.as_str(), "canceled");
    assert_eq!(shop.story.create(&shop.order).await.json()["paymentId"], json!(shop.order.payment(2)));
}

#[tokio::test]
async fn withdrawn_payment_declined_meanwhile_needs_no_manual_review() {
    let shop = withdrawn().await;
    shop.story.decide(&shop.payment, Decision::Declined).await;
    assert_eq!(shop.story.callback(&shop.payment, "declined").await.status, 200);
    for _ in 0..30 {
        after(&shop, Duration::from_hours(1)).await;
        assert_eq!(shop.look().await["attention"], json!(false));
    }
    let shop = withdrawn().await;
    shop.story.environment.standins().set_mokka_status(&shop.payment, "processing").unwrap();
    for _ in 0..30 {
        after(&shop, Duration::from_hours(1)).await;
    }
    assert_eq!(shop.look().await["attention"], json!(true), "past its end, and nobody knows whether it can be paid");
}
