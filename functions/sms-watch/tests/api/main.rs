//! SMS polled, from outside: customers ask for codes and enter them or not, SMSPRO reports or does not, the schedule ticks;
//! stored state, what was measured and the calls to SMSPRO out.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod asking;
mod counting;
mod exactly;
mod pumping;
mod run_lease;

use std::time::Duration;

use serde_json::{Value, json};
use shared::platform::clock::Timestamp;
use shared::platform::metrics::Metric;
use standins::{PhoneReports, System};
use testkit::settings::IMSHOP_KEY;
use testkit::{Event, TestEnvironment, http, invoke, worker};
use time::UtcOffset;

/// When a code's time is over and it is counted, from its SMS.
const OVER: Duration = Duration::from_secs(361);
/// No report at all.
const SILENCE: PhoneReports = PhoneReports { report: None, pushed: false };
/// Delivered, but the push is lost.
const LOST: PhoneReports = PhoneReports { report: Some(3), pushed: false };

/// A shop with customers.
struct Shop {
    environment: TestEnvironment,
    forms: form_otp::Deps,
}

impl Shop {
    /// At the beginning of a day of UTC, so that the hours hold a whole test.
    async fn start() -> Self {
        let environment = TestEnvironment::start().await.with(vec![http!(sms_reports), worker!(sms_watch)], &[]);
        let now = environment.clock().now();
        environment.advance(now.next_day(UtcOffset::UTC).since(now));
        let forms = environment.build(form_otp::Deps::from_env, &[]);
        Self { environment, forms }
    }

    async fn post(&self, path: &str, phone: &str, code: Option<&str>) -> Value {
        let mut form = json!({"formName": "callback", "installId": phone, "data": {"phone": phone}});
        if let Some(code) = code {
            form["data"]["otpCode"] = code.into();
        }
        let event = Event::post(path).key(IMSHOP_KEY).json(form).rest();
        invoke(&self.forms, |deps, request| Box::pin(form_otp::handle(deps, request)), event).await.json()
    }

    /// A customer asks for a code; SMSPRO's id of the SMS.
    async fn send(&self, phone: &str) -> String {
        let answer = self.post("/v1/forms/otp", phone, None).await;
        assert_eq!(answer, json!({"success": true}));
        self.environment.standins().inbox(Some(phone)).pop().unwrap().transaction_id
    }

    /// The customer enters the code.
    async fn enter(&self, phone: &str) {
        let code = self.environment.standins().inbox(Some(phone)).pop().unwrap().code;
        assert_eq!(self.post("/v1/forms", phone, Some(&code)).await["success"], true);
    }

    /// What becomes of SMS to a phone.
    fn reports(&self, phone: &str, reports: PhoneReports) {
        self.environment.standins().set_sms_reports(phone, reports, false).unwrap();
    }

    async fn sms(&self, id: &str) -> Value {
        self.environment.item("otp-tokens", &format!("sms#{id}")).await.expect("an SMS")
    }

    /// Sent, delivered, entered of a group, all hours together.
    async fn counts(&self, group: &str) -> [u64; 3] {
        let items = self.environment.items("otp-tokens", &format!("conversion#{group}#")).await;
        ["sent", "delivered", "entered"].map(|name| items.iter().filter_map(|item| item[name].as_u64()).sum())
    }

    /// Both groups of the phones used here say the same.
    async fn assert_counted(&self, counts: [u64; 3], place: &str) {
        assert_eq!(self.counts("operator#beeline").await, counts, "{place}: operator");
        assert_eq!(self.counts("range#9967701").await, counts, "{place}: range");
    }

    /// How much was measured in all.
    fn measured(&self, metric: Metric) -> u64 {
        self.environment.measured(metric).iter().map(|line| line[metric.name].as_u64().unwrap()).sum()
    }

    fn asked(&self) -> usize {
        self.environment.standins().calls_to(System::Smspro, "dr").len()
    }

    fn now(&self) -> Timestamp {
        self.environment.clock().now()
    }
}

/// Phones of one range, as SMSPRO writes them.
fn phone(number: usize) -> String {
    format!("9967701{number:05}")
}
