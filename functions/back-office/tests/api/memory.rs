//! The worst that can be sent takes little memory.

use testkit::memory::{holds_the_worst, worst_json};
use testkit::settings::{CASHIER_KEY, OPERATOR_KEY};
use testkit::{Event, TestEnvironment};

/// What the function reads of a body, and of one with a document.
const BODY: usize = 1024 * 1024;
const WITH_DOCUMENT: usize = 4 * BODY + 64 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worst_command_takes_less_than_half_of_the_memory() {
    let environment = TestEnvironment::start_now().await;
    let (binary, settings) = (env!("CARGO_BIN_EXE_back-office"), environment.env());
    let command = |name: &str, key: &str, body: &str| {
        Event::post(&format!("/v1/back-office/payments/1001-1/{name}"))
            .key(key)
            .header("Idempotency-Key", "worst")
            .text(body)
            .rest()
    };
    let changes = worst_json(BODY, &[r#"{"amount": "1.00", "cart": @}"#]);
    holds_the_worst(binary, &settings, changes, |body| command("change", OPERATOR_KEY, body)).await;
    let refunds = worst_json(BODY, &[r#"{"amount": @}"#]);
    holds_the_worst(binary, &settings, refunds, |body| command("refunds", CASHIER_KEY, body)).await;
    let finishes = worst_json(WITH_DOCUMENT, &[r#"{"check_number": "K-1", "document": @}"#]);
    holds_the_worst(binary, &settings, finishes, |body| command("finish", OPERATOR_KEY, body)).await;
    let persons = worst_json(BODY, &[r#"{"phone": @}"#]);
    let erase = |body: &str| Event::post("/v1/back-office/erasures").key(OPERATOR_KEY).text(body).rest();
    holds_the_worst(binary, &settings, persons, erase).await;
}
