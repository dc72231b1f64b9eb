//! What earlier releases have stored is found after `reindex`, and nothing else of it changes.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use serde_json::{Value, json};
use shared::platform::clock::MOSCOW;
use testkit::settings::{OPERATOR_KEY, VIEWER_KEY};
use testkit::{Answer, Modes};

use crate::search::{PHONE, found, in_order, pay, push, uuids, with_cards};
use crate::{Story, get, post};

const TABLE: &str = "order-holds";

async fn ask(story: &Story, body: Value) -> Answer {
    Box::pin(story.back_office(post("reindex").key(OPERATOR_KEY).json(body).rest())).await
}

/// The answers to calls until everything was seen.
async fn run(story: &Story) -> Vec<Value> {
    let mut answers = Vec::new();
    let mut body = json!({});
    loop {
        let answer = ask(story, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answers.push(answer.json());
        let Some(cursor) = answer.json()["cursor"].as_str().map(str::to_owned) else { return answers };
        body = json!({"cursor": cursor});
    }
}

/// How many items all answers together say that they have indexed.
fn indexed(answers: &[Value]) -> u64 {
    answers.iter().map(|answer| answer["indexed"].as_u64().unwrap()).sum()
}

/// What an item has that an earlier release's has not.
fn added(key: &str) -> &'static [&'static str] {
    if key.starts_with("order#") { &["lookup", "lookup_at", "state", "moved_at", "found_as"] } else { &["lookup", "lookup_at"] }
}

/// Leaves an item as an earlier release has stored it.
async fn age(story: &Story, key: &str) {
    for attribute in added(key) {
        story.environment.forget(TABLE, key, attribute).await;
    }
}

/// An order with an attempt, both as an earlier release has stored them; the attempt's id and the provider's.
async fn aged(story: &Story) -> (String, String) {
    push(story, "one", "A-17", PHONE).await;
    let payment = pay(story, "one", "yookassa/card").await;
    let provider_id = story.payment(&payment).await["provider_id"].as_str().unwrap().to_owned();
    age(story, "order#one").await;
    age(story, &format!("payment#{payment}")).await;
    let alias = AttributeValue::S("alias#one#A-17".to_owned());
    story.environment.dynamodb().delete_item().table_name(TABLE).key("pk", alias).send().await.unwrap();
    (payment, provider_id)
}

/// Whether the order is found by public id, provider's id, phone and day.
async fn finds(story: &Story, provider_id: &str) -> [bool; 4] {
    let by = async |body: Value| uuids(&found(story, body).await) == ["one"];
    let day = story.environment.clock().now().day(MOSCOW);
    let list = story.back_office(get("orders").key(VIEWER_KEY).query("day", &day).rest()).await.json();
    let by_phone = found(story, json!({"phone": PHONE})).await;
    [
        by(json!({"public_id": "A-17"})).await,
        by(json!({"provider_id": provider_id})).await,
        uuids(&by_phone).contains(&"one"),
        in_order(&list) == ["one"],
    ]
}

#[tokio::test]
async fn what_was_stored_before_is_found_after_it_and_keeps_all_else() {
    let story = with_cards().await;
    let (payment, provider_id) = aged(&story).await;
    let keys = ["order#one".to_owned(), format!("payment#{payment}")];
    for key in &keys {
        let of_tomorrow = |item: &mut HashMap<String, AttributeValue>| {
            item.insert("of_tomorrow".to_owned(), AttributeValue::S("kept".to_owned()));
        };
        story.environment.edit(TABLE, key, of_tomorrow).await;
    }
    assert_eq!(finds(&story, &provider_id).await, [false; 4]);
    let stored = async || {
        let mut items = Vec::new();
        for key in &keys {
            items.push(story.environment.item(TABLE, key).await.unwrap());
        }
        items
    };
    let before = stored().await;
    let answers = run(&story).await;
    assert_eq!((answers.len(), indexed(&answers)), (1, 2), "{answers:?}");
    assert_eq!(finds(&story, &provider_id).await, [true; 4]);
    let after = stored().await;
    for ((key, before), after) in keys.iter().zip(&before).zip(&after) {
        let mut rest = after.clone();
        for attribute in added(key) {
            assert!(rest.as_object_mut().unwrap().remove(*attribute).is_some(), "{key} {attribute}");
        }
        assert_eq!(&rest, before, "its version too");
    }
    // Again: there is nothing to do.
    assert_eq!(indexed(&run(&story).await), 0);
    assert_eq!(stored().await, after);
}

