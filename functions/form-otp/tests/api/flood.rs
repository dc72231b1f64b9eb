//! Forms that need no code have limits of their own: those of a phone, of an installation, of nobody's and of the shop.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use shared::forms::texts;
use shared::platform::metrics::{FORMS_LIMITED, FORMS_RUNNING_OUT, FORMS_TAKEN, FORMS_USED_UP, REASON};
use standins::{Fault, System};
use testkit::StoreFault;

use super::photos::photo;
use super::{Customer, EXPORT, SEND, accepted, failed, saved_by_shop, says, success};

const PHONE: &str = "996770102030";

/// A form of its own each time, from an installation or from nobody's, with a phone or without.
fn form(number: usize, installation: Option<&str>, phone: Option<&str>) -> Value {
    let mut form = json!({"formId": "feedback", "data": {"text": format!("Вопрос {number}")}});
    if let Some(installation) = installation {
        form["installId"] = json!(installation);
    }
    if let Some(phone) = phone {
        form["data"]["phone"] = json!(phone);
    }
    form
}

async fn start(name: &str, changes: &[(&str, &str)]) -> Customer {
    let customer = Customer::start_configured(name, changes).await;
    customer.midnight();
    customer
}

fn limited(customer: &Customer, reason: &str) -> i64 {
    customer.environment.total(FORMS_LIMITED, &[(REASON, reason)])
}

/// As the phone's, and as the installation's, of which the n-th form is.
type FormOf = fn(usize) -> Value;

#[tokio::test]
async fn phone_and_installation_get_ten_forms_an_hour_thirty_a_day() {
    let of_phone: FormOf = |number| {
        // However it is written, it is one phone.
        let written = ["996770102030", "+996 (770) 10-20-30", "0770 102 030", "тел. 0770102030"][number % 4];
        form(number, Some(&format!("install-{number}")), Some(written))
    };
    let of_installation: FormOf = |number| form(number, Some("install-1"), Some(&format!("996770{number:06}")));
    let without_phone: FormOf = |number| form(number, Some("install-1"), None);
    for (reason, form_of) in [("phone", of_phone), ("installation", of_installation), ("installation", without_phone)] {
        let customer = start("flood", &[]).await;
        let mut number = 0;
        for hour in 0..4 {
            for _ in 0..if hour < 3 { 10 } else { 0 } {
                assert_eq!(customer.ok(EXPORT, form_of(number)).await, success(), "{reason}: {number}");
                number += 1;
            }
            let told = if hour < 2 {
                "Слишком много заявок. Новую можно отправить через 60 мин"
            } else {
                "через 2"
            };
            let refused = customer.ok(EXPORT, form_of(number)).await;
            assert!(says(&refused, told), "{reason}, hour {hour}: {refused}");
            customer.environment.advance(Duration::from_hours(1));
        }
        assert_eq!((customer.stored().await.len(), limited(&customer, reason)), (30, 4), "{reason}");
        assert_eq!(customer.environment.total(FORMS_LIMITED, &[]), 4);
        let logs = customer.environment.logs();
        assert_eq!(logs.lines().filter(|line| line.contains("no form is taken: a limit")).count(), 4);
        let another = form(99, Some("install-99"), Some("996555102030"));
        assert_eq!(customer.ok(EXPORT, another).await, success(), "everybody else goes on");
        customer.environment.advance(Duration::from_hours(20));
        assert_eq!(customer.ok(EXPORT, form_of(number)).await, success(), "{reason}: tomorrow");
    }
}

#[tokio::test]
async fn forty_forms_at_once_are_exactly_ten() {
    let customer = start("at_once", &[]).await;
    let forms = (0..40).map(|number| customer.ok(EXPORT, form(number, Some("install-1"), Some(PHONE))));
    let answers: Vec<_> = stream::iter(forms).buffer_unordered(16).collect().await;
    let taken = answers.iter().filter(|answer| **answer == success()).count();
    assert_eq!((taken, customer.stored().await.len(), limited(&customer, "phone")), (10, 10, 30));
    let counts = customer.environment.items("otp-tokens", "count#forms-").await;
    let used: Vec<_> = counts.iter().map(|count| count["used"].as_u64().unwrap()).collect();
    assert_eq!(used, [10, 10, 10], "phone, installation and shop; what was refused is given back");
}

