//! YooKassa: payments by `SberPay`, and payments whose shop lets the customer choose how to pay.

use serde_json::{Value, json};
use standins::{CardDecision, CardOutcome, Options, YookassaMethod};

use crate::yookassa::{Caller, refusal, rub, wanted};
use crate::yookassa_customer::page_at;

/// A payment by `SberPay` on a page.
fn by_sberpay(amount: &str, capture: bool) -> Value {
    let mut wish = wanted(amount, capture);
    wish["payment_method_data"] = json!({ "type": "sberbank" });
    wish
}

/// The same in the bank's app on the same phone.
fn in_app(return_url: &Value) -> Value {
    let mut wish = by_sberpay("10.00", true);
    wish["confirmation"] = json!({ "type": "mobile_application", "return_url": return_url });
    wish
}

/// A payment whose customer chooses.
fn left_open(amount: &str, capture: bool) -> Value {
    let mut wish = wanted(amount, capture);
    wish.as_object_mut().unwrap().remove("payment_method_data");
    wish
}

fn url(payment: &Value) -> &str {
    payment["confirmation"]["confirmation_url"].as_str().unwrap()
}

/// The ways to pay that the page of a payment offers.
async fn offered(caller: &Caller, payment: &Value) -> Vec<&'static str> {
    let (status, page, _) = page_at(caller, url(payment), None).await;
    assert_eq!(status, 200);
    let shown = [
        ("bank_card", "Номер карты"),
        ("yoo_money", "value=\"yoo_money\""),
        ("sbp", "value=\"sbp\""),
        ("sberbank", "value=\"sberbank\""),
    ];
    shown.into_iter().filter(|(_, text)| page.contains(text)).map(|(method, _)| method).collect()
}

#[tokio::test]
async fn sberpay_is_held_or_taken_on_its_page() {
    let caller = Caller::exact().await;
    for (capture, status) in [(false, "waiting_for_capture"), (true, "succeeded")] {
        let payment = caller.create(&by_sberpay("700000.00", capture)).await;
        assert_eq!(payment["payment_method"]["type"], "sberbank");
        assert_eq!(offered(&caller, &payment).await, ["sberbank"]);
        assert!(!page_at(&caller, url(&payment), None).await.1.contains("qr.nspk.ru"), "a code is SBP's");
        let card = "action=pay&number=5555555555554444&expiry=11/26&csc=123";
        for form in [card, "action=bank_pays&method=sbp", "action=bank_pays&method=bank_card"] {
            assert_eq!(page_at(&caller, url(&payment), Some(form)).await.0, 200);
            assert_eq!(caller.payment(&payment["id"]).await, payment, "{form}");
        }
        let paid = page_at(&caller, url(&payment), Some("action=bank_pays&method=sberbank")).await;
        assert_eq!((paid.0, paid.2.as_deref()), (303, Some("https://shop.example/back?a=1&b=2")));
        let paid = caller.payment(&payment["id"]).await;
        let method = &paid["payment_method"];
        assert_eq!((&paid["status"], &method["type"], method.get("card")), (&json!(status), &json!("sberbank"), None));
        assert!(paid["authorization_details"].is_object() && method.get("sbp_operation_id").is_none());
    }
    let answer = caller.post("/payments", &by_sberpay("700000.01", true)).await;
    assert_eq!((refusal(&answer).0, &answer.1["parameter"]), (400, &json!("amount.value")));
    let held = caller.create(&by_sberpay("10.00", false)).await;
    assert_eq!(caller.decide(&held, CardDecision::Held).await["expires_at"], "2026-11-25T09:00:00.000Z");
    assert_eq!(caller.command(&held, "capture", &json!({ "amount": rub("4.00") })).await.1["status"], "succeeded");
}

