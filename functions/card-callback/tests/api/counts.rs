//! How many round trips each command of a payment by card takes.

use super::*;

/// Calls to the store and to YooKassa since this was last asked.
fn used(shop: &Shop) -> (u64, u64) {
    let used = shop.story.environment.used();
    (used.store_calls, used.called.get("yookassa").copied().unwrap_or_default())
}

#[tokio::test]
async fn payment_by_card_takes_few_round_trips() {
    let shop = Shop::open().await;
    shop.story.environment.meter();
    assert_eq!(shop.create().await["success"], json!(true));
    assert_eq!(used(&shop), (3, 1), "create: the order, the intent, the page");
    assert_eq!(shop.capture().await["pending"], json!(true));
    assert_eq!(used(&shop), (1, 1), "capture before it is paid");
    assert_eq!(shop.notify("payment.canceled").await.status, 200);
    assert_eq!(used(&shop), (2, 1), "a notification that brings nothing new");
    shop.pay(CardDecision::Paid).await;
    let _ = used(&shop);
    assert_eq!(shop.capture().await["paymentCaptured"], json!(true));
    assert_eq!(used(&shop), (3, 2), "capture of a hold: lease, capture, outcome");
}

#[tokio::test]
async fn notification_that_captures_takes_four_calls_to_the_store_and_two_to_yookassa() {
    let shop = Shop::pending().await;
    shop.pay(CardDecision::Paid).await;
    shop.story.environment.meter();
    assert_eq!(shop.notify("payment.waiting_for_capture").await.status, 200);
    assert_eq!(used(&shop), (4, 2));
    assert_eq!(shop.state().await, "captured");
}

#[tokio::test]
async fn notification_of_a_payment_in_one_stage_takes_three_and_one() {
    let shop = Shop::with(&[("PAYMENTS_CONFIG", &stages::one_stage())]).await;
    shop.opened().await;
    shop.pay(CardDecision::Paid).await;
    shop.story.environment.meter();
    assert_eq!(shop.notify("payment.succeeded").await.status, 200);
    assert_eq!(used(&shop), (3, 1));
    assert_eq!(shop.state().await, "captured");
}
