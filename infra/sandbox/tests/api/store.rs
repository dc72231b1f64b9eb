//! DynamoDB as it really is, set over the control API.

use sandbox::running::{Sandbox, Setup};
use serde_json::{Value, json};

use crate::api_gateway::{FREE, post};

async fn order(sandbox: &Sandbox, uuid: &str) -> (u16, Value) {
    let order = json!({"orders": [{"uuid": uuid, "items": [{"id": "1", "name": "Чай", "quantity": 1}]}]});
    post(format!("{}/v1/orders", sandbox.addresses.api_gateway), Some("imshop-demo-key"), order).await
}

#[tokio::test]
async fn how_dynamodb_behaves_is_said_changed_and_taken_back() {
    let sandbox = Sandbox::start(Setup::new(FREE)).await.unwrap();
    let store = format!("{}/control/store", sandbox.control);
    let shown = async || serde_json::from_str::<Value>(&reqwest::get(&store).await.unwrap().text().await.unwrap()).unwrap();
    let plain = shown().await;
    assert_eq!((&plain["throttled_percent"], &plain["transactions_ms"]), (&json!(0), &Value::Null));

    let wish = json!({"index_behind_ms": 1500, "refuse": {"operation": "UpdateItem", "reason": "ValidationException"}});
    let (status, changed) = post(store.clone(), None, wish).await;
    assert_eq!((status, &changed["index_behind_ms"], &changed["refuse"]["times"]), (200, &json!(1500), &json!(1)), "{changed}");
    assert_eq!(order(&sandbox, "u-1").await.0, 200, "it waits in the queue");
    assert_eq!(shown().await["refuse"], Value::Null, "it was refused, and is not any more");

    for wrong in [json!({"transactions": 50}), json!({"throttled_percent": "many"}), json!({"refuse": {"operation": "GetItem"}})]
    {
        let (status, answer) = post(store.clone(), None, wrong.clone()).await;
        assert!(status == 400 && answer["error"].as_str().is_some_and(|error| error.len() > 10), "{wrong}: {status} {answer}");
    }
    reqwest::Client::new().delete(&store).send().await.unwrap();
    assert_eq!(shown().await, plain);
}
