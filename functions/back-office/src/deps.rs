//! What the function needs, from its settings.

use shared::forms::photos::Photos;
use shared::forms::store::otp::Otp;
use shared::forms::store::submissions::Submissions;
use shared::payments::payment::Limit;
use shared::payments::settle::Settler;
use shared::payments::shop_events;
use shared::payments::store::Quotes;
use shared::platform::clock::Random;
use shared::platform::env::{ConfigError, Env};
use shared::platform::metrics::Metrics;
use shared::platform::money::{Currency, Decimal, Money};
use shared::platform::roles::RoleKeys;
use shared::platform::runtime::Platform;
use shared::platform::secret::InternalSecret;
use url::Url;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    pub(crate) keys: RoleKeys,
    pub(crate) settler: Settler,
    pub(crate) internal: InternalSecret,
    pub(crate) public_base_url: Option<Url>,
    /// What Mokka names the shop in the address of its form for a limit.
    pub(crate) partner_uid: Option<String>,
    /// In which the keys' limits are said.
    currency: Currency,
    pub(crate) random: Random,
    pub(crate) submissions: Submissions,
    pub(crate) otp: Otp,
    pub(crate) quotes: Quotes,
    pub(crate) photos: Photos,
    /// Where the shop hears of payments, if it does.
    pub(crate) shop_events: Option<shop_events::Client>,
    pub(crate) metrics: Metrics,
}

impl Deps {
    /// Reads `BACK_OFFICE_KEYS`, `DEFAULT_CURRENCY` (default RUB), `INTERNAL_SECRET`, `PUBLIC_BASE_URL` and `MOKKA_PARTNER_UID` (optional), `FORMS_TABLE`, `OTP_TABLE`, `QUOTES_TABLE`, the photos', the
    /// store's, Mokka's and those of the shop's events.
    pub fn from_env(mut env: Env, platform: Platform) -> Result<Self, ConfigError> {
        let keys = env.parsed("BACK_OFFICE_KEYS", RoleKeys::parse);
        let currency = env.currency_or("DEFAULT_CURRENCY", Currency::Rub);
        for (name, limit) in keys.iter().flat_map(RoleKeys::limits) {
            tracing::info!(name, %limit, "a key of the back office gives back no more than this in a day");
        }
        let internal = env.internal_secret();
        let public_base_url = env.optional_url("PUBLIC_BASE_URL");
        let random = platform.random.clone();
        let metrics = platform.metrics.clone();
        let shop_events = shop_events::Client::from_env(&mut env, platform.http.clone(), platform.clock.clone());
        let settler = Settler::from_env(&mut env, platform.clock, platform.random, platform.http, platform.metrics);
        let client = settler.as_ref().map(|settler| settler.orders.client());
        let submissions = client.clone().and_then(|client| Submissions::from_env(&mut env, client, random.clone()));
        let otp = client.clone().and_then(|client| Otp::from_env(&mut env, client, random.clone()));
        let quotes = client.and_then(|client| Quotes::from_env(&mut env, client, random.clone()));
        let photos = Photos::from_env(&mut env);
        let partner_uid = partner_uid(&mut env);
        let build = || {
            Some(Self {
                keys: keys?,
                settler: settler?,
                internal: internal?,
                public_base_url,
                partner_uid: partner_uid?,
                currency: currency?,
                random,
                submissions: submissions?,
                otp: otp?,
                quotes: quotes?,
                photos: photos?,
                shop_events,
                metrics,
            })
        };
        let deps = build();
        env.finish(deps)
    }

    /// A key's limit.
    pub(crate) fn limit(&self, limit: Decimal) -> Limit {
        Limit::new(Money::new(limit, self.currency))
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.settler.orders.warm_up().await;
    }
}

/// Reads `MOKKA_PARTNER_UID`; nothing inside if it is not set.
#[expect(clippy::option_option, reason = "the outer one is that of every setting: none if it is wrong")]
fn partner_uid(env: &mut Env) -> Option<Option<String>> {
    if env.optional("MOKKA_PARTNER_UID").is_none() {
        return Some(None);
    }
    let uid = env.parsed("MOKKA_PARTNER_UID", |text| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let right = (1..=100).contains(&text.len()) && text.bytes().all(is_plain);
        if right { Ok(text.to_owned()) } else { Err("must be 1 to 100 letters, digits, dashes and underscores") }
    });
    uid.map(Some)
}
