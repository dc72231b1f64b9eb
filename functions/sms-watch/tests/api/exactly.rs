//! Whatever is lost, dies or happens at once, an SMS is counted for exactly what came of it.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::platform::runtime::Worker;
use testkit::{drop_after, work};

use super::{LOST, OVER, PhoneReports, SILENCE, Shop, phone};

const HANDLE: Worker<sms_watch::Deps> = |deps, event| Box::pin(sms_watch::handle(deps, event));

/// One SMS entered, one reported, one to be asked for, one lost: together 4 sent, 3 delivered, 1 entered.
async fn four() -> Shop {
    let shop = Shop::start().await;
    shop.reports(&phone(3), LOST);
    shop.reports(&phone(4), SILENCE);
    for number in 1..=4 {
        shop.send(&phone(number)).await;
    }
    shop.environment.push_sms_reports().await;
    shop.enter(&phone(1)).await;
    shop.environment.advance(OVER);
    shop
}

/// Ticks until nothing is due for hours.
async fn tick(shop: &Shop) {
    for _ in 0..5 {
        shop.environment.watch_sms().await;
        shop.environment.advance(Duration::from_mins(30));
    }
}

#[tokio::test]
async fn a_lost_answer_of_the_store_counts_nothing_twice() {
    // Query, then for each SMS a read and a transaction, two for the one that is asked for; the reads of two groups.
    for index in 0..12 {
        let shop = four().await;
        shop.environment.lose_store_answer(index);
        shop.environment.watch_sms().await;
        tick(&shop).await;
        shop.assert_counted([4, 3, 1], &format!("answer {index} lost")).await;
    }
}

#[tokio::test]
async fn a_run_dropped_at_every_point_is_made_good_by_the_next() {
    let mut points = 0;
    loop {
        let shop = four().await;
        let deps = shop.environment.build(sms_watch::Deps::from_env, &[]);
        let finished = drop_after(points, work(&deps, HANDLE, json!({}))).await.is_some();
        tokio::time::sleep(Duration::from_millis(20)).await;
        // Its lease expires.
        shop.environment.advance(Duration::from_mins(1));
        tick(&shop).await;
        shop.assert_counted([4, 3, 1], &format!("dropped after {points}")).await;
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 8, "query, reads, transactions, the question: {points}");
}

#[tokio::test]
async fn runs_and_pushes_at_once_count_nothing_twice() {
    for round in 0..10 {
        let shop = four().await;
        let delivered = PhoneReports { report: Some(3), pushed: true };
        for number in 1..=4 {
            shop.environment.standins().set_sms_reports(&phone(number), delivered, true).unwrap();
        }
        let deps = shop.environment.build(sms_watch::Deps::from_env, &[]);
        let runs = join_all((0..3).map(|_| work(&deps, HANDLE, json!({}))));
        let (runs, statuses) = tokio::join!(runs, shop.environment.push_sms_reports());
        assert!(runs.iter().all(Result::is_ok), "{runs:?}");
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        tick(&shop).await;
        shop.assert_counted([4, 4, 1], &format!("round {round}")).await;
    }
}

#[tokio::test]
async fn a_push_before_during_or_after_the_count_comes_to_the_same() {
    for pushed_at in 0..4 {
        let shop = Shop::start().await;
        shop.send(&phone(1)).await;
        let push = async |moment: usize| {
            if moment == pushed_at {
                assert_eq!(shop.environment.push_sms_reports().await, [200], "at {pushed_at}");
            }
        };
        // The login is wrong, so that only pushes tell.
        shop.environment.set_workers(&[("SMSPRO_LOGIN", "another")]);
        push(0).await;
        shop.environment.advance(OVER);
        push(1).await;
        shop.environment.watch_sms().await;
        push(2).await;
        shop.environment.advance(Duration::from_hours(30));
        shop.environment.watch_sms().await;
        push(3).await;
        shop.environment.watch_sms().await;
        shop.assert_counted([1, 1, 0], &format!("pushed at {pushed_at}")).await;
        assert_eq!(shop.environment.watch_sms().await["due"], 0, "pushed at {pushed_at}");
    }
}

#[tokio::test]
async fn run_without_store_fails_and_the_next_run_counts_all() {
    let shop = four().await;
    let deps = shop.environment.build(sms_watch::Deps::from_env, &[("OTP_TABLE", "gone")]);
    assert!(work(&deps, HANDLE, json!({})).await.is_err(), "Lambda counts an error");
    tick(&shop).await;
    shop.assert_counted([4, 3, 1], "afterwards").await;
}
