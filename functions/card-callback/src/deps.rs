//! What the function needs, from its settings.

use shared::payments::settle::Settler;
use shared::platform::env::{ConfigError, Env};
use shared::platform::metrics::Metrics;
use shared::platform::runtime::Platform;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    pub(crate) settler: Settler,
    pub(crate) metrics: Metrics,
}

impl Deps {
    /// Reads the store's settings and each gateway's.
    pub fn from_env(mut env: Env, platform: Platform) -> Result<Self, ConfigError> {
        let settler = Settler::from_env(&mut env, platform.clock, platform.random, platform.http, platform.metrics.clone());
        let deps = settler.map(|settler| Self { settler, metrics: platform.metrics });
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.settler.orders.warm_up().await;
    }
}
