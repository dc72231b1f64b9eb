//! Order creation: to the shop and back, untouched, with a note of what was accepted.

use lambda_http::{Body, Response};
use shared::clock::Deadline;
use shared::http::{self, Failure, Inbound, Status, decode, respond};
use shared::imshop::orders::{Answer, Refusal, RefusedOrder, Request, without_key};
use shared::outbound::Answer as ShopAnswer;
use shared::payment::Order;
use shared::store::{StoreError, Written};
use shared::texts;

use crate::record::is_same;
use crate::{Deps, record};

/// How often a write that failed is tried again: the shop has accepted the order, so it should not be lost here.
const RECORD_ATTEMPTS: u32 = 2;
/// How often a repeated order is written again that lost against others.
const ROUNDS: u32 = 4;

pub(crate) async fn relay(deps: &Deps, inbound: &Inbound) -> Result<Response<Body>, Failure> {
    inbound.limit_body(http::SMALL_BODY)?;
    inbound.authorize(&deps.imshop_keys)?;
    let request: Request = inbound.json()?;
    if request.orders.is_empty() {
        return Err(Failure::bad_request("field `orders`: must have at least one order"));
    }
    let body = std::str::from_utf8(inbound.body()).map_err(|error| Failure::bad_request(error.to_string()))?;
    let body = without_key(body).map_err(|error| Failure::bad_request(error.to_string()))?;
    let mut answer = match deps.shop.post(body, inbound.deadline()).await {
        Ok(answer) => answer,
        Err(cause) => return refuse(&request, &cause.to_string()),
    };
    // What has no list of orders is a fault page, whatever its status: IMSHOP could not read it.
    let Ok(read) = decode::<Answer>(&answer.body) else {
        return refuse(&request, &format!("the shop answered {} with something else than orders", answer.status));
    };
    answer.call.done();
    let accepted = record::accepted(deps, &request, &read);
    record_all(deps, accepted, inbound.deadline()).await;
    Ok(unchanged(&answer))
}

async fn record_all(deps: &Deps, accepted: Vec<Order>, deadline: Deadline) {
    for order in accepted {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match record(deps, &order).await {
                Ok(()) => {}
                Err(cause) if attempt < RECORD_ATTEMPTS && deadline.allows(std::time::Duration::from_secs(1)).is_some() => {
                    tracing::warn!(cause = %cause, "order could not be recorded, trying again");
                    continue;
                }
                // The shop has the order: IMSHOP must hear so. A later `create` says that the order is not known here.
                Err(cause) => tracing::error!(order_uuid = %order.uuid, cause = %cause, "an accepted order is not recorded"),
            }
            break;
        }
    }
}

/// Records a new order. Of a repeated uuid the last answer counts, since shops recalculate, as long as no attempt relies on the one
/// before.
async fn record(deps: &Deps, order: &Order) -> Result<(), StoreError> {
    let uuid = &order.uuid;
    if deps.orders.save_order(order).await? == Written::Yes {
        tracing::info!(order_uuid = %uuid, with_amount = order.amount.is_some(), "order recorded");
        return Ok(());
    }
    for _ in 0..ROUNDS {
        let Some(known) = deps.orders.order(uuid).await? else { break };
        if is_same(&known, order) {
            tracing::info!(order_uuid = %uuid, "order was recorded before");
            return Ok(());
        }
        if is_relied_on(deps, &known).await? {
            tracing::error!(
                order_uuid = %uuid,
                recorded = known.amount.map(|amount| amount.to_string()),
                answered = order.amount.map(|amount| amount.to_string()),
                "the shop answers an order otherwise than the one that is being paid"
            );
            deps.not_recorded(uuid.as_str(), "differs");
            return Ok(());
        }
        let Order { latest_payment, attempts, version, .. } = known;
        let replaced = Order { latest_payment, attempts, version, ..order.clone() };
        if deps.orders.save_order(&replaced).await? == Written::Yes {
            tracing::info!(order_uuid = %uuid, with_amount = order.amount.is_some(), "order recorded anew, as the shop answers now");
            return Ok(());
        }
    }
    tracing::error!(order_uuid = %uuid, "an accepted order is not recorded: it is being written by too many at once");
    Ok(())
}

/// Whether somebody pays the order, or has paid it.
async fn is_relied_on(deps: &Deps, order: &Order) -> Result<bool, StoreError> {
    let Some(latest) = &order.latest_payment else { return Ok(false) };
    let payment = deps.orders.payment(latest).await?;
    Ok(payment.is_none_or(|payment| !payment.state.is_failed() || payment.mismatch.is_some()))
}

/// The shop's answer, byte for byte.
fn unchanged(answer: &ShopAnswer) -> Response<Body> {
    let content_type = answer.content_type.as_deref().unwrap_or("application/json; charset=utf-8");
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    respond(answer.status, content_type, body)
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
    http::json(Status::Ok, &Refusal { message: texts::SHOP_ORDERS_UNAVAILABLE, orders: orders.collect() })
}
