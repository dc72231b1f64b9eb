//! What a cart costs, asked as `payments` asks it.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::platform::clock::Deadline;
use shared::platform::money::{Currency, Money};
use standins::{Fault, System};

use crate::{Shop, ask, cost, feed, long_id, many, offer, prices};

#[tokio::test]
async fn a_cart_is_estimated_only_if_everything_about_it_is_certain() {
    let shop = Shop::start().await;
    shop.publish(&(offer("a", "10.01") + &offer("b", "0.30")));
    shop.load().await;
    for (items, sum) in [
        (json!([{"configurationId": "a", "quantity": 1}]), Some("10.01")),
        (json!([{"configurationId": "a", "quantity": 2}, {"configurationId": "b", "quantity": 0.5}]), Some("20.17")),
        (json!([{"configurationId": "a", "quantity": 1}, {"configurationId": "a", "quantity": 1}]), Some("20.02")),
        (json!([{"configurationId": " a ", "quantity": "3"}]), Some("30.03")),
        (json!([{"privateId": "a", "quantity": 1}]), Some("10.01")),
        (json!([{"configurationId": "a", "privateId": "elsewhere", "quantity": 1}]), Some("10.01")),
        (json!([]), None),
        (json!([{"configurationId": "a"}]), Some("10.01")),
        (json!([{"id": "a", "quantity": 1}]), None),
        (json!([{"configurationId": "A", "quantity": 1}]), None),
        (json!([{"configurationId": "c", "privateId": "a", "quantity": 1}]), None),
        (json!([{"configurationId": "a", "quantity": 1}, {"configurationId": "c", "quantity": 1}]), None),
    ] {
        assert_eq!(shop.cost(items.clone()).await.as_deref(), sum, "{items}");
    }
    let cart = json!([{"configurationId": "a", "quantity": 1}]);
    assert_eq!(ask(&shop.prices, cart, Currency::Kgs).await.unwrap(), None, "another currency");
}

#[tokio::test]
async fn a_sum_beyond_all_money_is_none() {
    let shop = Shop::start().await;
    shop.publish(&offer("a", "100000000000"));
    shop.load().await;
    assert_eq!(shop.cost(json!([{"configurationId": "a", "quantity": 2}])).await, None);
}

#[tokio::test]
async fn a_product_has_a_price_if_all_of_its_offers_have_the_same() {
    let shop = Shop::start_with(&[("PRICE_FEED_MAX_BAD_PERCENT", "50")]).await;
    let grouped = |id: &str, group: &str, price: &str| {
        format!("<offer id=\"{id}\" group_id=\"{group}\"><price>{price}</price><currencyId>RUB</currencyId></offer>")
    };
    let offers = [
        grouped("same-1", "same", "10") + &grouped("same-2", "same", "10.00"),
        grouped("differs-1", "differs", "10") + &grouped("differs-2", "differs", "11"),
        // The group has the id of one of its offers, as is usual.
        grouped("first", "first", "10") + &grouped("second", "first", "11"),
        grouped("broken-1", "broken", "10") + &grouped("broken-2", "broken", "?"),
        grouped("twice", "two", "10") + &grouped("twice", "two", "11"),
        offer("alone", "12"),
    ];
    shop.publish(&offers.concat());
    shop.load().await;
    for (product, price) in
        [("same", Some("10.00")), ("differs", None), ("first", None), ("broken", None), ("two", None), ("alone", Some("12.00"))]
    {
        assert_eq!(shop.cost(json!([{"privateId": product, "quantity": 1}])).await.as_deref(), price, "{product}");
    }
    assert_eq!(shop.price("first").await.as_deref(), Some("10.00"), "the offer itself is certain");
    assert_eq!(shop.price("same").await, None, "no offer has a product's id");
}

