//! Offers without a certain price.

use serde_json::json;

use crate::{Shop, offer};

fn good(count: usize) -> String {
    (0..count).map(|number| offer(&format!("good-{number}"), "5")).collect()
}

#[tokio::test]
async fn offer_with_uncertain_price_is_dropped_and_reported() {
    let long = "x".repeat(201);
    let cases = [
        ("no_id", "<offer><price>1</price></offer>".to_owned(), ""),
        ("no_id", "<offer id=\"\"><price>1</price></offer>".to_owned(), ""),
        ("no_id", format!("<offer id=\"{long}\"><price>1</price></offer>"), &long[..60]),
        ("no_price", "<offer id=\"np-1\"><currencyId>RUB</currencyId></offer>".to_owned(), "np-1"),
        ("no_price", "<offer id=\"np-2\"><price> </price></offer>".to_owned(), "np-2"),
        ("no_price", "<offer id=\"np-3\"><oldprice>9</oldprice><param><price>9</price></param></offer>".to_owned(), "np-3"),
        ("unreadable_price", offer("up-1", "-1"), "up-1: -1"),
        ("unreadable_price", offer("up-2", "1,500"), "up-2: 1,500"),
        ("unreadable_price", offer("up-3", "10 00"), "up-3: 10 00"),
        ("unreadable_price", offer("up-4", "0.001"), "up-4: 0.001"),
        ("unreadable_price", offer("up-5", "<b>7</b>"), "up-5: <7"),
        ("unreadable_price", offer("up-6", "&undefined;7"), "up-6: &7"),
        ("unreadable_price", "<offer id=\"up-7\"><price>1</price><price>2</price></offer>".to_owned(), "up-7: 1 and 2"),
        ("price_from", "<offer id=\"pf-1\"><price from=\"true\">7</price></offer>".to_owned(), "pf-1: 7"),
        ("price_from", "<offer id=\"pf-2\"><price from=\"1\">7</price></offer>".to_owned(), "pf-2: 7"),
        ("price_from", "<offer id=\"pf-3\"><price from=' TRUE '>7</price></offer>".to_owned(), "pf-3: 7"),
        ("price_from", "<offer id=\"pf-4\"><price from=\"от\">7</price></offer>".to_owned(), "pf-4: 7"),
        ("price_from", "<offer id=\"pf-5\"><price from>7</price></offer>".to_owned(), "pf-5: 7"),
        ("price_from", "<offer id=\"pf-6\"><price from=\"&what;\">7</price></offer>".to_owned(), "pf-6: 7"),
        ("price_on_request", offer("or-1", "0"), "or-1"),
        ("price_on_request", offer("or-2", "0,00 ₽"), "or-2"),
        ("price_on_request", offer("or-3", "0.00"), "or-3"),
        ("no_id", "<offer id=5 available=\"true\"><price>1</price></offer>".to_owned(), ""),
        ("currency", "<offer id=\"cu-0\"><price>7 $</price></offer>".to_owned(), "cu-0: 7 $"),
        ("currency", "<offer id=\"cu-1\"><price>7</price><currencyId>USD</currencyId></offer>".to_owned(), "cu-1: USD"),
        ("currency", "<offer id=\"cu-2\"><price>7</price><currencyId>XXX</currencyId></offer>".to_owned(), "cu-2: XXX"),
        ("two_prices", offer("tp-1", "7") + &offer("tp-1", "8"), "tp-1"),
    ];
    for (reason, offers, shown) in cases {
        let shop = Shop::start().await;
        shop.publish(&(good(20) + &offers));
        let report = shop.load().await;
        assert_eq!(report, json!({"outcome": "loaded", "offers": 20, "bad": 1, "buckets": 1}), "{offers}");
        assert_eq!(shop.list().await["bad"], json!({reason: {"count": 1, "first": [shown]}}), "{offers}");
        let id = shown.split(':').next().unwrap();
        if !id.is_empty() {
            assert_eq!(shop.price(id).await, None, "{offers}");
        }
        assert_eq!(shop.price("good-19").await.as_deref(), Some("5.00"));
    }
}

#[tokio::test]
async fn what_is_unusual_but_certain_is_taken() {
    let shop = Shop::start().await;
    let offers = [
        "<offer id=\" 1 \" available=\"false\"><price> 10.50\n</price></offer>",
        "<offer id=\"2\"><price><![CDATA[20]]></price><currencyId>rub</currencyId></offer>",
        "<offer id=\"3\"><price>&#51;0</price><currencyId>RUR</currencyId></offer>",
        "<offer id=\"&lt;4&gt;\"><price from='false'>4<!-- -->0</price></offer>",
        "<offer id=\"5\"><price>50</price></offer><offer id=\"5\"><price>50.00</price></offer>",
        "<offer id=\"6\"><price>60</price><description><p>&nbsp;&unknown;</p></description></offer>",
    ];
    shop.publish(&offers.concat());
    assert_eq!(shop.load().await["bad"], 0);
    for (id, price) in [("1", "10.50"), ("2", "20.00"), ("3", "30.00"), ("<4>", "40.00"), ("5", "50.00"), ("6", "60.00")] {
        assert_eq!(shop.price(id).await.as_deref(), Some(price), "{id}");
    }
}

