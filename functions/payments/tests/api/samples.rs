//! The samples of IMSHOP's document "Оплаты", in its order, with goods of our own; and what the document's own slips make of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::TestEnvironment;

use crate::{ask, post};

/// The document's first sample: every field that its list explains.
fn sample() -> Value {
    json!({
        "externalUserId": "customer-5",
        "country": "RU",
        "hasPreorderItems": true,
        "city": "Москва",
        "promocode": null,
        "deliveryId": "14",
        "pickupLocationId": "100",
        "bonusesSpent": 250,
        "legalEntityMode": true,
        "items": [
            {"name": "Чайник", "id": "00a03026-0000-0000-0000-000000000001", "privateId": "3464", "configurationId": "3464", "quantity": 1},
            {"name": "Чашка", "id": "605e0108-0000-0000-0000-000000000002", "privateId": "29117", "configurationId": "29117", "quantity": 1},
        ],
    })
}

/// With one of its parts in another way, or left out.
fn with(path: &str, value: Option<Value>) -> Value {
    let mut cart = sample();
    let (parent, name) = path.rsplit_once('/').unwrap();
    let object = if parent.is_empty() { &mut cart } else { cart.pointer_mut(parent).unwrap() }.as_object_mut().unwrap();
    match value {
        Some(value) => object.insert(name.to_owned(), value),
        None => object.remove(name),
    };
    cart
}

#[tokio::test]
async fn every_request_of_the_document_is_answered_with_the_list() {
    let environment = TestEnvironment::start().await;
    let deps = environment.build(payments::Deps::from_env, &[]);
    let list = ask(&deps, post().json(json!({})).rest()).await;
    let guest = [("/externalUserId", None), ("/externalUserId", Some(Value::Null)), ("/pickupLocationId", Some(Value::Null))];
    let marketplace = [("/items/0/warehouseId", Some(json!("AF-1416"))), ("/items/1/warehouseId", Some(json!(1416)))];
    let slips = [
        ("/city", Some(json!("0c5b2444-70a0-4932-980c-b4dc0d3f02b5"))),
        ("/promocode", Some(json!("SPRING"))),
        ("/hasPreorderItems", None),
        ("/legalEntityMode", None),
        ("/bonusesSpent", None),
        ("/items/0/privateId", None),
        ("/items/0/configurationId", Some(json!(3464))),
        ("/promoGroup", Some(json!([{"id": "gift", "items": []}]))),
        ("/promoGroup", Some(json!([[{"id": "gift"}], [{"id": "tea"}]]))),
    ];
    let changed = guest.into_iter().chain(marketplace).chain(slips).map(|(path, value)| (path, with(path, value)));
    for (name, cart) in [("as it stands", sample())].into_iter().chain(changed) {
        let answer = ask(&deps, post().json(cart).rest()).await;
        assert_eq!((answer.status, &answer.body), (200, &list.body), "{name}");
    }
    assert!(!environment.logs().contains("cannot be read"), "nothing of a sample is unknown: {}", environment.logs());
}

/// The names of an object.
fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn an_answer_has_the_documents_fields_and_none_of_its_slips() {
    let environment = TestEnvironment::start().await;
    let deps = environment.build(payments::Deps::from_env, &[crate::widget::PATIENT]);
    let mut cart = sample();
    cart["items"][0]["subtotal"] = json!(4990);
    cart["items"][1]["subtotal"] = json!(10);
    let answer = ask(&deps, post().json(cart).rest()).await.json();
    assert_eq!(names(&answer), BTreeSet::from(["payments"]));
    let known = BTreeSet::from([
        "id",
        "title",
        "description",
        "type",
        "deliveryDiscount",
        "autoVerification",
        "icon",
        "iconId",
        "widget",
    ]);
    let payments = answer["payments"].as_array().unwrap();
    for payment in payments {
        assert!(names(payment).is_subset(&known), "no `iconSize`: {payment}");
        assert!(
            ["id", "title", "type"].iter().all(|name| payment[name].is_string()),
            "mandatory, the widget's sample forgets `type`"
        );
        assert!(payment.get("icon").is_none() || payment.get("iconId").is_none(), "one picture: {payment}");
        assert!(["cash", "card_on_delivery", "card", "iOS", "android"].contains(&payment["type"].as_str().unwrap()));
    }
    let widget = payments.iter().find_map(|payment| payment.get("widget")).unwrap();
    assert_eq!(names(widget), BTreeSet::from(["description", "paymentsGraphic"]), "not `paymentGraphic`, as the list has it");
    let periods = widget["paymentsGraphic"].as_array().unwrap();
    for period in periods {
        assert_eq!(names(period), BTreeSet::from(["periodDescription", "periodPrice", "progress"]));
        assert!(
            period["periodPrice"].as_str().unwrap().ends_with('₽'),
            "a text, though one of the sample's is a number: {period}"
        );
    }
    assert_eq!(periods.iter().map(|period| period["progress"].as_u64().unwrap()).sum::<u64>(), 100);
}
