//! One run at a time: SMSPRO is asked once, each SMS is counted once, and the lease of a run that died expires.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::platform::runtime::Worker;
use standins::{Fault, System};
use testkit::work;

use crate::{LOST, OVER, Shop, phone};

const HANDLE: Worker<sms_watch::Deps> = |deps, event| Box::pin(sms_watch::handle(deps, event));

/// A shop with an SMS whose report was lost and is to be asked for.
async fn forgotten() -> Shop {
    let shop = Shop::start().await;
    shop.reports(&phone(1), LOST);
    shop.send(&phone(1)).await;
    shop.environment.advance(OVER);
    shop
}

#[tokio::test]
async fn parallel_runs_share_one_lease() {
    let shop = forgotten().await;
    let deps = shop.environment.build(sms_watch::Deps::from_env, &[]);
    let runs = join_all((0..5).map(|_| work(&deps, HANDLE, json!({})))).await;
    let sums = |name: &str| runs.iter().map(|run| run.as_ref().unwrap()[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sums("due"), sums("counted"), sums("asked"), shop.asked()), (1, 1, 1, 1), "{runs:?}");
    assert_eq!(shop.environment.logs().matches("another run holds the run lease").count(), 4);
}

#[tokio::test]
async fn lease_of_a_dead_run_expires() {
    let shop = forgotten().await;
    let deps = shop.environment.build(sms_watch::Deps::from_env, &[]);
    shop.environment.standins().fault(System::Smspro, "dr", Fault::Timeout, 1).unwrap();
    let ended = tokio::time::timeout(Duration::from_millis(500), work(&deps, HANDLE, json!({}))).await;
    assert!(ended.is_err(), "{ended:?}");
    shop.environment.standins().clear_faults();
    let waited = async || {
        shop.environment.watch_sms().await;
        shop.environment.logs().matches("another run holds the run lease").count()
    };
    assert_eq!(waited().await, 1, "it is not over yet");
    shop.environment.advance(Duration::from_secs(50));
    assert_eq!(waited().await, 2);
    shop.environment.advance(Duration::from_secs(6));
    assert_eq!(waited().await, 2, "the next run has its turn");
    assert_eq!(waited().await, 2, "and gives it back");
}
