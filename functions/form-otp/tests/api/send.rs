//! Asking for a code: what is sent, and what is in the way.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::forms::texts;
use shared::platform::metrics::SMS_USED_UP;
use standins::{Fault, System};
use testkit::settings::IMSHOP_KEY;
use testkit::{Event, canary, event_file, invoke};

use super::{COOL_DOWN, Customer, EXPORT, HANDLE, SEND, failed, otp_failed, saved_by_shop, says, success};

const DIGITS: &str = "996770102030";

#[tokio::test]
async fn a_code_is_sent_checked_and_the_form_saved() {
    let customer = Customer::start().await;
    assert_eq!(customer.send().await, success());
    let calls = customer.environment.standins().calls_to(System::Smspro, "send");
    insta::assert_json_snapshot!("send_request", calls[0].body, {".transaction_id" => "[32 letters and digits]"});
    assert_eq!(calls[0].body["transaction_id"].as_str().unwrap().len(), 32);
    assert_eq!((customer.inbox().len(), customer.inbox()[0].phone.as_str()), (1, DIGITS));

    let code = customer.code();
    assert_eq!(customer.submit(&code).await, saved_by_shop());
    let calls = customer.environment.standins().calls_to(System::Smspro, "verify");
    assert_eq!(calls[0].body["code"], json!(code));
    let calls = customer.environment.standins().calls_to(System::Shop, "forms");
    insta::assert_json_snapshot!("shop_request", calls[0].body);
    assert_eq!((calls[0].headers["webhook-id"].len(), calls[0].headers.get("authorization")), (64, None));
    assert_eq!((customer.sends(), customer.checks(), customer.saved()), (1, 1, 1), "the round trips of the module doc");
}

#[tokio::test]
async fn both_kinds_of_event_and_both_addresses_work() {
    for v2 in [false, true] {
        for export in [EXPORT, SEND] {
            let customer = Customer::start().await;
            let call = async |path, body| {
                let event = Event::post(path).key(IMSHOP_KEY).json(body);
                invoke(&customer.deps, HANDLE, if v2 { event.v2() } else { event.rest() }).await.json()
            };
            assert_eq!(call(SEND, customer.form.clone()).await, success());
            let mut form = customer.form.clone();
            form["data"]["otpCode"] = json!(customer.code());
            let id = form.as_object_mut().unwrap().remove("formName").unwrap();
            form["formId"] = id;
            assert_eq!(call(export, form).await, saved_by_shop(), "v2: {v2}, {export}");
        }
    }
}

#[tokio::test]
async fn the_events_for_cargo_lambda_are_understood() {
    for (name, expected) in [
        ("forms-otp-send", success()),
        ("forms-otp-send.v2", success()),
        ("forms-otp-resend", success()),
        ("forms-otp-resend.v2", success()),
        ("forms-export", otp_failed()),
        ("forms-export.v2", otp_failed()),
    ] {
        let customer = Customer::start().await;
        let answer = invoke(&customer.deps, HANDLE, event_file(name)).await;
        assert_eq!((answer.status, answer.json()), (200, expected), "{name}");
    }
}

#[tokio::test]
async fn nothing_stored_tells_the_phone_the_name_or_the_code() {
    let customer = Customer::start().await;
    let code = customer.get_code().await;
    customer.submit(&code).await;
    let items = json!(customer.environment.items("otp-tokens", "").await).to_string();
    for word in [DIGITS, "770102030", canary::NAME, "install-1", code.as_str()] {
        assert!(!items.contains(word), "{word}: {items}");
    }
    for item in customer.environment.items("otp-tokens", "").await {
        assert!(item["expires_at"].as_i64().unwrap() > customer.environment.clock().now().seconds(), "{item}");
    }
}

#[tokio::test]
async fn a_new_code_waits_for_the_cool_down_and_replaces_the_one_before() {
    let customer = Customer::start().await;
    let first = customer.get_code().await;
    customer.environment.advance(Duration::from_secs(20));
    let answer = customer.send().await;
    let wait = answer["message"].as_str().unwrap();
    assert!(["40", "39", "38"].iter().any(|seconds| wait.contains(&format!("через {seconds} с"))), "{wait}");
    assert_eq!(customer.sends(), 1);

    customer.environment.advance(Duration::from_secs(41));
    let second = customer.get_code().await;
    assert_eq!(customer.submit(&first).await, otp_failed());
    assert_eq!(customer.submit(&second).await, saved_by_shop());
    let ids: Vec<_> = customer.inbox().into_iter().map(|sms| sms.transaction_id).collect();
    assert_ne!(ids[0], ids[1], "every SMS has its own transaction id");
}

