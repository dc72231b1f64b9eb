use crate::Story;
use serde_json::json;
use standins::{Decision, Fault, System};
use testkit::Event;

async fn created(story: &Story) -> String {
    let order = story.order().await;
    assert_eq!(story.create(&order).await.json()["success"], json!(true));
    order.payment(1)
}

async fn page(story: &Story, payment: &str, result: &str) -> String {
    let answer = story.mokka(Event::new("GET", &format!("/v1/mokka/return/{payment}/{result}")).rest()).await;
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    assert!(answer.headers["content-security-policy"].starts_with("default-src 'none'"));
    answer.body
}

async fn sent_to(story: &Story, payment: &str) -> String {
    let answer = story.come_back(payment).await;
    assert_eq!(answer.status, 303);
    answer.headers["location"].clone()
}

#[tokio::test]
async fn a_paid_customer_lands_on_success_with_a_way_back() {
    let story = Story::start().await;
    let payment = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    assert_eq!(sent_to(&story, &payment).await, format!("{payment}/success"));
    assert_eq!(story.state(&payment).await, "captured", "the return alone settles the payment");
    let html = page(&story, &payment, "success").await;
    assert!(html.contains("Оплата прошла") && html.contains("href=\"imshop://\""), "{html}");
    insta::assert_snapshot!("success_page", html);
    let slashed = story.mokka(Event::new("GET", &format!("/v1/mokka/return/{payment}/")).rest()).await;
    assert_eq!(slashed.headers["location"], "success", "relative to the address with its slash");
    // The other address shows the same truth.
    assert!(page(&story, &payment, "failed").await.contains("Оплата прошла"));
}

#[tokio::test]
async fn a_declined_or_early_customer_lands_on_failed() {
    let story = Story::start().await;
    let payment = created(&story).await;
    assert_eq!(sent_to(&story, &payment).await, format!("{payment}/failed"), "gave up before the end");
    story.decide(&payment, Decision::Declined).await;
    assert_eq!(sent_to(&story, &payment).await, format!("{payment}/failed"));
    let html = page(&story, &payment, "failed").await;
    assert!(html.contains("Оплата не прошла") && html.contains("href=\"imshop://payment/failed\""), "{html}");
    assert!(page(&story, &payment, "success").await.contains("Оплата не прошла"), "an address proves nothing");
}

#[tokio::test]
async fn while_nobody_knows_the_app_is_sent_to_ask() {
    let story = Story::start().await;
    let payment = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    story.world.standins().fault(System::Mokka, "status", Fault::Http500, 2).unwrap();
    assert_eq!(sent_to(&story, &payment).await, format!("{payment}/success"));
    assert!(page(&story, &payment, "success").await.contains("Проверяем оплату"));
}

#[tokio::test]
async fn money_that_does_not_match_is_not_called_unpaid() {
    let story = Story::start().await;
    let payment = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    story.world.standins().set_mokka_amount(&payment, "1.00").unwrap();
    assert_eq!(sent_to(&story, &payment).await, format!("{payment}/success"));
    assert!(page(&story, &payment, "success").await.contains("Проверяем оплату"));
}

#[tokio::test]
async fn the_page_says_of_the_money_only_what_is_known() {
    for (status, words, others) in [
        ("pending", "Подтверждения оплаты пока нет", "Деньги не списаны"),
        ("declined", "Деньги не списаны", "Подтверждения оплаты пока нет"),
        ("refunded", "Деньги возвращены", "Деньги не списаны"),
    ] {
        let story = Story::start().await;
        let order = story.order().await;
        story.create(&order).await;
        let payment = order.payment(1);
        story.world.standins().set_mokka_status(&payment, status).unwrap();
        story.capture(&payment).await;
        let html = page(&story, &payment, "failed").await;
        assert!(html.contains(words) && !html.contains(others), "{status}: {html}");
    }
}

#[tokio::test]
async fn unknown_payments_look_like_unpaid_ones() {
    let story = Story::start().await;
    assert_eq!(sent_to(&story, "9999-1").await, "9999-1/failed");
    assert!(page(&story, "9999-1", "success").await.contains("Оплата не завершена"));
    for path in ["/v1/mokka/return/%3Cscript%3E", "/v1/mokka/return/a%0d%0ab", "/v1/mokka/return/x/other"] {
        assert_eq!(story.mokka(Event::new("GET", path).rest()).await.status, 404, "{path}");
    }
    assert_eq!(story.mokka(Event::post("/v1/mokka/return/9999-1").rest()).await.status, 405);
}
