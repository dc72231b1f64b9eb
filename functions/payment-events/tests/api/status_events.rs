//! What IMSHOP is told, and what it is not.

use std::time::Duration;

use crate::Story;
use insta::assert_json_snapshot;
use serde_json::json;
use standins::{Decision, Fault, Options, System};

use crate::{settled, told};

#[tokio::test]
async fn captured_payment_is_published_once_to_each_address() {
    let story = Story::start().await;
    let payment = settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    assert_json_snapshot!(story.environment.standins().imshop(), {"[].at" => "[at]"});
    assert_eq!(story.payment(&payment).await.get("untold"), None);
    story.callback(&payment, "approved").await;
    story.capture(&payment).await;
    story.environment.poll_stream().await;
    assert_eq!(told(&story, "payment_status").len(), 1, "nothing new, nothing told");
}

#[tokio::test]
async fn declined_payment_may_be_tried_again() {
    let story = Story::start().await;
    settled(&story, Decision::Declined).await;
    story.environment.poll_stream().await;
    assert_json_snapshot!(story.environment.standins().imshop(), {"[].at" => "[at]"});
}

#[tokio::test]
async fn open_payment_has_no_status_event() {
    let story = Story::start().await;
    let order = story.order().await;
    story.create(&order).await;
    assert_eq!(story.environment.poll_stream().await, 0, "the stream's filter lets nothing through");
    assert_eq!(story.environment.standins().imshop(), Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn hold_on_shipment_is_published_as_paid_and_its_capture_not() {
    let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", "on_shipment")]).await;
    let payment = settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    assert_eq!(story.state(&payment).await, "held");
    assert_eq!(
        told(&story, "payment_status"),
        [json!({"orderId": "1001", "paymentId": payment, "success": true, "paymentCaptured": true})]
    );
    // Finished in Mokka's own cabinet.
    story.environment.standins().set_mokka_status(&payment, "finished").unwrap();
    story.capture(&payment).await;
    assert_eq!(story.state(&payment).await, "captured");
    story.environment.poll_stream().await;
    assert_eq!(told(&story, "payment_status").len(), 1);
    assert_eq!(story.payment(&payment).await.get("untold"), None);
}

#[tokio::test]
async fn expired_hold_on_shipment_is_published_as_failed() {
    let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", "on_shipment")]).await;
    let payment = settled(&story, Decision::Approved).await;
    story.environment.advance(Duration::from_hours(337));
    story.capture(&payment).await;
    assert_eq!(story.state(&payment).await, "expired");
    story.environment.advance(Duration::from_mins(1));
    story.environment.tick().await;
    let words: Vec<_> = told(&story, "payment_status").iter().map(|body| body["paymentCaptured"].clone()).collect();
    assert_eq!(words, [json!(true), json!(false)], "in their order");
}

#[tokio::test]
async fn only_configured_imshop_addresses_are_called() {
    for (off, on) in [("IMSHOP_PAYMENT_STATUS_URL", "order_status"), ("IMSHOP_ORDER_STATUS_URL", "payment_status")] {
        let story = Story::start_with(Options::default(), &[(off, "")]).await;
        let payment = settled(&story, Decision::Approved).await;
        story.environment.poll_stream().await;
        let told: Vec<_> = story.environment.standins().imshop().into_iter().map(|told| told["method"].clone()).collect();
        assert_eq!(told, [json!(on)]);
        assert_eq!(story.payment(&payment).await.get("untold"), None);
    }
    let story =
        Story::start_with(Options::default(), &[("IMSHOP_PAYMENT_STATUS_URL", ""), ("IMSHOP_ORDER_STATUS_URL", "")]).await;
    let payment = settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    assert_eq!(story.environment.standins().imshop(), Vec::<serde_json::Value>::new());
    let stored = story.payment(&payment).await;
    assert_eq!((stored.get("untold"), &stored["check_at"]), (None, &stored["last_look_at"]), "nobody waits for it");
}

#[tokio::test]
async fn failed_attempt_followed_by_another_is_not_published() {
    let story = Story::start().await;
    let order = story.order().await;
    story.create(&order).await;
    story.decide(&order.payment(1), Decision::Declined).await;
    story.capture(&order.payment(1)).await;
    story.create(&order).await;
    story.decide(&order.payment(2), Decision::Approved).await;
    story.capture(&order.payment(2)).await;
    story.environment.poll_stream().await;
    assert_eq!(story.environment.standins().imshop_payment(&order.payment(1)), None, "it would come after the order's truth");
    let stored = story.payment(&order.payment(1)).await;
    assert_eq!((stored.get("untold"), &stored["check_at"]), (None, &stored["last_look_at"]), "nobody waits for it");
    let orders: Vec<_> = told(&story, "order_status").iter().map(|body| body["payment"].clone()).collect();
    assert_eq!(orders, [json!({"paid": true, "paymentId": order.payment(2)})]);
}

#[tokio::test]
async fn unpublished_failure_is_dropped_once_another_attempt_is_open() {
    for pay in [false, true] {
        let story = Story::start().await;
        let order = story.order().await;
        story.create(&order).await;
        for address in ["payment_status", "order_status"] {
            story.environment.standins().fault(System::Imshop, address, Fault::Http500, 1).unwrap();
        }
        story.decide(&order.payment(1), Decision::Declined).await;
        story.capture(&order.payment(1)).await;
        story.environment.poll_stream().await;
        assert_eq!(story.payment(&order.payment(1)).await["tell_failures"], 1);
        assert_eq!(story.create(&order).await.json()["paymentId"], order.payment(2));
        if pay {
            story.decide(&order.payment(2), Decision::Approved).await;
            story.capture(&order.payment(2)).await;
            story.environment.poll_stream().await;
        }
        story.environment.advance(Duration::from_mins(10));
        story.environment.tick().await;
        let said: Vec<_> =
            story.environment.standins().imshop().into_iter().map(|told| told["body"]["paymentId"].clone()).collect();
        assert!(!said.contains(&json!(order.payment(1))), "{said:?}");
        let stored = story.payment(&order.payment(1)).await;
        let open = (&stored["tell_failures"], &stored["check_at"]);
        assert_eq!(open, (&json!(0), &stored["last_look_at"]), "and is nobody's trouble");
        if pay {
            assert_eq!(story.environment.standins().imshop_order(&order.id).unwrap()["payment"]["paid"], true, "the last word");
        }
    }
}

/// IMSHOP has taken the first attempt's "paid", but its answer was lost; then the hold was let go, and another attempt is open.
#[tokio::test]
async fn possibly_published_paid_is_taken_back() {
    let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", "on_shipment")]).await;
    let order = story.order().await;
    story.create(&order).await;
    story.decide(&order.payment(1), Decision::Approved).await;
    story.capture(&order.payment(1)).await;
    for address in ["payment_status", "order_status"] {
        story.environment.standins().fault(System::Imshop, address, Fault::AnswerLost, 1).unwrap();
    }
    story.environment.poll_stream().await;
    story.environment.standins().set_mokka_status(&order.payment(1), "canceled").unwrap();
    story.capture(&order.payment(1)).await;
    story.create(&order).await;
    story.environment.advance(Duration::from_mins(10));
    story.environment.tick().await;
    assert_eq!(story.environment.standins().imshop_payment(&order.payment(1)).unwrap()["paymentCaptured"], false);
    assert_eq!(story.environment.standins().imshop_order(&order.id).unwrap()["payment"]["paid"], false);
    let captured: Vec<_> = told(&story, "payment_status").iter().map(|body| body["paymentCaptured"].clone()).collect();
    assert_eq!(captured, [json!(true), json!(false)], "and is not told as paid again meanwhile");
}

#[tokio::test]
async fn published_paid_is_taken_back_unless_another_attempt_paid() {
    for pay in [false, true] {
        let story = Story::start_with(Options::default(), &[("MOKKA_FINISH", "on_shipment")]).await;
        let order = story.order().await;
        story.create(&order).await;
        story.decide(&order.payment(1), Decision::Approved).await;
        story.capture(&order.payment(1)).await;
        story.environment.poll_stream().await;
        story.environment.standins().set_mokka_status(&order.payment(1), "canceled").unwrap();
        story.capture(&order.payment(1)).await;
        assert_eq!(story.state(&order.payment(1)).await, "canceled");
        assert_eq!(story.create(&order).await.json()["paymentId"], order.payment(2));
        if pay {
            story.decide(&order.payment(2), Decision::Approved).await;
            story.capture(&order.payment(2)).await;
        }
        story.environment.poll_stream().await;
        let first: Vec<_> = story
            .environment
            .standins()
            .imshop()
            .into_iter()
            .filter(|told| told["body"].to_string().contains(&order.payment(1)))
            .collect();
        let captured = told(&story, "payment_status").into_iter().filter(|body| body["paymentId"] == order.payment(1));
        let captured: Vec<_> = captured.map(|body| (body["paymentCaptured"].clone(), body.get("retry").is_some())).collect();
        if pay {
            assert_eq!(first.len(), 2, "that it was paid, at both addresses: {first:?}");
            assert_eq!(story.environment.standins().imshop_order(&order.id).unwrap()["payment"]["paid"], true);
        } else {
            assert_eq!(captured, [(json!(true), false), (json!(false), false)], "the newer attempt is the one to go on with");
            assert_eq!(story.environment.standins().imshop_order(&order.id).unwrap()["payment"]["paid"], false);
        }
    }
}

#[tokio::test]
async fn the_shop_may_have_codes_of_its_own() {
    let story = Story::start_with(Options::default(), &[("IMSHOP_CODE_PAID", "N7")]).await;
    settled(&story, Decision::Approved).await;
    story.environment.poll_stream().await;
    assert_eq!(told(&story, "order_status")[0]["code"], "N7");
}
