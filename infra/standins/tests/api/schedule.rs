use serde_json::{Value, json};
use standins::{Decision, Options, System, Tariff};
use time::macros::datetime;

use crate::environment::{TestEnvironment, text};

const SCHEDULE: &str = "/factoring/v1/schedule";

#[tokio::test]
async fn an_amount_has_a_schedule_for_each_tariff_that_takes_it() {
    let environment = TestEnvironment::start().await;
    for (amount, terms) in [
        ("999.99", json!([])),
        ("1000.00", json!([3])),
        ("2999.99", json!([3])),
        ("3000.00", json!([3, 6])),
        ("5000.00", json!([3, 6, 12])),
        ("100000.01", json!([6, 12])),
        ("150000.01", json!([])),
        ("0.00", json!([])),
    ] {
        let answer = environment.mokka(SCHEDULE, &json!({ "amount": amount })).await;
        assert_eq!((&answer["status"], &answer["message"]), (&json!(0), &json!("Payload valid")));
        let found: Vec<Value> = answer["payment_schedule"].as_array().unwrap().iter().map(|one| one["term"].clone()).collect();
        assert_eq!(Value::Array(found), terms, "{amount}");
    }
}

#[tokio::test]
async fn a_schedule_looks_as_documented() {
    // 31 January after midnight in Moscow, still the 30th in UTC.
    let environment = TestEnvironment::at(datetime!(2030-01-30 22:00 UTC)).await;
    let response = environment.mokka_request(SCHEDULE, &json!({ "amount": "7000.01" })).send().await.unwrap();
    let (_, raw) = text(response).await;
    let three = concat!(
        r#"{"total":7000.01,"monthly_payment":2334,"monthly_overpayment":0,"term":3,"payment_dates":["#,
        r#"{"date":"28.02.2030","amount":"2334.00"},{"date":"31.03.2030","amount":"2334.00"},"#,
        r#"{"date":"30.04.2030","amount":"2332.01"}]}"#
    );
    assert!(raw.contains(three), "{raw}");
    // 1.5 % of 7000.01 is 105.00015 a month, rounded up.
    assert!(raw.contains(r#""total":7630.07,"monthly_payment":1272,"monthly_overpayment":105.01,"term":6"#), "{raw}");
}

#[tokio::test]
async fn each_field_of_a_schedule_has_its_code() {
    let environment = TestEnvironment::exact().await;
    for (body, code) in [
        (json!({}), 30),
        (json!({ "amount": 5000 }), 30),
        (json!({ "amount": "5000" }), 30),
        (json!({ "amount": "5000.00", "term": 3 }), 100),
    ] {
        assert_eq!(environment.mokka(SCHEDULE, &body).await["status"], code, "{body}");
    }
}

#[tokio::test]
async fn tariffs_decide_what_a_checkout_may_ask_for() {
    let tariff = |term, min_kopecks| Tariff { term, min_kopecks, max_kopecks: 1_000_000, monthly_overpayment_bp: 100 };
    let options = Options { mokka_tariffs: vec![tariff(4, 400_000), tariff(10, 500_000)], ..Options::default() };
    let environment = TestEnvironment::with(options).await;
    for (term, code) in [(json!(3), 34), (json!(10), 33), (json!(4), 0)] {
        let mut body = environment.checkout_body("R-1");
        body["current_order"]["term"] = term.clone();
        assert_eq!(environment.mokka("/factoring/v1/precheck/auth", &body).await["status"], code, "{term}");
    }
    environment.standins.decide("R-1", Decision::Approved, true, 1).await.unwrap();
    let callback = environment.standins.calls(Some(System::Imshop)).pop().unwrap();
    assert_eq!((&callback.body["term"], &callback.body["amount"]), (&json!(4), &json!("4500.00")));
    assert_eq!(callback.body["schedule"].as_array().unwrap().len(), 4);
    assert_eq!(callback.body["schedule"][0]["amount"], "1170.00");
    assert!(callback.raw.contains(r#""monthly_overpayment":45}"#), "{}", callback.raw);
}
