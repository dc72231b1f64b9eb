//! What Mokka grants a customer whose phone is known: off, unless the shop wants it.

use std::time::Duration;

use serde_json::{Value, json};
use standins::{LimitStatus, System};
use testkit::{Answer, TestEnvironment, canary};

use crate::widget::PATIENT;
use crate::{ask, post};

/// An instance with these lines in Mokka's way to pay, and these above all.
fn instance(environment: &TestEnvironment, settings: &[(&str, &str)], first: &str, method: &str) -> payments::Deps {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payments.toml");
    let mokka = "id = \"mokka\"\ntitle = \"Мокка\"\ndescription = \"Частями.\"\ntype = \"card\"\nprovider = \"mokka\"";
    std::fs::write(&file, format!("{first}\n[[method]]\n{mokka}\n{method}\n")).unwrap();
    environment.build(payments::Deps::from_env, &[settings, &[("PAYMENTS_CONFIG", file.to_str().unwrap())]].concat())
}

async fn list(deps: &payments::Deps, price: &str, phone: &Value) -> Answer {
    ask(deps, post().json(json!({"phone": phone, "items": [{"quantity": 1, "price": price}]})).rest()).await
}

/// The line below Mokka's name; nothing if it is not offered.
fn described(answer: &Answer) -> Option<String> {
    let answer = answer.json();
    Some(answer["payments"].as_array().unwrap().first()?["description"].as_str().unwrap().replace('\u{a0}', " "))
}

fn asked(environment: &TestEnvironment) -> u64 {
    environment.standins().call_count(System::Mokka, "limit")
}

fn grant(environment: &TestEnvironment, limit: &str, status: LimitStatus) {
    environment.standins().set_mokka_limit("8880100203", limit, status).unwrap();
}

#[tokio::test]
async fn it_may_hide_the_way_to_pay() {
    for (limit, status, price, offered) in [
        ("5000.00", LimitStatus::Active, "5000", true),
        ("5000.00", LimitStatus::Active, "5000.01", false),
        ("5000.00", LimitStatus::New, "5000", true),
        ("5000.00", LimitStatus::New, "50000", true),
        ("0.00", LimitStatus::New, "5000", true),
        ("0.00", LimitStatus::New, "10", true),
        ("5000.00", LimitStatus::Inactive, "10", false),
        ("0.00", LimitStatus::Active, "10", false),
    ] {
        let environment = TestEnvironment::start().await;
        grant(&environment, limit, status);
        let deps = instance(&environment, &[PATIENT], "", "limit = \"hide\"");
        let shown = described(&list(&deps, price, &json!(canary::PHONE)).await);
        assert_eq!(shown, offered.then(|| "Частями.".to_owned()), "{limit} {status:?} {price}");
    }
}

#[tokio::test]
async fn it_may_be_said() {
    let environment = TestEnvironment::start().await;
    grant(&environment, "30000.00", LimitStatus::Active);
    let deps = instance(&environment, &[PATIENT], "", "limit = \"say\"\n[method.widget]\nterm = 6");
    let answer = list(&deps, "4990", &json!(canary::PHONE)).await;
    assert_eq!(described(&answer).unwrap(), "Частями. Вам доступно 30 000,00 ₽");
    assert_eq!(answer.json()["payments"][0]["widget"]["paymentsGraphic"].as_array().unwrap().len(), 6);
    grant(&environment, "30000.00", LimitStatus::Inactive);
    environment.advance(Duration::from_mins(5));
    assert_eq!(described(&list(&deps, "4990", &json!(canary::PHONE)).await).unwrap(), "Частями.", "nothing is available");
    for new in ["0.00", "30000.00"] {
        grant(&environment, new, LimitStatus::New);
        environment.advance(Duration::from_mins(5));
        let before = asked(&environment);
        for _ in 0..2 {
            let answer = list(&deps, "4990", &json!(canary::PHONE)).await;
            assert_eq!(described(&answer).unwrap(), "Частями.", "of a new customer nothing is known: {new}");
        }
        assert_eq!(asked(&environment), before + 1, "and that is remembered");
    }
}

#[tokio::test]
async fn it_is_asked_for_a_known_phone_only_and_once_in_a_while() {
    let environment = TestEnvironment::start().await;
    grant(&environment, "10.00", LimitStatus::Active);
    let off = instance(&environment, &[PATIENT], "customerPhone = \"externalUserId\"", "");
    assert!(described(&list(&off, "4990", &json!(canary::PHONE)).await).is_some());
    let deps = instance(&environment, &[PATIENT], "", "limit = \"hide\"");
    for unknown in [json!(null), json!(""), json!("soon"), json!("+996 770 102 030"), json!(["+7 888"])] {
        assert!(described(&list(&deps, "4990", &unknown).await).is_some(), "{unknown}");
    }
    assert_eq!(asked(&environment), 0);
    for _ in 0..3 {
        assert_eq!(described(&list(&deps, "4990", &json!(canary::PHONE)).await), None);
    }
    assert_eq!((asked(&environment), environment.store_calls()), (1, vec![]), "known in memory, and nowhere else");
    environment.advance(Duration::from_mins(5));
    assert_eq!(described(&list(&deps, "4990", &json!(canary::PHONE)).await), None);
    assert_eq!(asked(&environment), 2);
    // A shop whose ids of customers are phones.
    let ids = instance(&environment, &[PATIENT], "customerPhone = \"externalUserId\"", "limit = \"hide\"");
    let cart = json!({"externalUserId": canary::PHONE, "items": [{"price": 4990}]});
    assert_eq!(described(&ask(&ids, post().json(cart).rest()).await), None);
}

#[tokio::test]
async fn a_limit_that_is_not_known_in_time_hides_nothing() {
    for fault in ["reset", "http500", "html", "slow", "answer_lost", "refused", "status:61", "late:1500"] {
        let environment = TestEnvironment::start().await;
        grant(&environment, "10.00", LimitStatus::Active);
        environment.standins().fault(System::Mokka, "limit", fault.parse().unwrap(), 9).unwrap();
        let deps = instance(&environment, &[("PAYMENTS_BUDGET_MS", "300")], "", "limit = \"hide\"");
        assert!(described(&list(&deps, "4990", &json!(canary::PHONE)).await).is_some(), "{fault}");
    }
}
