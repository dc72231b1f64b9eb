//! A message that IMSHOP refuses for good is closed by a person, and blocks nothing after that.

use std::time::Duration;

use serde_json::{Value, json};
use standins::{Fault, System};
use testkit::Answer;
use testkit::settings::{OPERATOR_KEY, VIEWER_KEY};

use crate::{Shop, assert_refused, get};

impl Shop {
    /// A captured payment of which IMSHOP refuses every message to these addresses.
    async fn refused_at(addresses: &[&str]) -> Self {
        let shop = Self::pending().await;
        for address in addresses {
            shop.story.environment.standins().fault(System::Imshop, address, Fault::Status(404), 10_000).unwrap();
        }
        shop.story.decide(&shop.payment, standins::Decision::Approved).await;
        shop.story.callback(&shop.payment, "approved").await;
        assert_eq!(shop.finish().await.status, 200);
        shop.story.environment.poll_stream().await;
        shop
    }

    async fn close(&self, message: u64, address: &str) -> Answer {
        self.ask(self.event(&format!("messages/{message}/close"), OPERATOR_KEY).json(json!({"address": address}))).await
    }

    async fn minutes(&self, minutes: u32) {
        for _ in 0..minutes / 10 {
            self.story.environment.advance(Duration::from_mins(10));
            self.story.environment.tick().await;
            self.story.environment.poll_stream().await;
        }
    }

    /// How many payments a person must look at.
    async fn on_the_list(&self) -> usize {
        let list = self.ask(get("payments").query("attention", "true").key(VIEWER_KEY)).await.json();
        list["payments"].as_array().unwrap().len()
    }

    fn calls_to_imshop(&self) -> usize {
        self.story.environment.standins().calls(Some(System::Imshop)).len()
    }

    /// What IMSHOP has taken at its payment status address.
    fn taken(&self) -> Vec<Value> {
        let told = self.story.environment.standins().imshop().into_iter().filter(|told| told["method"] == "payment_status");
        told.map(|told| told["body"]["paymentCaptured"].clone()).collect()
    }
}

#[tokio::test]
async fn a_message_refused_for_good_is_closed_by_name_and_the_payment_rests() {
    let shop = Shop::refused_at(&["payment_status"]).await;
    shop.minutes(90).await;
    let shown = shop.look().await;
    assert_eq!((&shown["told"], &shown["attention"], shop.on_the_list().await), (&json!(false), &json!(true), 1));
    assert_eq!(shown["untold"].as_array().unwrap().len(), 1, "the other address has taken it: {shown}");
    let message = &shown["untold"][0];
    assert_eq!((&message["address"], &message["says"]), (&json!("payment_status"), &json!("paid")));
    let answer = shop.close(message["message"].as_u64().unwrap(), "payment_status").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let payment = &answer.json()["payment"];
    assert_eq!((&payment["told"], &payment["attention"], payment.get("untold")), (&json!(true), &json!(false), None));
    let last = payment["history"].as_array().unwrap().last().unwrap().clone();
    let action = format!("message {} (paid) to payment_status closed", message["message"]);
    assert_eq!((&last["by"], &last["action"]), (&json!("back-office:operator"), &json!(action)));
    assert_eq!((shop.state().await.as_str(), shop.on_the_list().await), ("captured", 0));
    let before = shop.calls_to_imshop();
    shop.minutes(60).await;
    assert_eq!(shop.calls_to_imshop(), before, "it is not sent again");
    let stored = shop.stored().await;
    assert_eq!(stored["check_at"], stored["last_look_at"], "and keeps no schedule busy");
}

#[tokio::test]
async fn what_comes_after_a_closed_message_is_told() {
    let shop = Shop::refused_at(&["payment_status"]).await;
    assert_eq!(shop.refund("all", None).await.status, 200);
    shop.minutes(30).await;
    assert_eq!(shop.taken(), [] as [Value; 0], "in their order: the refund waits behind it");
    shop.story.environment.standins().clear_faults();
    let message = shop.look().await["untold"][0]["message"].as_u64().unwrap();
    assert_eq!(shop.close(message, "payment_status").await.status, 200);
    shop.story.environment.poll_stream().await;
    assert_eq!(shop.taken(), [json!(false)], "at once, and without the one before it");
    assert_eq!(shop.look().await["told"], true);
}

#[tokio::test]
async fn one_address_that_is_closed_leaves_the_other_with_its_tries() {
    let shop = Shop::refused_at(&["payment_status", "order_status"]).await;
    shop.minutes(90).await;
    let message = shop.look().await["untold"][0]["message"].as_u64().unwrap();
    let answer = shop.close(message, "payment_status").await.json();
    let untold: Vec<_> = answer["payment"]["untold"].as_array().unwrap().iter().map(|each| each["address"].clone()).collect();
    assert_eq!((untold, &answer["payment"]["attention"]), (vec![json!("order_status")], &json!(true)));
    assert_eq!(shop.close(message, "order_status").await.status, 200);
    let stored = shop.stored().await;
    assert_eq!((shop.on_the_list().await, &stored["check_at"]), (0, &stored["last_look_at"]));
}

#[tokio::test]
async fn only_a_message_that_is_in_the_way_can_be_closed() {
    let shop = Shop::refused_at(&["payment_status"]).await;
    let message = shop.look().await["untold"][0]["message"].as_u64().unwrap();
    let before = shop.stored().await;
    for (number, address) in [(message + 1, "payment_status"), (message - 1, "payment_status"), (message, "order_status")] {
        assert_refused(&shop.close(number, address).await, 409, "message_decided", &format!("{number} to {address}"));
    }
    for body in
        [json!({}), json!({"address": "email"}), json!({"address": null}), json!({"address": "payment_status", "all": true})]
    {
        let answer = shop.ask(shop.event(&format!("messages/{message}/close"), OPERATOR_KEY).json(body.clone())).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
    }
    for number in ["0x1", "01", "-1", "one"] {
        let event = shop.event(&format!("messages/{number}/close"), OPERATOR_KEY).json(json!({"address": "payment_status"}));
        assert_eq!(shop.ask(event).await.status, 404, "{number}");
    }
    assert_eq!(shop.stored().await, before);
    assert_eq!(shop.close(message, "payment_status").await.status, 200);
    assert_refused(&shop.close(message, "payment_status").await, 409, "message_decided", "it is closed");

    // No try was made yet.
    let shop = Shop::captured().await;
    let payment = shop.look().await;
    assert_eq!((&payment["told"], payment.get("untold")), (&json!(false), None));
    for message in 1..=payment["history"].as_array().unwrap().len() as u64 {
        assert_refused(&shop.close(message, "payment_status").await, 409, "message_decided", "it was not tried");
    }
}

#[tokio::test]
async fn closing_costs_one_read_and_one_write_and_asks_nobody() {
    let shop = Shop::refused_at(&["payment_status"]).await;
    let message = shop.look().await["untold"][0]["message"].as_u64().unwrap();
    shop.story.environment.standins().forget_calls();
    let _ = shop.story.environment.store_calls();
    assert_eq!(shop.close(message, "payment_status").await.status, 200);
    assert_eq!(shop.story.environment.store_calls(), ["GetItem", "UpdateItem"]);
    assert!(shop.called().is_empty());
}
