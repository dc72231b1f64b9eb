//! The commands on a payment: `cancel`, `change`, `refunds`, their approval, the decided outcome of a refund, closing a message, `settle`.

use std::time::Duration;

use lambda_http::{Body, Response};
use serde::Deserialize;
use shared::payments::payment::{Change, Channel, Command, Line, LineTax, Payment, RefundGrounds, RefundTime, TaxWord, Trigger};
use shared::payments::settle::Settled;
use shared::platform::clock::Timestamp;
use shared::platform::http::{Failure, Status};
use shared::platform::ids::ItemId;
use shared::platform::money::{Currency, Quantity};

use crate::request::{self, Amount, IdempotencyKey, Moment, Nothing, PartLine, Reason, Text, When, number, wrong};
use crate::{Asked, response};

/// How far ahead a hold may be asked to last.
const MAX_HOLD: Duration = Duration::from_hours(30 * 24);
/// More lines than any cart has, and they fit into the stored payment.
const MAX_LINES: usize = 200;
/// The longest note on a refund.
const MAX_NOTE: usize = 300;

pub(crate) async fn cancel(asked: &Asked<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let Nothing {} = request::body(asked.inbound)?;
    let payment = asked.payment(id).await?;
    operate(asked, payment, Command::Cancel).await
}

