//! The program itself against a runtime API like Lambda's: what a request did not wait for is finished after its answer and
//! before the next request is asked for, since Lambda freezes a function that asks.

use serde_json::{Value, json};
use shared::platform::metrics::COLD_START;
use standins::{Fault, System};
use testkit::{Program, Seen, TestEnvironment};

use crate::{cart, post};

#[tokio::test(flavor = "multi_thread")]
async fn late_schedule_is_stored_before_the_next_request() {
    let environment = TestEnvironment::start_now().await;
    environment.standins().fault(System::Mokka, "schedule", Fault::Late(1200), 1).unwrap();
    let mut settings = environment.env();
    settings.insert("PAYMENTS_BUDGET_MS".to_owned(), "200".to_owned());
    let event = post().json(cart()).rest();
    let mut function = Program::start(env!("CARGO_BIN_EXE_payments"), settings, vec![event]).await;
    assert!(matches!(function.next().await, Seen::Asked));
    let Seen::Answered(answer) = function.next().await else { panic!("a request is answered before the next one is asked for") };
    let list: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert!(list["payments"][1]["id"] == "mokka" && list["payments"][1]["widget"].is_null(), "{list}");
    let stored_then = environment.items("quotes", "schedule#").await.len();
    assert!(matches!(function.next().await, Seen::Asked));
    let stored_now = environment.items("quotes", "schedule#").await.len();
    assert_eq!((stored_then, stored_now), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_is_measured_once_however_many_requests_follow() {
    let environment = TestEnvironment::start_now().await;
    let events = (0..3).map(|_| post().json(cart()).rest()).collect();
    let mut function = Program::start(env!("CARGO_BIN_EXE_payments"), environment.env(), events).await;
    for _ in 0..3 {
        function.answer().await;
    }
    let measured = function.measured(COLD_START);
    assert_eq!((measured.len(), &measured[0]["function"]), (1, &json!("a-function")), "{measured:?}");
    assert!(measured[0]["ColdStart"].as_i64().unwrap() < 60_000, "{measured:?}");
}
