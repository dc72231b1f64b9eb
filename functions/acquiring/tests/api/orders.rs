//! Orders as `create` meets them.

use crate::Story;
use serde_json::json;
use testkit::Placed;

async fn error(story: &Story, order: &Placed) -> String {
    let answer = story.create(order).await;
    assert_eq!((answer.status, &answer.json()["success"]), (200, &json!(false)), "{}", answer.body);
    answer.json()["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_order_that_was_never_recorded_is_named_so() {
    let story = Story::start().await;
    let order = Placed { uuid: "unheard-of".to_owned(), id: "1".to_owned() };
    assert!(error(&story, &order).await.contains("Заказ ещё не передан"));
    assert!(story.environment.standins().calls(None).is_empty());
}

#[tokio::test]
async fn an_order_recorded_while_create_waits_is_paid() {
    let story = Story::start().await;
    let order = Placed { uuid: "order-uuid-1".to_owned(), id: "1001".to_owned() };
    let (answer, placed) = futures_util::future::join(story.create(&order), async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        story.order().await
    })
    .await;
    assert_eq!((placed.uuid, placed.id), (order.uuid, order.id));
    assert_eq!(answer.json()["success"], json!(true), "{}", answer.body);
}

#[tokio::test]
async fn order_ids_must_belong_together() {
    let story = Story::start().await;
    let order = story.order().await;
    let wrong = Placed { id: "1002".to_owned(), ..order.clone() };
    assert!(error(&story, &wrong).await.contains("не совпадает"));
    let public = Placed { id: format!("A-{}", order.id), ..order.clone() };
    assert_eq!(story.create(&public).await.json()["success"], json!(true), "the public id is the order's too");
}

#[tokio::test]
async fn an_order_without_an_amount_cannot_be_paid() {
    let story = Story::start().await;
    story.environment.standins().shop_answers(json!({"price": null, "items": null})).unwrap();
    let order = story.order().await;
    assert!(error(&story, &order).await.contains("Сумма заказа ещё не подтверждена"));
}

#[tokio::test]
async fn nothing_and_foreign_money_cannot_be_paid() {
    let story = Story::start().await;
    story.environment.standins().shop_answers(json!({"price": 0})).unwrap();
    assert!(error(&story, &story.order().await).await.contains("равна нулю"));
    story.environment.standins().shop_answers(json!({"price": 100, "currency": "KGS"})).unwrap();
    assert!(error(&story, &story.order().await).await.contains("не принимает валюту"));
}

#[tokio::test]
async fn an_amount_outside_mokkas_tariff_is_said_and_may_be_corrected() {
    let story = Story::start().await;
    story.environment.standins().shop_answers(json!({"price": "999.99"})).unwrap();
    let order = story.order().await;
    assert!(error(&story, &order).await.contains("не подходит для оплаты частями"));
    assert_eq!(story.state(&order.payment(1)).await, "declined");
    assert!(error(&story, &order).await.contains("не подходит"), "a new attempt gets the same word");
    assert_eq!(story.state(&order.payment(2)).await, "declined");
}

#[tokio::test]
async fn methods_that_are_not_there_or_not_online_are_refused() {
    let story = Story::start().await;
    let order = story.order().await;
    for (method, wanted) in [("cash", "не требует оплаты"), ("sberbank/card", "Такого способа оплаты нет"), ("MOKKA", "нет")]
    {
        let mut event = Story::create_event(&order);
        event["body"] = event["body"].as_str().unwrap().replace("\"mokka\"", &format!("\"{method}\"")).into();
        let answer = story.acquiring(event).await.json();
        assert!(answer["error"].as_str().unwrap().contains(wanted), "{method}: {answer}");
    }
    let mut event = Story::create_event(&order);
    event["body"] = event["body"].as_str().unwrap().replace("\"mokka\"", "\"webhook/mokka\"").into();
    assert_eq!(story.acquiring(event).await.json()["success"], json!(true));
}

#[tokio::test]
async fn ids_may_be_numbers_and_strange() {
    let story = Story::start().await;
    let order = story.order().await;
    let mut event = Story::create_event(&order);
    event["body"] = event["body"].as_str().unwrap().replace("\"orderId\":\"1001\"", "\"orderId\":1001").into();
    assert_eq!(story.acquiring(event).await.json()["paymentId"], json!("1001-1"));
    story.environment.standins().shop_answers(json!({"id": "Заказ №7/2026"})).unwrap();
    let strange = story.order().await;
    assert_eq!(strange.id, "Заказ №7/2026");
    let payment = story.create(&strange).await.json()["paymentId"].as_str().unwrap().to_owned();
    assert!(payment.starts_with('h') && payment.ends_with("-1") && payment.len() <= 32, "{payment}");
}

#[tokio::test]
async fn two_orders_with_one_id_do_not_share_a_payment() {
    let story = Story::start().await;
    story.environment.standins().shop_answers(json!({"id": "same"})).unwrap();
    let (first, second) = (story.order().await, story.order().await);
    assert_eq!(story.create(&first).await.json()["success"], json!(true));
    assert!(error(&story, &second).await.contains("занят другим заказом"));
    assert_eq!(story.payment("same-1").await["order_uuid"], json!(first.uuid));
}
