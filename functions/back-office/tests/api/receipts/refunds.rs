//! Parts that are given back.

use super::*;

#[tokio::test]
async fn amount_is_spread_over_the_lines() {
    let till = Till::captured().await;
    let refunded = till.refund("part", json!({"amount": "350.00"})).await;
    assert_eq!(refunded.status, 200, "{}", refunded.body);
    let asked = till.only("refund");
    assert_eq!(asked["amount"]["value"], json!("350.00"));
    assert_eq!(sum(&asked["receipt"]), 35_000);
    assert_eq!(items(&asked["receipt"]).iter().map(|item| item.0).collect::<Vec<_>>(), ["1"; 3], "parts of a price: {asked}");
    let lines = refunded.json()["payment"].clone();
    assert_eq!(lines["receipts"], json!({"rejected": false}), "answers of commands have no lines");
    let left: i64 = till.lines().await.as_array().unwrap().iter().map(|line| kopecks(line[2].as_str().unwrap())).sum();
    assert_eq!(left, kopecks(TOTAL) - 35_000);
}

#[tokio::test]
async fn lines_are_given_back_at_what_they_cost() {
    let till = Till::captured().await;
    let lines = json!({"lines": [{"sku": "bowl", "quantity": 2}, {"sku": "delivery", "quantity": 1}]});
    let refunded = till.refund("lines", lines).await;
    assert_eq!(refunded.status, 200, "{}", refunded.body);
    assert_eq!(refunded.json()["refund"]["amount"], json!("447.16"));
    let asked = till.only("refund");
    assert_eq!(items(&asked["receipt"]), [("2", "98.58", 3, "full_prepayment"), ("1", "250.00", 4, "full_prepayment")]);
    assert_eq!(sum(&asked["receipt"]), 44_716);
    assert_eq!(till.lines().await, json!([["kettle", "2", "2954.55"], ["bowl", "1", "98.59"]]));
    let refused = [
        (of("delivery", 1), "unknown_line"),
        (of("bowl", 2), "above_line"),
        (of("samovar", 1), "unknown_line"),
        (json!({"lines": [{"sku": "kettle", "quantity": 2.5}]}), "above_line"),
    ];
    till.standins().forget_calls();
    for (body, code) in refused {
        let context = body.to_string();
        assert_refused(&till.refund("other", body).await, 409, code, &context);
        till.assert_nothing_called(&context);
    }
    let last = till.refund("last", of("bowl", 1)).await.json();
    assert_eq!(last["refund"]["amount"], json!("98.59"), "the last piece has what is left: {last}");
}

#[tokio::test]
async fn same_key_is_the_same_refund_of_the_same_lines_only() {
    let till = Till::captured().await;
    for _ in 0..2 {
        let refunded = till.refund("key", of("bowl", 2)).await;
        assert_eq!((refunded.status, &refunded.json()["refund"]["refund"]), (200, &json!(1)), "{}", refunded.body);
    }
    till.only("refund");
    for other in [of("bowl", 1), of("kettle", 2), json!({"amount": "197.16"}), json!({})] {
        let context = other.to_string();
        assert_refused(&till.refund("key", other).await, 409, "idempotency_key_reused", &context);
    }
    assert_eq!(till.standins().yookassa_refunds().len(), 1);
}

#[tokio::test]
async fn whole_refund_needs_no_receipt() {
    let everything =
        json!({"lines": [{"sku": "kettle", "quantity": 2}, {"sku": "bowl", "quantity": 3}, {"sku": "delivery", "quantity": 1}]});
    for body in [json!({}), json!({"amount": TOTAL}), everything] {
        let till = Till::captured().await;
        let refunded = till.refund("whole", body.clone()).await;
        assert_eq!((refunded.status, &refunded.json()["payment"]["state"]), (200, &json!("refunded")), "{}", refunded.body);
        let asked = till.only("refund");
        assert_eq!((&asked["amount"]["value"], asked.get("receipt")), (&json!(TOTAL), None), "{body}");
        assert_eq!(till.lines().await, json!([]), "{body}");
    }
}

#[tokio::test]
async fn receipts_of_all_parts_sum_up_to_the_payment() {
    let till = Till::captured().await;
    let parts =
        [json!({"amount": "0.07"}), of("bowl", 1), json!({"amount": "333.33"}), of("kettle", 1), of("delivery", 1), json!({})];
    let count = parts.len();
    for (index, part) in parts.into_iter().enumerate() {
        let refunded = till.refund(&format!("part-{index}"), part.clone()).await;
        assert_eq!(refunded.status, 200, "{part}: {}", refunded.body);
    }
    let asked = till.asked("refund");
    assert_eq!(asked.len(), count);
    for asked in &asked {
        assert_eq!(sum(&asked["receipt"]), kopecks(asked["amount"]["value"].as_str().unwrap()), "{asked}");
    }
    assert_eq!(asked.iter().map(|asked| sum(&asked["receipt"])).sum::<i64>(), kopecks(TOTAL));
    assert_eq!((till.shop.state().await.as_str(), till.lines().await), ("refunded", json!([])));
}

#[tokio::test]
async fn refund_that_leaves_a_ruble_or_less_is_refused_before_the_call() {
    let till = Till::captured().await;
    for (left, amount) in [("0.01", "3500.29"), ("1.00", "3499.30")] {
        assert_refused(&till.refund("much", json!({"amount": amount})).await, 409, "rest_too_small", left);
    }
    assert_refused(&till.refund("more", json!({"amount": "3500.31"})).await, 409, "above_rest", "above all");
    till.assert_nothing_called("nothing of these is for YooKassa");
    let refunded = till.refund("less", json!({"amount": "3499.29"})).await;
    assert_eq!(refunded.status, 200, "{}", refunded.body);
    assert_eq!(till.refund("rest", json!({})).await.json()["payment"]["state"], json!("refunded"));
    assert_eq!(till.asked("refund").iter().map(|asked| sum(&asked["receipt"])).collect::<Vec<_>>(), [349_929, 101]);
}

