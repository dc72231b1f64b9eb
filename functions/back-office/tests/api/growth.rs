//! What a command costs is the same however many orders are stored: round trips, read and write units are counted beside few and many. No
//! command reads by anything but keys, and of an index no more than a page, so that what holds for these numbers holds for any.
//!
//! `STORED` is the largest number (1,000 without it; `.ci/run` plays 10,000).

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use serde_json::json;
use shared::platform::clock::MOSCOW;
use standins::Decision;
use testkit::settings::{CASHIER_KEY, VIEWER_KEY};
use testkit::{Event, size};

use crate::{Story, get, post};

const TABLE: &str = "order-holds";
/// What `DynamoDB` takes at once.
const AT_ONCE: usize = 25;

/// Where the costs are told.
const COSTS: &str = include_str!("../../../../infra/docs/COSTS.md");

type Item = HashMap<String, AttributeValue>;

async fn stored(story: &Story, key: String) -> Item {
    let found = story.environment.dynamodb().get_item().table_name(TABLE).key("pk", AttributeValue::S(key)).send().await.unwrap();
    found.item.unwrap()
}

/// Stores as many orders of other customers as are lacking, each captured and without anything left to do.
async fn fill(story: &Story, model: &(Item, Item), numbers: std::ops::Range<usize>) {
    let text = |text: String| AttributeValue::S(text);
    let pairs = numbers.flat_map(|number| {
        let (mut order, mut payment) = model.clone();
        let (uuid, id, attempt) = (format!("other-{number}"), format!("O{number}"), format!("O{number}-1"));
        order.extend([
            ("pk".to_owned(), text(format!("order#{uuid}"))),
            ("order_uuid".to_owned(), text(uuid.clone())),
            ("order_id".to_owned(), text(id.clone())),
            ("public_id".to_owned(), text(id.clone())),
            ("latest_payment".to_owned(), text(attempt.clone())),
            ("phone".to_owned(), text(format!("7999{number:07}"))),
        ]);
        payment.extend([
            ("pk".to_owned(), text(format!("payment#{attempt}"))),
            ("payment_id".to_owned(), text(attempt)),
            ("order_uuid".to_owned(), text(uuid)),
            ("order_id".to_owned(), text(id)),
        ]);
        [order, payment]
    });
    let writes: Vec<_> = pairs
        .map(|item| WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build())
        .collect();
    for batch in writes.chunks(AT_ONCE) {
        let done = story.environment.dynamodb().batch_write_item().request_items(TABLE, batch.to_vec()).send().await.unwrap();
        assert!(done.unprocessed_items.unwrap_or_default().is_empty());
    }
}

/// What each command cost: its round trips to the store, and the units that it read and wrote.
async fn costs(story: &Story, number: usize) -> Vec<(&'static str, (u64, f64, f64))> {
    let mut costs = Vec::new();
    let environment = &story.environment;
    let mut count = |name| {
        let used = environment.used();
        costs.push((name, (used.store_calls, used.reads, used.writes)));
    };
    let _ = environment.used();
    let order = story.order().await;
    count("order");
    assert_eq!(story.create(&order).await.json()["success"], json!(true));
    count("create");
    let payment = order.payment(1);
    story.decide(&payment, Decision::Approved).await;
    let _ = environment.used();
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    count("callback");
    assert_eq!(story.state(&payment).await, "captured");
    let _ = environment.used();
    assert_eq!(story.capture(&payment).await.json()["success"], json!(true));
    count("capture asked again");
    story.come_back(&payment).await;
    count("return");
    let look = async |event: Event| {
        let answer = story.back_office(event.key(VIEWER_KEY).rest()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    look(get(&format!("orders/{}", order.id))).await;
    count("look at an order");
    look(post("orders/search").json(json!({"public_id": format!("A-{}", order.id)}))).await;
    count("a search for an order");
    let day = environment.clock().now().day(MOSCOW);
    look(get("orders").query("day", &day).query("limit", "1")).await;
    count("orders of a day");
    look(get(&format!("payments/{payment}"))).await;
    count("look at a payment");
    look(get("payments").query("state", "captured").query("limit", "5")).await;
    count("a page of payments");
    let since = environment.clock().now().minus(Duration::from_secs(1)).rfc3339();
    let until = environment.clock().now().plus(Duration::from_secs(1)).rfc3339();
    look(get("payments").query("state", "captured").query("since", &since).query("until", &until).query("min", "1.00")).await;
    count("payments of a period");
    look(get("payments").query("attention", "true")).await;
    count("payments that need a person");
    let event = Event::post(&format!("/v1/back-office/payments/{payment}/refunds")).key(CASHIER_KEY);
    let event = event.header("Idempotency-Key", &format!("refund-{number}"));
    assert_eq!(story.back_office(event.rest()).await.status, 200);
    count("refund");
    environment.poll_stream().await;
    count("publishing");
    environment.tick().await;
    count("a run of reconcile");
    costs
}

#[tokio::test]
async fn a_command_costs_the_same_whatever_is_stored_beside_it() {
    let story = Story::start_with(standins::Options::default(), &[("MOKKA_FINISH", "on_hold")]).await;
    let order = story.order().await;
    story.create(&order).await;
    story.decide(&order.payment(1), Decision::Approved).await;
    story.callback(&order.payment(1), "approved").await;
    story.environment.poll_stream().await;
    let model =
        (stored(&story, format!("order#{}", order.uuid)).await, stored(&story, format!("payment#{}", order.payment(1))).await);
    assert_eq!(model.1["state"], AttributeValue::S("captured".to_owned()));
    story.environment.meter();
    let mut before = 0;
    let mut first = Vec::new();
    let most = usize::try_from(size("STORED", 1_000)).unwrap();
    for number in [10, most.min(1_000), most] {
        fill(&story, &model, before..number).await;
        before = before.max(number);
        // What comes later is newer than the others.
        story.environment.advance(Duration::from_secs(5));
        let costs = costs(&story, number).await;
        if first.is_empty() {
            first.clone_from(&costs);
        }
        assert_eq!(costs, first, "{number} stored orders");
    }
    let rows = first.into_iter().map(|(command, (calls, reads, writes))| format!("| {command} | {calls} | {reads} | {writes} |"));
    let lacking: Vec<_> = rows.filter(|row| !COSTS.contains(row)).collect();
    assert!(lacking.is_empty(), "infra/docs/COSTS.md lacks\n{}", lacking.join("\n"));
}