#[tokio::test]
async fn sberpay_in_the_app_has_a_link_of_its_own_and_returns_to_a_page_or_an_app() {
    let caller = Caller::exact().await;
    for return_url in ["https://shop.example/back", "shop.example-app://paid?order=1001"] {
        let payment = caller.create(&in_app(&json!(return_url))).await;
        let link = url(&payment).to_owned();
        assert!(link.starts_with("sberpay://"), "{link}");
        assert_eq!(payment["confirmation"], json!({ "type": "mobile_application", "confirmation_url": link }));
        let other = caller.create(&in_app(&json!(return_url))).await;
        assert_ne!(url(&other), link);
        let token = link.split_once("bankInvoiceId=").unwrap().1.split('&').next().unwrap();
        let page = caller.environment.url(&format!("/yookassa/page/{token}"));
        let paid = page_at(&caller, &page, Some("action=bank_pays")).await;
        assert_eq!((paid.0, paid.2.as_deref()), (303, Some(return_url)));
        assert_eq!(caller.payment(&payment["id"]).await["status"], "succeeded");
    }
    for return_url in [
        json!(null),
        json!(""),
        json!("back"),
        json!("javascript:alert(1)"),
        json!("JavaScript:alert(1)"),
        json!("data:text/html,<script>alert(1)</script>"),
        json!("file:///etc/passwd"),
        json!(format!("shop://{}", "x".repeat(2048))),
        json!(1),
    ] {
        let answer = caller.post("/payments", &in_app(&return_url)).await;
        assert_eq!((refusal(&answer).0, &answer.1["parameter"]), (400, &json!("confirmation.return_url")), "{return_url}");
    }
    for (kind, method) in [("qr", "sberbank"), ("embedded", "sberbank"), ("mobile_application", "bank_card")] {
        let mut wish = in_app(&json!("https://shop.example/back"));
        wish["confirmation"]["type"] = json!(kind);
        wish["payment_method_data"] = json!({ "type": method });
        assert_eq!(caller.post("/payments", &wish).await.1["parameter"], "confirmation.type", "{kind} {method}");
    }
}

#[tokio::test]
async fn page_offers_what_fits_the_stages_and_the_amount() {
    let caller = Caller::exact().await;
    for (amount, capture, ways) in [
        ("350000.00", true, &["bank_card", "yoo_money", "sbp", "sberbank"][..]),
        ("350000.00", false, &["bank_card", "yoo_money", "sberbank"]),
        ("350000.01", true, &["yoo_money", "sbp", "sberbank"]),
    ] {
        let payment = caller.create(&left_open(amount, capture)).await;
        assert_eq!(payment.get("payment_method"), None, "the customer has chosen none");
        assert_eq!(offered(&caller, &payment).await, ways, "{amount} {capture}");
    }
    let answer = caller.post("/payments", &left_open("700000.01", true)).await;
    assert_eq!((refusal(&answer).0, &answer.1["parameter"]), (400, &json!("amount.value")));

    let demo = vec![YookassaMethod::BankCard, YookassaMethod::Sbp];
    let caller = Caller::with(Options { yookassa_methods: demo, ..Options::default() }).await;
    assert_eq!(offered(&caller, &caller.create(&left_open("10.00", true)).await).await, ["bank_card", "sbp"]);
    assert_eq!(offered(&caller, &caller.create(&left_open("10.00", false)).await).await, ["bank_card"]);
    assert_eq!(refusal(&caller.post("/payments", &by_sberpay("10.00", true)).await), (400, "Payment method is not available"));
    let too_much = caller.post("/payments", &left_open("350000.01", false)).await;
    assert_eq!(too_much.1["parameter"], "amount.value", "no way to hold takes so much");

    let sbp_alone = Options { yookassa_methods: vec![YookassaMethod::Sbp], ..Options::default() };
    let caller = Caller::with(sbp_alone).await;
    assert_eq!(caller.post("/payments", &left_open("10.00", false)).await.1["parameter"], "capture");
    assert_eq!(offered(&caller, &caller.create(&left_open("10.00", true)).await).await, ["sbp"]);
}

