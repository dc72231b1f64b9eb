//! Forms from outside: HTTP events in; answers, stored state and calls to SMSPRO and the shop out.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod again;
mod attack;
mod check;
mod crash;
mod faults;
mod flood;
mod input;
mod limits;
mod nobody;
mod photos;
mod reality;
mod save;
mod send;
mod sms;
mod store;

use std::time::Duration;

use form_otp::Deps;
use serde_json::{Value, json};
use shared::forms::texts;
use shared::platform::runtime::Handler;
use standins::{Sms, System};
use testkit::settings::{FORMS_QUEUE, IMSHOP_KEY};
use testkit::{Answer, Event, TestEnvironment, canary, invoke};
use time::UtcOffset;

const HANDLE: Handler<Deps> = |deps, request| Box::pin(form_otp::handle(deps, request));

const SEND: &str = "/v1/forms/otp";
const EXPORT: &str = "/v1/forms";

/// The shipped `forms.toml`.
const CONFIG: &str = include_str!("../../../../infra/config/forms.toml");

const COOL_DOWN: Duration = Duration::from_mins(1);
/// Longer than any lease.
const LEASE_OVER: Duration = Duration::from_secs(13);

/// One customer filling in the form `callback`, in an environment of their own.
struct Customer {
    environment: TestEnvironment,
    deps: Deps,
    form: Value,
}

impl Customer {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With other settings; an empty value unsets one.
    async fn start_with(changes: &[(&str, &str)]) -> Self {
        let environment = TestEnvironment::start().await;
        let deps = environment.build(Deps::from_env, changes);
        let form = json!({
            "formName": "callback",
            "installId": "install-1",
            "data": {"name": canary::NAME, "phone": canary::FORM_PHONE, "slot": "10:00"},
        });
        Self { environment, deps, form }
    }

