//! What comes back from Mokka: its callback, and the customer's browser.
//!
//! - `POST /v1/mokka/callback/{paymentId}/{token}`: a hint that something happened; the truth is a Status call.
//! - `POST /v1/mokka/registration/{registrationId}/{token}`: a customer was granted a limit, or not; nothing is paid by it.
//! - `GET /v1/return/{paymentId}/{token}`: sends the browser on to `…/success` or `…/failed`, what the app's expressions match.
//! - `GET /v1/return/{paymentId}/{token}/{success|failed}`: the page that the customer sees.
//! - `GET /v1/mokka/return/{paymentId}[/{success|failed}]`: the same of attempts that a release without tokens opened; by what is
//!   stored, nobody is asked.
//!
//! Round trips: callback and return one read and one Status, on a new hold also two writes, one read and one Finish, on
//! other news one write; of a settled payment one read, and for a callback one Status. The page one read. A registration's callback
//! one read, and one write if it says something new.

mod callback;
mod landing;
mod registration;

use lambda_http::{Body, Request, Response};
use shared::payments::settle::Settler;
use shared::platform::env::{ConfigError, Env};
use shared::platform::http::{self, Failure, Inbound, Shape};
use shared::platform::metrics::{self, Metrics};
use shared::platform::outbound::System;
use shared::platform::runtime::World;

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    settler: Settler,
    metrics: Metrics,
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

/// Refuses a callback. Whatever is wrong with it, it is answered as an address that there is not; the metric knows the reason.
fn refuse(deps: &Deps, reason: &'static str) -> Failure {
    tracing::warn!(reason, "a callback was refused");
    deps.metrics
        .emit(&[(metrics::CALLBACKS_REFUSED, 1)], &[(metrics::PROVIDER, System::Mokka.name()), (metrics::REASON, reason)]);
    Failure::not_found()
}

/// Answers a request.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    http::answer(Shape::Error, request, async |inbound| route(deps, &inbound).await).await
}

async fn route(deps: &Deps, inbound: &Inbound) -> Result<Response<Body>, Failure> {
    match inbound.path().as_slice() {
        ["v1", "mokka", "callback", payment_id, token] => {
            inbound.require_method("POST")?;
            callback::callback(deps, inbound, payment_id, token).await
        }
        ["v1", "mokka", "registration", registration_id, token] => {
            inbound.require_method("POST")?;
            registration::callback(deps, inbound, registration_id, token).await
        }
        ["v1", "return", payment_id, token] => {
            inbound.require_method("GET")?;
            landing::send_on(deps, inbound, payment_id, Some(token)).await
        }
        ["v1", "return", payment_id, token, result @ (landing::SUCCESS | landing::FAILED)] => {
            inbound.require_method("GET")?;
            landing::page(deps, payment_id, Some(token), result).await
        }
        ["v1", "mokka", "return", payment_id] => {
            inbound.require_method("GET")?;
            landing::send_on(deps, inbound, payment_id, None).await
        }
        ["v1", "mokka", "return", payment_id, result @ (landing::SUCCESS | landing::FAILED)] => {
            inbound.require_method("GET")?;
            landing::page(deps, payment_id, None, result).await
        }
        _ => Err(Failure::not_found()),
    }
}
