//! The second receipt of goods that were paid in advance.

use super::*;

#[tokio::test]
async fn second_receipt_has_what_was_paid_in_advance_and_is_not_given_back() {
    let till = Till::captured().await;
    assert_eq!(till.refund("back", of("bowl", 2)).await.status, 200);
    till.standins().forget_calls();
    let made = till.second_receipt().await;
    assert_eq!(
        (made.status, &made.json()["payment"]["receipts"]),
        (200, &json!({"rejected": false, "second": "pending"})),
        "{}",
        made.body
    );
    let asked = till.only("receipt");
    let expected = [
        ("1", "1477.27", 4, "full_payment"),
        ("1", "1477.28", 4, "full_payment"),
        ("1", "98.59", 3, "full_payment"),
        ("1", "250.00", 4, "full_payment"),
    ];
    assert_eq!(items(&asked), expected);
    assert_eq!(sum(&asked), 350_030 - 19_716);
    assert_eq!(asked["settlements"], json!([{"type": "prepayment", "amount": {"value": "3303.14", "currency": "RUB"}}]));
    assert_eq!(
        (&asked["type"], &asked["payment_id"], &asked["send"]),
        (&json!("payment"), &json!(till.their_id()), &json!(true))
    );
    assert_eq!(asked["customer"], json!({"email": canary::EMAIL}));
    assert_refused(&till.second_receipt().await, 409, "second_receipt_made", "twice");
    till.only("receipt");
}

#[tokio::test]
async fn second_receipt_whose_answer_is_lost_is_made_once() {
    for fault in ["answer_lost", "http500", "timeout"] {
        let till = Till::captured().await;
        till.fault("receipt", fault);
        let answer = till.second_receipt().await;
        assert!([200, 202].contains(&answer.status), "{fault}: {}", answer.body);
        till.wait(15).await;
        let seen = till.shop.look().await;
        assert_eq!((&seen["receipts"]["second"], &seen["intent"]), (&json!("pending"), &json!(null)), "{fault}: {seen}");
        let calls = till.standins().calls_to(System::Yookassa, "receipt");
        assert!(calls.len() >= 2, "{fault}");
        assert!(calls.iter().all(|call| call.headers["idempotence-key"] == calls[0].headers["idempotence-key"]), "{fault}");
        assert!(calls.iter().all(|call| call.raw == calls[0].raw), "{fault}");
    }
}

#[tokio::test]
async fn second_receipt_follows_only_captured_money_paid_in_advance() {
    let till = Till::held().await;
    assert_refused(&till.second_receipt().await, 409, "not_captured", "a hold");
    let till = till.shipped().await;
    let viewer = till.shop.event("receipts", testkit::settings::VIEWER_KEY);
    assert_eq!(till.shop.ask(viewer).await.status, 403);
    let body = till.shop.event("receipts", OPERATOR_KEY).json(json!({"lines": []}));
    assert_eq!(till.shop.ask(body).await.status, 400);
    assert_eq!(till.refund("whole", json!({})).await.status, 200);
    till.standins().forget_calls();
    assert_refused(&till.second_receipt().await, 409, "nothing_to_refund", "everything is given back");
    till.assert_nothing_called("nothing is left");

    let at_once = configured("full-payment.toml", "mode = \"full_payment\"\n");
    let till = Till::with(&at_once).await.paid().await.shipped().await;
    assert_refused(&till.second_receipt().await, 409, "no_second_receipt", "paid when it is handed over");
    till.assert_nothing_called("nothing was paid in advance");

    let shop = Shop::captured().await;
    assert_refused(&shop.ask(shop.event("receipts", OPERATOR_KEY)).await, 409, "no_second_receipt", "Mokka");
}
