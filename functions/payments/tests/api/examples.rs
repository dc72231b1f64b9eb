//! The complete examples answer carts: `infra/config/examples`.

use std::time::Duration;

use serde_json::{Value, json};
use shared::platform::clock::Timestamp;
use testkit::settings::{CONFIG, IMSHOP_KEY};
use testkit::{Event, TestEnvironment};

use crate::ask;

/// Moves the environment on to a moment in the far future.
fn wait_until(environment: &TestEnvironment, moment: &str) {
    let moment = Timestamp::from_rfc3339(moment).unwrap();
    let ahead = moment.since(environment.clock().now());
    assert!(ahead > Duration::ZERO, "{moment:?} is over");
    environment.advance(ahead);
}

async fn answers(environment: &TestEnvironment, example: &str, currency: &str, carts: &[(&str, Value)]) -> Value {
    let file = format!("{CONFIG}/examples/{example}.toml");
    let settings = [
        ("PAYMENTS_CONFIG", &*file),
        ("DEFAULT_CURRENCY", currency),
        ("MOKKA_CURRENCY", currency),
        ("PAYMENTS_BUDGET_MS", "5000"),
    ];
    let deps = environment.build(payments::Deps::from_env, &settings);
    let mut answers = serde_json::Map::new();
    for (name, cart) in carts {
        let event = Event::post("/v1/payments").key(IMSHOP_KEY).json(cart.clone());
        let answer = ask(&deps, event.rest()).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        assert_eq!(ask(&deps, event.v2()).await, answer, "{name}: equal answers");
        answers.insert((*name).to_owned(), answer.json());
    }
    answers.into()
}

fn with_customer(cart: &Value, id: Value) -> Value {
    let mut cart = cart.clone();
    cart["externalUserId"] = id;
    cart
}

#[tokio::test]
async fn the_kyrgyz_example_answers() {
    let environment = TestEnvironment::start().await;
    // Monday, noon in Bishkek.
    wait_until(&environment, "2050-01-03T06:00:00Z");
    let kettle = json!({"configurationId": "kettle-1", "quantity": 1, "price": 4990});
    let gift = json!({"configurationId": "shop/gift-card-500", "quantity": 1, "price": 500});
    let home = json!({"country": "KG", "city": "Бишкек", "deliveryId": "webhook/express", "items": [kettle]});
    let carts = [
        ("a kettle to the door", home.clone()),
        ("to the door, signed in", with_customer(&home, json!("+996 770 000 000"))),
        ("to a pickup point", json!({"country": "kg", "city": "Талас", "pickupLocationId": 7, "items": [kettle]})),
        ("to a town without couriers", json!({"country": "KG", "city": "Талас", "deliveryId": "post/2", "items": [kettle]})),
        ("with a gift card", json!({"country": "KG", "city": "ош", "pickupLocationId": "7", "items": [kettle, gift]})),
        ("from the marketplace", json!({"country": "KG", "city": "Ош", "items": [{"warehouseId": "market-7", "price": 4990}]})),
        ("a company's", json!({"country": "KG", "city": "Ош", "legalEntityMode": true, "items": [kettle]})),
        ("ordered ahead", json!({"country": "KG", "city": "Ош", "hasPreorderItems": true, "items": [kettle]})),
        ("too dear for cash", json!({"country": "KG", "city": "Ош", "items": [{"subtotal": 30000.01}]})),
        ("too cheap for Mokka", json!({"country": "KG", "city": "Ош", "items": [{"price": 999.99}]})),
        ("without prices", json!({"country": "KG", "city": "Ош", "items": [{"configurationId": "kettle-1"}]})),
        ("nothing said", json!({})),
    ];
    insta::assert_json_snapshot!("kyrgyzstan", answers(&environment, "kyrgyzstan", "KGS", &carts).await);
    // The night that began on Monday, until two.
    let mut night = Vec::new();
    for moment in ["2050-01-03T19:59:00Z", "2050-01-03T20:00:00Z"] {
        wait_until(&environment, moment);
        night.push(answers(&environment, "kyrgyzstan", "KGS", &[("night", home.clone())]).await["night"]["payments"].clone());
    }
    let ids = |payments: &Value| payments.as_array().unwrap().iter().map(|payment| payment["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&night[0]), ["cash", "card-courier", "mokka"], "a minute to two");
    assert_eq!(ids(&night[1]), ["cash", "mokka"]);
}

#[tokio::test]
async fn the_russian_example_answers() {
    let environment = TestEnvironment::start().await;
    // Saturday, afternoon in Moscow.
    wait_until(&environment, "2050-01-08T12:00:00Z");
    let own = json!({"configurationId": "kettle-1", "quantity": 2, "price": "2495.00", "warehouseId": "msk-1"});
    let partner = json!({"configurationId": "cup-1", "quantity": 1, "price": 300, "warehouseId": "partner-5"});
    let door = json!({"country": "RU", "city": "Королев", "deliveryId": "webhook/courier", "items": [own]});
    let carts = [
        ("to the door", door.clone()),
        ("to the door, of a member of the club", with_customer(&door, json!(5))),
        ("with something of a partner", json!({"country": "RU", "pickupLocationId": "101", "items": [own, partner]})),
        ("with the outlet's code", json!({"country": "RU", "pickupLocationId": "101", "promocode": "outlet", "items": [own]})),
        ("with another code", json!({"country": "RU", "pickupLocationId": "101", "promocode": "SPRING", "items": [own]})),
        ("with a gift", json!({"country": "RU", "pickupLocationId": "9", "promoGroup": [[{"id": "gift"}]], "items": [own]})),
        ("a company's", json!({"country": "RU", "legalEntityMode": true, "items": [own]})),
        ("a company's with bonus points", json!({"country": "RU", "legalEntityMode": true, "bonusesSpent": 1, "items": [own]})),
        ("certificates", json!({"items": [{"id": "certificate-1000", "price": 1000}, {"privateId": "certificate-9"}]})),
        ("abroad", json!({"country": "KZ", "items": [own]})),
    ];
    insta::assert_json_snapshot!("russia", answers(&environment, "russia", "RUB", &carts).await);
}
