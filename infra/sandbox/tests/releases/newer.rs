//! What newer functions have stored, in the hands of these: while a release is deployed, and after it was rolled back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use testkit::settings::OPERATOR_KEY;

use crate::ends::{after_the_codes, codes, come_to_its_end};
use crate::house::House;
use crate::stored::{self, TABLES};
use crate::stories::{self, id_of};

/// Items by table and key.
type Items = BTreeMap<(&'static str, String), Value>;

/// Sets an attribute of everything that is stored; how it then stands.
async fn set_everywhere(house: &House, name: &str, value: AttributeValue) -> Items {
    let mut marked = BTreeMap::new();
    for table in TABLES {
        let items = house.world.items(table, "").await;
        for key in items.iter().map(|item| item["pk"].as_str().unwrap().to_owned()).filter(|key| !stored::is_turn(key)) {
            let update = house.world.dynamodb().update_item().table_name(table).key("pk", AttributeValue::S(key.clone()));
            let update = update.update_expression("SET #name = :value").expression_attribute_names("#name", name);
            update.expression_attribute_values(":value", value.clone()).send().await.unwrap();
            let item = house.world.item(table, &key).await.unwrap();
            marked.insert((table, key), item);
        }
    }
    marked
}

/// Whatever was written keeps its mark; the kinds of items that were.
async fn still_marked(house: &House, marked: &Items) -> BTreeSet<String> {
    let mut written = BTreeSet::new();
    for ((table, key), before) in marked {
        // What was erased, or is over, is gone.
        let Some(now) = house.world.item(table, key).await else { continue };
        assert_eq!(now["of_a_newer_release"], "kept", "{table} {key}");
        if now["version"] != before["version"] {
            written.insert(key.split('#').next().unwrap_or_default().to_owned());
        }
    }
    written
}

#[tokio::test]
async fn what_newer_functions_have_added_survives_every_write() {
    let house = stories::told().await;
    let marked = set_everywhere(&house, "of_a_newer_release", AttributeValue::S("kept".to_owned())).await;
    codes(&house).await;
    let mut written = still_marked(&house, &marked).await;
    after_the_codes(&house).await;
    written.extend(still_marked(&house, &marked).await);
    for kind in ["order", "payment", "registration", "challenge", "sends", "count", "sms"] {
        assert!(written.contains(kind), "no {kind} was written: {written:?}");
    }
}

#[tokio::test]
async fn an_item_of_a_newer_schema_is_left_alone_and_nobody_outside_is_asked_anything() {
    let house = stories::told().await;
    let marked = set_everywhere(&house, "schema", AttributeValue::N("2".to_owned())).await;
    // What the stream brings of it is nothing to tell.
    house.world.pump().await;
    house.world.standins().forget_calls();
    let mut answers = Vec::new();
    for uuid in ["creating", "pending", "held", "finishing", "captured", "refund-unknown"] {
        let payment = id_of(&house, uuid).await;
        let order = payment.trim_end_matches("-1");
        answers.push(("create", house.create(uuid, order).await));
        answers.push(("capture", house.capture(&payment).await));
        if uuid != "creating" {
            answers.push(("callback", house.callback(&payment).await));
        }
        for action in ["finish", "cancel", "settle"] {
            answers.push((action, house.operate(&payment, action, json!({})).await));
        }
        answers.push(("refund", house.refund(&payment, "newer", json!({})).await));
        answers.push(("order", house.look(&format!("/v1/back-office/orders/{order}")).await));
    }
    let pushed = json!({"orderId": "2001", "amount": "1.00", "items": []});
    answers.push(("push", house.push("pushed", &pushed).await));
    answers.push(("code", house.form("callback", "+996 770 20 00 05", None).await));
    answers.push(("code entered", house.form("callback", "+996 770 20 00 05", Some("000")).await));
    answers.push(("forms", house.look("/v1/back-office/forms?state=waiting").await));
    let erasure = json!({"phone": "+996 770 20 00 01"});
    answers.push(("erasure", house.call("POST", "/v1/back-office/erasures", OPERATOR_KEY, &erasure).await));
    for (what, (status, answer)) in answers {
        assert!(matches!(status, 500 | 503), "{what}: {status} {answer}");
    }
    house.world.advance(Duration::from_mins(2));
    house.world.tick().await;
    house.world.deliver_forms().await;
    house.world.push_sms_reports().await;
    assert_eq!(house.world.standins().calls(None).iter().map(|call| call.method).collect::<Vec<_>>(), Vec::<&str>::new());
    for ((table, key), before) in marked {
        assert_eq!(house.world.item(table, &key).await, Some(before), "{table} {key}");
    }
}

#[tokio::test]
async fn what_waited_for_newer_functions_goes_on_when_they_are_back() {
    let house = stories::told().await;
    let files = stored::dump(&house).await;
    set_everywhere(&house, "schema", AttributeValue::N("2".to_owned())).await;
    house.world.tick().await;
    house.world.deliver_forms().await;
    // They are back: for them it is what it was.
    set_everywhere(&house, "schema", AttributeValue::N("1".to_owned())).await;
    let again = stored::dump(&house).await;
    assert_eq!(again["order-holds"], files["order-holds"]);
    assert_eq!(again["forms"], files["forms"]);
    come_to_its_end(&house).await;
}
