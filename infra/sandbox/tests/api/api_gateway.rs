use std::path::PathBuf;

use sandbox::demo;
use sandbox::running::{Ports, Sandbox, Setup};
use serde_json::{Value, json};
use shared::platform::clock::Clock;

pub(crate) const FREE: Ports = Ports { api_gateway: Some(0), dynamodb: 0, providers: 0 };

async fn start(data: Option<PathBuf>) -> Sandbox {
    Sandbox::start(Setup { data, ..Setup::new(FREE) }).await.unwrap()
}

pub(crate) async fn post(address: String, key: Option<&str>, body: Value) -> (u16, Value) {
    let mut request = reqwest::Client::new().post(address).header("Content-Type", "application/json");
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let answer = request.body(body.to_string()).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn the_demo_plays_the_whole_life_of_a_payment_and_a_form() {
    let at = Some(demo::beginning(Clock::system().now()));
    let sandbox = Sandbox::start(Setup { at, ..Setup::new(FREE) }).await.unwrap();
    let settings = vec![("MOKKA_FINISH".to_owned(), "on_shipment".to_owned())];
    let on_shipment = Sandbox::start(Setup { settings, at, ..Setup::new(FREE) }).await.unwrap();
    let mut transcript = Vec::new();
    demo::play(&sandbox.addresses, &on_shipment.addresses, &mut transcript).await.unwrap();
    let transcript = String::from_utf8(transcript).unwrap();
    for scene in
        ["A callback that never comes", "Money is given back", "when the goods ship", "A form, confirmed by SMS", "\nDone: "]
    {
        assert!(transcript.contains(scene), "{scene}: {transcript}");
    }
}

#[tokio::test]
async fn unknown_route_is_answered_by_the_api_gateway() {
    let sandbox = start(None).await;
    for path in ["/", "/v1", "/v1/unknown", "/v2/orders", "/v1/orders/a/b"] {
        let (status, body) = post(format!("{}{path}", sandbox.addresses.api_gateway), Some("imshop-demo-key"), json!({})).await;
        assert_eq!((status, &body["success"], &body["payments"]), (404, &json!(false), &json!([])), "{path}");
    }
    let huge = json!({"x": "a".repeat(7 * 1024 * 1024)});
    assert_eq!(post(format!("{}/v1/forms", sandbox.addresses.api_gateway), None, huge).await.0, 413);
}

#[tokio::test]
async fn a_real_browser_way_back_is_followed_to_a_page() {
    let sandbox = start(None).await;
    let api_gateway = &sandbox.addresses.api_gateway;
    create(&sandbox).await;
    let order =
        reqwest::get(format!("{}/control/mokka/1001-1", sandbox.addresses.providers)).await.unwrap().text().await.unwrap();
    let order: Value = serde_json::from_str(&order).unwrap();
    let address = order["redirect_url"].as_str().unwrap();
    assert!(address.starts_with(&format!("{api_gateway}/v1/return/1001-1/")), "{address}");
    let answer = reqwest::get(address).await.unwrap();
    assert_eq!(answer.url().as_str(), format!("{address}/failed"));
    assert!(answer.text().await.unwrap().contains("Подтверждения оплаты пока нет"));
}

/// An order, and the attempt 1001-1 to pay it.
async fn create(sandbox: &Sandbox) {
    let api_gateway = &sandbox.addresses.api_gateway;
    let key = Some("imshop-demo-key");
    let order = json!({"orders": [{"uuid": "u", "items": [{"id": "1", "name": "Чай", "quantity": 2}]}]});
    post(format!("{api_gateway}/v1/orders"), key, order).await;
    let create = json!({"command": "create", "paymentMethodId": "mokka", "orderUuid": "u", "orderId": "1001"});
    let (_, created) = post(format!("{api_gateway}/v1/acquiring"), key, create).await;
    assert_eq!(created["success"], json!(true), "{created}");
}

#[tokio::test]
async fn mokkas_own_callback_arrives_and_pays() {
    let sandbox = start(None).await;
    let providers = &sandbox.addresses.providers;
    create(&sandbox).await;
    let decide = json!({"decision": "approved", "times": 5});
    let (_, decided) = post(format!("{providers}/control/mokka/1001-1/decide"), None, decide).await;
    assert_eq!(decided["callbacks"], json!([200, 200, 200, 200, 200]));
    let order = reqwest::get(format!("{providers}/control/mokka/1001-1")).await.unwrap().text().await.unwrap();
    assert!(order.contains("\"finished\"") && order.contains("\"finishes\":1"), "{order}");
}

#[tokio::test]
async fn a_data_folder_outlives_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let create = json!({"command": "create", "paymentMethodId": "mokka", "orderUuid": "kept", "orderId": "7"});
    let push = json!({"orderId": "7", "amount": "5000.00"});
    let first = start(Some(folder.path().to_owned())).await;
    let pushed = reqwest::Client::new()
        .put(format!("{}/v1/orders/kept", first.addresses.api_gateway))
        .bearer_auth("shop-demo-key")
        .body(push.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(pushed.status(), 200);
    let second = start(Some(folder.path().to_owned())).await;
    let (_, created) = post(format!("{}/v1/acquiring", second.addresses.api_gateway), Some("imshop-demo-key"), create).await;
    assert_eq!(created["paymentId"], json!("7-1"), "{created}");
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_option_that_changes_it() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Sandbox::start(Setup::new(Ports { providers: port, ..FREE })).await.err().unwrap().to_string();
    assert!(error.contains(&port.to_string()) && error.contains("--providers-port"), "{error}");
}
