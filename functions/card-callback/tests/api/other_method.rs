//! Another way to pay is chosen for the same order.

use standins::Decision;

use super::*;

#[tokio::test]
async fn card_after_mokka_withdraws_mokkas_attempt_and_lets_its_hold_go() {
    let shop = Shop::open().await;
    assert_eq!(shop.create_by("mokka").await.json()["success"], json!(true));
    let created = shop.create().await;
    assert_eq!((&created["success"], &created["paymentId"]), (&json!(true), &json!(shop.order.payment(2))), "{created}");
    assert_eq!(shop.state().await, "canceled");
    shop.story.decide(&shop.payment, Decision::Approved).await;
    shop.story.callback(&shop.payment, "approved").await;
    assert_eq!(shop.standins().calls_to(System::Mokka, "cancel").len(), 1, "the hold is let go");
    shop.pay(CardDecision::Paid).await;
    shop.wait(15).await;
    assert_eq!(shop.story.state(&shop.order.payment(2)).await, "captured");
}

#[tokio::test]
async fn mokka_after_card_lets_a_later_hold_of_the_card_go() {
    let shop = Shop::pending().await;
    let created = shop.create_by("mokka").await.json();
    assert_eq!((&created["success"], &created["paymentId"]), (&json!(true), &json!(shop.order.payment(2))), "{created}");
    shop.pay(CardDecision::Paid).await;
    shop.wait(15).await;
    assert_eq!(shop.their()["status"], json!("canceled"));
    assert_eq!(shop.state().await, "canceled");
}

#[tokio::test]
async fn paid_card_refuses_another_method() {
    let shop = Shop::captured().await;
    assert_eq!(shop.create_by("mokka").await.json()["error"], json!(texts::ALREADY_PAID));
}
