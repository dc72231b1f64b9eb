//! What is read from elsewhere than the wire: feeds, and items that another release, or a hand, has left in the tables.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sandbox::functions::Story;
use serde_json::Value;
use testkit::settings::{CASHIER_KEY, IMSHOP_KEY, SHOP_KEY};
use testkit::{Event, event_file, work};

use crate::input::{corpus, inputs};
use crate::trial::try_all;
use crate::wire::runtime;

#[test]
fn a_feed_is_loaded_or_refused_and_never_loaded_by_halves() {
    let runtime = runtime();
    let (story, deps) = runtime.block_on(async {
        let story = Story::start().await;
        let deps = story.environment.build(price_feed::Deps::from_env, &[]);
        (story, deps)
    });
    let files = corpus("feeds");
    try_all(&inputs(files.clone()), files, |input| {
        let load = || {
            story.environment.standins().set_shop_feed(input.to_vec());
            runtime.block_on(work(&deps, |deps, event| Box::pin(price_feed::handle(deps, event)), event_file("price-feed")))
        };
        match load() {
            Err(error) if error.to_string().is_empty() => Err("nothing is said".to_owned()),
            Ok(report) if report["outcome"] == "loaded" => match load() {
                Ok(again) if again["outcome"] == "unchanged" => Ok(()),
                other => Err(format!("{report}, and then {other:?}")),
            },
            Ok(_) | Err(_) => Ok(()),
        }
    });
}

/// Items that a request reads: of an order, of the attempt to pay it, of a form.
const KEYS: [&str; 2] = ["order#order-uuid-1", "payment#1001-1"];
const TABLE: &str = "order-holds";

/// A value as DynamoDB's JSON has it.
fn attribute(value: &Value) -> Option<AttributeValue> {
    let (kind, content) = value.as_object()?.iter().next()?;
    let text = content.as_str().map(str::to_owned);
    match kind.as_str() {
        "S" => text.map(AttributeValue::S),
        "N" => text.map(AttributeValue::N),
        "BOOL" => content.as_bool().map(AttributeValue::Bool),
        "NULL" => Some(AttributeValue::Null(true)),
        "L" => content.as_array()?.iter().map(attribute).collect::<Option<_>>().map(AttributeValue::L),
        "M" => {
            let fields = content.as_object()?.iter().map(|(name, value)| Some((name.clone(), attribute(value)?)));
            fields.collect::<Option<_>>().map(AttributeValue::M)
        }
        _ => None,
    }
}

async fn put(story: &Story, item: HashMap<String, AttributeValue>) -> bool {
    story.environment.dynamodb().put_item().table_name(TABLE).set_item(Some(item)).send().await.is_ok()
}

/// What reads the items.
fn readers() -> [Event; 6] {
    let imshop = |body: Value| Event::post("/v1/acquiring").key(IMSHOP_KEY).json(body);
    [
        Event::new("GET", "/v1/back-office/orders/1001").key(CASHIER_KEY),
        Event::new("GET", "/v1/back-office/payments/1001-1").key(CASHIER_KEY),
        Event::new("GET", "/v1/back-office/payments").query("state", "pending").key(CASHIER_KEY),
        imshop(serde_json::json!({"command": "capture", "paymentMethodId": "mokka", "paymentId": "1001-1"})),
        imshop(
            serde_json::json!({"command": "create", "paymentMethodId": "mokka", "orderUuid": "order-uuid-1", "orderId": "1001"}),
        ),
        Event::new("PUT", "/v1/orders/order-uuid-1").key(SHOP_KEY).json(serde_json::json!({"orderId": "1001", "amount": 1})),
    ]
}

#[test]
fn a_strange_item_is_answered_and_spoils_no_other() {
    let runtime = runtime();
    let (story, items) = runtime.block_on(async {
        let story = Story::start().await;
        let order = story.order().await;
        story.create(&order).await;
        let mut items = Vec::new();
        for key in KEYS {
            let found = story
                .environment
                .dynamodb()
                .get_item()
                .table_name(TABLE)
                .key("pk", AttributeValue::S(key.to_owned()))
                .send()
                .await;
            items.push(found.unwrap().item.unwrap());
        }
        (story, items)
    });
    let strange = inputs(corpus("items"));
    let changes = (select(&[0_usize, 1][..]), any::<Index>(), any::<bool>(), strange).boxed();
    try_all(&changes, [], |(which, place, is_removed, bytes)| {
        let mut item = items[which].clone();
        let mut names: Vec<_> = item.keys().filter(|name| *name != "pk").cloned().collect();
        names.sort();
        let name = names[place.index(names.len())].clone();
        let value = serde_json::from_slice(&bytes).ok().and_then(|value| attribute(&value));
        match value {
            Some(value) if !is_removed => drop(item.insert(name.clone(), value)),
            _ => drop(item.remove(&name)),
        }
        runtime.block_on(async {
            // What DynamoDB itself refuses is not stored.
            if !put(&story, item).await {
                return Ok(());
            }
            for (function, event) in
                ["back-office", "back-office", "back-office", "acquiring", "acquiring", "orders"].into_iter().zip(readers())
            {
                let answer = story.environment.call(function, event.rest()).await;
                if serde_json::from_str::<Value>(&answer.body).is_err() {
                    return Err(format!("{name} of {}: {} {}", KEYS[which], answer.status, answer.body));
                }
            }
            for item in &items {
                assert!(put(&story, item.clone()).await);
            }
            let [_, payment, ..] = readers();
            let answer = story.environment.call("back-office", payment.rest()).await;
            story.environment.sift_logs();
            story.environment.standins().forget_calls();
            if answer.status == 200 { Ok(()) } else { Err(format!("{name} of {}: afterwards {}", KEYS[which], answer.body)) }
        })
    });
}
