use serde_json::{Value, json};
use standins::{Decision, Fault, LimitStatus, MokkaStatus, Options, System};

use crate::environment::TestEnvironment;
use crate::form::{called_back, submit};

const LIMIT: &str = "/api/external/v1/client/limit";

async fn limit(environment: &TestEnvironment, phone: &str) -> Value {
    environment.mokka(LIMIT, &json!({ "client": { "mobile_phone": phone } })).await
}

#[tokio::test]
async fn demo_phones_have_limits_and_others_are_new() {
    let environment = TestEnvironment::start().await;
    for (phone, amount, status) in [
        ("8882100000", "0.00", "inactive"),
        ("8882200000", "6700.00", "inactive"),
        ("8881100000", "150000.00", "active"),
        ("8889999999", "150000.00", "active"),
        ("9031234567", "0.00", "new"),
    ] {
        let expected = json!({
            "meta": { "status": 0, "message": "Payload valid" },
            "client": { "mobile_phone": phone, "limit_amount": amount, "status": status },
        });
        assert_eq!(limit(&environment, phone).await, expected);
    }
}

#[tokio::test]
async fn refusals_are_nested_and_have_no_client() {
    let environment = TestEnvironment::exact().await;
    let cannot = json!({
        "meta": { "status": 100, "message": "At the moment the server cannot process your request" },
        "client": null,
    });
    for body in [
        json!({}),
        json!({ "client": null }),
        json!({ "client": {} }),
        json!({ "client": { "mobile_phone": "89031234567" } }),
        json!({ "client": { "mobile_phone": 9_031_234_567_u64 } }),
        json!({ "client": { "mobile_phone": "９031234567" } }),
        json!({ "client": { "mobile_phone": "9031234567", "email": "a@b.c" } }),
        json!({ "client": { "mobile_phone": "9031234567" }, "order_id": "1" }),
    ] {
        assert_eq!(environment.mokka(LIMIT, &body).await, cannot, "{body}");
    }
    environment.standins.fault(System::Mokka, "limit", Fault::Status(61), 1).unwrap();
    let wrong = limit(&environment, "9031234567").await;
    assert_eq!((&wrong["meta"]["status"], &wrong["client"]), (&json!(61), &Value::Null));
}

#[tokio::test]
async fn limits_can_be_set() {
    let environment = TestEnvironment::start().await;
    let (status, set) = environment.control("/control/mokka/limits", &json!({ "phone": "9031234567", "limit": "5000.00" })).await;
    let shown = json!([{ "phone": "9031234567", "limit": "5000.00", "status": "active" }]);
    assert_eq!((status, &set), (200, &shown));
    assert_eq!(environment.get("/control/mokka/limits").await, shown);
    let client = json!({ "mobile_phone": "9031234567", "limit_amount": "5000.00", "status": "active" });
    assert_eq!(limit(&environment, "9031234567").await["client"], client);
    environment.standins.set_mokka_limit("9031234567", "1.00", LimitStatus::New).unwrap();
    assert_eq!(limit(&environment, "9031234567").await["client"]["status"], "new");
    for (wrong, said) in [
        (json!({ "phone": "79031234567", "limit": "5000.00" }), "phone"),
        (json!({ "phone": "9031234567", "limit": "5000" }), "limit"),
        (json!({ "phone": "9031234567", "limit": 5000 }), "string"),
        (json!({ "phone": "9031234567", "limit": "1.00", "status": "rich" }), "rich"),
        (json!({ "phone": "9031234567", "limit": "1.00", "state": "new" }), "state"),
        (json!({ "limit": "1.00" }), "phone"),
    ] {
        let (status, error) = environment.control("/control/mokka/limits", &wrong).await;
        assert!(status == 400 && error["error"].as_str().unwrap().contains(said), "{wrong}: {error}");
    }
}

#[tokio::test]
async fn the_form_honours_the_limit() {
    let environment = TestEnvironment::start().await;
    let limits = [
        ("9030000001", "4499.99", LimitStatus::Active, MokkaStatus::Declined, Decision::Approved),
        ("9030000002", "4500.00", LimitStatus::Active, MokkaStatus::Hold, Decision::Approved),
        ("9030000003", "9000.00", LimitStatus::Inactive, MokkaStatus::Declined, Decision::Approved),
        ("9030000004", "0.00", LimitStatus::Inactive, MokkaStatus::Declined, Decision::Declined),
        ("9030000005", "0.00", LimitStatus::New, MokkaStatus::Hold, Decision::Approved),
    ];
    for (phone, amount, status, becomes, decision) in limits {
        environment.standins.set_mokka_limit(phone, amount, status).unwrap();
        environment.checkout(phone).await;
        submit(&environment, phone, &format!("phone={phone}&code=1111&action=approve")).await;
        let order = called_back(&environment, phone).await;
        assert_eq!((order.status, order.decision), (becomes, Some(decision)), "{phone}");
    }
    let status = environment.status("9030000001").await["current_order"].clone();
    assert_eq!((&status["decision"], &status["status"]), (&json!("approved"), &json!("declined")));
    assert_eq!(limit(&environment, "9030000005").await["client"]["status"], "active", "a customer is new once");

    let mut body = environment.checkout_body("R-1");
    body["primary_phone"] = json!("9030000001");
    environment.mokka("/factoring/v1/precheck/auth", &body).await;
    let decided = environment.standins.decide("R-1", Decision::Approved, true, 1).await.unwrap();
    assert_eq!(decided.status, MokkaStatus::Declined, "deciding for the customer is no way around it");
    assert_eq!(environment.standins.calls(Some(System::Imshop)).pop().unwrap().body["decision"], "declined");
}

#[tokio::test]
async fn limits_may_have_a_store_of_their_own() {
    let store = standins::Store { id: 73, secret: "mokka-demo-secret".to_owned() };
    let environment =
        TestEnvironment::with(Options { mokka_limit_store: Some(store), exact_requests: true, ..Options::default() }).await;
    assert_eq!(limit(&environment, "8881100000").await["meta"]["status"], 51, "72 is the store of orders");
    let body = json!({ "client": { "mobile_phone": "8881100000" } }).to_string();
    for (path, code) in [(LIMIT, 0), ("/factoring/v1/limit/auth", 100), ("/factoring/v1/status", 51)] {
        let signature = crate::environment::signature(&body);
        let request = environment.http.post(environment.url(&format!("/mokka{path}?store_id=73&signature={signature}")));
        let request = request.header("content-type", "application/json").body(body.clone());
        let (_, answer) = crate::environment::answer(request).await;
        let status = answer.pointer("/meta/status").unwrap_or(&answer["status"]);
        assert_eq!(status, code, "{path}");
    }
}
