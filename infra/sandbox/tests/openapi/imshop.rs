use serde_json::{Value, json};
use standins::{Decision, Fault, System};
use testkit::settings::{IMSHOP_KEY, WITH_CARDS};
use testkit::{Answer, Event};

use crate::api::{Api, call};
use crate::document::DOCUMENT;

/// With tables that are not there.
const NO_STORE: [(&str, &str); 2] = [("ORDERS_TABLE", "gone"), ("OTP_TABLE", "gone")];

#[tokio::test]
async fn imshops_answers_are_documented() {
    let api = Api::start().await;
    api.refuse_what_is_wrong("imshop").await;
    orders(&api).await;
    assert_eq!(api.example("listPaymentMethods", "empty").await.status, 200);
    assert_eq!(api.example("listPaymentMethods", "cart").await.status, 200);
    acquiring(&api).await;
    let cards = Api::start_with(&[("PAYMENTS_CONFIG", WITH_CARDS)]).await;
    by_sbp(&cards).await;
    api.add(&cards);
    forms(&api).await;
    let broken = Api::start_with(&NO_STORE).await;
    assert_eq!(broken.example("acquiring", "create").await.status, 500);
    assert_eq!(broken.example("sendFormCode", "callback").await.status, 500);
    assert_eq!(broken.example("exportForm", "withCode").await.status, 500);
    // The shop has it: that it could not be recorded is told later.
    assert_eq!(broken.example("createOrders", "kettle").await.status, 200);
    api.add(&broken);
    api.assert_all_seen("imshop");
}

async fn orders(api: &Api) {
    let answer = api.example("createOrders", "kettle").await.json();
    assert_eq!((&answer["orders"][0]["id"], answer["orders"][0]["price"].as_f64()), (&json!("1001"), Some(5240.0)), "{answer}");
    let answer = api.example("createOrders", "split").await.json();
    assert_eq!(answer["orders"].as_array().unwrap().len(), 2, "{answer}");
    api.environment.standins().fault(System::Shop, "orders", Fault::Http500, 1).unwrap();
    let answer = api.example("createOrders", "kettle").await.json();
    assert_eq!(answer["orders"][0]["errorCode"], "shop_unavailable", "{answer}");
    api.environment.standins().fault(System::Shop, "orders", Fault::Refused, 1).unwrap();
    let answer = api.example("createOrders", "split").await.json();
    assert_eq!(answer["orders"][1]["success"], false, "{answer}");
    // What the shop adds of its own is the shop's.
    api.environment.standins().shop_answers(json!({"publicId": null, "price": null, "loyalty": {"points": 5}})).unwrap();
    api.example("createOrders", "kettle").await;
    api.environment.standins().clear_shop_answers();
    let answer = api.send(call("createOrders").json(json!({"orders": []}))).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
}

