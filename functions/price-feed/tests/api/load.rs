//! What a run does when all is well, and what that costs.

use std::time::Duration;

use serde_json::json;
use standins::System;

use crate::{Shop, feed, many, offer, prices, run};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_feed_is_loaded_and_its_carts_have_a_price() {
    let shop = Shop::start().await;
    assert_eq!(shop.price("kettle-1").await, None, "no feed yet");
    drop(shop.environment.store_calls());
    assert_eq!(shop.load().await, json!({"outcome": "loaded", "offers": 3, "bad": 0, "buckets": 1}));
    assert_eq!(shop.environment.store_calls(), ["UpdateItem", "GetItem", "BatchWriteItem", "UpdateItem", "UpdateItem"]);
    let cart = json!([{"configurationId": "kettle-1", "quantity": 1}, {"configurationId": "cup-7", "quantity": 6}]);
    assert_eq!(shop.cost(cart).await.as_deref(), Some("7090.00"));
    assert_eq!(shop.price("cup-8").await.as_deref(), Some("350.00"), "what is sold out keeps its price");
}

#[tokio::test]
async fn an_unchanged_feed_is_not_read_again_and_only_noted() {
    let shop = Shop::start().await;
    shop.load().await;
    let before = shop.list().await;
    shop.environment.advance(HOUR);
    shop.environment.standins().forget_calls();
    drop(shop.environment.store_calls());
    assert_eq!(shop.load().await["outcome"], "unchanged");
    assert_eq!(shop.environment.store_calls(), ["UpdateItem", "GetItem", "UpdateItem", "UpdateItem"]);
    let calls = shop.environment.standins().calls_to(System::Shop, "feed");
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].headers["if-none-match"], before["etag"].as_str().unwrap());
    let after = shop.list().await;
    assert!(after["checked_at"].as_i64().unwrap() - before["checked_at"].as_i64().unwrap() >= 3_600_000);
    for name in ["generation", "loaded_at", "offers", "etag", "digest"] {
        assert_eq!(after[name], before[name], "{name}");
    }
}

#[tokio::test]
async fn a_feed_that_says_the_same_in_other_words_costs_no_more() {
    let shop = Shop::start().await;
    shop.publish(&(offer("a", "10") + &offer("b", "20")));
    shop.load().await;
    let before = shop.list().await;
    drop(shop.environment.store_calls());
    shop.publish(&(offer("b", "20.00") + "<!-- sorted anew -->" + &offer("a", "1e1")));
    assert_eq!(shop.load().await["outcome"], "unchanged");
    assert_eq!(shop.environment.store_calls(), ["UpdateItem", "GetItem", "UpdateItem", "UpdateItem"]);
    let after = shop.list().await;
    assert_eq!(after["generation"], before["generation"]);
    assert_ne!(after["etag"], before["etag"], "the next run asks for what is newer than this");
    let bad = "<offer id=\"c\"><price>?</price></offer>".to_owned();
    let same: String = (0..18).map(|_| offer("b", "20")).collect();
    shop.publish(&(offer("a", "10") + &same + &bad));
    assert_eq!(shop.load().await, json!({"outcome": "unchanged", "offers": 2, "bad": 1, "buckets": 1}), "but for the report");
}

#[tokio::test]
async fn changed_new_and_missing_offers_are_as_the_feed_says() {
    let shop = Shop::start().await;
    shop.publish(&(offer("a", "10") + &offer("b", "20")));
    shop.load().await;
    shop.publish(&(offer("b", "25") + &offer("c", "30.50")));
    assert_eq!(shop.load().await["outcome"], "loaded");
    assert_eq!(shop.price("a").await, None);
    assert_eq!(shop.price("b").await.as_deref(), Some("25.00"));
    assert_eq!(shop.price("c").await.as_deref(), Some("30.50"));
}

#[tokio::test]
async fn unchanged_feed_keeps_its_prices_and_old_feeds_expire() {
    let shop = Shop::start().await;
    let mut loads = 0;
    for _ in 0..40 {
        loads += u32::from(shop.load().await["outcome"] == "loaded");
        shop.environment.advance(12 * HOUR);
        shop.environment.sweep();
        assert_eq!(shop.price("kettle-1").await.as_deref(), Some("4990.00"));
    }
    assert_eq!(loads, 7, "every three days");
    let kept = shop.environment.items("quotes", "prices#").await.len();
    assert!(kept <= 3, "of the last seven days: {kept}");
}

#[tokio::test]
async fn another_feed_or_another_currency_is_not_taken_for_the_same() {
    let shop = Shop::start().await;
    shop.load().await;
    let other = format!("{}/shop/feed.yml?of=another", shop.environment.standins().base_url());
    for change in [("PRICE_FEED_URL", other.as_str()), ("DEFAULT_CURRENCY", "KGS")] {
        shop.environment.standins().forget_calls();
        let deps = shop.environment.build(price_feed::Deps::from_env, &[change]);
        drop(run(&deps, Duration::from_mins(1)).await);
        let calls = shop.environment.standins().calls_to(System::Shop, "feed");
        assert!(!calls[0].headers.contains_key("if-none-match"), "{change:?}");
    }
}

