//! One odd offer costs no other its price.

use crate::{Shop, feed, offer};

/// What is in a feed beside forty good offers, and what the offer `a`, which is in it too, costs.
fn oddities() -> Vec<(&'static str, String, Option<&'static str>)> {
    let long = "A".repeat(1_200_000);
    let priced = |rest: &str| format!("<offer id=\"a\"><price>7</price>{rest}</offer>");
    let html = |depth| format!("<description>{}x{}</description>", "<div>".repeat(depth), "</div>".repeat(depth));
    vec![
        ("a photo in CDATA", priced(&format!("<description><![CDATA[<img src=\"data:{long}\">]]></description>")), Some("7.00")),
        ("a photo as text", priced(&format!("<description>{long}</description>")), Some("7.00")),
        ("a photo in an attribute", priced(&format!("<picture src=\"data:{long}\"/>")), Some("7.00")),
        ("a photo in a comment", priced(&format!("<!-- {long} -->")), Some("7.00")),
        ("a photo before the price", format!("<offer id=\"a\"><d>{long}</d><price>7</price></offer>"), Some("7.00")),
        ("a photo for an id", format!("<offer id=\"{long}\"><price>8</price></offer>{}", priced("")), Some("7.00")),
        ("a photo for a price", format!("<offer id=\"a\"><price>7{long}</price></offer>"), None),
        ("a price in a desert", format!("<offer id=\"a\"><price>7{}0</price></offer>", " ".repeat(1_200_000)), None),
        ("a photo before the id", format!("<offer picture='{long}' id='a'><price>7</price></offer>"), Some("7.00")),
        ("HTML 30 deep", priced(&html(30)), Some("7.00")),
        ("HTML 900 deep", priced(&html(900)), Some("7.00")),
        ("very many attributes", format!("<offer id=\"a\"{}><price>7</price></offer>", " x=\"\"".repeat(200)), Some("7.00")),
        ("an ampersand", priced("<name>Чай & кофе</name>"), Some("7.00")),
        ("an ampersand in a link", priced("<url>https://shop.example/?a=1&b=2</url>"), Some("7.00")),
        ("an ampersand in an attribute", priced("<url href=\"?a=1&b\"/>"), Some("7.00")),
        ("an ampersand in the price", "<offer id=\"a\"><price>7 & 8</price></offer>".to_owned(), None),
        ("HTML in a price", "<offer id=\"a\"><price><b>7</b></price></offer>".to_owned(), None),
        (
            "a price of another vocabulary",
            "<offer id=\"a\"><g:price xmlns:g=\"urn:g\">8</g:price><price>7</price></offer>".to_owned(),
            Some("7.00"),
        ),
        (
            "one whose prefix nobody knows",
            "<offer id=\"a\"><g:price>8</g:price><price>7</price></offer>".to_owned(),
            Some("7.00"),
        ),
        ("one that is alone", "<offer id=\"a\"><g:price xmlns:g=\"urn:g\">8</g:price></offer>".to_owned(), None),
        ("one by a default", "<offer id=\"a\"><price xmlns=\"urn:g\">8</price><price>7</price></offer>".to_owned(), Some("7.00")),
        (
            "a currency of another one",
            "<offer id=\"a\"><g:currencyId xmlns:g=\"urn:g\">USD</g:currencyId><price>7</price></offer>".to_owned(),
            Some("7.00"),
        ),
        (
            "an id of another one",
            "<offer g:id=\"b\" id=\"a\" xmlns:g=\"urn:g\"><price>7</price></offer>".to_owned(),
            Some("7.00"),
        ),
        (
            "an offer of another one",
            format!("<g:offer id=\"a\" xmlns:g=\"urn:g\"><price>8</price></g:offer>{}", priced("")),
            Some("7.00"),
        ),
        ("a price within a description", "<offer id=\"a\"><description><price>8</price></description></offer>".to_owned(), None),
        ("a quotation mark in a text", priced("<name>3,5\" 'диск'</name>"), Some("7.00")),
        ("the end of a comment within a comment", priced("<!-- -- > -->"), Some("7.00")),
    ]
}

fn good() -> String {
    (0..40).map(|number| offer(&format!("g{number}"), "5")).collect()
}

#[tokio::test]
async fn the_others_prices_come_into_force() {
    let shop = Shop::start().await;
    for (name, odd, price) in oddities() {
        shop.publish("<offer id=\"before\"><price>1</price></offer>");
        shop.load().await;
        for offers in [good() + &odd, odd.clone() + &good()] {
            shop.publish(&offers);
            let report = shop.run().await;
            assert!(report.as_ref().is_ok_and(|report| report["offers"].as_u64() >= Some(40)), "{name}: {report:?}");
            assert_eq!(shop.price("g39").await.as_deref(), Some("5.00"), "{name}");
            assert_eq!(shop.price("a").await.as_deref(), price, "{name}");
        }
    }
}

#[tokio::test]
async fn a_feed_in_a_namespace_of_its_own_is_read() {
    let shop = Shop::start().await;
    for text in [
        feed(&offer("a", "7")).replace("<yml_catalog", "<yml_catalog xmlns=\"urn:yml\" xmlns:g=\"urn:g\""),
        "<y:yml_catalog xmlns:y='urn:y'><y:shop><y:offers><y:offer id='a'><y:price>7</y:price><price>8</price></y:offer></y:offers></y:shop></y:yml_catalog>".to_owned(),
    ] {
        shop.publish(&offer("before", "1"));
        shop.load().await;
        shop.environment.standins().set_shop_feed(text.clone());
        shop.load().await;
        assert_eq!(shop.price("a").await.as_deref(), Some("7.00"), "{text}");
    }
}
