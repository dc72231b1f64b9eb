//! What the state of things forbids is refused before anything is done.

use standins::{Decision, Fault, System};
use testkit::Answer;

use crate::{Shop, assert_answer, assert_refused};

/// Every command but settle.
async fn every(shop: &Shop, refund: Option<&str>) -> [Answer; 4] {
    [shop.finish().await, shop.cancel().await, shop.change("3000.00").await, shop.refund("key", refund).await]
}

/// Asserts the code of every command, and that nothing was done.
async fn assert_all(shop: &Shop, codes: [&str; 4], context: &str) {
    let before = shop.stored().await;
    for (answer, code) in every(shop, None).await.iter().zip(codes) {
        assert_refused(answer, 409, code, context);
    }
    assert!(shop.changing().is_empty(), "{context}: Mokka was called");
    assert!(shop.called().is_empty(), "{context}: Mokka was asked although it could say nothing new");
    assert_eq!(shop.stored().await, before, "{context}");
}

/// What asks for money is refused; to give up what is not paid is not.
async fn assert_nothing_is_held(shop: &Shop, context: &str) {
    let before = shop.stored().await;
    for (answer, code) in [
        (shop.finish().await, "not_held"),
        (shop.change("3000.00").await, "not_held"),
        (shop.refund("key", None).await, "not_captured"),
    ] {
        assert_refused(&answer, 409, code, context);
    }
    assert!(shop.changing().is_empty(), "{context}: Mokka was called");
    assert_eq!(shop.stored().await, before, "{context}");
}

#[tokio::test]
async fn command_before_the_hold_is_refused() {
    let shop = Shop::pending().await;
    assert_nothing_is_held(&shop, "pending").await;
}

#[tokio::test]
async fn what_is_held_cannot_be_given_back() {
    let shop = Shop::held().await;
    let answer = shop.refund("key", None).await;
    assert_refused(&answer, 409, "not_captured", "held");
    assert_answer!("not_captured", answer);
    assert!(shop.changing().is_empty());
}

#[tokio::test]
async fn what_is_captured_is_refunded_not_canceled() {
    let shop = Shop::captured().await;
    let before = shop.stored().await;
    for answer in [shop.finish().await, shop.cancel().await, shop.change("3000.00").await] {
        assert_refused(&answer, 409, "already_captured", "captured");
    }
    assert_refused(&shop.refund("key", Some("3250.01")).await, 409, "above_rest", "a kopeck more");
    assert!(shop.called().is_empty());
    assert_eq!(shop.stored().await, before);
    assert_eq!(shop.refund("all", None).await.status, 200);
    shop.story.environment.standins().forget_calls();
    let captured = "already_captured";
    for (answer, code) in [shop.finish().await, shop.cancel().await].iter().zip([captured, captured]) {
        assert_refused(answer, 409, code, "refunded");
    }
    assert_refused(&shop.refund("more", None).await, 409, "nothing_to_refund", "refunded");
    assert!(shop.called().is_empty());
}

#[tokio::test]
async fn ended_payment_refuses_commands() {
    for (status, code) in [("canceled", "already_canceled"), ("declined", "already_declined"), ("expired", "already_expired")] {
        let shop = Shop::pending().await;
        shop.story.environment.standins().set_mokka_status(&shop.payment, status).unwrap();
        shop.story.callback(&shop.payment, "declined").await;
        assert_eq!(shop.state().await, status);
        shop.story.environment.standins().forget_calls();
        assert_all(&shop, [code; 4], status).await;
    }
}

#[tokio::test]
async fn what_does_not_match_is_left_alone_until_it_does() {
    let shop = Shop::held().await;
    shop.story.environment.standins().set_mokka_amount(&shop.payment, "3249.99").unwrap();
    assert_refused(&shop.finish().await, 409, "mismatch", "Mokka holds another amount");
    assert!(shop.changing().is_empty());
    shop.story.environment.standins().forget_calls();
    for answer in [shop.finish().await, shop.cancel().await, shop.change("3000.00").await, shop.refund("key", None).await] {
        assert_refused(&answer, 409, "mismatch", "known by now");
    }
    assert!(shop.called().is_empty());
    assert!(shop.look().await["mismatch"].as_str().unwrap().contains("3249.99"));
    // The shop puts it right in Mokka's cabinet.
    shop.story.environment.standins().set_mokka_amount(&shop.payment, "3250.00").unwrap();
    assert_eq!(shop.settle().await.status, 200);
    assert_eq!(shop.look().await["mismatch"], serde_json::Value::Null);
    assert_eq!(shop.finish().await.status, 200);
}

