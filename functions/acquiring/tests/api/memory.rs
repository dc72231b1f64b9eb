//! The worst that can be sent takes little memory.

use testkit::memory::{holds_the_worst, worst_json};
use testkit::settings::IMSHOP_KEY;
use testkit::{Event, TestEnvironment};

/// What the function reads of a body.
const BODY: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worst_command_takes_less_than_half_of_the_memory() {
    let environment = TestEnvironment::start_now().await;
    let create = r#"{"command": "create", "paymentMethodId": "mokka", "orderUuid": "worst", "orderId": "1", "payload": @}"#;
    let capture = r#"{"command": "capture", "paymentMethodId": "mokka", "paymentId": @}"#;
    let command = |body: &str| Event::post("/v1/acquiring").key(IMSHOP_KEY).text(body).rest();
    let commands = worst_json(BODY, &[create, capture]);
    holds_the_worst(env!("CARGO_BIN_EXE_acquiring"), &environment.env(), commands, command).await;
}
