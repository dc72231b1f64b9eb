use serde_json::json;
use standins::Options;

use crate::world::{World, answer};

#[tokio::test]
async fn a_code_is_sent_and_checked() {
    let world = World::start().await;
    let sent = world.smspro("send", &json!({ "transaction_id": "t1", "phone": "996770123456" })).await;
    assert_eq!((&sent["status"], &sent["description"]), (&json!(0), &json!("Code Sent")));
    let token = &sent["token"];
    let inbox = world.get("/control/inbox?phone=996770123456").await;
    let code = inbox[0]["code"].as_str().unwrap();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(inbox[0]["text"].as_str().unwrap().contains(code));
    assert_eq!(inbox[0]["transaction_id"], "t1");
    assert_eq!(world.standins.codes(), [code]);
    assert_eq!(world.get("/control/inbox?phone=996770000000").await, json!([]));

    let wrong = world.smspro("verify", &json!({ "token": token, "code": "abcdef" })).await;
    assert_eq!(wrong, json!({ "status": "14", "description": "Invalid Code" }));
    for _ in 0..2 {
        let right = world.smspro("verify", &json!({ "token": token, "code": code })).await;
        assert_eq!(right, json!({ "status": "0", "description": "Code Valid" }), "again, within the lifetime");
    }
    let unknown = world.smspro("verify", &json!({ "token": "x", "code": code })).await;
    assert_eq!(unknown, json!({ "status": "12", "description": "Invalid Token" }));
    world.advance(299).await;
    assert_eq!(world.smspro("verify", &json!({ "token": token, "code": code })).await["status"], "0");
    world.advance(2).await;
    let late = world.smspro("verify", &json!({ "token": token, "code": code })).await;
    assert_eq!(late, json!({ "status": "13", "description": "Time-Expired" }));
}

#[tokio::test]
async fn a_send_must_be_well_formed_and_new() {
    let world = World::start().await;
    for (id, phone, status) in [
        (json!(""), json!("996770123456"), 1),
        (json!("a".repeat(33)), json!("996770123456"), 1),
        (json!("a-b"), json!("996770123456"), 1),
        (json!("ж"), json!("996770123456"), 1),
        (json!(12), json!("996770123456"), 1),
        (json!("t1"), json!("+996770123456"), 7),
        (json!("t1"), json!("770123456"), 7),
        (json!("t1"), json!("9967701234567890"), 7),
        (json!("t1"), json!("996770123456"), 0),
        (json!("t1"), json!("996770123456"), 10),
        (json!("t1"), json!("996550000000"), 10),
        (json!("t2"), json!("996770123456"), 0),
    ] {
        let answer = world.smspro("send", &json!({ "transaction_id": id, "phone": phone })).await;
        assert_eq!(answer["status"], status, "{id} {phone}");
    }
    assert_eq!(world.standins.inbox(None).len(), 2);
}

#[tokio::test]
async fn the_key_and_the_content_type_are_strict() {
    let world = World::start().await;
    let body = json!({ "transaction_id": "t1", "phone": "996770123456" }).to_string();
    for (key, content_type, status) in [
        (None, "application/json", 2),
        (Some(""), "application/json", 2),
        (Some("smspro-demo-ke"), "application/json", 2),
        (Some("smspro-demo-key"), "text/plain", 1),
        (Some("smspro-demo-key"), "application/json; charset=utf-8", 0),
    ] {
        let mut request = world.http.post(world.url("/smspro/api/otp/send")).header("content-type", content_type);
        if let Some(key) = key {
            request = request.header("x-api-key", key);
        }
        let (http, answer) = answer(request.body(body.clone())).await;
        assert_eq!((http, &answer["status"]), (200, &json!(status)), "{key:?} {content_type}");
    }
}

#[tokio::test]
async fn codes_are_made_of_the_alphabet() {
    let world = World::with(Options { code_alphabet: "XYZ", code_length: 10, ..Options::default() }).await;
    world.smspro("send", &json!({ "transaction_id": "t1", "phone": "996770123456" })).await;
    let codes = world.standins.codes();
    assert!(codes[0].len() == 10 && codes[0].chars().all(|one| "XYZ".contains(one)), "{codes:?}");
}