#[tokio::test]
async fn what_is_refused_by_a_limit_goes_nowhere() {
    let customer = Customer::start_configured(
        "goes_nowhere",
        &[
            ("forms_per_phone_per_hour = 10", "forms_per_phone_per_hour = 1"),
            (
                "name = \"feedback\"\nrequires_code = false",
                "name = \"feedback\"\nrequires_code = false\ndestinations = [\"shop\"]",
            ),
        ],
    )
    .await;
    customer.midnight();
    assert_eq!(customer.ok(EXPORT, form(0, Some("install-1"), Some(PHONE))).await, saved_by_shop());
    let (calls, messages) = (customer.calls(System::Shop, "forms"), customer.looked_after());
    let mut second = form(1, Some("install-2"), Some(PHONE));
    second["data"]["picture"] = json!(STANDARD.encode(photo("image/png", 900)));
    drop((customer.environment.store_calls(), customer.environment.storage().take_requests()));
    assert!(says(&customer.ok(EXPORT, second).await, "через 60 мин"));
    assert_eq!(customer.environment.store_calls(), ["UpdateItem", "GetItem"], "its phone's count, and whether it is known");
    assert_eq!((customer.calls(System::Shop, "forms"), customer.looked_after()), (calls, messages));
    assert_eq!((customer.stored().await.len(), customer.environment.storage().take_requests().len()), (1, 0));
    assert_eq!(customer.send().await, success(), "codes have limits of their own");
    assert_eq!(customer.submit(&customer.code()).await, saved_by_shop(), "and who has one is known");
}

#[tokio::test]
async fn leaving_installation_and_phone_out_of_forms_evades_nothing() {
    let three = [("forms_without_installation_per_day = 200", "forms_without_installation_per_day = 3")];
    let customer = start("nobodys_forms", &three).await;
    for number in 0..3 {
        let phone = format!("996770{number:06}");
        let phone = (number > 0).then_some(phone.as_str());
        assert_eq!(customer.ok(EXPORT, form(number, None, phone)).await, success(), "{number}");
    }
    for (number, installation) in [(3, json!(null)), (4, json!("")), (5, json!("  "))] {
        let mut form = form(number, None, Some("996555102030"));
        form["installId"] = installation;
        let refused = customer.ok(EXPORT, form).await;
        assert!(says(&refused, "Магазин временно не принимает заявки. Попробуйте через 24 ч"), "{refused}");
    }
    assert_eq!(limited(&customer, "no_installation"), 3);
    let used_up = customer.environment.measured(FORMS_USED_UP);
    assert_eq!((used_up.len(), &used_up[0]["FormsNeedingAttention"]), (1, &json!(1)), "a person hears of it");
    assert!(customer.environment.logs().contains("see forms_without_installation_per_day"));
    assert_eq!(customer.ok(EXPORT, form(6, Some("install-1"), None)).await, success(), "with one there is more");
    customer.environment.advance(Duration::from_hours(24));
    assert_eq!(customer.ok(EXPORT, form(7, None, None)).await, success(), "the next day");
}

#[tokio::test]
async fn forms_without_installation_are_limited_to_two_hundred_a_day() {
    let customer = start("two_hundred", &[]).await;
    let forms = (0..210).map(|number| customer.ok(EXPORT, form(number, None, Some(&format!("996770{number:06}")))));
    let answers: Vec<_> = stream::iter(forms).buffer_unordered(16).collect().await;
    assert_eq!(answers.iter().filter(|answer| **answer == success()).count(), 200);
    assert_eq!((customer.stored().await.len(), limited(&customer, "no_installation")), (200, 10));
}

