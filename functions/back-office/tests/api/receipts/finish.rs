//! A part of a hold.

use super::*;

#[tokio::test]
async fn part_of_a_hold_by_its_amount_is_captured_with_a_receipt_of_its_own() {
    let till = Till::held().await;
    let finished = till.finish(json!({"amount": "3400.00"})).await;
    assert_eq!(finished.status, 200, "{}", finished.body);
    let seen = &finished.json()["payment"];
    assert_eq!((&seen["state"], &seen["amount"], &seen["mismatch"]), (&json!("captured"), &json!("3400.00"), &json!(null)));
    let asked = till.only("capture");
    assert_eq!(asked["amount"]["value"], json!("3400.00"));
    assert_eq!(sum(&asked["receipt"]), 340_000, "{asked}");
    let their = till.their();
    assert_eq!((&their["status"], &their["amount"]["value"]), (&json!("succeeded"), &json!("3400.00")));
    let again = till.shop.settle().await.json();
    assert_eq!((&again["payment"]["state"], &again["payment"]["mismatch"]), (&json!("captured"), &json!(null)), "{again}");
}

#[tokio::test]
async fn lines_that_ship_are_captured_at_what_they_cost() {
    let till = Till::held().await;
    let lines =
        json!({"lines": [{"sku": "kettle", "quantity": 1}, {"sku": "bowl", "quantity": 3}, {"sku": "delivery", "quantity": 1}]});
    let finished = till.finish(lines).await;
    assert_eq!(finished.status, 200, "{}", finished.body);
    let asked = till.only("capture");
    // Half of 2954.55, rounded down; all of 295.75; 250.00.
    assert_eq!(asked["amount"]["value"], json!("2023.02"));
    let expected = [
        ("1", "1477.27", 4, "full_prepayment"),
        ("2", "98.58", 3, "full_prepayment"),
        ("1", "98.59", 3, "full_prepayment"),
        ("1", "250.00", 4, "full_prepayment"),
    ];
    assert_eq!(items(&asked["receipt"]), expected);
    assert_eq!(sum(&asked["receipt"]), 202_302);
    assert_eq!(asked["receipt"]["customer"], json!({"email": canary::EMAIL}));
    assert_eq!(asked["receipt"]["tax_system_code"], json!(2));
    let kept = json!([["kettle", "1", "1477.27"], ["bowl", "3", "295.75"], ["delivery", "1", "250.00"]]);
    assert_eq!(till.lines().await, kept, "what did not ship was not paid for");
    assert_eq!(till.shop.look().await["amount"], json!("2023.02"));
}

#[tokio::test]
async fn whole_hold_is_captured_without_another_receipt() {
    for body in [json!({}), json!({"amount": TOTAL})] {
        let till = Till::held().await;
        assert_eq!(till.finish(body.clone()).await.status, 200, "{body}");
        let asked = till.only("capture");
        assert_eq!((&asked["amount"]["value"], asked.get("receipt")), (&json!(TOTAL), None), "{body}");
    }
}

#[tokio::test]
async fn order_that_was_lowered_is_captured_with_a_receipt_of_what_is_left() {
    let till = Till::held().await;
    let cart = json!([{"name": "Чайник", "sku": "kettle", "price": "1500.00", "quantity": 2, "vat": "none"}]);
    let changed = till.shop.ask(till.shop.event("change", OPERATOR_KEY).json(json!({"amount": "3000.00", "cart": cart}))).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(till.shop.finish().await.status, 200);
    let asked = till.only("capture");
    assert_eq!(asked["amount"]["value"], json!("3000.00"));
    assert_eq!(items(&asked["receipt"]), [("2", "1500.00", 1, "full_prepayment")]);
    let seen = till.shop.settle().await.json();
    assert_eq!((&seen["payment"]["amount"], &seen["payment"]["mismatch"]), (&json!("3000.00"), &json!(null)), "{seen}");
}

