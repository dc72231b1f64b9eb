//! Orders, payments, lists.

use std::time::Duration;

use serde_json::{Value, json};
use standins::{Decision, Fault, System};
use testkit::Event;
use testkit::settings::VIEWER_KEY;

use crate::{Shop, assert_answer, get};

impl Shop {
    async fn order_answer(&self) -> Value {
        let answer = self.ask(get(&format!("orders/{}", self.order.id)).key(VIEWER_KEY)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    async fn list(&self, event: Event) -> Value {
        let answer = self.ask(event.key(VIEWER_KEY)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }
}

fn ids(list: &Value) -> Vec<&str> {
    list["payments"].as_array().unwrap().iter().map(|payment| payment["payment_id"].as_str().unwrap()).collect()
}

fn in_state(state: &str) -> Event {
    get("payments").query("state", state)
}

#[tokio::test]
async fn a_payment_is_shown_as_it_is_stored() {
    let shop = Shop::held().await;
    for event in [get(&format!("payments/{}", shop.payment)).key(VIEWER_KEY).rest(), {
        let event = get(&format!("payments/{}", shop.payment)).key(VIEWER_KEY);
        event.v2()
    }] {
        let answer = shop.story.back_office(event).await;
        assert_eq!(answer.status, 200);
        assert_answer!("payment", answer);
    }
    assert!(shop.called().is_empty(), "Mokka is not asked for it");
    for unknown in ["9999-1", "no%20such", "..", "%2e%2e%2f", "1001-1'--", "%00", &"1".repeat(300)] {
        let answer = shop.ask(get(&format!("payments/{unknown}")).key(VIEWER_KEY)).await;
        assert_eq!((answer.status, &answer.json()["code"]), (404, &json!("not_found")), "{unknown}");
    }
}

#[tokio::test]
async fn an_order_is_shown_with_its_attempts_beside_what_mokka_says() {
    let shop = Shop::pending().await;
    shop.story.decide(&shop.payment, Decision::Declined).await;
    shop.story.callback(&shop.payment, "declined").await;
    assert_eq!(shop.story.create(&shop.order).await.json()["paymentId"], json!(shop.order.payment(2)));
    shop.story.decide(&shop.order.payment(2), Decision::Approved).await;
    shop.story.environment.standins().forget_calls();
    let answer = shop.ask(get(&format!("orders/{}", shop.order.id)).key(VIEWER_KEY)).await;
    assert_answer!("order", answer);
    assert_eq!(shop.called(), ["status", "status"]);
    assert_eq!(shop.story.state(&shop.order.payment(2)).await, "pending", "looking changes nothing");
    assert_eq!(shop.ask(get("orders/9999").key(VIEWER_KEY)).await.status, 404);
    assert_eq!(shop.ask(get("orders/1001'%20OR%201=1").key(VIEWER_KEY)).await.status, 404);
}

#[tokio::test]
async fn a_payment_of_which_mokka_says_nothing_does_not_hide_the_others() {
    let shop = Shop::held().await;
    for fault in ["reset", "http500", "html", "refused"] {
        shop.story.environment.standins().fault(System::Mokka, "status", fault.parse::<Fault>().unwrap(), 2).unwrap();
        let order = shop.order_answer().await;
        assert_eq!(order["payments"][0]["provider_view"], json!({"error": "unavailable"}), "{fault}");
        assert_eq!(order["payments"][0]["state"], json!("held"), "{fault}");
        shop.story.environment.standins().clear_faults();
    }
    shop.story.environment.standins().set_mokka_status(&shop.payment, "frozen").unwrap();
    assert_eq!(shop.order_answer().await["payments"][0]["provider_view"], json!({"state": "frozen", "amount": "3250.00"}));
    shop.story.environment.standins().set_mokka_amount(&shop.payment, "много").unwrap();
    assert_eq!(shop.order_answer().await["payments"][0]["provider_view"], json!({"state": "frozen"}));
}

#[tokio::test]
async fn an_id_that_the_shop_gave_out_twice_shows_both_orders() {
    let shop = Shop::held().await;
    shop.story.environment.standins().shop_answers(json!({"id": shop.order.id})).unwrap();
    let twin = shop.story.order().await;
    assert_eq!(twin.id, shop.order.id);
    let order = shop.order_answer().await;
    assert_eq!(order["order"]["order_uuid"], json!(shop.order.uuid), "the one with an attempt comes first");
    assert_eq!(order["other_orders"][0]["order_uuid"], json!(twin.uuid));
}

#[tokio::test]
async fn payments_are_listed_by_state_newest_first_in_pages() {
    let shop = Shop::held().await;
    let mut held = vec![shop.payment.clone()];
    for _ in 0..4 {
        shop.story.environment.advance(Duration::from_mins(1));
        let order = shop.story.order().await;
        shop.story.create(&order).await;
        shop.story.decide(&order.payment(1), Decision::Approved).await;
        shop.story.callback(&order.payment(1), "approved").await;
        held.insert(0, order.payment(1));
    }
    assert_eq!(ids(&shop.list(in_state("held")).await), held);
    assert!(ids(&shop.list(in_state("captured")).await).is_empty());

    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = in_state("held").query("limit", "2");
        let page = shop.list(match &cursor {
            Some(cursor) => page.query("cursor", cursor),
            None => page,
        });
        let page = page.await;
        assert!(ids(&page).len() <= 2);
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        match page["cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(seen, held);

    let second = shop.list(in_state("held").query("limit", "2")).await["cursor"].as_str().unwrap().to_owned();
    for foreign in [in_state("captured"), get("payments").query("attention", "true")] {
        let answer = shop.ask(foreign.query("cursor", &second).key(VIEWER_KEY)).await;
        assert_eq!(answer.status, 400, "the cursor of another list: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains("`cursor`"));
    }
}

#[tokio::test]
async fn since_is_a_moment_or_a_day() {
    let shop = Shop::held().await;
    let now = shop.story.environment.clock().now();
    let at = |since: &str| in_state("held").query("since", since);
    for (since, found) in [
        (now.plus(Duration::from_mins(1)).rfc3339(), false),
        ("2020-01-01".to_owned(), true),
        ("2020-01-01T00:00:00Z".to_owned(), true),
        ("2020-01-01T03:00:00+03:00".to_owned(), true),
        ("9999-12-31".to_owned(), false),
    ] {
        assert_eq!(!ids(&shop.list(at(&since)).await).is_empty(), found, "{since}");
    }
}

#[tokio::test]
async fn payments_for_manual_review_have_their_own_list() {
    let shop = Shop::held().await;
    let attention = || get("payments").query("attention", "true");
    assert!(ids(&shop.list(attention()).await).is_empty());
    // The hold runs on at Mokka with another amount for hours: reconcile puts it on the list.
    shop.story.environment.standins().set_mokka_amount(&shop.payment, "1.00").unwrap();
    assert_eq!(shop.settle().await.status, 200);
    for _ in 0..3 {
        shop.story.environment.advance(Duration::from_hours(2));
        shop.story.environment.tick().await;
    }
    let list = shop.list(attention()).await;
    assert_eq!(ids(&list), [shop.payment.as_str()]);
    assert_eq!(list["payments"][0]["attention"], json!(true));
    assert!(list["payments"][0]["mismatch"].is_string(), "{list}");
}

#[tokio::test]
async fn a_list_that_is_not_clearly_asked_for_is_refused() {
    let shop = Shop::held().await;
    for (query, wanted) in [
        (vec![], "`state`, `attention=true` and `changed_since`"),
        (vec![("state", "held"), ("attention", "true")], "`state`, `attention=true` and `changed_since`"),
        (vec![("state", "HELD")], "must be one of creating, pending, held, finishing, captured"),
        (vec![("state", "")], "must be one of"),
        (vec![("attention", "1")], "must be true"),
        (vec![("attention", "true"), ("since", "2026-01-01")], "`since`"),
        (vec![("state", "held"), ("since", "yesterday")], "`since`"),
        (vec![("state", "held"), ("since", "2026-13-01")], "`since`"),
        (vec![("state", "held"), ("limit", "0")], "`limit`"),
        (vec![("state", "held"), ("limit", "101")], "`limit`"),
        (vec![("state", "held"), ("limit", "-1")], "`limit`"),
        (vec![("state", "held"), ("limit", "ten")], "`limit`"),
        (vec![("state", "held"), ("cursor", "zz")], "`cursor`"),
        (vec![("state", "held"), ("cursor", "")], "`cursor`"),
        (vec![("state", "held"), ("status", "held")], "only these query parameters"),
        (vec![("state", "held"), ("state", "captured")], "must be there once"),
    ] {
        let event = query.iter().fold(get("payments").key(VIEWER_KEY), |event, (name, value)| event.query(name, value));
        let answer = shop.ask(event).await;
        assert_eq!(answer.status, 400, "{query:?}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(wanted), "{query:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn an_order_is_found_by_its_id_whatever_cannot_be_read_beside_it() {
    let shop = Shop::held().await;
    shop.cancel().await;
    shop.story.create(&shop.order).await;
    let (first, second) = (shop.order.payment(1), shop.order.payment(2));
    let look = async || {
        let answer = shop.ask(get(&format!("orders/{}", shop.order.id)).key(VIEWER_KEY)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    };
    assert_eq!((ids(&look().await).len(), look().await.get("unreadable")), (2, None));
    let order = (format!("order#{}", shop.order.uuid), shop.order.uuid.clone());
    for (key, named, attribute) in [
        (format!("payment#{first}"), first.clone(), "amount"),
        (format!("payment#{second}"), second.clone(), "history"),
        (order.0.clone(), order.1.clone(), "lines"),
        (order.0, order.1, "attempts"),
    ] {
        let mut whole = None;
        shop.story.environment.edit("order-holds", &key, |item| whole = item.remove(attribute)).await;
        let seen = look().await;
        assert_eq!(seen["unreadable"], json!([named]), "{key} without {attribute}");
        let left: Vec<_> = [&first, &second].into_iter().filter(|id| **id != named).map(String::as_str).collect();
        assert_eq!((ids(&seen), seen.get("order").is_some()), (left, key.starts_with("payment#")), "{key} without {attribute}");
        shop.story.environment.edit("order-holds", &key, |item| drop(item.insert(attribute.to_owned(), whole.unwrap()))).await;
    }
    assert!(shop.story.environment.logs().contains("an item of a list cannot be read"));
}

#[tokio::test]
async fn a_payment_that_cannot_be_read_hides_no_other_and_is_named() {
    let shop = Shop::held().await;
    let order = shop.story.order().await;
    shop.story.create(&order).await;
    let other = order.payment(1);
    shop.story.decide(&other, standins::Decision::Approved).await;
    shop.story.callback(&other, "approved").await;
    let both = ids(&shop.list(in_state("held")).await).len();
    assert_eq!(both, 2);
    for attribute in ["amount", "currency", "attempt", "history"] {
        let key = format!("payment#{}", shop.payment);
        let mut whole = None;
        shop.story.environment.edit("order-holds", &key, |item| whole = item.remove(attribute)).await;
        let list = shop.list(in_state("held")).await;
        assert_eq!((ids(&list), &list["unreadable"]), (vec![other.as_str()], &json!([shop.payment])), "{attribute}");
        shop.story.environment.edit("order-holds", &key, |item| drop(item.insert(attribute.to_owned(), whole.unwrap()))).await;
    }
    assert_eq!(ids(&shop.list(in_state("held")).await).len(), 2);
}