#[tokio::test]
async fn what_the_customer_chose_is_the_method_of_the_answer() {
    let caller = Caller::exact().await;
    for (form, method, status) in [
        ("action=pay&number=5555555555554444&expiry=11/26&csc=123", "bank_card", "succeeded"),
        ("action=bank_pays&method=sbp", "sbp", "succeeded"),
        ("action=bank_pays&method=sberbank", "sberbank", "succeeded"),
        ("action=bank_pays&method=yoo_money", "yoo_money", "succeeded"),
        ("action=bank_refuses&method=sbp", "sbp", "canceled"),
        ("action=bank_later&method=sbp", "sbp", "pending"),
    ] {
        let payment = caller.create(&left_open("10.00", true)).await;
        page_at(&caller, url(&payment), Some(form)).await;
        let shown = caller.payment(&payment["id"]).await;
        assert_eq!((&shown["status"], &shown["payment_method"]["type"]), (&json!(status), &json!(method)), "{form}");
    }
    let slow = caller.environment.standins.yookassa_payments().pop().unwrap();
    assert!(page_at(&caller, url(&slow), None).await.1.contains("Банк отвечает"));
    page_at(&caller, url(&slow), Some("action=bank_pays&method=sberbank")).await;
    assert_eq!(caller.payment(&slow["id"]).await["payment_method"]["type"], "sbp", "what has begun by SBP ends by SBP");

    let held = caller.create(&left_open("10.00", false)).await;
    for form in
        ["action=bank_pays&method=sbp", "action=bank_pays&method=apple_pay", "action=bank_pays&method=x", "action=bank_pays"]
    {
        page_at(&caller, url(&held), Some(form)).await;
        assert_eq!(caller.payment(&held["id"]).await, held, "{form}");
    }
}

#[tokio::test]
async fn card_that_failed_leaves_the_other_ways_open() {
    let caller = Caller::exact().await;
    let payment = caller.create(&left_open("10.00", true)).await;
    page_at(&caller, url(&payment), Some("action=pay&number=5555555555554477&expiry=11/26&csc=123")).await;
    caller.decide(&payment, CardDecision::FailedTry).await;
    assert_eq!(offered(&caller, &payment).await, ["bank_card", "yoo_money", "sbp", "sberbank"]);
    page_at(&caller, url(&payment), Some("action=bank_pays&method=sbp")).await;
    let paid = caller.payment(&payment["id"]).await;
    let method = &paid["payment_method"];
    assert_eq!((&method["type"], method.get("card")), (&json!("sbp"), None));
}

#[tokio::test]
async fn control_api_chooses_for_the_customer() {
    let caller = Caller::exact().await;
    let standins = &caller.environment.standins;
    let by = |method| CardOutcome { method: Some(method), ..CardOutcome::new(CardDecision::Paid) };
    let id = |payment: &Value| payment["id"].as_str().unwrap().to_owned();
    let open = caller.create(&left_open("10.00", true)).await;
    let held = CardOutcome { method: Some(YookassaMethod::Sbp), ..CardOutcome::new(CardDecision::Held) };
    assert!(standins.decide_yookassa(&id(&open), &held).await.unwrap_err().to_string().contains("SBP has one stage"));
    let path = format!("/control/yookassa/{}/decide", id(&open));
    let (status, paid) = caller.environment.control(&path, &json!({ "outcome": "paid", "method": "sbp" })).await;
    let object = &paid["object"];
    assert_eq!((status, &object["status"], &object["payment_method"]["type"]), (200, &json!("succeeded"), &json!("sbp")));
    assert_eq!(
        caller.decide(&caller.create(&left_open("10.00", true)).await, CardDecision::Paid).await["payment_method"]["type"],
        "bank_card"
    );
    let dear = caller.create(&left_open("700000.00", true)).await;
    assert_eq!(caller.decide(&dear, CardDecision::Paid).await["payment_method"]["type"], "yoo_money", "no card pays so much");

    let two_stages = caller.create(&left_open("10.00", false)).await;
    let by_card = caller.create(&wanted("10.00", true)).await;
    for (payment, method) in
        [(&two_stages, YookassaMethod::Sbp), (&two_stages, YookassaMethod::ApplePay), (&by_card, YookassaMethod::Sbp)]
    {
        let refused = standins.decide_yookassa(&id(payment), &by(method)).await.unwrap_err().to_string();
        assert!(refused.contains("method") && refused.contains("bank_card"), "{refused}");
        assert_eq!(caller.payment(&payment["id"]).await, *payment);
    }
    let (status, _) = caller.environment.control(&path, &json!({ "outcome": "paid", "method": "barter" })).await;
    assert_eq!(status, 400);
    let (_, refund) = caller.refund(object, "10.00").await;
    assert!(standins.decide_yookassa(&id(&refund), &by(YookassaMethod::Sbp)).await.is_err(), "a refund goes back as it came");
}
