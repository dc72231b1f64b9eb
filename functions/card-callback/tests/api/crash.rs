//! A process may die at any await. Whatever it left behind, the next look brings it to one effect.

use testkit::drop_after;

use super::*;

/// Longer than any lease.
const LEASE_OVER: Duration = Duration::from_secs(13 + 5);

#[tokio::test]
async fn create_dropped_at_every_point_opens_one_payment() {
    let mut points = 0;
    loop {
        let shop = Shop::open().await;
        let finished = drop_after(points, shop.create()).await.is_some();
        shop.story.environment.advance(LEASE_OVER);
        let answer = shop.create().await;
        assert_eq!((&answer["success"], &answer["paymentId"]), (&json!(true), &json!(shop.payment)), "{points}: {answer}");
        let stored = shop.stored().await;
        assert_eq!(stored["provider_id"], json!(shop.their_id()), "one payment there, and we know it: {points}");
        shop.pay(CardDecision::Paid).await;
        assert_eq!(shop.capture().await["paymentCaptured"], json!(true), "{points}");
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 4, "read, intent, create, record: {points}");
}

#[tokio::test]
async fn notification_dropped_at_every_point_captures_once() {
    let mut points = 0;
    loop {
        let shop = Shop::pending().await;
        shop.pay(CardDecision::Paid).await;
        shop.forget_calls();
        let finished = drop_after(points, shop.notify("payment.waiting_for_capture")).await.is_some();
        shop.story.environment.advance(LEASE_OVER);
        // It comes again, since it was not answered.
        assert_eq!(shop.notify("payment.waiting_for_capture").await.status, 200, "{points}");
        let stored = shop.stored().await;
        assert_eq!((&stored["state"], &stored["unknown"]), (&json!("captured"), &json!(false)), "{points}");
        let captures = shop.standins().calls_to(System::Yookassa, "capture");
        let keys: std::collections::BTreeSet<_> = captures.iter().map(|call| call.headers["idempotence-key"].clone()).collect();
        assert!(captures.len() <= 2 && keys.len() == 1, "one capture, by its key: {points}");
        let history = stored["history"].as_array().unwrap();
        assert_eq!(history.iter().filter(|step| step["state"] == json!("captured")).count(), 1, "{points}");
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 6, "read, look, status, intent, capture, record: {points}");
}

#[tokio::test]
async fn refund_dropped_at_every_point_is_made_once() {
    let mut points = 0;
    loop {
        let shop = Shop::captured().await;
        let finished = drop_after(points, shop.refund("key", Some("250.00"))).await.is_some();
        shop.story.environment.advance(LEASE_OVER);
        let again = shop.refund("key", Some("250.00")).await;
        assert_eq!(again.status, 200, "{points}: {}", again.body);
        let stored = shop.stored().await;
        assert_eq!((&stored["state"], &stored["unknown"]), (&json!("partially_refunded"), &json!(false)), "{points}: {stored}");
        assert_eq!((shop.standins().yookassa_refunds().len(), stored["refunds"].as_array().unwrap().len()), (1, 1), "{points}");
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 5, "read, status, intent, refund, record: {points}");
}
