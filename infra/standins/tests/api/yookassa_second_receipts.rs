//! YooKassa: receipts that are sent apart from payments and refunds.

use serde_json::{Value, json};
use standins::{CardDecision, Options};

use crate::yookassa::{Caller, refusal, rub, wanted};
use crate::yookassa_receipts::{item, listed, receipt_of, shop_with, tea, tea_set};

/// These items when they are handed over.
fn delivered(items: &[Value]) -> Vec<Value> {
    let delivered = |item: &Value| {
        let mut item = item.clone();
        item["payment_mode"] = json!("full_payment");
        item
    };
    items.iter().map(delivered).collect()
}

/// A receipt of its own about a payment or a refund.
fn apart(kind: &str, of: &Value, items: &[Value], settled: (&str, &str)) -> Value {
    let mut wish = receipt_of(items);
    wish["type"] = json!(kind);
    wish[if kind == "payment" { "payment_id" } else { "refund_id" }] = of["id"].clone();
    wish["send"] = json!(true);
    wish["settlements"] = json!([{ "type": settled.0, "amount": rub(settled.1) }]);
    wish
}

fn second(of: &Value, items: &[Value], settled: &str) -> Value {
    apart("payment", of, &delivered(items), ("prepayment", settled))
}

async fn paid_tea(caller: &Caller) -> Value {
    let payment = tea(caller, true).await;
    caller.decide(&payment, CardDecision::Paid).await
}

#[tokio::test]
async fn second_receipt_settles_what_was_prepaid_once() {
    let caller = shop_with("atol").await;
    let payment = paid_tea(&caller).await;
    let wish = second(&payment, &tea_set(), "100.00");
    let (status, made) = caller.post("/receipts", &wish).await;
    assert_eq!((status, &made["status"], &made["payment_id"]), (200, &json!("pending"), &payment["id"]));
    let (_, shown) = caller.get(&format!("/receipts/{}", made["id"].as_str().unwrap())).await;
    assert_eq!(
        (&shown["status"], &shown["items"], &shown["settlements"]),
        (&json!("succeeded"), &wish["items"], &wish["settlements"])
    );
    let receipts = listed(&caller, "payment_id", &payment).await;
    assert_eq!((receipts.len(), &receipts[0]), (2, &shown), "the newest first");
    let again = caller.post("/receipts", &wish).await;
    assert_eq!((refusal(&again).0, &again.1["parameter"]), (400, &json!("settlements")));
    let (_, back) = caller.refund(&payment, "100.00").await;
    assert_eq!(back["status"], "succeeded", "what was handed over is given back");
}

#[tokio::test]
async fn second_receipt_must_equal_what_is_prepaid() {
    let caller = shop_with("atol").await;
    let payment = paid_tea(&caller).await;
    let changed = |field: &str, value: Value| {
        let mut wish = second(&payment, &tea_set(), "100.00");
        wish[field] = value;
        wish
    };
    let prepayment = |amount: &str| json!({ "type": "prepayment", "amount": rub(amount) });
    for (wrong, status) in [
        (changed("send", json!(false)), 400),
        (changed("type", json!("refund")), 400),
        (changed("type", json!("sale")), 400),
        (changed("settlements", json!([prepayment("99.99")])), 400),
        (changed("settlements", json!([])), 400),
        (changed("settlements", json!([prepayment("60.00"), { "type": "cashless", "amount": rub("40.00") }])), 400),
        (changed("settlements", json!([{ "type": "cashless", "amount": rub("100.00") }])), 400),
        (changed("settlements", json!(vec![prepayment("999999999999.99"); 100])), 400),
        (changed("items", json!(tea_set())), 400),
        (changed("items", json!([])), 400),
        (changed("customer", json!({})), 400),
        (changed("payment_id", json!("none")), 404),
        (changed("payment_id", tea(&caller, true).await["id"].clone()), 400),
        (second(&payment, &tea_set()[..1], "60.00"), 400),
    ] {
        assert_eq!(refusal(&caller.post("/receipts", &wrong).await).0, status, "{wrong}");
    }
    let halves = json!([prepayment("60.00"), prepayment("40.00")]);
    assert_eq!(caller.post("/receipts", &changed("settlements", halves)).await.0, 200);
}

#[tokio::test]
async fn what_was_given_back_is_no_longer_prepaid() {
    let caller = shop_with("atol").await;
    let payment = paid_tea(&caller).await;
    let cup = [item("Чашка", "20.00", &json!(1))];
    let wish = json!({ "payment_id": payment["id"], "amount": rub("20.00"), "receipt": receipt_of(&cup) });
    assert_eq!(caller.post("/refunds", &wish).await.0, 200);
    assert_eq!(caller.post("/receipts", &second(&payment, &tea_set(), "100.00")).await.0, 400);
    let rest = [item("Чайник", "60.00", &json!(1)), cup[0].clone()];
    assert_eq!(caller.post("/receipts", &second(&payment, &rest, "80.00")).await.0, 200);
}

