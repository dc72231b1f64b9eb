//! A notification: whose it is, and what the gateway says of it now.

use std::time::Duration;

use lambda_http::{Body, Response};
use serde_json::json;
use shared::payments::gateway::{CardGateway, Notification, OwnPayment};
use shared::payments::payment::{GatewayName, Payment, Trigger};
use shared::payments::settle::Settled;
use shared::platform::http::{self, Failure, Inbound, Status, on_payment};
use shared::platform::ids::PaymentId;
use shared::platform::metrics;

use crate::Deps;

/// 64 KiB: many times what a notification needs.
const MAX_BODY: usize = 64 * 1024;
/// Callers have the gateway asked about a payment at most so often.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
/// The gateway is asked about payments that are not ours at most so often, whoever calls.
const BETWEEN_STRANGERS: Duration = Duration::from_secs(2);
/// How often the gateway's id is noted again that lost against other writes.
const ROUNDS: u32 = 4;

pub(crate) async fn callback(deps: &Deps, inbound: &Inbound, name: &str) -> Result<Response<Body>, Failure> {
    inbound.limit_body(MAX_BODY)?;
    let name = GatewayName::parse(name).map_err(|_| Failure::not_found())?;
    let gateway = deps.settler.gateways.card(&name).ok_or_else(Failure::not_found)?;
    let sender = inbound.source_address(None);
    if !sender.is_some_and(|sender| gateway.takes_from(sender)) {
        return Err(refuse(deps, &name));
    }
    let Some(notification) = gateway.notification(inbound.body()) else {
        tracing::info!(gateway = %name, "a notification about no payment");
        return done();
    };
    tracing::info!(gateway = %name, event = notification.event, "notification received");
    let Some(payment) = find(deps, &name, gateway, &notification, inbound).await? else { return done() };
    on_payment(&payment.id);
    if notification.is_recorded(&payment) {
        tracing::info!("what the notification says is recorded already");
        return done();
    }
    let now = deps.settler.clock.now();
    if !deps.settler.orders.begin_look(payment.id.as_str(), now, BETWEEN_LOOKS).await.map_err(Failure::unavailable)? {
        return Err(Failure::later("the gateway was asked about this payment a moment ago"));
    }
    match deps.settler.settle(payment, Trigger::Callback, inbound.deadline()).await.map_err(Failure::unavailable)? {
        Settled::Known(_) => done(),
        Settled::Unregistered(_) | Settled::InDoubt(_) => Err(Failure::unavailable("the gateway could not be asked")),
    }
}

fn done() -> Result<Response<Body>, Failure> {
    http::json(Status::Ok, &json!({"success": true}))
}

/// The payment that a notification is about: the one that it names, if that has the gateway's id; else the one that the gateway
/// names itself.
async fn find(
    deps: &Deps,
    name: &GatewayName,
    gateway: &dyn CardGateway,
    notification: &Notification,
    inbound: &Inbound,
) -> Result<Option<Payment>, Failure> {
    let orders = &deps.settler.orders;
    let hint = notification.payment_id.as_deref().and_then(|id| PaymentId::parse(id).ok());
    if let Some(id) = &hint
        && let Some(payment) = orders.payment(id).await.map_err(Failure::unavailable)?
        && payment.provider == *name
        && payment.provider_id.as_ref() == Some(&notification.provider_id)
    {
        return Ok(Some(payment));
    }
    if !orders
        .begin_look(&format!("of {name}"), deps.settler.clock.now(), BETWEEN_STRANGERS)
        .await
        .map_err(Failure::unavailable)?
    {
        return Err(Failure::later("the gateway was asked about an unknown payment a moment ago"));
    }
    let found = gateway.owner(&notification.provider_id, inbound.deadline()).await.map_err(Failure::unavailable)?;
    let Some(found) = found else {
        tracing::info!(gateway = %name, "the payment is none of this installation's");
        return Ok(None);
    };
    let payment = match PaymentId::parse(&found.payment_id) {
        Ok(id) => orders.payment(&id).await.map_err(Failure::unavailable)?,
        Err(_) => None,
    };
    let Some(payment) = payment.filter(|payment| payment.provider == *name) else {
        tracing::error!(gateway = %name, "the gateway has a payment of this installation that is not stored here");
        return Ok(None);
    };
    on_payment(&payment.id);
    adopt(deps, inbound, payment, &notification.provider_id, &found).await
}

/// Notes the gateway's id with the payment whose registration was not answered. What is not its payment is trouble if there is money in it.
async fn adopt(
    deps: &Deps,
    inbound: &Inbound,
    payment: Payment,
    provider_id: &str,
    found: &OwnPayment,
) -> Result<Option<Payment>, Failure> {
    let orders = &deps.settler.orders;
    let mut payment = payment;
    for _ in 0..ROUNDS {
        payment = deps.settler.wait_for_lease(payment, inbound.deadline()).await.map_err(Failure::unavailable)?;
        if payment.is_leased(deps.settler.clock.now()) {
            return Err(Failure::unavailable("the payment is being registered"));
        }
        let trouble = match &payment.provider_id {
            Some(known) if known == provider_id => return Ok(Some(payment)),
            Some(_) => Some("it is another one than was registered".to_owned()),
            None => found.contradiction(&payment),
        };
        let is_adopted = trouble.is_none();
        let next = match trouble {
            None => Payment { provider_id: Some(provider_id.to_owned()), ..payment.clone() },
            Some(_) if payment.second_payment.as_deref() == Some(provider_id) => return Ok(None),
            Some(what) if found.has_money => {
                tracing::error!(provider_id, what, "money at the gateway that does not match its payment: needs manual review");
                let mut next = Payment { second_payment: Some(provider_id.to_owned()), ..payment.clone() };
                next.poll.manual_review = true;
                next
            }
            Some(what) => {
                tracing::warn!(what, "a payment at the gateway that does not match its own is left alone");
                return Ok(None);
            }
        };
        if let Some(saved) = orders.save_payment(next).await.map_err(Failure::unavailable)? {
            return Ok(Some(saved).filter(|_| is_adopted));
        }
        payment = orders.payment(&payment.id).await.map_err(Failure::unavailable)?.unwrap_or(payment);
    }
    Err(Failure::unavailable("the gateway's id could not be stored yet"))
}

/// Refuses a sender. YooKassa signs nothing: the address is a filter against noise, and the status call is the proof.
fn refuse(deps: &Deps, name: &GatewayName) -> Failure {
    tracing::warn!(gateway = %name, "a notification from an address that is not the gateway's was refused");
    let reason = [(metrics::PROVIDER, name.as_str()), (metrics::REASON, "source")];
    deps.metrics.emit(&[(metrics::CALLBACKS_REFUSED, 1)], &reason);
    Failure::forbidden("sender", "the sender is not on the gateway's list")
}
