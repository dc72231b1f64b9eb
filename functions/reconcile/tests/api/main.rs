//! Reconcile from outside: the schedule's event in; stored state and calls to Mokka and IMSHOP out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audit_looks;
mod bounds;
mod growth;
mod manual_review;
mod pace;
mod reality;
mod run_lease;
mod settling;

use std::time::Duration;

use standins::Decision;
use testkit::Placed;
use testkit::{Cast, Function, http, worker};

/// The functions of these tests.
struct Here;

impl Cast for Here {
    fn functions() -> Vec<Function> {
        vec![http!(orders), http!(acquiring), worker!(reconcile), worker!(payment_events)]
    }
}

type Story = testkit::Story<Here>;

/// Long enough for the first look at a customer on Mokka's page.
const FIRST_LOOK: Duration = Duration::from_secs(5 * 60 + 1);

/// An order whose payment waits on Mokka's form.
async fn pending(story: &Story) -> (Placed, String) {
    let order = story.order().await;
    assert_eq!(story.create(&order).await.json()["success"], true);
    let payment = order.payment(1);
    (order, payment)
}

/// A payment that the customer has approved, and of which we were not told.
async fn forgotten(story: &Story) -> String {
    let (_, payment) = pending(story).await;
    story.decide(&payment, Decision::Approved).await;
    payment
}
