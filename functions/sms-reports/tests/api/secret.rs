//! Who is believed.

use testkit::{Event, invoke};

use super::{HANDLE, SMS_REPORT_SECRET, Shop, report};

#[tokio::test]
async fn without_the_secret_there_is_nothing_here() {
    let shop = Shop::start().await;
    let stored = shop.sms().await;
    let nowhere = invoke(&shop.deps, HANDLE, Event::post("/v1/sms/other").rest()).await;
    for secret in ["", "x", "smspro-demo-report-secre", "smspro-demo-report-secret-", "SMSPRO-DEMO-REPORT-SECRET", "%20", "a/b"] {
        let answer = shop.push_to(secret, &report(&[(&shop.id, 3)])).await;
        assert_eq!((answer.status, answer.body), (404, nowhere.body.clone()), "{secret}");
    }
    // Not even whether it could be read.
    assert_eq!(shop.push_to("wrong", "<").await.status, 404);
    assert_eq!(shop.sms().await, stored);
    assert_eq!(shop.environment.store_calls(), [""; 0], "the store is not asked");
}

#[tokio::test]
async fn without_a_setting_nobody_is_believed() {
    let shop = Shop::start_with(&[("SMSPRO_REPORT_SECRET", "")]).await;
    for secret in ["", SMS_REPORT_SECRET] {
        assert_eq!(shop.push_to(secret, &report(&[(&shop.id, 3)])).await.status, 404, "{secret}");
    }
}

#[tokio::test]
async fn while_the_address_changes_both_are_right() {
    let shop = Shop::start_with(&[("SMSPRO_REPORT_SECRET_NEXT", "the-next-secret")]).await;
    for secret in [SMS_REPORT_SECRET, "the-next-secret"] {
        assert_eq!(shop.push_to(secret, &report(&[(&shop.id, 3)])).await.status, 200, "{secret}");
    }
}

#[tokio::test]
async fn only_post_is_taken() {
    let shop = Shop::start().await;
    for method in ["GET", "PUT", "DELETE"] {
        let event = Event::new(method, &format!("/v1/sms/reports/{SMS_REPORT_SECRET}"));
        let answer = invoke(&shop.deps, HANDLE, event.rest()).await;
        assert_eq!((answer.status, answer.headers["allow"].as_str()), (405, "POST"), "{method}");
    }
}
