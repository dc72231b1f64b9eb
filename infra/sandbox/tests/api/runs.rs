//! What runs by the clock and fails, as the back office shows it.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use sandbox::functions::Story;
use serde_json::{Value, json};
use standins::{Fault, System};
use testkit::Event;
use testkit::settings::VIEWER_KEY;

async fn run(story: &Story, name: &str) -> Value {
    let answer = story.back_office(Event::new("GET", "/v1/back-office/runs").key(VIEWER_KEY).rest()).await.json();
    answer["runs"].as_array().unwrap().iter().find(|run| run["name"] == name).unwrap().clone()
}

#[tokio::test]
async fn run_that_failed_says_so_until_the_next_one() {
    let story = Story::start().await;
    story.environment.watch_sms().await;
    story.environment.standins().fault(System::Shop, "feed", Fault::Http500, 10).unwrap();
    assert!(AssertUnwindSafe(story.environment.load_prices()).catch_unwind().await.is_err());
    assert_eq!(run(&story, "sms-watch").await["failed"], json!(false));
    let price_feed = run(&story, "price-feed").await;
    assert!(price_feed["failed"] == json!(true) && price_feed["ended_at"].is_string(), "{price_feed}");
    story.environment.standins().clear_faults();
    story.environment.load_prices().await;
    assert_eq!(run(&story, "price-feed").await["failed"], json!(false));
}