    /// With forms that stay here, and no way to the shop.
    async fn start_here() -> Self {
        let path = configured("here", &[(r#"destinations = ["shop", "store"]"#, r#"destinations = ["store"]"#)]);
        let nowhere = [("SHOP_FORMS_URL", ""), ("SHOP_FORMS_SECRET", ""), ("FORMS_QUEUE_URL", "")];
        Self::start_with(&[&[("FORMS_CONFIG", path.as_str())], &nowhere[..]].concat()).await
    }

    /// With a form `feedback`, which needs no code, that goes to the shop and stays nowhere else.
    async fn start_given_away() -> Self {
        let shop = "name = \"feedback\"\nrequires_code = false\ndestinations = [\"shop\"]";
        Self::start_configured("given_away", &[("name = \"feedback\"\nrequires_code = false", shop)]).await
    }

    /// With other lines in `forms.toml`; `name` is the file's.
    async fn start_configured(name: &str, changes: &[(&str, &str)]) -> Self {
        Self::start_with(&[("FORMS_CONFIG", &configured(name, changes))]).await
    }

    /// Goes to the beginning of an hour and a day of UTC, so that the windows hold a whole test.
    fn midnight(&self) {
        let now = self.environment.clock().now();
        self.environment.advance(now.next_day(UtcOffset::UTC).since(now));
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        invoke(&self.deps, HANDLE, Event::post(path).key(IMSHOP_KEY).json(body).rest()).await
    }

    /// The form with some of its parts changed.
    fn with(&self, path: &str, value: impl Into<Value>) -> Value {
        let mut form = self.form.clone();
        *form.pointer_mut(path).unwrap() = value.into();
        form
    }

    /// Asks for a code.
    async fn send(&self) -> Value {
        self.ok(SEND, self.form.clone()).await
    }

    /// Sends the form with a code.
    async fn submit(&self, code: &str) -> Value {
        self.submit_form(self.form.clone(), code).await
    }

    async fn submit_form(&self, mut form: Value, code: impl Into<Value>) -> Value {
        form["data"]["otpCode"] = code.into();
        self.ok(EXPORT, form).await
    }

    async fn ok(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, 200, "{}\n{}", answer.body, self.causes());
        let body = answer.json();
        if body["success"] == json!(false) {
            let told = body["message"].as_str().is_some_and(|text| !text.trim().is_empty());
            assert!(told || body == json!({"success": false, "otpFailed": true}), "the customer is told something: {body}");
        }
        body
    }

    /// Why requests failed.
    fn causes(&self) -> String {
        self.environment.logs().lines().filter(|line| line.contains("request failed")).collect()
    }

    fn inbox(&self) -> Vec<Sms> {
        self.environment.standins().inbox(None)
    }

    /// The code in the last SMS.
    fn code(&self) -> String {
        self.inbox().last().expect("an SMS").code.clone()
    }

    /// Asks for a code and reads it.
    async fn get_code(&self) -> String {
        assert_eq!(self.send().await, success());
        self.code()
    }

    fn calls(&self, system: System, method: &str) -> usize {
        self.environment.standins().calls_to(system, method).len()
    }

    fn sends(&self) -> usize {
        self.calls(System::Smspro, "send")
    }

    fn checks(&self) -> usize {
        self.calls(System::Smspro, "verify")
    }

    /// How many forms the shop has saved.
    fn saved(&self) -> usize {
        self.environment.standins().forms().len()
    }

    /// Every form that is stored here.
    async fn stored(&self) -> Vec<Value> {
        self.environment.items("forms", "form#").await
    }

    /// How many messages there are in the queue, one for each form that the queue looks after.
    fn looked_after(&self) -> usize {
        self.environment.queues().messages(FORMS_QUEUE).len()
    }

    /// The one challenge that is stored.
    async fn challenge(&self) -> Value {
        let mut items = self.environment.items("otp-tokens", "challenge#").await;
        assert_eq!(items.len(), 1);
        items.remove(0)
    }

    /// How many wrong codes are counted that day, for each phone and each installation.
    async fn wrong_codes(&self) -> Vec<u64> {
        let counts = self.environment.items("otp-tokens", "count#wrong-codes#").await;
        counts.iter().map(|count| count["used"].as_u64().unwrap()).collect()
    }

    /// However it went, no SMS went out that is not counted.
    async fn assert_counted(&self, place: &str) {
        let counts = self.environment.items("otp-tokens", "count#").await;
        for prefix in ["count#shop#", "count#prefix#"] {
            let counts = counts.iter().filter(|count| count["pk"].as_str().is_some_and(|key| key.starts_with(prefix)));
            let used: u64 = counts.map(|count| count["used"].as_u64().unwrap()).sum();
            assert!(used >= self.inbox().len() as u64, "{place}: {prefix} {used}");
        }
    }

    /// No two SMS to one phone came within the cool-down.
    fn assert_spaced(&self, place: &str) {
        let inbox = self.inbox();
        for pair in inbox.windows(2) {
            let apart = (pair[1].at - pair[0].at).whole_milliseconds();
            // The intent is older than the SMS by the time the call took.
            assert!(apart > 59_000, "{place}: {apart} ms between two SMS");
        }
    }
}

/// A file with other lines than the shipped one.
fn configured(name: &str, changes: &[(&str, &str)]) -> String {
    let mut text = CONFIG.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    testkit::written(env!("CARGO_TARGET_TMPDIR"), &format!("{name}.toml"), &text)
}

fn success() -> Value {
    json!({"success": true})
}

fn otp_failed() -> Value {
    json!({"success": false, "otpFailed": true})
}

fn failed(message: &str) -> Value {
    json!({"success": false, "message": message})
}

/// What the shop's stand-in tells the customer.
fn saved_by_shop() -> Value {
    json!({"success": true, "message": "Заявка принята, мы вам перезвоним"})
}

/// What the customer is told whose form is taken while the shop does not answer.
fn accepted() -> Value {
    json!({"success": true, "message": texts::FORM_ACCEPTED})
}

fn says(answer: &Value, part: &str) -> bool {
    answer["success"] == json!(false) && answer["message"].as_str().is_some_and(|text| text.contains(part))
}
