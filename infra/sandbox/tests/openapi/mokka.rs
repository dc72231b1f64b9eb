use serde_json::{Value, json};
use standins::Decision;
use testkit::Event;
use testkit::settings::VIEWER_KEY;
use url::Url;

use crate::api::{Api, call};
use crate::browser::pay;

#[tokio::test]
async fn the_answers_to_mokkas_callbacks_are_documented() {
    let api = Api::start().await;
    api.refuse_what_is_wrong("mokka").await;
    assert_eq!(api.example("mokkaCallback", "approved").await.status, 404, "there is no such payment yet");
    pay(&api).await;
    // Nothing in the body counts, not even that it can be read.
    assert_eq!(api.send(call("mokkaCallback").text("{")).await.json(), json!({"success": true}));
    api.environment.standins().decide("1001-1", Decision::Approved, false, 1).await.unwrap();
    for example in ["approved", "declined"] {
        assert_eq!(api.example("mokkaCallback", example).await.json(), json!({"success": true}));
    }
    assert_eq!(api.send(call("mokkaCallback").query("signature", "forged")).await.status, 404);
    for path in ["/v1/mokka/callback/1001-1/another-token", "/v1/mokka/callback/not%20ours/token"] {
        assert_eq!(api.send(Event::post(path)).await.status, 404);
    }
    registration(&api).await;
    let broken = Api::start_with(&[("ORDERS_TABLE", "gone")]).await;
    assert_eq!(broken.example("mokkaCallback", "approved").await.status, 503);
    assert_eq!(broken.example("mokkaRegistrationCallback", "approved").await.status, 503);
    api.add(&broken);
    api.assert_all_seen("mokka");
}

async fn registration(api: &Api) {
    let standins = api.environment.standins();
    let registered = api.example("register", "shortest").await.json();
    let id = registered["registration_id"].as_str().unwrap();
    let callback = Url::parse(&standins.mokka_registration(id).unwrap().callback_url).unwrap();
    let send = async |body: Value| api.send(Event::post(callback.path()).json(body)).await.status;
    for (body, status) in [
        (json!({"order_id": id, "decision": "approved", "amount": "5000.00", "mobile_phone": "8880001122"}), 200),
        (json!({"decision": "declined"}), 200),
        (json!({"decision": "perhaps"}), 400),
        (json!({"order_id": "another", "decision": "approved"}), 400),
    ] {
        assert_eq!(send(body.clone()).await, status, "{body}");
    }
    let look = Event::new("GET", &format!("/v1/back-office/registrations/{id}")).key(VIEWER_KEY);
    assert_eq!(api.send(look).await.json()["decision"], "declined");
    let forged = format!("/v1/mokka/registration/{id}/another-token");
    assert_eq!(api.send(Event::post(&forged).json(json!({"decision": "approved"}))).await.status, 404);
}
