//! What the shop's own system heard of a payment: shown, sent again, and asked for by what has changed.

use std::time::Duration;

use serde_json::{Value, json};
use shared::platform::clock::Timestamp;
use standins::{Decision, Fault, System};
use testkit::Answer;
use testkit::settings::{OPERATOR_KEY, VIEWER_KEY};

use crate::{Shop, assert_refused, get, post};

impl Shop {
    async fn resend(&self, event: &Value) -> Answer {
        self.ask(self.event(&format!("events/{event}/resend"), OPERATOR_KEY)).await
    }

    /// The events of the payment as the back office shows them.
    async fn events(&self) -> Vec<Value> {
        self.look().await["events"].as_array().unwrap().clone()
    }

    fn sent(&self) -> usize {
        self.story.environment.standins().calls_to(System::Shop, "events").len()
    }

    /// Each entry of a whole list of what has changed, page by page.
    async fn changed_since(&self, since: &str, limit: &str) -> Vec<(Value, Value)> {
        let mut found = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let asked = get("payments").query("changed_since", since).query("limit", limit).key(VIEWER_KEY);
            let asked = match &cursor {
                Some(cursor) => asked.query("cursor", cursor),
                None => asked,
            };
            let page = self.ask(asked).await;
            assert_eq!(page.status, 200, "{}", page.body);
            let page = page.json();
            let payments = page["payments"].as_array().unwrap();
            assert!(payments.len() <= limit.parse().unwrap(), "{page}");
            found.extend(payments.iter().map(|payment| (payment["payment_id"].clone(), payment["state"].clone())));
            match page["cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return found,
            }
        }
    }
}

#[tokio::test]
async fn events_are_shown_with_what_the_shop_answered() {
    let shop = Shop::held().await;
    shop.story.environment.poll_stream().await;
    shop.story.environment.standins().fault(System::Shop, "events", Fault::Status(503), 1).unwrap();
    assert_eq!(shop.finish().await.status, 200);
    shop.story.environment.poll_stream().await;
    let events = shop.events().await;
    assert_eq!(events.iter().map(|event| event["type"].clone()).collect::<Vec<_>>(), ["payment.held", "payment.paid"]);
    assert!(events[0]["told_at"].is_string() && events[0]["last_status"] == 200 && events[0].get("last_error").is_none());
    assert_eq!(
        (events[1].get("told_at"), &events[1]["last_status"], &events[1]["last_error"]),
        (None, &json!(503), &json!("HTTP 503"))
    );
    shop.story.environment.advance(Duration::from_mins(1));
    shop.story.environment.tick().await;
    let events = shop.events().await;
    assert!(events[1]["told_at"].is_string() && events[1].get("last_error").is_none(), "{events:?}");
}

