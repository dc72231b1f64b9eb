//! Every SMS with a code has a record, which says what came of it and not whose it is.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use standins::{Fault, System};

use super::{COOL_DOWN, Customer, otp_failed, saved_by_shop, success};

impl Customer {
    /// The records of SMS, oldest first.
    async fn records(&self) -> Vec<Value> {
        let mut records = self.environment.items("otp-tokens", "sms#").await;
        records.sort_by_key(|record| record["sent_at"].as_i64());
        records
    }
}

#[tokio::test]
async fn an_sms_is_recorded_with_its_code() {
    let customer = Customer::start().await;
    customer.get_code().await;
    let record = customer.records().await.remove(0);
    assert_eq!(record["pk"], json!(format!("sms#{}", customer.inbox()[0].transaction_id)));
    for (name, value) in [("form_name", "callback"), ("range", "9967701"), ("operator", "beeline"), ("check_shard", "sms")] {
        assert_eq!(record[name], value, "{record}");
    }
    let challenge = customer.challenge().await;
    assert_eq!(record["valid_till"], challenge["sent"]["valid_till"]);
    assert_eq!(
        record["check_at"].as_i64(),
        record["valid_till"].as_i64().map(|at| at + 60_000),
        "when nobody can enter it any more"
    );
    let week = customer.environment.clock().now().seconds() + 7 * 24 * 3600;
    assert!((week - 60..=week).contains(&record["expires_at"].as_i64().unwrap()));
}

#[tokio::test]
async fn a_right_code_is_noted_on_its_sms_and_a_wrong_one_is_not() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    assert_eq!(customer.submit("WRONG").await, otp_failed());
    assert_eq!(customer.records().await[0].get("entered_at"), None);
    assert_eq!(customer.submit(&code).await, saved_by_shop());
    let record = customer.records().await.remove(0);
    assert!(record["entered_at"].as_i64() >= record["sent_at"].as_i64());
    assert_eq!(customer.submit(&code).await, saved_by_shop());
    assert_eq!(customer.records().await, [record], "once");
}

#[tokio::test]
async fn every_sms_has_a_record_of_its_own() {
    let customer = Customer::start().await;
    customer.get_code().await;
    customer.environment.advance(COOL_DOWN);
    let second = customer.get_code().await;
    assert_eq!(customer.submit(&second).await, saved_by_shop());
    let entered: Vec<_> = customer.records().await.iter().map(|record| record.get("entered_at").is_some()).collect();
    assert_eq!(entered, [false, true]);
}

#[tokio::test]
async fn what_was_not_sent_has_no_record() {
    let customer = Customer::start().await;
    customer.environment.standins().fault(System::Smspro, "send", Fault::Refused, 1).unwrap();
    customer.send().await;
    assert_eq!(customer.records().await, [Value::Null; 0]);
    // Sent again under the same id after an unclear outcome: one SMS, one record.
    customer.environment.standins().fault(System::Smspro, "send", Fault::Reset, 1).unwrap();
    customer.send().await;
    assert_eq!(customer.send().await, success());
    assert_eq!(customer.records().await.len(), 1);
}

/// A code that was sent before there were records: the day of an update.
#[tokio::test]
async fn a_code_without_a_record_is_as_good_as_any() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    let key = AttributeValue::S(customer.records().await[0]["pk"].as_str().unwrap().to_owned());
    customer.environment.dynamodb().delete_item().table_name("otp-tokens").key("pk", key).send().await.unwrap();
    assert_eq!(customer.submit(&code).await, saved_by_shop());
    assert_eq!((customer.checks(), customer.saved()), (1, 1));
    assert_eq!(customer.records().await, [Value::Null; 0], "and none is made up");
}
