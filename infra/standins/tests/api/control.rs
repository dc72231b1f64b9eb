use serde_json::{Value, json};
use standins::{Options, System};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::environment::{TestEnvironment, answer, text};

#[tokio::test]
async fn calls_are_recorded_as_they_were_sent() {
    let environment = TestEnvironment::start().await;
    environment.smspro("send", &json!({ "transaction_id": "t1", "phone": "996770123456" })).await;
    let body = environment.checkout_body("R-1");
    environment.mokka("/factoring/v1/precheck/auth", &body).await;
    let not_json =
        environment.http.post(environment.url("/shop/forms?a=b%20c")).header("X-Two", "1").header("x-two", "2").body("не JSON");
    not_json.send().await.unwrap();

    let calls = environment.get("/control/calls").await;
    let methods: Vec<&Value> = calls.as_array().unwrap().iter().map(|call| &call["method"]).collect();
    assert_eq!(methods, ["send", "checkout", "forms"]);
    assert_eq!(calls[0]["headers"]["x-api-key"], "smspro-demo-key");
    assert_eq!((&calls[1]["system"], &calls[1]["query"]["store_id"]), (&json!("mokka"), &json!("72")));
    assert_eq!((&calls[1]["body"], &calls[1]["raw"]), (&body, &json!(body.to_string())));
    assert_eq!((&calls[2]["body"], &calls[2]["query"]["a"]), (&json!("не JSON"), &json!("b c")));
    assert_eq!(calls[2]["headers"]["x-two"], "1, 2");
    assert!(OffsetDateTime::parse(calls[0]["at"].as_str().unwrap(), &Rfc3339).is_ok());
    assert_eq!(environment.get("/control/calls?system=mokka").await.as_array().unwrap().len(), 1);
    environment.delete("/control/calls").await;
    assert_eq!(environment.get("/control/calls").await, json!([]));
    assert!(environment.standins.mokka_order("R-1").is_some(), "only the record is forgotten");
}

#[tokio::test]
async fn decisions_and_contradictions() {
    let environment = TestEnvironment::start().await;
    environment.checkout("R 1/2").await;
    let path = "/control/mokka/R%201%2F2";
    let silent = environment.control(&format!("{path}/decide"), &json!({ "decision": "approved", "callback": false })).await;
    assert_eq!(silent, (200, json!({ "order_id": "R 1/2", "status": "hold", "callbacks": [] })));
    let again = environment.control(&format!("{path}/decide"), &json!({ "decision": "declined", "times": 3 })).await;
    assert_eq!(again, (200, json!({ "order_id": "R 1/2", "status": "hold", "callbacks": [404, 404, 404] })));
    let lie = environment.control(&format!("{path}/callback"), &json!({ "decision": "declined" })).await;
    assert_eq!(lie, (200, json!({ "order_id": "R 1/2", "status": "hold", "callbacks": [404] })));
    let said: Vec<Value> =
        environment.standins.calls(Some(System::Imshop)).into_iter().map(|call| call.body["decision"].clone()).collect();
    assert_eq!(said, ["approved", "approved", "approved", "declined"]);
    assert_eq!(environment.get(path).await["callbacks"], json!([404, 404, 404, 404]));
    assert_eq!(environment.get("/control/mokka").await[0]["order_id"], "R 1/2");
}

