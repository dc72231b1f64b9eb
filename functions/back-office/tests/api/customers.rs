//! Limits, registrations and schedules.

use std::time::Duration;

use crate::Story;
use serde_json::{Value, json};
use standins::{Decision, Fault, LimitStatus, Options, Store, System};
use testkit::settings::{OPERATOR_KEY, VIEWER_KEY};
use testkit::{Answer, Event, canary};
use url::Url;

use crate::{assert_answer, assert_refused, get, post};

async fn ask(story: &Story, event: Event) -> Answer {
    story.back_office(event.rest()).await
}

async fn limit(story: &Story, phone: &str) -> Answer {
    ask(story, post("limits").key(OPERATOR_KEY).json(json!({"phone": phone}))).await
}

fn registration() -> Value {
    json!({
        "redirect_url": "https://shop.example/limit",
        "phone": canary::PHONE,
        "email": canary::EMAIL,
        "person": {"first_name": "Кенарь", "surname": "Канарейкина", "birth_date": "1990-12-31"},
        "additional_data": {"channel": "app", "returning_customer": true, "last_orders": 3}
    })
}

async fn register(story: &Story) -> (Answer, String) {
    let answer = ask(story, post("registrations").key(OPERATOR_KEY).json(registration())).await;
    let id = answer.json()["registration_id"].as_str().unwrap_or_default().to_owned();
    (answer, id)
}

async fn decision(story: &Story, id: &str) -> Answer {
    ask(story, get(&format!("registrations/{id}")).key(VIEWER_KEY)).await
}

#[tokio::test]
async fn limit_answer_links_the_form_where_the_shop_has_one() {
    for (uid, path) in [("", None), ("a1b2-C3_d4", Some("/mokka/iframe/v2/limit_form/a1b2-C3_d4"))] {
        let story = Story::start_with(Options::default(), &[("MOKKA_PARTNER_UID", uid)]).await;
        let url = limit(&story, canary::PHONE).await.json()["limit_form_url"].clone();
        assert_eq!(url.as_str().map(|url| url::Url::parse(url).unwrap().path().to_owned()).as_deref(), path);
    }
    let environment = testkit::TestEnvironment::start().await;
    for wrong in ["a b", "a/../b", "ключ", &"a".repeat(101)] {
        let mut env = environment.env();
        env.insert("MOKKA_PARTNER_UID".to_owned(), wrong.to_owned());
        let error = back_office::Deps::from_env(shared::platform::env::Env::from_map(env), environment.platform())
            .unwrap_err()
            .to_string();
        assert!(error.contains("MOKKA_PARTNER_UID"), "{error}");
    }
}

#[tokio::test]
async fn limits_are_what_mokka_says_whatever_the_phone_looks_like() {
    let story = Story::start().await;
    for phone in [canary::PHONE, "88880100203", "8880100203", "+7 888 010-02-03"] {
        let answer = limit(&story, phone).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_answer!("limit", answer);
    }
    for (phone, status, known, amount) in
        [("+7 882 100-00-00", "new", false, None), ("+7 888 210-00-00", "inactive", true, Some("0.00"))]
    {
        let answer = limit(&story, phone).await.json();
        assert_eq!(
            (&answer["status"], &answer["phone_known"], &answer["limit"]),
            (&json!(status), &json!(known), &json!(amount)),
            "{answer}"
        );
    }
    story.environment.standins().set_mokka_limit("8880100203", "1234.50", LimitStatus::Active).unwrap();
    assert_eq!(limit(&story, canary::PHONE).await.json()["limit"], json!("1234.50"));
}

