//! Where the shop takes its forms. It knows our messages by their signature.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use url::Url;

use crate::platform::clock::{Deadline, Timestamp};
use crate::platform::env::Env;
use crate::platform::outbound::{Answer, CallError, Http, System, Target};
use crate::platform::webhook::SigningKeys;

/// How long the shop may take.
const LIMIT: Duration = Duration::from_secs(7);

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Where the shop takes forms, as signed messages.
#[derive(Debug)]
pub struct Webhook {
    http: Http,
    url: Url,
    keys: SigningKeys,
}

impl Webhook {
    /// Reads `SHOP_FORMS_URL` and `SHOP_FORMS_SECRET`; while keys are changed also `SHOP_FORMS_SECRET_NEXT`, and messages carry both
    /// signatures.
    pub fn from_env(env: &mut Env, http: Http) -> Option<Self> {
        let url = env.url("SHOP_FORMS_URL");
        let keys = SigningKeys::from_env(env, "SHOP_FORMS_SECRET");
        Some(Self { http, url: url?, keys: keys? })
    }

    /// Sends JSON under an id, at the machine's time, and gives the shop's answer as it is.
    pub async fn post(&self, id: &str, body: String, machine_time: Timestamp, deadline: Deadline) -> Result<Answer, CallError> {
        let request = self.http.post(self.url.clone()).header(CONTENT_TYPE, JSON);
        let request = self.keys.sign(request, id, machine_time, &body);
        let target = Target { system: System::Shop, method: "forms" };
        self.http.send(target, request.body(body), LIMIT, deadline).await
    }
}
