//! Receipts that the cash register does not take.

use super::*;

const DAY: Duration = Duration::from_hours(24);

impl Till {
    /// The register says what becomes of the receipt of this kind that came last: of a `payment` or of a `refund`.
    async fn register(&self, kind: &str, decision: CardDecision) {
        let receipts = self.standins().yookassa_receipts();
        let receipt = receipts.iter().rfind(|receipt| receipt["type"] == kind).unwrap();
        let outcome = CardOutcome { notify: false, ..CardOutcome::new(decision) };
        self.standins().decide_yookassa(receipt["id"].as_str().unwrap(), &outcome).await.unwrap();
    }

    /// The register takes its time with all receipts.
    async fn with_slow_register() -> Self {
        let till = Self::pending().await;
        till.standins().set_reading("receipts", "pending").unwrap();
        till.paid().await.shipped().await
    }

    /// Whether there is a receipt that nobody has seen to, and whether the payment is on the list for manual review.
    async fn rejected(&self) -> (bool, bool) {
        let seen = self.shop.look().await;
        assert_eq!(seen["attention"], json!(self.review_list().await == json!([self.shop.payment])), "{seen}");
        (seen["receipts"]["rejected"] == json!(true), seen["attention"] == json!(true))
    }

    async fn assert_seen_by_settle(&self, context: &str) {
        assert_eq!(self.rejected().await, (true, true), "{context}");
        let seen = self.shop.settle().await.json();
        assert_eq!(seen["payment"]["receipts"]["rejected"], json!(false), "{context}: {seen}");
        assert_eq!(self.rejected().await, (false, false), "{context}");
        for pause in [Duration::from_hours(2), DAY, 7 * DAY] {
            self.shop.story.environment.advance(pause);
            self.wait(10).await;
        }
        assert_eq!(self.rejected().await, (false, false), "{context}: it is no news any more");
    }
}

#[tokio::test]
async fn receipt_of_the_payment_that_is_not_taken_is_a_persons_within_the_hour() {
    let till = Till::with_slow_register().await;
    till.register("payment", CardDecision::Declined).await;
    till.wait(50).await;
    assert_eq!(till.rejected().await, (false, false), "nobody has asked yet");
    till.wait(15).await;
    assert_eq!(till.shop.state().await, "captured", "the money is ours all the same");
    till.assert_seen_by_settle("the payment's").await;
}

#[tokio::test]
async fn receipt_that_the_register_takes_late_is_waited_for() {
    let till = Till::with_slow_register().await;
    till.wait(70).await;
    assert_eq!(till.rejected().await, (false, false));
    till.register("payment", CardDecision::Declined).await;
    till.wait(5 * 60).await;
    assert_eq!(till.rejected().await, (false, false), "it is asked about every six hours");
    till.wait(70).await;
    till.assert_seen_by_settle("the payment's, late").await;
}

#[tokio::test]
async fn receipt_of_a_refund_that_is_not_taken_is_a_persons() {
    let till = Till::with_slow_register().await;
    till.register("payment", CardDecision::Paid).await;
    till.wait(70).await;
    assert_eq!(till.refund("part", of("bowl", 1)).await.status, 200);
    till.register("refund", CardDecision::Declined).await;
    till.wait(65).await;
    till.assert_seen_by_settle("the refund's").await;
}

#[tokio::test]
async fn refund_that_is_refused_has_no_receipt_to_take() {
    let till = Till::captured().await;
    till.standins().set_reading("refunds", "pending").unwrap();
    assert_eq!(till.refund("part", of("bowl", 1)).await.status, 202);
    let refund = till.standins().yookassa_refunds()[0]["id"].as_str().unwrap().to_owned();
    let refused = CardOutcome { notify: false, ..CardOutcome::new(CardDecision::Declined) };
    till.standins().decide_yookassa(&refund, &refused).await.unwrap();
    till.wait(3 * 60).await;
    assert_eq!(till.shop.look().await["refunds"][0]["status"], json!("refused"));
    assert_eq!(till.rejected().await, (false, false));
}

#[tokio::test]
async fn second_receipt_that_is_not_taken_can_be_asked_for_again() {
    let till = Till::with_slow_register().await;
    till.register("payment", CardDecision::Paid).await;
    till.wait(70).await;
    for times in 1..=2 {
        assert_eq!(till.second_receipt().await.status, 200, "{times}");
        assert_refused(&till.second_receipt().await, 409, "second_receipt_made", "while it is pending");
        till.register("payment", CardDecision::Declined).await;
        till.wait(65).await;
        assert_eq!(till.shop.look().await["receipts"]["second"], json!("rejected"), "{times}");
        till.wait(10).await;
        assert_eq!(till.rejected().await, (true, true), "{times}: it stays on the list until a person has seen it");
        assert_eq!(till.shop.settle().await.status, 200);
        assert_eq!(till.rejected().await, (false, false), "{times}");
    }
    assert_eq!(till.second_receipt().await.status, 200);
    till.register("payment", CardDecision::Paid).await;
    till.wait(65).await;
    assert_eq!(till.shop.look().await["receipts"]["second"], json!("registered"));
    let keys: std::collections::BTreeSet<_> = till
        .standins()
        .calls_to(System::Yookassa, "receipt")
        .iter()
        .map(|call| call.headers["idempotence-key"].clone())
        .collect();
    assert_eq!(keys.len(), 3, "each with a key of its own");
}
