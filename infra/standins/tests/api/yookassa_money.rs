//! YooKassa: holds are captured or let go, and what was captured is given back.

use serde_json::{Value, json};
use standins::{CardDecision, CardOutcome, Fault, System};

use crate::yookassa::{Caller, refusal, rub, wanted};

#[tokio::test]
async fn hold_is_captured_in_part_and_the_rest_goes_back() {
    let caller = Caller::exact().await;
    let held = caller.held("5240.00").await;
    for (amount, parameter) in [("5240.01", "amount"), ("0.00", "amount.value")] {
        let answer = caller.command(&held, "capture", &json!({ "amount": rub(amount) })).await;
        assert_eq!((refusal(&answer).0, &answer.1["parameter"]), (400, &json!(parameter)));
    }
    let (_, captured) = caller.command(&held, "capture", &json!({ "amount": rub("4990.00") })).await;
    assert_eq!((&captured["status"], &captured["amount"]), (&json!("succeeded"), &rub("4990.00")));
    assert_eq!(captured["income_amount"], rub("4815.35"));
    let again = caller.command(&held, "capture", &json!({ "amount": rub("250.00") })).await;
    assert_eq!(refusal(&again), (400, "Payment can not be captured in current status"), "once");
    assert_eq!(refusal(&caller.refund(&held, "5240.00").await), (400, "Refund sum exceeded"), "what was captured counts");

    caller.environment.standins.set_reading("amount_after_capture", "held").unwrap();
    let shown = caller.payment(&held["id"]).await;
    assert_eq!((&shown["amount"], &shown["income_amount"]), (&rub("5240.00"), &rub("4815.35")));
}

#[tokio::test]
async fn twenty_captures_in_parallel_take_the_money_once() {
    let caller = Caller::exact().await;
    let held = caller.held("100.00").await;
    let path = format!("/payments/{}/capture", held["id"].as_str().unwrap());
    let (path, keys) = (path.as_str(), (0..20).map(|number| format!("capture-{number}")).collect::<Vec<_>>());
    let bodies: Vec<Value> = (0..20).map(|number| json!({ "amount": rub(&format!("{}.00", 50 + number)) })).collect();
    let captures = keys.iter().zip(&bodies).map(|(key, body)| caller.post_as(key, path, body));
    let answers = futures_util::future::join_all(captures).await;
    let taken: Vec<_> = answers.iter().filter(|answer| answer.0 == 200).collect();
    assert_eq!(taken.len(), 1);
    assert_eq!(caller.payment(&held["id"]).await, taken[0].1);
    for answer in answers.iter().filter(|answer| answer.0 != 200) {
        assert_eq!(refusal(answer), (400, "Payment can not be captured in current status"));
    }
}

#[tokio::test]
async fn capture_and_cancel_in_parallel_end_in_one_of_them() {
    for _ in 0..5 {
        let caller = Caller::exact().await;
        let held = caller.held("100.00").await;
        let path = |command: &str| format!("/payments/{}/{command}", held["id"].as_str().unwrap());
        let (capture, cancel) = (path("capture"), path("cancel"));
        let body = json!({});
        let (captured, canceled) =
            futures_util::future::join(caller.post_as("a", &capture, &body), caller.post_as("b", &cancel, &body)).await;
        assert_eq!([captured.0, canceled.0].iter().filter(|status| **status == 200).count(), 1);
        let won = if captured.0 == 200 { captured.1 } else { canceled.1 };
        assert_eq!(caller.payment(&held["id"]).await, won);
    }
}

#[tokio::test]
async fn only_a_hold_can_be_canceled() {
    let caller = Caller::exact().await;
    let held = caller.held("10.00").await;
    let (status, canceled) = caller.command(&held, "cancel", &json!({})).await;
    assert_eq!((status, &canceled["status"], &canceled["paid"]), (200, &json!("canceled"), &json!(false)));
    assert_eq!(canceled["cancellation_details"], json!({ "party": "merchant", "reason": "canceled_by_merchant" }));
    assert!(canceled.get("expires_at").is_none() && canceled.get("captured_at").is_none());

    let not_now = "Payment can not be canceled in current status";
    let pending = caller.create(&wanted("10.00", false)).await;
    let one_stage = caller.create(&wanted("10.00", true)).await;
    for (payment, description) in [
        (&pending, not_now),
        (&one_stage, "You can not cancel payment with autocapture"),
        (&caller.captured("10.00").await, not_now),
        (&held, not_now),
    ] {
        assert_eq!(refusal(&caller.command(payment, "cancel", &json!({})).await), (400, description));
    }
    assert_eq!(refusal(&caller.command(&held, "capture", &json!({})).await).0, 400);
    assert_eq!(refusal(&caller.command(&pending, "cancel", &json!({ "amount": rub("1.00") })).await).0, 400);
}

