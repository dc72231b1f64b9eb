//! `CROWD` payments (300 without it; `.ci/run` plays 10,000), every third callback lost: all are settled, once, and a run costs
//! what is due, not what is stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use lambda_runtime::{Context, LambdaEvent};
use sandbox::functions::Story;
use serde_json::{Value, json};
use standins::{Decision, Options, System};

/// How many are there when the first measures are taken.
const FEW: u64 = 10;
/// How many are made to be due at once, of few and of many.
const DUE: u64 = 30;
/// How many wait for their customer meanwhile, and are not due.
const WAITING: u64 = 100;
/// How many requests are under way together.
const AT_ONCE: usize = 6;
/// How often a busy machine may make a request too late, and the pause before it is made again, as IMSHOP and Mokka do.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);
/// Long enough for the first look at a customer on Mokka's page.
const FIRST_LOOK: Duration = Duration::from_mins(6);
/// More runs than the work needs on any machine.
const RUNS: u32 = 60;

/// What becomes of a payment's callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callback {
    Arrives,
    /// The customer has decided, and no callback says so.
    IsLost,
    /// The customer has not decided.
    NotYet,
}

/// Makes so many payments; their ids.
async fn make(story: &Arc<Story>, count: u64, callback: impl Fn(u64) -> Callback) -> Vec<String> {
    let making = (0..count).map(|index| {
        let (story, callback) = (Arc::clone(story), callback(index));
        async move { tokio::spawn(async move { pay(&story, callback).await }).await.unwrap() }
    });
    stream::iter(making).buffer_unordered(AT_ONCE).collect().await
}

async fn pay(story: &Story, callback: Callback) -> String {
    let order = story.order().await;
    let mut tries = 0;
    while story.create(&order).await.json()["success"] != true {
        tries += 1;
        assert!(tries < TRIES, "no payment page");
        tokio::time::sleep(PAUSE).await;
    }
    let payment = order.payment(1);
    if callback != Callback::NotYet {
        story.decide(&payment, Decision::Approved).await;
    }
    if callback == Callback::Arrives {
        while story.callback(&payment, "approved").await.status != 200 {
            tries += 1;
            assert!(tries < TRIES, "the callback is not taken");
            tokio::time::sleep(PAUSE).await;
        }
    }
    payment
}

/// One run, and the round trips to DynamoDB that it took, by operation.
async fn tick(story: &Story) -> (Value, BTreeMap<String, u64>) {
    drop(story.environment.store_calls());
    let report = story.environment.tick().await;
    let mut calls = BTreeMap::new();
    for call in story.environment.store_calls() {
        *calls.entry(call).or_default() += 1;
    }
    (report, calls)
}

fn calls(calls: &[(&str, u64)]) -> BTreeMap<String, u64> {
    calls.iter().map(|(operation, times)| ((*operation).to_owned(), *times)).collect()
}

/// Asserts what a run costs with nothing due and with `DUE` due, whatever is stored, and prints it.
async fn measure(story: &Arc<Story>, stored: u64) -> Vec<String> {
    let (report, idle) = tick(story).await;
    assert_eq!((&report["due"], &idle), (&json!(0), &calls(&[("Query", 16), ("UpdateItem", 2)])), "{stored} stored, nothing due");
    println!("| {stored} | 0 | {} | {} | {} |", idle["Query"], 0, idle["UpdateItem"]);
    let lost = make(story, DUE, |_| Callback::IsLost).await;
    story.environment.advance(FIRST_LOOK);
    let (report, busy) = tick(story).await;
    assert_eq!((&report["due"], &report["moved"], &report["told"]), (&json!(DUE), &json!(DUE), &json!(DUE)), "{report}");
    // Each: itself, its order, itself again to be published, its order for the shop; the capture before and after, publishing before and
    // after. And the lease of the run, there and back.
    let expected = calls(&[("Query", 16), ("GetItem", 4 * DUE), ("UpdateItem", 4 * DUE + 2)]);
    assert_eq!(busy, expected, "{stored} stored, {DUE} due");
    println!("| {} | {DUE} | {} | {} | {} |", stored + DUE, busy["Query"], busy["GetItem"], busy["UpdateItem"]);
    lost
}

async fn run(reconcile: &reconcile::Deps) -> Value {
    reconcile::handle(reconcile, LambdaEvent::new(json!({}), Context::default())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_payments_of_which_every_third_callback_is_lost() {
    let story = Arc::new(Story::start_with(Options { record_calls: false, ..Options::default() }, &[]).await);
    println!("| stored | due | Query | GetItem | UpdateItem |\n|---|---|---|---|---|");
    let mut payments = make(&story, FEW, |_| Callback::Arrives).await;
    story.environment.poll_stream().await;
    payments.extend(measure(&story, FEW).await);

    let crowd = u64::from(testkit::size("CROWD", 300));
    let missing = crowd - FEW - 2 * DUE;
    payments.extend(make(&story, missing, |index| if index % 3 == 2 { Callback::IsLost } else { Callback::Arrives }).await);
    story.environment.poll_stream().await;
    story.environment.advance(FIRST_LOOK);
    let twins =
        [story.environment.build(reconcile::Deps::from_env, &[]), story.environment.build(reconcile::Deps::from_env, &[])];
    let mut runs = 0;
    let mut busy = true;
    while busy {
        assert!(runs < RUNS, "still busy after {runs} runs");
        let (one, two) = tokio::join!(run(&twins[0]), run(&twins[1]));
        busy = [one, two].iter().any(|report| report["left"] == true || report["due"] != 0);
        runs += 1;
        // What one of them has lost to the other is looked at again in a moment.
        story.environment.advance(Duration::from_mins(1));
    }
    println!("{} payments whose callback was lost: settled by two reconciles at once in {runs} runs", missing / 3);

    make(&story, WAITING, |_| Callback::NotYet).await;
    // A first look at them, after which the next is far off.
    story.environment.advance(FIRST_LOOK);
    assert_eq!(tick(&story).await.0["due"], WAITING);
    payments.extend(measure(&story, crowd - DUE + WAITING).await);

    assert_eq!(payments.len() as u64, crowd);
    let checks = payments.iter().map(|payment| {
        let story = &story;
        async move {
            let stored = story.payment(payment).await;
            assert_eq!((&stored["state"], &stored["check_at"]), (&json!("captured"), &stored["last_look_at"]), "{payment}");
            let standins = story.environment.standins();
            assert_eq!(standins.mokka_order(payment).unwrap().status.as_str(), "finished", "{payment}");
            assert_eq!(standins.imshop_payment(payment).unwrap()["paymentCaptured"], true, "{payment}");
            let order = stored["order_id"].as_str().unwrap();
            assert_eq!(standins.shop_book(order).unwrap()["state"], "paid", "{payment}");
        }
    });
    stream::iter(checks).buffer_unordered(AT_ONCE).collect::<()>().await;
    let told = [(System::Imshop, "payment_status"), (System::Imshop, "order_status"), (System::Shop, "events")];
    for (system, method) in [(System::Mokka, "finish")].into_iter().chain(told) {
        assert_eq!(story.environment.standins().call_count(system, method), crowd, "{system} {method}: each payment once");
    }
    assert_eq!(story.environment.dead_letters(), []);
}
