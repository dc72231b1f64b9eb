//! The shop's own system pushes an order, or corrects one that nobody is paying yet.

use lambda_http::{Body, Response};
use serde_json::json;
use shared::env::parse_url;
use shared::http::{self, Failure, Inbound, Status};
use shared::ids::OrderUuid;
use shared::imshop::orders::{Push, PushedItem};
use shared::money::{Currency, Money};
use shared::payment::{Line, Order};
use shared::phone::Phone;
use shared::store::Written;

use crate::Deps;

/// How often a write may lose against another one before the shop is asked to try again.
const ROUNDS: u32 = 5;

pub(crate) async fn push(deps: &Deps, inbound: &Inbound, uuid: &str) -> Result<Response<Body>, Failure> {
    inbound.limit_body(http::SMALL_BODY)?;
    inbound.authorize_by_header(&deps.shop_keys)?;
    let uuid = OrderUuid::parse(uuid).map_err(|error| Failure::bad_request(format!("orderUuid in the path {error}")))?;
    let order = order(uuid, inbound.json()?, deps.default_currency)?;
    for _ in 0..ROUNDS {
        let order = match deps.orders.order(&order.uuid).await.map_err(Failure::internal)? {
            None => order.clone(),
            Some(known) => correction(deps, &order, known).await?,
        };
        match deps.orders.save_order(&order).await.map_err(Failure::internal)? {
            Written::Yes => {
                tracing::info!(order_uuid = %order.uuid, "order pushed by the shop");
                return http::json(Status::Ok, &json!({"success": true}));
            }
            // A payment was opened or another push came in between: look again.
            Written::Conflict => {}
        }
    }
    Err(Failure::unavailable("an order is being written by too many at once"))
}

/// The pushed order as the next version of the known one; refused once a payment relies on it.
async fn correction(deps: &Deps, pushed: &Order, known: Order) -> Result<Order, Failure> {
    if let Some(id) = &known.latest_payment {
        let payment = deps.orders.payment(id).await.map_err(Failure::internal)?;
        let state = payment.ok_or_else(|| Failure::internal("the order's latest payment is gone"))?.state;
        if !state.is_failed() {
            return Err(Failure::conflict(format!(
                "the order has a payment ({id}, {}): it cannot be changed any more",
                state.name()
            )));
        }
    }
    Ok(Order { latest_payment: known.latest_payment, attempts: known.attempts, version: known.version, ..pushed.clone() })
}

fn order(uuid: OrderUuid, push: Push, default_currency: Currency) -> Result<Order, Failure> {
    let wrong = |field: &str, error: &dyn std::fmt::Display| Failure::bad_request(format!("field `{field}`: {error}"));
    let currency = match &push.currency {
        Some(code) => Currency::parse(code).map_err(|error| wrong("currency", &error))?,
        None => default_currency,
    };
    if let Some(link) = &push.check_link {
        parse_url(link).map_err(|error| wrong("checkLink", &error))?;
    }
    let phone = push.phone.as_deref().map(Phone::parse).transpose().map_err(|error| wrong("phone", &error))?;
    Ok(Order {
        uuid,
        id: push.order_id,
        public_id: push.public_id,
        amount: Some(Money::new(push.amount, currency)),
        currency,
        phone,
        email: push.email,
        name: push.name,
        lines: push.items.into_iter().map(|item| line(item, currency)).collect(),
        delivery: None,
        install_id: push.install_id,
        check_number: push.check_number,
        check_link: push.check_link,
        latest_payment: None,
        attempts: 0,
        version: 0,
    })
}

fn line(item: PushedItem, currency: Currency) -> Line {
    Line {
        sku: item.sku,
        name: item.name,
        quantity: item.quantity,
        price: item.price.map(|price| Money::new(price, currency)),
        subtotal: item.subtotal.map(|subtotal| Money::new(subtotal, currency)),
    }
}
