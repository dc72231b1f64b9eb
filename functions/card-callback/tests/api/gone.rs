//! A gateway that `payments.toml` does not have any more, while there are payments of it.

use super::*;

const HOUR: Duration = Duration::from_hours(1);

impl Shop {
    /// The next deployment has no card gateway.
    fn lose_the_gateway(&self) {
        self.story.environment.set_workers(&[("ORDER_PERSON_DAYS", "1")]);
    }

    /// Lets the schedule run once an hour.
    async fn wait_hours(&self, hours: u32) {
        for _ in 0..hours {
            self.story.environment.advance(HOUR);
            self.story.environment.tick().await;
        }
    }

    async fn knows_customer(&self) -> bool {
        let order = self.story.environment.item("order-holds", &format!("order#{}", self.order.uuid)).await.unwrap();
        order.get("email").is_some()
    }
}

#[tokio::test]
async fn audits_of_a_lost_gateway_end_and_the_order_forgets_its_customer() {
    let shop = Shop::with(&[("ORDER_PERSON_DAYS", "1")]).await;
    shop.opened().await;
    shop.decline("insufficient_funds").await;
    shop.capture().await;
    assert_eq!(shop.state().await, "declined");
    shop.forget_calls();
    shop.lose_the_gateway();
    shop.wait_hours(24).await;
    assert!(shop.stored().await.get("last_look_at").is_some() && shop.knows_customer().await, "the money may still be found");
    // An hour and a day after its end it is looked for, each time for a day at most.
    shop.wait_hours(3 * 24).await;
    let stored = shop.stored().await;
    assert_eq!((stored.get("last_look_at"), stored["state"].as_str()), (None, Some("declined")), "{stored}");
    assert!(!shop.knows_customer().await);
    assert!(shop.called().is_empty(), "nobody was asked");
}

#[tokio::test]
async fn live_payment_of_a_lost_gateway_goes_to_a_person_and_goes_on_when_the_section_is_back() {
    let shop = Shop::with(&[]).await;
    shop.opened().await;
    shop.lose_the_gateway();
    shop.pay(CardDecision::Paid).await;
    shop.wait(180).await;
    let stored = shop.stored().await;
    assert_eq!((&stored["state"], &stored["attention"]), (&json!("pending"), &json!("open")), "{stored}");
    assert!(shop.called().is_empty(), "nobody can be asked");
    shop.story.environment.set_workers(&[("PAYMENTS_CONFIG", WITH_CARDS)]);
    shop.wait(30).await;
    assert_eq!(shop.state().await, "captured");
}
