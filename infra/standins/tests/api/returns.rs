use futures_util::future::join_all;
use serde_json::{Value, json};
use standins::{Decision, Fault, MokkaStatus, System};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::environment::{TestEnvironment, answer};

const RETURN: &str = "/factoring/v1/return";
/// Half an hour before midnight in Moscow, in the evening in UTC.
const LATE: OffsetDateTime = datetime!(2030-06-10 20:30 UTC);
const HALF_AN_HOUR: i64 = 1800;

/// An environment in which `R-1` over 4500.00 has just been finalised.
async fn finished() -> TestEnvironment {
    let environment = TestEnvironment::at(LATE).await;
    hold(&environment, "R-1").await;
    assert_eq!(environment.finish("R-1", "4500.00").await["status"], 0);
    environment
}

async fn hold(environment: &TestEnvironment, order_id: &str) {
    let mut body = environment.checkout_body(order_id);
    body["current_order"]["valid_till"] = json!("20.06.2030 12:00:00+03:00");
    assert_eq!(environment.mokka("/factoring/v1/precheck/auth", &body).await["status"], 0);
    environment.standins.decide(order_id, Decision::Approved, false, 1).await.unwrap();
}

/// Status, the sum of the returns, and each of them.
fn state(environment: &TestEnvironment, order_id: &str) -> (MokkaStatus, String, Vec<String>) {
    let order = environment.standins.mokka_order(order_id).unwrap();
    (order.status, order.returned, order.returns.into_iter().map(|one| one.amount).collect())
}

#[tokio::test]
async fn the_whole_can_be_returned_at_once() {
    let environment = finished().await;
    assert_eq!(environment.give_back("R-1", "4500.00").await, json!({ "status": 0, "message": "Payload valid" }));
    let status = environment.status("R-1").await["current_order"].clone();
    assert_eq!((&status["status"], &status["amount"]), (&json!("refunded"), &json!("4500.00")));
    assert_eq!(state(&environment, "R-1"), (MokkaStatus::Refunded, "4500.00".to_owned(), vec!["4500.00".to_owned()]));
    assert_eq!(environment.give_back("R-1", "4500.00").await["status"], 100, "nothing is left");
    let order = environment.get("/control/mokka/R-1").await;
    assert_eq!((&order["returned"], &order["finished_at"]), (&json!("4500.00"), &json!("2030-06-10T20:30:00Z")));
    assert_eq!(order["returns"], json!([{ "amount": "4500.00", "at": "2030-06-10T20:30:00Z" }]));
}

#[tokio::test]
async fn a_part_waits_for_the_next_day_in_moscow() {
    let environment = finished().await;
    let (code, note) = environment.refusal(RETURN, &json!({ "order_id": "R-1", "amount": "100.00" })).await;
    assert!(code == 100 && note.contains("Moscow"), "{code} {note}");
    environment.advance(HALF_AN_HOUR - 1).await;
    assert_eq!(environment.give_back("R-1", "4499.99").await["status"], 100, "one second to midnight");
    environment.advance(1).await;
    assert_eq!(environment.give_back("R-1", "4499.99").await["status"], 0, "the same day still in UTC");
    let status = environment.status("R-1").await["current_order"].clone();
    assert_eq!((&status["status"], &status["amount"]), (&json!("finished"), &json!("4500.00")));
}

#[tokio::test]
async fn parts_add_up_to_the_whole_and_not_beyond() {
    let environment = finished().await;
    environment.advance(HALF_AN_HOUR).await;
    assert_eq!(environment.give_back("R-1", "4500.01").await["status"], 100);
    for (amount, code) in [("0.01", 0), ("4499.98", 0), ("0.02", 100), ("4500.00", 100), ("0.01", 0), ("0.01", 100)] {
        assert_eq!(environment.give_back("R-1", amount).await["status"], code, "{amount}");
    }
    let parts = ["0.01", "4499.98", "0.01"].map(str::to_owned).to_vec();
    assert_eq!(state(&environment, "R-1"), (MokkaStatus::Refunded, "4500.00".to_owned(), parts));
}