/// 1,070 items, more than one call looks at, most of them orders of an earlier release.
async fn many(story: &Story) {
    let text = |text: String| AttributeValue::S(text);
    let number = |number: i64| AttributeValue::N(number.to_string());
    let said_at = story.environment.clock().now().millis();
    let puts: Vec<_> = (0..1_070)
        .map(|index| {
            let mut item = HashMap::from([
                ("pk".to_owned(), text(format!("order#{index}"))),
                ("schema".to_owned(), number(1)),
                ("version".to_owned(), number(1)),
                ("said_at".to_owned(), number(said_at)),
            ]);
            // What the index cannot be told, or need not be: other kinds, orders without a moment, a newer release's.
            match index % 100 {
                0 => drop(item.insert("pk".to_owned(), text(format!("look#{index}")))),
                1 => drop(item.remove("said_at")),
                2 => drop(item.insert("schema".to_owned(), number(99))),
                _ => {}
            }
            WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
        })
        .collect();
    for batch in puts.chunks(25) {
        let written = story.environment.dynamodb().batch_write_item().request_items(TABLE, batch.to_vec()).send().await.unwrap();
        assert!(written.unprocessed_items.unwrap_or_default().is_empty());
    }
}

#[tokio::test]
async fn it_goes_on_where_it_ended_and_a_call_is_bounded() {
    let story = Story::start().await;
    many(&story).await;
    let _ = story.environment.store_calls();
    let first = ask(&story, json!({})).await.json();
    let calls = story.environment.store_calls();
    let scans = calls.iter().filter(|call| *call == "Scan").count();
    assert!(scans <= 20 && calls.len() <= 20 + 1_000, "{} calls", calls.len());
    assert!(first["seen"].as_u64().unwrap() <= 1_000, "{first}");
    let cursor = first["cursor"].as_str().unwrap_or_else(|| panic!("{first}"));
    let mut answers = vec![first.clone()];
    let mut next = Some(cursor.to_owned());
    while let Some(cursor) = next {
        let answer = ask(&story, json!({"cursor": cursor})).await.json();
        next = answer["cursor"].as_str().map(str::to_owned);
        answers.push(answer);
    }
    let seen: u64 = answers.iter().map(|answer| answer["seen"].as_u64().unwrap()).sum();
    assert_eq!((seen, indexed(&answers)), (1_070, 1_070 - 3 * 11));
    assert_eq!(indexed(&run(&story).await), 0);
    // Once more from the first cursor: a call that was repeated does no harm.
    assert_eq!(ask(&story, json!({"cursor": cursor})).await.json()["indexed"], json!(0));
    let left = story.environment.items(TABLE, "order#").await;
    let untold = left.iter().filter(|item| item.get("state").is_none()).count();
    assert_eq!(untold, 2 * 11);
}

#[tokio::test]
async fn beside_other_writes_neither_loses_anything() {
    let story = with_cards().await;
    let (payment, provider_id) = aged(&story).await;
    let mut others = Vec::new();
    for number in 0..30 {
        let uuid = format!("order-{number}");
        push(&story, &uuid, &format!("P-{number}"), "+7 916 123-45-68").await;
        age(&story, &format!("order#{uuid}")).await;
        others.push(uuid);
    }
    // Each is said anew, and one is paid anew, while two runs index them.
    let writes = async {
        for uuid in &others {
            push(&story, uuid, &format!("Q-{uuid}"), "+7 916 123-45-68").await;
        }
    };
    let (first, second, ()) = tokio::join!(run(&story), run(&story), writes);
    assert!(indexed(&first) + indexed(&second) >= 1);
    run(&story).await;
    for uuid in &others {
        let stored = story.environment.item(TABLE, &format!("order#{uuid}")).await.unwrap();
        assert_eq!(stored["public_id"], json!(format!("Q-{uuid}")), "what was written stays");
        assert_eq!(stored["version"], json!(2), "nothing but a write counts");
        assert_eq!(uuids(&found(&story, json!({"public_id": format!("Q-{uuid}")})).await), [uuid.as_str()]);
    }
    assert_eq!(finds(&story, &provider_id).await[..3], [true; 3]);
    assert_eq!(story.payment(&payment).await["state"], "pending");
}

#[tokio::test]
async fn a_write_that_was_begun_before_it_is_made_after_it() {
    let story = with_cards().await;
    let (payment, _) = aged(&story).await;
    let key = format!("payment#{payment}");
    let version = story.environment.item(TABLE, &key).await.unwrap()["version"].as_i64().unwrap();
    run(&story).await;
    // As another function writes that has read the payment before.
    let write = story.environment.dynamodb().update_item().table_name(TABLE).key("pk", AttributeValue::S(key.clone()));
    let write = write.update_expression("SET version = :next").condition_expression("version = :before");
    let write = write.expression_attribute_values(":next", AttributeValue::N((version + 1).to_string()));
    let write = write.expression_attribute_values(":before", AttributeValue::N(version.to_string()));
    write.send().await.expect("its version is still the same");
}

