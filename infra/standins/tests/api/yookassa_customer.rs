//! YooKassa: what customers and banks do, on the page and by the control API, and what ends by itself.

use base64::Engine as _;
use serde_json::{Value, json};
use standins::{CardDecision, CardOutcome};

use crate::environment::text;
use crate::yookassa::{Caller, refusal, wanted};

/// What the page of a payment answers to a GET, or to this form.
async fn page(caller: &Caller, payment: &Value, form: Option<&str>) -> (u16, String, Option<String>) {
    page_at(caller, payment["confirmation"]["confirmation_url"].as_str().unwrap(), form).await
}

/// The same of a page by its address.
pub(crate) async fn page_at(caller: &Caller, url: &str, form: Option<&str>) -> (u16, String, Option<String>) {
    let http = &caller.environment.http;
    let request = form.map_or_else(|| http.get(url), |form| http.post(url).body(form.to_owned()));
    let response = request.send().await.unwrap();
    let location = response.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
    let (status, page) = text(response).await;
    (status, page, location)
}

fn card(number: &str) -> String {
    format!("action=pay&number={number}&expiry=11%2F26&csc=123")
}

#[tokio::test]
async fn person_can_click_through() {
    let caller = Caller::exact().await;
    let mut wish = wanted("1234.50", false);
    wish["description"] = json!("<Заказ & 1>");
    let payment = caller.create(&wish).await;
    let (status, form, _) = page(&caller, &payment, None).await;
    assert_eq!(status, 200);
    assert!(form.contains("<title>ЮKassa — учебная страница песочницы</title>") && form.contains("1234.50"));
    assert!(form.contains("&lt;Заказ &amp; 1&gt;") && !form.contains("<Заказ"));
    assert!(form.contains("href=\"https://shop.example/back?a=1&amp;b=2\"") && form.contains("5555555555554592"));

    for (wrong, problem) in [
        ("action=pay&number=4242424242424242&expiry=11/26&csc=123", "карты из списка"),
        ("action=pay&number=%3Cb%3E&expiry=11/26&csc=123", "карты из списка"),
        ("action=pay&number=5555555555554444&expiry=10/26&csc=123", "истёк"),
        ("action=pay&number=5555555555554444&expiry=13/26&csc=123", "ММ/ГГ"),
        ("action=pay&number=5555555555554444&expiry=&csc=123", "ММ/ГГ"),
        ("action=pay&number=5555555555554444&expiry=11/26&csc=12a", "CVC"),
    ] {
        let (status, form, _) = page(&caller, &payment, Some(wrong)).await;
        assert!(status == 200 && form.contains(problem) && form.contains("Заплатить"), "{wrong}");
    }
    assert_eq!(caller.payment(&payment["id"]).await["status"], "pending");

    let paid = page(&caller, &payment, Some("action=pay&number=5555+5555+5555+4444&expiry=11/2026&csc=123")).await;
    assert_eq!((paid.0, paid.2.as_deref()), (303, Some("https://shop.example/back?a=1&b=2")));
    let held = caller.payment(&payment["id"]).await;
    assert_eq!(held["status"], "waiting_for_capture");
    let shown = &held["payment_method"]["card"];
    assert_eq!((&shown["first6"], &shown["last4"], &shown["expiry_year"]), (&json!("555555"), &json!("4444"), &json!("2026")));
    let (_, result, _) = page(&caller, &payment, None).await;
    assert!(result.contains("Оплачено") && result.contains("Вернуться в магазин"));
    page(&caller, &payment, Some(&card("5555555555554592"))).await;
    assert_eq!(caller.payment(&payment["id"]).await, held, "a form that is still open decides nothing");
    assert_eq!(caller.environment.http.get(caller.environment.url("/yookassa/page/none")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn each_declining_card_has_its_reason() {
    let caller = Caller::exact().await;
    for (last4, reason, party) in [
        ("4592", "3d_secure_failed", "payment_network"),
        ("4535", "call_issuer", "payment_network"),
        ("4543", "card_expired", "payment_network"),
        ("4568", "fraud_suspected", "yoo_money"),
        ("4527", "general_decline", "payment_network"),
        ("4600", "insufficient_funds", "payment_network"),
        ("4618", "invalid_card_number", "payment_network"),
        ("4626", "invalid_csc", "payment_network"),
        ("4501", "issuer_unavailable", "payment_network"),
        ("4576", "payment_method_limit_exceeded", "payment_network"),
        ("4550", "payment_method_restricted", "payment_network"),
        ("4584", "country_forbidden", "yoo_money"),
    ] {
        let payment = caller.create(&wanted("10.00", true)).await;
        let (status, result, _) = page(&caller, &payment, Some(&card(&format!("555555555555{last4}")))).await;
        assert!(status == 200 && result.contains(reason));
        let canceled = caller.payment(&payment["id"]).await;
        assert_eq!((&canceled["status"], &canceled["paid"]), (&json!("canceled"), &json!(false)));
        assert_eq!(canceled["cancellation_details"], json!({ "party": party, "reason": reason }));
    }
}

#[tokio::test]
async fn card_with_3ds_is_confirmed_or_refused_at_the_bank() {
    let caller = Caller::exact().await;
    let mut enforced = wanted("10.00", true);
    enforced["confirmation"]["enforce"] = json!(true);
    for (wish, number) in
        [(wanted("10.00", true), "5555555555554477"), (wanted("10.00", true), "2200000000000004"), (enforced, "4111111111111111")]
    {
        let payment = caller.create(&wish).await;
        let (_, bank, _) = page(&caller, &payment, Some(&card(number))).await;
        assert!(bank.contains("подтвердите"), "{number}");
        assert_eq!(caller.payment(&payment["id"]).await["status"], "pending");
        assert!(page(&caller, &payment, Some("action=confirm&code=")).await.1.contains("Введите код"));
        assert_eq!(page(&caller, &payment, Some("action=confirm&code=1")).await.0, 303);
        let paid = caller.payment(&payment["id"]).await;
        assert_eq!((&paid["status"], &paid["payment_method"]["card"]["last4"]), (&json!("succeeded"), &json!(&number[12..])));
        assert_eq!(paid["authorization_details"]["three_d_secure"], json!({ "applied": true }));
    }
    let payment = caller.create(&wanted("10.00", true)).await;
    page(&caller, &payment, Some(&card("5555555555554477"))).await;
    page(&caller, &payment, Some("action=refuse")).await;
    let refused = caller.payment(&payment["id"]).await;
    assert_eq!(refused["cancellation_details"]["reason"], "3d_secure_failed");
}

#[tokio::test]
async fn decisions_are_made_by_the_control_api() {
    let caller = Caller::exact().await;
    for (wish, status, reason) in [
        (json!({ "outcome": "paid" }), "waiting_for_capture", None),
        (json!({ "outcome": "held", "notify": false }), "waiting_for_capture", None),
        (json!({ "outcome": "declined" }), "canceled", Some("general_decline")),
        (json!({ "outcome": "declined", "reason": "insufficient_funds" }), "canceled", Some("insufficient_funds")),
        (json!({ "outcome": "declined", "reason": "moon_in_taurus" }), "canceled", Some("moon_in_taurus")),
        (json!({ "outcome": "failed_try" }), "pending", None),
        (json!({ "outcome": "3ds" }), "pending", None),
        (json!({ "outcome": "processing" }), "pending", None),
        (json!({ "outcome": "abandoned", "times": 2 }), "canceled", Some("expired_on_confirmation")),
    ] {
        let payment = caller.create(&wanted("10.00", false)).await;
        let path = format!("/control/yookassa/{}/decide", payment["id"].as_str().unwrap());
        let (answered, decided) = caller.environment.control(&path, &wish).await;
        assert_eq!((answered, &decided["object"]["status"]), (200, &json!(status)), "{wish}");
        assert_eq!(decided["object"]["cancellation_details"]["reason"], json!(reason), "{wish}");
        assert_eq!(decided["notifications"], json!([]), "no address was said");
        assert_eq!(caller.payment(&payment["id"]).await, decided["object"]);
        let (_, again) = caller.environment.control(&path, &json!({ "outcome": "declined", "reason": "call_issuer" })).await;
        let expected = if status == "pending" { "canceled" } else { status };
        assert_eq!(again["object"]["status"], expected, "what is decided stays so");
    }
    let shown = caller.environment.get("/control/yookassa").await;
    assert_eq!(shown.as_array().unwrap().len(), 9);
    assert_eq!(shown[0]["metadata"]["payment_id"], "1001-1");
    let id = shown[0]["id"].as_str().unwrap();
    assert_eq!(caller.environment.get(&format!("/control/yookassa/{id}")).await, shown[0]);
    for (id, wish, status) in [
        ("none", json!({ "outcome": "paid" }), 404),
        ("none", json!({ "outcome": "held" }), 404),
        (id, json!({ "outcome": "won" }), 400),
        (id, json!({ "outcome": "paid", "times": 0 }), 400),
        (id, json!({ "outcome": "paid", "times": 101 }), 400),
        (id, json!({ "outcome": "paid", "reason": "call_issuer" }), 400),
        (id, json!({ "outcome": "paid", "callback": true }), 400),
        (id, json!({}), 400),
    ] {
        let (answered, error) = caller.environment.control(&format!("/control/yookassa/{id}/decide"), &wish).await;
        assert!(answered == status && error["error"].is_string(), "{wish}: {error}");
    }
    assert_eq!(caller.environment.get("/control/yookassa/none").await["error"].as_str().map(str::is_empty), Some(false));
}

#[tokio::test]
async fn customer_at_the_bank_sees_where_the_payment_stands() {
    let caller = Caller::exact().await;
    let payment = caller.create(&wanted("10.00", true)).await;
    for (outcome, shown) in [
        (CardDecision::ThreeDs, "подтвердите"),
        (CardDecision::Processing, "ещё не ответил"),
        (CardDecision::FailedTry, "Заплатить"),
    ] {
        caller.decide(&payment, outcome).await;
        assert!(page(&caller, &payment, None).await.1.contains(shown));
    }
    assert_eq!(page(&caller, &payment, Some(&card("5555555555554444"))).await.0, 303, "after a failed try another card pays");
}

#[tokio::test]
async fn unpaid_payment_ends_after_an_hour() {
    let caller = Caller::exact().await;
    let payment = caller.create(&wanted("10.00", true)).await;
    let processing = caller.create(&wanted("10.00", true)).await;
    caller.decide(&processing, CardDecision::Processing).await;
    caller.environment.advance(3_599).await;
    assert_eq!(caller.payment(&payment["id"]).await["status"], "pending");
    caller.environment.advance(1).await;
    let ended = caller.payment(&payment["id"]).await;
    assert_eq!((&ended["status"], ended.get("confirmation")), (&json!("canceled"), None));
    assert_eq!(ended["cancellation_details"], json!({ "party": "yoo_money", "reason": "expired_on_confirmation" }));
    assert_eq!(caller.decide(&payment, CardDecision::Paid).await, ended, "late money is given back by YooKassa");
    assert!(page(&caller, &payment, Some(&card("5555555555554444"))).await.1.contains("expired_on_confirmation"));

    caller.environment.advance(86_400).await;
    assert_eq!(caller.payment(&processing["id"]).await["status"], "pending", "the bank has not answered yet");
    assert_eq!(caller.decide(&processing, CardDecision::Paid).await["status"], "succeeded");
    let left = caller.create(&wanted("10.00", true)).await;
    caller.decide(&left, CardDecision::Processing).await;
    caller.environment.advance(7_200).await;
    caller.decide(&left, CardDecision::FailedTry).await;
    assert_eq!(caller.payment(&left["id"]).await["status"], "canceled", "its hour is over as soon as the bank has answered");
}

#[tokio::test]
async fn hold_ends_after_its_days() {
    let caller = Caller::exact().await;
    let held = caller.held("10.00").await;
    caller.environment.standins.set_reading("hold", "two_hours").unwrap();
    let shorter = caller.held("10.00").await;
    assert_eq!(shorter["expires_at"], "2026-11-18T11:00:00.000Z");
    caller.environment.advance(2 * 3_600).await;
    assert_eq!(caller.payment(&shorter["id"]).await["cancellation_details"]["reason"], "expired_on_capture");
    caller.environment.advance(7 * 86_400 - 2 * 3_600 - 1).await;
    assert_eq!(caller.payment(&held["id"]).await["status"], "waiting_for_capture");
    caller.environment.advance(1).await;
    assert_eq!(
        refusal(&caller.command(&held, "capture", &json!({})).await),
        (400, "Payment can not be captured in current status")
    );
    let ended = caller.payment(&held["id"]).await;
    assert_eq!(ended["cancellation_details"], json!({ "party": "yoo_money", "reason": "expired_on_capture" }));
    assert_eq!((&ended["paid"], ended.get("expires_at")), (&json!(false), None));
}

#[tokio::test]
async fn apple_pay_is_refused_or_taken_as_it_is_read() {
    let caller = Caller::exact().await;
    let token = base64::engine::general_purpose::STANDARD.encode(r#"{"data":"x","version":"EC_v1"}"#);
    let wish = |token: &str| {
        let mut wish = wanted("10.00", true);
        wish["payment_method_data"] = json!({ "type": "apple_pay", "payment_data": token });
        wish.as_object_mut().unwrap().remove("confirmation");
        wish
    };
    assert_eq!(refusal(&caller.post("/payments", &wish(&token)).await).0, 400);
    caller.environment.standins.set_reading("apple_pay", "taken").unwrap();
    let broken = caller.post("/payments", &wish("{}")).await;
    assert_eq!(refusal(&broken), (400, "Illegal payment data. Failed to parse Apple Pay token"));
    let paid = caller.create(&wish(&token)).await;
    assert_eq!((&paid["status"], &paid["payment_method"]["type"]), (&json!("succeeded"), &json!("apple_pay")));
}

#[tokio::test]
async fn fields_are_shown_as_a_test_wants_them() {
    let caller = Caller::exact().await;
    let payment = caller.captured("10.00").await;
    let fields = json!({ "status": "frozen", "recipient": { "account_id": "1" }, "test": false, "income_amount": null });
    let path = format!("/control/yookassa/{}/fields", payment["id"].as_str().unwrap());
    assert_eq!(caller.environment.control(&path, &fields).await.0, 200);
    let shown = caller.payment(&payment["id"]).await;
    assert_eq!((&shown["status"], &shown["test"], shown.get("income_amount")), (&json!("frozen"), &json!(false), None));
    assert_eq!(shown["amount"], payment["amount"]);
    assert_eq!(caller.environment.control("/control/yookassa/none/fields", &json!({})).await.0, 404);
    let wish = CardOutcome { notify: false, ..CardOutcome::new(CardDecision::Paid) };
    caller.environment.standins.decide_yookassa(payment["id"].as_str().unwrap(), &wish).await.unwrap();
}
