//! placeholder while the function is being written
use lambda_http::{Body, Request, Response};
use shared::env::{ConfigError, Env};
use shared::runtime::World;
/// d
#[derive(Debug)]
pub struct Deps;
impl Deps {
    /// f
    pub fn from_env(env: Env, _world: World) -> Result<Self, ConfigError> {
        env.finish(Some(Self))
    }
}
/// h
pub async fn handle(_deps: &Deps, _request: Request) -> Response<Body> {
    Response::new(Body::Empty)
}
