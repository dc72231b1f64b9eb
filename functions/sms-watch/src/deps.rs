//! What the function needs, from its settings.

use shared::forms::config::Forms;
use shared::forms::sms::Thresholds;
use shared::forms::smspro::Reports;
use shared::forms::store::otp::Otp;
use shared::platform::clock::Clock;
use shared::platform::dynamodb::client_from_env;
use shared::platform::env::{ConfigError, Env};
use shared::platform::metrics::Metrics;
use shared::platform::runtime::Platform;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    pub(crate) otp: Otp,
    /// Without them SMSPRO is not asked.
    pub(crate) reports: Option<Reports>,
    pub(crate) thresholds: Thresholds,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
}

impl Deps {
    /// Reads `FORMS_CONFIG` (default `/opt/forms.toml`), `SMSPRO_LOGIN` and `SMSPRO_PASSWORD` (both or neither),
    /// `SMSPRO_BASE_URL` (with them), `OTP_TABLE` and the store's settings.
    pub fn from_env(mut env: Env, platform: Platform) -> Result<Self, ConfigError> {
        let thresholds = env.file("FORMS_CONFIG", "/opt/forms.toml", Forms::parse).map(|forms| forms.conversion);
        let client = client_from_env(&mut env);
        let otp = client.and_then(|client| Otp::from_env(&mut env, client, platform.random));
        let can_ask = env.wanted("SMSPRO_PULL", "SMSPRO_LOGIN");
        let asked = can_ask.then(|| (env.url("SMSPRO_BASE_URL"), env.secret("SMSPRO_LOGIN"), env.secret("SMSPRO_PASSWORD")));
        let build = || {
            let reports = match asked {
                Some((base_url, login, password)) => Some(Reports::new(platform.http, base_url?, login?, password?)),
                None => None,
            };
            Some(Self { otp: otp?, reports, thresholds: thresholds?, metrics: platform.metrics, clock: platform.clock })
        };
        let deps = build();
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.otp.warm_up().await;
    }
}
