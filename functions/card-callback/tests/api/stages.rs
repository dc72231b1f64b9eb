//! Money that is taken at once, and money that is held until the goods ship.

use testkit::written;

use super::*;

/// The sandbox's ways to pay with something changed; the path of the file.
pub(crate) fn changed(name: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(WITH_CARDS).unwrap();
    assert!(text.contains(from), "{text}");
    written(env!("CARGO_TARGET_TMPDIR"), name, &text.replace(from, to))
}

/// Cards are charged at once.
pub(crate) fn one_stage() -> String {
    changed("one-stage.toml", "twoStage = true", "twoStage = false")
}

/// A hold is captured when the goods ship.
fn on_shipment() -> String {
    changed("on-shipment.toml", "finish = \"on_hold\"", "finish = \"on_shipment\"")
}

#[tokio::test]
async fn one_stage_is_captured_by_yookassa_itself() {
    let shop = Shop::with(&[("PAYMENTS_CONFIG", &one_stage())]).await;
    shop.opened().await;
    shop.pay(CardDecision::Paid).await;
    assert_eq!(shop.their()["status"], json!("succeeded"));
    assert_eq!(shop.capture().await["paymentCaptured"], json!(true));
    assert_eq!(shop.called(), ["get"], "no capture of ours");
}

#[tokio::test]
async fn surprising_hold_of_one_stage_is_captured() {
    let shop = Shop::with(&[("PAYMENTS_CONFIG", &one_stage())]).await;
    shop.opened().await;
    shop.pay(CardDecision::Held).await;
    assert_eq!(shop.capture().await["paymentCaptured"], json!(true));
    assert_eq!(shop.their()["status"], json!("succeeded"));
}

#[tokio::test]
async fn open_page_of_one_stage_refuses_another_method_until_its_end() {
    let shop = Shop::with(&[("PAYMENTS_CONFIG", &one_stage())]).await;
    shop.opened().await;
    let refused = shop.create_by("mokka").await.json();
    assert!(refused["error"].as_str().unwrap().starts_with("По заказу уже начата оплата другим способом."), "{refused}");
    shop.wait(70).await;
    assert_eq!(shop.create_by("mokka").await.json()["success"], json!(true));
}

#[tokio::test]
async fn hold_counts_as_paid_where_the_goods_ship_later_and_the_shop_captures_it() {
    let shop = Shop::with(&[("PAYMENTS_CONFIG", &on_shipment())]).await;
    shop.opened().await;
    shop.pay(CardDecision::Paid).await;
    assert_eq!(shop.capture().await["paymentCaptured"], json!(true));
    assert_eq!((shop.state().await.as_str(), shop.called()), ("held", vec!["get"]), "the hold needs no call to live on");
    let stored = shop.stored().await;
    let expires = Timestamp::from_rfc3339(shop.their()["expires_at"].as_str().unwrap()).unwrap();
    assert_eq!(stored["hold_until"], json!(expires.millis()), "{stored}");
    let finished = shop.back_office("finish", OPERATOR_KEY, Some(json!({}))).await;
    assert_eq!((finished.status, &finished.json()["payment"]["state"]), (200, &json!("captured")), "{}", finished.body);
    assert_eq!(shop.their()["status"], json!("succeeded"));
}

#[tokio::test]
async fn hold_that_nobody_captures_warns_a_day_before_and_ends() {
    let shop = Shop::with(&[("PAYMENTS_CONFIG", &on_shipment())]).await;
    shop.opened().await;
    shop.pay(CardDecision::Paid).await;
    assert_eq!(shop.capture().await["paymentCaptured"], json!(true));
    let hours = async |count: u32| {
        for _ in 0..count {
            shop.story.environment.advance(Duration::from_hours(1));
            shop.story.environment.tick().await;
        }
    };
    hours(6 * 24 - 2).await;
    assert_eq!(shop.stored().await.get("attention"), None, "two days before its end");
    hours(5).await;
    assert_eq!(shop.stored().await["attention"], json!("open"), "a day before");
    hours(24).await;
    assert_eq!((shop.state().await.as_str(), &shop.their()["status"]), ("expired", &json!("canceled")));
    let told = shop.standins().imshop_payment(&shop.payment).unwrap();
    assert_eq!(told["paymentCaptured"], json!(false), "{told}");
}

#[tokio::test]
async fn landing_page_waits_a_moment_and_never_says_failed_while_it_is_open() {
    let shop = Shop::pending().await;
    let path = shop.return_path().await;
    let there = shop.come_back(&path).await;
    assert!(there.headers["location"].ends_with("/success"), "opened by hand without paying: {:?}", there.headers);
    assert_eq!(shop.called(), ["get", "get", "get"]);
    assert_eq!(shop.capture().await["pending"], json!(true), "and the app hears that nothing is paid");
    shop.decline("insufficient_funds").await;
    assert!(shop.come_back(&path).await.headers["location"].ends_with("/failed"));
}

#[tokio::test]
async fn one_stage_whose_page_nobody_had_stands_in_no_other_ways_way() {
    let shop = Shop::with(&[("PAYMENTS_CONFIG", &one_stage())]).await;
    shop.fault("create", "http500", 1);
    assert_eq!(shop.create().await["success"], json!(false));
    assert_eq!(shop.create_by("mokka").await.json()["success"], json!(true));
}

#[tokio::test]
async fn money_of_an_attempt_that_was_given_up_goes_back_by_one_press() {
    for reading in ["at_once", "pending"] {
        let shop = Shop::with(&[("PAYMENTS_CONFIG", &one_stage())]).await;
        shop.standins().set_reading("refunds", reading).unwrap();
        shop.opened().await;
        assert_eq!(shop.back_office("cancel", OPERATOR_KEY, None).await.status, 200);
        let refused = shop.refund("early", None).await;
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (409, &json!("already_canceled")),
            "nothing was paid: {}",
            refused.body
        );
        shop.pay(CardDecision::Paid).await;
        shop.wait(70).await;
        assert!(shop.stored().await["mismatch"].is_string());
        let part = shop.refund("part", Some("1000.00")).await;
        assert_eq!((part.status, &part.json()["code"]), (409, &json!("mismatch")), "all of it or nothing: {}", part.body);
        let (one, two) = tokio::join!(shop.refund("all", None), shop.refund("all", None));
        for answer in [one, two] {
            assert!([200, 202, 409].contains(&answer.status), "{}", answer.body);
        }
        for refund in shop.standins().yookassa_refunds() {
            let id = refund["id"].as_str().unwrap();
            shop.standins()
                .decide_yookassa(id, &CardOutcome { notify: false, ..CardOutcome::new(CardDecision::Paid) })
                .await
                .unwrap();
        }
        shop.wait(120).await;
        assert_eq!(shop.refund("all", None).await.status, 200);
        let refunds = shop.standins().yookassa_refunds();
        let made: Vec<_> = refunds.iter().map(|refund| (&refund["amount"]["value"], &refund["status"])).collect();
        assert_eq!(made, [(&json!(AMOUNT), &json!("succeeded"))], "{reading}");
        let stored = shop.stored().await;
        assert_eq!(
            (&stored["state"], stored.get("mismatch"), stored.get("attention")),
            (&json!("canceled"), None, None),
            "{stored}"
        );
        assert_eq!(shop.standins().imshop_payment(&shop.payment).unwrap()["paymentCaptured"], json!(false), "it was never paid");
        assert_eq!(shop.refund("another", None).await.json()["code"], json!("already_canceled"));
        assert_eq!(shop.create_by("mokka").await.json()["success"], json!(true), "the order can be paid again");
    }
}
