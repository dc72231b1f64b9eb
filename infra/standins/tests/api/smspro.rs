use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use standins::{Fault, Options, PhoneReports, System};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::environment::{TestEnvironment, answer, text};

const PHONE: &str = "996770123456";

#[tokio::test]
async fn a_code_is_sent_and_checked() {
    let environment = TestEnvironment::start().await;
    let sent = environment.smspro("send", &json!({ "transaction_id": "t1", "phone": "996770123456" })).await;
    assert_eq!((&sent["status"], &sent["description"]), (&json!(0), &json!("Code Sent")));
    let token = &sent["token"];
    let inbox = environment.get("/control/inbox?phone=996770123456").await;
    let code = inbox[0]["code"].as_str().unwrap();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(inbox[0]["text"].as_str().unwrap().contains(code));
    assert_eq!(inbox[0]["transaction_id"], "t1");
    assert_eq!(environment.standins.codes(), [code]);
    assert_eq!(environment.get("/control/inbox?phone=996770000000").await, json!([]));

    let wrong = environment.smspro("verify", &json!({ "token": token, "code": "abcdef" })).await;
    assert_eq!(wrong, json!({ "status": "14", "description": "Invalid Code" }));
    for _ in 0..2 {
        let right = environment.smspro("verify", &json!({ "token": token, "code": code })).await;
        assert_eq!(right, json!({ "status": "0", "description": "Code Valid" }), "again, within the lifetime");
    }
    let unknown = environment.smspro("verify", &json!({ "token": "x", "code": code })).await;
    assert_eq!(unknown, json!({ "status": "12", "description": "Invalid Token" }));
    environment.advance(299).await;
    assert_eq!(environment.smspro("verify", &json!({ "token": token, "code": code })).await["status"], "0");
    environment.advance(2).await;
    let late = environment.smspro("verify", &json!({ "token": token, "code": code })).await;
    assert_eq!(late, json!({ "status": "13", "description": "Time-Expired" }));
}

#[tokio::test]
async fn a_send_must_be_well_formed_and_new() {
    let environment = TestEnvironment::start().await;
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
        let answer = environment.smspro("send", &json!({ "transaction_id": id, "phone": phone })).await;
        assert_eq!(answer["status"], status, "{id} {phone}");
    }
    assert_eq!(environment.standins.inbox(None).len(), 2);
}

#[tokio::test]
async fn the_key_and_the_content_type_are_strict() {
    let environment = TestEnvironment::start().await;
    let body = json!({ "transaction_id": "t1", "phone": "996770123456" }).to_string();
    for (key, content_type, status) in [
        (None, "application/json", 2),
        (Some(""), "application/json", 2),
        (Some("smspro-demo-ke"), "application/json", 2),
        (Some("smspro-demo-key"), "text/plain", 1),
        (Some("smspro-demo-key"), "application/json; charset=utf-8", 0),
    ] {
        let mut request = environment.http.post(environment.url("/smspro/api/otp/send")).header("content-type", content_type);
        if let Some(key) = key {
            request = request.header("x-api-key", key);
        }
        let (http, answer) = answer(request.body(body.clone())).await;
        assert_eq!((http, &answer["status"]), (200, &json!(status)), "{key:?} {content_type}");
    }
}

#[tokio::test]
async fn codes_are_made_of_the_alphabet() {
    let environment = TestEnvironment::with(Options { code_alphabet: "XYZ", code_length: 10, ..Options::default() }).await;
    environment.smspro("send", &json!({ "transaction_id": "t1", "phone": "996770123456" })).await;
    let codes = environment.standins.codes();
    assert!(codes[0].len() == 10 && codes[0].chars().all(|one| "XYZ".contains(one)), "{codes:?}");
}

