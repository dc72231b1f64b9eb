//! YooKassa: fiscal receipts that come with payments, captures and refunds.

use serde_json::{Value, json};
use standins::{CabinetAct, CardDecision, Options, ReceiptRule};

use crate::yookassa::{Caller, refusal, rub, wanted};
use crate::yookassa_requests::with;

/// A shop whose receipts are made by this register.
pub(crate) async fn shop_with(register: &str) -> Caller {
    let options = Options { exact_requests: true, yookassa_register: Some(register.to_owned()), ..Options::default() };
    Caller::with(options).await
}

pub(crate) fn item(description: &str, price: &str, quantity: &Value) -> Value {
    json!({
        "description": description,
        "quantity": quantity,
        "amount": rub(price),
        "vat_code": 4,
        "payment_subject": "commodity",
        "payment_mode": "full_prepayment",
    })
}

pub(crate) fn receipt_of(items: &[Value]) -> Value {
    json!({ "customer": { "email": "anna@example.com" }, "items": items })
}

fn receipt(lines: &[(&str, Value)]) -> Value {
    receipt_of(&lines.iter().map(|(price, quantity)| item("Чайник", price, quantity)).collect::<Vec<_>>())
}

/// A tea pot of 60 and two cups of 20.
pub(crate) fn tea_set() -> [Value; 2] {
    [item("Чайник", "60.00", &json!(1)), item("Чашка", "20.00", &json!(2))]
}

/// A payment of 100 with the receipt of a tea set.
pub(crate) async fn tea(caller: &Caller, capture: bool) -> Value {
    let mut wish = wanted("100.00", capture);
    wish["receipt"] = receipt_of(&tea_set());
    caller.create(&wish).await
}

/// A refund with this receipt.
async fn refund_with(caller: &Caller, payment: &Value, amount: &str, items: &[Value]) -> (u16, Value) {
    let wish = json!({ "payment_id": payment["id"], "amount": rub(amount), "receipt": receipt_of(items) });
    caller.post("/refunds", &wish).await
}

/// What `GET /receipts` shows of the payment or the refund.
pub(crate) async fn listed(caller: &Caller, of: &str, object: &Value) -> Vec<Value> {
    let (status, list) = caller.get(&format!("/receipts?{of}={}", object["id"].as_str().unwrap())).await;
    assert_eq!((status, &list["type"]), (200, &json!("list")));
    list["items"].as_array().unwrap().clone()
}

async fn decide(caller: &Caller, id: &Value, wish: &Value) -> (u16, Value) {
    caller.environment.control(&format!("/control/yookassa/{}/decide", id.as_str().unwrap()), wish).await
}

#[tokio::test]
async fn receipt_must_sum_up_to_the_kopeck() {
    let caller = shop_with("atol").await;
    let of = |receipt: Value| with(&["receipt"], &receipt);
    let right = receipt(&[("3.33", json!(2)), ("3.34", json!("1.0"))]);
    let payment = caller.create(&of(right.clone())).await;
    assert_eq!(payment["receipt_registration"], "pending");
    assert_eq!(caller.get("/me").await.1["fiscalization"], json!({ "enabled": true, "provider": "atol" }));
    let changed = |field: &str, value: Value| {
        let mut receipt = right.clone();
        receipt["items"][0][field] = value;
        receipt
    };
    for wrong in [
        json!(null),
        json!({}),
        json!({ "customer": { "phone": "+79000000000" }, "items": [] }),
        json!({ "customer": {}, "items": right["items"] }),
        json!({ "customer": { "email": "nobody" }, "items": right["items"] }),
        json!({ "customer": { "phone": "8 900" }, "items": right["items"] }),
        receipt(&[("3.33", json!(3))]),
        receipt(&[("10.01", json!(1))]),
        receipt(&[("20.01", json!(0.5))]),
        receipt(&[("999999999999.00", json!("18446744073709551.615"))]),
        changed("vat_code", json!(13)),
        changed("vat_code", json!(null)),
        changed("payment_mode", json!("later")),
        changed("quantity", json!(0)),
        changed("quantity", json!(-2)),
        changed("quantity", json!("2.0001")),
        changed("quantity", json!("99999999999999999999")),
        changed("amount", rub("0.00")),
        changed("description", json!("ж".repeat(129))),
        changed("description", json!(["Чайник"])),
    ] {
        let answer = caller.post("/payments", &of(wrong.clone())).await;
        assert_eq!(refusal(&answer).0, 400, "{wrong}");
    }
    assert_eq!(caller.environment.standins.yookassa_receipts().len(), 1, "of what was refused there is none");
}

