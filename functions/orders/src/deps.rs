//! What the function needs, from its settings.

use std::time::Duration;

use shared::payments::payment::Order;
use shared::payments::shop::Shop;
use shared::payments::store::Orders;
use shared::platform::clock::Clock;
use shared::platform::dynamodb::client_from_env;
use shared::platform::env::{ConfigError, Env};
use shared::platform::metrics::{self, Metrics};
use shared::platform::money::Currency;
use shared::platform::queue::Queue;
use shared::platform::runtime::Platform;
use shared::platform::secret::Keys;

use crate::amount::Terms;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    pub(crate) imshop_keys: Keys,
    pub(crate) shop_keys: Keys,
    pub(crate) shop: Shop,
    pub(crate) orders: Orders,
    pub(crate) queue: Queue,
    pub(crate) terms: Terms,
    pub(crate) person_kept: Duration,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
}

impl Deps {
    /// Reads `IMSHOP_KEY`, `SHOP_PUSH_KEY`, `SHOP_ORDERS_URL`, `SHOP_KEY`, `SHOP_ORDERS_SECRET` (orders go unsigned without it),
    /// `DEFAULT_CURRENCY` (default RUB), `SHOP_PRICE_INCLUDES_DELIVERY` (default true), `ORDER_PERSON_DAYS` (default 90),
    /// `ORDERS_QUEUE_URL` and the store's.
    pub fn from_env(mut env: Env, platform: Platform) -> Result<Self, ConfigError> {
        let imshop_keys = env.public_keys("IMSHOP_KEY");
        let shop_keys = env.public_keys("SHOP_PUSH_KEY");
        let shop = Shop::from_env(&mut env, platform.http);
        let default_currency = env.currency_or("DEFAULT_CURRENCY", Currency::Rub);
        let price_includes_delivery = env.flag_or("SHOP_PRICE_INCLUDES_DELIVERY", true);
        let person_days = env.number_or("ORDER_PERSON_DAYS", 90, 1..=3650);
        let client = client_from_env(&mut env);
        let (random, clock, metrics) = (platform.random, platform.clock.clone(), platform.metrics.clone());
        let orders = client.and_then(|client| Orders::from_env(&mut env, client, random, clock, metrics));
        let queue = Queue::of_orders(&mut env);
        let build = || {
            Some(Self {
                imshop_keys: imshop_keys?,
                shop_keys: shop_keys?,
                shop: shop?,
                orders: orders?,
                queue: queue?,
                terms: Terms { default_currency: default_currency?, price_includes_delivery: price_includes_delivery? },
                person_kept: Duration::from_hours(24) * person_days?,
                clock: platform.clock,
                metrics: platform.metrics,
            })
        };
        let deps = build();
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.orders.warm_up().await;
    }

    /// The order, with the time after which what it knows of its customer goes.
    pub(crate) fn kept(&self, order: Order) -> Order {
        Order { person_until: Some(order.said_at.plus(self.person_kept)), ..order }
    }

    /// Counts an answer of the shop's that is not recorded.
    pub(crate) fn not_recorded(&self, uuid: &str, reason: &str) {
        self.metrics.emit(&[(metrics::ORDERS_NOT_RECORDED, 1)], &[(metrics::ORDER, uuid), (metrics::REASON, reason)]);
    }
}