async fn acquiring(api: &Api) {
    let standins = api.environment.standins();
    for (example, success) in [("create", true), ("create", true), ("applepay", false), ("androidpay", false)] {
        let answer = api.example("acquiring", example).await.json();
        assert_eq!((&answer["success"], answer["paymentId"] == "1001-1"), (&json!(success), success), "{example}: {answer}");
    }
    let capture = async || api.example("acquiring", "capture").await.json();
    assert_eq!(capture().await["pending"], true);
    standins.fault(System::Mokka, "status", Fault::Reset, 1).unwrap();
    assert_eq!(capture().await["pending"], true);
    standins.decide("1001-1", Decision::Approved, false, 1).await.unwrap();
    assert_eq!(capture().await["paymentCaptured"], true);
    assert_eq!(capture().await["paymentCaptured"], true);
    assert_eq!(api.example("acquiring", "create").await.json()["success"], false, "it is paid");

    let create = json!({"command": "create", "paymentMethodId": "webhook/mokka", "orderUuid": "order-2", "orderId": 1002});
    let answer = acquire(api, create.clone()).await;
    assert_eq!(answer.json()["paymentId"], "1002-1", "{}", answer.body);
    standins.decide("1002-1", Decision::Declined, false, 1).await.unwrap();
    let answer = acquire(api, json!({"command": "capture", "paymentMethodId": "mokka", "paymentId": "1002-1"})).await;
    assert_eq!(answer.json()["paymentCaptured"], false, "{}", answer.body);
    standins.fault(System::Mokka, "checkout", Fault::Refused, 1).unwrap();
    assert_eq!(acquire(api, create.clone()).await.json()["success"], false);
    standins.fault(System::Mokka, "checkout", Fault::Http500, 1).unwrap();
    assert_eq!(acquire(api, create).await.json()["success"], false);

    for (change, status) in [
        (json!({"command": "refund"}), 200),
        (json!({"paymentMethodId": "barter"}), 200),
        (json!({"paymentMethodId": "cash"}), 200),
        (json!({"orderUuid": "order-404"}), 200),
        (json!({"orderId": "1002"}), 200),
        (json!({"orderId": null}), 400),
        (json!({"orderUuid": {}}), 400),
        (json!({"command": 7}), 400),
    ] {
        let mut body = DOCUMENT.body("acquiring", "create");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = acquire(api, body).await;
        assert_eq!((answer.status, answer.json()["success"].as_bool()), (status, Some(false)), "{change}: {}", answer.body);
    }
}

async fn by_sbp(api: &Api) {
    api.example("createOrders", "kettle").await;
    let mut body = DOCUMENT.body("acquiring", "create");
    body["paymentMethodId"] = json!("yookassa/sbp");
    let answer = acquire(api, body).await.json();
    assert!(answer["sbpPayload"].is_string() && answer.get("paymentUrl").is_none(), "{answer}");
}

async fn acquire(api: &Api, body: Value) -> Answer {
    api.send(call("acquiring").json(body)).await
}

async fn forms(api: &Api) {
    assert_eq!(api.example("sendFormCode", "callback").await.json(), json!({"success": true}));
    let again = api.example("sendFormCode", "callback").await.json();
    assert!(again["success"] == false && again["message"].is_string(), "{again}");
    assert_eq!(api.example("exportForm", "withCode").await.json(), json!({"success": false, "otpFailed": true}));
    assert_eq!(api.example("exportForm", "withoutCode").await.json()["success"], true);
    let code = api.environment.standins().codes().pop().unwrap();
    let mut form = DOCUMENT.body("exportForm", "withCode");
    form["data"]["otpCode"] = code.into();
    let export = async || api.send(call("exportForm").json(form.clone())).await.json();
    api.environment.standins().fault(System::Shop, "forms", Fault::Http500, 1).unwrap();
    assert!(export().await["message"].is_string());
    assert_eq!(export().await["success"], true);
    assert_eq!(export().await["success"], true);
    for (change, status) in [
        (json!({"formName": "other", "formId": null}), 200),
        (json!({"data": {}}), 200),
        (json!({"data": {"phone": "+1 202 555 0100"}}), 200),
        (json!({"formId": "feedback"}), 400),
        (json!({"installId": ["i"]}), 400),
        (json!({"data": {"otpCode": []}}), 400),
        (json!({"data": "text"}), 400),
    ] {
        for id in ["sendFormCode", "exportForm"] {
            let mut body = DOCUMENT.body("sendFormCode", "callback");
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let answer = api.send(call(id).json(body)).await;
            assert_eq!((answer.status, answer.json()["success"].as_bool()), (status, Some(false)), "{change}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn imshops_key_is_taken_from_every_documented_place() {
    let api = Api::start().await;
    let list = || Event::post("/v1/payments");
    for event in [
        list().header("Authorization", &format!("bearer {IMSHOP_KEY}")).json(json!({})),
        list().header("key", IMSHOP_KEY).json(json!({})),
        list().json(json!({"key": IMSHOP_KEY})),
    ] {
        assert_eq!(api.send(event).await.status, 200);
    }
}
