use std::io::ErrorKind;
use std::time::Duration;

use serde_json::{Value, json};
use standins::{Fault, System};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::environment::{TestEnvironment, answer, text};
use crate::events::event;
use crate::yookassa::wanted;

/// Every method that has an effect, with a request that has it.
fn request(environment: &TestEnvironment, system: System, method: &str) -> reqwest::RequestBuilder {
    match (system, method) {
        (System::Mokka, _) => environment.mokka_request("/factoring/v1/precheck/auth", &environment.checkout_body("R-1")),
        (System::Yookassa, _) => environment
            .http
            .post(environment.url("/yookassa/v3/payments"))
            .basic_auth("506751", Some("test_demo_key"))
            .header("idempotence-key", "k")
            .header("content-type", "application/json")
            .body(wanted("10.00", false).to_string()),
        (System::Smspro, _) => environment
            .http
            .post(environment.url("/smspro/api/otp/send"))
            .header("x-api-key", "smspro-demo-key")
            .header("content-type", "application/json")
            .body(json!({ "transaction_id": "t1", "phone": "996770123456" }).to_string()),
        (System::Shop, "orders") => {
            environment.shop_request("/shop/orders", &json!({ "orders": [{ "uuid": "u1", "items": [{}] }] }))
        }
        (System::Shop, "events") => environment.event_request("1001-1-2", &event("paid", &json!({}))),
        (System::Shop, _) => environment.form_request("f1", &json!({ "a": 1 })),
        (System::Imshop, method) => {
            let body = if method == "payment_status" {
                json!({ "orderId": "1", "paymentId": "p", "success": true, "paymentCaptured": true })
            } else {
                json!({ "id": "1", "code": "paid", "payment": { "paid": true, "paymentId": "p" } })
            };
            let request = environment.http.post(environment.url(&format!("/imshop/{method}")));
            request.header("content-type", "application/json").body(body.to_string())
        }
    }
}

fn effects(environment: &TestEnvironment, system: System, method: &str) -> usize {
    match (system, method) {
        (System::Mokka, _) => usize::from(environment.standins.mokka_order("R-1").is_some()),
        (System::Yookassa, _) => environment.standins.yookassa_payments().len(),
        (System::Smspro, _) => environment.standins.inbox(None).len(),
        (System::Shop, "orders") => environment.standins.orders().len(),
        (System::Shop, "events") => environment.standins.shop_books()["orders"].as_array().unwrap().len(),
        (System::Shop, _) => environment.standins.forms().len(),
        (System::Imshop, _) => environment.standins.imshop().len(),
    }
}

const METHODS: [(System, &str); 8] = [
    (System::Mokka, "checkout"),
    (System::Yookassa, "create"),
    (System::Smspro, "send"),
    (System::Shop, "orders"),
    (System::Shop, "events"),
    (System::Shop, "forms"),
    (System::Imshop, "payment_status"),
    (System::Imshop, "order_status"),
];

#[tokio::test]
async fn each_fault_has_its_effect_or_none() {
    for (system, method) in METHODS {
        for (fault, happens) in [
            (Fault::Timeout, 0),
            (Fault::Reset, 0),
            (Fault::Http500, 0),
            (Fault::Html, 0),
            (Fault::Slow, 1),
            (Fault::AnswerLost, 1),
            (Fault::EffectLate(20), 0),
            (Fault::Refused, 0),
            (Fault::Status(503), 0),
        ] {
            let environment = TestEnvironment::start().await;
            environment.standins.fault(system, method, fault, 1).unwrap();
            let sent = request(&environment, system, method).timeout(Duration::from_millis(300)).send().await;
            let read = match sent {
                Ok(response) => response.text().await,
                Err(error) => Err(error),
            };
            assert_eq!(effects(&environment, system, method), happens, "{system} {method} {fault}");
            assert_eq!(environment.standins.calls_to(system, method).len(), 1, "recorded before the fault");
            let answered = matches!(fault, Fault::Http500 | Fault::Html | Fault::Refused | Fault::Status(_));
            assert_eq!(read.is_ok(), answered, "{system} {method} {fault}: {read:?}");
            // The fault is gone, and the world works as if it had never been. Only IMSHOP counts a repeat: nothing in
            // its protocol says that two equal messages are one.
            assert_eq!(request(&environment, system, method).send().await.unwrap().status(), 200);
            let expected = if system == System::Imshop { happens + 1 } else { 1 };
            assert_eq!(effects(&environment, system, method), expected, "{system} {method} {fault}, repeated");
        }
    }
}

