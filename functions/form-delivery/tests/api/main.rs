//! Forms on their way to the shop from outside: handed in over HTTP, looked after by the queue; what the shop has in its books,
//! what is stored and what is left in the queue out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod counts;
mod odd;
mod outage;
mod refused;
mod start;

use std::time::Duration;

use serde_json::{Value, json};
use shared::platform::runtime::Handler;
use standins::{Fault, System};
use testkit::settings::{FORMS_QUEUE, IMSHOP_KEY};
use testkit::{Event, TestEnvironment, canary, invoke, worker};

const FORM_OTP: Handler<form_otp::Deps> = |deps, request| Box::pin(form_otp::handle(deps, request));

/// When the queue begins to look after a form that was handed in.
const LOOKED_AFTER: Duration = Duration::from_mins(1);
/// The longest pause between two tries, with its jitter, and a little more.
const LONGEST_PAUSE: Duration = Duration::from_mins(67);

/// The shipped settings, and two forms that need no code.
const CONFIG: &str = concat!(
    include_str!("../../../../infra/config/forms.toml"),
    r#"
[[form]]
name = "wish"
requires_code = false
destinations = ["shop"]

[[form]]
name = "kept-wish"
requires_code = false
destinations = ["shop", "store"]
"#
);

/// A shop that takes forms.
struct Setup {
    environment: TestEnvironment,
    forms: form_otp::Deps,
}

impl Setup {
    async fn start() -> Self {
        let environment = TestEnvironment::start().await.with(vec![worker!(form_delivery)], &[]);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), CONFIG).unwrap();
        let forms = environment.build(form_otp::Deps::from_env, &[("FORMS_CONFIG", file.path().to_str().unwrap())]);
        Self { environment, forms }
    }

    /// A customer hands in a form that goes to the shop alone; whether they are told that it is taken.
    async fn hand_in(&self, wish: &str) -> bool {
        self.hand_in_form("wish", wish).await
    }

    async fn hand_in_form(&self, form: &str, wish: &str) -> bool {
        self.hand_in_fields(form, json!({"name": canary::NAME, "phone": canary::FORM_PHONE, "wish": wish})).await
    }

    async fn hand_in_fields(&self, form: &str, data: Value) -> bool {
        let form = json!({"formName": form, "installId": "install-1", "data": data});
        let answer = invoke(&self.forms, FORM_OTP, Event::post("/v1/forms").key(IMSHOP_KEY).json(form).rest()).await;
        answer.json()["success"] == json!(true)
    }

    /// From now on the shop does that with forms.
    fn shop_has(&self, fault: Fault) {
        self.environment.standins().fault(System::Shop, "forms", fault, 10_000).unwrap();
    }

    /// The shop is as it should be again.
    fn shop_is_well(&self) {
        self.environment.standins().clear_faults();
    }

    /// The wishes in the shop's books, oldest first.
    fn in_the_books(&self) -> Vec<String> {
        let forms = self.environment.standins().forms();
        forms.iter().map(|saved| saved["form"]["data"]["wish"].as_str().unwrap().to_owned()).collect()
    }

    /// How often the shop was asked.
    fn tries(&self) -> usize {
        self.environment.standins().calls_to(System::Shop, "forms").len()
    }

    /// The stored forms' states.
    async fn states(&self) -> Vec<String> {
        let forms = self.environment.items("forms", "form#").await;
        forms.iter().map(|form| form["state"].as_str().unwrap().to_owned()).collect()
    }

    /// The id of the one stored form.
    async fn id(&self) -> String {
        let forms = self.environment.items("forms", "form#").await;
        let [form] = forms.as_slice() else { unreachable!("one form: {forms:?}") };
        form["pk"].as_str().unwrap().strip_prefix("form#").unwrap().to_owned()
    }

    /// How many messages are in the queue.
    fn queued(&self) -> usize {
        self.environment.queues().messages(FORMS_QUEUE).len()
    }

    /// The log's lines at `level` that say `text`.
    fn logged(&self, level: &str, text: &str) -> Vec<Value> {
        let logs = self.environment.logs();
        let lines = logs.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["level"] == json!(level) && line["message"] == json!(text)).collect()
    }
}
