//! What leaves the prices in force as they are.

use std::time::{Duration, Instant};

use standins::{Fault, System};
use testkit::TIMELY;

use crate::{Shop, feed, offer, run};

/// A shop whose kettle costs 4990 and whose next feed is worth nothing; the run must fail with `complaint` and change nothing.
async fn refused(shop: &Shop, complaint: &str) {
    let before = shop.list().await;
    let began = Instant::now();
    let error = run(&shop.deps, Duration::from_secs(2)).await.unwrap_err();
    assert!(error.contains(complaint), "{complaint}: {error}");
    assert!(began.elapsed() < TIMELY, "{complaint}");
    assert_eq!(shop.list().await, before, "{complaint}");
    assert_eq!(shop.price("kettle-1").await.as_deref(), Some("4990.00"), "{complaint}");
}

#[tokio::test]
async fn feed_server_fault_keeps_old_prices_and_next_run_continues() {
    let shop = Shop::start().await;
    shop.load().await;
    shop.publish(&offer("kettle-1", "1"));
    for (fault, complaint) in [
        (Fault::Timeout, "took too long"),
        (Fault::Slow, "took too long"),
        (Fault::Reset, "could not be fetched"),
        (Fault::AnswerLost, "could not be fetched"),
        (Fault::Http500, "HTTP 500"),
        (Fault::Status(503), "HTTP 503"),
        (Fault::Refused, "HTTP 403"),
        (Fault::Status(301), "HTTP 301; a feed that has moved"),
        (Fault::Status(308), "a redirect is not followed"),
        (Fault::Html, "yml_catalog"),
    ] {
        shop.environment.standins().fault(System::Shop, "feed", fault, 1).unwrap();
        refused(&shop, complaint).await;
    }
    assert_eq!(shop.load().await["outcome"], "loaded");
    assert_eq!(shop.price("kettle-1").await.as_deref(), Some("1.00"));
}

#[tokio::test]
async fn a_server_that_says_unchanged_to_who_knows_nothing_is_not_believed() {
    let shop = Shop::start().await;
    shop.environment.standins().fault(System::Shop, "feed", Fault::Status(304), 1).unwrap();
    assert!(shop.run().await.unwrap_err().contains("HTTP 304"));
}

#[tokio::test]
async fn what_is_no_whole_feed_is_refused_as_a_whole() {
    let shop = Shop::start().await;
    shop.load().await;
    let whole = feed(&(offer("kettle-1", "1") + &offer("b", "2")));
    let cut = |at: &str| whole[..whole.find(at).unwrap()].to_owned();
    for (text, complaint) in [
        (String::new(), "empty"),
        ("\n \n".to_owned(), "empty"),
        (cut("</yml_catalog>"), "cut off"),
        (cut("</offers>"), "cut off"),
        (cut("<offer id=\"b\""), "cut off"),
        (cut("=\"b\""), "not well-formed"),
        (cut("</price>"), "cut off"),
        (whole.replace("</shop>", "</shed>"), "not well-formed"),
        (whole.replace("<offers>", "<offers"), "not well-formed"),
        (whole.replace("yml_catalog", "rss"), "yml_catalog"),
        (format!("{whole}{whole}"), "root element"),
        (feed(""), "no offers"),
        (whole.replace("offers>", "goods>"), "no offers"),
        ("{\"offers\": []}".to_owned(), "empty"),
    ] {
        shop.environment.standins().set_shop_feed(text);
        refused(&shop, complaint).await;
    }
}

#[tokio::test]
async fn xml_that_is_made_to_harm_is_refused_at_once() {
    let shop = Shop::start().await;
    shop.load().await;
    let entities = "<!DOCTYPE yml_catalog [<!ENTITY a \"1\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
    let deep = "<a>".repeat(100_000);
    let long = "x".repeat(2 * 1024 * 1024);
    let attributes = (0..100_000).fold(String::new(), |all, number| all + &format!(" a{number}=\"\""));
    for (text, complaint) in [
        (feed("").replace("<yml_catalog", &format!("{entities}<yml_catalog")), "definitions of its own"),
        (feed(&deep), "1000 deep"),
        (feed(&format!("<offer id=\"{long}\">")), "not well-formed"),
        (feed(&format!("<offer id=\"1\"><description>{long}")), "not well-formed"),
        (feed(&format!("<offer{attributes}>")), "a tag of more than 64 KiB"),
        (format!("<{long}"), "a tag of more than 64 KiB"),
        (format!("<!DOCTYPE {long}>"), "a DOCTYPE of more than 64 KiB"),
    ] {
        shop.environment.standins().set_shop_feed(text);
        refused(&shop, complaint).await;
    }
}

#[tokio::test]
async fn what_is_wrong_says_where() {
    let shop = Shop::start().await;
    let lines = |offers: &str| feed(&format!("\n<offer id=\"g7\">\n<price>5</price></offer>\n{offers}\n"));
    let long = "\n".repeat(100_000);
    for (text, place) in [
        (lines("<offer id=\"a\"><name>Чай</offer>"), "(line 5, in offer a)"),
        (lines("<offer id=\"a\">\n\n<name>Чай</title>"), "(line 7, in offer a)"),
        (lines("<offer><name>Чай</offer>"), "(line 5, in an offer without an id)"),
        (lines("</offer>"), "(line 5, after offer g7)"),
        (lines("<offer id=\"a\"><br></offer>"), "in offer a)"),
        (lines(&format!("<offer id=\"a\"><name>{long}</name></nome></offer>")), "(line 100005, in offer a)"),
        (lines(&format!("<offer id=\"a\"><!--{long}--></nome></offer>")), "(line 100005, in offer a)"),
        (lines("<offer id=\"a\"><![CDATA[\nЧай"), "in offer a)"),
        ("<yml_catalog>\n<shop>\n</yml_catalog>".to_owned(), "(line 3, before the first offer)"),
        (lines("").replace("</yml_catalog>", ""), "(line 7, after offer g7)"),
        (format!("{}<rss/>", lines("")), "(line 7, after offer g7)"),
        (lines(&format!("<offer id=\"a\">{}", "<p>".repeat(2000))), "(line 5, in offer a)"),
    ] {
        shop.environment.standins().set_shop_feed(text.clone());
        let error = shop.run().await.unwrap_err();
        assert!(error.contains(place), "{}: {error}", &text[..text.len().min(200)]);
    }
}

#[tokio::test]
async fn a_run_without_the_store_fails_and_says_so() {
    let shop = Shop::start_with(&[("QUOTES_TABLE", "nowhere")]).await;
    let error = shop.run().await.unwrap_err();
    assert!(error.contains("DynamoDB UpdateItem"), "{error}");
}
