//! What the function needs, from its settings.

use std::time::Duration;

use shared::payments::methods::Methods;
use shared::payments::settle::Settler;
use shared::platform::env::{ConfigError, Env};
use shared::platform::metrics::Metrics;
use shared::platform::money::Currency;
use shared::platform::runtime::Platform;
use shared::platform::secret::{InternalSecret, Keys};
use url::Url;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    pub(crate) keys: Keys,
    pub(crate) methods: Methods,
    pub(crate) currency: Currency,
    pub(crate) settler: Settler,
    pub(crate) internal: InternalSecret,
    pub(crate) public_base_url: Option<Url>,
    pub(crate) valid_for: Duration,
    pub(crate) metrics: Metrics,
}

impl Deps {
    /// Reads `IMSHOP_KEY`, `PAYMENTS_CONFIG` (default `/opt/payments.toml`), `DEFAULT_CURRENCY` (default RUB), in which the
    /// rules on ways to pay count, `INTERNAL_SECRET`, `PUBLIC_BASE_URL` (optional), `MOKKA_FORM_HOURS` (default 24), the
    /// store's and Mokka's.
    pub fn from_env(mut env: Env, platform: Platform) -> Result<Self, ConfigError> {
        let keys = env.public_keys("IMSHOP_KEY");
        let methods = env.file("PAYMENTS_CONFIG", "/opt/payments.toml", Methods::parse);
        let currency = env.currency_or("DEFAULT_CURRENCY", Currency::Rub);
        let internal = env.internal_secret();
        let public_base_url = env.optional_url("PUBLIC_BASE_URL");
        let hours = env.number_or("MOKKA_FORM_HOURS", 24, 1..=720);
        let metrics = platform.metrics.clone();
        let settler = Settler::from_env(&mut env, platform.clock, platform.random, platform.http, platform.metrics);
        let build = || {
            Some(Self {
                keys: keys?,
                methods: methods?,
                currency: currency?,
                settler: settler?,
                internal: internal?,
                public_base_url,
                valid_for: Duration::from_hours(u64::from(hours?)),
                metrics,
            })
        };
        let deps = build();
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.settler.orders.warm_up().await;
    }
}
