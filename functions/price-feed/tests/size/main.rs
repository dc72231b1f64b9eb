//! The deployed program, given its event by a runtime as Lambda has one, reads a large feed in little memory: `OFFERS` offers
//! (50,000 without it; `.ci/run` plays 500,000).

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "what was measured, for the documents")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use testkit::{Program, TestEnvironment, event_file};
use tokio::net::TcpListener;

/// A quarter of what the function has: a feed of two million must fit, too.
const MEMORY_KIB: u64 = 256 * 1024;
/// How many go over the line at once.
const PIECE: u32 = 500;

fn offers() -> u32 {
    testkit::size("OFFERS", 50_000)
}

/// A feed as shops have it: grouped by product, with a text for each offer; 500 bytes an offer.
fn pieces() -> impl Iterator<Item = String> + Send {
    let head = "<?xml version=\"1.0\"?><yml_catalog><shop><offers>".to_owned();
    let offers = (0..offers() / PIECE).map(|piece| (piece * PIECE..(piece + 1) * PIECE).map(offer).collect());
    std::iter::once(head).chain(offers).chain(std::iter::once("</offers></shop></yml_catalog>".to_owned()))
}

fn offer(number: u32) -> String {
    let (group, price, text) = (number / 4, number / 4 % 9_000 + 100, "Описание товара, каких много. ".repeat(6));
    format!(
        "<offer id=\"SKU-{number:08}\" group_id=\"PRODUCT-{group:07}\" available=\"true\"><name>Товар {number}</name>\
         <price>{price}.00</price><currencyId>RUB</currencyId><description>{text}</description></offer>\n"
    )
}

/// Serves the feed.
async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let feed = async || Body::from_stream(stream::iter(pieces()).map(Ok::<_, std::io::Error>));
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/feed.yml", get(feed))).await });
    format!("http://{address}/feed.yml")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_feed_fits_into_a_quarter_of_a_gigabyte() {
    let environment = TestEnvironment::start_now().await;
    let mut settings = environment.env();
    settings.insert("PRICE_FEED_URL".to_owned(), serve().await);
    settings.insert("LOG_LEVEL".to_owned(), "error".to_owned());
    let mut program = Program::start(env!("CARGO_BIN_EXE_price-feed"), settings, vec![event_file("price-feed")]).await;
    let answer = program.answer().await;
    let peak = program.peak_kib();
    let writes = environment.store_calls().into_iter().filter(|call| call == "BatchWriteItem").count();
    println!("{} offers: {peak} KiB at most, {writes} batches, {answer}", offers());
    assert_eq!((&answer["outcome"], &answer["offers"], &answer["bad"]), (&json!("loaded"), &json!(offers()), &json!(0)));
    assert!(peak < MEMORY_KIB, "{peak} KiB");
    let buckets = answer["buckets"].as_u64().unwrap();
    // Full batches; some go twice when a busy machine answers late.
    assert!(u64::try_from(writes).unwrap() <= buckets.div_ceil(25) * 5 / 4, "{writes} for {buckets} buckets");
    let units = write_units(&environment).await;
    println!("{units} write units");
    assert!(units <= u64::from(offers()) / 35, "{units}");
}

/// What DynamoDB counts for the buckets: their kilobytes, each rounded up.
async fn write_units(environment: &TestEnvironment) -> u64 {
    let (mut units, mut from) = (0, None);
    loop {
        let page = environment.dynamodb().scan().table_name("quotes").set_exclusive_start_key(from).send().await.unwrap();
        for item in page.items.unwrap_or_default() {
            units += item_bytes(&item).div_ceil(1024);
        }
        from = page.last_evaluated_key;
        if from.is_none() {
            return units;
        }
    }
}

/// An item's size as DynamoDB documents it: names, texts, a byte for every two digits, and the overhead of maps.
#[expect(clippy::wildcard_enum_match_arm, reason = "a bucket has no others")]
fn item_bytes(item: &HashMap<String, AttributeValue>) -> u64 {
    fn value_bytes(value: &AttributeValue) -> u64 {
        let bytes = |length: usize| u64::try_from(length).unwrap();
        match value {
            AttributeValue::S(text) => bytes(text.len()),
            AttributeValue::N(number) => bytes(number.len()).div_ceil(2) + 1,
            AttributeValue::Null(_) | AttributeValue::Bool(_) => 1,
            AttributeValue::M(map) => 3 + map.iter().map(|(name, value)| bytes(name.len()) + value_bytes(value) + 1).sum::<u64>(),
            other => unreachable!("a bucket has no {other:?}"),
        }
    }
    item.iter().map(|(name, value)| u64::try_from(name.len()).unwrap() + value_bytes(value)).sum()
}
