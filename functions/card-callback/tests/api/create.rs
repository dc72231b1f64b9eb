//! `create` by card: one payment at YooKassa, whatever becomes of the answers.

use super::*;

#[tokio::test]
async fn customer_gets_yookassas_page_and_ends_on_ours() {
    let shop = Shop::open().await;
    let created = shop.create().await;
    let their = shop.their();
    assert_eq!(created["paymentUrl"], their["confirmation"]["confirmation_url"], "{created}");
    assert_eq!(created["paymentId"], json!(shop.payment));
    assert!(created["successRegex"].as_str().unwrap().contains("/v1/return/"), "{created}");
    assert_eq!((&their["amount"]["value"], &their["status"]), (&json!(AMOUNT), &json!("pending")));
    assert_eq!(their["metadata"]["payment_id"], json!(shop.payment));
    assert_eq!(their["metadata"]["order_id"], json!(shop.order.id));
    assert_eq!(their["metadata"]["installation"], json!("sandbox"));
    let stored = shop.stored().await;
    assert_eq!((&stored["state"], &stored["provider"]), (&json!("pending"), &json!("yookassa")));
    assert_eq!(stored["provider_id"], their["id"]);
    assert_eq!(stored.get("operation"), None, "its outcome is known: {stored}");
    let created_at = their["created_at"].as_str().unwrap();
    let created_at = Timestamp::from_rfc3339(created_at).unwrap();
    assert_eq!(stored["valid_till"], json!(created_at.plus(Duration::from_hours(1)).millis()), "the page is open for an hour");
}

#[tokio::test]
async fn repeated_create_answers_the_same_page() {
    let shop = Shop::open().await;
    let first = shop.opened().await;
    assert_eq!(shop.create().await, first);
    assert_eq!(shop.called(), ["get"]);
    assert_eq!(shop.theirs().len(), 1);
}

#[tokio::test]
async fn twenty_creates_at_once_make_one_payment() {
    let shop = Shop::open().await;
    let answers = futures_util::future::join_all((0..20).map(|_| shop.create())).await;
    let their = shop.their();
    let url = &their["confirmation"]["confirmation_url"];
    let opened: Vec<_> = answers.iter().filter(|answer| answer["success"] == json!(true)).collect();
    assert!(!opened.is_empty() && opened.iter().all(|answer| answer["paymentUrl"] == *url), "{answers:?}");
}

#[tokio::test]
async fn lost_answer_is_asked_for_again_with_the_same_key() {
    for fault in ["answer_lost", "http500", "timeout", "reset", "html", "status:202"] {
        let shop = Shop::open().await;
        shop.fault("create", fault, 1);
        let refused = shop.create().await;
        assert_eq!(refused["error"], json!(texts::PROVIDER_UNAVAILABLE), "{fault}");
        let stored = shop.stored().await;
        assert_eq!(stored["operation"]["name"], json!("create"), "{fault}: {stored}");
        shop.story.environment.advance(Duration::from_mins(10));
        let created = shop.create().await;
        assert_eq!(created["success"], json!(true), "{fault}: {created}");
        assert_eq!(created["paymentUrl"], shop.their()["confirmation"]["confirmation_url"], "{fault}");
        assert_eq!(shop.stored().await["operations"], json!(1), "{fault}");
    }
}

#[tokio::test]
async fn payment_of_a_lost_answer_is_found_in_the_list_after_its_hour() {
    let shop = Shop::open().await;
    shop.fault("create", "answer_lost", 1);
    assert_eq!(shop.create().await["success"], json!(false));
    shop.pay(CardDecision::Paid).await;
    shop.wait(70).await;
    assert_eq!((shop.state().await.as_str(), &shop.their()["status"]), ("captured", &json!("succeeded")));
    assert_eq!(shop.stored().await["provider_id"], shop.their()["id"]);
}