/// Asks for a report; the answer's XML.
async fn ask(environment: &TestEnvironment, login: &str, id: &str) -> String {
    let body = format!("<?xml version=\"1.0\"?>\n<dr><login>{login}</login><pwd>smspro-demo-password</pwd><id>{id}</id></dr>");
    let request =
        environment.http.post(environment.url("/smspro/api/dr")).header("content-type", "text/xml; charset=utf-8").body(body);
    text(request.send().await.unwrap()).await.1
}

#[tokio::test]
async fn a_report_is_pushed_and_repeated_three_times_ten_minutes_apart() {
    let environment = TestEnvironment::start().await;
    environment.smspro("send", &json!({ "transaction_id": "t1", "phone": PHONE })).await;
    for _ in 0..4 {
        let mut pushes = environment.standins.take_sms_reports();
        assert_eq!(pushes.len(), 1);
        let push = pushes.remove(0);
        assert_eq!(push.transaction_id, "t1");
        for part in ["xmlns=\"http://Giper.mobi/schema/DeliveryReport\"", "<id>t1</id>", "<report>3</report>", "<rcvTime>20"] {
            assert!(push.body.contains(part), "{part}: {}", push.body);
        }
        environment.standins.sms_report_pushed(push, 503);
        environment.advance(599).await;
        assert!(environment.standins.take_sms_reports().is_empty());
        environment.advance(1).await;
    }
    assert!(environment.standins.take_sms_reports().is_empty(), "given up");
    environment.smspro("send", &json!({ "transaction_id": "t2", "phone": PHONE })).await;
    let push = environment.standins.take_sms_reports().remove(0);
    environment.standins.sms_report_pushed(push, 200);
    environment.advance(600).await;
    assert!(environment.standins.take_sms_reports().is_empty(), "taken");
}

#[tokio::test]
async fn a_report_is_asked_for_with_the_login_in_the_documents_form() {
    let environment = TestEnvironment::start().await;
    environment.smspro("send", &json!({ "transaction_id": "t1", "phone": PHONE })).await;
    let answer = ask(&environment, "smspro-demo-login", "t1").await;
    assert!(answer.contains("<response><status>0</status><phone><number>996770123456</number><report>3</report>"), "{answer}");
    assert!(ask(&environment, "smspro-demo-login", "t2").await.contains("<status>4</status>"), "unknown");
    assert!(ask(&environment, "another", "t1").await.contains("<status>2</status>"));
    let wrong = environment.http.post(environment.url("/smspro/api/dr")).header("content-type", "text/xml").body("<dr/>");
    assert!(text(wrong.send().await.unwrap()).await.1.contains("<status>1</status>"));
    environment.standins.fault(System::Smspro, "dr", Fault::Status(5), 1).unwrap();
    assert!(ask(&environment, "smspro-demo-login", "t1").await.contains("<status>5</status>"), "asked too often");
    let silence = PhoneReports { report: None, pushed: false };
    environment.standins.set_sms_reports(PHONE, silence, false).unwrap();
    assert!(ask(&environment, "smspro-demo-login", "t1").await.contains("<status>4</status>"), "no report");
    assert!(environment.standins.set_sms_reports(PHONE, PhoneReports { report: Some(8), pushed: true }, false).is_err());
}

#[tokio::test]
async fn a_leap_of_the_clock_waits_for_the_reports_on_their_way() {
    let environment = TestEnvironment::start().await;
    let receiver = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", receiver.local_addr().unwrap());
    let has_answered = Arc::new(AtomicBool::new(false));
    let answered = Arc::clone(&has_answered);
    tokio::spawn(async move {
        let (mut connection, _) = receiver.accept().await.unwrap();
        drop(connection.read(&mut [0; 4096]).await);
        tokio::time::sleep(Duration::from_millis(500)).await;
        answered.store(true, Ordering::SeqCst);
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    });
    environment.standins.push_sms_reports_to(url);
    environment.smspro("send", &json!({ "transaction_id": "t1", "phone": PHONE })).await;
    environment.advance(60).await;
    assert!(has_answered.load(Ordering::SeqCst), "the report came before the leap");
}
