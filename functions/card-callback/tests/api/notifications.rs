//! Notifications: lost, early, doubled, forged.

use super::*;

#[tokio::test]
async fn notification_captures_the_hold_and_its_repetitions_change_nothing() {
    let shop = Shop::pending().await;
    shop.pay(CardDecision::Paid).await;
    shop.forget_calls();
    assert_eq!(shop.notify("payment.waiting_for_capture").await.status, 200);
    assert_eq!((shop.state().await.as_str(), shop.called()), ("captured", vec!["get", "capture"]));
    let before = shop.stored().await;
    for event in ["payment.succeeded", "payment.waiting_for_capture", "payment.waiting_for_capture", "payment.canceled"] {
        shop.story.environment.advance(Duration::from_secs(6));
        assert_eq!(shop.notify(event).await.status, 200, "{event}");
    }
    assert_eq!(shop.stored().await["history"], before["history"], "no step back, none twice");
    assert_eq!(shop.standins().calls_to(System::Yookassa, "capture").len(), 1);
}

#[tokio::test]
async fn notification_of_what_we_did_ourselves_is_taken_at_once_and_asks_nothing() {
    let shop = Shop::pending().await;
    shop.pay(CardDecision::Paid).await;
    assert_eq!(shop.notify("payment.waiting_for_capture").await.status, 200);
    assert_eq!(shop.refund("return-1", Some("250.00")).await.status, 200);
    let refund = shop.standins().yookassa_refunds()[0].clone();
    shop.forget_calls();
    assert_eq!(shop.notify("payment.succeeded").await.status, 200);
    assert_eq!(shop.notify_of("refund.succeeded", refund.clone()).await.status, 200);
    assert!(shop.called().is_empty(), "{:?}", shop.called());
    let mut other = refund;
    other["metadata"].as_object_mut().unwrap().remove("refund");
    shop.story.environment.advance(Duration::from_secs(10));
    assert_eq!(shop.notify_of("refund.succeeded", other).await.status, 200);
    assert_eq!(shop.called(), ["get"], "a refund that is not recorded may be one of the provider's cabinet");
}

#[tokio::test]
async fn twenty_notifications_captures_and_returns_at_once_make_one_capture() {
    let shop = Shop::pending().await;
    shop.pay(CardDecision::Paid).await;
    shop.forget_calls();
    let notices = futures_util::future::join_all((0..10).map(|_| shop.notify("payment.waiting_for_capture")));
    let captures = futures_util::future::join_all((0..10).map(|_| shop.capture()));
    let (notices, captures) = tokio::join!(notices, captures);
    assert!(notices.iter().all(|answer| [200, 503].contains(&answer.status)));
    assert!(captures.iter().all(|answer| answer["success"] == json!(true)), "{captures:?}");
    assert_eq!(shop.state().await, "captured");
    assert_eq!(shop.standins().calls_to(System::Yookassa, "capture").len(), 1);
    let history = shop.stored().await["history"].as_array().unwrap().clone();
    assert_eq!(history.iter().filter(|step| step["state"] == json!("captured")).count(), 1, "{history:?}");
}

#[tokio::test]
async fn early_notification_is_adopted_when_the_answer_of_register_was_lost() {
    let shop = Shop::open().await;
    shop.fault("create", "answer_lost", 1);
    assert_eq!(shop.create().await["success"], json!(false));
    shop.pay(CardDecision::Paid).await;
    shop.story.environment.advance(Duration::from_secs(30));
    assert_eq!(shop.notify("payment.waiting_for_capture").await.status, 200);
    assert_eq!((shop.state().await.as_str(), shop.stored().await["provider_id"].clone()), ("captured", json!(shop.their_id())));
    assert_eq!(shop.theirs().len(), 1);
}

#[tokio::test]
async fn forged_notification_moves_nothing() {
    let shop = Shop::pending().await;
    let mut object = shop.their();
    object["status"] = json!("succeeded");
    object["paid"] = json!(true);
    assert_eq!(shop.notify_of("payment.succeeded", object).await.status, 200);
    assert_eq!(shop.state().await, "pending");
}

#[tokio::test]
async fn sender_off_the_list_is_refused_before_anything_is_read() {
    let shop = Shop::pending().await;
    let body = json!({"type": "notification", "event": "payment.succeeded", "object": shop.their()});
    for sender in ["203.0.113.9", "10.0.0.1", "not an address"] {
        assert_eq!(shop.send(body.clone(), sender).await.status, 403, "{sender}");
    }
    let mut event = Event::post("/v1/cards/yookassa").header("X-Forwarded-For", "127.0.0.1").json(body).rest();
    event["requestContext"]["identity"]["sourceIp"] = json!("203.0.113.9");
    assert_eq!(shop.story.environment.call("card-callback", event).await.status, 403, "the header is anybody's");
    assert!(shop.called().is_empty());
}

