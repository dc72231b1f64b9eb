//! YooKassa: payments by SBP, which the customer makes in the bank's app.

use std::collections::HashSet;

use serde_json::{Value, json};
use standins::{CardDecision, CardOutcome, Options, YookassaMethod};

use crate::yookassa::{Caller, refusal, rub, wanted};
use crate::yookassa_customer::page_at;

/// A payment by SBP whose customer is shown a code.
pub(crate) fn by_code(amount: &str) -> Value {
    let mut wish = wanted(amount, true);
    wish["payment_method_data"] = json!({ "type": "sbp" });
    wish["confirmation"] = json!({ "type": "qr" });
    wish
}

fn link(payment: &Value) -> &str {
    payment["confirmation"]["confirmation_data"].as_str().unwrap()
}

/// The page of a payment whose customer is shown a code.
fn page_of(caller: &Caller, payment: &Value) -> String {
    let code = link(payment).strip_prefix("https://qr.nspk.ru/").unwrap().split('?').next().unwrap().to_owned();
    caller.environment.url(&format!("/yookassa/page/{code}"))
}

fn changed(field: &str, value: &Value) -> Value {
    let mut wish = by_code("10.00");
    wish[field] = value.clone();
    wish
}

#[tokio::test]
async fn code_of_sbp_is_the_payments_own_and_names_its_sum() {
    let caller = Caller::exact().await;
    let payment = caller.create(&by_code("1234.56")).await;
    assert_eq!((&payment["status"], &payment["payment_method"]["type"]), (&json!("pending"), &json!("sbp")));
    assert_eq!(payment["confirmation"], json!({ "type": "qr", "confirmation_data": link(&payment) }));
    let (code, rest) = link(&payment).strip_prefix("https://qr.nspk.ru/").unwrap().split_once('?').unwrap();
    assert_eq!(code.len(), 32);
    assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()), "{code}");
    let (parameters, crc) = rest.split_once("&crc=").unwrap();
    assert_eq!(parameters, "type=02&bank=100000000004&sum=123456&cur=RUB");
    assert!(crc.len() == 4 && crc.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte)), "{crc}");
    assert_eq!(caller.payment(&payment["id"]).await, payment, "the same whenever it is asked for");
    let mut codes = HashSet::from([link(&payment).to_owned()]);
    for _ in 0..20 {
        codes.insert(link(&caller.create(&by_code("1234.56")).await).to_owned());
    }
    assert_eq!(codes.len(), 21);
    let wish = changed("confirmation", &json!({ "type": "qr", "return_url": "https://shop.example/back" }));
    assert!(caller.create(&wish).await["confirmation"].get("confirmation_url").is_none());
}

#[tokio::test]
async fn sbp_has_one_stage_and_its_own_confirmations() {
    let caller = Caller::exact().await;
    let answer = caller.post("/payments", &changed("capture", &json!(false))).await;
    assert_eq!(
        (refusal(&answer).0, &answer.1["code"], &answer.1["parameter"]),
        (400, &json!("invalid_request"), &json!("capture"))
    );
    let mut unsaid = by_code("10.00");
    unsaid.as_object_mut().unwrap().remove("capture");
    assert_eq!(caller.post("/payments", &unsaid).await.1["parameter"], "capture", "two stages where nothing is said");
    for (field, value, parameter) in [
        ("confirmation", json!({ "type": "embedded" }), "confirmation.type"),
        ("confirmation", json!({ "type": "mobile_application" }), "confirmation.type"),
        ("confirmation", json!({ "type": "redirect" }), "confirmation.return_url"),
        ("confirmation", json!({ "type": "qr", "return_url": "javascript:alert(1)" }), "confirmation.return_url"),
        ("payment_method_data", json!({ "type": "bank_card" }), "confirmation.type"),
        ("payment_method_data", json!({ "type": "sbp", "phone": "79000000000" }), "payment_method_data.phone"),
        ("amount", rub("0.99"), "amount.value"),
        ("amount", rub("700000.01"), "amount.value"),
    ] {
        let answer = caller.post("/payments", &changed(field, &value)).await;
        assert_eq!((refusal(&answer).0, &answer.1["parameter"]), (400, &json!(parameter)), "{field} {value}");
    }
    let mut left_open = by_code("10.00");
    left_open.as_object_mut().unwrap().remove("payment_method_data");
    assert_eq!(caller.post("/payments", &left_open).await.1["parameter"], "confirmation.type");
    assert_eq!(caller.environment.standins.yookassa_payments(), [json!(null); 0]);
    for amount in ["1.00", "700000.00"] {
        caller.create(&by_code(amount)).await;
    }
}

