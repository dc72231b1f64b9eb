//! Delivery reports from outside: HTTP events in; answers and stored state out.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod bombs;
mod faults;
#[cfg(target_os = "linux")]
mod memory;
mod reports;
mod secret;

use serde_json::{Value, json};
use shared::platform::runtime::Handler;
use sms_reports::Deps;
use testkit::settings::{IMSHOP_KEY, SMS_REPORT_SECRET};
use testkit::{Answer, Event, TestEnvironment, canary, http, invoke};

const HANDLE: Handler<Deps> = |deps, request| Box::pin(sms_reports::handle(deps, request));
/// [`canary::FORM_PHONE`] as SMSPRO writes it.
const PHONE: &str = "996770102030";

/// A shop whose customer has been sent a code.
struct Shop {
    environment: TestEnvironment,
    deps: Deps,
    /// SMSPRO's id of the SMS.
    id: String,
}

impl Shop {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With other settings; an empty value unsets one.
    async fn start_with(changes: &[(&str, &str)]) -> Self {
        let environment = TestEnvironment::start().await.with(vec![http!(sms_reports)], &[]);
        let forms = environment.build(form_otp::Deps::from_env, &[]);
        let form = json!({"formName": "callback", "installId": "i", "data": {"phone": canary::FORM_PHONE}});
        let event = Event::post("/v1/forms/otp").key(IMSHOP_KEY).json(form).rest();
        let answer = invoke(&forms, |deps, request| Box::pin(form_otp::handle(deps, request)), event).await;
        assert_eq!(answer.json(), json!({"success": true}));
        let id = environment.standins().inbox(None).remove(0).transaction_id;
        let deps = environment.build(Deps::from_env, changes);
        drop(environment.store_calls());
        Self { environment, deps, id }
    }

    async fn push(&self, body: &str) -> Answer {
        self.push_to(SMS_REPORT_SECRET, body).await
    }

    async fn push_to(&self, secret: &str, body: &str) -> Answer {
        let event = Event::post(&format!("/v1/sms/reports/{secret}")).header("Content-Type", "text/xml").text(body);
        invoke(&self.deps, HANDLE, event.rest()).await
    }

    /// Reports a word, 0 to 7, of the one SMS.
    async fn report(&self, word: u8) -> Answer {
        self.push(&report(&[(&self.id, word)])).await
    }

    /// The SMS as it is stored.
    async fn sms(&self) -> Value {
        self.environment.item("otp-tokens", &format!("sms#{}", self.id)).await.expect("an SMS")
    }

    /// The last word that is stored.
    async fn word(&self) -> Value {
        self.sms().await["delivery"].clone()
    }
}

/// What SMSPRO pushes of these SMS.
fn report(words: &[(&str, u8)]) -> String {
    let words = words.iter().map(|(id, word)| {
        format!("<dr><id>{id}</id><phone><number>{PHONE}</number><report>{word}</report><sendTime>20261122100000</sendTime></phone></dr>")
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><report xmlns=\"http://Giper.mobi/schema/DeliveryReport\">{}</report>",
        words.collect::<String>()
    )
}
