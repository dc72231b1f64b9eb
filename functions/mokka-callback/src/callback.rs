//! Mokka's callback. It may be forged, doubled, late or out of order, so nothing in it is believed.

use lambda_http::{Body, Response};
use serde_json::json;
use shared::payments::mokka::types::{CheckoutCallback, Decision};
use shared::payments::payment::{Payment, Split, State, Trigger};
use shared::platform::http::{self, Failure, Inbound, Status, on_payment};
use shared::platform::ids::PaymentId;
use shared::platform::metrics;
use shared::platform::money::{Decimal, Money};
use shared::platform::outbound::System;
use shared::platform::secret::{same, sha256_hex};
use shared::platform::wire::Lenient;

use crate::Deps;

/// 64 KiB: many times what a callback needs.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// How often a hint is written again that lost against others.
const ROUNDS: u32 = 4;
/// Why a callback is to come again.
const NOT_STORED: &str = "the prepayment could not be stored yet";

pub(crate) async fn callback(deps: &Deps, inbound: &Inbound, id: &str, token: &str) -> Result<Response<Body>, Failure> {
    inbound.limit_body(MAX_BODY)?;
    let payment = authentic(deps, inbound, id, token).await?;
    on_payment(&payment.id);
    // What this callback is about to tell is no hint about what comes after it.
    let hint = note_hint(inbound.text().unwrap_or_default(), &payment);
    let may_be_paid = hint.decision.0 != Some(Decision::Declined) && payment.state.is_failed();
    let payment = note_prepayment(deps, payment, &hint).await?;
    let settled = deps.settler.settle(payment, Trigger::Callback, inbound.deadline()).await.map_err(Failure::unavailable)?;
    // It could not be noted beside a call of another request, which is over by now, or will be when the callback comes again.
    let payment = note_prepayment(deps, settled.into_payment(), &hint).await?;
    if split(&payment, &hint).is_some_and(|split| payment.must_wait_for_split(split)) {
        return Err(Failure::unavailable(NOT_STORED));
    }
    if says_something(&payment, may_be_paid) {
        remember_hint(deps, payment, may_be_paid).await?;
    }
    http::json(Status::Ok, &json!({"success": true}))
}

/// Notes what the customer chose to prepay on the form: nothing but a callback says it. What is held is asked for afterwards.
async fn note_prepayment(deps: &Deps, payment: Payment, hint: &CheckoutCallback) -> Result<Payment, Failure> {
    let Some(split) = split(&payment, hint) else { return Ok(payment) };
    let mut payment = payment;
    for _ in 0..ROUNDS {
        let Some(noted) = payment.split(split, Trigger::Callback, deps.settler.clock.now()) else { return Ok(payment) };
        if let Some(saved) = deps.settler.orders.save_payment(noted).await.map_err(Failure::unavailable)? {
            return Ok(saved);
        }
        payment = deps.settler.orders.payment(&payment.id).await.map_err(Failure::unavailable)?.unwrap_or(payment);
    }
    Err(Failure::unavailable(NOT_STORED))
}

/// What a callback says of the amounts, if it is about this payment and approves it.
fn split(payment: &Payment, hint: &CheckoutCallback) -> Option<Split> {
    let money = |amount: &Lenient<Decimal>| amount.0.map(|amount| Money::new(amount, payment.amount.currency()));
    let is_ours = hint.order_id.0.as_deref() == Some(payment.id.as_str()) && hint.decision.0 == Some(Decision::Approved);
    is_ours.then(|| Split {
        amount: money(&hint.amount),
        prepayment: money(&hint.prepayment_amount),
        total: money(&hint.total_amount),
    })
}

/// Something that is not stored may have happened: anything while it is the customer's turn; of what had failed before, only what may
/// be money.
fn says_something(payment: &Payment, may_be_paid: bool) -> bool {
    match payment.state {
        State::Creating | State::Pending => true,
        State::Declined | State::Expired => may_be_paid && payment.mismatch.is_none(),
        // A hold that was canceled stays so; one that was given up before it came does not.
        State::Canceled => may_be_paid && payment.mismatch.is_none() && payment.withdrawn && !payment.has_hold_to_let_go(),
        State::Held | State::Finishing | State::Captured | State::PartiallyRefunded | State::Refunded => false,
    }
}

/// Mokka's status shows nothing of it yet, or could not be asked: the next looks come within seconds, and not in hours.
async fn remember_hint(deps: &Deps, payment: Payment, may_be_paid: bool) -> Result<(), Failure> {
    let orders = &deps.settler.orders;
    let mut payment = payment;
    for _ in 0..ROUNDS {
        let now = deps.settler.clock.now();
        if payment.is_leased(now) {
            return Err(Failure::unavailable("the payment is being registered"));
        }
        let id = payment.id.clone();
        if orders.save_payment(payment.hinted(now)).await.map_err(Failure::unavailable)?.is_some() {
            return Ok(());
        }
        match orders.payment(&id).await.map_err(Failure::unavailable)? {
            Some(stored) if says_something(&stored, may_be_paid) => payment = stored,
            Some(_) | None => return Ok(()),
        }
    }
    Err(Failure::unavailable("the hint could not be stored yet"))
}

/// The payment, if token and signature are right. Every way of being wrong gets the same answer.
async fn authentic(deps: &Deps, inbound: &Inbound, id: &str, token: &str) -> Result<Payment, Failure> {
    let id = PaymentId::parse(id).map_err(|_| refuse(deps, "id"))?;
    let payment = deps.settler.orders.payment(&id).await.map_err(Failure::unavailable)?;
    let expected = payment.as_ref().map_or("", |payment| payment.callback_token_hash.as_str());
    let token_is_right = same(sha256_hex(token).as_bytes(), expected.as_bytes());
    let signature_is_right =
        inbound.signature().is_none_or(|signature| deps.settler.gateways.mokka().verify(inbound.body(), signature));
    match payment {
        Some(payment) if token_is_right && signature_is_right => Ok(payment),
        Some(_) if token_is_right => Err(refuse(deps, "signature")),
        Some(_) => Err(refuse(deps, "token")),
        None => Err(refuse(deps, "unknown")),
    }
}

/// Logs what the callback claims, for support; the order id is ours or nobody's, the decision one of two words. Anything
/// but a readable no may mean money.
fn note_hint(body: &str, payment: &Payment) -> CheckoutCallback {
    let hint: Option<CheckoutCallback> = serde_json::from_str(body).ok();
    let readable = hint.is_some();
    let hint = hint.unwrap_or_default();
    let same_order = hint.order_id.0.as_deref() == Some(payment.id.as_str());
    let approved = hint.decision.0 == Some(Decision::Approved);
    tracing::info!(readable, same_order, approved, "callback received");
    hint
}

/// Refuses a callback. Whatever is wrong with it, it is answered as an address that there is not; the metric knows the reason.
pub(crate) fn refuse(deps: &Deps, reason: &'static str) -> Failure {
    tracing::warn!(reason, "a callback was refused");
    deps.metrics
        .emit(&[(metrics::CALLBACKS_REFUSED, 1)], &[(metrics::PROVIDER, System::Mokka.name()), (metrics::REASON, reason)]);
    Failure::not_found()
}
