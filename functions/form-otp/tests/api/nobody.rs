//! Forms that come without their installation, as the published sample of an export does.

use serde_json::{Value, json};
use testkit::canary;

use super::{COOL_DOWN, Customer, EXPORT, SEND, otp_failed, saved_by_shop, says, success};

/// The form without its installation.
fn nobodys(customer: &Customer) -> Value {
    let mut form = customer.form.clone();
    form.as_object_mut().unwrap().remove("installId");
    form
}

#[tokio::test]
async fn every_sample_of_the_document_is_understood() {
    let phone = canary::FORM_PHONE;
    // Document "Подтверждение отправки форм по СМС", in its order; then the page of the export that it links to.
    let fields = json!({"name": canary::NAME, "phone": phone});
    for (name, ask, export) in [
        (
            "as the document shows it",
            json!({"formName": "callback", "installId": "i", "data": fields}),
            json!({"formName": "callback", "installId": "i", "data": fields}),
        ),
        (
            "the export without an installation",
            json!({"formName": "callback", "installId": "i", "data": fields}),
            json!({"formName": "callback", "data": fields}),
        ),
        (
            "the page of the export",
            json!({"formName": "callback", "installId": "i", "data": fields}),
            json!({"formId": "callback", "data": fields}),
        ),
        (
            "an installation that is empty",
            json!({"formName": "callback", "installId": "i", "data": fields}),
            json!({"formId": "callback", "installId": "", "data": fields}),
        ),
        (
            "an installation that is null",
            json!({"formName": "callback", "installId": "i", "data": fields}),
            json!({"formId": "callback", "installId": null, "data": fields}),
        ),
        (
            "nowhere an installation",
            json!({"formName": "callback", "data": fields}),
            json!({"formId": "callback", "data": fields}),
        ),
        ("both by the id", json!({"formId": "callback", "data": fields}), json!({"formId": "callback", "data": fields})),
        (
            "the phone written otherwise",
            json!({"formName": "callback", "installId": "i", "data": fields}),
            json!({"formId": "callback", "data": {"name": canary::NAME, "phone": "0770 10-20-30"}}),
        ),
        (
            "a device beside it",
            json!({"formName": "callback", "installId": 17, "device": {"os": "ios"}, "data": fields}),
            json!({"formName": "callback", "device": "ios", "data": fields}),
        ),
        (
            "an installation as a number",
            json!({"formName": "callback", "installId": 17, "data": fields}),
            json!({"formName": "callback", "installId": "17", "data": fields}),
        ),
    ] {
        let customer = Customer::start().await;
        assert_eq!(customer.ok(SEND, ask).await, success(), "{name}");
        let mut export = export;
        assert_eq!(customer.submit_form(export.clone(), "WRONG").await, otp_failed(), "{name}");
        export["data"]["otpCode"] = customer.code().into();
        assert_eq!(customer.ok(EXPORT, export).await, saved_by_shop(), "{name}");
        assert_eq!(customer.saved(), 1, "{name}");
    }
}

#[tokio::test]
async fn form_without_code_needs_no_installation() {
    let customer = Customer::start_given_away().await;
    let form = json!({"formId": "feedback", "data": {"name": canary::NAME, "phone": canary::FORM_PHONE}});
    for _ in 0..3 {
        assert_eq!(customer.ok(EXPORT, form.clone()).await, saved_by_shop());
    }
    let forms = customer.environment.standins().forms();
    assert_eq!((forms.len(), forms[0]["form"].get("installId")), (1, None));
}

#[tokio::test]
async fn newest_code_of_form_and_phone_counts_without_installation() {
    let customer = Customer::start().await;
    let first = customer.get_code().await;
    customer.environment.advance(COOL_DOWN);
    assert_eq!(customer.ok(SEND, customer.with("/installId", "another")).await, success());
    let second = customer.code();
    assert_eq!(customer.submit_form(nobodys(&customer), first.as_str()).await, otp_failed());
    assert_eq!(customer.submit_form(nobodys(&customer), second.as_str()).await, saved_by_shop());
    assert_eq!(customer.submit(&first).await, saved_by_shop(), "its own installation knows the first one still");
    let mut other = nobodys(&customer);
    other["data"]["phone"] = json!("+996 770 102 031");
    assert_eq!(customer.submit_form(other, second.as_str()).await, otp_failed(), "another phone");
}

#[tokio::test]
async fn guesses_without_installation_are_limited_by_code_and_phone() {
    let customer = Customer::start().await;
    customer.midnight();
    for round in 0..4 {
        assert_eq!(customer.send().await, success(), "{round}");
        let code = customer.code();
        for number in 0..7 {
            assert_eq!(customer.submit_form(nobodys(&customer), format!("WRONG{number}")).await, otp_failed());
        }
        assert_eq!(customer.submit_form(nobodys(&customer), code.as_str()).await, otp_failed());
        assert_eq!(customer.submit(&code).await, otp_failed(), "for its own installation, too");
        assert_eq!(customer.checks(), 5 * (round + 1));
        customer.environment.advance(std::time::Duration::from_mins(15));
    }
    assert!(says(&customer.send().await, "неверн"), "twenty wrong codes are enough for a day");
}

#[tokio::test]
async fn leaving_the_installation_out_evades_no_limit() {
    let three = [("sends_without_installation_per_day = 200", "sends_without_installation_per_day = 3")];
    let customer = Customer::start_configured("nobody", &three).await;
    customer.midnight();
    let ask = async |number: u32| {
        let mut form = nobodys(&customer);
        form["data"]["phone"] = json!(format!("+996 77{number} 40 50 60"));
        customer.ok(SEND, form).await
    };
    for number in 0..3 {
        assert_eq!(ask(number).await, success(), "{number}");
    }
    assert!(says(&ask(3).await, "через 24 ч"), "of the whole shop");
    assert_eq!(customer.sends(), 3);
    assert_eq!(customer.send().await, success(), "with one there is more");
    let again = customer.ok(SEND, nobodys(&customer)).await;
    assert!(says(&again, "через 60 с"), "the phone's own limits are the same: {again}");
    customer.environment.advance(std::time::Duration::from_hours(24));
    assert_eq!(ask(3).await, success(), "the next day");
}

#[tokio::test]
async fn a_code_beside_the_fields_is_named_in_the_log() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    let mut form = customer.form.clone();
    form["otpCode"] = json!(code);
    let answer = customer.ok(EXPORT, form).await;
    assert_eq!(answer["success"], false);
    assert!(customer.environment.logs().contains("`otpCode` stands beside `data`"), "{}", customer.environment.logs());
    assert!(!customer.environment.logs().contains(&code));
}
