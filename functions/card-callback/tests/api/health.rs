//! A gateway that is down is nothing to another.

use standins::Decision;

use super::*;

#[tokio::test]
async fn yookassa_that_is_down_holds_up_no_payment_of_mokka() {
    let shop = Shop::open().await;
    for _ in 0..12 {
        let order = shop.story.order().await;
        assert_eq!(shop.create_for(&order, "yookassa/card").await.json()["success"], json!(true));
    }
    let order = shop.story.order().await;
    assert_eq!(shop.create_for(&order, "mokka").await.json()["success"], json!(true));
    let by_mokka = order.payment(1);
    shop.story.decide(&by_mokka, Decision::Approved).await;
    shop.fault("get", "http500", 10_000);
    shop.story.environment.advance(Duration::from_mins(6));
    let report = shop.story.environment.tick().await;
    assert_eq!(report["due"], json!(13), "{report}");
    assert_eq!(shop.story.state(&by_mokka).await, "captured");
    assert!(shop.called().len() < 24, "YooKassa is left alone once it is known to be down: {:?}", shop.called());
}
