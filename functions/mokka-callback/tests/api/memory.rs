//! The worst that can be sent takes little memory.

use standins::Options;
use testkit::Event;
use testkit::memory::{holds_the_worst, worst_json};

use super::*;

/// What the function reads of a body.
const BODY: usize = 64 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worst_callback_takes_less_than_half_of_the_memory() {
    let story = Story::start_with(Options::default(), &[]).await;
    let order = story.order().await;
    story.create(&order).await;
    // At the address with its token, so that the body is read.
    let path = story.callback_event(&order.payment(1), "approved")["path"].as_str().unwrap().to_owned();
    let callbacks =
        worst_json(BODY, &[r#"{"order_id": "1001-1", "decision": "approved", "amount": @}"#, r#"{"credit_agreement": @}"#]);
    let settings = story.environment.env();
    let callback = |body: &str| Event::post(&path).text(body).rest();
    holds_the_worst(env!("CARGO_BIN_EXE_mokka-callback"), &settings, callbacks, callback).await;
}
