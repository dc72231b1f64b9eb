//! A form is taken once: stored, then given to the shop.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::forms::texts;
use standins::{Fault, System};
use testkit::settings::PHOTOS;

use super::photos::photo;
use super::{Customer, EXPORT, SEND, accepted, failed, otp_failed, saved_by_shop, success};

#[tokio::test]
async fn a_slot_that_is_taken_leaves_the_code_for_another_slot() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.environment.standins().fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
    assert_eq!(customer.submit(&code).await, failed("Это время уже занято, выберите другое"), "and not otpFailed");
    assert_eq!(customer.submit_form(customer.with("/data/slot", "12:00"), code.as_str()).await, saved_by_shop());
    assert_eq!((customer.checks(), customer.saved()), (1, 1));
    assert_eq!(customer.environment.standins().forms()[0]["form"]["data"]["slot"], json!("12:00"));
    let keys = keys(&customer);
    assert_ne!(keys[0], keys[1], "another form, another key");
}

#[tokio::test]
async fn four_slots_that_are_taken_leave_the_code_for_a_fifth_and_no_sixth() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    let taken = failed("Это время уже занято, выберите другое");
    customer.environment.standins().fault(System::Shop, "forms", Fault::Refused, 5).unwrap();
    let slot = |hour: u32| customer.with("/data/slot", format!("{hour}:00"));
    for hour in [10, 11, 12, 13, 10] {
        assert_eq!(customer.submit_form(slot(hour), code.as_str()).await, taken, "{hour}");
    }
    assert_eq!(customer.submit_form(slot(14), code.as_str()).await, saved_by_shop());
    assert_eq!((customer.checks(), customer.saved()), (1, 1));
    assert_eq!(customer.submit_form(slot(15), code.as_str()).await, otp_failed(), "a sixth form");
    assert_eq!(customer.submit_form(slot(11), code.as_str()).await, saved_by_shop(), "one of the five is insisted on");
    assert_eq!(customer.submit_form(slot(14), code.as_str()).await, saved_by_shop(), "and has its answer for good");
    assert_eq!((customer.checks(), customer.saved()), (1, 2));
}

#[tokio::test]
async fn twenty_forms_that_the_shop_refuses_at_once_are_five() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.environment.standins().fault(System::Shop, "forms", Fault::Refused, 100).unwrap();
    let slot = |number: usize| customer.with("/data/slot", format!("{number}:00"));
    join_all((0..20).map(|number| customer.submit_form(slot(number), code.as_str()))).await;
    for number in 20..30 {
        customer.submit_form(slot(number), code.as_str()).await;
    }
    assert_eq!((customer.calls(System::Shop, "forms"), customer.stored().await.len(), customer.checks()), (5, 5, 1));
    assert_eq!(customer.submit_form(slot(30), code.as_str()).await, otp_failed());
    assert_eq!(customer.submit_form(slot(30), "WRONG").await, otp_failed());
    assert_eq!(customer.wrong_codes().await, [1, 1], "a guess is one all the same");
}

#[tokio::test]
async fn what_the_shop_says_of_our_key_is_not_for_the_customer() {
    for (status, told) in [(400, "status 400"), (409, "status 409"), (422, "status 422")] {
        assert_eq!(refused_with(status).await, failed(told));
    }
    for status in [401, 403, 404, 405, 500, 503] {
        assert_eq!(refused_with(status).await, accepted(), "{status}");
    }
}

async fn refused_with(status: u16) -> Value {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.environment.standins().fault(System::Shop, "forms", Fault::Status(status), 1).unwrap();
    let answer = customer.submit(&code).await;
    let again = customer.submit(&code).await;
    assert_eq!(again, if answer == accepted() { accepted() } else { saved_by_shop() }, "after {status}");
    assert_eq!((customer.checks(), customer.stored().await.len()), (1, 1));
    answer
}

