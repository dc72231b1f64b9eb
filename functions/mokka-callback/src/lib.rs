//! What comes back from Mokka: its callback, and the customer's browser.
//!
//! - `POST /v1/mokka/callback/{paymentId}/{token}`: a hint that something happened; the truth is a Status call.
//! - `GET /v1/mokka/return/{paymentId}`: sends the browser on to `…/success` or `…/failed`, what the app's expressions match.
//! - `GET /v1/mokka/return/{paymentId}/{success|failed}`: the page that the customer sees.
//!
//! Round trips: callback and return one read and one Status, on a new hold also two writes, one read and one Finish, on
//! other news one write; of a settled payment one read. The page one read.

mod callback;
mod landing;

use lambda_http::{Body, Request, Response};
use shared::env::{ConfigError, Env};
use shared::gateway::Gateways;
use shared::gateway::mokka::MokkaGateway;
use shared::http::{self, Failure, Inbound, Shape};
use shared::runtime::World;
use shared::settle::Settler;
use shared::store::{Orders, client_from_env};

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    orders: Orders,
    settler: Settler,
}

impl Deps {
    /// Reads the store's and Mokka's settings.
    pub fn from_env(mut env: Env, world: World) -> Result<Self, ConfigError> {
        let client = client_from_env(&mut env);
        let orders = client.and_then(|client| Orders::from_env(&mut env, client, world.random));
        let mokka = MokkaGateway::from_env(&mut env, world.http, world.clock.clone());
        let deps = orders.zip(mokka).map(|(orders, mokka)| Self {
            settler: Settler { orders: orders.clone(), gateways: Gateways::new(mokka), clock: world.clock },
            orders,
        });
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.orders.warm_up().await;
    }
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
        ["v1", "mokka", "return", payment_id] => {
            inbound.require_method("GET")?;
            landing::send_on(deps, inbound, payment_id).await
        }
        ["v1", "mokka", "return", payment_id, result @ (landing::SUCCESS | landing::FAILED)] => {
            inbound.require_method("GET")?;
            landing::page(deps, payment_id, result).await
        }
        _ => Err(Failure::not_found()),
    }
}
