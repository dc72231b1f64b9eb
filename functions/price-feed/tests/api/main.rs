//! Price-feed from outside: the shop's feed in; what is stored and what a cart then costs out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad;
mod crash;
mod estimate;
mod formats;
mod load;
mod odd;
mod refuse;

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use shared::payments::store::Quotes;
use shared::payments::store::prices::Prices;
use shared::platform::clock::{Deadline, Random};
use shared::platform::dynamodb::{StoreError, client_from_env};
use shared::platform::env::Env;
use shared::platform::money::{Currency, Money};
use testkit::{TestEnvironment, event_file};

/// A shop, and the function that reads its feed.
struct Shop {
    environment: TestEnvironment,
    deps: price_feed::Deps,
    prices: Prices,
}

impl Shop {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(changes: &[(&str, &str)]) -> Self {
        let environment = TestEnvironment::start().await;
        let deps = environment.build(price_feed::Deps::from_env, changes);
        let prices = prices(&environment, &[]);
        Self { environment, deps, prices }
    }

    /// A run that has a minute.
    async fn run(&self) -> Result<Value, String> {
        run(&self.deps, Duration::from_mins(1)).await
    }

    /// A run that must come to something.
    async fn load(&self) -> Value {
        self.run().await.unwrap()
    }

    fn publish(&self, offers: &str) {
        self.environment.standins().set_shop_feed(feed(offers));
    }

    /// What a cart costs, asked by a reader that remembers nothing.
    async fn cost(&self, items: Value) -> Option<String> {
        cost(&prices(&self.environment, &[]), items).await
    }

    /// What a cart of one piece costs.
    async fn price(&self, id: &str) -> Option<String> {
        self.cost(json!([{"configurationId": id, "quantity": 1}])).await
    }

    async fn list(&self) -> Value {
        self.environment.item("quotes", "prices").await.unwrap()
    }
}

async fn run(deps: &price_feed::Deps, time: Duration) -> Result<Value, String> {
    let mut context = Context::default();
    let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + time;
    context.deadline = u64::try_from(until.as_millis()).unwrap();
    price_feed::handle(deps, LambdaEvent::new(event_file("price-feed"), context)).await.map_err(|error| error.to_string())
}

fn prices(environment: &TestEnvironment, changes: &[(&str, &str)]) -> Prices {
    let build = |mut env: Env, platform: shared::platform::runtime::Platform| {
        let quotes = client_from_env(&mut env).and_then(|client| Quotes::from_env(&mut env, client, Random::System));
        let prices = quotes.and_then(|quotes| Prices::from_env(&mut env, quotes, platform.clock));
        env.finish(prices)
    };
    environment.build(build, changes)
}

async fn ask(prices: &Prices, items: Value, currency: Currency) -> Result<Option<Money>, StoreError> {
    let cart = serde_json::from_value(json!({"items": items})).unwrap();
    prices.estimate(&cart, currency, Deadline::within(Duration::from_secs(9))).await
}

async fn cost(prices: &Prices, items: Value) -> Option<String> {
    ask(prices, items, Currency::Rub).await.unwrap().map(Money::decimal)
}

fn feed(offers: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<yml_catalog date=\"2026-11-22\"><shop><offers>{offers}</offers></shop></yml_catalog>\n")
}

fn offer(id: &str, price: &str) -> String {
    format!("<offer id=\"{id}\"><price>{price}</price><currencyId>RUB</currencyId></offer>")
}

/// So many offers, all at one price, that fill more buckets than one request writes.
fn many(price: u32) -> String {
    (0..500).fold(String::new(), |mut offers, number| {
        write!(offers, "{}", offer(&long_id(number), &price.to_string())).unwrap();
        offers
    })
}

fn long_id(number: u32) -> String {
    format!("{number:0>180}")
}
