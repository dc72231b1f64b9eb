//! A process may die at any await. Whatever it left behind, prices are the old ones or the new ones, never some of each.

use std::time::Duration;

use serde_json::json;
use testkit::drop_after;

use crate::{Shop, long_id, many, run};

async fn prices_of_some(shop: &Shop) -> Vec<Option<String>> {
    let mut prices = Vec::new();
    for number in (0..500).step_by(83) {
        prices.push(shop.price(&long_id(number)).await);
    }
    prices
}

#[tokio::test]
async fn a_run_dropped_at_every_point_leaves_the_old_prices_or_the_new_ones() {
    let shop = Shop::start().await;
    let (mut points, mut before) = (0, None);
    for round in 1.. {
        // Each round changes every price, and dies one await later than the one before.
        shop.publish(&many(round));
        let deps = shop.environment.build(price_feed::Deps::from_env, &[]);
        let finished = drop_after(points, run(&deps, Duration::from_mins(1))).await.is_some();
        let after = Some(format!("{round}.00"));
        let seen = prices_of_some(&shop).await;
        assert!(seen.iter().all(|price| *price == before) || seen.iter().all(|price| *price == after), "{points}: {seen:?}");
        // Its lease expires.
        shop.environment.advance(Duration::from_mins(5));
        shop.load().await;
        assert!(prices_of_some(&shop).await.iter().all(|price| *price == after), "the next run repairs: {points}");
        before = after;
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points >= 4, "read, fetch, two batches, put in force: {points}");
    // What the dead ones left goes away by itself.
    shop.environment.advance(Duration::from_hours(72));
    shop.load().await;
    shop.environment.advance(Duration::from_hours(97));
    shop.environment.sweep();
    let buckets = shop.list().await["buckets"].clone();
    assert_eq!(json!(shop.environment.items("quotes", "prices#").await.len()), buckets);
}