#[tokio::test]
async fn mistakes_are_named() {
    let environment = TestEnvironment::start().await;
    environment.checkout("R-1").await;
    let fault = |field: &str, value: Value| {
        let mut body = json!({ "system": "mokka", "method": "finish", "fault": "reset", "times": 1 });
        body[field] = value;
        body
    };
    for (path, body, status, said) in [
        ("/control/mokka/R-0/decide", json!({ "decision": "approved" }), 404, "R-0"),
        ("/control/mokka/R-1/decide", json!({ "decision": "maybe" }), 400, "decision"),
        ("/control/mokka/R-1/decide", json!({}), 400, "decision"),
        ("/control/mokka/R-1/decide", json!({ "decision": "approved", "time": 2 }), 400, "`time`"),
        ("/control/mokka/R-1/decide", json!({ "decision": "approved", "times": 0 }), 400, "times"),
        ("/control/mokka/R-0/callback", json!({ "decision": "approved" }), 404, "R-0"),
        ("/control/faults", fault("system", json!("visa")), 400, "mokka, yookassa, smspro, shop, imshop"),
        ("/control/faults", fault("method", json!("pay")), 400, "checkout, schedule, status"),
        ("/control/faults", fault("method", json!("send")), 400, "method"),
        ("/control/faults", fault("fault", json!("boom")), 400, "answer_lost"),
        ("/control/faults", fault("fault", json!("status:")), 400, "fault"),
        ("/control/faults", fault("fault", json!("status:+5")), 400, "fault"),
        ("/control/faults", fault("fault", json!("late:")), 400, "late:NN"),
        ("/control/faults", fault("fault", json!("late:99999")), 400, "late:NN"),
        ("/control/faults", fault("fault", json!("status:0")), 400, "fault"),
        ("/control/faults", fault("times", json!(0)), 400, "times"),
        ("/control/faults", fault("count", json!(1)), 400, "count"),
        ("/control/clock", json!({ "advance_s": -1 }), 400, "advance_s"),
        ("/control/clock", json!({ "advance": 1 }), 400, "advance"),
        ("/control/shop", json!({ "order": 5 }), 400, "order"),
        ("/control/nothing", json!({}), 404, "/control/nothing"),
    ] {
        let (answered, error) = environment.control(path, &body).await;
        assert_eq!(answered, status, "{path} {body}: {error}");
        assert!(error["error"].as_str().unwrap().contains(said), "{said} in {error}");
    }
    assert_eq!(environment.get("/control/faults").await, json!([]));
    let (status, error) = answer(environment.http.get(environment.url("/control/calls?sytem=mokka"))).await;
    assert!(status == 400 && error["error"].as_str().unwrap().contains("sytem"));
    let (status, _) = answer(environment.http.get(environment.url("/control/calls?system=x"))).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn the_clock_moves_everything() {
    let environment = TestEnvironment::start().await;
    let now = |answer: &Value| OffsetDateTime::parse(answer["now"].as_str().unwrap(), &Rfc3339).unwrap();
    let (_, before) = environment.control("/control/clock", &json!({ "advance_s": 0 })).await;
    let (_, after) = environment.control("/control/clock", &json!({ "advance_s": 86_400 })).await;
    let moved = now(&after) - now(&before);
    assert!((86_400..86_410).contains(&moved.whole_seconds()), "{moved}");
    environment.checkout("R-1").await;
    let at = environment.standins.calls(None)[0].at;
    assert!(at >= now(&after));
}

#[tokio::test]
async fn imshop_takes_only_what_it_documents() {
    let environment = TestEnvironment::start().await;
    let send = |method: &str, body: &Value| {
        let request =
            environment.http.post(environment.url(&format!("/imshop/{method}"))).header("content-type", "application/json");
        answer(request.body(body.to_string()))
    };
    let paid = json!({ "orderId": "1", "paymentId": "p", "success": true, "paymentCaptured": false, "retry": true });
    assert_eq!(send("payment_status", &paid).await, (200, json!({ "success": true })));
    let status = json!({ "id": "1", "code": "paid", "payment": { "paid": true, "paymentId": null } });
    assert_eq!(send("order_status", &status).await.0, 200);
    let all = json!({ "id": "2", "code": "sent", "message": "В пути", "trackingUrl": "https://t.example", "userId": "u" });
    assert_eq!(send("order_status", &all).await.0, 200);
    let with = |body: &Value, field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        body
    };
    for (method, said, wrong) in [
        ("payment_status", "success", json!({ "orderId": "1", "paymentId": "p", "success": false, "paymentCaptured": false })),
        ("payment_status", "orderId", json!({ "orderId": 1, "paymentId": "p", "success": true, "paymentCaptured": true })),
        ("payment_status", "paymentId", json!({ "orderId": "1", "paymentId": "", "success": true, "paymentCaptured": true })),
        ("payment_status", "error", with(&paid, "error", json!("no"))),
        ("payment_status", "retry", with(&paid, "retry", json!(null))),
        ("order_status", "id", with(&status, "id", json!(1))),
        ("order_status", "payment.paymentId", json!({ "id": "1", "code": "paid", "payment": { "paid": true } })),
        ("order_status", "payment.paid", json!({ "id": "1", "code": "paid", "payment": { "paymentId": "p" } })),
        ("order_status", "payment.sum", with(&status, "payment", json!({ "paid": true, "paymentId": "p", "sum": 1 }))),
        ("order_status", "payment", with(&status, "payment", json!(null))),
        ("order_status", "payment", with(&status, "payment", json!([]))),
        ("order_status", "message", with(&status, "message", json!(null))),
        ("order_status", "status", json!({ "id": "1", "code": "paid", "status": "paid" })),
        ("order_status", "object", json!([])),
    ] {
        let (http, answer) = send(method, &wrong).await;
        assert!(http == 400 && answer["message"].as_str().unwrap().contains(said), "{wrong}: {answer}");
    }
    let received = environment.get("/control/imshop").await;
    assert_eq!(received.as_array().unwrap().len(), 3);
    assert_eq!((&received[0]["method"], &received[0]["body"]), (&json!("payment_status"), &paid));

    let later = with(&paid, "paymentCaptured", json!(true));
    assert_eq!(send("payment_status", &later).await.0, 200);
    assert_eq!((environment.standins.imshop_payment("p"), environment.standins.imshop_payment("q")), (Some(later), None));
    assert_eq!((environment.standins.imshop_order("1"), environment.standins.imshop_order("p")), (Some(status), None));
}

