//! `refunds`, and a person's decision on one of unknown outcome.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use standins::{Fault, System};
use testkit::Answer;
use testkit::settings::CASHIER_KEY;

use crate::{AMOUNT, Shop, assert_answer, assert_refused};

impl Shop {
    async fn lose_the_answer_of_a_return(&self, fault: &str) -> Answer {
        self.story.environment.standins().fault(System::Mokka, "return", fault.parse::<Fault>().unwrap(), 1).unwrap();
        self.refund("lost", Some("300.00")).await
    }
}

#[tokio::test]
async fn everything_is_given_back_on_the_same_day() {
    let shop = Shop::captured().await;
    let answer = shop.refund("all", None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_answer!("refunded", answer);
    assert_eq!(shop.called(), ["status", "return"]);
    assert_eq!((shop.mokka().returned.as_str(), shop.state().await.as_str()), (AMOUNT, "refunded"));
}

#[tokio::test]
async fn parts_are_given_back_from_the_next_day_on_until_nothing_is_left() {
    let shop = Shop::captured().await;
    let early = shop.refund("early", Some("300.00")).await;
    assert_refused(&early, 409, "partial_too_early", "on the same day");
    assert!(early.json()["error"].as_str().unwrap().contains("T21:00:00Z"), "midnight in Moscow: {}", early.body);
    shop.story.environment.advance(Duration::from_hours(24));
    let first = shop.refund("first", Some("300.00")).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert_answer!("partially_refunded", first);
    assert_refused(&shop.refund("too-much", Some("2950.01")).await, 409, "above_rest", "kopeck too much");
    let rest = shop.refund("rest", None).await;
    assert_eq!((rest.status, &rest.json()["refund"]["amount"]), (200, &json!("2950.00")));
    assert_eq!(shop.state().await, "refunded");
    assert_refused(&shop.refund("more", None).await, 409, "nothing_to_refund", "all is given back");
    let returns: Vec<_> = shop.mokka().returns.iter().map(|one| one.amount.clone()).collect();
    assert_eq!(returns, ["300.00", "2950.00"]);
}

#[tokio::test]
async fn an_amount_that_counts_what_we_gave_back_is_no_mismatch() {
    let shop = Shop::captured_yesterday().await;
    shop.story.environment.standins().set_reading("amount_after_return", "rest").unwrap();
    assert_eq!(shop.refund("first", Some("300.00")).await.status, 200);
    assert_eq!(shop.refund("second", Some("200.00")).await.status, 200);
    shop.story.environment.advance(Duration::from_hours(8 * 24));
    shop.story.environment.tick().await;
    let seen = shop.settle().await;
    assert_eq!(seen.json()["payment"]["mismatch"], json!(null), "{}", seen.body);
    assert_eq!(shop.refund("rest", None).await.status, 200);
    let seen = shop.settle().await.json()["payment"].clone();
    assert_eq!((&seen["state"], &seen["refunded"], &seen["mismatch"]), (&json!("refunded"), &json!(AMOUNT), &json!(null)));
}

#[tokio::test]
async fn the_same_key_is_the_same_refund() {
    let shop = Shop::captured_yesterday().await;
    let first = shop.refund("key", Some("300.00")).await;
    shop.story.environment.standins().forget_calls();
    for _ in 0..3 {
        let again = shop.refund("key", Some("300.00")).await;
        assert_eq!((again.status, again.json()), (200, first.json()));
    }
    assert_refused(&shop.refund("key", Some("300.01")).await, 409, "idempotency_key_reused", "another amount");
    assert_refused(&shop.refund("key", None).await, 409, "idempotency_key_reused", "the whole rest");
    assert!(shop.called().is_empty(), "nothing of it needs Mokka");
    // Everything that was left is still everything that was left.
    let all = shop.refund("all", None).await;
    assert_eq!(all.json()["refund"]["amount"], json!("2950.00"));
    assert_eq!(shop.refund("all", None).await.json(), all.json());
    assert_eq!(shop.mokka().returns.len(), 2);
    // A key belongs to its payment.
    let order = shop.story.order().await;
    shop.story.create(&order).await;
    shop.story.decide(&order.payment(1), standins::Decision::Approved).await;
    shop.story.callback(&order.payment(1), "approved").await;
    let other = Shop { payment: order.payment(1), order, story: shop.story };
    assert_eq!(other.finish().await.status, 200);
    assert_eq!(other.refund("key", None).await.status, 200);
    assert_eq!(other.mokka().returned, AMOUNT);
}

#[tokio::test]
async fn a_refused_refund_stays_refused_under_its_key() {
    let shop = Shop::captured_yesterday().await;
    shop.story.environment.standins().fault(System::Mokka, "return", "status:32".parse().unwrap(), 1).unwrap();
    let refused = shop.refund("key", Some("300.00")).await;
    assert_refused(&refused, 502, "provider_refused", "first");
    assert_answer!("refund_refused", refused);
    let again = shop.refund("key", Some("300.00")).await;
    assert_refused(&again, 502, "provider_refused", "again");
    assert_eq!(shop.changing(), ["return"], "the key is used up");
    let other = shop.refund("other", Some("3250.00")).await;
    assert_eq!((other.status, shop.mokka().returned.as_str()), (200, AMOUNT), "a refused refund takes nothing of the rest");
}

#[tokio::test]
async fn partial_refund_without_answer_waits_for_review() {
    for (fault, made) in [("answer_lost", true), ("reset", false), ("http500", false), ("html", false)] {
        let shop = Shop::captured_yesterday().await;
        let unknown = shop.lose_the_answer_of_a_return(fault).await;
        assert_eq!((unknown.status, &unknown.json()["outcome"]), (202, &json!("unknown")), "{fault}: {}", unknown.body);
        assert_eq!(unknown.json()["refund"]["status"], json!("pending"), "{fault}");
        if made {
            assert_answer!("refund_unknown", unknown);
        }
        // However often it is looked at, the money is not sent again.
        assert_eq!(shop.refund("lost", Some("300.00")).await.status, 202, "{fault}: the same key");
        assert_eq!(shop.settle().await.status, 200, "{fault}");
        shop.story.environment.advance(Duration::from_hours(1));
        shop.story.environment.tick().await;
        assert_refused(&shop.refund("other", Some("1.00")).await, 409, "in_progress", fault);
        assert_eq!(shop.changing(), ["return"], "{fault}");

        let decided = shop.outcome(1, made).await;
        assert_eq!(decided.status, 200, "{fault}: {}", decided.body);
        let (status, refunded, state) =
            if made { ("made", "300.00", "partially_refunded") } else { ("refused", "0.00", "captured") };
        let body = decided.json();
        assert_eq!((&body["refund"]["status"], &body["payment"]["refunded"]), (&json!(status), &json!(refunded)), "{fault}");
        assert_eq!((shop.state().await.as_str(), shop.mokka().returned.as_str()), (state, refunded), "{fault}");
        let last = body["payment"]["history"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["by"], json!("back-office:cashier"), "who said so");
        // It is decided, whoever repeats the request.
        assert_refused(&shop.outcome(1, !made).await, 409, "refund_decided", fault);
        let again = shop.refund("lost", Some("300.00")).await;
        if made {
            assert_eq!(again.status, 200, "{}", again.body);
        } else {
            assert_refused(&again, 409, "not_made", fault);
        }
        assert_eq!(shop.refund("next", Some("100.00")).await.status, 200, "{fault}: the way is free");
    }
}

#[tokio::test]
async fn full_refund_without_answer_is_resolved() {
    for fault in ["answer_lost", "reset", "http500", "html"] {
        let shop = Shop::captured().await;
        shop.story.environment.standins().fault(System::Mokka, "return", fault.parse::<Fault>().unwrap(), 1).unwrap();
        let answer = shop.refund("all", None).await;
        assert_eq!(answer.status, if fault == "answer_lost" { 200 } else { 202 }, "{fault}: {}", answer.body);
        shop.story.environment.advance(Duration::from_mins(2));
        shop.story.environment.tick().await;
        assert_eq!((shop.state().await.as_str(), shop.mokka().returned.as_str()), ("refunded", AMOUNT), "{fault}");
        shop.assert_asked_before_each(fault);
    }
}

#[tokio::test]
async fn refund_decision_against_mokka_status_is_refused() {
    // Everything was asked back and the answers were lost: Mokka will show it when it was given back.
    let shop = Shop::captured().await;
    shop.story.environment.standins().fault(System::Mokka, "return", Fault::Reset, 1).unwrap();
    assert_eq!(shop.refund("all", None).await.status, 202);
    assert_refused(&shop.outcome(1, true).await, 409, "mismatch", "Mokka still has the money");
    shop.story.environment.standins().set_mokka_status(&shop.payment, "refunded").unwrap();
    assert_refused(&shop.outcome(1, false).await, 409, "refund_decided", "Mokka has given it back");
    assert_eq!(shop.look().await["refunded"], json!(AMOUNT));

    // While Mokka cannot be asked nothing is decided.
    let shop = Shop::captured_yesterday().await;
    shop.lose_the_answer_of_a_return("reset").await;
    shop.story.environment.standins().fault(System::Mokka, "status", Fault::Http500, 2).unwrap();
    assert_refused(&shop.outcome(1, false).await, 503, "provider_unavailable", "down");
    assert_eq!(shop.outcome(1, false).await.status, 200);
}

#[tokio::test]
async fn only_a_refund_that_waits_can_be_decided() {
    let shop = Shop::captured_yesterday().await;
    shop.refund("made", Some("300.00")).await;
    let path = |refund: &str| shop.event(&format!("refunds/{refund}/outcome"), CASHIER_KEY).json(json!({"made": true}));
    assert_refused(&shop.ask(path("1")).await, 409, "refund_decided", "made");
    for unknown in ["0", "2", "-1", "01", "+1", "1.0", "x", "99999999999999999999999", "18446744073709551615"] {
        assert_eq!(shop.ask(path(unknown)).await.status, 404, "{unknown}");
    }
    for body in [json!({}), json!({"made": "true"}), json!({"made": null}), json!({"made": true, "x": 1}), Value::Null] {
        let event = shop.event("refunds/1/outcome", CASHIER_KEY).json(body.clone());
        assert_eq!(shop.ask(event).await.status, 400, "{body}");
    }
    assert_eq!(shop.mokka().returned, "300.00");
}

#[tokio::test]
async fn a_key_is_the_same_key_with_and_without_quotes() {
    let shop = Shop::captured_yesterday().await;
    for (key, other) in [("plain", "\"plain\""), ("\"quoted\"", "quoted")] {
        for key in [key, other, key] {
            let answer = shop.refund(key, Some("300.00")).await;
            assert_eq!((answer.status, &answer.json()["refund"]["status"]), (200, &json!("made")), "{key}: {}", answer.body);
        }
    }
    assert_eq!(shop.changing(), ["return", "return"], "one for each key");
    // A refund that an earlier release has made with the quotes for a part of its key.
    let stored = shop.stored().await;
    let hash = shared::platform::secret::sha256_hex(&format!("{} \"plain\"", shop.payment));
    let update = shop.story.environment.dynamodb().update_item().table_name("order-holds");
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let update =
        update.key("pk", text(&format!("payment#{}", shop.payment))).update_expression("SET refunds[0].key_hash = :hash");
    update.expression_attribute_values(":hash", text(&hash)).send().await.unwrap();
    for key in ["\"plain\"", "plain"] {
        assert_eq!(shop.refund(key, Some("300.00")).await.json()["refund"]["refund"], 1, "{key}");
    }
    assert_eq!(shop.stored().await["refunds"].as_array().unwrap().len(), stored["refunds"].as_array().unwrap().len());
    assert_eq!(shop.mokka().returned, "600.00");
}

#[tokio::test]
async fn a_refund_needs_a_key_and_an_amount_that_is_meant() {
    let shop = Shop::captured_yesterday().await;
    let event = |key: &str| shop.event("refunds", CASHIER_KEY).header("Idempotency-Key", key);
    let no_key = shop.ask(shop.event("refunds", CASHIER_KEY)).await;
    assert_eq!(no_key.status, 400);
    assert!(no_key.json()["error"].as_str().unwrap().contains("`Idempotency-Key`"), "{}", no_key.body);
    let (long, long_in_quotes) = ("k".repeat(101), format!("\"{}\"", "k".repeat(101)));
    for key in
        ["", " ", "with space", "ключ", &long, &long_in_quotes, "\"", "\"\"", "\"open", "a\"b", "a\\b", "\"a\";b", "\"\"a\"\""]
    {
        let answer = shop.ask(event(key)).await;
        assert_eq!(answer.status, 400, "{key}");
        assert!(answer.json()["error"].as_str().unwrap().contains("1 to 100 visible ASCII"), "{}", answer.body);
    }
    for body in [
        json!({"amont": "300.00"}),
        json!({"Amount": "300.00"}),
        json!({"amount": null}),
        json!({"amount": ""}),
        json!({"amount": "300.000"}),
        json!({"amount": "300.001"}),
        json!({"amount": "300,00"}),
        json!({"amount": "-300.00"}),
        json!({"amount": "0.00"}),
        json!({"amount": "-0.00"}),
        json!({"amount": "99999999999999999999.00"}),
        json!({"amount": true}),
        json!({"amount": ["300.00"]}),
        json!({"amount": {"value": "300.00"}}),
    ] {
        let answer = shop.ask(event("k").json(body.clone())).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        assert!(answer.json()["error"].as_str().unwrap().contains("amo") || body.get("Amount").is_some(), "{}", answer.body);
    }
    for text in ["[]", "null", "\"300.00\"", "{\"amount\":\"1.00\",\"amount\":\"2.00\"}", "{\"amount\":1e400}"] {
        assert_eq!(shop.ask(event("k").text(text)).await.status, 400, "{text}");
    }
    assert_eq!(shop.ask(event("k").query("amount", "300.00")).await.status, 400, "an amount in the wrong place");
    assert!(shop.called().is_empty());
    assert!(shop.look().await["refunds"].as_array().unwrap().is_empty());
    assert_eq!(shop.ask(event(&format!("\"{}\"", "k".repeat(100))).json(json!({"amount": "0.01"}))).await.status, 200);
}

#[tokio::test]
async fn a_hundred_refunds_are_enough() {
    let shop = Shop::captured_yesterday().await;
    assert_eq!(shop.refund("key", Some("1.00")).await.status, 200);
    // As if it had happened 98 times more; the provider's books do not matter here.
    let often = |item: &mut HashMap<String, AttributeValue>| {
        let Some(AttributeValue::L(refunds)) = item.get_mut("refunds") else { panic!("a list") };
        *refunds = vec![refunds[0].clone(); 99];
    };
    shop.story.environment.edit("order-holds", &format!("payment#{}", shop.payment), often).await;
    assert_eq!(shop.refund("the-hundredth", Some("1.00")).await.status, 200);
    assert_refused(&shop.refund("one-more", Some("1.00")).await, 409, "too_many_refunds", "101");
    assert_eq!(shop.mokka().returned, "2.00");
}

#[tokio::test]
async fn a_refund_that_was_made_although_mokka_says_100_is_made_once() {
    let shop = Shop::captured_yesterday().await;
    let standins = shop.story.environment.standins();
    standins.set_reading("cannot_process", "done").unwrap();
    standins.fault(System::Mokka, "return", Fault::Refused, 1).unwrap();
    let answer = shop.refund("key", Some("300.00")).await;
    assert_eq!((answer.status, &answer.json()["outcome"]), (202, &json!("unknown")), "{}", answer.body);
    assert_refused(&shop.refund("second", Some("300.00")).await, 409, "in_progress", "the cashier tries again");
    shop.story.environment.advance(Duration::from_hours(2));
    shop.story.environment.tick().await;
    assert_eq!((shop.changing(), shop.mokka().returned.as_str()), (vec!["return"], "300.00"));
    assert_eq!(shop.look().await["attention"], json!(true), "of a part only a person can tell");
    assert_eq!(shop.outcome(1, true).await.status, 200);
    assert_eq!(shop.look().await["refunded"], json!("300.00"));
}

#[tokio::test]
async fn refund_unseen_in_status_is_repeated_once_then_reviewed() {
    let shop = Shop::captured_yesterday().await;
    let standins = shop.story.environment.standins();
    standins.set_reading("status_after_return", "finished").unwrap();
    assert_eq!(shop.refund("part", Some("1000.00")).await.status, 200);
    standins.fault(System::Mokka, "return", Fault::AnswerLost, 1).unwrap();
    assert_eq!(shop.refund("rest", None).await.status, 202);
    assert_refused(&shop.outcome(2, true).await, 409, "mismatch", "before the repeat");
    for _ in 0..8 {
        shop.story.environment.advance(Duration::from_mins(10));
        shop.story.environment.tick().await;
    }
    assert_eq!(shop.changing(), ["return", "return", "return"], "the part, the rest, and the rest once more");
    assert_eq!((shop.mokka().returned.as_str(), &shop.look().await["attention"]), (AMOUNT, &json!(true)));
    assert_eq!(shop.outcome(2, true).await.status, 200);
    assert_eq!((shop.state().await.as_str(), &shop.look().await["refunded"]), ("refunded", &json!(AMOUNT)));
}