#[tokio::test]
async fn part_that_is_none_is_refused_before_the_call() {
    let till = Till::held().await;
    let cases = [
        (json!({"amount": "3500.31"}), 409, "above_hold"),
        (of("kettle", 3), 409, "above_line"),
        (of("samovar", 1), 409, "unknown_line"),
        (json!({"lines": [{"sku": "kettle", "quantity": 1}, {"sku": "kettle", "quantity": 2}]}), 409, "above_line"),
        (json!({"amount": "100.00", "lines": [{"sku": "kettle", "quantity": 1}]}), 400, "bad_request"),
        (json!({"lines": []}), 400, "bad_request"),
        (json!({"lines": null}), 400, "bad_request"),
        (json!({"amount": null}), 400, "bad_request"),
        (json!({"amount": "0.00"}), 400, "bad_request"),
        (of("kettle", 0), 400, "bad_request"),
        (json!({"lines": [{"sku": "kettle"}]}), 400, "bad_request"),
        (json!({"lines": [{"sku": "kettle", "quantity": 1, "price": "1.00"}]}), 400, "bad_request"),
    ];
    for (body, status, code) in cases {
        let context = body.to_string();
        assert_refused(&till.finish(body).await, status, code, &context);
        till.assert_nothing_called(&context);
    }
    assert_eq!(till.shop.state().await, "held");
    assert_eq!(till.shop.stored().await["amount"], json!(350_030), "nothing was lowered");
}

#[tokio::test]
async fn part_is_checked_also_where_yookassa_holds_the_money_and_nobody_has_told_us() {
    let till = Till::with(&configured_at_once()).await;
    till.hold_unnoticed().await;
    assert_refused(&till.finish(json!({"amount": "3500.31"})).await, 409, "above_hold", "above");
    till.assert_nothing_called("above");
    let finished = till.finish(json!({"amount": "3400.00"})).await;
    assert_eq!((finished.status, &finished.json()["payment"]["amount"]), (200, &json!("3400.00")), "{}", finished.body);
    assert_eq!(sum(&till.only("capture")["receipt"]), 340_000);
}

#[tokio::test]
async fn mokka_captures_a_hold_whole() {
    let shop = Shop::held().await;
    let part = shop.event("finish", OPERATOR_KEY).json(json!({"amount": "1000.00"}));
    assert_refused(&shop.ask(part).await, 409, "partial_finish", "a part");
    let lines = shop.event("finish", OPERATOR_KEY).json(of("sku-1", 1));
    assert_refused(&shop.ask(lines).await, 409, "lines_not_kept", "lines");
    assert_eq!(shop.changing(), [""; 0]);
    let lines = shop.event("refunds", CASHIER_KEY).header("Idempotency-Key", "lines").json(of("sku-1", 1));
    let whole = shop.event("finish", OPERATOR_KEY).json(json!({"amount": crate::AMOUNT}));
    assert_eq!(shop.ask(whole).await.status, 200, "an amount that is all of it is no part");
    assert_refused(&shop.ask(lines).await, 409, "lines_not_kept", "a refund by lines");
}

#[tokio::test]
async fn part_without_a_clear_answer_is_captured_and_no_other_part_instead() {
    let till = Till::held().await;
    till.standins().fault(System::Yookassa, "capture", Fault::Http500, 50).unwrap();
    let first = till.finish(json!({"amount": "3400.00"})).await;
    assert_eq!((first.status, &first.json()["outcome"]), (202, &json!("unknown")), "{}", first.body);
    assert_refused(&till.finish(json!({"amount": "3000.00"})).await, 409, "in_progress", "another part");
    till.standins().clear_faults();
    till.wait(15).await;
    let amounts: Vec<_> = till.asked("capture").iter().map(|asked| asked["amount"]["value"].clone()).collect();
    assert!(amounts.iter().all(|amount| amount == "3400.00"), "{amounts:?}");
    assert_eq!(till.their()["amount"]["value"], json!("3400.00"));
    let seen = till.shop.look().await;
    assert_eq!((&seen["state"], &seen["amount"], &seen["mismatch"]), (&json!("captured"), &json!("3400.00"), &json!(null)));
}
