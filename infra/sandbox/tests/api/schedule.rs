use std::time::Duration;

use sandbox::functions::Everything;
use sandbox::running::{Sandbox, Setup};
use serde_json::{Value, json};
use shared::platform::dynamodb::client_from_env;
use shared::platform::env::Env;
use testkit::settings::environment;
use testkit::{Cast as _, TestEnvironment};

use crate::api_gateway::{FREE, post};

#[tokio::test]
async fn a_tick_runs_reconcile_and_answers_its_report() {
    let environment = TestEnvironment::start().await.with(Everything::functions(), &[]);
    assert!(environment.tick().await.is_object());
    let sandbox = Sandbox::start(Setup::new(FREE)).await.unwrap();
    let (status, report) = post(format!("{}/control/tick", sandbox.control), None, json!({})).await;
    assert!(status == 200 && report.is_object(), "{status} {report}");
}

#[tokio::test]
async fn the_price_feed_is_looked_at_when_asked() {
    let sandbox = Sandbox::start(Setup::new(FREE)).await.unwrap();
    for outcome in ["loaded", "unchanged"] {
        let (status, report) = post(format!("{}/control/price-feed", sandbox.control), None, json!({})).await;
        assert_eq!((status, report), (200, json!({"outcome": outcome, "offers": 3, "bad": 0, "buckets": 1})));
    }
}

/// Waits until an SMS is reported, which happens by itself.
async fn reported(sandbox: &Sandbox) {
    let mut env = Env::from_map(environment(&sandbox.addresses));
    let client = client_from_env(&mut env).unwrap();
    let mut found = 0;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let scan = client.scan().table_name("otp-tokens").filter_expression("attribute_exists(delivery)").send().await.unwrap();
        found = scan.count;
        if found > 0 {
            break;
        }
    }
    assert!(found > 0, "no report came");
}

#[tokio::test]
async fn delivery_reports_arrive_and_are_counted() {
    let sandbox = Sandbox::start(Setup::new(FREE)).await.unwrap();
    let control = async |path: &str, body| post(format!("{}/control/{path}", sandbox.control), None, body).await;
    let form = |phone: &str| json!({"formName": "callback", "installId": phone, "data": {"phone": phone}});
    let send = async |phone: &str| {
        let answer = post(format!("{}/v1/forms/otp", sandbox.addresses.api_gateway), Some("imshop-demo-key"), form(phone)).await;
        assert_eq!(answer, (200, json!({"success": true})));
    };
    assert_eq!(control("sms-reports", json!({"phone": "996770000002", "report": 4, "pushed": false})).await.0, 200);
    assert_eq!(control("sms-reports", json!({"phone": "996770000002", "report": 8})).await.0, 400);
    send("996770000001").await;
    send("996770000002").await;
    reported(&sandbox).await;
    control("clock", json!({"advance_s": 600})).await;
    let (status, report) = control("sms-watch", json!({})).await;
    let counted = json!({"due": 2, "counted": 2, "asked": 1, "reported": 1, "failed": 0, "alarms": 0, "left": false});
    assert_eq!((status, report), (200, counted));
    let measured = reqwest::get(format!("{}/control/metrics", sandbox.control)).await.unwrap().text().await.unwrap();
    let measured: Vec<Value> = serde_json::from_str(&measured).unwrap();
    let delivered: Vec<u64> = measured.iter().filter_map(|line| line["SmsDelivered"].as_u64()).collect();
    assert_eq!((delivered.len(), delivered.iter().sum()), (2, 1));
}

#[tokio::test]
async fn what_payment_events_could_not_take_is_listed() {
    let sandbox = Sandbox::start(Setup::new(FREE)).await.unwrap();
    let letters = reqwest::get(format!("{}/control/dead-letters", sandbox.control)).await.unwrap();
    assert_eq!(letters.status(), 200);
    assert_eq!(letters.text().await.unwrap(), "[]");
}

