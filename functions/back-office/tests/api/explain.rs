//! What an answer says in words of a payment: by our books, and by what its provider says where that was asked.

use standins::Fault;

use super::*;

impl Shop {
    /// What is said of the payment beside its order, for which Mokka is asked.
    async fn beside_mokka(&self) -> Value {
        let answer = self.ask(get(&format!("orders/{}", self.order.id)).key(VIEWER_KEY)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["payments"][0]["explain"].clone()
    }

    pub(crate) fn break_mokka(&self, method: &str, fault: Fault, times: u32) {
        self.story.environment.standins().fault(System::Mokka, method, fault, times).unwrap();
    }
}

#[tokio::test]
async fn a_hold_is_explained_with_its_amount_its_end_and_what_can_be_done() {
    let shop = Shop::held().await;
    let payment = shop.look().await;
    let said = &payment["explain"];
    let text = said["text"].as_str().unwrap();
    assert_eq!(said["code"], json!("held"), "{said}");
    assert!(text.contains("3250.00") && text.contains(payment["valid_till"].as_str().unwrap()), "{text}");
    assert_eq!(said["actions"], json!(["finish", "cancel", "change", "settle"]));
    assert_eq!(said["next_look"], payment["next_check_at"]);
    assert_eq!(shop.beside_mokka().await["code"], json!("held"));
}

#[tokio::test]
async fn each_action_that_is_offered_is_taken_and_one_that_is_not_is_refused() {
    let shop = Shop::pending().await;
    assert_eq!(shop.look().await["explain"]["actions"], json!(["cancel", "settle"]));
    assert_refused(&shop.finish().await, 409, "not_held", "finish is not offered");
    let shop = Shop::held().await;
    assert_eq!(shop.finish().await.json()["payment"]["explain"]["code"], json!("captured"));
    let said = shop.look().await["explain"].clone();
    assert_eq!((&said["code"], &said["actions"]), (&json!("captured"), &json!(["refunds", "settle"])));
    assert_refused(&shop.cancel().await, 409, "already_captured", "cancel is not offered");
    let refunded = shop.refund("key-1", None).await.json();
    let said = &refunded["payment"]["explain"];
    assert_eq!((&said["code"], &said["actions"]), (&json!("refunded"), &json!(["settle"])));
}

#[tokio::test]
async fn what_nobody_has_heard_of_is_seen_beside_the_provider_and_not_without() {
    let shop = Shop::pending().await;
    shop.story.decide(&shop.payment, Decision::Approved).await;
    assert_eq!(shop.look().await["explain"]["code"], json!("waits_for_customer"));
    let said = shop.beside_mokka().await;
    assert_eq!(said["code"], json!("provider_ahead"), "{said}");
    assert_eq!(
        said["text"],
        json!("mokka says held, and our books say pending: they take it over at the next look, or now by `settle`")
    );
    assert_eq!(shop.settle().await.json()["payment"]["explain"]["code"], json!("held"));
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_said_to_be_just_that() {
    let shop = Shop::pending().await;
    shop.break_mokka("status", Fault::Http500, 20);
    assert_eq!(shop.beside_mokka().await["code"], json!("provider_unavailable"));
    let shop = Shop::captured().await;
    shop.break_mokka("status", Fault::Http500, 20);
    assert_eq!(shop.beside_mokka().await["code"], json!("captured"), "what is over does not change by that");
}

#[tokio::test]
async fn a_refund_of_unknown_outcome_asks_for_a_persons_word_and_takes_it() {
    let shop = Shop::captured_yesterday().await;
    shop.break_mokka("return", Fault::Reset, 1);
    let unclear = shop.refund("key-1", Some("1000.00")).await;
    assert_eq!(unclear.status, 202, "{}", unclear.body);
    shop.story.environment.advance(Duration::from_mins(2));
    let said = shop.look().await["explain"].clone();
    assert_eq!((&said["code"], &said["actions"]), (&json!("refund_unclear"), &json!(["outcome", "settle"])), "{said}");
    let decided = shop.outcome(1, true).await;
    assert_eq!(decided.status, 200, "{}", decided.body);
    assert_eq!(decided.json()["payment"]["explain"]["code"], json!("partially_refunded"));
}
