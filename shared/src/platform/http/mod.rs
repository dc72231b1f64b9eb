//! HTTP in and out: raw bytes once, a size limit, the key, a decoded body or an error that names the field;
//! and one place that turns every failure into the endpoint's own JSON shape.

mod decode;
mod event;
mod failure;
mod inbound;
pub mod page;
mod respond;

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt as _;
use lambda_http::{Body, Request, Response};
use serde::Serialize;
use tracing::Instrument as _;

pub use decode::decode;
pub use event::adapted;
pub use failure::{Failure, Shape, Status};
pub use inbound::{Inbound, SMALL_BODY};
pub use respond::respond;

/// Runs a handler and answers whatever happens: a failure in the endpoint's shape, a panic as a 500, one log line a request.
pub async fn answer<F>(shape: Shape, request: Request, handler: impl FnOnce(Inbound) -> F) -> Response<Body>
where
    F: Future<Output = Result<Response<Body>, Failure>>,
{
    let started = Instant::now();
    let inbound = Inbound::new(request);
    let span = tracing::info_span!("request", request_id = %inbound.request_id(), payment_id = tracing::field::Empty);
    async move {
        // The handler keeps no state of its own in memory that a panic could leave half changed.
        let result = match AssertUnwindSafe(async {
            inbound.require_text_in_path()?;
            handler(inbound).await
        })
        .catch_unwind()
        .await
        {
            Ok(result) => result,
            Err(_) => Err(Failure::internal("the handler panicked")),
        };
        let response = result.unwrap_or_else(|failure| failure.into_response(shape));
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(http.status = response.status().as_u16(), duration_ms, "request answered");
        response
    }
    .instrument(span)
    .await
}

/// Names the payment on every later log line of this request.
pub fn on_payment(id: &crate::platform::ids::PaymentId) {
    tracing::Span::current().record("payment_id", tracing::field::display(id));
}

/// A JSON answer.
pub fn json<T: Serialize>(status: Status, body: &T) -> Result<Response<Body>, Failure> {
    let text =
        serde_json::to_string(body).map_err(|error| Failure::internal(format!("the answer cannot be written: {error}")))?;
    Ok(respond(status.into(), "application/json; charset=utf-8", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_a_500_in_the_endpoints_shape() {
        for (shape, body) in [
            (Shape::Error, r#"{"error":"#),
            (Shape::Office, r#"{"code":"internal","error":"a fault of our own"#),
            (Shape::Message, r#"{"message":"#),
            (Shape::Payments, r#"{"message":"#),
            (Shape::Orders, r#"{"message":"#),
        ] {
            let response = answer(shape, Request::default(), async |_| panic!("a secret cause")).await;
            assert_eq!(response.status(), 500);
            let Body::Text(text) = response.body() else { panic!("answers are text") };
            assert!(text.starts_with(body) && !text.contains("a secret cause"), "{text}");
        }
    }
}
