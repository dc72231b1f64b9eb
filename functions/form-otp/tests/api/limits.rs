//! Limits that many share, what a form has of its own, and what is counted when a request dies.

use std::time::Duration;

use serde_json::{Value, json};
use shared::forms::texts;
use testkit::settings::IMSHOP_KEY;
use testkit::{Event, drop_after, invoke};

use super::{Customer, EXPORT, HANDLE, LEASE_OVER, SEND, failed, otp_failed, saved_by_shop, says, success};

const BY_HEADER: (&str, &str) =
    ("prefix_digits = 7", "prefix_digits = 7\nsends_per_address_per_hour = 2\nsource_header = \"X-Real-IP\"");
const BY_CALLER: (&str, &str) = ("prefix_digits = 7", "prefix_digits = 7\nsends_per_address_per_hour = 2");

/// A customer of their own asks for a code.
fn event(customer: &Customer, number: usize) -> Event {
    let mut form = customer.with("/data/phone", format!("996770103{number:03}"));
    form["installId"] = json!(format!("install-{number}"));
    Event::post(SEND).key(IMSHOP_KEY).json(form)
}

async fn ask(customer: &Customer, event: Value) -> Value {
    invoke(&customer.deps, HANDLE, event).await.json()
}

#[tokio::test]
async fn an_address_asks_for_so_many_codes_an_hour() {
    let customer = Customer::start_configured("by_header", &[BY_HEADER]).await;
    customer.midnight();
    let from = async |number, address: &str| ask(&customer, event(&customer, number).header("X-Real-IP", address).rest()).await;
    for (number, address) in
        [(0, "203.0.113.7"), (1, "::ffff:203.0.113.7"), (2, "2001:db8:1:2::1"), (3, "10.0.0.1, [2001:db8:1:2:9::7]:443 ")]
    {
        assert_eq!(from(number, address).await, success(), "{address}");
    }
    for (number, address) in [(4, "198.51.100.1, 203.0.113.7:52044"), (5, "2001:db8:1:2:ffff::3")] {
        drop(customer.environment.store_calls());
        assert!(says(&from(number, address).await, "Слишком много запросов кода"), "{address}");
        assert_eq!(customer.environment.store_calls(), ["BatchGetItem"], "a refusal writes nothing");
    }
    for (number, address) in [(6, "203.0.113.8"), (7, "2001:db8:1:3::1")] {
        assert_eq!(from(number, address).await, success(), "{address}");
    }
    // What is not passed on is no customer's address, least of all the platform's.
    for number in 8..12 {
        assert_eq!(ask(&customer, event(&customer, number).rest()).await, success());
        assert_eq!(from(number + 4, "unknown").await, success());
    }
    assert_eq!(customer.sends(), 14);
    customer.environment.advance(Duration::from_hours(1));
    assert_eq!(from(4, "203.0.113.7").await, success(), "an hour later");
    let items = json!(customer.environment.items("otp-tokens", "").await).to_string();
    assert!(!items.contains("203.0.113") && !items.contains("2001:db8"), "{items}");
}

#[tokio::test]
async fn without_a_header_the_gateways_caller_counts() {
    let customer = Customer::start_configured("by_caller", &[BY_CALLER]).await;
    customer.midnight();
    for number in 0..2 {
        assert_eq!(ask(&customer, event(&customer, number).rest()).await, success());
        assert_eq!(ask(&customer, event(&customer, number + 2).v2()).await, success());
    }
    assert!(says(&ask(&customer, event(&customer, 4).header("X-Real-IP", "203.0.113.7").rest()).await, "Слишком много"));
    assert!(says(&ask(&customer, event(&customer, 5).v2()).await, "Слишком много"));
}

