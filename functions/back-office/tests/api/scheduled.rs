//! Refunds as people ask for them: why, how much in their own way of writing, and as early as the provider takes it.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::platform::clock::Timestamp;
use standins::System;
use testkit::settings::{CASHIER_KEY, OPERATOR_KEY};
use testkit::{Answer, Event, canary};

use crate::{AMOUNT, Shop, assert_refused};

const DAY: Duration = Duration::from_hours(24);

impl Shop {
    async fn ask_refund(&self, key: &str, body: Value) -> Answer {
        self.ask(self.event("refunds", CASHIER_KEY).header("Idempotency-Key", key).json(body)).await
    }

    async fn schedule(&self, key: &str, amount: &str) -> Answer {
        self.ask_refund(key, json!({"amount": amount, "when": "earliest"})).await
    }

    async fn withdraw(&self, refund: usize) -> Answer {
        let path = format!("/v1/back-office/payments/{}/refunds/{refund}", self.payment);
        self.ask(Event::new("DELETE", &path).key(CASHIER_KEY)).await
    }

    async fn a_day_later(&self) {
        self.story.environment.advance(DAY);
        self.story.environment.tick().await;
    }
}

#[tokio::test]
async fn part_asked_for_too_early_is_made_by_the_schedule_and_told_then() {
    let shop = Shop::captured().await;
    let asked = shop.schedule("key", "300.00").await;
    let body = asked.json();
    assert_eq!((asked.status, &body["outcome"]), (202, &json!("scheduled")), "{}", asked.body);
    assert_eq!((&body["refund"]["status"], &body["payment"]["refunded"]), (&json!("scheduled"), &json!("0.00")));
    let at = body["refund"]["scheduled_for"].as_str().unwrap().to_owned();
    assert!(at.ends_with("T21:00:00Z"), "midnight in Moscow: {at}");
    assert_eq!(body["payment"]["explain"]["code"], json!("refund_scheduled"));
    assert!(body["payment"]["explain"]["actions"].as_array().unwrap().contains(&json!("withdraw")));
    assert!(shop.changing().is_empty());
    // The same key is the same refund, before and after.
    assert_eq!(shop.schedule("key", "300.00").await.json()["refund"], body["refund"]);
    assert_refused(&shop.schedule("key", "300.01").await, 409, "idempotency_key_reused", "another amount");
    shop.story.environment.poll_stream().await;
    shop.story.environment.tick().await;
    assert!(shop.changing().is_empty(), "not before its time");
    assert_eq!(shop.look().await["next_check_at"], json!(at));
    // Its time comes before the first audit look.
    let at = Timestamp::from_rfc3339(&at).unwrap();
    shop.story.environment.advance(at.since(shop.story.environment.clock().now()));
    shop.story.environment.tick().await;
    assert_eq!((shop.changing(), shop.mokka().returned.as_str()), (vec!["return"], "300.00"));
    let payment = shop.look().await;
    assert_eq!((&payment["state"], &payment["told"]), (&json!("partially_refunded"), &json!(true)), "{payment}");
    assert_eq!((&payment["refunds"][0]["status"], &payment["attention"]), (&json!("made"), &json!(false)));
    let again = shop.schedule("key", "300.00").await;
    assert_eq!((again.status, &again.json()["refund"]["status"]), (200, &json!("made")));
    shop.a_day_later().await;
    assert_eq!(shop.mokka().returns.len(), 1);
}

#[tokio::test]
async fn scheduled_refund_counts_as_taken() {
    let shop = Shop::captured().await;
    assert_eq!(shop.schedule("first", "3000.00").await.status, 202);
    assert_refused(&shop.refund("all", None).await, 409, "partial_too_early", "the rest is a part");
    assert_refused(&shop.refund("whole", Some(AMOUNT)).await, 409, "above_rest", "all of it");
    assert_refused(&shop.schedule("second", "250.01").await, 409, "above_rest", "a kopeck too much");
    assert_eq!(shop.schedule("rest", "250.00").await.status, 202);
    assert_refused(&shop.schedule("more", "0.01").await, 409, "above_rest", "nothing is left");
    let rest = shop.refund("whole-rest", None).await;
    assert_refused(&rest, 409, "above_rest", "nothing is left");
    assert!(rest.json()["error"].as_str().unwrap().contains("withdraw one of them first"), "{}", rest.body);
    shop.a_day_later().await;
    shop.story.environment.advance(Duration::from_mins(2));
    shop.story.environment.tick().await;
    assert_eq!((shop.mokka().returned.as_str(), shop.state().await.as_str()), (AMOUNT, "refunded"));
}