#[tokio::test]
async fn what_is_no_request_of_it_is_refused() {
    let story = Story::start().await;
    push(&story, "one", "A-17", PHONE).await;
    for (body, named) in [
        (json!({"cursor": "zz"}), "cursor"),
        (json!({"cursor": ""}), "cursor"),
        (json!({"cursor": null}), "cursor"),
        (json!({"cursor": 7}), "cursor"),
        (json!({"cursor": hex::encode("pk\tSorder#one")}), "cursor"),
        (json!({"cursor": hex::encode("list\tSother\npk\tSorder#one")}), "cursor"),
        (json!({"cursor": hex::encode("list\tSreindex\nlookup\tSx\npk\tSorder#one")}), "cursor"),
        (json!({"cursor": hex::encode(format!("list\tSreindex\npk\tS{}", "x".repeat(2_049)))}), "cursor"),
        (json!({"limit": 5}), "limit"),
        (json!([]), ""),
    ] {
        let answer = ask(&story, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains(named), "{body}: {}", answer.body);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_holds_up_nothing() {
    let story = with_cards().await;
    let (payment, provider_id) = aged(&story).await;
    push(&story, "odd", "A-18", PHONE).await;
    age(&story, "order#odd").await;
    let odd = |item: &mut HashMap<String, AttributeValue>| {
        item.insert("public_id".to_owned(), AttributeValue::S("x".repeat(300)));
    };
    story.environment.edit(TABLE, "order#odd", odd).await;
    let answers = run(&story).await;
    assert_eq!(answers[0]["unreadable"], json!(["order#odd"]), "{answers:?}");
    assert_eq!(finds(&story, &provider_id).await[..3], [true; 3], "{payment}");
}

#[tokio::test]
async fn it_comes_to_its_end_on_every_store() {
    for (name, modes) in Modes::realities() {
        let story = with_cards().await;
        let day = story.environment.clock().now().day(MOSCOW);
        let (_, provider_id) = aged(&story).await;
        for number in 0..5 {
            let uuid = format!("order-{number}");
            push(&story, &uuid, &format!("P-{number}"), "+7 916 123-45-68").await;
            age(&story, &format!("order#{uuid}")).await;
        }
        story.environment.let_store(modes).await;
        let mut left = 10;
        while ask(&story, json!({})).await.status != 200 {
            left -= 1;
            assert!(left > 0, "{name}: it ends, if not at once");
        }
        // What an index shows late.
        story.environment.advance(Duration::from_secs(2));
        assert_eq!(finds(&story, &provider_id).await[..3], [true; 3], "{name}");
        let list = story.back_office(get("orders").key(VIEWER_KEY).query("day", &day).rest()).await.json();
        let mut all = in_order(&list);
        all.sort_unstable();
        assert_eq!(all, ["one", "order-0", "order-1", "order-2", "order-3", "order-4"], "{name}");
    }
}

/// An erasure by the customer's phone.
async fn erase(story: &Story) -> Answer {
    Box::pin(story.back_office(post("erasures").key(OPERATOR_KEY).json(json!({"phone": PHONE})).rest())).await
}

async fn knows_its_customer(story: &Story) -> bool {
    story.environment.item(TABLE, "order#one").await.unwrap().get("phone").is_some()
}

#[tokio::test]
async fn an_erasure_finds_what_an_earlier_release_has_stored_and_is_complete_a_minute_after_it_was_indexed() {
    let story = Story::start().await;
    push(&story, "one", "A-17", PHONE).await;
    age(&story, "order#one").await;
    let first = erase(&story).await.json();
    assert_eq!((&first["orders"], &first["complete"], &first["repeat_in_seconds"]), (&json!(1), &json!(false), &json!(60)));
    assert!(!knows_its_customer(&story).await);
    let scans = |calls: Vec<String>| calls.iter().filter(|call| *call == "Scan").count();
    assert_eq!(scans(story.environment.store_calls()), 1);
    story.environment.advance(Duration::from_secs(61));
    let second = erase(&story).await.json();
    assert_eq!((&second["orders"], &second["complete"]), (&json!(0), &json!(true)));
    assert_eq!(scans(story.environment.store_calls()), 0, "once for all");
}

#[tokio::test]
async fn an_erasure_is_incomplete_until_all_that_is_stored_was_indexed() {
    let story = Story::start().await;
    push(&story, "one", "A-17", PHONE).await;
    age(&story, "order#one").await;
    many(&story).await;
    for _ in 0..3 {
        let answer = erase(&story).await;
        assert_eq!((answer.status, &answer.json()["code"]), (503, &json!("incomplete")));
        story.environment.advance(Duration::from_secs(61));
    }
    run(&story).await;
    let late = erase(&story).await.json();
    assert_eq!((&late["success"], &late["complete"]), (&json!(true), &json!(false)), "the index may not show all yet: {late}");
    story.environment.advance(Duration::from_secs(61));
    assert_eq!(erase(&story).await.json()["complete"], json!(true));
    assert!(!knows_its_customer(&story).await);
}

#[tokio::test]
async fn who_is_forgotten_meanwhile_is_not_found_again() {
    for _ in 0..10 {
        let story = Story::start().await;
        push(&story, "one", "A-17", PHONE).await;
        age(&story, "order#one").await;
        tokio::join!(run(&story), erase(&story));
        run(&story).await;
        erase(&story).await;
        let stored = story.environment.item(TABLE, "order#one").await.unwrap();
        assert_eq!((stored.get("phone"), stored.get("lookup")), (None, None));
    }
}
