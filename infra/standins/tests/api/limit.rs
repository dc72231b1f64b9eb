use serde_json::{Value, json};
use standins::{Decision, Fault, LimitStatus, MokkaStatus, Options, System};

use crate::form::{called_back, submit};
use crate::world::World;

const LIMIT: &str = "/api/external/v1/client/limit";

async fn limit(world: &World, phone: &str) -> Value {
    world.mokka(LIMIT, &json!({ "client": { "mobile_phone": phone } })).await
}

#[tokio::test]
async fn demo_phones_have_limits_and_others_are_new() {
    let world = World::start().await;
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
        assert_eq!(limit(&world, phone).await, expected);
    }
}

#[tokio::test]
async fn refusals_are_nested_and_have_no_client() {
    let world = World::exact().await;
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
        assert_eq!(world.mokka(LIMIT, &body).await, cannot, "{body}");
    }
    world.standins.fault(System::Mokka, "limit", Fault::Status(61), 1).unwrap();
    let wrong = limit(&world, "9031234567").await;
    assert_eq!((&wrong["meta"]["status"], &wrong["client"]), (&json!(61), &Value::Null));
}

#[tokio::test]
async fn limits_can_be_set() {
    let world = World::start().await;
    let (status, set) = world.control("/control/mokka/limits", &json!({ "phone": "9031234567", "limit": "5000.00" })).await;
    let shown = json!([{ "phone": "9031234567", "limit": "5000.00", "status": "active" }]);
    assert_eq!((status, &set), (200, &shown));
    assert_eq!(world.get("/control/mokka/limits").await, shown);
    let client = json!({ "mobile_phone": "9031234567", "limit_amount": "5000.00", "status": "active" });
    assert_eq!(limit(&world, "9031234567").await["client"], client);
    world.standins.set_mokka_limit("9031234567", "1.00", LimitStatus::New).unwrap();
    assert_eq!(limit(&world, "9031234567").await["client"]["status"], "new");
    for (wrong, said) in [
        (json!({ "phone": "79031234567", "limit": "5000.00" }), "phone"),
        (json!({ "phone": "9031234567", "limit": "5000" }), "limit"),
        (json!({ "phone": "9031234567", "limit": 5000 }), "string"),
        (json!({ "phone": "9031234567", "limit": "1.00", "status": "rich" }), "rich"),
        (json!({ "phone": "9031234567", "limit": "1.00", "state": "new" }), "state"),
        (json!({ "limit": "1.00" }), "phone"),
    ] {
        let (status, error) = world.control("/control/mokka/limits", &wrong).await;
        assert!(status == 400 && error["error"].as_str().unwrap().contains(said), "{wrong}: {error}");
    }
}

#[tokio::test]
async fn the_form_honours_the_limit() {
    let world = World::start().await;
    let limits = [
        ("9030000001", "4499.99", LimitStatus::Active, MokkaStatus::Declined, Decision::Approved),
        ("9030000002", "4500.00", LimitStatus::Active, MokkaStatus::Hold, Decision::Approved),
        ("9030000003", "9000.00", LimitStatus::Inactive, MokkaStatus::Declined, Decision::Approved),
        ("9030000004", "0.00", LimitStatus::Inactive, MokkaStatus::Declined, Decision::Declined),
        ("9030000005", "0.00", LimitStatus::New, MokkaStatus::Hold, Decision::Approved),
    ];
    for (phone, amount, status, becomes, decision) in limits {
        world.standins.set_mokka_limit(phone, amount, status).unwrap();
        world.checkout(phone).await;
        submit(&world, phone, &format!("phone={phone}&code=1111&action=approve")).await;
        let order = called_back(&world, phone).await;
        assert_eq!((order.status, order.decision), (becomes, Some(decision)), "{phone}");
    }
    let status = world.status("9030000001").await["current_order"].clone();
    assert_eq!((&status["decision"], &status["status"]), (&json!("approved"), &json!("declined")));
    assert_eq!(limit(&world, "9030000005").await["client"]["status"], "active", "a customer is new once");

    let mut body = world.checkout_body("R-1");
    body["primary_phone"] = json!("9030000001");
    world.mokka("/factoring/v1/precheck/auth", &body).await;
    let decided = world.standins.decide("R-1", Decision::Approved, true, 1).await.unwrap();
    assert_eq!(decided.status, MokkaStatus::Declined, "deciding for the customer is no way around it");
    assert_eq!(world.standins.calls(Some(System::Imshop)).pop().unwrap().body["decision"], "declined");
}

#[tokio::test]
async fn limits_may_have_a_store_of_their_own() {
    let store = standins::Store { id: 73, secret: "mokka-demo-secret".to_owned() };
    let world = World::with(Options { mokka_limit_store: Some(store), exact_requests: true, ..Options::default() }).await;
    assert_eq!(limit(&world, "8881100000").await["meta"]["status"], 51, "72 is the store of orders");
    let body = json!({ "client": { "mobile_phone": "8881100000" } }).to_string();
    for (path, code) in [(LIMIT, 0), ("/factoring/v1/limit/auth", 100), ("/factoring/v1/status", 51)] {
        let signature = crate::world::signature(&body);
        let request = world.http.post(world.url(&format!("/mokka{path}?store_id=73&signature={signature}")));
        let request = request.header("content-type", "application/json").body(body.clone());
        let (_, answer) = crate::world::answer(request).await;
        let status = answer.pointer("/meta/status").unwrap_or(&answer["status"]);
        assert_eq!(status, code, "{path}");
    }
}
