use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, StreamViewType};
use emulators::template::{TEMPLATE, Template};
use sandbox::functions::Everything;
use serde_json::json;
use testkit::{Cast as _, TestEnvironment};

use crate::stream::open_as;

const TABLE: &str = "order-holds";

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

async fn put(client: &Client, key: &str, attributes: &[(&str, AttributeValue)]) {
    let mut put = client.put_item().table_name(TABLE).item("pk", text(key));
    for (name, value) in attributes {
        put = put.item(*name, value.clone());
    }
    put.send().await.unwrap();
}

/// The keys that an index has under `hash`, up to `until`, in its order.
async fn query(client: &Client, index: &str, hash: (&str, &str), until: Option<(&str, i64)>) -> Vec<String> {
    let mut query = client.query().table_name(TABLE).index_name(index);
    query = query.expression_attribute_names("#hash", hash.0).expression_attribute_values(":hash", text(hash.1));
    query = match until {
        None => query.key_condition_expression("#hash = :hash"),
        Some((range, limit)) => query
            .expression_attribute_names("#range", range)
            .expression_attribute_values(":until", number(limit))
            .key_condition_expression("#hash = :hash AND #range <= :until"),
    };
    let items = query.send().await.unwrap().items.unwrap_or_default();
    items.iter().map(|item| item["pk"].as_s().unwrap().clone()).collect()
}

#[tokio::test]
async fn due_payments_are_found_by_time_and_leave_index_when_unplanned() {
    let environment = TestEnvironment::start().await;
    let client = environment.dynamodb();
    let plan = |shard: &str, at: i64| vec![("check_shard", text(shard)), ("check_at", number(at))];
    put(client, "payment#late", &plan("3", 3000)).await;
    put(client, "payment#early", &plan("3", 1000)).await;
    put(client, "payment#tenth", &plan("3", 10_000)).await;
    put(client, "payment#elsewhere", &plan("4", 1000)).await;
    put(client, "payment#at-rest", &[("check_shard", text("3"))]).await;
    let due = async |until| query(client, "due", ("check_shard", "3"), Some(("check_at", until))).await;
    assert_eq!(due(999).await, Vec::<String>::new());
    assert_eq!(due(3000).await, ["payment#early", "payment#late"]);
    // By number, not by letter: 10000 comes last.
    assert_eq!(due(10_000).await, ["payment#early", "payment#late", "payment#tenth"]);
    put(client, "payment#early", &[("check_shard", text("3"))]).await;
    put(client, "payment#late", &plan("3", 5000)).await;
    assert_eq!(due(3000).await, Vec::<String>::new());
    assert_eq!(due(10_000).await, ["payment#late", "payment#tenth"]);
}

#[tokio::test]
async fn an_index_holds_the_keys_only() {
    let environment = TestEnvironment::start().await;
    let client = environment.dynamodb();
    put(client, "payment#1-1", &[("state", text("held")), ("moved_at", number(1)), ("phone", text("secret"))]).await;
    let query = client.query().table_name(TABLE).index_name("by-state").key_condition_expression("#state = :state");
    let query = query.expression_attribute_names("#state", "state").expression_attribute_values(":state", text("held"));
    let items = query.send().await.unwrap().items.unwrap();
    let mut names: Vec<_> = items[0].keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["moved_at", "pk", "state"]);
    let keys = KeysAndAttributes::builder().keys([("pk".to_owned(), items[0]["pk"].clone())].into()).build().unwrap();
    let read = client.batch_get_item().request_items(TABLE, keys).send().await.unwrap();
    assert_eq!(read.responses.unwrap()[TABLE][0]["phone"], text("secret"));
}

#[tokio::test]
async fn an_order_is_found_with_its_payments_and_trouble_oldest_first() {
    let environment = TestEnvironment::start().await;
    let client = environment.dynamodb();
    for key in ["payment#7-2", "order#u", "payment#7-1"] {
        put(client, key, &[("order_id", text("7"))]).await;
    }
    put(client, "payment#8-1", &[("order_id", text("8"))]).await;
    let found = query(client, "by-order", ("order_id", "7"), None).await;
    assert_eq!(found, ["order#u", "payment#7-1", "payment#7-2"]);

    let trouble = |since: i64| vec![("attention", text("open")), ("troubled_since", number(since))];
    put(client, "payment#7-1", &trouble(20)).await;
    put(client, "payment#7-2", &trouble(9)).await;
    assert_eq!(query(client, "attention", ("attention", "open"), None).await, ["payment#7-2", "payment#7-1"]);
    put(client, "payment#7-2", &[]).await;
    assert_eq!(query(client, "attention", ("attention", "open"), None).await, ["payment#7-1"]);
}

#[tokio::test]
async fn only_what_carries_an_expiry_goes_away_after_it() {
    let environment = TestEnvironment::start().await.with(Everything::functions(), &[]);
    let client = environment.dynamodb();
    let in_an_hour = environment.clock().now().plus(Duration::from_hours(1)).seconds();
    put(client, "registration#r", &[("expires_at", number(in_an_hour))]).await;
    put(client, "document#7-1#0", &[("expires_at", number(in_an_hour + 86_400))]).await;
    put(client, "payment#7-1", &[]).await;
    environment.sweep();
    assert!(environment.item(TABLE, "registration#r").await.is_some());
    environment.advance(Duration::from_hours(2));
    environment.sweep();
    assert_eq!(environment.item(TABLE, "registration#r").await, None);
    assert!(environment.item(TABLE, "document#7-1#0").await.is_some());
    assert_eq!(environment.item(TABLE, "payment#7-1").await, Some(json!({"pk": "payment#7-1"})));
    // Going away is a change, too, but none that anybody is told of.
    assert_eq!(environment.poll_stream().await, 0);
}

/// A folder from before the table had indexes and a stream: it gets them, and what it holds is found by them.
#[tokio::test]
async fn a_folder_of_an_older_sandbox_gets_what_the_template_has_now() {
    let folder = tempfile::tempdir().unwrap();
    let mut older = Template::read(TEMPLATE).unwrap();
    for table in &mut older.tables {
        (table.indexes, table.stream, table.ttl_attribute) = (Vec::new(), None, None);
    }
    let (_, client) = open_as(Some(folder.path()), &older).await;
    put(&client, "order#u", &[("order_id", text("7"))]).await;
    drop(client);
    let (_, client) = open_as(Some(folder.path()), &Template::read(TEMPLATE).unwrap()).await;
    assert_eq!(query(&client, "by-order", ("order_id", "7"), None).await, ["order#u"]);
    let described = client.describe_table().table_name(TABLE).send().await.unwrap().table.unwrap();
    assert_eq!(described.global_secondary_indexes().len(), 5);
    assert_eq!(described.stream_specification().and_then(|stream| stream.stream_view_type()), Some(&StreamViewType::NewImage));
    let ttl = client.describe_time_to_live().table_name(TABLE).send().await.unwrap().time_to_live_description.unwrap();
    assert_eq!(ttl.attribute_name(), Some("expires_at"));
}
