//! `POST /v1/orders`: relays IMSHOP's order creation to the shop's own backend, gives the shop's answer back unchanged, and
//! records what a payment will need. `PUT /v1/orders/{orderUuid}`: the shop's own system pushes or corrects an order. What the store
//! did not take comes back from a queue.
//!
//! Round trips: POST one call to the shop, one write for each accepted order, and a message if that failed. PUT one read, for an
//! order with an attempt one more, one write. A message one write. An order that is known already costs a POST and a message one
//! read more, with an attempt two, and one write more.

mod amount;
mod keep;
mod matching;
mod push;
mod record;
mod relay;

use std::time::Duration;

use lambda_http::{Body, Request, RequestExt as _, Response};
use shared::payments::payment::Order;
use shared::payments::shop::Shop;
use shared::payments::store::Orders;
use shared::platform::clock::Clock;
use shared::platform::dynamodb::client_from_env;
use shared::platform::env::{ConfigError, Env};
use shared::platform::http::{self, Failure, Inbound, Shape};
use shared::platform::metrics::{self, Metrics};
use shared::platform::money::Currency;
use shared::platform::queue::Queue;
use shared::platform::runtime::World;
use shared::platform::secret::Keys;

use crate::amount::Terms;
pub use crate::keep::record_queued;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    imshop_keys: Keys,
    shop_keys: Keys,
    shop: Shop,
    orders: Orders,
    queue: Queue,
    terms: Terms,
    person_kept: Duration,
    clock: Clock,
    metrics: Metrics,
}

impl Deps {
    /// Reads `IMSHOP_KEY`, `SHOP_PUSH_KEY`, `SHOP_ORDERS_URL`, `SHOP_KEY`, `DEFAULT_CURRENCY` (default RUB),
    /// `SHOP_PRICE_INCLUDES_DELIVERY` (default true), `ORDER_PERSON_DAYS` (default 90), `ORDERS_QUEUE_URL` and the store's.
    pub fn from_env(mut env: Env, world: World) -> Result<Self, ConfigError> {
        let imshop_keys = env.public_keys("IMSHOP_KEY");
        let shop_keys = env.public_keys("SHOP_PUSH_KEY");
        let url = env.url("SHOP_ORDERS_URL");
        let key = env.secret("SHOP_KEY");
        let default_currency = env.currency_or("DEFAULT_CURRENCY", Currency::Rub);
        let price_includes_delivery = env.flag_or("SHOP_PRICE_INCLUDES_DELIVERY", true);
        let person_days = env.number_or("ORDER_PERSON_DAYS", 90, 1..=3650);
        let client = client_from_env(&mut env);
        let (random, clock, metrics) = (world.random, world.clock.clone(), world.metrics.clone());
        let orders = client.and_then(|client| Orders::from_env(&mut env, client, random, clock, metrics));
        let queue = Queue::of_orders(&mut env);
        let build = || {
            Some(Self {
                imshop_keys: imshop_keys?,
                shop_keys: shop_keys?,
                shop: Shop::new(world.http, url?, key?),
                orders: orders?,
                queue: queue?,
                terms: Terms { default_currency: default_currency?, price_includes_delivery: price_includes_delivery? },
                person_kept: Duration::from_hours(24) * person_days?,
                clock: world.clock,
                metrics: world.metrics,
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
    fn kept(&self, order: Order) -> Order {
        Order { person_until: Some(order.said_at.plus(self.person_kept)), ..order }
    }

    /// Counts an answer of the shop's that is not recorded.
    fn not_recorded(&self, uuid: &str, reason: &str) {
        self.metrics.emit(&[(metrics::ORDERS_NOT_RECORDED, 1)], &[(metrics::ORDER, uuid), (metrics::REASON, reason)]);
    }
}

/// Answers a request.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    http::answer(shape(request.raw_http_path()), request, async |inbound| route(deps, &inbound).await).await
}

/// The shape of failures goes with the path, whatever the method: the shop's for a path with an id, IMSHOP's for any other.
fn shape(path: &str) -> Shape {
    let segments = path.split('/').filter(|segment| !segment.is_empty()).skip_while(|segment| *segment != "v1");
    if segments.count() == 3 { Shape::Error } else { Shape::Orders }
}

async fn route(deps: &Deps, inbound: &Inbound) -> Result<Response<Body>, Failure> {
    match inbound.path().as_slice() {
        ["v1", "orders"] => {
            inbound.require_method("POST")?;
            Box::pin(relay::relay(deps, inbound)).await
        }
        ["v1", "orders", uuid] => {
            inbound.require_method("PUT")?;
            Box::pin(push::push(deps, inbound, uuid)).await
        }
        _ => Err(Failure::not_found()),
    }
}
