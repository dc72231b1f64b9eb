//! Who may do what.

use crate::Story;
use serde_json::json;
use shared::platform::env::Env;
use standins::Options;
use testkit::Event;
use testkit::settings::{CASHIER_KEY, IMSHOP_KEY, OPERATOR_KEY, SHOP_KEY, VIEWER_KEY};

use crate::forms::id;
use crate::{Shop, get, post};

/// Every route, with the least role that may take it.
fn routes(payment: &str, order: &str) -> Vec<(Event, &'static str)> {
    let payment = |action: &str| post(&format!("payments/{payment}{action}"));
    vec![
        (get(&format!("orders/{order}")), "read"),
        (post("orders/search").json(json!({"order_uuid": order})), "read"),
        (get("orders").query("day", "2026-11-22"), "read"),
        (post("reindex"), "operate"),
        (get("payments").query("state", "held"), "read"),
        (get("payments.csv").query("from", "2026-11-01").query("to", "2026-11-30"), "read"),
        (get("totals").query("from", "2026-11-01").query("to", "2026-11-30"), "read"),
        (get("payments/1001-1"), "read"),
        (payment("/finish"), "operate"),
        (payment("/cancel"), "operate"),
        (payment("/change"), "operate"),
        (payment("/refunds"), "refund"),
        (Event::new("DELETE", &format!("/v1/back-office/payments/{}/refunds/1", "9999-1")), "refund"),
        (payment("/refunds/1/approve"), "refund"),
        (get("runs"), "read"),
        (post("codes/search"), "read"),
        (post("codes/lift"), "operate"),
        (payment("/refunds/1/outcome"), "refund"),
        (payment("/messages/1/close"), "operate"),
        (payment("/settle"), "operate"),
        (post("limits"), "operate"),
        (post("registrations"), "operate"),
        (get("registrations/0123456789abcdef0123456789abcdef"), "read"),
        (post("schedules"), "read"),
        (get("forms").query("state", "waiting"), "read"),
        (post("forms/search"), "read"),
        (get("forms.csv").query("form", "callback"), "read"),
        (get(&format!("forms/{}", id(1))), "read"),
        (get(&format!("forms/{}/photos/1", id(1))), "read"),
        (post(&format!("forms/{}/done", id(1))), "operate"),
        (post("erasures"), "operate"),
    ]
}

const ROLES: [(&str, &str); 3] = [("read", VIEWER_KEY), ("operate", OPERATOR_KEY), ("refund", CASHIER_KEY)];

#[tokio::test]
async fn every_role_may_take_its_routes_and_no_others() {
    let shop = Shop::pending().await;
    for (event, needed) in routes("9999-1", &shop.order.id) {
        let needed_rank = ROLES.iter().position(|(role, _)| *role == needed).unwrap();
        for (rank, (role, key)) in ROLES.into_iter().enumerate() {
            let answer = shop.ask(event.clone().key(key)).await;
            if rank >= needed_rank {
                assert!(![401, 403].contains(&answer.status), "{role}: {event:?}: {}", answer.body);
            } else {
                assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("role")), "{role}: {event:?}");
                let error = answer.json()["error"].as_str().unwrap().to_owned();
                assert!(error.contains(&format!("the role {needed};")) && error.contains(role), "{error}");
            }
        }
    }
    assert!(shop.changing().is_empty());
}

#[tokio::test]
async fn without_a_key_of_the_back_office_nothing_is_told() {
    let shop = Shop::pending().await;
    let before = shop.stored().await;
    for (event, _) in routes(&shop.payment, &shop.order.id).into_iter().chain([(get("nothing/here"), ""), (post(""), "")]) {
        for event in [
            event.clone(),
            event.clone().key(""),
            event.clone().key(IMSHOP_KEY),
            event.clone().key(SHOP_KEY),
            event.clone().key(&CASHIER_KEY[1..]),
            event.clone().key(&format!("cashier:refund:{CASHIER_KEY}")),
            event.clone().header("key", "wrong"),
            event.clone().query("key", CASHIER_KEY),
            event.json(json!({"key": CASHIER_KEY})),
        ] {
            let answer = shop.ask(event.clone()).await;
            assert_eq!(answer.status, 401, "{event:?}: {}", answer.body);
            assert_eq!(answer.json()["code"], json!("unauthorized"), "{}", answer.body);
        }
    }
    assert_eq!(shop.stored().await, before);
    assert!(shop.called().is_empty());
}

#[tokio::test]
async fn a_key_may_stand_in_either_header_and_two_of_a_name_are_valid() {
    let next = "the-next-key-of-the-viewer";
    let keys = format!("viewer:read:{VIEWER_KEY},viewer:read:{next}");
    let story = Story::start_with(Options::default(), &[("BACK_OFFICE_KEYS", &keys)]).await;
    let event = || get("payments/1-1");
    for event in
        [event().key(VIEWER_KEY), event().header("key", next), event().header("AUTHORIZATION", &format!("bearer {next}"))]
    {
        for event in [event.rest(), event.v2()] {
            assert_eq!(story.back_office(event).await.status, 404);
        }
    }
    assert_eq!(story.back_office(event().key(OPERATOR_KEY).rest()).await.status, 401, "a key that is no longer there");
}

#[tokio::test]
async fn who_did_what_is_in_the_history_and_in_the_log() {
    let shop = Shop::captured().await;
    let history = shop.look().await["history"].clone();
    let steps: Vec<_> = history.as_array().unwrap().iter().map(|step| (step["state"].as_str(), step["by"].as_str())).collect();
    let by = Some("back-office:operator");
    assert_eq!(steps[steps.len() - 2..], [(Some("finishing"), by), (Some("captured"), by)]);
    // The log is that of every test in the process.
    let logs = shop.story.environment.logs();
    let logged = |parts: [&str; 3]| logs.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(logged(["back office asked", "finish", "\"who\":\"operator\""]));
    assert!(logged(["done at the provider", &shop.payment, "back-office:operator"]));
}

#[test]
fn wrong_settings_are_named_without_showing_a_key() {
    let env = [
        ("BACK_OFFICE_KEYS".to_owned(), format!("viewer:read:{VIEWER_KEY},boss:everything:{CASHIER_KEY},x:read:short")),
        ("INTERNAL_SECRET".to_owned(), "short".to_owned()),
    ];
    let env = Env::from_map(env.into());
    let platform = shared::platform::runtime::Platform::real(&env).unwrap();
    let error = back_office::Deps::from_env(env, platform).unwrap_err().to_string();
    for part in ["BACK_OFFICE_KEYS: key 2: the role of boss", "key 3: x must have a key", "INTERNAL_SECRET", "MOKKA_BASE_URL"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains(CASHIER_KEY) && !error.contains("short;"), "{error}");
}