#[tokio::test]
async fn parallel_schedulings_never_take_more_than_was_captured() {
    let shop = Shop::captured().await;
    let keys: Vec<_> = (0..12).map(|number| format!("key-{}", number / 2)).collect();
    let answers = join_all(keys.iter().map(|key| shop.schedule(key, "1000.00"))).await;
    let taken = answers.iter().filter(|answer| answer.status == 202).count();
    assert!(taken <= 6, "{taken}");
    let payment = shop.look().await;
    assert_eq!(payment["refunds"].as_array().unwrap().len(), 3, "{payment}");
}

#[tokio::test]
async fn withdrawn_refund_is_not_made_and_its_amount_is_free_again() {
    let shop = Shop::captured().await;
    assert_eq!(shop.schedule("key", "3000.00").await.status, 202);
    let withdrawn = shop.withdraw(1).await;
    assert_eq!((withdrawn.status, &withdrawn.json()["refund"]["status"]), (200, &json!("withdrawn")), "{}", withdrawn.body);
    assert_eq!(shop.withdraw(1).await.status, 200, "again");
    assert_refused(&shop.schedule("key", "3000.00").await, 409, "refund_withdrawn", "its key");
    assert_eq!(shop.withdraw(2).await.status, 404);
    shop.a_day_later().await;
    assert!(shop.changing().is_empty());
    assert_eq!(shop.refund("other", Some("3000.00")).await.status, 200);
    assert_refused(&shop.withdraw(2).await, 409, "not_scheduled", "it is made");
    assert_eq!(shop.mokka().returned, "3000.00");
}

#[tokio::test]
async fn refund_that_is_withdrawn_while_its_time_comes_is_either_made_or_withdrawn() {
    for _ in 0..5 {
        let shop = Shop::captured().await;
        assert_eq!(shop.schedule("key", "300.00").await.status, 202);
        shop.story.environment.advance(DAY);
        let withdrawals = join_all((0..6).map(|_| shop.withdraw(1)));
        let (answers, _) = tokio::join!(withdrawals, shop.story.environment.tick());
        let withdrawn = answers.iter().filter(|answer| answer.status == 200).count();
        assert!(withdrawn == 0 || withdrawn == answers.len(), "{withdrawn}");
        let payment = shop.look().await;
        let expected = if withdrawn == 0 { ("made", "300.00", 1) } else { ("withdrawn", "0.00", 0) };
        let seen = (&payment["refunds"][0]["status"], &payment["refunded"], shop.mokka().returns.len());
        assert_eq!(seen, (&json!(expected.0), &json!(expected.1), expected.2), "{payment}");
    }
}

#[tokio::test]
async fn whole_refund_and_one_that_is_not_early_are_made_at_once() {
    let shop = Shop::captured().await;
    let all = shop.ask_refund("all", json!({"when": "earliest"})).await;
    assert_eq!((all.status, shop.mokka().returned.as_str()), (200, AMOUNT), "{}", all.body);
    let shop = Shop::captured_yesterday().await;
    let part = shop.schedule("part", "300.00").await;
    assert_eq!((part.status, shop.mokka().returned.as_str()), (200, "300.00"), "{}", part.body);
    assert_eq!(part.json()["refund"]["scheduled_for"], json!(null));
}

#[tokio::test]
async fn refusal_of_a_scheduled_refund_is_a_persons() {
    let shop = Shop::captured().await;
    assert_eq!(shop.schedule("key", "300.00").await.status, 202);
    shop.story.environment.standins().fault(System::Mokka, "return", "status:32".parse().unwrap(), 1).unwrap();
    shop.a_day_later().await;
    let payment = shop.look().await;
    assert_eq!((&payment["refunds"][0]["status"], &payment["attention"]), (&json!("refused"), &json!(true)), "{payment}");
    assert_eq!(payment["explain"]["code"], json!("scheduled_refund_refused"));
    // It takes nothing of the rest, and is not tried again.
    shop.a_day_later().await;
    assert_eq!(shop.changing(), ["return"]);
    // Seen.
    let seen = shop.settle().await.json()["payment"].clone();
    assert_eq!((&seen["attention"], &seen["explain"]["code"]), (&json!(false), &json!("captured")), "{seen}");
    assert_eq!(shop.refund("again", Some("300.00")).await.status, 200);
}

#[tokio::test]
async fn what_was_given_back_beside_a_scheduled_refund_ends_it() {
    let shop = Shop::captured().await;
    assert_eq!(shop.schedule("key", "300.00").await.status, 202);
    shop.story.environment.standins().give_back_at_mokka(&shop.payment, AMOUNT).unwrap();
    assert_eq!(shop.settle().await.status, 200);
    let payment = shop.look().await;
    assert_eq!((&payment["state"], &payment["refunds"][0]["status"]), (&json!("refunded"), &json!("withdrawn")), "{payment}");
    shop.a_day_later().await;
    assert!(shop.changing().is_empty());
}