#[tokio::test]
async fn what_is_not_ours_is_ignored() {
    let shop = Shop::pending().await;
    for (event, object) in [
        ("payout.succeeded", json!({"id": "po-1"})),
        ("payment.succeeded", json!({"id": "../me"})),
        ("payment.succeeded", json!({"id": "2d1a2b3c-000f-5000-8000-000000000000"})),
        ("payment.succeeded", json!({"id": "2d1a2b3c-000f-5000-8000-000000000001", "metadata": {"payment_id": "9999-9"}})),
        ("refund.succeeded", json!({"id": "r-1"})),
    ] {
        shop.story.environment.advance(Duration::from_secs(10));
        assert_eq!(shop.notify_of(event, object.clone()).await.status, 200, "{event} {object}");
    }
    assert_eq!(shop.send(json!("no object"), "127.0.0.1").await.status, 200);
    assert_eq!(
        shop.story.environment.call("card-callback", Event::post("/v1/cards/other").json(json!({})).rest()).await.status,
        404
    );
    assert_eq!(shop.state().await, "pending");
}

#[tokio::test]
async fn gateway_that_cannot_be_asked_has_the_notification_come_again() {
    let shop = Shop::pending().await;
    shop.pay(CardDecision::Paid).await;
    shop.fault("get", "http500", 2);
    assert_eq!(shop.notify("payment.waiting_for_capture").await.status, 503);
    assert_eq!(shop.state().await, "pending");
    shop.story.environment.advance(Duration::from_secs(10));
    assert_eq!(shop.notify("payment.waiting_for_capture").await.status, 200);
    assert_eq!(shop.state().await, "captured");
}

#[tokio::test]
async fn reads_that_callers_cause_are_bounded() {
    let shop = Shop::pending().await;
    let answers = futures_util::future::join_all((0..30).map(|_| shop.notify("payment.succeeded"))).await;
    assert!(answers.iter().any(|answer| answer.status == 503));
    assert_eq!(shop.called(), ["get"], "once in five seconds for a payment");
    shop.forget_calls();
    shop.story.environment.advance(Duration::from_secs(10));
    let stranger = json!({"id": "2d1a2b3c-000f-5000-8000-000000000000"});
    futures_util::future::join_all((0..30).map(|_| shop.notify_of("payment.succeeded", stranger.clone()))).await;
    assert!(shop.called().len() <= 1, "{:?}", shop.called());
}

#[tokio::test]
async fn expiry_of_an_old_attempt_leaves_the_paid_one_alone() {
    let shop = Shop::pending().await;
    shop.decline("insufficient_funds").await;
    let old = shop.their();
    assert_eq!(shop.create().await["paymentId"], json!(shop.order.payment(2)));
    let new = shop.theirs()[1]["id"].as_str().unwrap().to_owned();
    let paid = CardOutcome { notify: false, ..CardOutcome::new(CardDecision::Paid) };
    shop.standins().decide_yookassa(&new, &paid).await.unwrap();
    shop.story.environment.advance(Duration::from_mins(10));
    shop.story.environment.tick().await;
    assert_eq!(shop.story.state(&shop.order.payment(2)).await, "captured");
    assert_eq!(shop.notify_of("payment.canceled", old).await.status, 200);
    assert_eq!(shop.story.state(&shop.order.payment(2)).await, "captured");
    assert_eq!(shop.state().await, "declined");
}

#[tokio::test]
async fn money_of_a_second_payment_under_our_number_stays_on_the_list_until_a_person_has_seen_it() {
    let shop = Shop::pending().await;
    let other = shop.story.order().await;
    assert_eq!(shop.create_for(&other, "yookassa/card").await.json()["success"], json!(true));
    let second = shop.theirs()[1]["id"].as_str().unwrap().to_owned();
    let ours = shop.theirs()[0]["metadata"].clone();
    let fields = json!({"metadata": ours, "amount": {"value": "10.00", "currency": "RUB"}}).as_object().unwrap().clone();
    let paid = CardOutcome { notify: false, ..CardOutcome::new(CardDecision::Paid) };
    shop.standins().decide_yookassa(&second, &paid).await.unwrap();
    shop.standins().set_yookassa_fields(&second, fields).unwrap();
    let object = shop.theirs()[1].clone();
    assert_eq!(shop.notify_of("payment.waiting_for_capture", object).await.status, 200);
    assert_eq!(shop.state().await, "pending", "nothing is paid by it");
    let first = shop.theirs()[0]["id"].as_str().unwrap().to_owned();
    shop.standins().decide_yookassa(&first, &paid).await.unwrap();
    shop.wait(30).await;
    let stored = shop.stored().await;
    assert_eq!(
        (&stored["state"], &stored["second_payment"], &stored["attention"]),
        (&json!("captured"), &json!(second), &json!("open"))
    );
    assert_eq!(shop.back_office("settle", OPERATOR_KEY, None).await.status, 200);
    assert_eq!(shop.stored().await.get("attention"), None, "it was seen");
}