#[tokio::test]
async fn phones_that_mokka_cannot_have_are_refused() {
    let story = Story::start().await;
    for phone in ["", "12", "+996 770 102 030", "0770102030", "+1 555 123 4567", "phone", "8880100203x"] {
        let answer = limit(&story, phone).await;
        assert_eq!(answer.status, 400, "{phone}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains("`phone`"), "{}", answer.body);
    }
    for body in [json!({}), json!({"phone": null}), json!({"phone": 8_880_100_203_u64}), json!({"phone": "8880100203", "x": 1})] {
        assert_eq!(ask(&story, post("limits").key(OPERATOR_KEY).json(body.clone())).await.status, 400, "{body}");
    }
    assert!(story.environment.standins().calls(Some(System::Mokka)).is_empty());
}

#[tokio::test]
async fn a_registration_is_decided_by_its_callback() {
    let story = Story::start().await;
    let (opened, id) = register(&story).await;
    assert_eq!(opened.status, 200, "{}", opened.body);
    assert_answer!("registered", opened);
    let sent = story.environment.standins().calls_to(System::Mokka, "registration")[0].body.clone();
    insta::assert_json_snapshot!("registration_request", sent, {
        ".callback_url" => "[callback]", ".current_order.order_id" => "[id]",
    });
    assert_answer!("registration_open", decision(&story, &id).await);
    // What is stored says nothing of the customer, and goes away by itself.
    let stored = story.environment.item("order-holds", &format!("registration#{id}")).await.unwrap();
    let text = stored.to_string();
    assert!(!text.contains("8880100203") && !text.contains(canary::EMAIL) && !text.contains("Канарейкина"), "{text}");
    assert!(stored["expires_at"].is_number());

    let mokka = story.environment.standins().mokka_registration(&id).unwrap();
    story.environment.standins().decide_registration(&id, Decision::Approved, false, 1).await.unwrap();
    let path = Url::parse(&mokka.callback_url).unwrap().path().to_owned();
    let body = json!({"order_id": id, "decision": "approved", "amount": "5000.00", "mobile_phone": "8880100203"});
    assert_eq!(story.mokka(Event::post(&path).json(body).rest()).await.status, 200);
    assert_answer!("registration_decided", decision(&story, &id).await);
}

#[tokio::test]
async fn what_is_asked_is_stored_before_mokka_is_called() {
    let story = Story::start().await;
    for (fault, status, code) in
        [("reset", 503, "provider_unavailable"), ("http500", 503, "provider_unavailable"), ("status:51", 502, "provider_refused")]
    {
        story.environment.standins().fault(System::Mokka, "registration", fault.parse::<Fault>().unwrap(), 1).unwrap();
        let (answer, _) = register(&story).await;
        assert_refused(&answer, status, code, fault);
    }
    assert_eq!(story.environment.standins().calls_to(System::Mokka, "registration").len(), 3, "none is repeated");
    assert_eq!(story.environment.items("order-holds", "registration#").await.len(), 3);
}

#[tokio::test]
async fn a_registration_is_forgotten_after_ninety_days() {
    let story = Story::start().await;
    let (_, id) = register(&story).await;
    story.environment.advance(Duration::from_hours(90 * 24 - 1));
    assert_eq!(decision(&story, &id).await.status, 200);
    story.environment.advance(Duration::from_hours(2));
    assert_eq!(decision(&story, &id).await.status, 404, "whether it is swept away yet or not");
}

#[tokio::test]
async fn registrations_nobody_knows_are_not_found() {
    let story = Story::start().await;
    let (_, id) = register(&story).await;
    for unknown in ["0".repeat(32), id.to_uppercase(), format!("{id}0"), id[1..].to_owned(), "x'; --".to_owned()] {
        assert_eq!(decision(&story, &unknown).await.status, 404, "{unknown}");
    }
}

#[tokio::test]
async fn fields_of_a_registration_are_read_strictly() {
    let story = Story::start().await;
    for (field, value, wanted) in [
        ("redirect_url", json!(null), "redirect_url"),
        ("redirect_url", json!("http://shop.example/"), "redirect_url"),
        ("redirect_url", json!("javascript:alert(1)"), "redirect_url"),
        ("redirect_url", json!("https://shop.example/a b"), "redirect_url"),
        ("redirect_url", json!(format!("https://shop.example/{}", "x".repeat(2000))), "redirect_url"),
        ("phone", json!("+996770102030"), "phone"),
        ("email", json!("nobody"), "email"),
        ("email", json!("a b@shop.example"), "email"),
        ("email", json!("a@b@shop.example"), "email"),
        ("person", json!({"first_name": ""}), "person.first_name"),
        ("person", json!({"first_name": "a\nb"}), "person.first_name"),
        ("person", json!({"birth_date": "31.12.1990"}), "person.birth_date"),
        ("person", json!({"birth_date": "2990-12-31"}), "person.birth_date"),
        ("person", json!({"birth_date": "1990-02-30"}), "person.birth_date"),
        ("person", json!({"age": 30}), "age"),
        ("additional_data", json!({"channel": "fax"}), "additional_data.channel"),
        ("additional_data", json!({"last_orders": -1}), "additional_data.last_orders"),
        ("additional_data", json!({"last_orders": "3"}), "additional_data.last_orders"),
        ("callback_url", json!("https://elsewhere.example"), "callback_url"),
    ] {
        let mut body = registration();
        body[field] = value.clone();
        let answer = ask(&story, post("registrations").key(OPERATOR_KEY).json(body)).await;
        assert_eq!(answer.status, 400, "{field} {value}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(wanted), "{wanted}: {}", answer.body);
    }
    assert!(story.environment.standins().calls(Some(System::Mokka)).is_empty());
    let least = json!({"redirect_url": "https://shop.example/"});
    assert_eq!(ask(&story, post("registrations").key(OPERATOR_KEY).json(least)).await.status, 200);
}

#[tokio::test]
async fn schedules_are_shown_as_mokka_gives_them() {
    let story = Story::start().await;
    let answer = ask(&story, post("schedules").key(VIEWER_KEY).json(json!({"amount": "4000.00"}))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    insta::with_settings!({filters => vec![(r"\d{4}-\d\d-\d\d", "[day]")]}, {
        insta::assert_json_snapshot!("schedules", answer.json());
    });
    let none = ask(&story, post("schedules").key(VIEWER_KEY).json(json!({"amount": "0.01"}))).await;
    assert_eq!(none.json(), json!({"success": true, "schedules": []}));
    for amount in [json!("0.00"), json!("-1.00"), json!("4.000"), json!(true), json!(null)] {
        let answer = ask(&story, post("schedules").key(VIEWER_KEY).json(json!({"amount": amount}))).await;
        assert_eq!(answer.status, 400, "{amount}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_mokka_that_does_not_answer_is_said_so() {
    for (fault, status, code) in [
        ("reset", 503, "provider_unavailable"),
        ("http500", 503, "provider_unavailable"),
        ("html", 503, "provider_unavailable"),
        ("refused", 502, "provider_refused"),
        ("status:61", 502, "provider_refused"),
    ] {
        let story = Story::start().await;
        let fault: Fault = fault.parse().unwrap();
        story.environment.standins().fault(System::Mokka, "limit", fault, 2).unwrap();
        assert_refused(&limit(&story, canary::PHONE).await, status, code, &fault.to_string());
        story.environment.standins().fault(System::Mokka, "schedule", fault, 2).unwrap();
        let answer = ask(&story, post("schedules").key(VIEWER_KEY).json(json!({"amount": "4000.00"}))).await;
        assert_refused(&answer, status, code, &fault.to_string());
    }
}

#[tokio::test]
async fn limits_and_registrations_may_have_a_store_of_their_own() {
    let limits = Store { id: 73, secret: "limit-demo-secret".to_owned() };
    let options = Options { mokka_limit_store: Some(limits), ..Options::default() };
    let changes = [("MOKKA_LIMIT_STORE_ID", "73"), ("MOKKA_LIMIT_SECRET", "limit-demo-secret")];
    let story = Story::start_with(options, &changes).await;
    assert_eq!(limit(&story, canary::PHONE).await.status, 200);
    assert_eq!(register(&story).await.0.status, 200);
}