#[tokio::test]
async fn shop_without_sbp_cannot_be_paid_by_it() {
    let options = Options { yookassa_methods: vec![YookassaMethod::BankCard, YookassaMethod::YooMoney], ..Options::default() };
    let caller = Caller::with(options).await;
    let answer = caller.post("/payments", &by_code("10.00")).await;
    assert_eq!(refusal(&answer), (400, "Payment method is not available"));
    assert_eq!(answer.1["parameter"], "payment_method_data.type");
}

#[tokio::test]
async fn paid_sbp_names_the_payers_bank_and_the_operation() {
    let caller = Caller::exact().await;
    let payment = caller.create(&by_code("10.00")).await;
    let paid = caller.decide(&payment, CardDecision::Paid).await;
    assert_eq!((&paid["status"], paid.get("confirmation")), (&json!("succeeded"), None));
    assert_eq!(paid.get("authorization_details"), None, "no card's bank has authorized it");
    let method = &paid["payment_method"];
    assert_eq!((&method["type"], &method["id"], method.get("card")), (&json!("sbp"), &payment["id"], None));
    assert!(method["payer_bank_details"]["bank_id"].is_string() && method["payer_bank_details"]["bic"].is_string());
    assert_eq!(method["sbp_operation_id"].as_str().map(str::len), Some(32));
    assert_eq!(caller.payment(&payment["id"]).await, paid);
    let another = caller.create(&by_code("10.00")).await;
    let another = caller.decide(&another, CardDecision::Paid).await;
    assert_ne!(another["payment_method"]["sbp_operation_id"], method["sbp_operation_id"]);
    assert_eq!(caller.refund(&payment, "4.00").await.1["status"], "succeeded");
    assert_eq!(caller.get("/payments?payment_method=sbp").await.1["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn decisions_about_sbp_are_those_of_one_stage() {
    let caller = Caller::exact().await;
    let standins = &caller.environment.standins;
    for (outcome, status, reason) in [
        (CardDecision::Declined, "canceled", Some("general_decline")),
        (CardDecision::Abandoned, "canceled", Some("expired_on_confirmation")),
        (CardDecision::Processing, "pending", None),
    ] {
        let payment = caller.create(&by_code("10.00")).await;
        let decided = caller.decide(&payment, outcome).await;
        assert_eq!((&decided["status"], &decided["cancellation_details"]["reason"]), (&json!(status), &json!(reason)));
    }
    let payment = caller.create(&by_code("10.00")).await;
    for outcome in [CardDecision::Held, CardDecision::ThreeDs, CardDecision::FailedTry] {
        let refused = standins.decide_yookassa(payment["id"].as_str().unwrap(), &CardOutcome::new(outcome)).await;
        assert!(refused.unwrap_err().to_string().contains("SBP has one stage"));
    }
    let path = format!("/control/yookassa/{}/decide", payment["id"].as_str().unwrap());
    assert_eq!(caller.environment.control(&path, &json!({ "outcome": "held" })).await.0, 400);
    assert_eq!(caller.payment(&payment["id"]).await, payment);
}

#[tokio::test]
async fn sbp_ends_after_an_hour_unless_its_bank_is_slow() {
    let caller = Caller::exact().await;
    let (left, slow) = (caller.create(&by_code("10.00")).await, caller.create(&by_code("10.00")).await);
    caller.decide(&slow, CardDecision::Processing).await;
    caller.environment.advance(3_599).await;
    assert_eq!(caller.payment(&left["id"]).await["status"], "pending");
    caller.environment.advance(1).await;
    assert_eq!(caller.payment(&left["id"]).await["cancellation_details"]["reason"], "expired_on_confirmation");
    caller.environment.advance(6 * 3_600).await;
    assert_eq!(caller.payment(&slow["id"]).await["status"], "pending");
    assert_eq!(caller.decide(&slow, CardDecision::Paid).await["status"], "succeeded");
}

#[tokio::test]
async fn person_pays_sbp_on_the_page_of_its_code() {
    let caller = Caller::exact().await;
    for (pressed, status, shown) in [
        ("bank_pays", "succeeded", "Оплачено"),
        ("bank_refuses", "canceled", "general_decline"),
        ("bank_later", "pending", "ещё не ответил"),
    ] {
        let payment = caller.create(&by_code("1234.50")).await;
        let url = page_of(&caller, &payment);
        let (answered, page, _) = page_at(&caller, &url, None).await;
        assert!(answered == 200 && page.contains("1234.50") && page.contains("Заплатить в банке"), "{page}");
        assert!(page.contains(&link(&payment).replace('&', "&amp;")) && !page.contains("Номер карты"), "{page}");
        let (answered, page, _) = page_at(&caller, &url, Some(&format!("action={pressed}"))).await;
        assert!(answered == 200 && page.contains(shown), "{page}");
        assert_eq!(caller.payment(&payment["id"]).await["status"], status);
    }
    let payment = caller.create(&by_code("10.00")).await;
    for form in ["", "action=", "action=pay&number=5555555555554444&expiry=11/26&csc=123", "action=%00", "\u{ff}"] {
        page_at(&caller, &page_of(&caller, &payment), Some(form)).await;
        assert_eq!(caller.payment(&payment["id"]).await, payment, "{form}");
    }
    let stranger = caller.environment.url(&format!("/yookassa/page/{}", "A".repeat(32)));
    assert_eq!(page_at(&caller, &stranger, Some("action=bank_pays")).await.0, 404);
}

#[tokio::test]
async fn slow_bank_answers_on_the_page_of_sbp() {
    let caller = Caller::exact().await;
    let wish = changed("confirmation", &json!({ "type": "redirect", "return_url": "https://shop.example/back?a=1&b=2" }));
    for (pressed, status, code) in [("bank_pays", "succeeded", 303), ("bank_refuses", "canceled", 200)] {
        let payment = caller.create(&wish).await;
        assert_eq!(payment["confirmation"]["return_url"], "https://shop.example/back?a=1&b=2");
        let url = payment["confirmation"]["confirmation_url"].as_str().unwrap();
        assert!(page_at(&caller, url, None).await.1.contains("href=\"https://shop.example/back?a=1&amp;b=2\""));
        page_at(&caller, url, Some("action=bank_later")).await;
        caller.environment.advance(7_200).await;
        let (_, waiting, _) = page_at(&caller, url, None).await;
        assert!(waiting.contains("ещё не ответил") && waiting.contains("Банк отвечает"), "{waiting}");
        let answered = page_at(&caller, url, Some(&format!("action={pressed}"))).await;
        assert_eq!(answered.0, code, "{pressed}");
        let decided = caller.payment(&payment["id"]).await;
        assert_eq!(decided["status"], status);
        page_at(&caller, url, Some("action=bank_pays")).await;
        assert_eq!(caller.payment(&payment["id"]).await, decided, "what is decided stays so");
    }
    let events: Vec<_> = caller.environment.standins.take_yookassa_notices().iter().map(|notice| notice.event).collect();
    assert_eq!(events, ["payment.succeeded", "payment.canceled"]);
}