#[tokio::test]
async fn without_a_shop_the_form_is_stored_here_once() {
    let customer = Customer::start_here().await;
    let code = customer.get_code().await;
    let answers = join_all((0..20).map(|_| customer.submit(&code))).await;
    assert!(answers.iter().all(|answer| *answer == success()), "{answers:#?}");
    let forms = customer.stored().await;
    assert_eq!((forms.len(), customer.checks()), (1, 1));
    let form = &forms[0];
    assert_eq!((&form["form_name"], &form["install_id"]), (&json!("callback"), &json!("install-1")));
    let data: Value = serde_json::from_str(form["data"].as_str().unwrap()).unwrap();
    assert_eq!(data, customer.form["data"], "without the code");
    let kept = form["expires_at"].as_i64().unwrap() - customer.environment.clock().now().seconds();
    assert!((kept - 90 * 86_400).abs() < 60, "the form's retention: {kept}");
    assert_eq!(customer.calls(System::Shop, "forms"), 0);
}

#[tokio::test]
async fn a_form_too_large_to_be_stored_leaves_the_code() {
    let customer = Customer::start_here().await;
    let code = customer.get_code().await;
    let large = customer.with("/data/name", "x".repeat(351 * 1024));
    for _ in 0..6 {
        assert_eq!(customer.submit_form(large.clone(), code.as_str()).await, failed(texts::FORM_TOO_LARGE));
    }
    assert_eq!(customer.submit(&code).await, success());
    assert_eq!((customer.checks(), customer.stored().await.len()), (1, 1));
    let feedback = |mut form: Value| {
        form["formName"] = json!("feedback");
        form
    };
    assert_eq!(customer.ok(EXPORT, feedback(large)).await, failed(texts::FORM_TOO_LARGE));
    let fits = customer.with("/data/name", "x".repeat(349 * 1024));
    assert_eq!(customer.ok(EXPORT, feedback(fits)).await, success());
}

#[tokio::test]
async fn five_megabytes_of_photos_reach_the_shop_as_they_came() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    let pictures: Vec<_> = ["image/jpeg", "image/png"].into_iter().map(|kind| photo(kind, 1_900_000)).collect();
    let mut form = customer.form.clone();
    let bare = STANDARD.encode(&pictures[1]);
    form["data"]["pictures"] = json!([format!("data:image/jpeg;base64,{}", STANDARD.encode(&pictures[0])), {"file": bare}]);
    assert_eq!(customer.submit_form(form.clone(), code.as_str()).await, saved_by_shop());
    assert_eq!(customer.environment.standins().forms()[0]["form"]["data"], form["data"]);
    let stored = &customer.stored().await[0];
    assert_eq!((&stored["state"], stored["photos"].as_array().map(Vec::len)), (&json!("delivered"), Some(2)));
}

#[tokio::test]
async fn a_form_that_needs_no_code_goes_to_the_shop_under_one_id() {
    let customer = Customer::start_given_away().await;
    let form = customer.with("/formName", "feedback");
    for _ in 0..3 {
        assert_eq!(customer.ok(EXPORT, form.clone()).await, saved_by_shop());
    }
    let mut coded = form.clone();
    coded["data"]["otpCode"] = json!("123456");
    for path in [EXPORT, SEND] {
        assert_eq!(customer.ok(path, coded.clone()).await, saved_by_shop(), "a code that nobody asked for is ignored");
    }
    assert_eq!((customer.saved(), customer.calls(System::Shop, "forms"), customer.checks()), (1, 1, 0));
    assert_eq!(customer.environment.standins().forms()[0]["form"]["data"].get("otpCode"), None);
    customer.environment.advance(Duration::from_mins(11));
    assert_eq!(customer.ok(EXPORT, form).await, saved_by_shop());
    assert_eq!(customer.saved(), 2, "later it is another form");
}

#[tokio::test]
async fn twenty_equal_forms_without_code_are_one_form() {
    for answers in [saved_by_shop(), failed("Это время уже занято, выберите другое")] {
        let customer = Customer::start_given_away().await;
        if answers["success"] == json!(false) {
            customer.environment.standins().fault(System::Shop, "forms", Fault::Refused, 20).unwrap();
        }
        let form = customer.with("/formName", "feedback");
        let all = join_all((0..20).map(|_| customer.ok(EXPORT, form.clone()))).await;
        assert!(all.iter().all(|answer| *answer == answers), "{all:#?}");
        assert_eq!(customer.stored().await.len(), 1);
        assert!(customer.saved() <= 1);
    }
}

