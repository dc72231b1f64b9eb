//! Parts and fiscal receipts of a payment by card, which the back office answers otherwise than of one at Mokka.

use serde_json::{Value, json};
use standins::{CardDecision, CardOutcome, Fault, System};
use testkit::settings::WITH_CARDS;
use testkit::{Answer, written};

use crate::api::{Api, call};
use crate::back_office::{ALWAYS, about, act};
use crate::document::DOCUMENT;

/// What was answered to a shop whose receipts YooKassa makes.
pub(crate) async fn played() -> Api {
    let config = std::fs::read_to_string(WITH_CARDS).unwrap();
    let (gateway, methods) = config.split_once("\n[[method]]").unwrap();
    let section = "[gateways.yookassa.receipt]\nvat = \"20\"\nvatCodes = { \"20\" = 4 }\n";
    let gateway = gateway.replace("finish = \"on_hold\"", "finish = \"on_shipment\"");
    let config = format!("{gateway}\n{section}\n[[method]]{methods}");
    let path = written(env!("CARGO_TARGET_TMPDIR"), "openapi-receipts.toml", &config);
    let api = Api::start_with(&[("PAYMENTS_CONFIG", &path)]).await;
    api.example("createOrders", "kettle").await;
    let mut create = DOCUMENT.body("acquiring", "create");
    (create["orderUuid"], create["orderId"], create["paymentMethodId"]) = (json!("order-1"), json!(1001), json!("yookassa/card"));
    let created = api.send(call("acquiring").json(create)).await.json();
    let payment = created["paymentId"].as_str().unwrap_or_else(|| panic!("{created}")).to_owned();
    let standins = api.environment.standins();
    standins.set_reading("receipts", "pending").unwrap();
    let their_id = standins.yookassa_payments()[0]["id"].as_str().unwrap().to_owned();
    let held = CardOutcome { notify: false, ..CardOutcome::new(CardDecision::Held) };
    standins.decide_yookassa(&their_id, &held).await.unwrap();
    assert_eq!(act(&api, "settlePayment", &payment, "empty").await.json()["payment"]["state"], "held");
    assert_code(&act(&api, "makeReceipt", &payment, "empty").await, 409, "not_captured");
    let finish = async |body: Value| api.send(about("finishPayment", &payment).json(body)).await;
    assert_code(&finish(json!({"amount": "9999.00"})).await, 409, "above_hold");
    assert_code(&finish(json!({"lines": [{"sku": "none", "quantity": 1}]})).await, 409, "unknown_line");
    assert_eq!(finish(json!({"amount": "1.00", "lines": [{"sku": "none", "quantity": 1}]})).await.status, 400);
    let finished = act(&api, "finishPayment", &payment, "part").await;
    assert_eq!((finished.status, &finished.json()["payment"]["amount"]), (200, &json!("1500.00")), "{}", finished.body);

    standins.fault(System::Yookassa, "get", Fault::Reset, ALWAYS).unwrap();
    assert_code(&act(&api, "makeReceipt", &payment, "empty").await, 503, "provider_unavailable");
    standins.clear_faults();
    standins.fault(System::Yookassa, "receipt", "status:400".parse().unwrap(), 1).unwrap();
    assert_code(&act(&api, "makeReceipt", &payment, "empty").await, 502, "provider_refused");
    standins.fault(System::Yookassa, "receipt", Fault::Http500, ALWAYS).unwrap();
    assert_eq!(act(&api, "makeReceipt", &payment, "empty").await.json()["outcome"], "unknown");
    standins.clear_faults();
    api.environment.advance(std::time::Duration::from_mins(10));
    let made = act(&api, "makeReceipt", &payment, "empty").await;
    assert_code(&made, 409, "second_receipt_made");
    let shown = api.send(about("getPayment", &payment)).await.json();
    assert_eq!(shown["payment"]["receipts"]["second"], "pending", "{shown}");
    assert!(shown["payment"]["receipts"]["lines"].is_array(), "{shown}");
    let second = standins.yookassa_receipts().pop().unwrap();
    let refused = CardOutcome { notify: false, ..CardOutcome::new(CardDecision::Declined) };
    standins.decide_yookassa(second["id"].as_str().unwrap(), &refused).await.unwrap();
    let seen = act(&api, "settlePayment", &payment, "empty").await.json();
    assert_eq!(seen["payment"]["receipts"]["second"], "rejected", "{seen}");
    let again = act(&api, "makeReceipt", &payment, "empty").await;
    assert_eq!((again.status, &again.json()["payment"]["receipts"]["second"]), (200, &json!("pending")), "{}", again.body);
    api
}

#[track_caller]
fn assert_code(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)), "{}", answer.body);
}
