use std::time::Duration;

use crate::Story;
use futures_util::future::join_all;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use standins::{Options, Store, System};
use testkit::settings::{OPERATOR_KEY, VIEWER_KEY};
use testkit::{Answer, Event, canary};
use url::Url;

/// A registration and the path of its callback.
async fn registered(story: &Story) -> (String, String) {
    let body = json!({"redirect_url": "https://shop.example/limit", "phone": canary::PHONE});
    let answer = story.back_office(Event::post("/v1/back-office/registrations").key(OPERATOR_KEY).json(body).rest()).await;
    let id = answer.json()["registration_id"].as_str().unwrap().to_owned();
    let registration = story.environment.standins().mokka_registration(&id).unwrap();
    (id, Url::parse(&registration.callback_url).unwrap().path().to_owned())
}

fn decided(id: &str, decision: &str, amount: &str) -> Value {
    json!({"order_id": id, "decision": decision, "amount": amount, "mobile_phone": "78880100203", "email": canary::EMAIL})
}

async fn call_back(story: &Story, path: &str, body: Value) -> Answer {
    story.mokka(Event::post(path).json(body).rest()).await
}

async fn stored(story: &Story, id: &str) -> Value {
    story.environment.item("order-holds", &format!("registration#{id}")).await.unwrap()
}

async fn shown(story: &Story, id: &str) -> (Value, Value) {
    let event = Event::new("GET", &format!("/v1/back-office/registrations/{id}")).key(VIEWER_KEY);
    let answer = story.back_office(event.rest()).await.json();
    (answer["decision"].clone(), answer["limit"].clone())
}

#[tokio::test]
async fn a_decision_is_kept_without_the_customer() {
    for (decision, amount, limit) in [("approved", "5000.00", json!("5000.00")), ("declined", "0.00", Value::Null)] {
        let story = Story::start().await;
        let (id, path) = registered(&story).await;
        let answer = call_back(&story, &path, decided(&id, decision, amount)).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"success": true})));
        assert_eq!(shown(&story, &id).await, (json!(decision), limit));
        let text = stored(&story, &id).await.to_string();
        assert!(!text.contains("8880100203") && !text.contains(canary::EMAIL), "{text}");
        assert!(story.environment.standins().calls_to(System::Mokka, "status").is_empty(), "there is nothing to ask");
    }
}

#[tokio::test]
async fn repeated_callbacks_are_one_and_a_later_decision_counts() {
    let story = Story::start().await;
    let (id, path) = registered(&story).await;
    assert_eq!(call_back(&story, &path, decided(&id, "declined", "0.00")).await.status, 200);
    let before = stored(&story, &id).await;
    for _ in 0..3 {
        assert_eq!(call_back(&story, &path, decided(&id, "declined", "0.00")).await.status, 200);
    }
    assert_eq!(stored(&story, &id).await, before, "nothing is written for what is known");
    assert_eq!(call_back(&story, &path, decided(&id, "approved", "7000.5")).await.status, 200);
    assert_eq!(shown(&story, &id).await, (json!("approved"), json!("7000.50")));
    let logs = story.environment.logs();
    let line = logs.lines().rfind(|line| line.contains("registration decided") && line.contains(&id)).unwrap();
    assert!(line.contains("Some(false)"), "what it replaces is in the log: {line}");
}