#[tokio::test]
async fn the_code_before_stays_valid_until_the_next_one_is_really_sent() {
    let customer = Customer::start().await;
    let first = customer.get_code().await;
    customer.environment.advance(COOL_DOWN);
    customer.environment.standins().fault(System::Smspro, "send", Fault::Http500, 1).unwrap();
    assert_eq!(customer.send().await, failed(texts::SMS_UNAVAILABLE));
    assert_eq!(customer.submit(&first).await, saved_by_shop());
}

#[tokio::test]
async fn a_new_code_starts_with_all_its_checks_and_nothing_saved() {
    let customer = Customer::start().await;
    let first = customer.get_code().await;
    customer.submit("WRONG").await;
    assert_eq!(customer.submit(&first).await, saved_by_shop());
    customer.environment.advance(COOL_DOWN);
    let second = customer.get_code().await;
    for _ in 0..4 {
        assert_eq!(customer.submit("WRONG").await, otp_failed());
    }
    assert_eq!(customer.submit(&second).await, saved_by_shop());
    assert_eq!(customer.saved(), 2, "a form for each code");
}

#[tokio::test]
async fn twenty_equal_requests_send_one_sms() {
    let customer = Customer::start().await;
    let answers = join_all((0..20).map(|_| customer.send())).await;
    let sent = answers.iter().filter(|answer| **answer == success()).count();
    assert_eq!((sent, customer.sends()), (1, 1), "{answers:#?}");
    assert!(answers.iter().all(|answer| *answer == success() || says(answer, "через ")), "{answers:#?}");
}

#[tokio::test]
async fn twenty_installations_at_once_get_one_sms_to_one_phone() {
    let customer = Customer::start().await;
    let requests = (0..20).map(|number| customer.ok(SEND, customer.with("/installId", format!("install-{number}"))));
    let answers = join_all(requests).await;
    let sent = answers.iter().filter(|answer| **answer == success()).count();
    assert_eq!((sent, customer.sends()), (1, 1), "{answers:#?}");
}

#[tokio::test]
async fn twenty_customers_at_once_do_not_disturb_each_other() {
    let customer = Customer::start().await;
    let requests = (0..20).map(|number| {
        let mut form = customer.with("/installId", format!("install-{number}"));
        form["data"]["phone"] = json!(format!("9967701020{number:02}"));
        customer.ok(SEND, form)
    });
    let answers = join_all(requests).await;
    assert!(answers.iter().all(|answer| *answer == success()), "{answers:#?}");
    let shop = customer.environment.items("otp-tokens", "count#shop#").await;
    assert_eq!(shop.iter().map(|item| item["used"].as_i64().unwrap()).sum::<i64>(), 20);
}

#[tokio::test]
async fn phone_gets_five_codes_an_hour_and_ten_a_day() {
    let customer = Customer::start().await;
    let from = async |number: i32| customer.ok(SEND, customer.with("/installId", format!("install-{number}"))).await;
    for number in 0..5 {
        assert_eq!(from(number).await, success(), "{number}");
        customer.environment.advance(COOL_DOWN);
    }
    assert!(says(&from(5).await, "через 55 мин"), "{}", from(5).await);
    customer.environment.advance(Duration::from_mins(56));
    for number in 6..11 {
        assert_eq!(from(number).await, success(), "{number}");
        customer.environment.advance(Duration::from_mins(15));
    }
    assert!(says(&from(11).await, "через 22 ч"), "{}", from(11).await);
    assert_eq!(customer.sends(), 10);
    customer.environment.advance(Duration::from_hours(23));
    assert_eq!(from(12).await, success(), "the window slides");
}

#[tokio::test]
async fn the_limits_of_a_phone_hold_across_forms() {
    let two = [("name = \"feedback\"\nrequires_code = false", "name = \"feedback\"\nrequires_code = true")];
    let customer = Customer::start_configured("across_forms", &two).await;
    assert_eq!(customer.send().await, success());
    assert!(says(&customer.ok(SEND, customer.with("/formName", "feedback")).await, "через "));
    assert_eq!(customer.sends(), 1);
}

#[tokio::test]
async fn an_installation_asks_for_so_many_codes_a_day() {
    let three = [("sends_per_installation_per_day = 20", "sends_per_installation_per_day = 3")];
    let customer = Customer::start_configured("installation", &three).await;
    let to = async |number: i32| customer.ok(SEND, customer.with("/data/phone", format!("99677010203{number}"))).await;
    for number in 1..4 {
        assert_eq!(to(number).await, success(), "{number}");
    }
    assert_eq!(to(4).await, failed(&texts::wait_hours_for_next_code(24)));
    customer.environment.advance(Duration::from_hours(25));
    assert_eq!(to(4).await, success(), "the window slides");
    assert_eq!(customer.sends(), 4);
}

