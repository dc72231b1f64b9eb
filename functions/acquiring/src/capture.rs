//! `capture`: the customer has left the payment screen. Says what became of the payment, and drives it forward.

use lambda_http::{Body, Response};
use shared::payments::imshop::acquiring::{Captured, Request as Command};
use shared::payments::payment::{Payment, State, Trigger};
use shared::payments::texts;
use shared::platform::http::{self, Failure, Inbound, Status, on_payment};
use shared::platform::ids::PaymentId;

use crate::Deps;
use crate::create::failure_text;
use crate::fields::required;

pub(crate) async fn capture(deps: &Deps, inbound: &Inbound, command: Command) -> Result<Response<Body>, Failure> {
    let method = required(command.payment_method_id, "paymentMethodId")?;
    let id = required(command.payment_id, "paymentId")?;
    let known = match PaymentId::parse(id.as_str()) {
        Ok(id) => deps.settler.orders.payment(&id).await.map_err(Failure::internal)?,
        Err(_) => None,
    };
    let Some(payment) = known else { return Err(Failure::business(texts::PAYMENT_UNKNOWN)) };
    on_payment(&payment.id);
    // The payment's own method counts even if it is no longer offered: what is under way must still be captured.
    let own = [Some(method.as_str()), method.without_prefix()].contains(&Some(payment.method.as_str()));
    if !own && deps.methods.find(&method).and_then(|method| method.provider.as_ref()) != Some(&payment.provider) {
        return Err(Failure::business(texts::METHOD_UNKNOWN));
    }
    let settled = deps.settler.settle(payment, Trigger::Capture, inbound.deadline()).await.map_err(Failure::internal)?;
    let payment = settled.payment();
    let failure = failure(payment);
    let answer = match (&failure, payment.state) {
        (Some(error), _) => Captured::failed(&payment.id, error),
        (None, State::Captured | State::PartiallyRefunded) => Captured::paid(&payment.id),
        (None, State::Held) if deps.settler.gateways.hold_counts_as_paid(payment) => Captured::paid(&payment.id),
        (None, _) => Captured::pending(&payment.id),
    };
    http::json(Status::Ok, &answer)
}

/// Why the payment will not come, if it will not.
fn failure(payment: &Payment) -> Option<String> {
    if payment.mismatch.is_some() {
        return Some(texts::PAYMENT_MISMATCH.to_owned());
    }
    match payment.state {
        State::Declined | State::Canceled | State::Expired => Some(failure_text(payment)),
        State::Refunded => Some(texts::REFUNDED.to_owned()),
        State::Creating | State::Pending | State::Held | State::Finishing | State::Captured | State::PartiallyRefunded => None,
    }
}
