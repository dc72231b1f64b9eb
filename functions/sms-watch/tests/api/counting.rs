//! What is counted, and when.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use shared::platform::metrics;

use super::{LOST, OVER, PhoneReports, SILENCE, Shop, phone};

#[tokio::test]
async fn an_sms_is_counted_when_its_codes_time_is_over() {
    let shop = Shop::start().await;
    let id = shop.send(&phone(1)).await;
    assert_eq!(shop.environment.push_sms_reports().await, [200]);
    shop.enter(&phone(1)).await;
    assert_eq!(shop.environment.watch_sms().await["due"], 0, "not yet");
    shop.assert_counted([0, 0, 0], "not yet").await;
    shop.environment.advance(OVER);
    let report = shop.environment.watch_sms().await;
    assert_eq!(report, json!({"due": 1, "counted": 1, "asked": 0, "reported": 0, "failed": 0, "alarms": 0, "left": false}));
    shop.assert_counted([1, 1, 1], "entered").await;
    let sms = shop.sms(&id).await;
    assert_eq!((sms.get("check_at"), sms.get("check_shard")), (None, None), "it has left the index: {sms}");
    assert_eq!(shop.environment.watch_sms().await["due"], 0);
    let line = shop.environment.measured(metrics::SMS_SENT).remove(0);
    let values = ["operator", "range", "SmsSent", "SmsDelivered", "SmsEntered"].map(|name| line[name].clone());
    assert_eq!(values, [json!("beeline"), json!("9967701"), json!(1), json!(1), json!(1)]);
}

#[tokio::test]
async fn what_is_not_entered_or_not_delivered_is_counted_as_that() {
    let shop = Shop::start().await;
    shop.reports(&phone(2), SILENCE);
    shop.reports(&phone(3), SILENCE);
    for number in 1..=3 {
        shop.send(&phone(number)).await;
    }
    shop.environment.push_sms_reports().await;
    // Entered, so it arrived, whatever SMSPRO says.
    shop.enter(&phone(3)).await;
    shop.environment.advance(OVER);
    shop.environment.watch_sms().await;
    shop.assert_counted([3, 2, 1], "one delivered, one lost, one entered").await;
    assert_eq!([metrics::SMS_SENT, metrics::SMS_DELIVERED, metrics::SMS_ENTERED].map(|metric| shop.measured(metric)), [3, 2, 1]);
}

#[tokio::test]
async fn a_late_report_is_added_once() {
    let shop = Shop::start().await;
    shop.reports(&phone(1), SILENCE);
    shop.send(&phone(1)).await;
    shop.environment.advance(OVER);
    shop.environment.watch_sms().await;
    shop.assert_counted([1, 0, 0], "before").await;
    shop.environment.standins().set_sms_reports(&phone(1), PhoneReports { report: Some(3), pushed: true }, true).unwrap();
    assert_eq!(shop.environment.push_sms_reports().await, [200]);
    assert_eq!(shop.environment.watch_sms().await["due"], 1);
    shop.assert_counted([1, 1, 0], "after").await;
    assert_eq!(shop.environment.watch_sms().await["due"], 0);
    assert_eq!(shop.measured(metrics::SMS_DELIVERED), 1);
}

#[tokio::test]
async fn a_new_code_does_not_take_the_place_of_the_one_before() {
    let shop = Shop::start().await;
    shop.send(&phone(1)).await;
    shop.enter(&phone(1)).await;
    shop.environment.advance(Duration::from_mins(2));
    shop.send(&phone(1)).await;
    shop.environment.advance(OVER);
    shop.environment.watch_sms().await;
    assert_eq!(shop.counts("range#9967701").await, [2, 2, 1], "the first was entered, the second delivered (asked)");
}

#[tokio::test]
async fn operators_and_ranges_are_counted_apart() {
    let shop = Shop::start().await;
    shop.send("996770110001").await;
    shop.send("996555110001").await;
    shop.send("79051234567").await;
    shop.environment.push_sms_reports().await;
    shop.environment.advance(OVER);
    shop.environment.watch_sms().await;
    for group in ["operator#beeline", "operator#megacom", "operator#ru", "range#9967701", "range#9965551", "range#7905123"] {
        assert_eq!(shop.counts(group).await, [1, 1, 0], "{group}");
    }
}

#[tokio::test]
async fn the_round_trips_of_a_run_are_as_designed() {
    let shop = Shop::start().await;
    drop(shop.environment.store_calls());
    shop.environment.watch_sms().await;
    assert_eq!(shop.environment.store_calls(), ["UpdateItem", "Query", "UpdateItem"], "nothing is due");

    shop.send(&phone(1)).await;
    shop.environment.push_sms_reports().await;
    shop.environment.advance(OVER);
    drop(shop.environment.store_calls());
    shop.environment.watch_sms().await;
    let judged = ["BatchGetItem", "BatchGetItem", "UpdateItem"];
    assert_eq!(
        shop.environment.store_calls(),
        [&["UpdateItem", "Query", "GetItem", "TransactWriteItems"][..], &judged].concat(),
        "reported"
    );

    shop.reports(&phone(2), LOST);
    shop.send(&phone(2)).await;
    shop.environment.advance(OVER);
    drop(shop.environment.store_calls());
    shop.environment.watch_sms().await;
    let asked = ["UpdateItem", "Query", "GetItem", "TransactWriteItems", "TransactWriteItems"];
    assert_eq!(shop.environment.store_calls(), [&asked[..], &judged].concat(), "asked for");
    assert_eq!(shop.asked(), 1);
}

#[tokio::test]
async fn an_sms_that_cannot_be_read_holds_up_no_other() {
    let shop = Shop::start().await;
    let broken = shop.send(&phone(1)).await;
    shop.send(&phone(2)).await;
    let key = AttributeValue::S(format!("sms#{broken}"));
    let update = shop.environment.dynamodb().update_item().table_name("otp-tokens").key("pk", key);
    update.update_expression("REMOVE form_name").send().await.unwrap();
    shop.environment.advance(OVER);
    let report = shop.environment.watch_sms().await;
    assert_eq!((&report["failed"], &report["counted"]), (&json!(1), &json!(1)));
}