#[tokio::test]
async fn register_of_yookassa_sends_by_mail_and_takes_80_lines_and_others_100() {
    let pennies = |count: usize| vec![item("Спички", "1.00", &json!(1)); count];
    let wish = |count: usize, customer: Value| {
        let mut wish = wanted(&format!("{count}.00"), true);
        wish["receipt"] = json!({ "customer": customer, "items": pennies(count) });
        wish
    };
    let phone = json!({ "phone": "+79000000000" });
    for (register, most, by_phone) in
        [("yookassa", 80, 400), ("avanpost", 80, 400), ("yoo_receipt", 80, 400), ("atol", 100, 200), ("evotor", 100, 200)]
    {
        let caller = shop_with(register).await;
        let mail = json!({ "email": "anna@example.com" });
        caller.create(&wish(most, mail.clone())).await;
        let answer = caller.post("/payments", &wish(most + 1, mail)).await;
        assert_eq!((refusal(&answer).0, &answer.1["parameter"]), (400, &json!("receipt.items")), "{register}");
        let answer = caller.post("/payments", &wish(1, phone.clone())).await;
        assert_eq!(answer.0, by_phone, "{register}");
        if by_phone == 400 {
            assert_eq!(answer.1["parameter"], "receipt.customer.email");
        }
    }
}

#[tokio::test]
async fn receipt_of_a_payment_is_registered_once_it_is_captured_and_read() {
    let caller = shop_with("atol").await;
    let payment = tea(&caller, false).await;
    let standins = &caller.environment.standins;
    let waiting = listed(&caller, "payment_id", &payment).await;
    assert_eq!((waiting.len(), &waiting[0]["status"], &waiting[0]["type"]), (1, &json!("pending"), &json!("payment")));
    assert_eq!((&waiting[0]["payment_id"], &waiting[0]["items"]), (&payment["id"], &json!(tea_set())), "as they were sent");
    let id = waiting[0]["id"].as_str().unwrap();
    assert!(id.len() == 39 && id.starts_with("rt-"), "{id}");
    caller.decide(&payment, CardDecision::Paid).await;
    assert_eq!(caller.payment(&payment["id"]).await["receipt_registration"], "pending", "held money is nothing to the register");
    assert_eq!(listed(&caller, "payment_id", &payment).await, waiting);

    let (_, captured) = caller.command(&payment, "capture", &json!({})).await;
    assert_eq!(captured["receipt_registration"], "pending", "in the answer that took the money");
    assert_eq!(standins.yookassa_receipts()[0]["status"], "pending", "nobody has read it yet");
    caller.environment.advance(60).await;
    assert_eq!(caller.payment(&payment["id"]).await["receipt_registration"], "succeeded");
    let (status, registered) = caller.get(&format!("/receipts/{id}")).await;
    assert_eq!((status, &registered["status"], &registered["items"]), (200, &json!("succeeded"), &json!(tea_set())));
    assert!(registered["fiscal_document_number"].is_string() && registered["registered_at"].is_string());
    assert_eq!(registered["settlements"], json!([{ "type": "cashless", "amount": rub("100.00") }]));
    assert_eq!(listed(&caller, "payment_id", &payment).await, [registered]);
    assert_eq!(caller.get("/receipts?status=pending").await.1["items"], json!([]));
    assert_eq!(caller.get("/receipts?payment_id=none").await.1["items"], json!([]));
    assert_eq!(refusal(&caller.get("/receipts/none").await).0, 404);
}

#[tokio::test]
async fn each_way_to_read_a_receipt_registers_it() {
    let caller = shop_with("atol").await;
    for path in ["/receipts", "/receipts/{receipt}", "/payments", "/payments/{payment}"] {
        let payment = tea(&caller, true).await;
        caller.decide(&payment, CardDecision::Paid).await;
        let receipt = caller.environment.standins.yookassa_receipts().pop().unwrap();
        assert_eq!(receipt["status"], "pending", "{path}");
        caller.get("/me").await;
        caller.get("/refunds").await;
        assert_eq!(caller.environment.standins.yookassa_receipts().pop().unwrap()["status"], "pending", "{path}");
        let id = |object: &Value| object["id"].as_str().unwrap().to_owned();
        caller.get(&path.replace("{receipt}", &id(&receipt)).replace("{payment}", &id(&payment))).await;
        assert_eq!(caller.environment.standins.yookassa_receipts().pop().unwrap()["status"], "succeeded", "{path}");
    }
    let payment = caller.environment.standins.yookassa_payments().pop().unwrap();
    for path in ["/refunds", "/refunds/{refund}"] {
        let (_, refund) = refund_with(&caller, &payment, "20.00", &[item("Чашка", "20.00", &json!(1))]).await;
        assert_eq!(refund["receipt_registration"], "pending");
        caller.get(&path.replace("{refund}", refund["id"].as_str().unwrap())).await;
        assert_eq!(caller.environment.standins.yookassa_receipts().pop().unwrap()["status"], "succeeded", "{path}");
    }
}