#[tokio::test]
async fn the_shops_day_of_forms_ends_and_two_alarms_are_raised() {
    let day = [(
        "forms_per_shop_per_day = 2000\nalarm_forms_per_shop_per_day = 1600",
        "forms_per_shop_per_day = 7\nalarm_forms_per_shop_per_day = 5",
    )];
    let customer = start("shops_forms", &day).await;
    let post = |number: usize| {
        let (installation, phone) = (format!("install-{number}"), format!("996770{number:06}"));
        customer.ok(EXPORT, form(number, Some(&installation), Some(&phone)))
    };
    let answers = join_all((0..20).map(&post)).await;
    let taken = answers.iter().filter(|answer| **answer == success()).count();
    assert_eq!((taken, limited(&customer, "shop"), customer.stored().await.len()), (7, 13, 7));
    assert_eq!(answers.iter().filter(|answer| says(answer, "через 24 ч или обратитесь в магазин")).count(), 13);
    let logs = customer.environment.logs();
    for (threshold, text, metric) in
        [(5, "forms of today are running out", FORMS_RUNNING_OUT), (7, "forms of today are used up", FORMS_USED_UP)]
    {
        let measured = customer.environment.measured(metric);
        assert_eq!((measured.len(), &measured[0]["threshold"]), (1, &json!(threshold.to_string())), "{measured:?}");
        assert_eq!(measured[0]["FormsNeedingAttention"], json!(1), "what the alarm looks at");
        let lines: Vec<_> = logs.lines().filter(|line| line.contains(text)).collect();
        assert!(lines.len() == 1 && lines[0].contains("ERROR"), "{lines:#?}");
    }
    // Who was refused by the shop's day has all of their own left.
    customer.environment.advance(Duration::from_hours(24));
    assert_eq!(post(19).await, success());
}

#[tokio::test]
async fn a_forms_own_limit_of_the_day_below_the_shops_is_heard_of() {
    let own = [(
        "name = \"feedback\"\nrequires_code = false",
        "name = \"feedback\"\nrequires_code = false\nlimits = { forms_per_shop_per_day = 3 }\n\
         [[form]]\nname = \"review\"\nrequires_code = false",
    )];
    let customer = start("own_day", &own).await;
    let post = async |number: usize, name: &str| {
        let (installed, phone) = (format!("install-{number}"), format!("996770{number:06}"));
        let mut form = form(number, Some(&installed), Some(&phone));
        form["formId"] = json!(name);
        customer.ok(EXPORT, form).await == success()
    };
    // What other forms take counts, too: so it never is this one that takes the last.
    for number in 0..5 {
        assert!(post(number, "review").await, "{number}: within the shop's");
    }
    assert_eq!(customer.environment.total(FORMS_USED_UP, &[]), 0);
    assert!(!post(5, "feedback").await);
    let measured = customer.environment.measured(FORMS_USED_UP);
    assert_eq!((measured.len(), &measured[0]["form"], &measured[0]["FormsNeedingAttention"]), (1, &json!("feedback"), &json!(1)));
    assert!(customer.environment.logs().contains("a form's own limit of the day is used up"));
    assert!(post(6, "review").await, "the other form goes on");
    // A limit of the shop's own is told of by its thresholds, and a phone's by none.
    assert_eq!(customer.environment.total(FORMS_USED_UP, &[]), 1);
}

