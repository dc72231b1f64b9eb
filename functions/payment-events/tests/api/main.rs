//! payment-events from outside: batches of the table's stream in; messages to IMSHOP, stored state and repetitions out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod faults;
mod shop_events;
mod status_events;

use serde_json::Value;
use standins::Decision;
use testkit::{Cast, Function, http, worker};

/// The functions of these tests.
struct Here;

impl Cast for Here {
    fn functions() -> Vec<Function> {
        vec![http!(orders), http!(acquiring), http!(mokka_callback), worker!(payment_events), worker!(reconcile)]
    }
}

type Story = testkit::Story<Here>;

/// A payment that the customer has finished on Mokka's form, and that we have settled.
async fn settled(story: &Story, decision: Decision) -> String {
    let order = story.order().await;
    assert_eq!(story.create(&order).await.json()["success"], true);
    let payment = order.payment(1);
    story.decide(&payment, decision).await;
    story.capture(&payment).await;
    payment
}

/// What IMSHOP was told at one of its addresses, oldest first.
fn told(story: &Story, address: &str) -> Vec<Value> {
    let told = story.environment.standins().imshop().into_iter().filter(|told| told["method"] == address);
    told.map(|told| told["body"].clone()).collect()
}