/// The shop's site sells, too: so many payments at YooKassa now, by the same account.
async fn sell_elsewhere(shop: &Shop, count: u32) {
    let http = shared::platform::outbound::client().unwrap();
    let address = format!("{}/yookassa/v3/payments", shop.standins().base_url());
    let body = json!({
        "amount": {"value": "10.00", "currency": "RUB"},
        "capture": true,
        "confirmation": {"type": "redirect", "return_url": "https://shop.example/"},
        "description": "Заказ сайта"
    });
    for _ in 0..count {
        let key = format!("site-{}", shop.theirs().len());
        let request = http.post(&address).basic_auth("506751", Some("test_demo_key")).header("Idempotence-Key", key);
        let answer = request.header("Content-Type", "application/json").body(body.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

#[tokio::test]
async fn payment_of_a_lost_answer_is_found_in_a_busy_hour() {
    let shop = Shop::open().await;
    shop.fault("create", "answer_lost", 1);
    assert_eq!(shop.create().await["success"], json!(false));
    shop.pay(CardDecision::Paid).await;
    let ours = shop.their_id();
    shop.story.environment.advance(Duration::from_mins(5));
    sell_elsewhere(&shop, 510).await;
    shop.wait(70).await;
    assert_eq!((shop.state().await.as_str(), shop.stored().await["provider_id"].clone()), ("captured", json!(ours)));
}

#[tokio::test]
async fn registration_that_never_arrived_is_decided_after_a_busy_hour() {
    let shop = Shop::open().await;
    shop.fault("create", "http500", 1);
    assert_eq!(shop.create().await["success"], json!(false));
    for _ in 0..3 {
        shop.story.environment.advance(Duration::from_mins(15));
        sell_elsewhere(&shop, 200).await;
    }
    shop.wait(70).await;
    let stored = shop.stored().await;
    assert_eq!((&stored["state"], stored.get("attention")), (&json!("expired"), None), "{stored}");
}

#[tokio::test]
async fn refused_registration_is_no_payment_and_the_next_has_a_key_of_its_own() {
    let shop = Shop::open().await;
    shop.fault("create", "refused", 1);
    assert_eq!(shop.create().await["error"], json!(texts::METHOD_TEMPORARILY_OFF));
    assert_eq!(shop.state().await, "declined");
    let created = shop.create().await;
    assert_eq!((&created["success"], &created["paymentId"]), (&json!(true), &json!(shop.order.payment(2))), "{created}");
    assert_eq!(shop.theirs().len(), 1);
}

#[tokio::test]
async fn wrong_credentials_decline_nothing_that_is_live() {
    let shop = Shop::pending().await;
    shop.pay(CardDecision::Held).await;
    shop.fault("get", "status:401", 1000);
    assert_eq!(shop.capture().await["pending"], json!(true));
    shop.wait(90).await;
    assert_eq!(shop.state().await, "pending", "what cannot be asked is no decline");
    assert_eq!(shop.stored().await["attention"], json!("open"), "a person has to see to the credentials");
    shop.standins().clear_faults();
    shop.wait(61).await;
    assert_eq!(shop.state().await, "captured");
}

#[tokio::test]
async fn wrong_credentials_decline_no_new_attempt_and_block_no_other_way_to_pay() {
    for status in ["status:401", "status:403"] {
        let shop = Shop::open().await;
        shop.fault("create", status, 1);
        shop.fault("get", status, 1000);
        assert_eq!(shop.create().await["error"], json!(texts::METHOD_TEMPORARILY_OFF), "{status}");
        assert_eq!(shop.state().await, "creating", "{status}");
        let other = shop.create_by("mokka").await.json();
        assert_eq!(other["success"], json!(true), "{status}: {other}");
        assert!(shop.theirs().is_empty(), "{status}");
    }
    let shop = Shop::open().await;
    shop.fault("create", "status:401", 1);
    assert_eq!(shop.create().await["success"], json!(false));
    assert_eq!(shop.create().await["paymentId"], json!(shop.payment), "the credentials are mended");
}

#[tokio::test]
async fn customer_whose_bank_is_late_at_the_hour_pays_once() {
    let shop = Shop::pending().await;
    shop.pay(CardDecision::Processing).await;
    shop.story.environment.advance(Duration::from_mins(61));
    assert_eq!(shop.create().await["paymentId"], json!(shop.order.payment(2)));
    let first = shop.theirs()[0]["id"].as_str().unwrap().to_owned();
    let second = shop.theirs()[1]["id"].as_str().unwrap().to_owned();
    let paid = CardOutcome { notify: false, ..CardOutcome::new(CardDecision::Paid) };
    for id in [&first, &second] {
        shop.standins().decide_yookassa(id, &paid).await.unwrap();
    }
    shop.wait(90).await;
    let statuses: Vec<_> = shop.theirs().iter().map(|their| their["status"].clone()).collect();
    assert_eq!(statuses, [json!("canceled"), json!("succeeded")], "the first hold is let go");
    assert_eq!(shop.story.state(&shop.order.payment(2)).await, "captured");
}

#[tokio::test]
async fn page_of_the_shops_own_for_a_part_is_nothing_to_a_card_that_pays_all() {
    let mut shop = Shop::open().await;
    shop.standins().shop_answers(json!({"prepaymentUrl": "https://shop.example/prepay"})).unwrap();
    shop.order = shop.story.order().await;
    shop.payment = shop.order.payment(1);
    shop.opened().await;
    assert_eq!(shop.their()["amount"]["value"], json!(AMOUNT));
    shop.pay(CardDecision::Paid).await;
    assert_eq!(shop.capture().await["paymentCaptured"], json!(true), "it is captured at once");
    let path = shop.return_path().await;
    assert!(shop.come_back(&path).await.headers["location"].ends_with("/success"));
}

#[tokio::test]
async fn installation_of_the_longest_stack_is_kept_with_the_payment() {
    let installation = format!("123456789012-{}", "s".repeat(128));
    let shop = Shop::with(&[("INSTALLATION", &installation)]).await;
    shop.opened().await;
    assert_eq!(shop.their()["metadata"]["installation"], json!(installation));
    shop.pay(CardDecision::Paid).await;
    assert_eq!(shop.notify("payment.waiting_for_capture").await.status, 200);
    assert_eq!(shop.state().await, "captured");
}