#[tokio::test]
async fn refusals_and_statuses_have_the_systems_own_shape() {
    let environment = TestEnvironment::start().await;
    let cannot = "At the moment the server cannot process your request";
    for (system, method, fault, http, body) in [
        (System::Mokka, "checkout", Fault::Refused, 200, json!({ "status": 100, "message": cannot })),
        (System::Mokka, "checkout", Fault::Status(22), 200, json!({ "status": 22, "message": "Order exists" })),
        (System::Mokka, "checkout", Fault::Status(999), 200, json!({ "status": 999, "message": cannot })),
        (System::Smspro, "send", Fault::Refused, 200, json!({ "status": 5, "description": "Sender or text are not set" })),
        (System::Smspro, "send", Fault::Status(4), 200, json!({ "status": 4, "description": "Not Enough Money" })),
        (System::Shop, "forms", Fault::Status(503), 503, json!({ "success": false, "message": "status 503" })),
        (System::Shop, "events", Fault::Refused, 422, json!({ "success": false, "message": "the event is not understood" })),
        (System::Imshop, "payment_status", Fault::Refused, 200, json!({ "success": false })),
    ] {
        environment.standins.fault(system, method, fault, 1).unwrap();
        assert_eq!(answer(request(&environment, system, method)).await, (http, body), "{system} {fault}");
    }
    environment.standins.fault(System::Smspro, "verify", Fault::Status(13), 1).unwrap();
    let expired = environment.smspro("verify", &json!({ "token": "x", "code": "y" })).await;
    assert_eq!(expired, json!({ "status": "13", "description": "Time-Expired" }));
    environment.standins.fault(System::Shop, "orders", Fault::Refused, 1).unwrap();
    let (_, orders) = answer(request(&environment, System::Shop, "orders")).await;
    let refused = &orders["orders"][0];
    assert_eq!((&refused["success"], &refused["uuid"]), (&json!(false), &json!("u1")));
    assert!(refused["errorCode"].is_string() && refused["errorMessage"].is_string());
    environment.standins.fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
    let (http, form) = answer(request(&environment, System::Shop, "forms")).await;
    assert_eq!((http, &form["success"], form["message"].is_string()), (200, &json!(false), true));
}

#[tokio::test]
async fn http500_and_html_are_not_json() {
    let environment = TestEnvironment::start().await;
    environment.standins.fault(System::Shop, "orders", Fault::Http500, 1).unwrap();
    environment.standins.fault(System::Shop, "orders", Fault::Html, 1).unwrap();
    for (status, content_type) in [(500, "text/plain; charset=utf-8"), (200, "text/html; charset=utf-8")] {
        let response = request(&environment, System::Shop, "orders").send().await.unwrap();
        assert_eq!(response.headers()["content-type"], content_type);
        let (answered, body) = text(response).await;
        assert_eq!(answered, status);
        assert!(serde_json::from_str::<Value>(&body).is_err(), "{body}");
    }
}

