//! YooKassa: notifications, and calls that go wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use standins::{CardDecision, Fault, Options, System, YookassaNotice};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::environment::answer;
use crate::yookassa::{Caller, refusal, rub, wanted};

fn told(notices: &[YookassaNotice]) -> Vec<&'static str> {
    notices.iter().map(|notice| notice.event).collect()
}

#[tokio::test]
async fn each_step_is_announced_once_with_the_object_of_that_moment() {
    let caller = Caller::exact().await;
    let standins = &caller.environment.standins;
    let held = caller.held("10.00").await;
    let (_, captured) = caller.command(&held, "capture", &json!({})).await;
    let (_, refund) = caller.refund(&held, "10.00").await;
    let notices = standins.take_yookassa_notices();
    assert_eq!(told(&notices), ["payment.waiting_for_capture", "payment.succeeded", "refund.succeeded"]);
    for (notice, object) in notices.iter().zip([&held, &captured, &refund]) {
        let body: Value = serde_json::from_str(&notice.body).unwrap();
        assert_eq!(body, json!({ "type": "notification", "event": notice.event, "object": object }));
        assert_eq!(notice.object_id, object["id"].as_str().unwrap());
    }
    assert!(standins.take_yookassa_notices().is_empty());

    caller.command(&caller.held("10.00").await, "cancel", &json!({})).await;
    caller.decide(&caller.create(&wanted("10.00", true)).await, CardDecision::Processing).await;
    caller.decide(&caller.create(&wanted("10.00", true)).await, CardDecision::Declined).await;
    assert_eq!(told(&standins.take_yookassa_notices()), ["payment.waiting_for_capture", "payment.canceled", "payment.canceled"]);
}

#[tokio::test]
async fn end_of_a_customers_time_is_announced_and_of_a_hold_is_not() {
    let caller = Caller::exact().await;
    caller.create(&wanted("10.00", false)).await;
    caller.held("10.00").await;
    assert_eq!(told(&caller.environment.standins.take_yookassa_notices()), ["payment.waiting_for_capture"]);
    caller.environment.advance(3_600).await;
    assert_eq!(told(&caller.environment.standins.take_yookassa_notices()), ["payment.canceled"]);
    caller.environment.advance(8 * 86_400).await;
    assert!(caller.environment.standins.take_yookassa_notices().is_empty());
}

#[tokio::test]
async fn canceled_refund_is_not_announced() {
    let caller = Caller::exact().await;
    let standins = &caller.environment.standins;
    standins.set_reading("refunds", "pending").unwrap();
    let payment = caller.captured("10.00").await;
    let (_, refund) = caller.refund(&payment, "10.00").await;
    assert_eq!(told(&standins.take_yookassa_notices()), ["payment.succeeded"]);
    caller.decide(&refund, CardDecision::Declined).await;
    assert!(standins.take_yookassa_notices().is_empty());
}

#[tokio::test]
async fn notification_is_repeated_seven_times_within_a_day_until_it_is_200() {
    let caller = Caller::exact().await;
    let standins = &caller.environment.standins;
    caller.captured("10.00").await;
    let mut past = 0;
    for due in [0, 10, 42, 84, 168, 672, 5_376, 86_016] {
        if due > 0 {
            caller.environment.advance(due - past - 1).await;
            assert!(standins.take_yookassa_notices().is_empty(), "before {due} s");
            caller.environment.advance(1).await;
        }
        past = due;
        let mut notices = standins.take_yookassa_notices();
        assert_eq!(notices.len(), 1, "after {due} s");
        standins.yookassa_notice_posted(notices.pop().unwrap(), if due == 10 { 204 } else { 503 });
    }
    caller.environment.advance(10 * 86_400).await;
    assert!(standins.take_yookassa_notices().is_empty());
    let tries = caller.environment.get("/control/yookassa/notifications").await;
    assert_eq!(tries.as_array().unwrap().len(), 8);
    assert_eq!((&tries[1]["answered"], &tries[1]["event"]), (&json!(204), &json!("payment.succeeded")));

    caller.captured("10.00").await;
    let notice = standins.take_yookassa_notices().pop().unwrap();
    standins.yookassa_notice_posted(notice, 200);
    caller.environment.advance(86_400).await;
    assert!(standins.take_yookassa_notices().is_empty());
}

/// An address that answers 500 once and 200 from then on, and how often it was asked.
async fn shop() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/cards/yookassa", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 16 * 1024];
            let mut read = 0;
            while !String::from_utf8_lossy(&request[..read]).contains("\"notification\"") {
                read += stream.read(&mut request[read..]).await.unwrap();
            }
            let status = if counted.fetch_add(1, Ordering::SeqCst) == 0 { "500 Oops" } else { "200 OK" };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