async fn operate(asked: &Asked<'_>, payment: Payment, command: Command) -> Result<Response<Body>, Failure> {
    let key = match &command {
        Command::Refund { key_hash, .. } => Some(key_hash.clone()),
        Command::Finish { .. } | Command::Cancel | Command::Change(_) | Command::Receipt => None,
    };
    let outcome = Box::pin(asked.deps.settler.operate(payment, command, asked.who, asked.inbound.deadline())).await;
    response::operated(&outcome.map_err(Failure::internal)?, key.as_deref(), asked.now())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeRequest {
    /// Both, or neither: then only the end is moved.
    #[serde(default, deserialize_with = "request::meant")]
    amount: Option<Amount>,
    #[serde(default, deserialize_with = "request::meant")]
    valid_till: Option<Moment>,
    #[serde(default, deserialize_with = "request::meant")]
    cart: Option<Vec<CartLine>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CartLine {
    name: Text<255>,
    price: Amount,
    quantity: Quantity,
    sku: Option<ItemId>,
    vat: Option<TaxWord>,
    subject: Option<TaxWord>,
    mode: Option<TaxWord>,
}

impl CartLine {
    fn line(self, currency: Currency) -> Line {
        let price = Some(self.price.in_currency(currency));
        Line {
            sku: self.sku,
            name: self.name.0,
            quantity: self.quantity,
            price,
            subtotal: None,
            brand: None,
            category: None,
            tax: LineTax { vat: self.vat, subject: self.subject, mode: self.mode },
        }
    }
}

pub(crate) async fn change(asked: &Asked<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let ChangeRequest { amount, valid_till, cart } = request::body(asked.inbound)?;
    let now = asked.now();
    let what = match (amount, cart) {
        (Some(amount), Some(cart)) => Some((checked(amount, &cart)?, cart)),
        (None, None) if valid_till.is_some() => None,
        (None, None) => return Err(wrong("amount", "missing, with `cart`; or `valid_till` alone, to hold the same for longer")),
        (None, Some(_)) => return Err(wrong("amount", "missing; it belongs to `cart`")),
        (Some(_), None) => return Err(wrong("cart", "missing; it belongs to `amount`")),
    };
    let valid_till = valid_till.map(|moment| within(moment.0, now)).transpose()?;
    let payment = asked.payment(id).await?;
    let changes_hold = asked.deps.settler.gateways.get(&payment.provider).abilities().changes_hold;
    let valid_till = match valid_till {
        Some(valid_till) => valid_till,
        // Where a hold cannot be changed its end is the provider's, whatever is said here.
        None if changes_hold && payment.valid_till <= now && !payment.state.is_settled() => {
            return Err(wrong("valid_till", "missing, and the payment's own has passed"));
        }
        None => payment.valid_till,
    };
    let currency = payment.amount.currency();
    let change = if let Some((amount, cart)) = what {
        let lines = cart.into_iter().map(|line| line.line(currency)).collect();
        Change { amount: amount.in_currency(currency), valid_till, lines }
    } else {
        let order = asked.deps.settler.orders.order(&payment.order_uuid).await.map_err(Failure::internal)?;
        let order = order.ok_or_else(|| Failure::internal("the payment's order is gone"))?;
        Change { amount: payment.amount, valid_till, lines: order.lines }
    };
    operate(asked, payment, Command::Change(change)).await
}

/// What is to be held, if it is something, and for goods.
fn checked(amount: Amount, cart: &[CartLine]) -> Result<Amount, Failure> {
    if !(1..=MAX_LINES).contains(&cart.len()) {
        return Err(wrong("cart", format!("must have 1 to {MAX_LINES} lines")));
    }
    if let Some(index) = cart.iter().position(|line| line.quantity.is_zero()) {
        return Err(wrong(&format!("cart[{index}].quantity"), "must be above zero"));
    }
    if amount.is_zero() { Err(wrong("amount", "must be above zero")) } else { Ok(amount) }
}

fn within(valid_till: Timestamp, now: Timestamp) -> Result<Timestamp, Failure> {
    if valid_till > now && valid_till <= now.plus(MAX_HOLD) {
        Ok(valid_till)
    } else {
        Err(wrong("valid_till", "must be in the future, and at most 30 days ahead"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundRequest {
    /// The whole rest without it and `lines`. `null` is a mistake: it must not become the whole rest.
    #[serde(default, deserialize_with = "request::meant")]
    amount: Option<Amount>,
    #[serde(default, deserialize_with = "request::meant")]
    lines: Option<Vec<PartLine>>,
    #[serde(default, deserialize_with = "request::meant")]
    reason: Option<Reason>,
    #[serde(default, deserialize_with = "request::meant")]
    note: Option<Text<MAX_NOTE>>,
    #[serde(default, deserialize_with = "request::meant")]
    when: Option<When>,
}

pub(crate) async fn refund(asked: &Asked<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let key = IdempotencyKey::parse(asked.inbound.header("idempotency-key").unwrap_or_default())?;
    let request: RefundRequest = request::body(asked.inbound)?;
    request::check_part(request.amount, request.lines.as_deref())?;
    let payment = asked.payment(id).await?;
    let key_hash = key.hash_on(&payment);
    let part = request::part(request.amount, request.lines, payment.amount.currency());
    let grounds = RefundGrounds { reason: request.reason.map(|reason| reason.0), note: request.note.map(|note| note.0) };
    let when = request.when.map_or(RefundTime::Now, |when| when.0);
    operate(asked, payment, Command::Refund { key_hash, part, grounds, when, limit: asked.limit }).await
}

/// The payment and the number of the refund that a path names, with the digest of its idempotency key.
async fn numbered_refund(asked: &Asked<'_>, id: &str, refund: &str) -> Result<(Payment, usize, String), Failure> {
    let number = number(refund)?;
    let payment = asked.payment(id).await?;
    let refund = payment.refunds.get(number.wrapping_sub(1)).ok_or_else(Failure::not_found)?;
    let key_hash = refund.key_hash.clone();
    Ok((payment, number, key_hash))
}

pub(crate) async fn withdraw_refund(asked: &Asked<'_>, id: &str, refund: &str) -> Result<Response<Body>, Failure> {
    let Nothing {} = request::body(asked.inbound)?;
    let (payment, number, key_hash) = numbered_refund(asked, id, refund).await?;
    let withdrawn = asked.deps.settler.withdraw_refund(payment, number, asked.who).await;
    response::operated(&withdrawn.map_err(Failure::internal)?, Some(&key_hash), asked.now())
}

pub(crate) async fn approve_refund(asked: &Asked<'_>, id: &str, refund: &str) -> Result<Response<Body>, Failure> {
    let Nothing {} = request::body(asked.inbound)?;
    let (payment, number, key_hash) = numbered_refund(asked, id, refund).await?;
    let deadline = asked.inbound.deadline();
    let approved = Box::pin(asked.deps.settler.approve_refund(payment, number, asked.who, asked.limit, deadline)).await;
    response::operated(&approved.map_err(Failure::internal)?, Some(&key_hash), asked.now())
}

pub(crate) async fn receipt(asked: &Asked<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let Nothing {} = request::body(asked.inbound)?;
    let payment = asked.payment(id).await?;
    operate(asked, payment, Command::Receipt).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeRequest {
    made: bool,
}

pub(crate) async fn outcome(asked: &Asked<'_>, id: &str, refund: &str) -> Result<Response<Body>, Failure> {
    let OutcomeRequest { made } = request::body(asked.inbound)?;
    let (payment, number, key_hash) = numbered_refund(asked, id, refund).await?;
    tracing::info!(who = asked.who, refund = number, made, "a refund's outcome was decided by hand");
    let decided = asked.deps.settler.decide_refund(payment, number, made, asked.who, asked.inbound.deadline());
    let decided = Box::pin(decided).await;
    response::operated(&decided.map_err(Failure::internal)?, Some(&key_hash), asked.now())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseRequest {
    #[serde(deserialize_with = "request::address")]
    address: Channel,
}

pub(crate) async fn close_message(asked: &Asked<'_>, id: &str, message: &str) -> Result<Response<Body>, Failure> {
    let CloseRequest { address } = request::body(asked.inbound)?;
    let number = number(message)?;
    let payment = asked.payment(id).await?;
    tracing::info!(who = asked.who, message = number, address = address.name(), "a status event is closed by hand");
    let closed = asked.deps.settler.close_message(payment, address, number, asked.who).await;
    response::operated(&closed.map_err(Failure::internal)?, None, asked.now())
}

pub(crate) async fn settle(asked: &Asked<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let Nothing {} = request::body(asked.inbound)?;
    let payment = asked.payment(id).await?;
    let (settler, deadline) = (&asked.deps.settler, asked.inbound.deadline());
    let settled = Box::pin(settler.settle(payment, Trigger::BackOffice(asked.who), deadline)).await.map_err(Failure::internal)?;
    let report = settler.ask(settled.payment(), deadline).await;
    let now = asked.now();
    match (&settled, &report) {
        (Settled::InDoubt(payment), None) => response::unavailable(payment, now),
        (Settled::InDoubt(payment), Some(_)) => response::viewed(Status::Accepted, payment, report, now),
        (Settled::Known(payment) | Settled::Unregistered(payment), _) => response::viewed(Status::Ok, payment, report, now),
    }
}
