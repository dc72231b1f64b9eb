//! What runs by the clock says when it ran last.

use std::time::Duration;

use serde_json::{Value, json};
use shared::platform::clock::Timestamp;
use testkit::settings::VIEWER_KEY;

use crate::{Story, get};

async fn runs(story: &Story) -> Vec<Value> {
    let answer = story.back_office(get("runs").key(VIEWER_KEY).rest()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["runs"].as_array().unwrap().clone()
}

fn run<'a>(runs: &'a [Value], name: &str) -> Option<&'a Value> {
    runs.iter().find(|run| run["name"] == name)
}

#[tokio::test]
async fn last_run_is_there_with_its_end_and_nothing_of_what_has_not_run() {
    let story = Story::start().await;
    assert!(runs(&story).await.is_empty());
    let first = story.environment.clock().now();
    story.environment.tick().await;
    let found = runs(&story).await;
    let reconcile = run(&found, "reconcile").unwrap();
    assert_eq!(reconcile["failed"], json!(false));
    for moment in ["began_at", "ended_at"] {
        let at = Timestamp::from_rfc3339(reconcile[moment].as_str().unwrap()).unwrap();
        assert!(at.since(first) < Duration::from_mins(1), "{reconcile}");
    }
    assert_eq!(run(&found, "reconcile-0"), None);
    story.environment.advance(Duration::from_hours(1));
    story.environment.tick().await;
    let later = runs(&story).await;
    assert!(run(&later, "reconcile").unwrap()["began_at"].as_str() > reconcile["began_at"].as_str());
}