async fn answered(caller: &Caller, count: usize) -> Vec<Value> {
    for _ in 0..500 {
        let tries = caller.environment.get("/control/yookassa/notifications").await;
        let tries: Vec<_> = tries.as_array().unwrap().iter().map(|one| one["answered"].clone()).collect();
        if tries.len() >= count {
            return tries;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not {count} notifications");
}

#[tokio::test]
async fn notifications_go_to_the_shops_address_by_themselves() {
    let (url, asked) = shop().await;
    let caller = Caller::with(Options { yookassa_notification_url: Some(url), ..Options::default() }).await;
    let payment = caller.create(&wanted("10.00", false)).await;
    let path = format!("/control/yookassa/{}/decide", payment["id"].as_str().unwrap());
    let (_, decided) = caller.environment.control(&path, &json!({ "outcome": "paid", "times": 3 })).await;
    assert_eq!(decided["notifications"], json!([500, 200, 200]));
    caller.command(&payment, "capture", &json!({})).await;
    assert_eq!(answered(&caller, 4).await, [500, 200, 200, 200]);
    caller.environment.advance(10).await;
    assert_eq!(answered(&caller, 5).await[4], 200, "what was answered with 500 is repeated");
    let (_, quiet) = caller.environment.control(&path, &json!({ "outcome": "paid", "notify": false })).await;
    assert_eq!((&quiet["notifications"], asked.load(Ordering::SeqCst)), (&json!([]), 5));
}

#[tokio::test]
async fn notifications_are_posted_from_when_the_address_is_known() {
    let (url, _) = shop().await;
    let caller = Caller::exact().await;
    let path = "/control/yookassa/notifications";
    assert_eq!(caller.environment.control(path, &json!({ "url": "shop.example" })).await.0, 400);
    assert_eq!(caller.environment.control(path, &json!({ "url": url })).await.0, 200);
    caller.captured("10.00").await;
    assert_eq!(answered(&caller, 1).await, [500]);
    // A leap waits for what is due, so the repeated one is not a day late.
    caller.environment.advance(10).await;
    caller.environment.advance(86_400).await;
    assert_eq!(answered(&caller, 2).await, [500, 200]);
}

#[tokio::test]
async fn lost_answer_is_found_under_its_key() {
    let caller = Caller::exact().await;
    let standins = &caller.environment.standins;
    let held = caller.held("10.00").await;
    for (method, path, body) in [
        ("create", "/payments".to_owned(), wanted("10.00", false)),
        ("capture", format!("/payments/{}/capture", held["id"].as_str().unwrap()), json!({})),
        ("refund", "/refunds".to_owned(), json!({ "payment_id": held["id"], "amount": rub("10.00") })),
    ] {
        standins.fault(System::Yookassa, method, Fault::AnswerLost, 1).unwrap();
        let before = standins.call_count(System::Yookassa, method);
        assert!(caller.request(&path, method, &body).send().await.is_err(), "{method}");
        assert_eq!(caller.post_as(method, &path, &body).await.0, 200, "{method}");
        assert_eq!(standins.call_count(System::Yookassa, method), before + 2);
    }
    assert_eq!((standins.yookassa_payments().len(), standins.yookassa_refunds().len()), (2, 1));
}

#[tokio::test]
async fn faults_have_the_apis_own_shape() {
    let caller = Caller::exact().await;
    let standins = &caller.environment.standins;
    for (status, code) in [
        (400, "invalid_request"),
        (401, "invalid_credentials"),
        (403, "forbidden"),
        (404, "not_found"),
        (410, "invalid_request"),
        (429, "too_many_requests"),
        (500, "internal_server_error"),
        (503, "internal_server_error"),
    ] {
        standins.fault(System::Yookassa, "get", Fault::Status(status), 1).unwrap();
        let answer = caller.get("/payments").await;
        assert_eq!((refusal(&answer).0, &answer.1["code"]), (status, &json!(code)));
    }
    standins.fault(System::Yookassa, "create", Fault::Status(202), 1).unwrap();
    let (status, later) = caller.post("/payments", &wanted("10.00", false)).await;
    assert_eq!((status, &later["type"], &later["retry_after"]), (202, &json!("processing"), &json!(1800)));
    standins.fault(System::Yookassa, "me", Fault::Refused, 1).unwrap();
    assert_eq!(refusal(&caller.get("/me").await).0, 400);
    for (method, fault) in
        [("get", "status:200"), ("get", "status:302"), ("get", "status:600"), ("list", "refused"), ("unknown", "refused")]
    {
        assert!(standins.fault(System::Yookassa, method, fault.parse().unwrap(), 1).is_err(), "{method} {fault}");
    }
    let methods: Vec<_> = System::Yookassa.methods().collect();
    assert_eq!(methods, ["create", "get", "capture", "cancel", "refund", "receipt", "me"]);
    assert!(standins.yookassa_payments().is_empty());
}

#[tokio::test]
async fn reads_of_every_kind_are_one_method() {
    let caller = Caller::exact().await;
    for path in ["/payments", "/payments/x", "/refunds", "/refunds/x", "/receipts", "/receipts/x"] {
        caller.get(path).await;
    }
    assert_eq!(caller.environment.standins.calls_to(System::Yookassa, "get").len(), 6);
    let nothing = caller.environment.http.post(caller.environment.url("/yookassa/v3/webhooks"));
    let (status, body) = answer(nothing).await;
    assert_eq!(status, 404);
    assert!(body["exists"].as_array().unwrap().contains(&json!("POST /yookassa/v3/payments/{id}/capture")));
}
