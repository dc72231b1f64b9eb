use std::time::Duration;

use crate::Story;
use futures_util::future::join_all;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use standins::{Decision, Fault, Options, System};
use testkit::{Event, Placed};
use url::Url;

async fn created(story: &Story) -> (Placed, String) {
    let order = story.order().await;
    assert_eq!(story.create(&order).await.json()["success"], json!(true));
    let payment = order.payment(1);
    (order, payment)
}

fn finishes(story: &Story, payment: &str) -> u32 {
    story.environment.standins().mokka_order(payment).unwrap().finishes
}

fn callback_path(story: &Story, payment: &str) -> String {
    Url::parse(&story.environment.standins().mokka_order(payment).unwrap().callback_url).unwrap().path().to_owned()
}

fn approved(payment: &str) -> Value {
    json!({"order_id": payment, "decision": "approved", "amount": "3250.00"})
}

#[tokio::test]
async fn an_approved_payment_is_finished() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    let answer = story.callback(&payment, "approved").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"success": true})));
    assert_eq!((story.state(&payment).await.as_str(), finishes(&story, &payment)), ("captured", 1));
}

#[tokio::test]
async fn five_callbacks_and_an_older_one_have_one_effect() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    let answers = join_all((0..5).map(|_| story.callback(&payment, "approved"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:#?}");
    let after = story.payment(&payment).await;
    assert_eq!(story.callback(&payment, "declined").await.status, 200);
    assert_eq!(story.payment(&payment).await, after, "an older message moves nothing back");
    assert_eq!(story.environment.standins().calls_to(System::Mokka, "finish").len(), 1);
}

#[tokio::test]
async fn a_decline_is_recorded() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    story.decide(&payment, Decision::Declined).await;
    assert_eq!(story.callback(&payment, "declined").await.status, 200);
    assert_eq!(story.state(&payment).await, "declined");
}

#[tokio::test]
async fn a_callback_is_only_a_hint() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    // Whatever it claims, Mokka's own status decides.
    assert_eq!(story.callback(&payment, "approved").await.status, 200);
    assert_eq!((story.state(&payment).await.as_str(), finishes(&story, &payment)), ("pending", 0));
    story.decide(&payment, Decision::Approved).await;
    assert_eq!(story.callback(&payment, "declined").await.status, 200);
    assert_eq!((story.state(&payment).await.as_str(), finishes(&story, &payment)), ("captured", 1));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_still_makes_us_look() {
    let invalid =
        r#"{"order_id": "1001-1", "decision": "approved", "amount": "3250.0"0, "client": {"email": "a@b.example" "x": 1}}"#;
    for body in [invalid, "", "not json", "[]", "null", "{\"order_id\": 7, \"amount\": {}}"] {
        let story = Story::start().await;
        let (_, payment) = created(&story).await;
        story.decide(&payment, Decision::Approved).await;
        let answer = story.mokka(Event::post(&callback_path(&story, &payment)).text(body).rest()).await;
        assert_eq!((answer.status, story.state(&payment).await.as_str()), (200, "captured"), "{body}");
    }
}

#[tokio::test]
async fn forged_callbacks_change_nothing_and_teach_nothing() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    let (_, other) = {
        let order = story.order().await;
        story.create(&order).await;
        (order.clone(), order.payment(1))
    };
    story.decide(&payment, Decision::Approved).await;
    let before = story.payment(&payment).await;
    story.environment.standins().forget_calls();
    let right = callback_path(&story, &payment);
    let token = right.rsplit('/').next().unwrap();
    let other_token = callback_path(&story, &other).rsplit('/').next().unwrap().to_owned();
    let hash = before["callback_token_hash"].as_str().unwrap().to_owned();
    let path = |payment: &str, token: &str| format!("/v1/mokka/callback/{payment}/{token}");
    let mut answers = Vec::new();
    for path in [
        path(&payment, &other_token),
        path(&payment, &"0".repeat(64)),
        path(&payment, &token[..63]),
        path(&payment, &token.to_uppercase()),
        path(&payment, &hash),
        path(&other, token),
        path("9999-1", token),
        path("no such payment", token),
    ] {
        answers.push(story.mokka(Event::post(&path).json(approved(&payment)).rest()).await);
    }
    answers.push(story.mokka(Event::post(&right).query("signature", &"0".repeat(40)).json(approved(&payment)).rest()).await);
    for answer in &answers {
        assert_eq!(answer, &answers[0], "no answer differs from another");
    }
    assert_eq!((answers[0].status, answers[0].json()), (404, json!({"success": false, "error": "not found"})));
    assert_eq!(story.payment(&payment).await, before);
    assert!(story.environment.standins().calls(None).is_empty(), "Mokka is not asked for a forged callback");
}

#[tokio::test]
async fn a_right_signature_is_accepted_in_either_order() {
    for secret_first in [false, true] {
        let story = Story::start().await;
        let (_, payment) = created(&story).await;
        story.decide(&payment, Decision::Approved).await;
        let body = approved(&payment).to_string();
        let (first, second) =
            if secret_first { ("mokka-demo-secret", body.as_str()) } else { (body.as_str(), "mokka-demo-secret") };
        let signature = hex::encode(Sha1::digest(format!("{first}{second}")));
        let event = Event::post(&callback_path(&story, &payment)).query("signature", &signature).text(&body);
        assert_eq!((story.mokka(event.v2()).await.status, story.state(&payment).await.as_str()), (200, "captured"));
    }
}