#[tokio::test]
async fn receipt_of_a_partial_capture_takes_the_place_of_the_first() {
    let caller = shop_with("atol").await;
    let payment = tea(&caller, false).await;
    caller.decide(&payment, CardDecision::Paid).await;
    let before = caller.environment.standins.yookassa_receipts();
    let missing = caller.command(&payment, "capture", &json!({ "amount": rub("60.00") })).await;
    assert_eq!(refusal(&missing), (400, "Receipt is missing or illegal"));
    assert_eq!(missing.1["parameter"], "receipt");
    let wrong = json!({ "amount": rub("60.00"), "receipt": receipt_of(&tea_set()) });
    assert_eq!(refusal(&caller.command(&payment, "capture", &wrong).await).0, 400, "its lines are of another sum");
    assert_eq!(caller.environment.standins.yookassa_receipts(), before);
    let part = json!({ "amount": rub("60.00"), "receipt": receipt_of(&tea_set()[..1]) });
    let (status, captured) = caller.command(&payment, "capture", &part).await;
    assert_eq!((status, &captured["receipt_registration"]), (200, &json!("pending")));
    let receipts = listed(&caller, "payment_id", &payment).await;
    assert_eq!((receipts.len(), &receipts[0]["items"]), (1, &part["receipt"]["items"]));
    assert_eq!((&receipts[0]["status"], &receipts[0]["id"]), (&json!("succeeded"), &before[0]["id"]));
    assert_eq!(receipts[0]["settlements"][0]["amount"], rub("60.00"));
    let (_, cup) = refund_with(&caller, &payment, "20.00", &[item("Чашка", "20.00", &json!(1))]).await;
    assert_eq!(cup["parameter"], "receipt.items", "what was not captured was not sold");
}

#[tokio::test]
async fn receipt_of_money_that_never_came_is_canceled() {
    let caller = shop_with("atol").await;
    let payment = tea(&caller, false).await;
    caller.decide(&payment, CardDecision::Paid).await;
    let (_, canceled) = caller.command(&payment, "cancel", &json!({})).await;
    assert_eq!(canceled["receipt_registration"], "canceled");
    assert_eq!(listed(&caller, "payment_id", &payment).await[0]["status"], "canceled");
    let left = tea(&caller, true).await;
    caller.environment.advance(3_600).await;
    assert_eq!(caller.payment(&left["id"]).await["receipt_registration"], "canceled");
    let shown = listed(&caller, "payment_id", &left).await;
    assert_eq!((&shown[0]["status"], shown[0].get("fiscal_document_number")), (&json!("canceled"), None));
}

#[tokio::test]
async fn whole_refund_needs_no_receipt_and_a_part_does() {
    let caller = shop_with("atol").await;
    let payment = tea(&caller, true).await;
    caller.decide(&payment, CardDecision::Paid).await;
    let missing = caller.refund(&payment, "20.00").await;
    assert_eq!(refusal(&missing), (400, "Receipt is missing or illegal"));
    assert_eq!(missing.1["parameter"], "receipt");
    assert_eq!(caller.environment.standins.yookassa_refunds(), [json!(null); 0]);
    let cup = [item("Чашка", "20.00", &json!(1))];
    let (status, part) = refund_with(&caller, &payment, "20.00", &cup).await;
    assert_eq!((status, &part["receipt_registration"]), (200, &json!("pending")));
    let shown = listed(&caller, "refund_id", &part).await;
    assert_eq!(
        (&shown[0]["type"], &shown[0]["status"], &shown[0]["items"]),
        (&json!("refund"), &json!("succeeded"), &json!(cup))
    );
    assert_eq!((&shown[0]["refund_id"], shown[0].get("payment_id")), (&part["id"], None));
    assert_eq!(refusal(&caller.refund(&payment, "80.00").await).0, 400, "the rest after a part is a part");

    let whole = tea(&caller, true).await;
    caller.decide(&whole, CardDecision::Paid).await;
    let (_, refund) = caller.refund(&whole, "100.00").await;
    let shown = listed(&caller, "refund_id", &refund).await;
    assert_eq!(shown[0]["items"], json!(tea_set()), "YooKassa makes it of the payment's");
    assert_eq!(caller.get(&format!("/refunds/{}", refund["id"].as_str().unwrap())).await.1["receipt_registration"], "succeeded");
}

