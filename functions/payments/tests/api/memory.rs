//! The worst that can be sent takes little memory.

use testkit::memory::{holds_the_worst, worst_json};
use testkit::settings::IMSHOP_KEY;
use testkit::{Event, TestEnvironment};

/// What the function reads of a body.
const BODY: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worst_cart_takes_less_than_half_of_the_memory() {
    let environment = TestEnvironment::start_now().await;
    let carts = worst_json(BODY, &[r#"{"items": @}"#, r#"{"items": [], "city": @}"#]);
    let list = |body: &str| Event::post("/v1/payments").key(IMSHOP_KEY).text(body).rest();
    holds_the_worst(env!("CARGO_BIN_EXE_payments"), &environment.env(), carts, list).await;
}
