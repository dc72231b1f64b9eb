//! What the shop's people do with a payment by card.

use super::*;

#[tokio::test]
async fn refunds_in_parts_until_nothing_is_left() {
    let shop = Shop::captured().await;
    let first = shop.refund("first", Some("1000.00")).await;
    assert_eq!((first.status, &first.json()["payment"]["state"]), (200, &json!("partially_refunded")), "{}", first.body);
    assert_eq!(shop.refund("first", Some("1000.00")).await.status, 200);
    let rest = shop.refund("rest", None).await;
    assert_eq!((rest.status, &rest.json()["payment"]["state"]), (200, &json!("refunded")), "{}", rest.body);
    let made: Vec<_> = shop.standins().yookassa_refunds().iter().map(|refund| refund["amount"]["value"].clone()).collect();
    assert_eq!(made, [json!("1000.00"), json!("2250.00")]);
}

#[tokio::test]
async fn refund_whose_answer_is_lost_is_made_once() {
    for fault in ["answer_lost", "http500", "timeout", "html", "effect_late:20"] {
        let shop = Shop::captured().await;
        shop.fault("refund", fault, 1);
        let answer = shop.refund("lost", Some("1000.00")).await;
        assert!([200, 202].contains(&answer.status), "{fault}: {}", answer.body);
        shop.wait(15).await;
        let stored = shop.stored().await;
        assert_eq!(stored["refunds"][0]["status"], json!("made"), "{fault}: {stored}");
        let refunds = shop.standins().yookassa_refunds();
        assert_eq!(refunds.len(), 1, "{fault}: {refunds:?}");
        assert_eq!(refunds[0]["amount"]["value"], json!("1000.00"), "{fault}");
    }
}

#[tokio::test]
async fn refund_that_is_accepted_is_followed_until_it_is_made_or_refused() {
    for (decision, status, refunded) in [(CardDecision::Paid, "made", "1000.00"), (CardDecision::Declined, "refused", "0.00")] {
        let shop = Shop::captured().await;
        shop.standins().set_reading("refunds", "pending").unwrap();
        let answer = shop.refund("slow", Some("1000.00")).await;
        assert_eq!((answer.status, &answer.json()["outcome"]), (202, &json!("unknown")), "{}", answer.body);
        shop.wait(3).await;
        assert_eq!(shop.standins().calls_to(System::Yookassa, "refund").len(), 1, "no second call");
        let refund = shop.standins().yookassa_refunds()[0]["id"].as_str().unwrap().to_owned();
        let outcome = CardOutcome { notify: false, ..CardOutcome::new(decision) };
        shop.standins().decide_yookassa(&refund, &outcome).await.unwrap();
        shop.wait(40).await;
        let stored = shop.stored().await;
        assert_eq!(stored["refunds"][0]["status"], json!(status), "{stored}");
        let shown = shop.back_office("settle", OPERATOR_KEY, None).await.json();
        assert_eq!(shown["payment"]["refunded"], json!(refunded), "{shown}");
        shop.standins().set_reading("refunds", "at_once").unwrap();
        assert_eq!(shop.refund("again", None).await.json()["payment"]["state"], json!("refunded"));
    }
}

#[tokio::test]
async fn part_given_back_in_the_cabinet_is_seen() {
    let shop = Shop::captured().await;
    let fields = json!({"refunded_amount": {"value": "500.00", "currency": "RUB"}}).as_object().unwrap().clone();
    shop.standins().set_yookassa_fields(&shop.their_id(), fields).unwrap();
    let settled = shop.back_office("settle", OPERATOR_KEY, None).await.json();
    assert_eq!((&settled["payment"]["state"], &settled["payment"]["refunded"]), (&json!("partially_refunded"), &json!("500.00")));
    assert_eq!(settled["payment"]["mismatch"], json!(null));
    let fields = json!({"refunded_amount": {"value": "400.00", "currency": "RUB"}}).as_object().unwrap().clone();
    shop.standins().set_yookassa_fields(&shop.their_id(), fields).unwrap();
    let settled = shop.back_office("settle", OPERATOR_KEY, None).await.json();
    assert!(settled["payment"]["mismatch"].is_string(), "a sum that shrinks is a contradiction: {settled}");
}

#[tokio::test]
async fn attempt_given_up_lets_a_later_hold_go() {
    let shop = Shop::pending().await;
    let canceled = shop.back_office("cancel", OPERATOR_KEY, None).await;
    assert_eq!((canceled.status, &canceled.json()["payment"]["state"]), (200, &json!("canceled")), "{}", canceled.body);
    shop.pay(CardDecision::Paid).await;
    shop.wait(15).await;
    assert_eq!((&shop.their()["status"], shop.state().await.as_str()), (&json!("canceled"), "canceled"));
    assert!(shop.standins().calls_to(System::Yookassa, "capture").is_empty());
}

#[tokio::test]
async fn hold_cannot_be_made_larger() {
    let shop = Shop::pending().await;
    shop.pay(CardDecision::Held).await;
    let cart = json!({"amount": "3300.00", "cart": [{"name": "Самовар", "price": "3300.00", "quantity": 1}]});
    let refused = shop.back_office("change", OPERATOR_KEY, Some(cart)).await;
    assert!([409, 502].contains(&refused.status), "{}", refused.body);
    shop.story.environment.advance(Duration::from_mins(1));
    assert_eq!(shop.capture().await["paymentCaptured"], json!(true));
    assert_eq!(shop.their()["amount"]["value"], json!(AMOUNT));
}

#[tokio::test]
async fn nobody_decides_by_hand_what_yookassa_keeps_a_record_of() {
    let shop = Shop::captured().await;
    shop.standins().set_reading("refunds", "pending").unwrap();
    assert_eq!(shop.refund("slow", Some("1000.00")).await.status, 202);
    shop.wait(120).await;
    assert_eq!(shop.stored().await.get("attention"), None, "banks take days");
    for made in [false, true] {
        let decided = shop.back_office("refunds/1/outcome", CASHIER_KEY, Some(json!({"made": made}))).await;
        assert_eq!((decided.status, &decided.json()["code"]), (409, &json!("in_progress")), "{}", decided.body);
    }
    shop.story.environment.advance(Duration::from_hours(5 * 24));
    shop.wait(120).await;
    assert_eq!(shop.stored().await["attention"], json!("open"), "after days somebody has to ask");
}

#[tokio::test]
async fn same_refund_asked_for_while_news_is_written_down_is_made_once() {
    let shop = Shop::captured().await;
    let part = CabinetAct::Refund { amount: Some("500.00".to_owned()) };
    shop.standins().in_yookassa_cabinet(&shop.their_id(), &part).unwrap();
    // The first request hears of the part late: meanwhile the second has written it down, and given back what both ask for.
    shop.fault("get", "late:700", 1);
    let second = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        shop.refund("same", Some("1000.00")).await
    };
    let (one, two) = tokio::join!(shop.refund("same", Some("1000.00")), second);
    assert_eq!((one.status, two.status), (200, 200), "{} {}", one.body, two.body);
    let amounts: Vec<_> = shop.standins().yookassa_refunds().iter().map(|refund| refund["amount"]["value"].clone()).collect();
    assert_eq!(amounts, [json!("500.00"), json!("1000.00")]);
}