#[tokio::test]
async fn no_line_goes_back_that_was_not_sold() {
    let caller = shop_with("atol").await;
    let payment = tea(&caller, true).await;
    caller.decide(&payment, CardDecision::Paid).await;
    let cup = |price: &str, quantity: Value| vec![item("Чашка", price, &quantity)];
    for (amount, items) in [
        ("40.01", cup("40.01", json!(1))),
        ("60.00", cup("20.00", json!(3))),
        ("10.00", vec![item("Блюдце", "10.00", &json!(1))]),
        ("60.00", vec![item("Чашка", "30.00", &json!(1)), item("Чашка", "30.00", &json!(1))]),
    ] {
        let answer = refund_with(&caller, &payment, amount, &items).await;
        assert_eq!((refusal(&answer).0, &answer.1["parameter"]), (400, &json!("receipt.items")), "{amount}");
    }
    assert_eq!(refund_with(&caller, &payment, "20.00", &cup("20.00", json!(1))).await.0, 200);
    assert_eq!(refund_with(&caller, &payment, "20.01", &cup("20.01", json!(1))).await.0, 400, "a cup is left");
    assert_eq!(refund_with(&caller, &payment, "20.00", &cup("40.00", json!(0.5))).await.0, 200);
    assert_eq!(refund_with(&caller, &payment, "59.00", &[item("Чайник", "59.00", &json!(1))]).await.0, 400, "1.00 would be left");
    assert_eq!(refund_with(&caller, &payment, "60.00", &[item("Чайник", "60.00", &json!(1))]).await.0, 200);
    assert_eq!(caller.payment(&payment["id"]).await["refunded_amount"], rub("100.00"));
}

#[tokio::test]
async fn shop_that_is_not_strict_is_taken_without_receipts() {
    let lax =
        Options { yookassa_register: Some("atol".to_owned()), yookassa_receipts: ReceiptRule::Optional, ..Options::default() };
    for options in [Options::default(), lax] {
        let caller = Caller::with(options).await;
        let bare = caller.captured("10.00").await;
        assert_eq!(bare.get("receipt_registration"), None);
        let payment = tea(&caller, false).await;
        caller.decide(&payment, CardDecision::Paid).await;
        assert_eq!(caller.command(&payment, "capture", &json!({ "amount": rub("60.00") })).await.0, 200);
        let (status, refund) = caller.refund(&payment, "20.00").await;
        assert_eq!((status, refund.get("receipt_registration")), (200, None));
        assert_eq!(listed(&caller, "refund_id", &refund).await, [json!(null); 0]);
    }
}

#[tokio::test]
async fn receipt_of_a_pending_refund_ends_with_it() {
    let caller = shop_with("atol").await;
    caller.environment.standins.set_reading("refunds", "pending").unwrap();
    let payment = tea(&caller, true).await;
    caller.decide(&payment, CardDecision::Paid).await;
    let cups = [item("Чашка", "20.00", &json!(2))];
    let registration = async |refund: &Value| {
        let shown = caller.get(&format!("/refunds/{}", refund["id"].as_str().unwrap())).await.1;
        let receipts = listed(&caller, "refund_id", refund).await;
        assert_eq!((receipts.len(), &receipts[0]["status"]), (1, &shown["receipt_registration"]));
        shown["receipt_registration"].as_str().unwrap().to_owned()
    };
    let (_, first) = refund_with(&caller, &payment, "40.00", &cups).await;
    assert_eq!(registration(&first).await, "pending", "its money has not gone back");
    let early = decide(&caller, &listed(&caller, "refund_id", &first).await[0]["id"], &json!({ "outcome": "paid" })).await;
    assert_eq!(early.0, 400, "the register has not heard of it");
    assert_eq!(refund_with(&caller, &payment, "40.00", &cups).await.0, 400, "the cups are on their way");
    caller.decide(&first, CardDecision::Declined).await;
    assert_eq!(registration(&first).await, "canceled");
    let (_, second) = refund_with(&caller, &payment, "40.00", &cups).await;
    caller.decide(&second, CardDecision::Paid).await;
    assert_eq!(registration(&second).await, "succeeded");
}

