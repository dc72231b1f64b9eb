use serde_json::json;
use testkit::Event;

use crate::api::{Api, call};
use crate::document::DOCUMENT;

#[tokio::test]
async fn the_answers_to_smspros_reports_are_documented() {
    let api = Api::start().await;
    api.refuse_what_is_wrong("smspro").await;
    let operation = DOCUMENT.operation("smsReports");
    let report = operation.value["requestBody"]["content"]["text/xml"]["examples"]["delivered"]["value"].as_str().unwrap();
    assert_eq!(api.send(call("smsReports").text(report)).await.json(), json!({"success": true}));
    assert_eq!(api.send(call("smsReports").text("<report/>")).await.status, 400);
    assert_eq!(api.send(Event::post("/v1/sms/reports/another-secret").text(report)).await.status, 404);
    let broken = Api::start_with(&[("OTP_TABLE", "gone")]).await;
    assert_eq!(broken.send(call("smsReports").text(report)).await.status, 503);
    api.add(&broken);
    api.assert_all_seen("smspro");
}