#[tokio::test]
async fn what_is_not_the_shops_is_404() {
    let caller = Caller::exact().await;
    let stranger = json!({ "id": "215d8da0-000f-50be-b000-0003308c89be" });
    for answer in [
        caller.get("/payments/215d8da0-000f-50be-b000-0003308c89be").await,
        caller.get("/refunds/215d8da0-000f-50be-b000-0003308c89be").await,
        caller.command(&stranger, "capture", &json!({})).await,
        caller.command(&stranger, "cancel", &json!({})).await,
        caller.refund(&stranger, "1.00").await,
    ] {
        assert_eq!((refusal(&answer).0, &answer.1["code"]), (404, &json!("not_found")));
    }
}

#[tokio::test]
async fn captured_money_goes_back_whole_or_in_parts() {
    let caller = Caller::exact().await;
    let payment = caller.captured("100.00").await;
    let wish = json!({
        "payment_id": payment["id"], "amount": rub("40.00"), "description": "Одна вещь", "metadata": { "refund": "1" },
    });
    let (status, part) = caller.post("/refunds", &wish).await;
    assert_eq!((status, &part["status"], &part["amount"]), (200, &json!("succeeded"), &rub("40.00")));
    assert_eq!((&part["payment_id"], &part["description"]), (&payment["id"], &json!("Одна вещь")));
    assert_eq!(part["metadata"], json!({ "refund": "1" }));
    let shown = caller.payment(&payment["id"]).await;
    assert_eq!((&shown["status"], &shown["refunded_amount"]), (&json!("succeeded"), &rub("40.00")));
    for (amount, description) in [
        ("60.01", "Refund sum exceeded"),
        ("59.00", "Remaining payment amount after refund must be greater than 1.00 RUB"),
        ("59.99", "Remaining payment amount after refund must be greater than 1.00 RUB"),
    ] {
        assert_eq!(refusal(&caller.refund(&payment, amount).await), (400, description), "{amount}");
    }
    assert_eq!(caller.refund(&payment, "58.99").await.0, 200, "1.01 are left");
    let (_, rest) = caller.refund(&payment, "1.01").await;
    let shown = caller.payment(&payment["id"]).await;
    assert_eq!((&shown["status"], &shown["refunded_amount"]), (&json!("succeeded"), &rub("100.00")));
    assert_eq!(shown["refundable"], false);
    assert_eq!(refusal(&caller.refund(&payment, "1.00").await), (400, "Payment is already completely refunded"));

    let id = |refund: &Value| refund["id"].as_str().unwrap().to_owned();
    assert_eq!(caller.get(&format!("/refunds/{}", id(&part))).await.1, part);
    let (_, list) = caller.get(&format!("/refunds?payment_id={}&limit=1", payment["id"].as_str().unwrap())).await;
    assert_eq!((&list["items"][0], &list["next_cursor"]), (&rest, &caller.environment.standins.yookassa_refunds()[1]["id"]));
    assert_eq!(caller.get("/refunds?payment_id=none").await.1["items"], json!([]));
    assert_eq!(caller.environment.get("/control/yookassa/refunds").await[0], part, "oldest first");
}

#[tokio::test]
async fn only_captured_payments_are_refunded_for_three_years() {
    let caller = Caller::exact().await;
    let not_now = (400, "Payment can not be refunded in current status");
    assert_eq!(refusal(&caller.refund(&caller.held("10.00").await, "10.00").await), not_now);
    assert_eq!(refusal(&caller.refund(&caller.create(&wanted("10.00", true)).await, "10.00").await), not_now);
    let payment = caller.captured("10.00").await;
    caller.environment.advance(3 * 365 * 86_400 - 1).await;
    assert_eq!(caller.payment(&payment["id"]).await["refundable"], true);
    caller.environment.advance(1).await;
    assert_eq!(caller.payment(&payment["id"]).await["refundable"], false);
    assert_eq!(refusal(&caller.refund(&payment, "10.00").await), not_now);
}