#[tokio::test]
async fn scheduled_refund_waits_for_a_provider_that_is_down() {
    let shop = Shop::captured().await;
    assert_eq!(shop.schedule("key", "300.00").await.status, 202);
    shop.story.environment.advance(DAY);
    shop.story.environment.standins().fault(System::Mokka, "status", "http500".parse().unwrap(), 3).unwrap();
    shop.story.environment.tick().await;
    assert!(shop.changing().is_empty());
    for _ in 0..5 {
        shop.story.environment.advance(Duration::from_mins(2));
        shop.story.environment.tick().await;
    }
    assert_eq!(shop.mokka().returned, "300.00");
}

#[tokio::test]
async fn amounts_are_numbers_or_texts() {
    for (amount, made) in [
        (json!(300), "300.00"),
        (json!(300.5), "300.50"),
        (json!("300"), "300.00"),
        (json!("300.5"), "300.50"),
        (json!(0.01), "0.01"),
    ] {
        let shop = Shop::captured_yesterday().await;
        let answer = shop.ask_refund("key", json!({"amount": amount})).await;
        assert_eq!((answer.status, shop.mokka().returned.as_str()), (200, made), "{amount}: {}", answer.body);
    }
    let shop = Shop::captured_yesterday().await;
    for amount in [
        json!("1.500"),
        json!(-1),
        json!("-1"),
        json!(0),
        json!(1.005),
        json!("1,5"),
        json!(null),
        json!([1]),
        json!(true),
        json!(""),
    ] {
        let answer = shop.ask_refund("key", json!({"amount": amount})).await;
        assert_eq!(answer.status, 400, "{amount}: {}", answer.body);
        assert!(answer.body.contains("`amount`"), "{amount}: {}", answer.body);
    }
    assert!(shop.changing().is_empty());
}

#[tokio::test]
async fn grounds_are_kept_and_told_to_nobody_outside() {
    let shop = Shop::captured_yesterday().await;
    let note = "Айгүл позвонила: чайник течёт";
    let answer = shop.ask_refund("key", json!({"amount": 300, "reason": "defect", "note": note})).await;
    let refund = answer.json()["refund"].clone();
    assert_eq!((&refund["refund_reason"], &refund["note"]), (&json!("defect"), &json!(note)), "{}", answer.body);
    assert_eq!(shop.look().await["refunds"][0], refund);
    shop.story.environment.tick().await;
    let told: Vec<_> =
        shop.story.environment.standins().calls(None).iter().map(|call| format!("{} {}", call.raw, call.path)).collect();
    assert!(!told.is_empty() && !told.iter().any(|body| body.contains("течёт") || body.contains("defect")), "{told:?}");
    for (body, field) in [
        (json!({"reason": "broken"}), "`reason`"),
        (json!({"reason": null}), "`reason`"),
        (json!({"note": ""}), "`note`"),
        (json!({"note": "a".repeat(301)}), "`note`"),
        (json!({"note": "a\nb"}), "`note`"),
        (json!({"when": "tomorrow"}), "`when`"),
        (json!({"when": null}), "`when`"),
    ] {
        let answer = shop.ask_refund("other", body.clone()).await;
        assert!(answer.status == 400 && answer.body.contains(field), "{body}: {}", answer.body);
    }
    assert_eq!(shop.ask_refund("longest", json!({"amount": 1, "note": "й".repeat(300)})).await.status, 200);
}

#[tokio::test]
async fn notes_go_with_the_person_and_scheduled_refunds_keep_them_until_then() {
    let shop = Shop::captured().await;
    let scheduled = json!({"amount": 300, "when": "earliest", "note": "Айгүл", "reason": "other"});
    assert_eq!(shop.ask_refund("key", scheduled).await.status, 202);
    let erase = || shop.ask(crate::post("erasures").key(OPERATOR_KEY).json(json!({"phone": canary::PHONE})));
    let open = erase().await.json();
    assert_eq!(open["orders_open"], json!(1), "{open}");
    assert_eq!(shop.look().await["refunds"][0]["note"], json!("Айгүл"));
    shop.a_day_later().await;
    assert_eq!(erase().await.json()["orders_open"], json!(0), "it has forgotten by itself");
    let refund = shop.look().await["refunds"][0].clone();
    assert_eq!((&refund["note"], &refund["refund_reason"], &refund["status"]), (&json!(null), &json!("other"), &json!("made")));
}

/// An earlier release knows neither state: it counts the one as taken, and the other as not.
#[tokio::test]
async fn states_of_scheduled_refunds_are_stored_so_that_earlier_releases_read_them() {
    let shop = Shop::captured().await;
    assert_eq!(shop.schedule("key", "300.00").await.status, 202);
    let status = async || {
        let stored = shop.stored().await;
        stored["refunds"][0]["status"].clone()
    };
    assert_eq!(status().await, json!("waiting"));
    assert_eq!(shop.withdraw(1).await.status, 200);
    assert_eq!(status().await, json!("refused"));
}
