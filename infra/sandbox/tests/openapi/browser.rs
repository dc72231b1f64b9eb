use standins::Decision;
use testkit::Event;

use crate::api::{Api, call};

#[tokio::test]
async fn the_answers_to_a_browser_are_documented() {
    let api = Api::start().await;
    api.refuse_what_is_wrong("browser").await;
    let come_back = async || api.send(call("mokkaReturn")).await.headers["location"].clone();
    let page = async |result| api.send(Event::new("GET", &format!("/v1/mokka/return/1001-1/{result}"))).await;
    assert_eq!(come_back().await, "1001-1/failed");
    pay(&api).await;
    assert_eq!(come_back().await, "1001-1/failed");
    for result in ["success", "failed"] {
        assert_eq!(page(result).await.status, 200);
    }
    api.world.standins().decide("1001-1", Decision::Approved, false, 1).await.unwrap();
    assert_eq!(come_back().await, "1001-1/success");
    assert_eq!(page("success").await.status, 200);
    assert_eq!(api.send(Event::new("GET", "/v1/mokka/return/1001-1/")).await.headers["location"], "success");
    for path in ["1001-1/maybe", "not%20ours", "not%20ours/success"] {
        assert_eq!(api.send(Event::new("GET", &format!("/v1/mokka/return/{path}"))).await.status, 404, "{path}");
    }
    let broken = Api::start_with(&[("ORDERS_TABLE", "gone")]).await;
    assert_eq!(broken.send(call("mokkaReturn")).await.status, 500);
    assert_eq!(broken.send(call("mokkaLandingPage")).await.status, 500);
    api.add(&broken);
    api.assert_all_seen("browser");
}

/// An order with an attempt to pay it.
pub(crate) async fn pay(api: &Api) {
    api.example("createOrders", "kettle").await;
    assert_eq!(api.example("acquiring", "create").await.json()["paymentId"], "1001-1");
}
