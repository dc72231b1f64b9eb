//! What the client makes of answers, good and bad.

use std::sync::atomic::Ordering;
use std::time::Duration;

use shared::payments::mokka::types::{Decision, LimitStatus, OrderStatus, ScheduledPayment};
use shared::payments::mokka::{Code, Error, MokkaOutcome};
use shared::platform::clock::Deadline;
use shared::platform::money::Decimal;
use time::macros::date;
use url::Url;

use super::scripted::{SECRET, STORE, answering, client, http, ok};
use super::*;

/// Where nothing listens. A port that was free a moment ago may be another test's server by now.
const NOWHERE: &str = "http://127.0.0.1:9";

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

#[tokio::test]
async fn a_page_is_opened_by_registration_and_checkout() {
    let (mokka, _) = answering(ok(r#"{"status":0,"message":"Payload valid","iframe_url":"https://mokka.example/f/1"}"#)).await;
    assert_eq!(mokka.registration(&registration(), deadline()).await.unwrap().iframe_url, "https://mokka.example/f/1");
    assert_eq!(mokka.checkout(&checkout(ORDER), deadline()).await.unwrap().iframe_url, "https://mokka.example/f/1");
}

#[tokio::test]
async fn limits_are_read_with_every_status() {
    for (word, status) in [
        ("active", LimitStatus::Active),
        ("inactive", LimitStatus::Inactive),
        ("new", LimitStatus::New),
        ("frozen", LimitStatus::Other("frozen".to_owned())),
    ] {
        let client = format!(r#"{{"mobile_phone":"{PHONE}","limit_amount":"9500.10","status":"{word}"}}"#);
        let (mokka, _) = answering(ok(&format!(r#"{{"meta":{{"status":"0","message":"x"}},"client":{client}}}"#))).await;
        let limit = mokka.limit(PHONE, deadline()).await.unwrap();
        assert_eq!((limit.limit_amount.0, &limit.status), (Some(decimal("9500.10")), &status));
        assert!(!format!("{limit:?}").contains(PHONE));
    }
}

#[tokio::test]
async fn a_refused_limit_has_no_customer_and_may_be_nested_or_not() {
    for body in [
        r#"{"meta":{"status":51,"message":"Store not found"},"client":null}"#,
        r#"{"meta":{"status":"51"},"client":null}"#,
        r#"{"meta":{"status":51}}"#,
        r#"{"status":51,"message":"Store not found"}"#,
    ] {
        let (mokka, _) = answering(ok(body)).await;
        let limit = mokka.limit(PHONE, deadline()).await;
        assert!(matches!(limit, Err(Error::Refused { code: Code::StoreNotFound, .. })), "{body}: {limit:?}");
    }
    for body in [r#"{"meta":{"status":0},"client":null}"#, r#"{"meta":{"status":0}}"#, r#"{"status":0}"#, r#"{"meta":null}"#] {
        let (mokka, count) = answering(ok(body)).await;
        let limit = mokka.limit(PHONE, deadline()).await;
        assert!(matches!(limit, Err(Error::Unavailable(_))), "{body}: {limit:?}");
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn tariffs_are_read_exactly_from_numbers_and_strings() {
    let body = r#"{"status":0,"message":"Payload valid","payment_schedule":[
        {"total":7000.01,"monthly_payment":2334,"monthly_overpayment":"666.67","term":3,
         "payment_dates":[{"date":"29.02.2028","amount":"2334.00"},{"date":"31.12.2028","amount":4666.01}]},
        {"total":0.29,"monthly_payment":1.1e2,"monthly_overpayment":0,"term":"6","payment_dates":[]}]}"#;
    let (mokka, _) = answering(ok(body)).await;
    let tariffs = mokka.schedule(money("5000"), deadline()).await.unwrap();
    let [first, second] = tariffs.as_slice() else { panic!("{tariffs:?}") };
    assert_eq!((first.term, first.total), (3, decimal("7000.01")));
    assert_eq!((first.monthly_payment.0, first.monthly_overpayment.0), (Some(decimal("2334")), Some(decimal("666.67"))));
    let due = [
        ScheduledPayment { date: date!(2028 - 02 - 29), amount: decimal("2334") },
        ScheduledPayment { date: date!(2028 - 12 - 31), amount: decimal("4666.01") },
    ];
    assert_eq!(first.payment_dates, due);
    assert_eq!((second.term, second.total, second.monthly_payment.0), (6, decimal("0.29"), Some(decimal("110"))));
}

#[tokio::test]
async fn no_tariff_is_an_answer_and_an_odd_tariff_is_none() {
    let (mokka, _) = answering(ok(r#"{"status":0,"payment_schedule":[]}"#)).await;
    assert_eq!(mokka.schedule(money("5000"), deadline()).await.unwrap(), []);

    let tariff = |total: &str, term: &str, date: &str| {
        format!(
            r#"{{"status":0,"payment_schedule":[{{"total":{total},"monthly_payment":1,"monthly_overpayment":1,"term":{term},
                "payment_dates":[{{"date":{date},"amount":"1.00"}}]}}]}}"#
        )
    };
    let good = tariff("1", "3", "\"01.02.2027\"");
    assert_eq!(answering(ok(&good)).await.0.schedule(money("5000"), deadline()).await.unwrap().len(), 1);
    for body in [
        tariff("1e400", "3", "\"01.02.2027\""),
        tariff("-5", "3", "\"01.02.2027\""),
        tariff("1.001", "3", "\"01.02.2027\""),
        tariff("\"1 000\"", "3", "\"01.02.2027\""),
        tariff("null", "3", "\"01.02.2027\""),
        tariff("1", "-3", "\"01.02.2027\""),
        tariff("1", "99999999999", "\"01.02.2027\""),
        tariff("1", "3", "\"1.2.2027\""),
        tariff("1", "3", "\"30.02.2027\""),
        tariff("1", "3", "\"2027-02-01\""),
        tariff("1", "3", "\"01.02.-2027\""),
        tariff("1", "3", "1022027"),
        r#"{"status":0}"#.to_owned(),
        r#"{"status":0,"payment_schedule":null}"#.to_owned(),
    ] {
        let tariffs = answering(ok(&body)).await.0.schedule(money("5000"), deadline()).await;
        assert!(matches!(tariffs, Err(Error::Unavailable(_))), "{body}: {tariffs:?}");
    }
}

#[tokio::test]
async fn one_tariff_that_cannot_be_read_costs_no_other() {
    let good = r#"{"total":5000,"term":6,"payment_dates":[{"date":"01.02.2027","amount":"5000.00"}]}"#;
    for odd in [
        "null",
        "3",
        "\"3\"",
        "{}",
        "[5000,1,1,3,[]]",
        r#"{"term":3}"#,
        r#"{"total":"1 000","term":3,"payment_dates":[]}"#,
        r#"{"total":-1,"term":3,"payment_dates":[]}"#,
        r#"{"total":1,"term":"many","payment_dates":[]}"#,
        r#"{"total":1,"term":3,"payment_dates":null}"#,
        r#"{"total":1,"term":3,"payment_dates":[{"date":"soon","amount":"1.00"}]}"#,
        r#"{"total":1,"term":3,"term":4,"payment_dates":[]}"#,
    ] {
        for list in [format!("[{odd},{good}]"), format!("[{good},{odd},{good}]")] {
            let (mokka, count) = answering(ok(&format!(r#"{{"status":0,"payment_schedule":{list}}}"#))).await;
            let tariffs = mokka.schedule(money("5000"), deadline()).await.unwrap();
            assert_eq!(tariffs.len(), list.matches("5000.00").count(), "{list}");
            assert!(tariffs.iter().all(|tariff| (tariff.term, tariff.total) == (6, decimal("5000"))), "{list}");
            assert_eq!(count.load(Ordering::SeqCst), 1);
        }
    }
}

#[tokio::test]
async fn what_nobody_needs_of_an_answer_may_be_missing_null_or_odd() {
    for odd in
        ["", r#","monthly_payment":null,"monthly_overpayment":null"#, r#","monthly_payment":"~1 000","monthly_overpayment":{}"#]
    {
        let body = format!(r#"{{"status":0,"payment_schedule":[{{"total":1,"term":3{odd},"payment_dates":[]}}]}}"#);
        let tariffs = answering(ok(&body)).await.0.schedule(money("5000"), deadline()).await.unwrap();
        assert_eq!((tariffs[0].term, tariffs[0].monthly_payment.0, tariffs[0].monthly_overpayment.0), (3, None, None), "{odd}");
    }
    for (client, known) in [
        (r#"{"status":"active","limit_amount":"9500.00"}"#, Some("9500.00")),
        (r#"{"status":"active","limit_amount":9500.0,"mobile_phone":null}"#, Some("9500.00")),
        (r#"{"status":"active","limit_amount":"9500.00","mobile_phone":9031234567}"#, Some("9500.00")),
        (r#"{"status":"active"}"#, None),
        (r#"{"status":"active","limit_amount":null}"#, None),
        (r#"{"status":"inactive"}"#, Some("0.00")),
        (r#"{"status":"inactive","limit_amount":"6700.00"}"#, Some("0.00")),
        (r#"{"status":"new","limit_amount":"0.00"}"#, None),
        (r#"{"status":"new","limit_amount":"30000.00"}"#, None),
        (r#"{"status":"new","mobile_phone":[]}"#, None),
        (r#"{"status":"frozen","limit_amount":"9500.00"}"#, None),
    ] {
        let (mokka, _) = answering(ok(&format!(r#"{{"meta":{{"status":0}},"client":{client}}}"#))).await;
        let limit = mokka.limit(PHONE, deadline()).await.unwrap();
        assert_eq!(limit.known().map(|amount| amount.to_string()).as_deref(), known, "{client}");
    }
}

#[tokio::test]
async fn callback_decision_and_status_are_read_in_every_pair() {
    for (decision, status, expired, amount, term) in [
        ("null", "pending", "false", r#""4999.0""#, "null"),
        (r#""approved""#, "pending", "false", "4999.00", "null"),
        (r#""approved""#, "hold", "false", r#""4999.00""#, "3"),
        (r#""approved""#, "finished", "true", "4999", r#""3""#),
        (r#""approved""#, "canceled", "true", r#""4999.0""#, "3"),
        (r#""approved""#, "expired", "true", r#""4999.0""#, "3"),
        (r#""approved""#, "refunded", "true", r#""4999.0""#, "3"),
        (r#""approved""#, "declined", "true", r#""4999.0""#, "null"),
        (r#""declined""#, "declined", "true", r#""4999.0""#, "null"),
        (r#""maybe""#, "frozen", "\"yes\"", r#""4999.0""#, "\"many\""),
    ] {
        let order = format!(
            r#"{{"order_id":"{ORDER}","expired":{expired},"status":"{status}","decision":{decision},"amount":{amount},"term":{term}}}"#
        );
        let (mokka, _) = answering(ok(&format!(r#"{{"status":"0","current_order":{order}}}"#))).await;
        let read = mokka.status(ORDER, deadline()).await.unwrap().current_order;
        assert_eq!(read.order_id, ORDER);
        assert_eq!(read.status, OrderStatus::from(status.to_owned()), "{order}");
        assert_eq!(read.amount.0, Some(decimal("4999")), "{order}");
        assert_eq!(read.term, term.contains('3').then_some(3), "{order}");
        assert_eq!(read.expired.0, expired.parse().ok(), "{order}");
        let word = decision.trim_matches('"');
        assert_eq!(read.decision.0, (word != "null").then(|| Decision::from(word.to_owned())), "{order}");
    }
    let (mokka, _) =
        answering(ok(r#"{"status":0,"current_order":{"order_id":"x","status":"declined","decision":"approved"}}"#)).await;
    assert_eq!(mokka.status("x", deadline()).await.unwrap().current_order.status, OrderStatus::Declined);
}

#[tokio::test]
async fn an_amount_of_an_order_that_cannot_be_read_is_none() {
    for amount in ["null", "\"\"", "\"abc\"", "-1", "1e999", "99999999999999999999999", "0.001", "true", "{}", "[1]", "\"1 500\""]
    {
        let order = format!(r#"{{"order_id":"{ORDER}","status":"hold","amount":{amount}}}"#);
        let (mokka, _) = answering(ok(&format!(r#"{{"status":0,"current_order":{order}}}"#))).await;
        let read = mokka.status(ORDER, deadline()).await.unwrap().current_order;
        assert_eq!((read.amount.0, read.status), (None, OrderStatus::Hold), "{amount}");
    }
}

#[tokio::test]
async fn a_change_is_done_whatever_the_schedule_looks_like() {
    let (mokka, _) = answering(ok(r#"{"status":0,"schedule":[{"date":"01.01.2027","amount":"2933.33"}]}"#)).await;
    let changed = mokka.change(&change(ORDER, "5000"), deadline()).await.unwrap();
    assert_eq!(changed.schedule, [ScheduledPayment { date: date!(2027 - 01 - 01), amount: decimal("2933.33") }]);
    for schedule in [
        r#""schedule":[]"#,
        r#""schedule":null"#,
        r#""schedule":{}"#,
        r#""schedule":[{"date":"01.01.2027","amount":"1.00"},{"date":"soon","amount":"1.00"}]"#,
        r#""schedule":[],"schedule":[]"#,
        r#""message":5"#,
    ] {
        let (mokka, count) = answering(ok(&format!(r#"{{"status":0,{schedule}}}"#))).await;
        assert_eq!(mokka.change(&change(ORDER, "5000"), deadline()).await.unwrap().schedule, [], "{schedule}");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn the_verdict_comes_as_number_or_string_for_every_method() {
    for (method, _) in METHODS {
        for verdict in ["33", "\"33\"", "\" 33 \""] {
            let body = if method == "limit" {
                format!(r#"{{"meta":{{"status":{verdict},"message":null}},"client":null}}"#)
            } else {
                format!(r#"{{"status":{verdict},"message":null}}"#)
            };
            let (mokka, count) = answering(ok(&body)).await;
            let answer = call(&mokka, method).await;
            assert!(matches!(answer, Err(Error::Refused { code: Code::AmountOutsideTariff, .. })), "{method} {body}: {answer:?}");
            assert_eq!(count.load(Ordering::SeqCst), 1, "a refusal is an answer");
        }
    }
}

#[tokio::test]
async fn invalid_answer_is_unavailable_and_only_reads_are_repeated() {
    let good = r#"{"status":0,"meta":{"status":0},"message":"Payload valid""#;
    let redirect = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for response in [
        ok("<html>maintenance</html>"),
        ok(""),
        ok(good),
        ok("[0]"),
        ok("0"),
        ok("null"),
        ok(r#"{"status":null}"#),
        ok(r#"{"status":""}"#),
        ok(r#"{"status":0.5}"#),
        ok(r#"{"status":true}"#),
        ok(r#"{"status":99999999999999999999}"#),
        ok(r#"{"status":0,"status":0}"#),
        ok(r#"{"message":"Payload valid"}"#),
        redirect.to_owned(),
        http("404 Not Found", r#"{"status":0}"#),
        http("500 Internal Server Error", r#"{"status":33}"#),
        http("502 Bad Gateway", "<html></html>"),
        format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n{good}}}"),
        "not HTTP at all\r\n\r\n".to_owned(),
        String::new(),
    ] {
        for (method, asks) in METHODS {
            let (mokka, count) = answering(response.clone()).await;
            let answer = call(&mokka, method).await;
            assert!(matches!(answer, Err(Error::Unavailable(_))), "{method} {response}: {answer:?}");
            assert_eq!(answer.unwrap_err().outcome(), MokkaOutcome::AskStatus);
            assert_eq!(count.load(Ordering::SeqCst), if asks { 2 } else { 1 }, "{method} {response}");
        }
    }
}

#[tokio::test]
async fn what_did_not_reach_mokka_was_surely_not_done() {
    let mokka = client(Url::parse(NOWHERE).unwrap());
    for (method, _) in METHODS {
        let answer = call(&mokka, method).await;
        assert!(matches!(answer, Err(Error::NotSent(_))), "{method}: {answer:?}");
        assert_eq!(answer.unwrap_err().outcome(), MokkaOutcome::NothingDone);
    }
    let (mokka, count) = answering(ok(r#"{"status":0}"#)).await;
    let late = mokka.refund(&refund(ORDER, "1"), Deadline::within(Duration::ZERO)).await;
    assert!(matches!(late, Err(Error::NotSent(_))), "{late:?}");
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn no_error_tells_where_mokka_is_who_asked_or_what_it_said() {
    let quoting = |status: &str| format!(r#"{{"status":{status},"message":"{PHONE}: a@shop.example is not {SECRET}"#);
    let mut responses = vec![String::new(), ok("<b>8881234567</b>"), http("500 Oops 8881234567", PHONE)];
    responses.extend(["0", "{", "\"8881234567x\""].map(|status| ok(&quoting(status))));
    responses.push(ok(&format!(r#"{{"status":70,"message":"{PHONE} differs from +7({PHONE}), a@shop.example"}}"#)));
    for response in responses {
        for (method, _) in METHODS {
            let (mokka, _) = answering(response.clone()).await;
            let error = call(&mokka, method).await.unwrap_err();
            let shown = format!("{error} {error:?} {mokka:?}").replace("http://127.0.0.1", "");
            let told = format!("{error} {error:?}");
            assert!(!shown.contains(SECRET), "{shown}");
            for hidden in [PHONE, "@shop.example", "127.0.0.1", "http://", "signature", &STORE.to_string()] {
                assert!(!told.contains(hidden), "{method}, {hidden}: {told}");
            }
        }
    }
}