#[tokio::test]
async fn shop_only_form_leaves_nothing_stored_after_delivery() {
    let customer = Customer::start_given_away().await;
    let mut form = customer.with("/formName", "feedback");
    form["data"]["picture"] = json!(STANDARD.encode(photo("image/png", 900)));
    customer.environment.standins().fault(System::Shop, "forms", Fault::Reset, 1).unwrap();
    assert_eq!(customer.ok(EXPORT, form.clone()).await, accepted());
    let waiting = &customer.stored().await[0];
    let key = waiting["photos"][0]["key"].as_str().unwrap().to_owned();
    assert!(waiting["data"].is_string() && customer.environment.storage().get(PHOTOS, &key).is_some(), "until then it is here");
    // The customer presses again before the queue's turn.
    assert_eq!(customer.ok(EXPORT, form.clone()).await, saved_by_shop());
    let stored = &customer.stored().await[0];
    assert_eq!((&stored["state"], stored.get("data"), stored.get("photos")), (&json!("delivered"), None, None));
    assert_eq!(customer.environment.storage().get(PHOTOS, &key), None);
    assert_eq!(customer.ok(EXPORT, form).await, saved_by_shop(), "once more");
    assert_eq!(customer.environment.storage().get(PHOTOS, &key), None, "nor does a repetition leave anything");
}

#[tokio::test]
async fn form_without_a_queue_message_is_not_accepted() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.environment.queues().fail(3);
    assert_eq!(customer.submit(&code).await, failed(texts::FORM_NOT_SAVED));
    assert_eq!((customer.stored().await.len(), customer.calls(System::Shop, "forms")), (0, 0));
    assert_eq!(customer.submit(&code).await, saved_by_shop(), "the code stays good");
    assert_eq!((customer.checks(), customer.stored().await.len(), customer.looked_after()), (1, 1, 1));
}

#[tokio::test]
async fn refused_form_may_be_repeated_until_the_shop_takes_it() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    let taken = failed("Это время уже занято, выберите другое");
    customer.environment.standins().fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
    assert_eq!(customer.submit(&code).await, taken);
    customer.environment.standins().fault(System::Shop, "forms", Fault::Http500, 1).unwrap();
    assert_eq!(customer.submit(&code).await, taken, "nobody would deliver it any more");
    assert_eq!(customer.stored().await[0]["state"], json!("refused"));
    assert_eq!(customer.submit(&code).await, saved_by_shop());
    assert_eq!((&customer.stored().await[0]["state"], customer.saved()), (&json!("delivered"), 1));
}

#[tokio::test]
async fn what_is_stored_of_a_form_knows_its_phone_only_by_a_digest() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.submit(&code).await;
    customer.environment.advance(Duration::from_mins(2));
    let mut other = customer.with("/installId", "install-2");
    other["data"]["phone"] = json!("0770 102-030");
    assert_eq!(customer.ok(SEND, other.clone()).await, success());
    customer.submit_form(other, customer.code()).await;
    let phones: Vec<_> = customer.stored().await.iter().map(|form| form["phone"].as_str().unwrap().to_owned()).collect();
    assert_eq!((phones[0].len(), &phones[0]), (64, &phones[1]), "one phone, however it is written");
}

#[tokio::test]
async fn a_form_that_needs_no_code_is_stored_here_once() {
    let customer = Customer::start_here().await;
    let form = customer.with("/formName", "feedback");
    let answers = join_all((0..20).map(|_| customer.ok(EXPORT, form.clone()))).await;
    assert!(answers.iter().all(|answer| *answer == success()), "{answers:#?}");
    assert_eq!(customer.stored().await.len(), 1);
    let other = customer
        .ok(EXPORT, {
            let mut other = form;
            other["data"]["slot"] = json!("12:00");
            other
        })
        .await;
    assert_eq!(other, success());
    assert_eq!(customer.stored().await.len(), 2);
}

fn keys(customer: &Customer) -> Vec<String> {
    let calls = customer.environment.standins().calls_to(System::Shop, "forms");
    calls.iter().map(|call| call.headers["webhook-id"].clone()).collect()
}