#[tokio::test]
async fn a_run_that_fails_is_said_to_have_failed() {
    let environment = TestEnvironment::start().await;
    environment.standins().serve_control("POST", "tick", || Box::pin(async { Err("DynamoDB is down".to_owned()) }));
    let (status, answer) = post(format!("{}/control/tick", environment.standins().base_url()), None, json!({})).await;
    assert_eq!((status, answer), (500, json!({"error": "DynamoDB is down"})));
    let (status, answer) = post(format!("{}/control/tock", environment.standins().base_url()), None, json!({})).await;
    assert_eq!(status, 404);
    assert!(answer["exists"].as_array().unwrap().contains(&json!("POST /control/tick")), "{answer}");
}

#[tokio::test]
async fn without_functions_there_is_no_schedule() {
    let ports = sandbox::running::Ports { api_gateway: None, ..FREE };
    let sandbox = Sandbox::start(Setup::new(ports)).await.unwrap();
    let (status, answer) = post(format!("{}/control/tick", sandbox.control), None, json!({})).await;
    assert_eq!(status, 404, "{answer}");
}

#[tokio::test]
async fn a_sandbox_may_use_the_stand_ins_of_another() {
    let first = Sandbox::start(Setup::new(FREE)).await.unwrap();
    let elsewhere = Some(format!("{}/", first.addresses.providers));
    let second = Sandbox::start(Setup { providers: elsewhere, ..Setup::new(FREE) }).await.unwrap();
    assert_eq!(second.addresses.providers, first.addresses.providers);
    let order = json!({"orders": [{"uuid": "u", "items": [{"id": "1", "name": "Чай", "quantity": 2}]}]});
    let (status, answer) = post(format!("{}/v1/orders", second.addresses.api_gateway), Some("imshop-demo-key"), order).await;
    assert_eq!((status, &answer["orders"][0]["success"]), (200, &json!(true)), "{answer}");
    let orders = async |at: &str| {
        let answer = reqwest::get(format!("{at}/control/orders")).await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&answer).unwrap().as_array().unwrap().len()
    };
    assert_eq!((orders(&first.addresses.providers).await, orders(&second.control).await), (1, 0));
    // It is still ticked and moved in time at its own address.
    assert_eq!(post(format!("{}/control/tick", second.control), None, json!({})).await.0, 200);
}

#[tokio::test]
async fn a_leap_of_the_clock_makes_no_record_too_old() {
    let sandbox = Sandbox::start(Setup::new(FREE)).await.unwrap();
    let imshop =
        async |path: &str, body| post(format!("{}{path}", sandbox.addresses.api_gateway), Some("imshop-demo-key"), body).await.1;
    let control = async |path: &str, body| post(format!("{}/control/{path}", sandbox.control), None, body).await.1;
    let looks = async |path: &str| {
        let answer = reqwest::get(format!("{}/control/{path}", sandbox.control)).await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&answer).unwrap()
    };
    // Often enough that a leap would come before a look at the stream.
    for day in 0..6 {
        let uuid = format!("order-{day}");
        let order = json!({"orders": [{"uuid": uuid, "items": [{"id": "1", "name": "Чай", "quantity": 2, "price": 500}]}]});
        let order = imshop("/v1/orders", order).await["orders"][0]["id"].clone();
        let create = json!({"command": "create", "paymentMethodId": "mokka", "orderUuid": uuid, "orderId": order});
        let payment = imshop("/v1/acquiring", create).await["paymentId"].clone();
        let decided = control(&format!("mokka/{}/decide", payment.as_str().unwrap()), json!({"decision": "approved"})).await;
        assert_eq!(decided["callbacks"], json!([200]));
        control("clock", json!({"advance_s": 86_400})).await;
        assert_eq!(looks("dead-letters").await, json!([]));
        let told = looks("imshop").await;
        let told = told.as_array().unwrap().iter().any(|told| told["body"]["paymentId"] == payment);
        assert!(told, "told before the day went by");
    }
}
