//! DynamoDB as it really is: its transactions take time and lock, its batches are left half done, it is short of capacity, and its
//! index of what is due is a moment behind.

use std::time::Duration;

use lambda_runtime::{Context, LambdaEvent};
use serde_json::json;
use standins::System;
use testkit::Modes;

use crate::{FIRST_LOOK, Story, forgotten};

/// A run; one that met a busy table is over, and the next one finds what it left.
async fn run(deps: &reconcile::Deps) {
    let event = LambdaEvent::new(json!({}), Context::default());
    if let Err(error) = reconcile::handle(deps, event).await {
        assert!(error.to_string().contains("DynamoDB"), "{error}");
    }
}

#[tokio::test]
async fn payment_is_settled_and_published_once_on_every_store() {
    let behind = ("behind", Modes { index_behind_ms: Some(1500), ..Modes::default() });
    for (name, modes) in Modes::realities().into_iter().chain([behind]) {
        let story = Story::start().await;
        let mut payments = Vec::new();
        for _ in 0..8 {
            payments.push(forgotten(&story).await);
        }
        story.environment.let_store(modes).await;
        story.environment.advance(FIRST_LOOK);
        let deps = story.environment.build(reconcile::Deps::from_env, &[]);
        for _ in 0..10 {
            run(&deps).await;
            // The index may still name what is settled.
            run(&deps).await;
            story.environment.advance(Duration::from_mins(1));
        }
        let told = story.environment.standins().imshop();
        for payment in &payments {
            assert_eq!(story.state(payment).await, "captured", "{name}");
            assert_eq!(story.environment.standins().mokka_order(payment).unwrap().finishes, 1, "{name}");
            let times = told.iter().filter(|told| told["method"] == "payment_status" && told["body"]["paymentId"] == **payment);
            assert_eq!(times.count(), 1, "{name}: {payment}");
        }
    }
}

#[tokio::test]
async fn what_the_index_still_names_and_is_settled_is_left_alone() {
    let story = Story::start().await;
    let payment = forgotten(&story).await;
    story.environment.let_store(Modes { index_behind_ms: Some(1500), ..Modes::default() }).await;
    story.environment.advance(FIRST_LOOK);
    story.environment.tick().await;
    assert_eq!(story.state(&payment).await, "captured");
    story.environment.standins().forget_calls();
    story.environment.tick().await;
    assert!(story.environment.standins().calls(Some(System::Mokka)).is_empty(), "nobody is asked about it");
}
