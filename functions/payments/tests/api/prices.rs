//! A cart without prices is estimated by the shop's product feed, where that changes the list.

use std::time::Duration;

use serde_json::{Value, json};
use standins::System;
use testkit::{Answer, StoreFault, TestEnvironment, worker};

use crate::widget::PATIENT;
use crate::{ask, post};

async fn list(deps: &payments::Deps, items: &Value) -> Answer {
    ask(deps, post().json(json!({"items": items})).rest()).await
}

/// An environment whose feed has been read: kettle-1 costs 4990.00, cup-7 350.00.
async fn environment() -> TestEnvironment {
    let environment = TestEnvironment::start().await.with(vec![worker!(price_feed)], &[]);
    assert_eq!(environment.load_prices().await["outcome"], "loaded");
    drop(environment.store_calls());
    environment
}

#[tokio::test]
async fn a_cart_without_prices_is_shown_what_it_costs_by_the_feed() {
    let environment = environment().await;
    let deps = environment.build(payments::Deps::from_env, &[PATIENT]);
    let bare = json!([{"configurationId": "kettle-1"}, {"configurationId": "cup-7", "quantity": 6}]);
    let answer = list(&deps, &bare).await;
    payments::finish(&deps).await;
    assert!(answer.json()["payments"][1]["widget"].is_object(), "{}", answer.body);
    assert!(environment.logs().contains("the amount is an estimate by the product feed"));
    assert_eq!(
        environment.store_calls(),
        ["GetItem", "BatchGetItem", "GetItem", "UpdateItem"],
        "the list in force, its prices, the plan"
    );
    assert_eq!(list(&deps, &bare).await, answer);
    assert!(environment.store_calls().is_empty(), "known in memory");
    assert_eq!(list(&deps, &json!([{"quantity": 1, "subtotal": 7090}])).await, answer, "what the cart says itself");
    assert!(environment.store_calls().is_empty());
    let unknown = list(&deps, &json!([{"configurationId": "kettle-1"}, {"configurationId": "samovar"}])).await;
    assert!(unknown.json()["payments"][1]["widget"].is_null(), "never a guess: {}", unknown.body);
    assert_eq!(environment.standins().call_count(System::Mokka, "schedule"), 1);
}

#[tokio::test]
async fn a_rule_over_the_amount_goes_by_the_feed() {
    let environment = environment().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payments.toml");
    let method = |id, rest| format!("[[method]]\nid = \"{id}\"\ntitle = \"A\"\ntype = \"cash\"\n{rest}\n");
    let ids = |answer: &Answer| {
        let answer = answer.json();
        answer["payments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|payment| payment["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let kettle = json!([{"configurationId": "kettle-1", "quantity": 1}]);
    let rules = [
        method("any", ""),
        method("small", "when = { amount = { max = 4989.99 } }"),
        method("large", "when = { amount = { min = 4990 } }"),
    ];
    std::fs::write(&file, rules.concat()).unwrap();
    let config = ("PAYMENTS_CONFIG", file.to_str().unwrap());
    let deps = environment.build(payments::Deps::from_env, &[PATIENT, config]);
    assert_eq!(ids(&list(&deps, &kettle).await), ["any", "large"]);
    let without = environment.build(payments::Deps::from_env, &[PATIENT, config, ("PRICE_FEED_URL", "")]);
    assert_eq!(ids(&list(&without, &kettle).await), ["any", "small", "large"], "what is not known hides nothing");
    // The feed was not read for too long.
    environment.advance(Duration::from_hours(49));
    assert_eq!(ids(&list(&deps, &kettle).await), ["any", "small", "large"]);
    // What no rule asks for is not looked up.
    std::fs::write(&file, method("any", "when = { quantity = { max = 3 } }")).unwrap();
    let deps = environment.build(payments::Deps::from_env, &[PATIENT, config]);
    drop(environment.store_calls());
    assert_eq!(ids(&list(&deps, &kettle).await), ["any"]);
    assert!(environment.store_calls().is_empty());
}

#[tokio::test]
async fn prices_unread_in_time_cost_only_the_widget() {
    let environment = environment().await;
    let kettle = json!([{"configurationId": "kettle-1", "quantity": 1}]);
    let dead = environment.build(payments::Deps::from_env, &[PATIENT, ("DYNAMODB_ENDPOINT", "http://127.0.0.1:9")]);
    let slow = environment.build(payments::Deps::from_env, &[("PAYMENTS_BUDGET_MS", "200")]);
    for (name, deps) in [("dead", dead), ("slow", slow)] {
        environment.choose_store_faults(|_| Some(StoreFault::Late(1000)));
        let answer = list(&deps, &kettle).await;
        assert_eq!(answer.json()["payments"].as_array().map(Vec::len), Some(2), "{name}: {}", answer.body);
        assert!(answer.json()["payments"][1]["widget"].is_null(), "{name}: {}", answer.body);
    }
}
