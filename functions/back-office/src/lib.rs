//! The shop's own people and system: looks at orders and payments, and acts on them.

use lambda_http::{Body, Request, Response};
use shared::env::{ConfigError, Env};
use shared::http::{self, Failure, Shape};
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

/// Answers a request.
pub async fn handle(_deps: &Deps, request: Request) -> Response<Body> {
    http::answer(Shape::Error, request, async |_| Err(Failure::not_found())).await
}
