//! Orders by phone and by every id that a person may have of them.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use shared::platform::clock::MOSCOW;
use standins::Options;
use testkit::settings::{IMSHOP_KEY, OPERATOR_KEY, SHOP_KEY, VIEWER_KEY, WITH_CARDS};
use testkit::{Answer, Event, Modes, StoreFault};

use crate::{Story, get, post};

pub(crate) const PHONE: &str = "+7 916 123-45-67";

pub(crate) async fn with_cards() -> Story {
    Story::start_with(Options::default(), &[("PAYMENTS_CONFIG", WITH_CARDS)]).await
}

async fn ask(story: &Story, body: Value) -> Answer {
    Box::pin(story.back_office(post("orders/search").key(VIEWER_KEY).json(body).rest())).await
}

/// The answer to a search.
pub(crate) async fn found(story: &Story, body: Value) -> Value {
    let answer = ask(story, body.clone()).await;
    assert_eq!(answer.status, 200, "{body}: {}", answer.body);
    answer.json()
}

/// The orders of an answer, sorted.
pub(crate) fn uuids(answer: &Value) -> Vec<&str> {
    let mut uuids: Vec<_> =
        answer["orders"].as_array().unwrap().iter().map(|order| order["order_uuid"].as_str().unwrap()).collect();
    uuids.sort_unstable();
    uuids
}