#[tokio::test]
async fn register_that_refuses_is_played_by_the_control_api() {
    let caller = shop_with("atol").await;
    caller.environment.standins.set_reading("receipts", "pending").unwrap();
    let payment = tea(&caller, true).await;
    let receipts = || caller.environment.standins.yookassa_receipts_of("1001-1");
    let id = receipts()[0]["id"].clone();
    let (status, early) = decide(&caller, &id, &json!({ "outcome": "declined" })).await;
    assert!(status == 400 && early["error"].as_str().unwrap().contains("captured"), "{early}");
    caller.decide(&payment, CardDecision::Paid).await;
    assert_eq!(listed(&caller, "payment_id", &payment).await[0]["status"], "pending", "however often it is read");
    for wrong in [json!({ "outcome": "held" }), json!({ "outcome": "declined", "reason": "general_decline" })] {
        assert_eq!(decide(&caller, &id, &wrong).await.0, 400, "{wrong}");
    }
    let (status, declined) = decide(&caller, &id, &json!({ "outcome": "declined" })).await;
    assert_eq!((status, &declined["object"]["status"], &declined["notifications"]), (200, &json!("canceled"), &json!([])));
    let shown = caller.payment(&payment["id"]).await;
    assert_eq!((&shown["status"], &shown["receipt_registration"]), (&json!("succeeded"), &json!("canceled")));
    decide(&caller, &id, &json!({ "outcome": "paid" })).await;
    assert_eq!(listed(&caller, "payment_id", &payment).await[0]["status"], "canceled", "what is decided stays so");

    let (_, refund) = refund_with(&caller, &payment, "20.00", &[item("Чашка", "20.00", &json!(1))]).await;
    assert_eq!(refund["status"], "succeeded", "what the register has refused was sold nevertheless");
    let of_refund = receipts().pop().unwrap();
    decide(&caller, &of_refund["id"], &json!({ "outcome": "paid" })).await;
    assert_eq!(listed(&caller, "refund_id", &refund).await[0]["status"], "succeeded");
}

#[tokio::test]
async fn control_api_lists_receipts_oldest_first_with_our_payment_id() {
    let caller = shop_with("atol").await;
    let payment = tea(&caller, true).await;
    caller.decide(&payment, CardDecision::Paid).await;
    let mut other = wanted("10.00", true);
    other["metadata"] = json!({ "payment_id": "1002-1" });
    other["receipt"] = receipt(&[("10.00", json!(1))]);
    caller.create(&other).await;
    caller.refund(&payment, "100.00").await;
    let shown = caller.environment.get("/control/yookassa/receipts").await;
    let of = |index: usize| (shown[index]["type"].clone(), shown[index]["our_payment_id"].clone());
    assert_eq!(shown.as_array().unwrap().len(), 3);
    assert_eq!(of(0), (json!("payment"), json!("1001-1")));
    assert_eq!(of(1), (json!("payment"), json!("1002-1")));
    assert_eq!(of(2), (json!("refund"), json!("1001-1")));
    let standins = &caller.environment.standins;
    assert_eq!(json!(standins.yookassa_receipts()), shown);
    assert_eq!(json!(standins.yookassa_receipts_of("1001-1")), json!([shown[0], shown[2]]));
    let id = shown[0]["id"].as_str().unwrap();
    let (_, by_api) = caller.get(&format!("/receipts/{id}")).await;
    assert_eq!(caller.environment.get(&format!("/control/yookassa/{id}")).await, by_api);
}

#[tokio::test]
async fn cabinet_makes_the_receipt_of_what_it_gives_back() {
    let caller = shop_with("atol").await;
    let payment = tea(&caller, true).await;
    caller.decide(&payment, CardDecision::Paid).await;
    let standins = &caller.environment.standins;
    let id = payment["id"].as_str().unwrap();
    for amount in [Some("70.00"), None] {
        standins.in_yookassa_cabinet(id, &CabinetAct::Refund { amount: amount.map(str::to_owned) }).unwrap();
    }
    let receipts = standins.yookassa_receipts();
    let lines = |receipt: &Value| {
        let items = receipt["items"].as_array().unwrap();
        items.iter().map(|item| (item["description"].clone(), item["amount"]["value"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(lines(&receipts[1]), [(json!("Чайник"), json!("60.00")), (json!("Чашка"), json!("10.00"))]);
    assert_eq!(lines(&receipts[2]), [(json!("Чашка"), json!("30.00"))]);
    let whole = tea(&caller, true).await;
    caller.decide(&whole, CardDecision::Paid).await;
    standins.in_yookassa_cabinet(whole["id"].as_str().unwrap(), &CabinetAct::Refund { amount: None }).unwrap();
    assert_eq!(standins.yookassa_receipts().pop().unwrap()["items"], json!(tea_set()));
}
