//! What a report does.

use futures_util::future::join_all;
use serde_json::{Value, json};
use standins::PhoneReports;
use testkit::{Event, invoke};

use super::{HANDLE, PHONE, SMS_REPORT_SECRET, Shop, report};

#[tokio::test]
async fn an_sms_is_reported_delivered() {
    let shop = Shop::start().await;
    let before = shop.sms().await;
    assert_eq!((&before["operator"], &before["range"]), (&json!("beeline"), &json!("9967701")));
    assert!(!before.to_string().contains("770102030"), "the phone is not stored: {before}");
    assert_eq!(shop.environment.push_sms_reports().await, [200]);
    let after = shop.sms().await;
    assert_eq!(after["delivery"], "delivered");
    assert!(after["reported_at"].as_i64() >= before["sent_at"].as_i64());
    assert_eq!(after["check_at"], before["check_at"], "it is counted when its code's time is over");
    assert_eq!(shop.environment.push_sms_reports().await, [0_u16; 0], "SMSPRO has nothing more to say");
}

#[tokio::test]
async fn a_report_costs_a_read_and_a_write_and_its_repetition_a_read() {
    let shop = Shop::start().await;
    let answer = shop.report(3).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"success": true})));
    assert_eq!(shop.environment.store_calls(), ["GetItem", "UpdateItem"]);
    let stored = shop.sms().await;
    assert_eq!(shop.report(3).await.status, 200);
    assert_eq!(shop.environment.store_calls(), ["GetItem"]);
    assert_eq!(shop.sms().await, stored, "a repetition is no change");
}

#[tokio::test]
async fn whatever_their_order_reports_only_move_forward() {
    let shop = Shop::start().await;
    for (word, stored) in [
        (6, "unknown"),
        (1, "sent"),
        (0, "sent"),
        (6, "sent"),
        (4, "not_delivered"),
        (7, "not_delivered"),
        (1, "not_delivered"),
        (3, "delivered"),
        (2, "delivered"),
        (1, "delivered"),
    ] {
        assert_eq!(shop.report(word).await.status, 200);
        assert_eq!(shop.word().await, stored, "after {word}");
    }
}

#[tokio::test]
async fn of_reports_all_at_once_none_that_was_taken_is_lost() {
    let shop = Shop::start().await;
    // The first write wins, the others see it and try again.
    let words = [0, 7, 1, 6, 3, 4];
    let answers = join_all(words.map(|word| shop.report(word))).await;
    assert!(answers.iter().all(|answer| [200, 503].contains(&answer.status)), "{answers:?}");
    let delivered = words.iter().position(|word| *word == 3).unwrap();
    assert_eq!(answers[delivered].status, 200, "it is overtaken by as many as there are at most");
    assert_eq!(shop.word().await, "delivered");
}

#[tokio::test]
async fn what_is_not_ours_is_taken_and_changes_nothing() {
    let shop = Shop::start().await;
    let stored = shop.sms().await;
    assert_eq!(shop.push(&report(&[("0123456789abcdef0123456789abcdef", 3)])).await.status, 200);
    assert_eq!(shop.environment.items("otp-tokens", "sms#").await, [stored], "no SMS is made up");
    // Beside one of ours.
    assert_eq!(shop.push(&report(&[("unknown1", 3), (&shop.id, 2), ("unknown2", 3)])).await.status, 200);
    assert_eq!(shop.word().await, "rejected");
}

#[tokio::test]
async fn smspro_says_what_became_of_each_phone() {
    for (word, stored) in [(0, "queued"), (4, "not_delivered"), (5, "no_money"), (7, "expired")] {
        let shop = Shop::start().await;
        drop(shop.environment.standins().take_sms_reports());
        let reports = PhoneReports { report: Some(word), pushed: true };
        shop.environment.standins().set_sms_reports(PHONE, reports, true).unwrap();
        assert_eq!(shop.environment.push_sms_reports().await, [200]);
        assert_eq!(shop.word().await, stored);
    }
}

#[tokio::test]
async fn both_kinds_of_event_work() {
    let shop = Shop::start().await;
    let event = Event::post(&format!("/v1/sms/reports/{SMS_REPORT_SECRET}")).text(&report(&[(&shop.id, 1)]));
    assert_eq!(invoke(&shop.deps, HANDLE, event.v2()).await.status, 200);
    let event = Event::post(&format!("/v1/sms/reports/{SMS_REPORT_SECRET}")).bytes(report(&[(&shop.id, 3)]).as_bytes());
    assert_eq!(invoke(&shop.deps, HANDLE, event.rest()).await.status, 200);
    assert_eq!(shop.word().await, Value::from("delivered"));
}

#[tokio::test]
async fn one_entry_that_cannot_be_taken_costs_no_other() {
    let others = |count| (0..count).map(|number| (format!("other{number}"), 3)).collect::<Vec<_>>();
    let hundred = others(150);
    let hundred: Vec<_> = hundred.iter().map(|(id, word)| (id.as_str(), *word)).collect();
    let shop = Shop::start().await;
    let ours = report(&[(&shop.id, 3)]);
    let entry =
        |id: &str, word: &str| format!("<dr><id>{id}</id><phone><number>{PHONE}</number><report>{word}</report></phone></dr>");
    for (name, body, noted) in [
        ("an id that is none of ours", ours.replace("<dr>", &(entry("550e8400-e29b-41d4-a716-446655440000", "3") + "<dr>")), 1),
        ("an id of somebody else's", ours.replace("<dr>", &(entry("abc", "3") + "<dr>")), 0),
        ("no id", ours.replace("<dr>", &(entry("", "3") + "<dr>")), 1),
        ("a word that there is not", ours.replace("<dr>", &(entry("abc", "8") + "<dr>")), 1),
        ("a word that is no number", ours.replace("<dr>", &(entry("abc", "delivered") + "<dr>")), 1),
        ("no phone", ours.replace("<dr>", "<dr><id>abc</id></dr><dr>"), 1),
        ("nothing in it", ours.replace("<dr>", "<dr/><dr>"), 1),
        ("another namespace", ours.replace("Giper.mobi", "giper.mobi"), 0),
        ("no namespace", ours.replace(" xmlns=\"http://Giper.mobi/schema/DeliveryReport\"", ""), 0),
        ("an entity of nobody's", ours.replace("<dr>", &(entry("abc", "&three;") + "<dr>")), 1),
        ("deep nesting", ours.replace("<dr>", &format!("{}{}<dr>", "<a>".repeat(900), "</a>".repeat(900))), 0),
        ("very many elements", ours.replace("<dr>", &format!("{}<dr>", "<a/>".repeat(9000))), 0),
        ("a hundred and fifty others", report(&[&hundred[..], &[(&shop.id, 3)]].concat()), 0),
        ("the same twice", report(&[(&shop.id, 1), (&shop.id, 3), (&shop.id, 4)]), 0),
    ] {
        let shop_of_this = Shop::start().await;
        let body = body.replace(&shop.id, &shop_of_this.id);
        let answer = shop_of_this.push(&body).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"success": true})), "{name}");
        assert_eq!(shop_of_this.word().await, "delivered", "{name}");
        let logs = shop_of_this.environment.logs();
        assert_eq!(logs.matches("an entry of delivery reports is left out").count(), noted, "{name}: {logs}");
    }
}