#[tokio::test]
async fn open_intent_is_resolved_before_a_new_command() {
    // Mokka cannot be reached in the middle of a cancellation, nor afterwards.
    let shop = Shop::held().await;
    shop.story.environment.standins().fault(System::Mokka, "cancel", Fault::Http500, 2).unwrap();
    let unknown = shop.cancel().await;
    assert_eq!(unknown.status, 202, "{}", unknown.body);
    assert_answer!("cancel_unknown", unknown);
    shop.story.environment.standins().fault(System::Mokka, "status", Fault::Http500, 2).unwrap();
    assert_refused(&shop.finish().await, 409, "in_progress", "the cancellation is not forgotten");
    // The next command finishes it first.
    assert_refused(&shop.finish().await, 409, "already_canceled", "and then it is too late");
    assert_eq!((shop.mokka().cancels, shop.mokka().finishes), (1, 0));
}

#[tokio::test]
async fn nothing_is_done_while_mokka_cannot_be_asked() {
    for fault in ["reset", "http500", "html", "refused", "status:61"] {
        let shop = Shop::held().await;
        let before = shop.stored().await;
        for command in ["finish", "cancel", "change"] {
            shop.story.environment.standins().fault(System::Mokka, "status", fault.parse::<Fault>().unwrap(), 2).unwrap();
            let answer = match command {
                "finish" => shop.finish().await,
                "cancel" => shop.cancel().await,
                _ => shop.change("3000.00").await,
            };
            assert_refused(&answer, 503, "provider_unavailable", &format!("{command}, {fault}"));
            shop.story.environment.standins().clear_faults();
        }
        assert!(shop.changing().is_empty(), "{fault}");
        assert_eq!(shop.stored().await, before, "{fault}");
    }
    let shop = Shop::captured().await;
    shop.story.environment.standins().fault(System::Mokka, "status", Fault::Http500, 2).unwrap();
    let answer = shop.refund("key", None).await;
    assert_refused(&answer, 503, "provider_unavailable", "refund");
    assert_answer!("unavailable", answer);
    assert!(shop.changing().is_empty());
}

#[tokio::test]
async fn an_attempt_that_mokka_never_saw_is_not_touched() {
    let shop = Shop::pending().await;
    shop.story.environment.standins().fault(System::Mokka, "checkout", Fault::Reset, 1).unwrap();
    let order = shop.story.order().await;
    assert_eq!(shop.story.create(&order).await.json()["success"], serde_json::json!(false));
    let creating = Shop { payment: order.payment(1), order, story: shop.story };
    creating.story.environment.standins().forget_calls();
    assert_eq!(creating.state().await, "creating");
    assert_nothing_is_held(&creating, "creating").await;
    let settled = creating.settle().await;
    assert_eq!(settled.status, 200, "{}", settled.body);
    assert_eq!(settled.json()["provider_view"], serde_json::json!({"state": "unregistered"}));
    assert!(creating.changing().is_empty());
}

#[tokio::test]
async fn settle_says_what_the_provider_says_whatever_the_state() {
    let shop = Shop::pending().await;
    let pending = shop.settle().await;
    assert_eq!(pending.json()["provider_view"], serde_json::json!({"state": "pending", "amount": "3250.00"}));
    shop.story.decide(&shop.payment, Decision::Approved).await;
    let held = shop.settle().await;
    assert_eq!((held.status, shop.state().await.as_str()), (200, "held"));
    shop.finish().await;
    shop.story.environment.standins().forget_calls();
    let captured = shop.settle().await;
    assert_answer!("settled", captured);
    assert!(!shop.called().is_empty(), "asked even though it is settled");
    shop.story.environment.standins().set_mokka_status(&shop.payment, "refunded").unwrap();
    let refunded = shop.settle().await;
    assert_eq!((refunded.status, shop.state().await.as_str()), (200, "refunded"));
    shop.story.environment.standins().fault(System::Mokka, "status", Fault::Http500, 4).unwrap();
    assert_refused(&shop.settle().await, 503, "provider_unavailable", "down");
}
