//! How the work grows with the shop: when each payment is really looked at, by the schedule played to its end, and from that the
//! minutes of a busy month, reckoned by a clock of its own.

use std::time::Duration;

use serde_json::json;
use shared::payments::store::Orders;
use shared::platform::runtime::Worker;
use standins::System;
use testkit::work;

use crate::{FIRST_LOOK, Story, forgotten, pending};

const HANDLE: Worker<reconcile::Deps> = |deps, event| Box::pin(reconcile::handle(deps, event));
const DAY: usize = 24 * 60;
/// Looks of one copy in a minute: 32 together for 41 s, each with four calls of 200 ms and what the store takes (`pace` counts the
/// calls of the dearest look).
const A_MINUTE: f64 = 32.0 * 41.0 / (4.0 * 0.2 + 0.02);
/// Of ten customers so many leave on Mokka's page, and are looked for until the page's time is over.
const LEAVE: f64 = 0.3;

/// The minutes after its creation at which the schedule looks at a payment, until nothing is planned any more.
async fn looks(story: &Story, payment: &str) -> Vec<usize> {
    let began = story.environment.clock().now();
    let mut looks = Vec::new();
    while let Some(at) = story.payment(payment).await["check_at"].as_i64() {
        let now = story.environment.clock().now();
        story
            .environment
            .advance(Duration::from_millis(u64::try_from(at - now.millis()).unwrap_or(0)) + Duration::from_millis(1));
        let asked = story.environment.standins().calls_to(System::Mokka, "status").len();
        story.environment.tick().await;
        let again = story.environment.standins().calls_to(System::Mokka, "status").len();
        assert_eq!(again, asked + 1, "{payment}: one look, one question");
        looks.push(usize::try_from(story.environment.clock().now().since(began).as_secs() / 60).unwrap());
    }
    looks
}

/// How many minutes late the latest look of a day is when `orders` come in a month, three times as many in the evening as at night, and
/// `waiting` looks are due at its beginning. Each of the copies has its own partitions.
fn latest(looks: &[(f64, Vec<usize>)], orders: f64, waiting: f64, copies: f64) -> f64 {
    let mean = orders / (30.0 * 24.0 * 60.0);
    let come = |minute: usize| {
        mean * (1.0 - 0.5 * (std::f64::consts::TAU * f64::from(u32::try_from(minute % DAY).unwrap()) / 1440.0).cos())
    };
    // Every day is like the one before, so that a look planned some days ago is one of this day's.
    let due = |minute: usize| {
        let of = |(share, at): &(f64, Vec<usize>)| at.iter().map(|after| share * come(minute + 60 * DAY - after)).sum::<f64>();
        looks.iter().map(of).sum::<f64>()
    };
    let (mut behind, mut latest) = (waiting, 0.0_f64);
    for minute in 0..3 * DAY {
        behind = (behind + due(minute) - copies * A_MINUTE).max(0.0);
        latest = latest.max(behind / (copies * A_MINUTE));
    }
    latest
}

#[tokio::test]
async fn eight_runs_keep_up_with_ten_million_orders_a_month() {
    let story = Story::start().await;
    let (_, left) = pending(&story).await;
    let left = looks(&story, &left).await;
    let paid = forgotten(&story).await;
    story.capture(&paid).await;
    story.environment.poll_stream().await;
    let paid = looks(&story, &paid).await;
    assert!(left.len() > 10 && paid.len() >= 3, "{left:?} {paid:?}");
    let looks = [(LEAVE, left), (1.0 - LEAVE, paid)];
    let copies = |copies: usize| f64::from(u32::try_from(copies).unwrap());
    let all = copies(Orders::shards().count());
    assert!(latest(&looks, 2e6, 0.0, 1.0) < 1.0, "one copy, two million");
    assert!(latest(&looks, 1e7, 0.0, all) < 1.0, "a copy for each partition, ten million");
    assert!(latest(&looks, 1e7, 0.0, 1.0) > 10.0, "one copy falls behind, and this would see it");
    // After an outage, whatever its length.
    assert!(latest(&looks, 1e6, 10_000.0, 1.0) < 10.0, "ten thousand waiting");
}

#[tokio::test]
async fn a_run_for_each_partition_leaves_nothing_and_each_costs_two_queries() {
    let story = Story::start().await;
    let mut payments = Vec::new();
    for _ in 0..20 {
        payments.push(forgotten(&story).await);
    }
    story.environment.advance(FIRST_LOOK);
    let deps = story.environment.build(reconcile::Deps::from_env, &[]);
    let asked = story.environment.standins().calls_to(System::Mokka, "status").len();
    let runs = Orders::shards().map(|shard| {
        let deps = &deps;
        async move {
            // Twice, as while schedules are changed, and with a run for all.
            let event = json!({"shard": shard});
            let (one, two) = tokio::join!(work(deps, HANDLE, event.clone()), work(deps, HANDLE, event));
            one.unwrap()["due"].as_u64().unwrap() + two.unwrap()["due"].as_u64().unwrap()
        }
    });
    let due = futures_util::future::join_all(runs).await;
    assert_eq!(due.iter().sum::<u64>(), 20, "{due:?}");
    assert!(due.iter().filter(|due| **due > 0).count() > 3, "they are spread: {due:?}");
    assert_eq!(story.environment.standins().calls_to(System::Mokka, "status").len(), asked + 20);
    for payment in &payments {
        assert_eq!(story.state(payment).await, "captured", "{payment}");
    }
    drop(story.environment.store_calls());
    assert_eq!(work(&deps, HANDLE, json!({"shard": "7"})).await.unwrap()["due"], 0);
    assert_eq!(story.environment.store_calls(), ["UpdateItem", "Query", "Query", "UpdateItem"]);
}

#[tokio::test]
async fn a_partition_that_is_none_is_named_and_nothing_is_done() {
    let story = Story::start().await;
    let deps = story.environment.build(reconcile::Deps::from_env, &[]);
    drop(story.environment.store_calls());
    for shard in [json!("8"), json!(0), json!(null), json!(""), json!(["0"])] {
        let refused = work(&deps, HANDLE, json!({"shard": shard})).await.unwrap_err().to_string();
        assert!(refused.contains("shard must be one of") && refused.contains("\"7\""), "{refused}");
    }
    assert_eq!(story.environment.store_calls(), [""; 0]);
}
