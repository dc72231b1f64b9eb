//! After an outage many payments are due at once: they are looked at together, as many as the setting says and Mokka bears.

use std::time::Duration;

use serde_json::{Value, json};
use standins::{Fault, Options, System};

use crate::{FIRST_LOOK, Story, forgotten};

/// So many paid orders of which we were not told, all of them due.
async fn waiting(count: usize, at_once: &str) -> (Story, Vec<String>) {
    let story = Story::start_with(Options::default(), &[("RECONCILE_AT_ONCE", at_once)]).await;
    let mut payments = Vec::new();
    for _ in 0..count {
        payments.push(forgotten(&story).await);
    }
    story.environment.advance(FIRST_LOOK);
    story.environment.standins().forget_calls();
    (story, payments)
}

async fn run(story: &Story, at_once: &str) -> Value {
    let deps = story.environment.build(reconcile::Deps::from_env, &[("RECONCILE_AT_ONCE", at_once)]);
    let event = lambda_runtime::LambdaEvent::new(json!({}), lambda_runtime::Context::default());
    reconcile::handle(&deps, event).await.unwrap()
}

fn called(story: &Story) -> Vec<&'static str> {
    story.environment.standins().calls(Some(System::Mokka)).iter().map(|call| call.method).collect()
}

async fn assert_captured(story: &Story, payments: &[String]) {
    for payment in payments {
        assert_eq!(story.state(payment).await, "captured", "{payment}");
        assert_eq!(story.environment.standins().mokka_order(payment).unwrap().finishes, 1, "{payment}");
    }
}

#[tokio::test]
async fn each_of_many_takes_two_calls_to_mokka_and_two_to_imshop() {
    let (story, payments) = waiting(40, "32").await;
    let report = run(&story, "32").await;
    assert_eq!((&report["moved"], &report["told"], &report["left"]), (&json!(40), &json!(40), &json!(false)), "{report}");
    assert_eq!(called(&story).len(), 2 * payments.len());
    assert_eq!(story.environment.standins().calls(Some(System::Imshop)).len(), 2 * payments.len());
    assert_captured(&story, &payments).await;
    assert!(called(&story).starts_with(&["status"; 4]), "a run begins with four at once");
}

#[tokio::test]
async fn run_grows_to_the_configured_concurrency_and_not_beyond() {
    let (story, payments) = waiting(120, "16").await;
    story.environment.standins().fault(System::Mokka, "status", Fault::Late(300), 120).unwrap();
    run(&story, "16").await;
    assert_captured(&story, &payments).await;
    // A payment that is asked about has had its Status and not yet its Finish, which comes without delay.
    let (mut asked, mut most) = (0_usize, 0_usize);
    for method in called(&story) {
        match method {
            "status" => asked += 1,
            "finish" => asked -= 1,
            other => unreachable!("{other}"),
        }
        most = most.max(asked);
    }
    assert!((13..=16).contains(&most), "{most}");
}

#[tokio::test]
async fn how_many_at_once_is_a_setting() {
    let (story, payments) = waiting(12, "1").await;
    run(&story, "1").await;
    assert_eq!(called(&story), ["status", "finish"].repeat(12), "one after the other");
    assert_captured(&story, &payments).await;
    for wrong in ["0", "101", "all"] {
        let mut env = story.environment.env();
        env.insert("RECONCILE_AT_ONCE".to_owned(), wrong.to_owned());
        let deps = reconcile::Deps::from_env(shared::platform::env::Env::from_map(env), story.environment.platform());
        assert!(deps.unwrap_err().to_string().contains("RECONCILE_AT_ONCE"), "{wrong}");
    }
}

#[tokio::test]
async fn a_mokka_that_asks_for_less_is_asked_less_and_soon_for_all_of_them() {
    let (story, payments) = waiting(40, "32").await;
    story.environment.standins().fault(System::Mokka, "status", Fault::Throttled, 3).unwrap();
    run(&story, "32").await;
    let asked = called(&story).iter().filter(|method| **method == "status").count();
    assert_eq!(asked, payments.len(), "what is asked for less is not repeated at once");
    story.environment.advance(Duration::from_secs(61));
    run(&story, "32").await;
    assert_captured(&story, &payments).await;
}

#[tokio::test]
async fn mokka_throttling_single_calls_is_skipped_for_the_run() {
    let (story, payments) = waiting(40, "32").await;
    story.environment.standins().fault(System::Mokka, "status", Fault::Throttled, 100).unwrap();
    run(&story, "32").await;
    let calls = called(&story).len();
    assert!(calls <= 10, "{calls}");
    story.environment.standins().clear_faults();
    story.environment.advance(Duration::from_secs(61));
    run(&story, "32").await;
    assert_captured(&story, &payments).await;
}