#[tokio::test]
async fn an_empty_signature_is_none_and_its_digits_have_either_case() {
    type Written = fn(&str) -> String;
    let cases: [(Written, u16); 10] = [
        (|_| String::new(), 200),
        (|_| "  ".to_owned(), 200),
        (str::to_owned, 200),
        (str::to_uppercase, 200),
        (|right| right.chars().map(|letter| if letter == 'a' { 'A' } else { letter }).collect(), 200),
        (|right| format!(" {right} "), 200),
        (|right| right[..39].to_owned(), 404),
        (|right| format!("{right}0"), 404),
        (|_| "null".to_owned(), 404),
        (|right| right.chars().rev().collect(), 404),
    ];
    for (number, (written, status)) in cases.into_iter().enumerate() {
        let story = Story::start().await;
        let (_, payment) = created(&story).await;
        story.decide(&payment, Decision::Approved).await;
        let body = approved(&payment).to_string();
        let right = hex::encode(Sha1::digest(format!("{body}mokka-demo-secret")));
        let event = Event::post(&callback_path(&story, &payment)).query("signature", &written(&right)).text(&body);
        assert_eq!(story.mokka(event.rest()).await.status, status, "{number}");
        assert_eq!(story.state(&payment).await == "captured", status == 200, "{number}");
    }
}

#[tokio::test]
async fn while_mokkas_secret_changes_both_sign_callbacks_and_no_third() {
    for (place, secret, status) in [
        ("MOKKA_SECRET", "mokka-demo-secret", 200),
        ("MOKKA_SECRET_NEXT", "the-other-secret", 200),
        ("neither", "a-third-secret", 404),
    ] {
        let story = Story::start_with(Options::default(), &[("MOKKA_SECRET_NEXT", "the-other-secret")]).await;
        let (_, payment) = created(&story).await;
        story.decide(&payment, Decision::Approved).await;
        let body = approved(&payment).to_string();
        let signature = hex::encode(Sha1::digest(format!("{body}{secret}")));
        let event = Event::post(&callback_path(&story, &payment)).query("signature", &signature).text(&body);
        assert_eq!(story.mokka(event.rest()).await.status, status, "{place}");
        assert_eq!(story.state(&payment).await == "captured", status == 200, "{place}");
    }
}

#[tokio::test]
async fn signed_callback_is_only_a_hint_during_secret_rotation() {
    let story = Story::start_with(Options::default(), &[("MOKKA_SECRET_NEXT", "the-other-secret")]).await;
    let (_, payment) = created(&story).await;
    let body = approved(&payment).to_string();
    let signature = hex::encode(Sha1::digest(format!("{body}the-other-secret")));
    let event = Event::post(&callback_path(&story, &payment)).query("signature", &signature).text(&body);
    assert_eq!((story.mokka(event.rest()).await.status, story.state(&payment).await.as_str()), (200, "pending"));
}

#[tokio::test]
async fn callback_during_mokka_outage_is_polled_within_a_minute() {
    for fault in ["timeout", "reset", "http500", "html", "slow", "refused", "status:777"] {
        let story = Story::start().await;
        let (_, payment) = created(&story).await;
        story.decide(&payment, Decision::Approved).await;
        story.environment.standins().fault(System::Mokka, "status", fault.parse::<Fault>().unwrap(), 2).unwrap();
        let answer = story.callback(&payment, "approved").await;
        assert_eq!((answer.status, &answer.json()["success"]), (200, &json!(true)), "{fault}: {}", answer.body);
        assert_eq!(story.state(&payment).await, "pending", "{fault}");
        story.environment.standins().clear_faults();
        story.environment.advance(Duration::from_mins(1));
        story.environment.tick().await;
        assert_eq!((story.state(&payment).await.as_str(), finishes(&story, &payment)), ("captured", 1), "{fault}");
    }
}

#[tokio::test]
async fn finish_without_answer_is_stored_and_resolved_by_next_callback() {
    for fault in ["timeout", "reset", "answer_lost", "http500"] {
        let story = Story::start().await;
        let (_, payment) = created(&story).await;
        story.decide(&payment, Decision::Approved).await;
        story.environment.standins().fault(System::Mokka, "finish", fault.parse::<Fault>().unwrap(), 1).unwrap();
        assert_eq!(story.callback(&payment, "approved").await.status, 200, "{fault}: the hold is stored");
        assert_eq!(story.callback(&payment, "approved").await.status, 200, "{fault}");
        assert_eq!((story.state(&payment).await.as_str(), finishes(&story, &payment)), ("captured", 1), "{fault}");
    }
}

#[tokio::test]
async fn a_store_that_is_down_makes_mokka_call_again() {
    let story = Story::start().await;
    let (_, payment) = created(&story).await;
    let broken = story.environment.build(mokka_callback::Deps::from_env, &[("DYNAMODB_ENDPOINT", "http://127.0.0.1:9")]);
    let event = story.callback_event(&payment, "approved");
    let answer = testkit::invoke(&broken, |deps, request| Box::pin(mokka_callback::handle(deps, request)), event).await;
    assert_eq!(answer.status, 503);
}

#[tokio::test]
async fn methods_sizes_and_paths_are_held() {
    let story = Story::start_with(Options::default(), &[]).await;
    let (_, payment) = created(&story).await;
    let path = callback_path(&story, &payment);
    assert_eq!(story.mokka(Event::new("GET", &path).rest()).await.status, 405);
    assert_eq!(story.mokka(Event::post(&path).text(&" ".repeat(65 * 1024)).rest()).await.status, 413);
    assert_eq!(story.mokka(Event::post("/v1/mokka/callback/1001-1").rest()).await.status, 404);
    assert_eq!(story.mokka(Event::post("/v1/mokka").rest()).await.status, 404);
}