#[tokio::test]
async fn a_form_has_its_own_thresholds_of_common_counters() {
    let own = [(
        "name = \"feedback\"\nrequires_code = false",
        "name = \"feedback\"\nrequires_code = true\nlimits = { cool_down_seconds = 10, sends_per_hour = 2, checks_per_code = 1, deny_prefixes = [\"99655\"] }",
    )];
    let customer = Customer::start_configured("own_limits", &own).await;
    let feedback = customer.with("/formName", "feedback");
    assert_eq!(customer.send().await, success());
    customer.environment.advance(Duration::from_secs(10));
    assert!(says(&customer.send().await, "через "), "the shop's cool-down");
    assert_eq!(customer.ok(SEND, feedback.clone()).await, success(), "its own is shorter");
    customer.environment.advance(Duration::from_mins(1));
    assert!(says(&customer.ok(SEND, feedback.clone()).await, "мин"), "two in an hour, one of them of the other form");
    assert_eq!(customer.send().await, success(), "which allows five");
    assert_eq!(customer.submit_form(feedback.clone(), "WRONG").await, otp_failed());
    let code = customer.inbox()[1].code.clone();
    assert_eq!(customer.submit_form(feedback.clone(), code).await, otp_failed(), "its own number of checks");
    assert_eq!(customer.checks(), 1);
    let mut denied = feedback;
    denied["data"]["phone"] = json!("996 555 10 20 30");
    assert_eq!(customer.ok(SEND, denied.clone()).await, failed(texts::PHONE_DENIED));
    denied["formName"] = json!("callback");
    assert_eq!(customer.ok(SEND, denied).await, success());
}

#[tokio::test]
async fn a_day_of_wrong_codes_ends_and_the_right_ones_never_count() {
    let three = [("wrong_codes_per_phone_per_day = 20", "wrong_codes_per_phone_per_day = 3")];
    let customer = Customer::start_configured("wrong_codes", &three).await;
    customer.midnight();
    let code = customer.get_code().await;
    for _ in 0..2 {
        assert_eq!(customer.submit("WRONG").await, otp_failed());
    }
    for _ in 0..3 {
        assert_eq!(customer.submit(&code).await, saved_by_shop());
    }
    customer.environment.advance(Duration::from_mins(2));
    let code = customer.get_code().await;
    assert_eq!(customer.submit("WRONG").await, otp_failed());
    assert_eq!(customer.checks(), 4);
    assert_eq!(customer.submit(&code).await, otp_failed(), "locked out");
    assert_eq!(customer.checks(), 4, "and nobody is asked");
    drop(customer.environment.store_calls());
    customer.submit(&code).await;
    assert_eq!(customer.environment.store_calls(), ["BatchGetItem"], "nor is anything written");
    assert_eq!(customer.send().await["success"], json!(false));
    customer.environment.advance(Duration::from_mins(2));
    assert_eq!(customer.send().await, failed(&texts::wait_hours_after_wrong_codes(24)));
    assert_eq!(customer.ok(EXPORT, customer.with("/formName", "feedback")).await, success(), "who needs no code");
    customer.environment.advance(Duration::from_hours(24));
    let code = customer.get_code().await;
    assert_eq!(customer.submit(&code).await, saved_by_shop(), "tomorrow");
}

#[tokio::test]
async fn uncounted_send_is_counted_when_it_is_repeated() {
    let one = [("sends_per_shop_per_day = 2000\nalarm_sends_per_shop_per_day = 1600", "sends_per_shop_per_day = 1")];
    let mut points = 0;
    loop {
        let customer = Customer::start_configured("died", &one).await;
        assert!(drop_after(points, customer.send()).await.is_none(), "dropped in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
        let begun = !customer.environment.items("otp-tokens", "challenge#").await.is_empty();
        if !begun || !customer.environment.items("otp-tokens", "count#shop#").await.is_empty() {
            assert!(!begun, "there is a moment between the two");
            points += 1;
            continue;
        }
        assert_eq!(ask(&customer, event(&customer, 1).rest()).await, success(), "the last of the shop");
        customer.environment.advance(LEASE_OVER);
        assert!(says(&customer.send().await, "Магазин временно не отправляет коды"));
        assert_eq!(customer.inbox().len(), 1);
        return;
    }
}