#[tokio::test]
async fn repeated_form_counts_once_and_is_answered_beyond_the_limit() {
    let shop = "name = \"feedback\"\nrequires_code = false\ndestinations = [\"shop\", \"store\"]";
    let changes =
        [("forms_per_phone_per_hour = 10", "forms_per_phone_per_hour = 3"), ("name = \"feedback\"\nrequires_code = false", shop)];
    let customer = start("again", &changes).await;
    let forms: Vec<_> = (0..3).map(|number| form(number, Some("install-1"), Some(PHONE))).collect();
    let slot_taken = failed("Это время уже занято, выберите другое");
    customer.environment.standins().fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
    assert_eq!(customer.ok(EXPORT, forms[0].clone()).await, slot_taken);
    customer.environment.standins().fault(System::Shop, "forms", Fault::Http500, 1).unwrap();
    assert_eq!(customer.ok(EXPORT, forms[1].clone()).await, accepted());
    // Whatever the shop does: it refuses the first again, and is down for the second.
    for _ in 0..4 {
        customer.environment.standins().fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
        assert_eq!(customer.ok(EXPORT, forms[0].clone()).await, slot_taken);
        customer.environment.standins().fault(System::Shop, "forms", Fault::Http500, 1).unwrap();
        assert_eq!(customer.ok(EXPORT, forms[1].clone()).await, accepted());
    }
    let all = join_all((0..20).map(|_| customer.ok(EXPORT, forms[2].clone()))).await;
    assert!(all.iter().all(|answer| *answer == saved_by_shop()), "{all:#?}");
    for count in customer.environment.items("otp-tokens", "count#forms-").await {
        assert_eq!(count["used"], json!(3), "{count}");
    }
    assert!(says(&customer.ok(EXPORT, form(3, Some("install-1"), Some(PHONE))).await, "через 60 мин"));
    assert_eq!(customer.ok(EXPORT, forms[2].clone()).await, saved_by_shop(), "what is taken stays so");
    assert_eq!(customer.environment.total(FORMS_TAKEN, &[]), 3);
}

#[tokio::test]
async fn repeated_form_beyond_daily_limit_is_answered_without_the_shop() {
    let shop = "name = \"feedback\"\nrequires_code = false\ndestinations = [\"shop\"]";
    let changes = [
        (
            "forms_per_shop_per_day = 2000\nalarm_forms_per_shop_per_day = 1600",
            "forms_per_shop_per_day = 3\nalarm_forms_per_shop_per_day = 3",
        ),
        ("name = \"feedback\"\nrequires_code = false", shop),
    ];
    let customer = start("beyond", &changes).await;
    let forms: Vec<_> = (0..3).map(|number| form(number, Some("install-1"), Some(PHONE))).collect();
    customer.environment.standins().fault(System::Shop, "forms", Fault::Refused, 1).unwrap();
    let refused = customer.ok(EXPORT, forms[0].clone()).await;
    customer.environment.standins().fault(System::Shop, "forms", Fault::Http500, 1).unwrap();
    let expected = [refused, accepted(), saved_by_shop()];
    assert_eq!([customer.ok(EXPORT, forms[1].clone()).await, customer.ok(EXPORT, forms[2].clone()).await], expected[1..]);
    let asked = customer.calls(System::Shop, "forms");
    for (form, expected) in forms.iter().zip(expected) {
        assert_eq!(customer.ok(EXPORT, form.clone()).await, expected);
    }
    assert_eq!((customer.calls(System::Shop, "forms"), customer.environment.total(FORMS_LIMITED, &[])), (asked, 0));
}

#[tokio::test]
async fn what_is_not_stored_is_not_counted() {
    let shop = "name = \"feedback\"\nrequires_code = false\ndestinations = [\"shop\", \"store\"]";
    let changes =
        [("forms_per_phone_per_hour = 10", "forms_per_phone_per_hour = 1"), ("name = \"feedback\"\nrequires_code = false", shop)];
    let customer = start("not_stored", &changes).await;
    let form = form(0, Some("install-1"), Some(PHONE));
    let mut large = form.clone();
    large["data"]["text"] = json!("x".repeat(351 * 1024));
    assert_eq!(customer.ok(EXPORT, large).await, failed(texts::FORM_TOO_LARGE));
    customer.environment.queues().fail(3);
    assert_eq!(customer.ok(EXPORT, form.clone()).await, failed(texts::FORM_NOT_SAVED));
    for count in customer.environment.items("otp-tokens", "count#forms-").await {
        assert_eq!((&count["used"], count.get("things")), (&json!(0), None), "{count}");
    }
    // A store that is down for a while leaves the shop its day.
    customer.environment.choose_store_faults(|request| {
        let is_form = request.operation == "UpdateItem" && String::from_utf8_lossy(request.body).contains("form#");
        is_form.then_some(StoreFault::Failed)
    });
    for _ in 0..3 {
        assert_eq!(customer.post(EXPORT, form.clone()).await.status, 500);
    }
    customer.environment.spare_the_store();
    let shop =
        customer.environment.items("otp-tokens", "count#forms-").await.into_iter().filter(|count| count.get("things").is_none());
    assert_eq!(shop.map(|count| count["used"].clone()).collect::<Vec<_>>(), [json!(0)]);
    assert_eq!(customer.ok(EXPORT, form).await, saved_by_shop());
    assert!(customer.environment.items("otp-tokens", "count#forms-phone#").await[0]["used"] == json!(1));
}

