//! Settles the payments whose next check is due.

use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use shared::env::{ConfigError, Env};
use shared::runtime::World;
use shared::settle::Settler;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    settler: Settler,
}

impl Deps {
    /// Reads the store's and Mokka's settings.
    pub fn from_env(mut env: Env, world: World) -> Result<Self, ConfigError> {
        let settler = Settler::from_env(&mut env, world.clock, world.random, world.http);
        let deps = settler.map(|settler| Self { settler });
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.settler.orders.warm_up().await;
    }
}

/// Takes an event.
#[expect(clippy::unused_async, reason = "the skeleton of the function")]
pub async fn handle(_deps: &Deps, _event: LambdaEvent<Value>) -> Result<Value, lambda_http::Error> {
    Ok(json!({}))
}
