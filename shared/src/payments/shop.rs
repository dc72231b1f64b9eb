//! The shop's order backend, which knows us by a key, and by a signature if one is agreed.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use url::Url;

use crate::platform::clock::{Deadline, Timestamp};
use crate::platform::env::Env;
use crate::platform::outbound::{Answer, CallError, Http, System, Target};
use crate::platform::secret::{Secret, sha256_hex};
use crate::platform::webhook::{self, SigningKeys};

/// How long the shop may take.
const LIMIT: Duration = Duration::from_secs(7);

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// The shop's URL for orders, the key that we present there as `Authorization: Bearer`, and what orders are signed with.
#[derive(Debug)]
pub struct Shop {
    http: Http,
    url: Url,
    key: Secret,
    signing: Option<SigningKeys>,
}

impl Shop {
    /// Reads `SHOP_ORDERS_URL` and `SHOP_KEY`; `SHOP_ORDERS_SECRET` if orders are signed, and while it is changed
    /// `SHOP_ORDERS_SECRET_NEXT`.
    pub fn from_env(env: &mut Env, http: Http) -> Option<Self> {
        let url = env.url("SHOP_ORDERS_URL");
        let key = env.secret("SHOP_KEY");
        let signing = SigningKeys::optional(env, "SHOP_ORDERS_SECRET");
        Some(Self { http, url: url?, key: key?, signing })
    }

    /// Sends an order creation, at the machine's time, and gives the shop's answer as it is. Its `webhook-id` is made of the body alone,
    /// so that the same order in the same words is the same message, however often IMSHOP sends it.
    pub async fn post(&self, body: String, machine_time: Timestamp, deadline: Deadline) -> Result<Answer, CallError> {
        let request = self
            .http
            .post(self.url.clone())
            .header(AUTHORIZATION, format!("Bearer {}", self.key.expose()))
            .header(CONTENT_TYPE, JSON);
        let id = format!("order-{}", sha256_hex(&body));
        let request = match &self.signing {
            Some(keys) => keys.sign(request, &id, machine_time, &body),
            None => request.header(webhook::ID, id),
        };
        let target = Target { system: System::Shop, method: "orders" };
        self.http.send(target, request.body(body), LIMIT, deadline).await
    }
}
