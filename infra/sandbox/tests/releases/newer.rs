//! What newer functions have stored, in the hands of these: while a release is deployed, and after it was rolled back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use testkit::settings::OPERATOR_KEY;

use crate::deployment::Deployment;
use crate::ends::{after_the_codes, codes, come_to_its_end};
use crate::stored::{self, TABLES};
use crate::stories::{self, id_of};

/// Items by table and key.
type Items = BTreeMap<(&'static str, String), Value>;

/// Sets an attribute of everything that is stored; how it then stands.
async fn set_everywhere(deployment: &Deployment, name: &str, value: AttributeValue) -> Items {
    let mut marked = BTreeMap::new();
    for table in TABLES {
        let items = deployment.environment.items(table, "").await;
        for key in items.iter().map(|item| item["pk"].as_str().unwrap().to_owned()).filter(|key| !stored::is_turn(key)) {
            let update =
                deployment.environment.dynamodb().update_item().table_name(table).key("pk", AttributeValue::S(key.clone()));
            let update = update.update_expression("SET #name = :value").expression_attribute_names("#name", name);
            update.expression_attribute_values(":value", value.clone()).send().await.unwrap();
            let item = deployment.environment.item(table, &key).await.unwrap();
            marked.insert((table, key), item);
        }
    }
    marked
}

/// Whatever was written keeps its mark; the kinds of items that were.
async fn still_marked(deployment: &Deployment, marked: &Items) -> BTreeSet<String> {
    let mut written = BTreeSet::new();
    for ((table, key), before) in marked {
        // What was erased, or is over, is gone.
        let Some(now) = deployment.environment.item(table, key).await else { continue };
        assert_eq!(now["of_a_newer_release"], "kept", "{table} {key}");
        if now["version"] != before["version"] {
            written.insert(key.split('#').next().unwrap_or_default().to_owned());
        }
    }
    written
}

#[tokio::test]
async fn what_newer_functions_have_added_survives_every_write() {
    let deployment = stories::told().await;
    let marked = set_everywhere(&deployment, "of_a_newer_release", AttributeValue::S("kept".to_owned())).await;
    codes(&deployment).await;
    let mut written = still_marked(&deployment, &marked).await;
    after_the_codes(&deployment).await;
    written.extend(still_marked(&deployment, &marked).await);
    for kind in ["order", "payment", "registration", "challenge", "sends", "count", "sms"] {
        assert!(written.contains(kind), "no {kind} was written: {written:?}");
    }
}

#[tokio::test]
async fn item_of_newer_schema_is_not_written_and_causes_no_call() {
    let deployment = stories::told().await;
    let marked = set_everywhere(&deployment, "schema", AttributeValue::N("2".to_owned())).await;
    // What the stream brings of it is nothing to tell.
    deployment.environment.poll_stream().await;
    deployment.environment.standins().forget_calls();
    let mut answers = Vec::new();
    for uuid in ["creating", "pending", "held", "finishing", "captured", "refund-unknown"] {
        let payment = id_of(&deployment, uuid).await;
        let order = payment.trim_end_matches("-1");
        answers.push(("create", deployment.create(uuid, order).await));
        answers.push(("capture", deployment.capture(&payment).await));
        if uuid != "creating" {
            answers.push(("callback", deployment.callback(&payment).await));
        }
        for action in ["finish", "cancel", "settle"] {
            answers.push((action, deployment.operate(&payment, action, json!({})).await));
        }
        answers.push(("refund", deployment.refund(&payment, "newer", json!({})).await));
        answers.push(("order", deployment.look(&format!("/v1/back-office/orders/{order}")).await));
    }
    let pushed = json!({"orderId": "2001", "amount": "1.00", "items": []});
    answers.push(("push", deployment.push("pushed", &pushed).await));
    answers.push(("code", deployment.form("callback", "+996 770 20 00 05", None).await));
    answers.push(("code entered", deployment.form("callback", "+996 770 20 00 05", Some("000")).await));
    answers.push(("forms", deployment.look("/v1/back-office/forms?state=waiting").await));
    let erasure = json!({"phone": "+996 770 20 00 01"});
    answers.push(("erasure", deployment.call("POST", "/v1/back-office/erasures", OPERATOR_KEY, &erasure).await));
    for (what, (status, answer)) in answers {
        assert!(matches!(status, 500 | 503), "{what}: {status} {answer}");
    }
    deployment.environment.advance(Duration::from_mins(2));
    deployment.environment.tick().await;
    deployment.environment.deliver_forms().await;
    deployment.environment.push_sms_reports().await;
    assert_eq!(
        deployment.environment.standins().calls(None).iter().map(|call| call.method).collect::<Vec<_>>(),
        Vec::<&str>::new()
    );
    for ((table, key), before) in marked {
        assert_eq!(deployment.environment.item(table, &key).await, Some(before), "{table} {key}");
    }
}

#[tokio::test]
async fn what_waited_for_newer_functions_goes_on_when_they_are_back() {
    let deployment = stories::told().await;
    let files = stored::dump(&deployment).await;
    set_everywhere(&deployment, "schema", AttributeValue::N("2".to_owned())).await;
    deployment.environment.tick().await;
    deployment.environment.deliver_forms().await;
    // They are back: for them it is what it was.
    set_everywhere(&deployment, "schema", AttributeValue::N("1".to_owned())).await;
    let again = stored::dump(&deployment).await;
    assert_eq!(again["order-holds"], files["order-holds"]);
    assert_eq!(again["forms"], files["forms"]);
    come_to_its_end(&deployment).await;
}