/// Writes a request by hand and reads what comes back until the end.
async fn raw(environment: &TestEnvironment) -> (std::io::Result<usize>, String) {
    let address = environment.standins.base_url().replace("http://", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = r#"{"a":1}"#;
    let signed = environment.form_request("f1", &json!({"a": 1})).build().unwrap();
    let header = |name: &str| signed.headers()[name].to_str().unwrap().to_owned();
    let head = format!(
        "POST /shop/forms HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nwebhook-id: {}\r\n\
         webhook-timestamp: {}\r\nwebhook-signature: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        header("webhook-id"),
        header("webhook-timestamp"),
        header("webhook-signature"),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let end = stream.read_to_string(&mut answer).await;
    (end, answer)
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let environment = TestEnvironment::start().await;
    for fault in [Fault::Reset, Fault::AnswerLost] {
        environment.standins.fault(System::Shop, "forms", fault, 1).unwrap();
        let (end, answer) = raw(&environment).await;
        assert_eq!(end.map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset), "{fault}");
        assert_eq!(answer, "");
    }
    assert_eq!(raw(&environment).await.1.split_once(' ').unwrap().1.split_once(' ').unwrap().0, "200");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_says_nothing_for_a_minute_and_closes() {
    let environment = TestEnvironment::start().await;
    environment.standins.fault(System::Shop, "forms", Fault::Timeout, 1).unwrap();
    let start = Instant::now();
    let (end, answer) = raw(&environment).await;
    assert_eq!((end.unwrap(), answer.as_str()), (0, ""), "closed, not reset");
    assert!((60..62).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert!(environment.standins.forms().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_right_and_takes_half_a_minute() {
    let environment = TestEnvironment::start().await;
    environment.standins.fault(System::Shop, "forms", Fault::Slow, 1).unwrap();
    let start = Instant::now();
    let (_, answer) = raw(&environment).await;
    assert!((29..32).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["success"], true);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_right_and_comes_when_it_was_said_to() {
    let environment = TestEnvironment::start().await;
    environment.control("/control/faults", &json!({"system": "shop", "method": "forms", "fault": "late:1500"})).await;
    let start = Instant::now();
    let (_, answer) = raw(&environment).await;
    assert!((1500..1600).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["success"], true);
    assert_eq!(environment.standins.forms().len(), 1);
}

#[tokio::test]
async fn connections_are_kept_otherwise() {
    let environment = TestEnvironment::start().await;
    let mut stream = TcpStream::connect(environment.standins.base_url().replace("http://", "")).await.unwrap();
    for _ in 0..2 {
        stream.write_all(b"GET /control/faults HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        while !answer.ends_with("\r\n\r\n[]") {
            let mut buffer = [0; 256];
            let read = stream.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0, "closed after {answer}");
            answer.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
    }
}

#[tokio::test]
async fn faults_queue_and_end() {
    let environment = TestEnvironment::start().await;
    let arm = |fault: &str, times: u32| json!({ "system": "shop", "method": "orders", "fault": fault, "times": times });
    environment.control("/control/faults", &arm("status:503", 2)).await;
    environment.control("/control/faults", &json!({ "system": "shop", "method": "orders", "fault": "http500" })).await;
    environment.control("/control/faults", &json!({ "system": "shop", "method": "forms", "fault": "html" })).await;
    let armed = environment.get("/control/faults").await;
    assert_eq!(armed[0], arm("status:503", 2));
    assert_eq!(armed[1], arm("http500", 1));
    for status in [503, 503, 500, 200, 200] {
        assert_eq!(request(&environment, System::Shop, "orders").send().await.unwrap().status(), status);
    }
    assert_eq!(environment.get("/control/faults").await.as_array().unwrap().len(), 1);
    environment.delete("/control/faults").await;
    assert_eq!(environment.get("/control/faults").await, json!([]));
}

#[tokio::test]
async fn a_fault_meets_parallel_calls_exactly_so_often() {
    let environment = TestEnvironment::start().await;
    environment.standins.fault(System::Shop, "orders", Fault::Status(503), 5).unwrap();
    let calls = (0..20).map(|_| async { request(&environment, System::Shop, "orders").send().await.unwrap().status().as_u16() });
    let statuses = futures_util::future::join_all(calls).await;
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 5);
    assert_eq!(environment.standins.orders().len(), 1);
}

#[tokio::test]
async fn an_effect_that_comes_late_comes_at_its_time() {
    let environment = TestEnvironment::start().await;
    environment.standins.fault(System::Mokka, "checkout", Fault::EffectLate(20), 1).unwrap();
    assert!(request(&environment, System::Mokka, "checkout").send().await.is_err());
    environment.advance(19).await;
    assert_eq!(effects(&environment, System::Mokka, "checkout"), 0);
    environment.advance(1).await;
    assert_eq!(effects(&environment, System::Mokka, "checkout"), 1);
}

#[tokio::test]
async fn a_repeated_request_arrives_twice() {
    let environment = TestEnvironment::start().await;
    environment.standins.fault(System::Imshop, "payment_status", Fault::Repeated, 1).unwrap();
    assert!(request(&environment, System::Imshop, "payment_status").send().await.unwrap().status().is_success());
    assert_eq!(effects(&environment, System::Imshop, "payment_status"), 2);
}

#[tokio::test]
async fn what_chooses_faults_sees_system_method_and_body() {
    let environment = TestEnvironment::start().await;
    environment.standins.choose_faults(|system, method, body| {
        (system == System::Imshop && method == "order_status" && body.starts_with(b"{")).then_some(Fault::Http500)
    });
    for (method, works) in [("payment_status", true), ("order_status", false)] {
        assert_eq!(request(&environment, System::Imshop, method).send().await.unwrap().status().is_success(), works, "{method}");
    }
    environment.standins.clear_faults();
    assert!(request(&environment, System::Imshop, "order_status").send().await.unwrap().status().is_success());
}