#[tokio::test]
async fn the_shop_pays_for_so_many_sms_a_day_and_not_one_more_at_once() {
    let three = [("sends_per_shop_per_day = 2000\nalarm_sends_per_shop_per_day = 1600", "sends_per_shop_per_day = 3")];
    let customer = Customer::start_configured("shop", &three).await;
    customer.midnight();
    let to = async |number: i32| {
        let mut form = customer.with("/installId", format!("install-{number}"));
        form["data"]["phone"] = json!(format!("9967701020{number:02}"));
        customer.ok(SEND, form).await
    };
    let answers = join_all((0..10).map(to)).await;
    let sent = answers.iter().filter(|answer| **answer == success()).count();
    assert_eq!((sent, customer.sends()), (3, 3), "{answers:#?}");
    assert_eq!(answers.iter().filter(|answer| says(answer, "Магазин временно не отправляет коды")).count(), 7);
    // What was refused counts nowhere: neither for the phone nor for the installation.
    let times = |item: &serde_json::Value| item["times"].as_array().map_or(0, Vec::len);
    assert_eq!(customer.environment.items("otp-tokens", "sends#").await.iter().map(times).sum::<usize>(), 6);
    assert_eq!(
        customer.environment.items("otp-tokens", "count#").await.iter().map(|item| item["used"].as_u64().unwrap()).sum::<u64>(),
        6
    );
    customer.environment.advance(Duration::from_hours(24));
    assert_eq!(to(11).await, success(), "tomorrow");
}

#[tokio::test]
async fn a_forms_own_limit_of_sms_below_the_shops_is_heard_of() {
    let own = [(
        "name = \"feedback\"\nrequires_code = false",
        "name = \"feedback\"\nrequires_code = true\nlimits = { sends_per_shop_per_day = 2 }",
    )];
    let customer = Customer::start_configured("own_sms", &own).await;
    customer.midnight();
    let to = async |number: i32, name: &str| {
        let mut form = customer.with("/installId", format!("install-{number}"));
        form["data"]["phone"] = json!(format!("9967701020{number:02}"));
        if !name.is_empty() {
            form["formName"] = json!(name);
        }
        customer.ok(SEND, form).await == success()
    };
    for number in 0..3 {
        assert!(to(number, "").await, "{number}");
    }
    assert_eq!(customer.environment.total(SMS_USED_UP, &[]), 0);
    assert!(!to(3, "feedback").await);
    let measured = customer.environment.measured(SMS_USED_UP);
    assert_eq!((measured.len(), &measured[0]["form"], &measured[0]["FormsNeedingAttention"]), (1, &json!("feedback"), &json!(1)));
    assert!(to(4, "").await, "the shop's is not");
}

#[tokio::test]
async fn an_sms_that_was_not_sent_counts_nowhere() {
    let customer = Customer::start().await;
    for _ in 0..7 {
        customer.environment.standins().fault(System::Smspro, "send", Fault::Refused, 1).unwrap();
        assert_eq!(customer.send().await, failed(texts::SMS_UNAVAILABLE));
    }
    let logs = customer.environment.items("otp-tokens", "sends#").await;
    assert_eq!(logs.len(), 2, "phone, installation");
    assert!(logs.iter().all(|log| log["times"] == json!([])), "{logs:#?}");
    let counts = customer.environment.items("otp-tokens", "count#").await;
    assert_eq!(counts.len(), 2, "range, shop");
    assert!(counts.iter().all(|count| count["used"] == json!(0)), "{counts:#?}");
    assert_eq!(customer.send().await, success());
}

#[tokio::test]
async fn nothing_is_sent_to_nowhere() {
    let customer = Customer::start().await;
    for (phone, message) in [
        (json!(null), texts::PHONE_MISSING),
        (json!("  "), texts::PHONE_MISSING),
        (json!({"number": DIGITS}), texts::PHONE_MISSING),
        (json!("later"), texts::PHONE_INVALID),
        (json!("12345"), texts::PHONE_INVALID),
        (json!(1.5), texts::PHONE_INVALID),
        (json!("+1 555 123 45 67"), texts::PHONE_COUNTRY),
        (json!("+996 312 123456"), texts::PHONE_NOT_MOBILE),
        (json!("8 800 555-35-35"), texts::PHONE_NOT_MOBILE),
    ] {
        assert_eq!(customer.ok(SEND, customer.with("/data/phone", phone.clone())).await, failed(message), "{phone}");
    }
    assert_eq!(customer.ok(SEND, customer.with("/formName", "other")).await, failed(texts::FORM_UNKNOWN));
    assert_eq!(customer.ok(SEND, customer.with("/formName", "feedback")).await, failed(texts::CODE_NOT_NEEDED));
    assert_eq!(customer.environment.standins().calls(None).len(), 0);
    assert_eq!(customer.environment.items("otp-tokens", "").await.len(), 0);
    assert_eq!(customer.ok(SEND, customer.with("/data/phone", 996_770_102_030_u64)).await, success(), "a number is a phone");
}
