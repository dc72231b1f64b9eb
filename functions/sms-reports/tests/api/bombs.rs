//! What is sent to do harm.

use std::time::Instant;

use testkit::{Event, TIMELY, invoke};

use super::{HANDLE, SMS_REPORT_SECRET, Shop, report};

#[tokio::test]
async fn a_bomb_is_refused_at_once_and_changes_nothing() {
    let shop = Shop::start().await;
    let stored = shop.sms().await;
    let good = report(&[(&shop.id, 3)]);
    let root = "<report xmlns";
    let with = |head: &str| good.replace(root, &format!("{head}{root}"));
    let entity = |level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10));
    let entities = (1..10).map(entity).collect::<Vec<_>>().concat();
    let laughs = format!("<!DOCTYPE report [<!ENTITY l0 \"ha\">{entities}]>");
    for (name, body, status) in [
        ("a billion laughs", with(&laughs).replace("<report>3", "<report>&l9;"), 400),
        (
            "an external entity",
            with("<!DOCTYPE report [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>").replace(">3<", ">&x;<"),
            400,
        ),
        ("any document type", with("<!DOCTYPE report>"), 400),
        ("ten megabytes", good.replace(">3<", &format!(">{}3<", " ".repeat(10_000_000))), 413),
        ("just too much", format!("{good}{}", " ".repeat(65_537 - good.len())), 413),
        ("deep nesting", good.replace("<dr>", &format!("{}<dr>", "<a>".repeat(9000))), 400),
        ("an entity of nobody's", good.replace(">3<", ">&three;<"), 200),
        ("a word that there is not", good.replace(">3<", ">8<"), 200),
        ("nothing", String::new(), 400),
        ("JSON", "{}".to_owned(), 400),
        ("cut off", good[..good.len() - 3].to_owned(), 400),
    ] {
        let started = Instant::now();
        let answer = shop.push(&body).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        assert!(started.elapsed() < TIMELY, "{name}: {:?}", started.elapsed());
    }
    assert_eq!(shop.sms().await, stored);
    assert_eq!(shop.environment.store_calls(), [""; 0], "the store is not asked");
    // The environment looks for the phone in every log line when it ends.
    assert_eq!(shop.push(&format!("{good}{}", " ".repeat(65_536 - good.len()))).await.status, 200, "as much as is taken");
}

#[tokio::test]
async fn what_is_packed_is_not_unpacked() {
    let shop = Shop::start().await;
    // A megabyte of zeros, packed by gzip, begins like this.
    let packed = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff][..], &[0xed; 1000]].concat();
    let path = format!("/v1/sms/reports/{SMS_REPORT_SECRET}");
    let event = Event::post(&path).header("Content-Encoding", "gzip").bytes(&packed);
    assert_eq!(invoke(&shop.deps, HANDLE, event.rest()).await.status, 400);
}
