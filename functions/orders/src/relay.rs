//! Order creation: to the shop and back, untouched, with a note of what was accepted.

use lambda_http::{Body, Response};
use shared::payments::imshop::orders::{Answer, OrderRefusal, RefusedOrder, Request, without_key};
use shared::payments::texts;
use shared::platform::http::{self, Failure, Inbound, Status, decode, respond};
use shared::platform::outbound::Answer as ShopAnswer;

use crate::{Deps, keep, record};

pub(crate) async fn relay(deps: &Deps, inbound: &Inbound) -> Result<Response<Body>, Failure> {
    inbound.limit_body(http::SMALL_BODY)?;
    inbound.authorize(&deps.imshop_keys, "orders", &deps.metrics)?;
    let request: Request = inbound.json()?;
    if request.orders.is_empty() {
        return Err(Failure::bad_request("field `orders`: must have at least one order"));
    }
    let body = without_key(inbound.text()?).map_err(|error| Failure::bad_request(error.to_string()))?;
    let mut answer = match deps.shop.post(body, deps.clock.machine_now(), inbound.deadline()).await {
        Ok(answer) => answer,
        Err(cause) => return refuse(&request, &cause.to_string()),
    };
    // What has no list of orders is a fault page, whatever its status: IMSHOP could not read it.
    let read = match answer.text() {
        Ok(text) => decode::<Answer>(text).map_err(|_| "something else than orders".to_owned()),
        Err(problem) => Err(format!("a text that is {problem}")),
    };
    let read = match read {
        Ok(read) => read,
        Err(problem) => return refuse(&request, &format!("the shop answered {} with {problem}", answer.status)),
    };
    answer.call.done();
    let accepted = record::accepted(deps, &request, &read);
    keep::all(deps, accepted).await;
    Ok(unchanged(&answer))
}

/// The shop's answer, letter for letter.
fn unchanged(answer: &ShopAnswer) -> Response<Body> {
    let content_type = answer.content_type.as_deref().unwrap_or("application/json; charset=utf-8");
    respond(answer.status, content_type, answer.text().unwrap_or_default().to_owned())
}

/// Every requested order echoed as not accepted. A repetition is safe: the shop gives a known uuid the same order.
fn refuse(request: &Request, cause: &str) -> Result<Response<Body>, Failure> {
    tracing::error!(cause, "the shop's order backend gave no usable answer");
    let orders = request.orders.iter().map(|order| RefusedOrder {
        success: false,
        uuid: order.uuid.as_str(),
        error_code: "shop_unavailable",
        error_message: texts::SHOP_ORDERS_UNAVAILABLE,
    });
    http::json(Status::Ok, &OrderRefusal { message: texts::SHOP_ORDERS_UNAVAILABLE, orders: orders.collect() })
}
