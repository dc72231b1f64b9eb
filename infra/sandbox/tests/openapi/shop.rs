use serde_json::json;
use standins::Decision;

use crate::api::{Api, call};
use crate::document::DOCUMENT;

#[tokio::test]
async fn the_answers_to_a_push_are_documented() {
    let api = Api::start().await;
    api.refuse_what_is_wrong("shop").await;
    for example in ["shortest", "shortest", "complete", "complete"] {
        assert_eq!(api.example("pushOrder", example).await.json(), json!({"success": true}), "{example}");
    }
    for change in [
        json!({"orderId": ""}),
        json!({"amount": "1.001"}),
        json!({"amount": null}),
        json!({"currency": "XXX"}),
        json!({"phone": "soon"}),
        json!({"checkLink": "not a link"}),
        json!({"items": [{"name": "Чай", "quantity": 0}]}),
        json!({"items": [{"name": "Чай", "quantity": 1, "colour": "red"}]}),
        json!({"items": [{"name": "Чай", "quantity": 1, "vat": "НДС 20%"}]}),
        json!({"items": [{"name": "Чай", "quantity": 1, "mode": true}]}),
        json!({"surplus": 1}),
    ] {
        let mut body = DOCUMENT.body("pushOrder", "complete");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(api.send(call("pushOrder").json(body)).await.status, 400, "{change}");
    }
    let create = json!({"command": "create", "paymentMethodId": "mokka", "orderUuid": "order-9", "orderId": "2009"});
    assert_eq!(api.send(call("acquiring").json(create)).await.json()["paymentId"], "2009-1");
    let mut other = DOCUMENT.body("pushOrder", "shortest");
    other["amount"] = json!("1.00");
    assert_eq!(api.send(call("pushOrder").json(other)).await.status, 409);
    api.environment.standins().decide("2009-1", Decision::Declined, false, 1).await.unwrap();

    let broken = Api::start_with(&[("ORDERS_TABLE", "gone")]).await;
    assert_eq!(broken.example("pushOrder", "shortest").await.status, 500);
    api.add(&broken);
    api.assert_all_seen("shop");
}