#[tokio::test]
async fn a_cart_costs_two_reads_when_nothing_is_known_and_none_after_that() {
    let shop = Shop::start().await;
    shop.publish(&many(10));
    shop.load().await;
    let cart: Value = (0..60).map(|number| json!({"configurationId": long_id(number), "quantity": 1})).collect();
    drop(shop.environment.store_calls());
    let fresh = prices(&shop.environment, &[]);
    assert_eq!(cost(&fresh, cart.clone()).await.as_deref(), Some("600.00"));
    assert_eq!(shop.environment.store_calls(), ["GetItem", "BatchGetItem"]);
    for _ in 0..3 {
        assert_eq!(cost(&fresh, cart.clone()).await.as_deref(), Some("600.00"));
    }
    assert_eq!(shop.environment.store_calls(), Vec::<String>::new());
    shop.environment.advance(Duration::from_mins(1));
    assert_eq!(cost(&fresh, cart).await.as_deref(), Some("600.00"));
    assert_eq!(shop.environment.store_calls(), ["GetItem"], "the list, once a minute; the buckets stay");
}

#[tokio::test]
async fn a_warm_reader_sees_new_prices_within_a_minute_and_all_at_once() {
    let shop = Shop::start().await;
    shop.publish(&(offer("a", "10") + &offer("b", "10")));
    shop.load().await;
    let cart = json!([{"configurationId": "a", "quantity": 1}, {"configurationId": "b", "quantity": 1}]);
    assert_eq!(cost(&shop.prices, cart.clone()).await.as_deref(), Some("20.00"));
    shop.publish(&(offer("a", "11") + &offer("b", "11")));
    shop.load().await;
    assert_eq!(cost(&shop.prices, cart.clone()).await.as_deref(), Some("20.00"));
    shop.environment.advance(Duration::from_mins(1));
    assert_eq!(cost(&shop.prices, cart).await.as_deref(), Some("22.00"));
}

#[tokio::test]
async fn prices_that_nobody_has_checked_for_too_long_are_none() {
    let shop = Shop::start().await;
    shop.load().await;
    shop.environment.advance(Duration::from_hours(47));
    assert_eq!(shop.price("kettle-1").await.as_deref(), Some("4990.00"));
    let strict = prices(&shop.environment, &[("PRICES_MAX_AGE_HOURS", "46")]);
    assert_eq!(cost(&strict, json!([{"configurationId": "kettle-1", "quantity": 1}])).await, None);
    shop.environment.advance(Duration::from_hours(2));
    assert_eq!(shop.price("kettle-1").await, None);
    shop.environment.standins().fault(System::Shop, "feed", Fault::Http500, 1).unwrap();
    shop.run().await.unwrap_err();
    assert_eq!(shop.price("kettle-1").await, None, "a look that failed is none");
    assert_eq!(shop.load().await["outcome"], "unchanged");
    assert_eq!(shop.price("kettle-1").await.as_deref(), Some("4990.00"));
}

#[tokio::test]
async fn without_the_store_or_time_there_is_an_error_and_no_guess() {
    let shop = Shop::start().await;
    let nowhere = prices(&shop.environment, &[("QUOTES_TABLE", "nowhere")]);
    let cart = json!([{"configurationId": "a", "quantity": 1}]);
    ask(&nowhere, cart.clone(), Currency::Rub).await.unwrap_err();
    let cart = serde_json::from_value(json!({"items": cart})).unwrap();
    let late = shop.prices.estimate(&cart, Currency::Rub, Deadline::within(Duration::ZERO)).await;
    assert!(late.unwrap_err().to_string().contains("no time left"));
}

fn escaped(id: &str) -> String {
    id.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_the_feed_every_offer_costs_what_it_says(
        offers in proptest::collection::btree_map("[\\PC&&[^\u{fffd}]]{1,20}", 0..=Money::MAX_MINOR, 1..300),
    ) {
        let offers: BTreeMap<String, i64> = offers
            .into_iter()
            .filter(|(id, _)| !id.trim().is_empty())
            .map(|(id, minor)| (id.trim().to_owned(), minor))
            .collect();
        prop_assume!(!offers.is_empty());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shop = Shop::start().await;
            let price = |minor| Money::from_minor(minor, Currency::Rub).unwrap().decimal();
            let text: String = offers.iter().map(|(id, minor)| offer(&escaped(id), &price(*minor))).collect();
            shop.environment.standins().set_shop_feed(feed(&text));
            let report = shop.load().await;
            assert_eq!(report["offers"], json!(offers.len()));
            for (id, minor) in &offers {
                let found = cost(&shop.prices, json!([{"configurationId": id, "quantity": 1}])).await;
                assert_eq!(found, Some(price(*minor)), "{id:?}");
            }
        });
    }
}