pub(crate) async fn push(story: &Story, uuid: &str, public_id: &str, phone: &str) {
    let body = json!({"orderId": format!("S-{uuid}"), "publicId": public_id, "amount": "3250.00", "phone": phone});
    let event = Event::new("PUT", &format!("/v1/orders/{uuid}")).key(SHOP_KEY).json(body);
    let answer = story.orders(event.rest()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

pub(crate) async fn pay(story: &Story, uuid: &str, method: &str) -> String {
    let body = json!({
        "command": "create", "paymentMethodId": method, "orderUuid": uuid, "orderId": format!("S-{uuid}"),
        "returnUrl": "imshop://payment/failed"
    });
    let created = story.acquiring(Event::post("/v1/acquiring").key(IMSHOP_KEY).json(body).rest()).await.json();
    created["paymentId"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn orders_are_found_by_any_spelling_of_the_phone_and_no_other_customers() {
    let story = Story::start().await;
    push(&story, "first", "A-1", PHONE).await;
    push(&story, "second", "A-2", "8 (916) 123 45 67").await;
    push(&story, "foreign", "A-3", "+7 916 123-45-68").await;
    // What an earlier release took the number for.
    push(&story, "older", "A-4", PHONE).await;
    story
        .environment
        .edit("order-holds", "order#older", |item| {
            item.insert("phone".to_owned(), AttributeValue::S("9161234567".to_owned()));
        })
        .await;
    for spelling in ["+7 916 123-45-67", "89161234567", "9161234567", "+7(916)1234567", " 7 916 123 45 67 "] {
        assert_eq!(uuids(&found(&story, json!({"phone": spelling})).await), ["first", "older", "second"], "{spelling}");
    }
    assert_eq!(uuids(&found(&story, json!({"phone": "+7 916 123-45-68"})).await), ["foreign"]);
    assert_eq!(found(&story, json!({"phone": "+7 916 123-45-69"})).await, json!({"success": true, "orders": []}));
}

#[tokio::test]
async fn phone_finds_orders_under_another_internal_secret() {
    let story = Story::start().await;
    push(&story, "first", "A-1", PHONE).await;
    let changes = [("INTERNAL_SECRET", "another-internal-secret-than-before")];
    let deps = story.environment.build(back_office::Deps::from_env, &changes);
    let event = post("orders/search").key(VIEWER_KEY).json(json!({"phone": PHONE})).rest();
    let answer = testkit::invoke(&deps, |deps, request| Box::pin(back_office::handle(deps, request)), event).await;
    assert_eq!(uuids(&answer.json()), ["first"], "{}", answer.body);
}

#[tokio::test]
async fn order_is_found_by_each_of_its_ids_with_its_payments() {
    let story = with_cards().await;
    push(&story, "one", "A-17", PHONE).await;
    push(&story, "other", "A-18", PHONE).await;
    let payment = pay(&story, "one", "yookassa/card").await;
    let stored = story.payment(&payment).await;
    let provider_id = stored["provider_id"].as_str().unwrap();
    story.environment.standins().forget_calls();
    for by in [
        json!({"order_uuid": "one"}),
        json!({"public_id": "A-17"}),
        json!({"payment_id": payment}),
        json!({"provider_id": provider_id}),
    ] {
        let answer = found(&story, by.clone()).await;
        assert_eq!(uuids(&answer), ["one"], "{by}");
        let order = &answer["orders"][0];
        assert_eq!((&order["order_id"], &order["attempts"]), (&json!("S-one"), &json!(1)), "{by}");
        assert_eq!(order["payments"][0]["payment_id"], json!(payment), "{by}");
        assert!(order["payments"][0]["explain"]["text"].is_string(), "{by}: {answer}");
        assert_eq!(answer.get("cursor"), None, "{by}");
    }
    assert!(story.environment.standins().calls(None).is_empty(), "no provider is asked");
    for by in ["order_uuid", "public_id", "payment_id", "provider_id"] {
        assert_eq!(found(&story, json!({by: "no-such-1"})).await, json!({"success": true, "orders": []}), "{by}");
    }
}

#[tokio::test]
async fn a_public_id_that_was_changed_finds_the_order_by_the_new_one_only() {
    let story = Story::start().await;
    push(&story, "one", "A-17", PHONE).await;
    push(&story, "one", "B-17", PHONE).await;
    push(&story, "twin", "B-17", PHONE).await;
    assert_eq!(uuids(&found(&story, json!({"public_id": "B-17"})).await), ["one", "twin"]);
    assert!(uuids(&found(&story, json!({"public_id": "A-17"})).await).is_empty());
    // Back to the first one, whose alias is still there.
    push(&story, "one", "A-17", PHONE).await;
    assert_eq!(uuids(&found(&story, json!({"public_id": "A-17"})).await), ["one"]);
    let aliases = story.environment.items("order-holds", "alias#").await;
    assert_eq!(aliases.len(), 3, "{aliases:?}");
    let _ = story.environment.store_calls();
    story.environment.advance(Duration::from_secs(1));
    push(&story, "one", "A-17", PHONE).await;
    assert_eq!(story.environment.store_calls(), ["GetItem", "UpdateItem"], "no alias is written that is there");
}

/// An order is worth more than being found by one of its ids.
#[tokio::test]
async fn order_whose_alias_cannot_be_written_is_recorded_and_found_by_it_later() {
    let story = Story::start().await;
    let is_alias = |body: &[u8]| std::str::from_utf8(body).is_ok_and(|body| body.contains("alias#"));
    story.environment.choose_store_faults(move |request| is_alias(request.body).then_some(StoreFault::Failed));
    push(&story, "one", "A-17", PHONE).await;
    assert_eq!(uuids(&found(&story, json!({"order_uuid": "one"})).await), ["one"]);
    assert!(uuids(&found(&story, json!({"public_id": "A-17"})).await).is_empty());
    story.environment.choose_store_faults(|_| None);
    story.environment.advance(Duration::from_secs(1));
    push(&story, "one", "A-17", PHONE).await;
    assert_eq!(uuids(&found(&story, json!({"public_id": "A-17"})).await), ["one"]);
}

#[tokio::test]
async fn customer_with_many_orders_is_read_in_pages() {
    let story = Story::start().await;
    let mut all: Vec<_> = (0..45).map(|number| format!("order-{number:02}")).collect();
    for uuid in &all {
        push(&story, uuid, &format!("P-{uuid}"), PHONE).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut body = json!({"phone": PHONE});
        if let Some(cursor) = &cursor {
            body["cursor"] = json!(cursor);
        }
        let page = found(&story, body).await;
        assert!(uuids(&page).len() <= 20);
        seen.extend(uuids(&page).into_iter().map(str::to_owned));
        match page["cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    seen.sort_unstable();
    all.sort_unstable();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn an_order_that_has_forgotten_its_customer_is_found_by_its_ids_only() {
    let story = Story::start().await;
    push(&story, "one", "A-17", PHONE).await;
    let erasure = post("erasures").key(OPERATOR_KEY).json(json!({"phone": PHONE})).rest();
    assert_eq!(story.back_office(erasure).await.json()["orders"], json!(1));
    assert!(uuids(&found(&story, json!({"phone": PHONE})).await).is_empty());
    for by in [json!({"order_uuid": "one"}), json!({"public_id": "A-17"})] {
        let answer = found(&story, by.clone()).await;
        assert_eq!(uuids(&answer), ["one"], "{by}");
        assert_eq!(answer["orders"][0].get("phone"), None, "{by}");
    }
}

#[tokio::test]
async fn a_search_that_is_not_clearly_asked_for_is_refused() {
    let story = Story::start().await;
    push(&story, "one", "A-17", PHONE).await;
    let foreign = hex::encode("phone\tS79990000000\npk\tSorder#one");
    for (body, named) in [
        (json!({}), "`phone`, `order_uuid`, `public_id`, `payment_id` and `provider_id`"),
        (json!({"phone": PHONE, "order_uuid": "one"}), "exactly one"),
        (json!({"payment_id": "1-1", "provider_id": "x"}), "exactly one"),
        (json!({"phone": "call me"}), "phone"),
        (json!({"phone": ""}), "phone"),
        (json!({"phone": null}), "phone"),
        (json!({"order_uuid": ""}), "order_uuid"),
        (json!({"order_uuid": ["one"]}), "order_uuid"),
        (json!({"order_uuid": "a\u{0}b"}), "order_uuid"),
        (json!({"public_id": "x".repeat(201)}), "public_id"),
        (json!({"payment_id": ""}), "payment_id"),
        (json!({"payment_id": {"$ne": 1}}), "payment_id"),
        (json!({"provider_id": "x".repeat(201)}), "provider_id"),
        (json!({"provider_id": 7}), "provider_id"),
        (json!({"phone": PHONE, "limit": 5}), "limit"),
        (json!({"phone": PHONE, "cursor": "zz"}), "cursor"),
        (json!({"phone": PHONE, "cursor": foreign}), "cursor"),
        (json!({"order_uuid": "one", "cursor": foreign}), "cursor"),
        (json!({"public_id": "A-17", "cursor": foreign}), "cursor"),
        (json!({"provider_id": "x", "cursor": foreign}), "cursor"),
    ] {
        let answer = ask(&story, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(named), "{body}: {}", answer.body);
    }
    for hostile in ["' OR 1=1 --", "one#A-17", "alias#one#A-17", "../one", "🫖", "%", "order#one"] {
        for by in ["order_uuid", "public_id", "provider_id"] {
            assert_eq!(found(&story, json!({by: hostile})).await, json!({"success": true, "orders": []}), "{by} {hostile}");
        }
        let answer = ask(&story, json!({"payment_id": hostile})).await;
        let says = answer.status == 400 && answer.body.contains("`payment_id`") || answer.json()["orders"] == json!([]);
        assert!(says, "{hostile}: {}", answer.body);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_hides_nothing() {
    let story = Story::start().await;
    push(&story, "one", "A-1", PHONE).await;
    push(&story, "two", "A-2", PHONE).await;
    story.environment.forget("order-holds", "order#one", "lines").await;
    let answer = found(&story, json!({"phone": PHONE})).await;
    assert_eq!((uuids(&answer), &answer["unreadable"]), (vec!["two"], &json!(["one"])));
}

/// Round trips and read units of each search.
async fn costs(story: &Story, payment: &str, provider_id: &str) -> Vec<(u64, f64)> {
    let mut costs = Vec::new();
    for by in [
        json!({"phone": PHONE}),
        json!({"order_uuid": "one"}),
        json!({"public_id": "A-17"}),
        json!({"payment_id": payment}),
        json!({"provider_id": provider_id}),
    ] {
        let _ = story.environment.used();
        assert_eq!(uuids(&found(story, by).await), ["one"]);
        let used = story.environment.used();
        costs.push((used.store_calls, used.reads));
    }
    costs
}

#[tokio::test]
async fn a_search_costs_the_same_whatever_is_stored_beside_it() {
    let story = with_cards().await;
    push(&story, "one", "A-17", PHONE).await;
    let payment = pay(&story, "one", "yookassa/card").await;
    let provider_id = story.payment(&payment).await["provider_id"].as_str().unwrap().to_owned();
    story.environment.meter();
    let mut stored = 0..10;
    let mut first = Vec::new();
    for upto in [10, 300] {
        stored = stored.start..upto;
        for number in stored.clone() {
            push(&story, &format!("other-{number}"), &format!("O-{number}"), &format!("+7999{number:07}")).await;
        }
        stored = upto..upto;
        let costs = costs(&story, &payment, &provider_id).await;
        if first.is_empty() {
            first.clone_from(&costs);
        }
        assert_eq!(costs, first, "{upto} orders beside it");
    }
    let calls: Vec<_> = first.iter().map(|(calls, _)| *calls).collect();
    assert_eq!(calls, [4, 2, 3, 3, 4]);
}

/// The answer to a list.
async fn list(story: &Story, path: &str, parameters: &[(&str, &str)]) -> Answer {
    let event = parameters.iter().fold(get(path).key(VIEWER_KEY), |event, (name, value)| event.query(name, value));
    Box::pin(story.back_office(event.rest())).await
}

/// The orders of a page, in their order.
pub(crate) fn in_order(answer: &Value) -> Vec<&str> {
    answer["orders"].as_array().unwrap().iter().map(|order| order["order_uuid"].as_str().unwrap()).collect()
}

fn today(story: &Story) -> String {
    story.environment.clock().now().day(MOSCOW)
}

#[tokio::test]
async fn orders_of_a_day_are_those_first_recorded_on_it_newest_first() {
    let story = with_cards().await;
    // From a beginning of the shop's day on.
    let now = story.environment.clock().now();
    story.environment.advance(now.next_day(MOSCOW).since(now));
    let first_day = today(&story);
    push(&story, "first", "A-1", PHONE).await;
    story.environment.advance(Duration::from_secs(1));
    push(&story, "second", "A-2", PHONE).await;
    let payment = pay(&story, "second", "yookassa/card").await;
    let now = story.environment.clock().now();
    story.environment.advance(now.next_day(MOSCOW).since(now).saturating_sub(Duration::from_millis(1)));
    push(&story, "late", "A-3", PHONE).await;
    story.environment.advance(Duration::from_millis(1));
    let second_day = today(&story);
    assert_ne!(first_day, second_day);
    push(&story, "next", "A-4", PHONE).await;
    // Said again, with another public id.
    push(&story, "first", "B-1", PHONE).await;
    story.environment.standins().forget_calls();
    let whole = list(&story, "orders", &[("day", &first_day)]).await.json();
    assert_eq!(in_order(&whole), ["late", "second", "first"]);
    assert_eq!(whole["orders"][1]["payments"][0]["payment_id"], json!(payment));
    assert!(whole["orders"][1]["payments"][0]["explain"]["code"].is_string(), "{whole}");
    assert_eq!(in_order(&list(&story, "orders", &[("day", &second_day)]).await.json()), ["next"]);
    let none = list(&story, "orders", &[("day", "2020-02-29")]).await.json();
    assert_eq!(none, json!({"success": true, "orders": []}));
    assert!(story.environment.standins().calls(None).is_empty(), "no provider is asked");
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut asked = vec![("day", first_day.as_str()), ("limit", "2")];
        asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = list(&story, "orders", &asked).await.json();
        seen.extend(in_order(&page).into_iter().map(str::to_owned));
        let Some(next) = page["cursor"].as_str() else { break };
        assert_eq!(list(&story, "orders", &[("day", &second_day), ("cursor", next)]).await.status, 400, "another day's");
        cursor = Some(next.to_owned());
    }
    assert_eq!(seen, ["late", "second", "first"]);
}

#[tokio::test]
async fn a_list_by_day_that_is_not_clearly_asked_for_is_refused() {
    let story = Story::start().await;
    for (parameters, named) in [
        (vec![], "day"),
        (vec![("day", "")], "day"),
        (vec![("day", "today")], "day"),
        (vec![("day", "2026-02-30")], "day"),
        (vec![("day", "2026-1-1")], "day"),
        (vec![("day", "+2026-01-01")], "day"),
        (vec![("day", "2026-01-01T00:00:00Z")], "day"),
        (vec![("day", "2026-01-01"), ("limit", "0")], "limit"),
        (vec![("day", "2026-01-01"), ("limit", "21")], "limit"),
        (vec![("day", "2026-01-01"), ("cursor", "zz")], "cursor"),
        (vec![("day", "2026-01-01"), ("cursor", &hex::encode("pk\tSorder#one"))], "cursor"),
        (vec![("day", "2026-01-01"), ("phone", PHONE)], "only these query parameters"),
    ] {
        let answer = list(&story, "orders", &parameters).await;
        assert_eq!(answer.status, 400, "{parameters:?}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(named), "{parameters:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn payments_in_a_state_are_bounded_by_time_and_amount() {
    let story = with_cards().await;
    let mut payments = Vec::new();
    let mut moments = Vec::new();
    for (uuid, amount) in [("one", "100.00"), ("two", "200.00"), ("three", "300.00")] {
        let body = json!({"orderId": format!("S-{uuid}"), "amount": amount});
        let event = Event::new("PUT", &format!("/v1/orders/{uuid}")).key(SHOP_KEY).json(body);
        assert_eq!(story.orders(event.rest()).await.status, 200);
        payments.push(pay(&story, uuid, "yookassa/card").await);
        moments.push(story.environment.clock().now().rfc3339());
        story.environment.advance(Duration::from_mins(1));
    }
    let found = async |parameters: &[(&str, &str)]| {
        let answer = list(&story, "payments", &[&[("state", "pending")], parameters].concat()).await;
        assert_eq!(answer.status, 200, "{parameters:?}: {}", answer.body);
        let answer = answer.json();
        let ids = answer["payments"].as_array().unwrap().iter().map(|one| one["payment_id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>(), answer["cursor"].as_str().map(str::to_owned))
    };
    let [one, two, three] = [0, 1, 2].map(|index: usize| payments[index].clone());
    // `since` is in, `until` is out.
    assert_eq!(found(&[("since", &moments[1])]).await.0, [three.clone(), two.clone()]);
    assert_eq!(found(&[("until", &moments[2])]).await.0, [two.clone(), one.clone()]);
    assert_eq!(found(&[("since", &moments[1]), ("until", &moments[2])]).await.0, std::slice::from_ref(&two));
    // Both ends of an amount are in.
    assert_eq!(found(&[("min", "200.00")]).await.0, [three.clone(), two.clone()]);
    assert_eq!(found(&[("max", "200.00")]).await.0, [two.clone(), one.clone()]);
    assert_eq!(found(&[("min", "200.00"), ("max", "200.00")]).await.0, std::slice::from_ref(&two));
    assert!(found(&[("min", "200.01"), ("max", "299.99")]).await.0.is_empty());
    // A page may be short, or empty, and the list goes on.
    let (page, cursor) = found(&[("max", "100.00"), ("limit", "1")]).await;
    assert_eq!((page.len(), cursor.is_some()), (0, true));
    let page = found(&[("max", "100.00"), ("limit", "2"), ("cursor", &cursor.unwrap())]).await.0;
    assert_eq!(page, [one]);
    // The cursor of a page without an end is not one of a list that ends before it.
    let (_, cursor) = found(&[("limit", "1")]).await;
    let cursor = cursor.unwrap();
    for (parameters, named) in [
        (vec![("state", "pending"), ("until", &moments[2]), ("cursor", &cursor)], "cursor"),
        (vec![("state", "pending"), ("since", &moments[1]), ("until", &moments[1])], "until"),
        (vec![("state", "pending"), ("until", "soon")], "until"),
        (vec![("state", "pending"), ("min", "200")], "min"),
        (vec![("state", "pending"), ("min", "-1.00")], "min"),
        (vec![("state", "pending"), ("max", "1e3")], "max"),
        (vec![("state", "pending"), ("max", "2.000")], "max"),
        (vec![("state", "pending"), ("max", "99999999999999999999.00")], "max"),
        (vec![("state", "pending"), ("min", "2.00"), ("max", "1.00")], "max"),
        (vec![("attention", "true"), ("min", "2.00")], "min"),
        (vec![("changed_since", &moments[0]), ("until", &moments[1])], "until"),
    ] {
        let answer = list(&story, "payments", &parameters).await;
        assert_eq!(answer.status, 400, "{parameters:?}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(&format!("`{named}`")), "{parameters:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn an_order_is_found_as_soon_as_the_index_knows_it() {
    let story = Story::start().await;
    let modes = Modes { index_behind_ms: Some(1500), ..Modes::default() };
    story.environment.let_store(modes).await;
    let day = today(&story);
    push(&story, "one", "A-17", PHONE).await;
    assert_eq!(uuids(&found(&story, json!({"order_uuid": "one"})).await), ["one"], "by its key it is there at once");
    let listed = async || in_order(&list(&story, "orders", &[("day", &day)]).await.json()).len();
    let by = async |body: Value| uuids(&found(&story, body).await).len();
    for expected in [0, 1] {
        assert_eq!(by(json!({"phone": PHONE})).await, expected);
        assert_eq!(by(json!({"public_id": "A-17"})).await, expected);
        assert_eq!(listed().await, expected);
        story.environment.advance(Duration::from_millis(1500));
    }
}
