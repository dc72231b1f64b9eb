//! Round trips to the store, counted, and their answers lost one by one.

use crate::Story;
use serde_json::json;
use testkit::canary;
use testkit::settings::{OPERATOR_KEY, VIEWER_KEY};

use crate::forms::Office;
use crate::{Shop, get, post};

const GET: &str = "GetItem";
const PUT: &str = "UpdateItem";
const DELETE: &str = "DeleteItem";

#[tokio::test]
async fn the_round_trips_of_each_route_are_as_designed() {
    let shop = Shop::held().await;
    let calls = || shop.story.environment.store_calls();
    let _ = calls();
    shop.change("3000.00").await;
    assert_eq!(calls(), [GET, PUT, GET, "TransactWriteItems"], "change");
    shop.look().await;
    assert_eq!(calls(), [GET], "a payment");
    shop.ask(get(&format!("orders/{}", shop.order.id)).key(VIEWER_KEY)).await;
    assert_eq!(calls(), ["Query", "BatchGetItem"], "an order");
    shop.ask(get("payments").query("state", "held").key(VIEWER_KEY)).await;
    assert_eq!(calls(), ["Query", "BatchGetItem"], "a list");
    shop.finish().await;
    assert_eq!(calls(), [GET, PUT, GET, PUT], "finish");
    for route in ["payments.csv", "totals"] {
        shop.ask(get(route).query("from", "2000-01-01").query("to", "2999-12-31").key(VIEWER_KEY)).await;
        assert_eq!(calls(), ["Query", "BatchGetItem", "Query", "Query"], "{route}");
    }
    shop.refund("all", None).await;
    assert_eq!(calls(), [GET, PUT, PUT], "refund");
    shop.story.environment.standins().forget_calls();
    shop.refund("all", None).await;
    assert_eq!((calls(), shop.called()), (vec![GET.to_owned()], vec![]), "the same refund again");
    shop.settle().await;
    assert_eq!((calls(), shop.called()), (vec![GET.to_owned()], vec!["status", "status"]), "settle");

    let shop = Shop::held().await;
    let _ = shop.story.environment.store_calls();
    shop.cancel().await;
    assert_eq!(shop.story.environment.store_calls(), [GET, PUT, PUT], "cancel");

    let shop = Shop::captured_yesterday().await;
    shop.story.environment.standins().fault(standins::System::Mokka, "return", standins::Fault::Reset, 1).unwrap();
    shop.refund("lost", Some("300.00")).await;
    let _ = shop.story.environment.store_calls();
    shop.outcome(1, false).await;
    assert_eq!(shop.story.environment.store_calls(), [GET, PUT], "a person's word");

    let story = Story::start().await;
    story.back_office(post("limits").key(OPERATOR_KEY).json(json!({"phone": "8880100203"})).rest()).await;
    assert!(story.environment.store_calls().is_empty(), "a limit");
    let body = json!({"redirect_url": "https://shop.example/"});
    story.back_office(post("registrations").key(OPERATOR_KEY).json(body).rest()).await;
    assert_eq!(story.environment.store_calls(), [PUT], "a registration");
}

#[tokio::test]
async fn the_round_trips_of_forms_are_as_designed() {
    let office = Office::open().await;
    let form = office.hand_in(office.with_photos(office.form(1), 1)).await;
    office.hand_in(office.form(2)).await;
    let calls = || office.story.environment.store_calls();
    for (event, expected, what) in [
        (get("forms").query("form", "callback"), vec!["Query", "BatchGetItem"], "a list"),
        (get("forms.csv").query("form", "callback"), vec!["Query", "BatchGetItem"], "a table"),
        (post("forms/search").json(json!({"phone": canary::FORM_PHONE})), vec!["Query", "BatchGetItem"], "a person's"),
        (get(&format!("forms/{}", form.id)), vec![GET], "a form"),
        (get(&format!("forms/{}/photos/1", form.id)), vec![GET], "a photo"),
    ] {
        let _ = calls();
        assert_eq!(office.ask(event).await.status, 200, "{what}");
        assert_eq!(calls(), expected, "{what}");
    }
    let erasure = || post("erasures").key(OPERATOR_KEY).json(json!({"phone": canary::FORM_PHONE})).rest();
    office.story.back_office(post("reindex").key(OPERATOR_KEY).json(json!({})).rest()).await;
    let _ = calls();
    office.story.back_office(erasure()).await;
    assert_eq!(
        calls(),
        [GET, PUT, GET, "Query", "BatchGetItem", DELETE, DELETE, DELETE, DELETE, "Query", GET, DELETE, DELETE, "Query"],
        "an erasure of two forms"
    );
    office.story.back_office(erasure()).await;
    assert_eq!(calls(), [GET, GET, "Query", "Query", GET, DELETE, DELETE, "Query"], "the same again");
    office.story.environment.advance(std::time::Duration::from_mins(1));
    office.story.back_office(erasure()).await;
    assert_eq!(calls(), [GET, GET, "Query", "Query", GET, DELETE, DELETE, "Query", DELETE], "and for good");
    let form = office.hand_in(office.form(3)).await;
    let _ = calls();
    let event = post("erasures").key(OPERATOR_KEY).json(json!({"submission_ids": [form.id.as_str()]}));
    office.story.back_office(event.rest()).await;
    assert_eq!(calls(), [GET, DELETE, "Query"], "a form by its id");
}

#[tokio::test]
async fn a_lost_answer_of_the_store_makes_nothing_twice() {
    for index in 0..3 {
        let shop = Shop::captured().await;
        shop.story.environment.lose_store_answer(index);
        let answer = shop.refund("all", None).await;
        assert_eq!((answer.status, shop.changing()), (200, vec!["return"]), "refund, answer {index} lost: {}", answer.body);
    }
    for index in 0..4 {
        let shop = Shop::held().await;
        shop.story.environment.lose_store_answer(index);
        let answer = shop.finish().await;
        assert_eq!((answer.status, shop.changing()), (200, vec!["finish"]), "finish, answer {index} lost: {}", answer.body);
    }
}

#[tokio::test]
async fn refund_with_lost_intent_answer_is_made_without_review() {
    let shop = Shop::captured_yesterday().await;
    // Every answer to the first write is lost, the SDK's repetitions' too.
    let writes = std::sync::atomic::AtomicU32::new(0);
    shop.story.environment.choose_store_faults(move |request| {
        let is_write = request.operation == "UpdateItem";
        let count = writes.fetch_add(u32::from(is_write), std::sync::atomic::Ordering::Relaxed);
        (is_write && count < 3).then_some(testkit::StoreFault::AnswerLost)
    });
    let answer = shop.refund("key", Some("300.00")).await;
    shop.story.environment.spare_the_store();
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!((shop.mokka().returned.as_str(), shop.changing()), ("300.00", vec!["return"]));
    let seen = shop.look().await;
    assert_eq!((&seen["refunded"], &seen["attention"]), (&json!("300.00"), &json!(false)));
}
