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
    look(story, &format!("{}/{result}", story.return_path(payment))).await
}

/// A page by its path.
async fn look(story: &Story, path: &str) -> String {
    let answer = story.mokka(Event::new("GET", path).rest()).await;
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    assert!(answer.headers["content-security-policy"].starts_with("default-src 'none'"));
    answer.body
}

/// `success` or `failed`.
async fn sent_to(story: &Story, payment: &str) -> String {
    let answer = story.come_back(payment).await;
    assert_eq!(answer.status, 303);
    let path = story.return_path(payment);
    let (_, token) = path.rsplit_once('/').unwrap();
    answer.headers["location"].strip_prefix(&format!("{token}/")).unwrap().to_owned()
}

fn calls(story: &Story) -> usize {
    story.environment.standins().calls(Some(System::Mokka)).len()
}

#[tokio::test]
async fn a_paid_customer_lands_on_success_with_a_way_back() {
    let story = Story::start().await;
    let payment = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    assert_eq!(sent_to(&story, &payment).await, "success");
    assert_eq!(story.state(&payment).await, "captured", "the return alone settles the payment");
    let html = page(&story, &payment, "success").await;
    assert!(html.contains("Оплата прошла") && html.contains("href=\"imshop://\""), "{html}");
    insta::assert_snapshot!("success_page", html);
    let slashed = story.mokka(Event::new("GET", &format!("{}/", story.return_path(&payment))).rest()).await;
    assert_eq!(slashed.headers["location"], "success", "relative to the address with its slash");
    // The other address shows the same truth.
    assert!(page(&story, &payment, "failed").await.contains("Оплата прошла"));
}

#[tokio::test]
async fn a_declined_or_early_customer_lands_on_failed() {
    let story = Story::start().await;
    let payment = created(&story).await;
    assert_eq!(sent_to(&story, &payment).await, "failed", "gave up before the end");
    story.decide(&payment, Decision::Declined).await;
    assert_eq!(sent_to(&story, &payment).await, "failed");
    let html = page(&story, &payment, "failed").await;
    assert!(html.contains("Оплата не прошла") && html.contains("href=\"imshop://payment/failed\""), "{html}");
    assert!(page(&story, &payment, "success").await.contains("Оплата не прошла"), "an address proves nothing");
}

#[tokio::test]
async fn while_nobody_knows_the_app_is_sent_to_ask() {
    let story = Story::start().await;
    let payment = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    story.environment.standins().fault(System::Mokka, "status", Fault::Http500, 2).unwrap();
    assert_eq!(sent_to(&story, &payment).await, "success");
    assert!(page(&story, &payment, "success").await.contains("Проверяем оплату"));
}

#[tokio::test]
async fn money_that_does_not_match_is_not_called_unpaid() {
    let story = Story::start().await;
    let payment = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    story.environment.standins().set_mokka_amount(&payment, "1.00").unwrap();
    assert_eq!(sent_to(&story, &payment).await, "success");
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
        story.environment.standins().set_mokka_status(&payment, status).unwrap();
        story.capture(&payment).await;
        let html = page(&story, &payment, "failed").await;
        assert!(html.contains(words) && !html.contains(others), "{status}: {html}");
    }
}

#[tokio::test]
async fn without_its_token_a_payment_is_as_good_as_none_and_nobody_is_asked() {
    let story = Story::start().await;
    let payment = created(&story).await;
    story.decide(&payment, Decision::Approved).await;
    let other = created(&story).await;
    let of_the_other = story.return_path(&other);
    let (_, token_of_the_other) = of_the_other.rsplit_once('/').unwrap();
    let (before, calls_before) = (story.payment(&payment).await, calls(&story));
    for address in [
        format!("/v1/return/{payment}"),
        format!("/v1/return/{payment}/guessed"),
        format!("/v1/return/{payment}/{token_of_the_other}"),
        format!("/v1/return/{payment}/success"),
        format!("/v1/return/9999-1/{token_of_the_other}"),
        format!("/v1/mokka/return/{payment}"),
        "/v1/mokka/return/9999-1".to_owned(),
        "/v1/return/%3Cscript%3E/x".to_owned(),
        "/v1/mokka/return/a%0d%0ab".to_owned(),
    ] {
        for path in [address.clone(), format!("{address}/success"), format!("{address}/failed"), format!("{address}/other")] {
            let answer = story.mokka(Event::new("GET", &path).rest()).await;
            assert_eq!(answer.status, 404, "{path}");
            assert!(!answer.body.contains("imshop"), "{path}: {}", answer.body);
        }
    }
    assert_eq!((story.payment(&payment).await, calls(&story)), (before, calls_before));
    assert_eq!(story.mokka(Event::post(&story.return_path(&payment)).rest()).await.status, 405);
    assert_eq!(story.mokka(Event::new("GET", &format!("{}/other", story.return_path(&payment))).rest()).await.status, 404);
}

#[tokio::test]
async fn customers_of_a_release_without_tokens_come_back_to_what_is_stored() {
    let story = Story::start().await;
    let payment = created(&story).await;
    story.open_without_return_token(&payment).await;
    story.decide(&payment, Decision::Approved).await;
    let old = format!("/v1/mokka/return/{payment}");
    let come_back = async || story.mokka(Event::new("GET", &old).rest()).await.headers["location"].clone();
    let calls_before = calls(&story);
    assert_eq!(come_back().await, format!("{payment}/success"), "the app asks whether it is paid");
    assert!(look(&story, &format!("{old}/success")).await.contains("Проверяем оплату"));
    assert_eq!((story.state(&payment).await.as_str(), calls(&story)), ("pending", calls_before), "anybody can guess the address");
    story.capture(&payment).await;
    assert!(look(&story, &format!("{old}/success")).await.contains("Оплата прошла"));
    let declined = created(&story).await;
    story.open_without_return_token(&declined).await;
    story.decide(&declined, Decision::Declined).await;
    story.capture(&declined).await;
    let html = look(&story, &format!("/v1/mokka/return/{declined}/failed")).await;
    assert!(html.contains("href=\"imshop://\"") && !html.contains("imshop://payment/failed"), "{html}");
}
