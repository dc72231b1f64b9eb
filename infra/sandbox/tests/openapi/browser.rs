use standins::Decision;
use testkit::Event;

use crate::api::{Api, call};

/// The demo payment's token, as the document's examples have it.
const TOKEN: &str = "5d9c05b595d727ee9f7ae40d52a99973";

#[tokio::test]
async fn the_answers_to_a_browser_are_documented() {
    let api = Api::start().await;
    api.refuse_what_is_wrong("browser").await;
    let address = format!("/v1/return/1001-1/{TOKEN}");
    let come_back = async || api.send(call("comeBack")).await.headers["location"].clone();
    let page = async |result| api.send(Event::new("GET", &format!("{address}/{result}"))).await;
    assert_eq!(api.send(call("comeBack")).await.status, 404, "there is no such payment yet");
    pay(&api).await;
    assert_eq!(come_back().await, format!("{TOKEN}/failed"));
    for result in ["success", "failed"] {
        assert_eq!(page(result).await.status, 200);
    }
    api.environment.standins().decide("1001-1", Decision::Approved, false, 1).await.unwrap();
    assert_eq!(come_back().await, format!("{TOKEN}/success"));
    assert_eq!(page("success").await.status, 200);
    assert_eq!(api.send(Event::new("GET", &format!("{address}/"))).await.headers["location"], "success");
    for path in
        [format!("{address}/maybe"), "/v1/return/1001-1/guessed".to_owned(), "/v1/return/1001-1/guessed/failed".to_owned()]
    {
        assert_eq!(api.send(Event::new("GET", &path)).await.status, 404, "{path}");
    }
    for operation in ["comeBackWithoutToken", "landingPageWithoutToken"] {
        assert_eq!(api.send(call(operation)).await.status, 404, "the payment has a token");
    }
    api.environment.forget("order-holds", "payment#1001-1", "return_token").await;
    assert_eq!(api.send(call("comeBackWithoutToken")).await.headers["location"], "1001-1/success");
    assert_eq!(api.send(call("landingPageWithoutToken")).await.status, 200);
    let broken = Api::start_with(&[("ORDERS_TABLE", "gone")]).await;
    for operation in ["comeBack", "landingPage", "comeBackWithoutToken", "landingPageWithoutToken"] {
        assert_eq!(broken.send(call(operation)).await.status, 500);
    }
    api.add(&broken);
    api.assert_all_seen("browser");
}

/// An order with an attempt to pay it.
pub(crate) async fn pay(api: &Api) {
    api.example("createOrders", "kettle").await;
    assert_eq!(api.example("acquiring", "create").await.json()["paymentId"], "1001-1");
}