#[tokio::test]
async fn prices_on_request_are_no_mistakes_however_many() {
    let shop = Shop::start().await;
    let requests: String = (0..50).map(|number| offer(&format!("r-{number}"), "0")).collect();
    let beginning = |number: u32| "<offer id='f-N'><price from='true'>9</price></offer>".replace('N', &number.to_string());
    let beginnings: String = (0..50).map(beginning).collect();
    shop.publish(&(good(1) + &requests + &beginnings));
    let report = shop.load().await;
    assert_eq!((&report["outcome"], &report["offers"], &report["bad"]), (&json!("loaded"), &json!(1), &json!(100)));
    // A product whose one offer is on request has no price.
    let grouped = "<offer id='a' group_id='p'><price>5</price></offer><offer id='b' group_id='p'><price>0</price></offer>";
    shop.publish(grouped);
    shop.load().await;
    assert_eq!(shop.price("a").await.as_deref(), Some("5.00"));
    assert_eq!(shop.cost(json!([{"privateId": "p"}])).await, None);
    assert_eq!(shop.cost(json!([{"configurationId": "a"}, {"configurationId": "b"}])).await, None);
}

#[tokio::test]
async fn prices_are_read_as_people_write_them() {
    let shop = Shop::start().await;
    let written = [
        ("1 299,00", "1299.00"),
        ("1 299.00", "1299.00"),
        ("1&#160;299", "1299.00"),
        ("1\u{202f}299,5", "1299.50"),
        ("1,299.00", "1299.00"),
        ("1.299,00", "1299.00"),
        ("1'299", "1299.00"),
        ("1299 руб.", "1299.00"),
        ("1 299 ₽", "1299.00"),
        ("<![CDATA[1 299,90&nbsp;]]>", ""),
        ("\n  12 345,67\n", "12345.67"),
        ("RUB 5", "5.00"),
        ("0,5", "0.50"),
    ];
    let offers: String = written.iter().enumerate().map(|(number, (text, _))| offer(&format!("w-{number}"), text)).collect();
    shop.publish(&(good(20) + &offers));
    shop.load().await;
    for (number, (text, price)) in written.iter().enumerate() {
        assert_eq!(shop.price(&format!("w-{number}")).await.unwrap_or_default(), *price, "{text}");
    }
}

#[tokio::test]
async fn the_first_twenty_of_a_kind_are_named() {
    let shop = Shop::start().await;
    let bad: String = (0..25).map(|number| offer(&format!("bad-{number}"), "?")).collect();
    shop.publish(&(good(300) + &bad));
    shop.load().await;
    let unreadable = shop.list().await["bad"]["unreadable_price"].clone();
    assert_eq!(unreadable["count"], 25);
    let first = unreadable["first"].as_array().unwrap();
    assert_eq!((first.len(), &first[19]), (20, &json!("bad-19: ?")));
    assert!(shop.environment.logs().contains("bad-19: ?"));
}

#[tokio::test]
async fn a_feed_with_too_many_bad_offers_is_refused_as_a_whole() {
    let shop = Shop::start().await;
    shop.publish(&good(9));
    shop.load().await;
    let before = shop.list().await;
    let bad = |count: usize| (0..count).map(|number| offer(&format!("bad-{number}"), "?")).collect::<String>();
    shop.publish(&(good(17) + &bad(2)));
    let error = shop.run().await.unwrap_err();
    assert!(error.contains("2 of 19 offers are bad, more than 10 %"), "{error}");
    assert_eq!(shop.list().await, before);
    assert_eq!(shop.price("good-10").await, None);
    shop.publish(&(good(18) + &bad(2)));
    assert_eq!(shop.load().await["outcome"], "loaded", "ten in a hundred may be");
    let lenient = Shop::start_with(&[("PRICE_FEED_MAX_BAD_PERCENT", "100")]).await;
    lenient.publish(&(good(1) + &bad(9)));
    assert_eq!(lenient.load().await["offers"], 1);
    lenient.publish(&bad(9));
    lenient.run().await.unwrap_err();
    assert_eq!(lenient.price("good-0").await.as_deref(), Some("5.00"), "prices of nothing are never put in force");
}