#[tokio::test]
async fn part_without_anybody_to_send_a_receipt_to_is_refused_by_name() {
    let till = Till::captured().await;
    till.forget_customer().await;
    till.standins().forget_calls();
    for body in [json!({"amount": "100.00"}), of("bowl", 1)] {
        let context = body.to_string();
        let refused = till.refund("part", body).await;
        assert_refused(&refused, 409, "receipt_impossible", &context);
        assert!(refused.json()["error"].as_str().unwrap().contains("neither an e-mail nor a phone"), "{}", refused.body);
        till.assert_nothing_called(&context);
    }
    assert_eq!(till.shop.stored().await.get("refunds").and_then(Value::as_array).map_or(0, Vec::len), 0, "nothing is under way");
    assert_refused(&till.second_receipt().await, 409, "receipt_impossible", "the second receipt");
    assert_eq!(till.refund("whole", json!({})).await.json()["payment"]["state"], json!("refunded"), "which needs no receipt");
}

#[tokio::test]
async fn words_and_lines_that_a_register_does_not_take_are_named() {
    let needs_email = Till::with(&configured("provider-register.toml", "cashRegister = \"provider\"\n")).await;
    let till = needs_email.paid().await.shipped().await;
    till.shop.story.environment.forget("order-holds", &format!("order#{}", till.shop.order.uuid), "email").await;
    let refused = till.refund("part", json!({"amount": "100.00"})).await;
    assert_refused(&refused, 409, "receipt_impossible", "a register that writes to e-mails");
    assert!(refused.json()["error"].as_str().unwrap().contains("e-mail"), "{}", refused.body);
    till.assert_nothing_called("no e-mail");
}

#[tokio::test]
async fn refund_that_yookassa_refuses_later_can_be_asked_for_again_by_the_same_lines() {
    let till = Till::captured().await;
    till.standins().set_reading("refunds", "pending").unwrap();
    let accepted = till.refund("first", of("bowl", 2)).await;
    assert_eq!((accepted.status, &accepted.json()["outcome"]), (202, &json!("unknown")), "{}", accepted.body);
    let refund = till.standins().yookassa_refunds()[0]["id"].as_str().unwrap().to_owned();
    let reason = Some("insufficient_funds".to_owned());
    let outcome = CardOutcome { notify: false, reason, ..CardOutcome::new(CardDecision::Declined) };
    till.standins().decide_yookassa(&refund, &outcome).await.unwrap();
    let seen = till.shop.settle().await.json();
    assert_eq!(seen["payment"]["refunds"][0]["status"], json!("refused"), "{seen}");
    assert_eq!(till.lines().await, json!([["kettle", "2", "2954.55"], ["bowl", "3", "295.75"], ["delivery", "1", "250.00"]]));
    till.standins().set_reading("refunds", "at_once").unwrap();
    let again = till.refund("second", of("bowl", 2)).await;
    assert_eq!((again.status, &again.json()["refund"]["status"]), (200, &json!("made")), "{}", again.body);
    let asked = till.asked("refund");
    assert_eq!((asked.len(), &asked[0]["receipt"]), (2, &asked[1]["receipt"]), "the same receipt");
    let keys: Vec<_> =
        till.standins().calls_to(System::Yookassa, "refund").iter().map(|call| call.headers["idempotence-key"].clone()).collect();
    assert_ne!(keys[0], keys[1], "with a key of its own");
    assert_eq!(till.lines().await, json!([["kettle", "2", "2954.55"], ["bowl", "1", "98.59"], ["delivery", "1", "250.00"]]));
}

#[tokio::test]
async fn refund_by_lines_whose_answer_is_lost_is_made_once() {
    for fault in ["answer_lost", "timeout"] {
        let till = Till::captured().await;
        till.fault("refund", fault);
        let answer = till.refund("lost", of("kettle", 1)).await;
        assert!([200, 202].contains(&answer.status), "{fault}: {}", answer.body);
        till.wait(15).await;
        assert_eq!(till.standins().yookassa_refunds().len(), 1, "{fault}");
        let bodies = till.asked("refund");
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{fault}: a repetition says the same: {bodies:?}");
        assert_eq!(till.lines().await[0], json!(["kettle", "1", "1477.28"]), "{fault}");
    }
}

#[tokio::test]
async fn part_given_back_in_the_cabinet_lowers_the_lines() {
    let till = Till::captured().await;
    let part = standins::CabinetAct::Refund { amount: Some("500.30".to_owned()) };
    till.standins().in_yookassa_cabinet(&till.their_id(), &part).unwrap();
    let seen = till.shop.settle().await.json();
    assert_eq!(
        (&seen["payment"]["state"], &seen["payment"]["refunded"]),
        (&json!("partially_refunded"), &json!("500.30")),
        "{seen}"
    );
    let left: i64 = till.lines().await.as_array().unwrap().iter().map(|line| kopecks(line[2].as_str().unwrap())).sum();
    assert_eq!(left, 300_000);
    let rest = till.refund("rest", json!({})).await;
    assert_eq!(rest.json()["payment"]["state"], json!("refunded"), "{}", rest.body);
    assert_eq!(sum(&till.only("refund")["receipt"]), 300_000);
}