#[tokio::test]
async fn calls_can_be_counted_without_being_kept() {
    for record_calls in [true, false] {
        let environment = TestEnvironment::with(Options { record_calls, ..Options::default() }).await;
        for order in ["R-1", "R-2"] {
            environment.checkout(order).await;
        }
        assert_eq!(environment.standins.calls(None).len(), if record_calls { 2 } else { 0 });
        assert_eq!(environment.standins.call_count(System::Mokka, "checkout"), 2);
        assert_eq!(environment.standins.call_count(System::Mokka, "status"), 0);
        environment.standins.forget_calls();
        assert_eq!(environment.standins.call_count(System::Mokka, "checkout"), 0);
    }
}

#[tokio::test]
async fn strange_requests_get_json() {
    let environment = TestEnvironment::start().await;
    let (status, nowhere) = answer(environment.http.post(environment.url("/mokka/nothing"))).await;
    assert_eq!(status, 404);
    assert!(nowhere["exists"].as_array().unwrap().contains(&json!("POST /mokka/factoring/v1/status")));
    assert_eq!(answer(environment.http.get(environment.url("/smspro/api/otp/send"))).await.0, 405);
    assert_eq!(answer(environment.http.post(environment.url("/mokkafactoring/v1/status"))).await.0, 404);
    let huge = environment.http.post(environment.url("/shop/forms")).body(vec![b' '; 12 * 1024 * 1024 + 1]);
    assert_eq!(answer(huge).await.0, 413);
    let (status, page) = text(environment.http.get(environment.url("/")).send().await.unwrap()).await;
    assert!(status == 200 && page.contains("href=\"/control/calls\""));
}

#[tokio::test]
async fn what_the_document_leaves_open_can_be_read_in_another_way() {
    let environment = TestEnvironment::start().await;
    let readings = environment.get("/control/readings").await;
    for reading in readings.as_array().unwrap() {
        assert_eq!(reading["value"], reading["values"][0], "what we assume comes first: {reading}");
        let other = json!({"system": reading["system"], "name": reading["name"], "value": reading["values"][1]});
        let (status, list) = environment.control("/control/readings", &other).await;
        let now = list.as_array().unwrap().iter().find(|one| one["name"] == reading["name"]).unwrap();
        assert_eq!((status, &now["value"]), (200, &reading["values"][1]));
    }
    for (wrong, field) in [
        (json!({"system": "mokka", "name": "late", "value": "done"}), "name"),
        (json!({"system": "mokka", "name": "amounts", "value": "words"}), "value"),
        (json!({"system": "shop", "name": "amounts", "value": "text"}), "name"),
        (json!({"system": "smspro", "name": "amounts", "value": "text"}), "system"),
    ] {
        let (status, answer) = environment.control("/control/readings", &wrong).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(field), "{answer}");
    }
}

#[tokio::test]
async fn money_is_given_back_in_the_cabinet() {
    let environment = TestEnvironment::start().await;
    environment.checkout("R-1").await;
    let path = "/control/mokka/R-1/return";
    assert_eq!(environment.control(path, &json!({"amount": "10.00"})).await.0, 400, "nothing is captured");
    environment.standins.set_mokka_status("R-1", "finished").unwrap();
    let amount = environment.standins.mokka_order("R-1").unwrap().amount;
    assert_eq!(environment.control(path, &json!({"amount": "x"})).await.0, 400);
    assert_eq!(environment.control(path, &json!({"amount": amount})).await.0, 200);
    let order = environment.standins.mokka_order("R-1").unwrap();
    assert_eq!((order.status.as_str(), &order.returned), ("refunded", &amount));
    assert_eq!(environment.control("/control/mokka/none/return", &json!({"amount": "1.00"})).await.0, 404);
}
