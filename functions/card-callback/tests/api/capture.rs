//! From the page to the money: by IMSHOP's question, by notifications, by polling alone.

use super::*;

#[tokio::test]
async fn hold_is_captured_when_imshop_asks() {
    let shop = Shop::pending().await;
    assert_eq!(shop.capture().await["pending"], json!(true), "the customer has not paid");
    shop.pay(CardDecision::Paid).await;
    shop.forget_calls();
    assert_eq!(shop.capture().await, json!({"success": true, "paymentId": shop.payment, "paymentCaptured": true}));
    assert_eq!(shop.called(), ["get", "capture"]);
    let their = shop.their();
    assert_eq!((&their["status"], &their["amount"]["value"]), (&json!("succeeded"), &json!(AMOUNT)));
    shop.forget_calls();
    assert_eq!(shop.capture().await["paymentCaptured"], json!(true));
    assert!(shop.called().is_empty(), "what is over is not asked about");
}

#[tokio::test]
async fn all_comes_right_by_polling_alone() {
    let shop = Shop::pending().await;
    shop.pay(CardDecision::Paid).await;
    shop.wait(15).await;
    assert_eq!((shop.state().await.as_str(), &shop.their()["status"]), ("captured", &json!("succeeded")));
    let told = shop.standins().imshop_payment(&shop.payment).unwrap();
    assert_eq!(told["paymentCaptured"], json!(true), "{told}");
}

#[tokio::test]
async fn decline_says_why_and_another_attempt_opens() {
    for (reason, text) in [
        ("insufficient_funds", texts::CARD_FUNDS),
        ("card_expired", texts::CARD_DATA),
        ("3d_secure_failed", texts::CARD_NOT_CONFIRMED),
        ("fraud_suspected", texts::DECLINED),
        ("a_reason_of_tomorrow", texts::DECLINED),
    ] {
        let shop = Shop::pending().await;
        shop.decline(reason).await;
        assert_eq!(shop.capture().await["error"], json!(text), "{reason}");
        assert_eq!(shop.state().await, "declined", "{reason}");
        assert_eq!(shop.stored().await["reason_code"], json!(format!("yookassa:{reason}")));
        assert_eq!(shop.create().await["paymentId"], json!(shop.order.payment(2)), "{reason}");
    }
}

#[tokio::test]
async fn page_left_alone_expires() {
    let shop = Shop::pending().await;
    shop.wait(75).await;
    assert_eq!((shop.state().await.as_str(), &shop.their()["status"]), ("expired", &json!("canceled")));
    assert_eq!(shop.create().await["paymentId"], json!(shop.order.payment(2)));
}

#[tokio::test]
async fn amount_account_or_mark_that_differs_is_a_mismatch_and_nothing_is_captured() {
    for (field, value) in [
        ("amount", json!({"value": "3249.99", "currency": "RUB"})),
        ("amount", json!({"value": AMOUNT, "currency": "USD"})),
        ("recipient", json!({"account_id": "999999", "gateway_id": "1"})),
        ("test", json!(false)),
        ("metadata", json!({"payment_id": "1-1", "installation": "sandbox"})),
        ("metadata", json!({"payment_id": shop_payment(), "installation": "another"})),
    ] {
        let shop = Shop::pending().await;
        shop.pay(CardDecision::Paid).await;
        let fields = json!({field: value}).as_object().unwrap().clone();
        shop.standins().set_yookassa_fields(&shop.their_id(), fields).unwrap();
        assert_eq!(shop.capture().await, failed(&shop, texts::PAYMENT_MISMATCH), "{field} {value}");
        assert!(shop.stored().await["mismatch"].is_string(), "{field} {value}");
        assert_eq!(shop.their()["status"], json!("waiting_for_capture"), "{field} {value}");
    }
}

/// The first payment of a story.
fn shop_payment() -> String {
    "1001-1".to_owned()
}

#[tokio::test]
async fn unknown_status_never_counts_as_money() {
    let shop = Shop::pending().await;
    let fields = json!({"status": "frozen"}).as_object().unwrap().clone();
    shop.standins().set_yookassa_fields(&shop.their_id(), fields).unwrap();
    assert_eq!(shop.capture().await["pending"], json!(true));
    assert_eq!(shop.state().await, "pending");
}

#[tokio::test]
async fn hold_that_waits_for_the_goods_is_captured_in_part_by_the_shop() {
    for reading in ["captured", "held"] {
        let shop = Shop::with(&[]).await;
        shop.standins().set_reading("amount_after_capture", reading).unwrap();
        shop.opened().await;
        shop.pay(CardDecision::Held).await;
        // The shop lowers the order before it is captured.
        let cart = json!({"amount": "3000.00", "cart": [{"name": "Самовар", "price": "3000.00", "quantity": 1}]});
        let changed = shop.back_office("change", OPERATOR_KEY, Some(cart)).await;
        assert_eq!(changed.status, 200, "{reading}: {}", changed.body);
        shop.story.environment.advance(Duration::from_mins(1));
        assert_eq!(shop.capture().await["paymentCaptured"], json!(true), "{reading}");
        let captures = shop.standins().calls_to(System::Yookassa, "capture");
        assert_eq!(captures.len(), 1, "{reading}");
        assert_eq!(captures[0].body["amount"]["value"], json!("3000.00"), "{reading}");
        let settled = shop.back_office("settle", OPERATOR_KEY, None).await;
        assert_eq!(settled.json()["payment"]["mismatch"], json!(null), "{reading}: {}", settled.body);
        assert_eq!(settled.json()["payment"]["state"], json!("captured"), "{reading}");
    }
}
