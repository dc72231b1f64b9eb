//! What a payment's history may grow to, and who is kept out by it.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use standins::{Decision, System};

use crate::{Shop, assert_refused};

/// The customer has paid, and Mokka refuses every capture, for two reasons by turns.
async fn refused() -> Shop {
    let shop = Shop::with(&[("MOKKA_FINISH", "on_hold")]).await;
    let standins = shop.story.environment.standins();
    standins.decide(&shop.payment, Decision::Approved, false, 1).await.unwrap();
    refuse(&shop);
    shop
}

fn refuse(shop: &Shop) {
    let standins = shop.story.environment.standins();
    standins.clear_faults();
    for _ in 0..400 {
        for fault in ["status:32", "status:33"] {
            standins.fault(System::Mokka, "finish", fault.parse().unwrap(), 1).unwrap();
        }
    }
}

impl Shop {
    /// Makes the stored history one that a longer life would have left.
    async fn rewrite_history(&self, rewrite: impl FnOnce(&mut Vec<AttributeValue>)) {
        let edit = |item: &mut HashMap<String, AttributeValue>| {
            let mut history = item["history"].as_l().unwrap().clone();
            rewrite(&mut history);
            item.insert("history".to_owned(), AttributeValue::L(history));
        };
        self.story.environment.edit("order-holds", &format!("payment#{}", self.payment), edit).await;
    }
}

#[tokio::test]
async fn refusals_are_counted_and_not_written_line_by_line() {
    let shop = refused().await;
    for _ in 0..120 {
        shop.story.capture(&shop.payment).await;
        shop.story.environment.advance(Duration::from_mins(10));
        shop.story.environment.tick().await;
    }
    let calls = shop.called().iter().filter(|method| **method == "finish").count();
    let seen = shop.look().await;
    assert!(calls > 20, "it is tried again when it is due");
    assert_eq!(seen["refusals"], json!(calls));
    assert!(seen["history"].as_array().unwrap().len() <= 10, "{}", seen["history"]);
    shop.story.environment.standins().clear_faults();
    assert_eq!(shop.finish().await.status, 200, "an operator is not kept out by them");
}

#[tokio::test]
async fn a_full_history_makes_room_for_money() {
    let shop = refused().await;
    shop.story.capture(&shop.payment).await;
    shop.rewrite_history(|history| {
        let line = history.last().cloned().unwrap();
        // As a release without a bound could write it: one line more, and the item is larger than an item may be.
        let AttributeValue::M(fields) = &line else { panic!("a map") };
        let bytes: usize = fields.iter().map(|(name, value)| name.len() + 8 + value.as_s().map_or(10, String::len)).sum();
        history.extend(std::iter::repeat_n(line, (400 * 1024 - 4000) / bytes));
    })
    .await;
    shop.story.environment.advance(Duration::from_hours(1));
    shop.story.environment.tick().await;
    shop.story.environment.standins().clear_faults();
    shop.story.environment.advance(Duration::from_hours(1));
    shop.story.environment.tick().await;
    assert_eq!(shop.mokka().finishes, 1);
    let seen = shop.look().await;
    let history = seen["history"].as_array().unwrap();
    let states: Vec<_> = history.iter().filter(|step| step["action"].is_null()).map(|step| step["state"].clone()).collect();
    assert_eq!(states, ["creating", "pending", "held", "finishing", "captured"], "what it came to is all there");
    assert!(history.len() <= 510, "{}", history.len());
    shop.story.environment.poll_stream().await;
    let told = shop.story.environment.standins().calls_to(System::Imshop, "payment_status");
    assert_eq!(told.len(), 1, "lines that are gone do not make IMSHOP hear it twice, or never");
    assert_eq!(shop.look().await["told"], json!(true));
}

#[tokio::test]
async fn what_people_ask_for_has_a_limit_of_its_own() {
    let shop = Shop::held().await;
    assert_eq!(shop.change("3000.00").await.status, 200);
    shop.rewrite_history(|history| {
        let line = history.last().cloned().unwrap();
        let held = history[2].clone();
        // Steps that were not asked for do not count.
        history.extend(std::iter::repeat_n(held, 30));
        history.extend(std::iter::repeat_n(line, 497));
    })
    .await;
    assert_eq!(shop.change("2900.00").await.status, 200, "the 500th line is the answer's");
    assert_refused(&shop.change("2800.00").await, 409, "too_many_steps", "501");
}

#[tokio::test]
async fn trimmed_history_is_published_to_its_end() {
    let shop = refused().await;
    shop.story.capture(&shop.payment).await;
    shop.rewrite_history(|history| {
        let line = history.last().cloned().unwrap();
        history.extend(std::iter::repeat_n(line, 900));
    })
    .await;
    shop.story.environment.advance(Duration::from_hours(25));
    assert_eq!(shop.story.create(&shop.order).await.json()["paymentId"], json!(shop.order.payment(2)));
    let pumped = tokio::time::timeout(Duration::from_mins(1), shop.story.environment.poll_stream()).await;
    assert!(pumped.is_ok(), "it is written and told without end");
    let seen = shop.look().await;
    assert_eq!((&seen["state"], &seen["told"]), (&json!("expired"), &json!(true)));
}