#[tokio::test]
async fn only_what_is_prepaid_is_settled() {
    let caller = shop_with("atol").await;
    let mut wish = wanted("100.00", true);
    let [pot, cups] = tea_set();
    wish["receipt"] = receipt_of(&[delivered(&[pot])[0].clone(), cups.clone()]);
    let payment = caller.create(&wish).await;
    caller.decide(&payment, CardDecision::Paid).await;
    assert_eq!(caller.post("/receipts", &second(&payment, &tea_set(), "100.00")).await.0, 400, "the pot was handed over");
    assert_eq!(caller.post("/receipts", &second(&payment, &[cups], "40.00")).await.0, 200);
}

#[tokio::test]
async fn second_receipt_that_the_register_refuses_can_be_sent_again() {
    let caller = shop_with("atol").await;
    caller.environment.standins.set_reading("receipts", "pending").unwrap();
    let payment = paid_tea(&caller).await;
    let wish = second(&payment, &tea_set(), "100.00");
    let (_, made) = caller.post("/receipts", &wish).await;
    assert_eq!(caller.post("/receipts", &wish).await.0, 400);
    let path = format!("/control/yookassa/{}/decide", made["id"].as_str().unwrap());
    assert_eq!(caller.environment.control(&path, &json!({ "outcome": "declined" })).await.0, 200);
    assert_eq!(caller.payment(&payment["id"]).await["receipt_registration"], "pending", "that of the payment is another one");
    assert_eq!(caller.post("/receipts", &wish).await.0, 200);
}

#[tokio::test]
async fn receipt_of_a_payment_without_one_tells_of_no_more_than_was_captured() {
    let caller = Caller::with(Options { exact_requests: true, ..Options::default() }).await;
    let payment = caller.captured("100.00").await;
    let of_money = |items: &[Value], amount: &str| apart("payment", &payment, items, ("cashless", amount));
    assert_eq!(caller.post("/receipts", &second(&payment, &tea_set(), "100.00")).await.0, 400, "nothing was prepaid");
    let too_much = [item("Чайник", "100.01", &json!(1))];
    assert_eq!(caller.post("/receipts", &of_money(&too_much, "100.01")).await.0, 400);
    assert_eq!(caller.post("/receipts", &of_money(&tea_set(), "100.00")).await.0, 200);
    assert_eq!(caller.post("/receipts", &of_money(&tea_set(), "100.00")).await.0, 400, "its money is receipted");
    assert_eq!(caller.payment(&payment["id"]).await.get("receipt_registration"), None, "it came with none");
    assert_eq!(caller.post("/receipts", &second(&payment, &tea_set(), "100.00")).await.0, 200);
}

#[tokio::test]
async fn receipt_of_a_refund_tells_of_no_more_than_it_gave_back() {
    let caller = Caller::with(Options { exact_requests: true, ..Options::default() }).await;
    let payment = paid_tea(&caller).await;
    let (_, refund) = caller.refund(&payment, "40.00").await;
    let back = |items: &[Value], amount: &str| apart("refund", &refund, items, ("cashless", amount));
    let (cups, pot) = ([item("Чашка", "20.00", &json!(2))], [item("Чайник", "60.00", &json!(1))]);
    assert_eq!(caller.post("/receipts", &back(&pot, "60.00")).await.1["parameter"], "settlements");
    let saucers = [item("Блюдце", "20.00", &json!(2))];
    assert_eq!(caller.post("/receipts", &back(&saucers, "40.00")).await.1["parameter"], "items");
    let (status, made) = caller.post("/receipts", &back(&cups, "40.00")).await;
    assert_eq!((status, &made["type"], &made["refund_id"]), (200, &json!("refund"), &refund["id"]));
    assert_eq!(refusal(&caller.post("/receipts", &back(&cups, "40.00")).await).0, 400);
    let mut stranger = back(&cups, "40.00");
    stranger["refund_id"] = json!("none");
    assert_eq!(refusal(&caller.post("/receipts", &stranger).await).0, 404);

    caller.environment.standins.set_reading("refunds", "pending").unwrap();
    let (_, late) = caller.refund(&payment, "60.00").await;
    assert_eq!(caller.post("/receipts", &apart("refund", &late, &pot, ("cashless", "60.00"))).await.0, 400, "not made yet");
}
