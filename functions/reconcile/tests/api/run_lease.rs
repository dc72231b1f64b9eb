//! One run at a time: the others find the lease taken, and that of a run that died expires.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::platform::runtime::Worker;
use standins::{Fault, System};
use testkit::work;

use crate::{Story, forgotten};

const HANDLE: Worker<reconcile::Deps> = |deps, event| Box::pin(reconcile::handle(deps, event));

#[tokio::test]
async fn parallel_runs_share_one_lease_and_poll_once() {
    let story = Story::start().await;
    let payment = forgotten(&story).await;
    story.environment.advance(Duration::from_secs(301));
    let asked = story.environment.standins().calls_to(System::Mokka, "status").len();
    let deps = story.environment.build(reconcile::Deps::from_env, &[]);
    let runs = join_all((0..5).map(|_| work(&deps, HANDLE, json!({})))).await;
    let due: u64 = runs.iter().map(|run| run.as_ref().unwrap()["due"].as_u64().unwrap()).sum();
    assert_eq!(due, 1, "{runs:?}");
    assert_eq!(story.environment.standins().calls_to(System::Mokka, "status").len(), asked + 1);
    assert!(story.environment.logs().contains("another run holds the run lease"));
    assert_eq!(story.state(&payment).await, "captured");
}

#[tokio::test]
async fn lease_of_a_dead_run_expires() {
    let story = Story::start().await;
    let payment = forgotten(&story).await;
    story.environment.advance(Duration::from_secs(301));
    let deps = story.environment.build(reconcile::Deps::from_env, &[]);
    // Mokka does not answer in time, and the run ends as Lambda ends it.
    story.environment.standins().fault(System::Mokka, "status", Fault::Timeout, 10).unwrap();
    let ended = tokio::time::timeout(Duration::from_millis(500), work(&deps, HANDLE, json!({}))).await;
    assert!(ended.is_err(), "{ended:?}");
    story.environment.standins().clear_faults();
    story.environment.advance(Duration::from_secs(50));
    assert_eq!(story.environment.tick().await["due"], 0, "it is not over yet");
    story.environment.advance(Duration::from_secs(6));
    assert_eq!(story.environment.tick().await["due"], 1);
    assert_eq!(story.state(&payment).await, "captured");
    assert_eq!(story.environment.tick().await["due"], 0, "and the next run has its turn at once");
}
