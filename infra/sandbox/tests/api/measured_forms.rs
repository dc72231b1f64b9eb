//! What is measured of codes and forms: each event once, under its reason.

use std::time::Duration;

use futures_util::future::join_all;
use sandbox::functions::Everything;
use serde_json::{Value, json};
use shared::platform::metrics::{
    CODES_CHECKED, CODES_REFUSED, CODES_SENT, FORM_WAITING, FORMS_DELIVERED, FORMS_REFUSED, FORMS_REFUSED_LATE, FORMS_TAKEN,
    METHOD, Metric, OUTCOME, PROVIDER, PROVIDER_FAULTS, PROVIDER_REFUSALS, REASON, SMS_BUDGET_USED,
};
use standins::{Fault, System};
use testkit::settings::{CONFIG, IMSHOP_KEY};
use testkit::{Answer, Cast as _, Event, TestEnvironment, canary, invoke};
use time::UtcOffset;

/// A shop's forms, at the beginning of a day of UTC, so that the windows hold a whole test.
struct Shop {
    environment: TestEnvironment,
    forms: form_otp::Deps,
}

impl Shop {
    /// With other lines in `forms.toml`.
    async fn start(changes: &[(&str, &str)]) -> Self {
        let environment = TestEnvironment::start().await.with(Everything::functions(), &[]);
        let now = environment.clock().now();
        environment.advance(now.next_day(UtcOffset::UTC).since(now));
        let shipped = std::fs::read_to_string(format!("{CONFIG}/forms.toml")).unwrap();
        let text = changes.iter().fold(shipped, |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let forms = environment.build(form_otp::Deps::from_env, &[("FORMS_CONFIG", file.path().to_str().unwrap())]);
        Self { environment, forms }
    }

    async fn post(&self, path: &str, form: Value) -> Answer {
        let event = Event::post(path).key(IMSHOP_KEY).json(form).rest();
        invoke(&self.forms, |deps, request| Box::pin(form_otp::handle(deps, request)), event).await
    }

    async fn send(&self, phone: &str, installation: &str) -> Value {
        self.post("/v1/forms/otp", form(phone, installation)).await.json()
    }

    async fn enter(&self, phone: &str, installation: &str, code: &str) -> Value {
        let mut form = form(phone, installation);
        form["data"]["otpCode"] = json!(code);
        self.post("/v1/forms", form).await.json()
    }

    /// A code of its own.
    async fn code(&self, phone: &str) -> String {
        assert_eq!(self.send(phone, phone).await, json!({"success": true}));
        self.environment.standins().inbox(Some(phone)).pop().unwrap().code
    }

    fn refused(&self, reason: &str) -> i64 {
        self.environment.total(CODES_REFUSED, &[(REASON, reason)])
    }

    /// How codes came out that were entered, every one.
    fn checked(&self) -> Vec<String> {
        let lines = self.environment.measured(CODES_CHECKED);
        lines.iter().map(|line| line[OUTCOME].as_str().unwrap().to_owned()).collect()
    }

    fn total(&self, metric: Metric) -> i64 {
        self.environment.total(metric, &[])
    }
}

fn form(phone: &str, installation: &str) -> Value {
    json!({"formName": "callback", "installId": installation, "data": {"name": canary::NAME, "phone": phone}})
}

const PHONE: &str = "996770102030";

#[tokio::test]
async fn each_limit_counts_the_codes_that_it_was_in_the_way_of() {
    let one = |line: &'static str, less: &'static str| vec![(line, less)];
    let no_address = vec![("prefix_digits = 7", "prefix_digits = 7\nsends_per_address_per_hour = 1")];
    let budget = "sends_per_shop_per_day = 2000\nalarm_sends_per_shop_per_day = 1600";
    for (reason, changes, second) in [
        ("cool_down", Vec::new(), (PHONE, "first", 10)),
        ("phone_hour", one("sends_per_hour = 5", "sends_per_hour = 1"), (PHONE, "first", 120)),
        (
            "phone_day",
            one("sends_per_hour = 5\nsends_per_day = 10", "sends_per_hour = 1\nsends_per_day = 1"),
            (PHONE, "first", 120),
        ),
        (
            "installation",
            one("sends_per_installation_per_day = 20", "sends_per_installation_per_day = 1"),
            ("996770202030", "first", 1),
        ),
        ("range", one("sends_per_prefix_per_hour = 30", "sends_per_prefix_per_hour = 1"), ("996770102031", "second", 1)),
        ("address", no_address, ("996770202030", "second", 1)),
        ("shop", one(budget, "sends_per_shop_per_day = 1\nalarm_sends_per_shop_per_day = 1"), ("996770202030", "second", 1)),
        ("country", Vec::new(), ("4915112345678", "second", 1)),
        ("denied", one("deny_prefixes = []", "deny_prefixes = [\"99670\"]"), ("996700102030", "second", 1)),
        ("not_mobile", Vec::new(), ("996312102030", "second", 1)),
    ] {
        let shop = Shop::start(&changes).await;
        let (phone, installation, seconds) = second;
        assert_eq!(shop.send(PHONE, "first").await, json!({"success": true}), "{reason}");
        shop.environment.advance(Duration::from_secs(seconds));
        assert_eq!(shop.send(phone, installation).await["success"], json!(false), "{reason}");
        assert_eq!((shop.refused(reason), shop.total(CODES_REFUSED), shop.total(CODES_SENT)), (1, 1, 1), "{reason}");
    }
}

#[tokio::test]
async fn who_cannot_enter_a_code_is_refused_one_and_counted_so() {
    let shop = Shop::start(&[("wrong_codes_per_phone_per_day = 20", "wrong_codes_per_phone_per_day = 1")]).await;
    let code = shop.code(PHONE).await;
    shop.enter(PHONE, PHONE, "WRONG").await;
    shop.enter(PHONE, PHONE, &code).await;
    shop.environment.advance(Duration::from_mins(2));
    assert_eq!(shop.send(PHONE, PHONE).await["success"], json!(false));
    assert_eq!((shop.refused("wrong_codes"), shop.total(CODES_REFUSED)), (1, 1));
    assert_eq!(shop.checked(), ["wrong", "limit"]);
}

#[tokio::test]
async fn each_code_that_is_entered_is_counted_by_how_it_came_out() {
    let shop = Shop::start(&[]).await;
    shop.enter(PHONE, PHONE, "NONE").await;
    let code = shop.code(PHONE).await;
    shop.environment.standins().fault(System::Smspro, "verify", Fault::Http500, 1).unwrap();
    shop.enter(PHONE, PHONE, &code).await;
    shop.enter(PHONE, PHONE, "WRONG").await;
    join_all((0..4).map(|_| shop.enter(PHONE, PHONE, &code))).await;
    shop.enter(PHONE, PHONE, &code).await;
    assert_eq!(shop.checked(), ["none", "unavailable", "wrong", "right"], "the same form again is no check");
    assert_eq!(shop.environment.total(PROVIDER_FAULTS, &[(PROVIDER, "smspro"), (METHOD, "verify")]), 1);
    assert_eq!(shop.environment.total(PROVIDER_REFUSALS, &[(PROVIDER, "smspro"), (METHOD, "verify")]), 1);
    assert_eq!((shop.total(FORMS_TAKEN), shop.total(FORMS_DELIVERED)), (1, 1));
}

#[tokio::test]
async fn the_shops_budget_is_measured_at_each_sms_and_at_nothing_else() {
    let budget = "sends_per_shop_per_day = 2000\nalarm_sends_per_shop_per_day = 1600";
    let shop = Shop::start(&[(budget, "sends_per_shop_per_day = 4\nalarm_sends_per_shop_per_day = 3")]).await;
    for number in 0..6 {
        shop.send(&format!("99677{number}102030"), &format!("install-{number}")).await;
    }
    let used: Vec<_> = shop.environment.measured(SMS_BUDGET_USED).iter().map(|line| line["SmsBudgetUsed"].clone()).collect();
    assert_eq!(used, [25, 50, 75, 100]);
    assert_eq!((shop.total(CODES_SENT), shop.refused("shop")), (4, 2));
}

#[tokio::test]
async fn form_is_counted_at_acceptance_and_delivery_and_ages_between() {
    let shop = Shop::start(&[]).await;
    let code = shop.code(PHONE).await;
    shop.environment.standins().fault(System::Shop, "forms", Fault::Http500, 3).unwrap();
    join_all((0..3).map(|_| shop.enter(PHONE, PHONE, &code))).await;
    assert_eq!((shop.total(FORMS_TAKEN), shop.total(FORMS_DELIVERED)), (1, 0));
    shop.environment.deliver_forms_for(Duration::from_mins(10)).await;
    let ages: Vec<_> = shop.environment.measured(FORM_WAITING).iter().map(|line| line["FormWaiting"].as_i64().unwrap()).collect();
    assert!(ages.len() == 2 && ages[0] >= 60 && ages[1] >= ages[0] + 30, "{ages:?}");
    shop.environment.deliver_forms_for(Duration::from_hours(2)).await;
    shop.enter(PHONE, PHONE, &code).await;
    assert_eq!((shop.total(FORMS_TAKEN), shop.total(FORMS_DELIVERED)), (1, 1));
    assert_eq!((shop.total(FORMS_REFUSED), shop.environment.measured(FORM_WAITING).len()), (0, 2));
}

#[tokio::test]
async fn refused_form_is_counted_once_and_late_only_after_acceptance() {
    for (first, late) in [(Fault::Refused, 0), (Fault::Http500, 1)] {
        let shop = Shop::start(&[]).await;
        let code = shop.code(PHONE).await;
        shop.environment.standins().fault(System::Shop, "forms", first, 1).unwrap();
        shop.enter(PHONE, PHONE, &code).await;
        shop.environment.standins().fault(System::Shop, "forms", Fault::Refused, 100).unwrap();
        shop.environment.deliver_forms_for(Duration::from_mins(2)).await;
        assert_eq!((shop.total(FORMS_REFUSED), shop.total(FORMS_REFUSED_LATE)), (1, late), "{first}");
        assert_eq!(shop.total(FORMS_DELIVERED), 0);
    }
}