#[tokio::test]
async fn twenty_callbacks_at_once_leave_one_decision() {
    let story = Story::start().await;
    let (id, path) = registered(&story).await;
    let answers = join_all((0..20).map(|_| call_back(&story, &path, decided(&id, "approved", "5000.00")))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:#?}");
    assert_eq!(stored(&story, &id).await["version"], json!(2), "one write");
}

#[tokio::test]
async fn forged_callbacks_change_nothing_and_teach_nothing() {
    let story = Story::start().await;
    let (id, right) = registered(&story).await;
    let (other, other_path) = registered(&story).await;
    let before = stored(&story, &id).await;
    let token = right.rsplit('/').next().unwrap();
    let other_token = other_path.rsplit('/').next().unwrap();
    let hash = before["callback_token_hash"].as_str().unwrap().to_owned();
    let path = |id: &str, token: &str| format!("/v1/mokka/registration/{id}/{token}");
    let mut answers = Vec::new();
    for path in [
        path(&id, other_token),
        path(&id, &"0".repeat(64)),
        path(&id, &token[..63]),
        path(&id, &token.to_uppercase()),
        path(&id, &hash),
        path(&other, token),
        path(&"0".repeat(32), token),
        path("no such registration", token),
        path("1001-1", token),
        format!("/v1/mokka/callback/{id}/{token}"),
    ] {
        answers.push(call_back(&story, &path, decided(&id, "approved", "5000.00")).await);
    }
    for signature in ["x", &"0".repeat(40)] {
        let event = Event::post(&right).query("signature", signature).json(decided(&id, "approved", "5000.00"));
        answers.push(story.mokka(event.rest()).await);
    }
    for answer in &answers {
        assert_eq!(answer, &answers[0], "no answer differs from another");
    }
    assert_eq!((answers[0].status, answers[0].json()), (404, json!({"success": false, "error": "not found"})));
    assert_eq!(stored(&story, &id).await, before);
}

#[tokio::test]
async fn a_right_signature_is_that_of_the_store_of_limits() {
    let limits = Store { id: 73, secret: "limit-demo-secret".to_owned() };
    let options = Options { mokka_limit_store: Some(limits), ..Options::default() };
    let changes = [("MOKKA_LIMIT_STORE_ID", "73"), ("MOKKA_LIMIT_SECRET", "limit-demo-secret")];
    let story = Story::start_with(options, &changes).await;
    let (id, path) = registered(&story).await;
    let body = decided(&id, "approved", "5000.00").to_string();
    let signed = |secret: &str| {
        let signature = hex::encode(Sha1::digest(format!("{body}{secret}")));
        Event::post(&path).query("signature", &signature).text(&body)
    };
    assert_eq!(story.mokka(signed("mokka-demo-secret").rest()).await.status, 404);
    assert_eq!(story.mokka(signed("limit-demo-secret").v2()).await.status, 200);
    assert_eq!(shown(&story, &id).await.0, json!("approved"));
}

#[tokio::test]
async fn what_says_no_decision_is_refused() {
    let story = Story::start().await;
    let (id, path) = registered(&story).await;
    for body in [
        json!({}),
        json!([]),
        json!({"order_id": id, "decision": "maybe"}),
        json!({"order_id": id, "decision": null}),
        json!({"order_id": "1001-1", "decision": "approved", "amount": "5000.00"}),
    ] {
        assert_eq!(call_back(&story, &path, body.clone()).await.status, 400, "{body}");
    }
    for text in ["", "not json", "{\"decision\": \"approved\""] {
        assert_eq!(story.mokka(Event::post(&path).text(text).rest()).await.status, 400, "{text}");
    }
    assert_eq!(stored(&story, &id).await["version"], json!(1));
    // A decision counts even if nothing else of it can be read.
    let body = json!({"order_id": 7, "decision": "approved", "amount": "много", "mobile_phone": {}});
    assert_eq!(call_back(&story, &path, body).await.status, 200);
    assert_eq!(shown(&story, &id).await, (json!("approved"), Value::Null));
}

#[tokio::test]
async fn sizes_methods_and_ages_are_held() {
    let story = Story::start().await;
    let (id, path) = registered(&story).await;
    assert_eq!(story.mokka(Event::new("GET", &path).rest()).await.status, 405);
    assert_eq!(story.mokka(Event::post(&path).text(&" ".repeat(65 * 1024)).rest()).await.status, 413);
    story.environment.advance(Duration::from_hours(90 * 24 + 1));
    assert_eq!(call_back(&story, &path, decided(&id, "approved", "5000.00")).await.status, 404);
}

#[tokio::test]
async fn a_store_that_is_down_makes_mokka_call_again() {
    let story = Story::start().await;
    let (id, path) = registered(&story).await;
    let broken = story.environment.build(mokka_callback::Deps::from_env, &[("DYNAMODB_ENDPOINT", "http://127.0.0.1:9")]);
    let event = Event::post(&path).json(decided(&id, "approved", "5000.00")).rest();
    let answer = testkit::invoke(&broken, |deps, request| Box::pin(mokka_callback::handle(deps, request)), event).await;
    assert_eq!(answer.status, 503);
}
