//! The worst that can be sent takes little memory.

use testkit::memory::{holds_the_worst, worst_json};
use testkit::settings::{IMSHOP_KEY, SHOP_KEY};
use testkit::{Event, TestEnvironment};

/// What the function reads of a body.
const BODY: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worst_order_and_push_take_less_than_half_of_the_memory() {
    let environment = TestEnvironment::start_now().await;
    let (binary, settings) = (env!("CARGO_BIN_EXE_orders"), environment.env());
    let orders = worst_json(BODY, &[r#"{"orders": @}"#, r#"{"orders": [{"uuid": "worst", "items": @}]}"#]);
    holds_the_worst(binary, &settings, orders, |body| Event::post("/v1/orders").key(IMSHOP_KEY).text(body).rest()).await;
    let pushed = worst_json(BODY, &[r#"{"items": @}"#, r#"{"price": "10.00", "name": @}"#]);
    let push = |body: &str| Event::new("PUT", "/v1/orders/order-9").key(SHOP_KEY).text(body).rest();
    holds_the_worst(binary, &settings, pushed, push).await;
}