#[tokio::test]
async fn twenty_refunds_in_parallel_give_back_no_more_than_was_taken() {
    let caller = Caller::exact().await;
    let payment = caller.captured("100.00").await;
    let wish = json!({ "payment_id": payment["id"], "amount": rub("30.00") });
    let keys: Vec<String> = (0..20).map(|number| format!("refund-{number}")).collect();
    let answers = futures_util::future::join_all(keys.iter().map(|key| caller.post_as(key, "/refunds", &wish))).await;
    assert_eq!(answers.iter().filter(|answer| answer.0 == 200).count(), 3);
    assert_eq!(caller.payment(&payment["id"]).await["refunded_amount"], rub("90.00"));
}

#[tokio::test]
async fn pending_refund_keeps_its_money_until_it_is_decided() {
    let caller = Caller::exact().await;
    let standins = &caller.environment.standins;
    standins.set_reading("refunds", "pending").unwrap();
    let payment = caller.captured("100.00").await;
    let (_, refund) = caller.refund(&payment, "60.00").await;
    assert_eq!(refund["status"], "pending");
    assert_eq!(caller.payment(&payment["id"]).await["refunded_amount"], rub("0.00"));
    assert_eq!(refusal(&caller.refund(&payment, "60.00").await), (400, "Refund sum exceeded"), "it is on its way");

    let id = refund["id"].as_str().unwrap();
    let short = CardOutcome { reason: Some("insufficient_funds".to_owned()), ..CardOutcome::new(CardDecision::Declined) };
    let canceled = standins.decide_yookassa(id, &short).await.unwrap()["object"].clone();
    assert_eq!(canceled["status"], "canceled");
    assert_eq!(canceled["cancellation_details"], json!({ "party": "yoo_money", "reason": "insufficient_funds" }));
    standins.decide_yookassa(id, &CardOutcome::new(CardDecision::Paid)).await.unwrap();
    assert_eq!(caller.get(&format!("/refunds/{id}")).await.1, canceled, "what is decided stays so");

    let (_, second) = caller.refund(&payment, "60.00").await;
    caller.decide(&second, CardDecision::Paid).await;
    assert_eq!(caller.payment(&payment["id"]).await["refunded_amount"], rub("60.00"));
    assert!(standins.decide_yookassa(id, &CardOutcome::new(CardDecision::Held)).await.is_err());
}

#[tokio::test]
async fn shops_people_capture_cancel_and_give_back_in_the_cabinet() {
    let caller = Caller::exact().await;
    let cabinet = async |payment: &Value, act: Value| {
        let path = format!("/control/yookassa/{}/cabinet", payment["id"].as_str().unwrap());
        caller.environment.control(&path, &act).await
    };
    let held = caller.held("100.00").await;
    assert_eq!(cabinet(&held, json!({ "act": "refund" })).await.0, 400, "nothing is captured");
    assert_eq!(cabinet(&held, json!({ "act": "capture" })).await.1["status"], "succeeded");
    let (_, part) = cabinet(&held, json!({ "act": "refund", "amount": "40.00" })).await;
    assert_eq!((&part["status"], &part["refunded_amount"]), (&json!("succeeded"), &rub("40.00")));
    assert_eq!(cabinet(&held, json!({ "act": "refund" })).await.1["refunded_amount"], rub("100.00"));
    let (status, refused) = cabinet(&held, json!({ "act": "refund", "amount": "forty" })).await;
    assert!(status == 400 && refused.to_string().contains("amount"), "{refused}");
    assert_eq!(cabinet(&held, json!({ "act": "sell" })).await.0, 400);
    let other = caller.held("10.00").await;
    assert_eq!(cabinet(&other, json!({ "act": "cancel" })).await.1["status"], "canceled");
    assert_eq!(cabinet(&json!({ "id": "none" }), json!({ "act": "cancel" })).await.0, 404);
}

#[tokio::test]
async fn call_that_arrives_late_arrives_in_its_second_whatever_the_leap() {
    let caller = Caller::exact().await;
    let standins = &caller.environment.standins;
    standins.fault(System::Yookassa, "create", Fault::EffectLate(20), 1).unwrap();
    assert!(caller.request("/payments", "key", &wanted("10.00", false)).send().await.is_err());
    caller.environment.advance(7 * 86_400).await;
    assert_eq!(standins.yookassa_payments()[0]["created_at"], "2026-11-18T09:00:20.000Z");
}
