//! What the function needs, from its settings.

use shared::forms::config::Forms;
use shared::forms::deliver::Dispatcher;
use shared::forms::photos::Photos;
use shared::forms::shop::Webhook;
use shared::forms::smspro;
use shared::forms::store::otp::Otp;
use shared::forms::store::submissions::Submissions;
use shared::platform::clock::{Clock, Random};
use shared::platform::dynamodb::client_from_env;
use shared::platform::env::{ConfigError, Env};
use shared::platform::metrics::Metrics;
use shared::platform::queue::Queue;
use shared::platform::runtime::Platform;
use shared::platform::secret::{InternalSecret, Keys};

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    pub(crate) keys: Keys,
    pub(crate) internal: InternalSecret,
    pub(crate) forms: Forms,
    pub(crate) otp: Otp,
    pub(crate) smspro: smspro::Client,
    pub(crate) submissions: Submissions,
    pub(crate) photos: Photos,
    /// The way to the shop, if any form goes there.
    pub(crate) shop: Option<(Dispatcher, Queue)>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) metrics: Metrics,
}

impl Deps {
    /// Reads `IMSHOP_KEY`, `INTERNAL_SECRET`, `FORMS_CONFIG` (default `/opt/forms.toml`), `SMSPRO_BASE_URL`, `SMSPRO_KEY`,
    /// `OTP_TABLE`, `FORMS_TABLE`, `FORM_PHOTOS_BUCKET` and the store's; if a form goes to the shop
    /// `SHOP_FORMS_URL`, `SHOP_FORMS_SECRET` and `FORMS_QUEUE_URL`.
    pub fn from_env(mut env: Env, platform: Platform) -> Result<Self, ConfigError> {
        let keys = env.public_keys("IMSHOP_KEY");
        let internal = env.internal_secret();
        let forms = env.file("FORMS_CONFIG", "/opt/forms.toml", Forms::parse);
        let base_url = env.url("SMSPRO_BASE_URL");
        let smspro_key = env.secret("SMSPRO_KEY");
        let client = client_from_env(&mut env);
        let otp = client.clone().and_then(|client| Otp::from_env(&mut env, client, platform.random.clone()));
        let metrics = platform.metrics;
        let submissions = client.and_then(|client| Submissions::from_env(&mut env, client, platform.random.clone()));
        let photos = Photos::from_env(&mut env);
        let to_shop = forms.as_ref().is_some_and(|forms| forms.iter().any(|form| form.destination.shop));
        let shop = to_shop.then(|| Webhook::from_env(&mut env, platform.http.clone()).zip(Queue::from_env(&mut env)));
        let build = || {
            let settings = smspro::Settings { base_url: base_url?, key: smspro_key? };
            let (submissions, photos) = (submissions?, photos?);
            let shop = match shop {
                Some(shop) => {
                    let (webhook, queue) = shop?;
                    Some((
                        Dispatcher::new(submissions.clone(), photos.clone(), webhook, platform.clock.clone(), metrics.clone()),
                        queue,
                    ))
                }
                None => None,
            };
            Some(Self {
                keys: keys?,
                internal: internal?,
                forms: forms?,
                otp: otp?,
                submissions,
                photos,
                smspro: smspro::Client::new(platform.http, settings),
                shop,
                clock: platform.clock,
                random: platform.random,
                metrics,
            })
        };
        let deps = build();
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.otp.warm_up().await;
    }
}
