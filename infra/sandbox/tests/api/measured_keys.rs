//! Wrong keys are counted by the endpoint that was called, and those of the back office by themselves.

use sandbox::functions::Everything;
use serde_json::{Value, json};
use shared::platform::metrics::{BACK_OFFICE_KEYS_REFUSED, CALLBACKS_REFUSED, ENDPOINT, KEYS_REFUSED, PROVIDER};
use testkit::settings::{IMSHOP_KEY, SHOP_KEY, VIEWER_KEY};
use testkit::{Cast as _, Event, TestEnvironment};

/// A request of each endpoint: the function, its name among what is measured, the request, its right key and its status with that.
fn endpoints() -> [(&'static str, &'static str, Event, &'static str, u16); 6] {
    let push = Event::new("PUT", "/v1/orders/order-1").json(json!({"orderId": "1", "amount": "1.00", "currency": "RUB"}));
    [
        ("orders", "orders", Event::post("/v1/orders").json(json!({"orders": []})), IMSHOP_KEY, 400),
        ("orders", "order-push", push, SHOP_KEY, 200),
        ("payments", "payments", Event::post("/v1/payments").json(json!({"items": []})), IMSHOP_KEY, 200),
        ("acquiring", "acquiring", Event::post("/v1/acquiring").json(json!({"command": "none"})), IMSHOP_KEY, 200),
        ("form-otp", "codes", Event::post("/v1/forms/otp").json(json!({"formName": "none", "data": {}})), IMSHOP_KEY, 200),
        ("form-otp", "forms", Event::post("/v1/forms").json(json!({"formName": "none", "data": {}})), IMSHOP_KEY, 200),
    ]
}

fn counted(environment: &TestEnvironment, endpoint: &str) -> i64 {
    environment.total(KEYS_REFUSED, &[(ENDPOINT, endpoint)])
}

/// What CloudWatch keeps of the last line, by name.
fn kept(environment: &TestEnvironment, line: &Value) -> Vec<String> {
    assert!(line["_aws"]["Timestamp"].as_i64() == Some(environment.clock().now().millis()), "{line}");
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    directives.iter().map(|directive| directive["Metrics"][0]["Name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn wrong_keys_are_counted_by_endpoint_and_right_ones_never() {
    let environment = TestEnvironment::start().await.with(Everything::functions(), &[]);
    for (function, endpoint, event, key, status) in endpoints() {
        assert_eq!(environment.call(function, event.clone().key(key).rest()).await.status, status, "{endpoint}");
        assert_eq!(counted(&environment, endpoint), 0, "{endpoint}: the right key");
        let wrong = [event.clone(), event.clone().key("wrong-key"), event.clone().header("key", ""), event.key(VIEWER_KEY)];
        for (number, event) in (1..).zip(wrong) {
            assert_eq!(environment.call(function, event.rest()).await.status, 401, "{endpoint}");
            assert_eq!(counted(&environment, endpoint), number, "{endpoint}");
        }
        let logs = environment.logs();
        let line = format!("\"endpoint\":\"{endpoint}\"");
        let lines = logs.lines().filter(|log| log.contains("a request without a right key was refused") && log.contains(&line));
        assert_eq!(lines.count(), 4, "{endpoint}: each is a line of the log");
    }
    let measured = environment.measured(KEYS_REFUSED);
    assert_eq!((measured.len(), kept(&environment, &measured[0])), (24, vec!["KeysRefused".to_owned()]));
    assert_eq!(environment.total(BACK_OFFICE_KEYS_REFUSED, &[]), 0);
    assert!(!environment.logs().contains("wrong-key") && !json!(measured).to_string().contains("wrong-key"));
}

#[tokio::test]
async fn wrong_keys_of_the_back_office_are_counted_by_themselves() {
    let environment = TestEnvironment::start().await.with(Everything::functions(), &[]);
    let event = |path: &str| Event::new("GET", &format!("/v1/back-office/{path}"));
    environment.call("back-office", event("payments").query("state", "held").key(VIEWER_KEY).rest()).await;
    let refused = environment.call("back-office", event("nothing-here").key(VIEWER_KEY).rest()).await;
    assert_eq!((refused.status, environment.total(BACK_OFFICE_KEYS_REFUSED, &[])), (404, 0));
    for (number, path) in (1..).zip(["payments", "orders/1001", "forms.csv", "nothing-here"]) {
        assert_eq!(environment.call("back-office", event(path).key(IMSHOP_KEY).rest()).await.status, 401, "{path}");
        assert_eq!(environment.total(BACK_OFFICE_KEYS_REFUSED, &[]), number, "{path}");
    }
    let role = Event::post("/v1/back-office/erasures").key(VIEWER_KEY).json(json!({"phone": "996770102030"}));
    assert_eq!(environment.call("back-office", role.rest()).await.status, 403, "whose role does not suffice has a right key");
    let measured = environment.measured(BACK_OFFICE_KEYS_REFUSED);
    assert_eq!((measured.len(), kept(&environment, &measured[0])), (4, vec!["BackOfficeKeysRefused".to_owned()]));
    assert_eq!(environment.total(KEYS_REFUSED, &[]), 0);
}

#[tokio::test]
async fn the_alarm_on_wrong_keys_counts_what_providers_are_not_believed_too() {
    let environment = TestEnvironment::start().await.with(Everything::functions(), &[]);
    let callback = format!("/v1/mokka/callback/9999-1/{}", "0".repeat(64));
    assert_eq!(environment.call("mokka-callback", Event::post(&callback).json(json!({})).rest()).await.status, 404);
    let measured = environment.measured(CALLBACKS_REFUSED);
    assert_eq!((measured.len(), kept(&environment, &measured[0])), (1, vec!["KeysRefused".to_owned()]));
    assert_eq!((&measured[0][PROVIDER], measured[0].get(ENDPOINT)), (&json!("mokka"), None));
}