#[tokio::test]
async fn a_lost_answer_of_the_store_counts_a_form_once() {
    for index in 0..4 {
        let customer = start("lost_count", &[]).await;
        customer.environment.lose_store_answer(index);
        assert_eq!(customer.ok(EXPORT, form(0, Some("install-1"), Some(PHONE))).await, success(), "answer {index} lost");
        for count in customer.environment.items("otp-tokens", "count#forms-").await {
            assert_eq!(count["used"], json!(1), "answer {index} lost: {count}");
        }
        assert_eq!(customer.stored().await.len(), 1);
    }
}

#[tokio::test]
async fn a_form_has_its_own_thresholds_of_the_common_count_of_forms() {
    let own = [(
        "name = \"feedback\"\nrequires_code = false",
        "name = \"feedback\"\nrequires_code = false\nlimits = { forms_per_phone_per_hour = 2 }\n[[form]]\nname = \"review\"\nrequires_code = false",
    )];
    let customer = start("own_forms", &own).await;
    let post = async |number, name: &str| {
        let mut form = form(number, Some("install-1"), Some(PHONE));
        form["formId"] = json!(name);
        customer.ok(EXPORT, form).await
    };
    assert_eq!(post(0, "review").await, success());
    assert_eq!(post(1, "feedback").await, success());
    assert!(says(&post(2, "feedback").await, "через 60 мин"), "two in an hour, one of them of the other form");
    assert_eq!(post(3, "review").await, success(), "which allows ten");
}

#[tokio::test]
async fn attacker_with_a_phone_locks_its_forms_for_a_day_and_no_more() {
    let customer = start("stranger", &[]).await;
    for number in 0..30 {
        if number % 10 == 0 && number > 0 {
            customer.environment.advance(Duration::from_hours(1));
        }
        let stranger = format!("stranger-{number}");
        assert_eq!(customer.ok(EXPORT, form(number, Some(&stranger), Some(PHONE))).await, success());
    }
    let owners = form(30, Some("owner"), Some(PHONE));
    assert!(says(&customer.ok(EXPORT, owners.clone()).await, "через 22 ч"));
    let mut other_phone = owners.clone();
    other_phone["data"]["phone"] = json!("996555102030");
    assert_eq!(customer.ok(EXPORT, other_phone).await, success(), "another phone of theirs");
    let code = customer.get_code().await;
    assert_eq!(customer.submit(&code).await, saved_by_shop(), "forms with a code");
    customer.midnight();
    assert_eq!(customer.ok(EXPORT, owners).await, success(), "and the next day all of it");
}

#[tokio::test]
async fn who_knows_a_phone_locks_it_out_of_codes_for_a_day_at_most() {
    let customer = start("strangers_codes", &[]).await;
    for number in 0..10 {
        let form = customer.with("/installId", format!("stranger-{number}"));
        assert_eq!(customer.ok(SEND, form).await, success(), "{number}");
        customer.environment.advance(Duration::from_mins(13));
    }
    let last = customer.environment.clock().now();
    let locked_until = last.plus(Duration::from_hours(24));
    assert!(says(&customer.send().await, "Слишком много запросов кода"));
    assert_eq!(customer.ok(EXPORT, form(0, Some("owner"), Some(PHONE))).await, success(), "forms without a code go on");
    // The oldest of the ten leaves the window first.
    customer.environment.advance(Duration::from_hours(22));
    assert_eq!(customer.send().await, success());
    assert!(customer.environment.clock().now() < locked_until);
    assert_eq!(customer.submit(&customer.code()).await, saved_by_shop());
}
