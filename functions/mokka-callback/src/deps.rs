//! What the function needs, from its settings.

use shared::payments::settle::Settler;
use shared::platform::env::{ConfigError, Env};
use shared::platform::metrics::Metrics;
use shared::platform::runtime::World;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    pub(crate) settler: Settler,
    pub(crate) metrics: Metrics,
}

impl Deps {
    /// Reads the store's and Mokka's settings.
    pub fn from_env(mut env: Env, world: World) -> Result<Self, ConfigError> {
        let settler = Settler::from_env(&mut env, world.clock, world.random, world.http, world.metrics.clone());
        let deps = settler.map(|settler| Self { settler, metrics: world.metrics });
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.settler.orders.warm_up().await;
    }
}