#[tokio::test]
async fn told_event_is_sent_again_under_its_id_with_the_shops_answer() {
    let shop = Shop::held().await;
    shop.story.environment.poll_stream().await;
    let event = shop.events().await[0].clone();
    let answer = shop.resend(&event["number"]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    assert_eq!(
        (&answer["success"], &answer["shop_status"], &answer["event"]["number"]),
        (&json!(true), &json!(200), &event["number"])
    );
    assert!(answer["shop_answer"].as_str().unwrap().contains("success"), "{answer}");
    let heard = shop.story.environment.standins().shop_events();
    assert_eq!((heard.len(), &heard[0]["times"]), (1, &json!(2)), "the same id twice");
}

#[tokio::test]
async fn waiting_event_that_is_taken_by_hand_is_done_and_the_next_follows() {
    let shop = Shop::held().await;
    shop.story.environment.standins().fault(System::Shop, "events", Fault::Http500, 10_000).unwrap();
    shop.story.environment.poll_stream().await;
    assert_eq!(shop.finish().await.status, 200);
    shop.story.environment.poll_stream().await;
    let events = shop.events().await;
    assert_refused(&shop.resend(&events[1]["number"]).await, 409, "not_its_turn", "the hold comes first");
    assert_refused(&shop.resend(&events[0]["number"]).await, 502, "shop_refused", "it is still down");
    shop.story.environment.standins().clear_faults();
    assert_eq!(shop.resend(&events[0]["number"]).await.status, 200);
    shop.story.environment.poll_stream().await;
    let events = shop.events().await;
    assert!(events.iter().all(|event| event["told_at"].is_string()), "{events:?}");
    let times: Vec<_> = shop.story.environment.standins().shop_events().iter().map(|event| event["times"].clone()).collect();
    assert_eq!(times, [1, 1], "each once");
}

#[tokio::test]
async fn resend_without_an_answer_says_so_and_changes_no_order() {
    let shop = Shop::held().await;
    shop.story.environment.poll_stream().await;
    let event = shop.events().await[0].clone();
    shop.story.environment.standins().fault(System::Shop, "events", Fault::Reset, 1).unwrap();
    assert_refused(&shop.resend(&event["number"]).await, 503, "shop_unavailable", "no answer");
    let shown = shop.events().await[0].clone();
    assert_eq!(shown["told_at"], event["told_at"], "it was taken before");
    assert!(shown["last_error"].is_string(), "{shown}");
}

#[tokio::test]
async fn resend_is_for_operators_and_for_events_that_exist() {
    let shop = Shop::held().await;
    shop.story.environment.poll_stream().await;
    let event = shop.events().await[0]["number"].clone();
    let before = shop.sent();
    let viewer = shop.ask(post(&format!("payments/{}/events/{event}/resend", shop.payment)).key(VIEWER_KEY)).await;
    assert_refused(&viewer, 403, "role", "a viewer");
    for number in ["0", "99", "01", "two", "18446744073709551616"] {
        assert_eq!(shop.ask(shop.event(&format!("events/{number}/resend"), OPERATOR_KEY)).await.status, 404, "{number}");
    }
    assert_eq!(shop.sent(), before);
    let off = Shop::with(&[("SHOP_EVENTS_URL", "")]).await;
    assert_refused(&off.ask(off.event("events/1/resend", OPERATOR_KEY)).await, 409, "events_off", "without an address");
}

#[tokio::test]
async fn what_has_changed_since_a_moment_is_listed_once_page_by_page() {
    let shop = Shop::pending().await;
    let now = |shop: &Shop| shop.story.environment.clock().now();
    let begin = now(&shop).rfc3339();
    // All within one millisecond, so that pages end between equal moments.
    let mut all = vec![shop.payment.clone()];
    for _ in 0..7 {
        let order = shop.story.order().await;
        shop.story.create(&order).await;
        all.push(order.payment(1));
    }
    for limit in ["1", "3", "8", "100"] {
        let mut found: Vec<_> = shop.changed_since(&begin, limit).await.into_iter().map(|(id, _)| id).collect();
        found.sort_by_key(ToString::to_string);
        let mut wanted = all.clone();
        wanted.sort();
        assert_eq!(found, wanted, "limit {limit}");
    }
    shop.story.environment.advance(Duration::from_mins(1));
    let later = now(&shop);
    shop.story.decide(&all[3], Decision::Approved).await;
    assert_eq!(shop.story.callback(&all[3], "approved").await.status, 200);
    assert_eq!(shop.changed_since(&later.rfc3339(), "100").await, [(json!(all[3]), json!("held"))]);
    assert_eq!(shop.changed_since(&later.plus(Duration::from_secs(1)).rfc3339(), "100").await, []);
}

#[tokio::test]
async fn each_further_refund_is_a_change() {
    let shop = Shop::captured_yesterday().await;
    for (number, amount) in ["100.00", "200.00"].into_iter().enumerate() {
        shop.story.environment.advance(Duration::from_mins(1));
        let since: Timestamp = shop.story.environment.clock().now();
        assert_eq!(shop.refund(&format!("key-{number}"), Some(amount)).await.status, 200);
        assert_eq!(shop.changed_since(&since.rfc3339(), "10").await, [(json!(shop.payment), json!("partially_refunded"))]);
    }
}

#[tokio::test]
async fn list_of_changes_refuses_what_does_not_belong_to_it() {
    let shop = Shop::pending().await;
    let order = shop.story.order().await;
    shop.story.create(&order).await;
    let page = shop.ask(get("payments").query("changed_since", "2020-01-01").query("limit", "1").key(VIEWER_KEY)).await.json();
    let cursor = page["cursor"].as_str().unwrap();
    for (parameters, named) in [
        (vec![("changed_since", "yesterday")], "changed_since"),
        (vec![("changed_since", "2020-01-01"), ("state", "held")], "changed_since"),
        (vec![("changed_since", "2020-01-01"), ("since", "2020-01-01")], "since"),
        (vec![("changed_since", "2020-01-01"), ("cursor", "00")], "cursor"),
        (vec![("changed_since", "2036-01-01"), ("cursor", cursor)], "cursor"),
        (vec![("state", "pending"), ("cursor", cursor)], "cursor"),
    ] {
        let asked = parameters.iter().fold(get("payments").key(VIEWER_KEY), |asked, (name, value)| asked.query(name, value));
        let answer = shop.ask(asked).await;
        assert_eq!(answer.status, 400, "{parameters:?}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(named), "{parameters:?}: {}", answer.body);
    }
}