#[tokio::test]
async fn without_a_feed_nothing_is_asked_or_written() {
    let shop = Shop::start_with(&[("PRICE_FEED_URL", "")]).await;
    assert_eq!(shop.load().await["outcome"], "off");
    assert_eq!(shop.environment.store_calls(), Vec::<String>::new());
    assert!(shop.environment.standins().calls(None).is_empty());
}

#[tokio::test]
async fn two_runs_at_once_leave_one_whole_feed() {
    let shop = Shop::start().await;
    shop.publish(&many(10));
    let twin = shop.environment.build(price_feed::Deps::from_env, &[]);
    let (one, two) = tokio::join!(shop.run(), run(&twin, Duration::from_mins(1)));
    let mut outcomes = [one.unwrap()["outcome"].clone(), two.unwrap()["outcome"].clone()];
    outcomes.sort_by_key(ToString::to_string);
    assert_eq!(outcomes, [json!("loaded"), json!("overtaken")]);
    assert_eq!(shop.environment.standins().calls_to(System::Shop, "feed").len(), 1, "the other one has not its turn");
    assert_eq!(shop.price(&crate::long_id(499)).await.as_deref(), Some("10.00"));
    // What the slower one wrote is referenced by nothing, and goes away.
    let generation = shop.list().await["generation"].as_str().unwrap().to_owned();
    shop.environment.advance(72 * HOUR);
    shop.load().await;
    shop.environment.advance(97 * HOUR);
    shop.environment.sweep();
    let left = shop.environment.items("quotes", "prices#").await;
    let buckets = usize::try_from(shop.list().await["buckets"].as_u64().unwrap()).unwrap();
    assert!(left.len() <= buckets, "{} of {buckets}", left.len());
    assert_ne!(shop.list().await["generation"], generation);
}

#[tokio::test]
async fn a_table_that_is_short_of_capacity_gets_the_rest_again() {
    let shop = Shop::start().await;
    shop.publish(&many(10));
    shop.environment.leave_undone(5);
    let report = shop.load().await;
    assert_eq!(report["outcome"], "loaded");
    shop.environment.leave_undone(2);
    for number in [0, 17, 499] {
        assert_eq!(shop.price(&crate::long_id(number)).await.as_deref(), Some("10.00"));
    }
}

#[tokio::test]
async fn an_answer_of_the_store_that_got_lost_is_made_up_for() {
    for index in 0..3 {
        let shop = Shop::start().await;
        shop.environment.lose_store_answer(index);
        assert_eq!(shop.load().await["outcome"], "loaded", "{index}");
        assert_eq!(shop.price("kettle-1").await.as_deref(), Some("4990.00"), "{index}");
    }
}

#[tokio::test]
async fn a_feed_in_s3_is_read_and_asked_for_only_if_it_has_changed() {
    let shop = Shop::start_with(&[("PRICE_FEED_URL", "s3://shop-data/feeds/products.yml")]).await;
    let error = shop.run().await.unwrap_err();
    assert!(error.contains("S3 says"), "{error}");
    let put = |offers: &str| shop.environment.storage().put("shop-data", "feeds/products.yml", feed(offers).as_bytes()).unwrap();
    put(&offer("a", "10"));
    assert_eq!(shop.load().await["outcome"], "loaded");
    assert_eq!(shop.price("a").await.as_deref(), Some("10.00"));
    drop(shop.environment.store_calls());
    assert_eq!(shop.load().await["outcome"], "unchanged");
    assert_eq!(shop.environment.store_calls(), ["UpdateItem", "GetItem", "UpdateItem", "UpdateItem"]);
    put(&offer("a", "11"));
    assert_eq!(shop.load().await["outcome"], "loaded");
    assert_eq!(shop.price("a").await.as_deref(), Some("11.00"));
}

#[tokio::test]
async fn settings_that_are_wrong_are_named() {
    let shop = Shop::start().await;
    let mut env = shop.environment.env();
    env.insert("PRICE_FEED_MAX_BAD_PERCENT".to_owned(), "101".to_owned());
    env.remove("QUOTES_TABLE");
    for address in
        ["http://shop.example/feed.yml", "s3://bucket", "s3:///key", "https://anna:secret@shop.example/feed.yml", "feed.yml"]
    {
        env.insert("PRICE_FEED_URL".to_owned(), address.to_owned());
        let error = price_feed::Deps::from_env(shared::platform::env::Env::from_map(env.clone()), shop.environment.platform())
            .unwrap_err();
        for name in ["PRICE_FEED_URL", "PRICE_FEED_MAX_BAD_PERCENT", "QUOTES_TABLE"] {
            assert!(error.to_string().contains(name), "{address}: {error}");
        }
    }
    let refused =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| prices(&shop.environment, &[("PRICES_MAX_AGE_HOURS", "97")])));
    assert!(refused.is_err(), "older than the buckets may be");
}