#[tokio::test]
async fn only_a_finished_order_is_returned() {
    let environment = TestEnvironment::at(LATE).await;
    assert_eq!(environment.give_back("R-1", "4500.00").await["status"], 24);
    hold(&environment, "R-1").await;
    for status in ["pending", "hold", "canceled", "declined", "refunded", "expired", "on_the_moon"] {
        environment.standins.set_mokka_status("R-1", status).unwrap();
        let (code, note) = environment.refusal(RETURN, &json!({ "order_id": "R-1", "amount": "4500.00" })).await;
        assert!(code == 100 && note.contains(status), "{status}: {code} {note}");
    }
    assert!(environment.standins.mokka_order("R-1").unwrap().returns.is_empty());
    environment.standins.set_mokka_status("R-1", "finished").unwrap();
    assert_eq!(environment.give_back("R-1", "1.00").await["status"], 100, "finished a moment ago");
    assert_eq!(environment.give_back("R-1", "4500.00").await["status"], 0);
}

#[tokio::test]
async fn each_field_of_a_return_has_its_code() {
    let environment = finished().await;
    environment.advance(HALF_AN_HOUR).await;
    for (body, code, noted) in [
        (json!({ "amount": "1.00" }), 20, "order_id"),
        (json!({ "order_id": 1, "amount": "1.00" }), 21, "order_id"),
        (json!({ "order_id": "R-1" }), 30, "amount"),
        (json!({ "order_id": "R-1", "amount": 1.00 }), 30, "amount"),
        (json!({ "order_id": "R-1", "amount": null }), 30, "amount"),
        (json!({ "order_id": "R-1", "amount": "1" }), 30, "amount"),
        (json!({ "order_id": "R-1", "amount": "-1.00" }), 30, "amount"),
        (json!({ "order_id": "R-1", "amount": "1e2.00" }), 30, "amount"),
        (json!({ "order_id": "R-1", "amount": "0.00" }), 30, "zero"),
        (json!({ "order_id": "R-1", "amount": "99999999999999999999.00" }), 30, "amount"),
        (json!({ "order_id": "R-1", "amount": "1.00", "reason": "x" }), 100, "reason"),
    ] {
        let (answered, note) = environment.refusal(RETURN, &body).await;
        assert!(answered == code && note.contains(noted), "{body}: {answered} {note}");
    }
    assert!(environment.standins.mokka_order("R-1").unwrap().returns.is_empty());
}

#[tokio::test]
async fn parallel_returns_never_give_back_too_much() {
    let environment = finished().await;
    environment.advance(HALF_AN_HOUR).await;
    let returns = join_all((0..20).map(|_| environment.give_back("R-1", "1000.00"))).await;
    assert_eq!(returns.iter().filter(|answer| answer["status"] == 0).count(), 4);
    let order = environment.standins.mokka_order("R-1").unwrap();
    assert_eq!((order.status, order.returned.as_str()), (MokkaStatus::Finished, "4000.00"));
}

#[tokio::test]
async fn a_lost_answer_has_its_effect_and_a_timeout_has_none() {
    let environment = finished().await;
    environment.advance(HALF_AN_HOUR).await;
    let body = json!({ "order_id": "R-1", "amount": "1000.00" });
    for (fault, returned) in [(Fault::Reset, "0.00"), (Fault::AnswerLost, "1000.00"), (Fault::Refused, "1000.00")] {
        environment.standins.fault(System::Mokka, "return", fault, 1).unwrap();
        let sent = environment.mokka_request(RETURN, &body).send().await;
        assert_eq!(sent.is_err(), fault != Fault::Refused, "{fault}");
        assert_eq!(environment.standins.mokka_order("R-1").unwrap().returned, returned, "{fault}");
    }
    // Nothing in the protocol says that the second is the first once more.
    assert_eq!(answer(environment.mokka_request(RETURN, &body)).await.1["status"], Value::from(0));
    assert_eq!(environment.standins.mokka_order("R-1").unwrap().returned, "2000.00");
}
