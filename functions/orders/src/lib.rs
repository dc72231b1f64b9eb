//! `POST /v1/orders`: relays IMSHOP's order creation to the shop's own backend, gives the shop's answer back unchanged, and
//! records what a payment will need. `PUT /v1/orders/{orderUuid}`: the shop's own system pushes or corrects an order. What the store
//! did not take comes back from a queue.
//!
//! Round trips: POST one call to the shop, one write for each accepted order, and a message if that failed. PUT one read, for an
//! order with an attempt one more, one write. A message one write. An order that is known already costs a POST and a message one
//! read more, with an attempt two, and one write more. An order that comes with a new public id costs one
//! write more, of its alias.

mod amount;
mod deps;
mod keep;
mod matching;
mod push;
mod record;
mod relay;
mod tax;

use lambda_http::{Body, Request, RequestExt as _, Response};
use shared::platform::http::{self, Failure, Inbound, Shape};

pub use crate::keep::record_queued;

pub use deps::Deps;

/// Answers a request.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    http::answer(shape(request.raw_http_path()), request, async |inbound| route(deps, &inbound).await).await
}

/// The shape of failures goes with the path, whatever the method: the shop's for a path with an id, IMSHOP's for any other.
fn shape(path: &str) -> Shape {
    let segments = path.split('/').filter(|segment| !segment.is_empty()).skip_while(|segment| *segment != "v1");
    if segments.count() == 3 { Shape::Error } else { Shape::Orders }
}

async fn route(deps: &Deps, inbound: &Inbound) -> Result<Response<Body>, Failure> {
    match inbound.path().as_slice() {
        ["v1", "orders"] => {
            inbound.require_method("POST")?;
            Box::pin(relay::relay(deps, inbound)).await
        }
        ["v1", "orders", uuid] => {
            inbound.require_method("PUT")?;
            Box::pin(push::push(deps, inbound, uuid)).await
        }
        _ => Err(Failure::not_found()),
    }
}
