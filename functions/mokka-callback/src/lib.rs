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
mod deps;
mod landing;
mod registration;

use lambda_http::{Body, Request, Response};
use shared::platform::http::{self, Failure, Inbound, Shape};

pub use deps::Deps;

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
