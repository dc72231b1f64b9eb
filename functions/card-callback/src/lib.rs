//! `GET` and `POST /v1/cards/{gateway}`: a card gateway says that something happened. Nothing in it is believed: it leads to a status call
//! with our own credentials (reference "Card gateways", 1.5 and 4.4).
//!
//! | answer | when |
//! |---|---|
//! | 200 | what the gateway says now is recorded, or was before; or the notification is about nothing of ours |
//! | 403 | it comes from an address that is not the gateway's |
//! | 404 | there is no gateway of that name |
//! | 503 | the gateway or the store could not be asked, or was asked for this payment a moment ago: the notification comes again |
//!
//! Round trips: one read, one write that keeps callers from asking without end, one status; on a new hold also two writes and one
//! capture, on other news one write. A payment whose id at the gateway is not known yet costs one more status and one more write.

mod callback;
mod deps;

use lambda_http::{Body, Request, Response};
use shared::platform::http::{self, Failure, Inbound, Shape};

pub use deps::Deps;

/// Answers a request.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    http::answer(Shape::Error, request, async |inbound| route(deps, &inbound).await).await
}

async fn route(deps: &Deps, inbound: &Inbound) -> Result<Response<Body>, Failure> {
    match inbound.path().as_slice() {
        ["v1", "cards", gateway] => match inbound.method().as_str() {
            "GET" | "POST" => callback::callback(deps, inbound, gateway).await,
            _ => Err(Failure::method_not_allowed("GET, POST")),
        },
        _ => Err(Failure::not_found()),
    }
}
