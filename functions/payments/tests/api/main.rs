//! The list of ways to pay from outside: HTTP events in, answers out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod examples;
mod lambda;
mod limit;
#[cfg(target_os = "linux")]
mod memory;
mod prices;
mod samples;
mod unreadable;
mod widget;

use serde_json::{Value, json};
use testkit::settings::IMSHOP_KEY;
use testkit::{Answer, Event, TestEnvironment, invoke};

async fn ask(deps: &payments::Deps, event: Value) -> Answer {
    invoke(deps, |deps, request| Box::pin(payments::handle(deps, request)), event).await
}

fn post() -> Event {
    Event::post("/v1/payments").key(IMSHOP_KEY)
}

fn cart() -> Value {
    json!({
        "externalUserId": "customer-5",
        "installId": "install-1",
        "country": "KG",
        "hasPreorderItems": false,
        "city": "Бишкек",
        "promocode": null,
        "deliveryId": "courier/14",
        "pickupLocationId": null,
        "bonusesSpent": 250,
        "legalEntityMode": false,
        "promoGroup": [[{"id": "gift"}], {"any": "thing"}],
        "items": [{
            "id": "b2a7", "name": "Чайник", "privateId": 3464, "configurationId": "3464-2", "quantity": 1,
            "price": "4990.00", "discount": 0, "subtotal": 4990.0, "warehouseId": "W-1"
        }],
        "somethingNew": {"x": []}
    })
}

#[tokio::test]
async fn the_configured_ways_to_pay_are_listed_in_order() {
    let environment = TestEnvironment::start().await;
    let deps = environment.build(payments::Deps::from_env, &[]);
    let answer = ask(&deps, post().json(json!({})).rest()).await;
    assert_eq!(answer.status, 200);
    insta::assert_snapshot!("list", answer.body);
    let mut without_prices = cart();
    for name in ["price", "subtotal"] {
        without_prices["items"][0].as_object_mut().unwrap().remove(name);
    }
    for event in [
        post().json(without_prices.clone()).v2(),
        post().json(without_prices).rest(),
        post().json(json!({"items": null})).rest(),
        post().json(json!({"country": 996, "promocode": 5, "bonusesSpent": "", "phone": [], "promoGroup": 1})).rest(),
        post().json(json!({"items": [{"name": 7, "id": "", "privateId": null, "quantity": "2", "price": ""}, {}]})).rest(),
        post()
            .json(
                json!({"deliveryId": 7, "externalUserId": 12, "city": "", "pickupLocationId": "", "items": [{"warehouseId": 3}]}),
            )
            .rest(),
    ] {
        assert_eq!(ask(&deps, event).await, answer, "equal answers");
    }
    assert!(environment.standins().calls(None).is_empty(), "no round trips");
}

#[tokio::test]
async fn what_is_no_cart_is_named_and_strangers_kept_out() {
    let environment = TestEnvironment::start().await;
    let deps = environment.build(payments::Deps::from_env, &[]);
    for (event, status, wanted) in [
        (post(), 400, "empty"),
        (post().text("["), 400, "not JSON"),
        (post().text("[1]"), 400, "not a JSON object"),
        (post().bytes(b"{\"city\":\"\xff\"}"), 400, "UTF-8"),
        (post().text(&format!("{{\"x\":\"{}\"}}", "a".repeat(1_048_577))), 413, "at most"),
        (Event::post("/v1/payments").json(cart()), 401, "ключ"),
        (Event::post("/v1/payments").key("wrong").json(cart()), 401, "ключ"),
        (Event::new("GET", "/v1/payments").key(IMSHOP_KEY), 405, "POST"),
        (Event::post("/v1/payments/1").key(IMSHOP_KEY), 404, "not found"),
    ] {
        let answer = ask(&deps, event.rest()).await;
        assert_eq!((answer.status, &answer.json()["payments"]), (status, &json!([])), "{wanted}: {}", answer.body);
        assert!(answer.json()["message"].as_str().unwrap().contains(wanted), "{wanted}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_wrong_file_does_not_start_and_says_why() {
    let environment = TestEnvironment::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payments.toml");
    let good = "[[method]]\nid = \"a\"\ntitle = \"A\"\ntype = \"cash\"\n";
    for (text, wanted) in [
        ("", "at least one"),
        ("[[method]]\nid = \"a\"\n", "title"),
        (&format!("{good}colour = \"red\"\n"), "payments.toml:5:1: field `method[0].colour`"),
        (&format!("{good}iconId = \"icon-unknown\"\n"), "payments.toml:5:10: field `method[0].iconId`: unknown variant"),
        (&format!("{good}iconId = \"icon-card\"\nicon = \"https://x.example/i.png\"\n"), "exclude each other"),
        (&format!("{good}icon = \"http://x.example/i.png\"\n"), "https"),
        (&format!("{good}deliveryDiscount = 101\n"), "deliveryDiscount"),
        (&format!("{good}provider = \"mokka\"\n"), "provider must be left out"),
        (&good.replace("cash", "card"), "provider must be set"),
        (&good.replace("cash", "CARD"), "CARD"),
        (&good.replace("\"A\"", "\" \""), "payments.toml:3:9: field `method[0].title`: must not be empty"),
        (&format!("{good}{good}"), "used twice"),
    ] {
        std::fs::write(&file, text).unwrap();
        let mut env = environment.env();
        env.insert("PAYMENTS_CONFIG".to_owned(), file.to_string_lossy().into_owned());
        let error =
            payments::Deps::from_env(shared::platform::env::Env::from_map(env), environment.platform()).unwrap_err().to_string();
        assert!(error.contains("PAYMENTS_CONFIG") && error.contains(wanted), "{wanted}: {error}");
    }
}
