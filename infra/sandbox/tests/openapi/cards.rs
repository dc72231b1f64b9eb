use serde_json::json;
use standins::{Fault, System};
use testkit::settings::WITH_CARDS;

use crate::api::{Api, call};

#[tokio::test]
async fn the_answers_to_notifications_of_card_gateways_are_documented() {
    let cards = [("PAYMENTS_CONFIG", WITH_CARDS)];
    let api = Api::start_with(&cards).await;
    api.refuse_what_is_wrong("cards").await;
    let by_both = ["cardNotificationByGet", "cardNotification"];
    for operation in by_both {
        assert_eq!(
            api.send(call(operation)).await.json(),
            json!({"success": true}),
            "what says nothing is about nothing of ours"
        );
        let mut elsewhere = call(operation).rest();
        elsewhere["requestContext"]["identity"]["sourceIp"] = json!("203.0.113.40");
        assert_eq!(api.send_as_it_is(elsewhere).await.status, 403);
    }
    assert_eq!(api.example("cardNotification", "paid").await.json(), json!({"success": true}), "YooKassa has no such payment");
    api.environment.advance(std::time::Duration::from_secs(10));
    api.environment.standins().fault(System::Yookassa, "get", Fault::Http500, 2).unwrap();
    assert_eq!(api.example("cardNotification", "refunded").await.status, 503);
    let without = Api::start().await;
    for operation in by_both {
        assert_eq!(without.send(call(operation)).await.status, 404);
    }
    api.add(&without);
    api.assert_all_seen("cards");
}
