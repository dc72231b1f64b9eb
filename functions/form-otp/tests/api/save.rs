//! The form is saved once: at the shop, or here.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::texts;
use standins::{Fault, System};

use super::{Customer, EXPORT, SEND, failed, saved_by_shop, success};

/// No shop to give forms to.
const HERE: [(&str, &str); 2] = [("SHOP_FORMS_URL", ""), ("SHOP_KEY", "")];

#[tokio::test]
async fn a_slot_that_is_taken_leaves_the_code_for_another_slot() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.world.standins().fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
    assert_eq!(customer.export(&code).await, failed("Это время уже занято, выберите другое"), "and not otpFailed");
    assert_eq!(customer.export_form(customer.with("/data/slot", "12:00"), code.as_str()).await, saved_by_shop());
    assert_eq!((customer.checks(), customer.saved()), (1, 1));
    assert_eq!(customer.world.standins().forms()[0]["form"]["data"]["slot"], json!("12:00"));
    let keys = keys(&customer);
    assert_ne!(keys[0], keys[1], "another form, another key");
}

#[tokio::test]
async fn six_slots_that_are_taken_do_not_use_up_the_code() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.world.standins().fault(System::Shop, "forms", Fault::Refused, 6).unwrap();
    for hour in 10..16 {
        customer.export_form(customer.with("/data/slot", format!("{hour}:00")), code.as_str()).await;
    }
    assert_eq!(customer.export_form(customer.with("/data/slot", "16:00"), code.as_str()).await, saved_by_shop());
    assert_eq!((customer.checks(), customer.saved()), (1, 1));
}

#[tokio::test]
async fn what_the_shop_says_of_our_key_is_not_for_the_customer() {
    for (status, told) in [(400, "status 400"), (409, "status 409"), (422, "status 422")] {
        assert_eq!(refused_with(status).await, failed(told));
    }
    for status in [401, 403, 404, 405, 500, 503] {
        assert_eq!(refused_with(status).await, failed(texts::FORM_NOT_SAVED), "{status}");
    }
}

async fn refused_with(status: u16) -> Value {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.world.standins().fault(System::Shop, "forms", Fault::Status(status), 1).unwrap();
    let answer = customer.export(&code).await;
    assert_eq!(customer.export(&code).await, saved_by_shop(), "after {status}");
    assert_eq!((customer.checks(), customer.saved()), (1, 1));
    answer
}

#[tokio::test]
async fn without_a_shop_the_form_is_stored_here_once() {
    let customer = Customer::start_with(&HERE).await;
    let code = customer.get_code().await;
    let answers = join_all((0..20).map(|_| customer.export(&code))).await;
    assert!(answers.iter().all(|answer| *answer == success()), "{answers:#?}");
    assert_eq!(customer.export_form(customer.with("/data/slot", "12:00"), code.as_str()).await, success());
    let forms = customer.world.items("otp-tokens", "form#").await;
    assert_eq!((forms.len(), customer.checks()), (1, 1));
    let form = &forms[0];
    assert_eq!((&form["form_name"], &form["install_id"]), (&json!("callback"), &json!("install-1")));
    let data: Value = serde_json::from_str(form["data"].as_str().unwrap()).unwrap();
    assert_eq!(data, customer.form["data"], "without the code");
    let kept = form["expires_at"].as_i64().unwrap() - customer.world.clock().now().seconds();
    assert!((kept - 90 * 86_400).abs() < 60, "the form's retention: {kept}");
    assert_eq!(customer.calls(System::Shop, "forms"), 0);
}

#[tokio::test]
async fn a_form_too_large_to_be_stored_leaves_the_code() {
    let customer = Customer::start_with(&HERE).await;
    let code = customer.get_code().await;
    let large = customer.with("/data/name", "x".repeat(351 * 1024));
    for _ in 0..6 {
        assert_eq!(customer.export_form(large.clone(), code.as_str()).await, failed(texts::FORM_TOO_LARGE));
    }
    assert_eq!(customer.export(&code).await, success());
    assert_eq!((customer.checks(), customer.world.items("otp-tokens", "form#").await.len()), (1, 1));
    let feedback = |mut form: Value| {
        form["formName"] = json!("feedback");
        form
    };
    assert_eq!(customer.ok(EXPORT, feedback(large)).await, failed(texts::FORM_TOO_LARGE));
    let fits = customer.with("/data/name", "x".repeat(349 * 1024));
    assert_eq!(customer.ok(EXPORT, feedback(fits)).await, success());
}

#[tokio::test]
async fn a_form_of_five_megabytes_reaches_the_shop() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    let large = customer.with("/data/name", "x".repeat(5 * 1024 * 1024));
    assert_eq!(customer.export_form(large, code.as_str()).await, saved_by_shop());
}

#[tokio::test]
async fn a_form_that_needs_no_code_goes_to_the_shop_under_one_key() {
    let customer = Customer::start().await;
    let form = customer.with("/formName", "feedback");
    for _ in 0..3 {
        assert_eq!(customer.ok(EXPORT, form.clone()).await, saved_by_shop());
    }
    let mut coded = form.clone();
    coded["data"]["otpCode"] = json!("123456");
    for path in [EXPORT, SEND] {
        assert_eq!(customer.ok(path, coded.clone()).await, saved_by_shop(), "a code that nobody asked for is ignored");
    }
    assert_eq!((customer.saved(), customer.checks()), (1, 0));
    assert_eq!(customer.world.standins().forms()[0]["form"]["data"].get("otpCode"), None);
    customer.world.advance(Duration::from_mins(11));
    assert_eq!(customer.ok(EXPORT, form).await, saved_by_shop());
    assert_eq!(customer.saved(), 2, "later it is another form");
}

#[tokio::test]
async fn a_form_that_needs_no_code_is_stored_here_once() {
    let customer = Customer::start_with(&HERE).await;
    let form = customer.with("/formName", "feedback");
    let answers = join_all((0..20).map(|_| customer.ok(EXPORT, form.clone()))).await;
    assert!(answers.iter().all(|answer| *answer == success()), "{answers:#?}");
    assert_eq!(customer.world.items("otp-tokens", "form#").await.len(), 1);
    let other = customer
        .ok(EXPORT, {
            let mut other = form;
            other["data"]["slot"] = json!("12:00");
            other
        })
        .await;
    assert_eq!(other, success());
    assert_eq!(customer.world.items("otp-tokens", "form#").await.len(), 2);
}

fn keys(customer: &Customer) -> Vec<String> {
    let calls = customer.world.standins().calls_to(System::Shop, "forms");
    calls.iter().map(|call| call.headers["idempotency-key"].clone()).collect()
}
