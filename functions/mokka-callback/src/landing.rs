//! The customer comes back. What the browser says proves nothing; what it sees is what is stored.

use std::time::Duration;

use lambda_http::{Body, Response};
use shared::payments::payment::{Payment, State, Trigger};
use shared::payments::settle::Settled;
use shared::payments::texts;
use shared::platform::http::page::{Mood, Page, see_other};
use shared::platform::http::{Failure, Inbound, on_payment};
use shared::platform::ids::PaymentId;
use shared::platform::secret::same;
use url::Url;

use crate::Deps;

/// The last segment of the address that means "ask whether it is paid".
pub(crate) const SUCCESS: &str = "success";
/// The pauses between looks while nothing is decided: three looks within four seconds.
const LOOKS_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_millis(1800)];
/// The last segment of the address that means "not paid".
pub(crate) const FAILED: &str = "failed";

/// Asks the provider what became of the payment and sends the browser on. Without the token the answer says nothing, and nobody
/// is asked. An attempt that a release without tokens opened goes by what is stored, since anybody can guess its address.
pub(crate) async fn send_on(deps: &Deps, inbound: &Inbound, id: &str, token: Option<&str>) -> Result<Response<Body>, Failure> {
    let payment = opened(deps, id, token).await?;
    let (payment, open) = match token {
        None => (payment, SUCCESS),
        Some(_) => match settle(deps, inbound, payment).await? {
            Settled::InDoubt(payment) => (payment, SUCCESS),
            Settled::Known(payment) | Settled::Unregistered(payment) => {
                let open = if says_nothing(deps, &payment) { SUCCESS } else { FAILED };
                (payment, open)
            }
        },
    };
    if let Some(page) = prepayment_page(&payment).filter(|_| token.is_some()) {
        return Ok(see_other(page));
    }
    Ok(forward(inbound, token.unwrap_or(id), result(&payment, open)))
}

/// The provider's page has one way back for all outcomes: that the customer has come back does not mean that it was not paid.
fn says_nothing(deps: &Deps, payment: &Payment) -> bool {
    deps.settler.gateways.get(&payment.provider).abilities().one_way_back
}

/// Asks what became of the payment. Where the customer's return says nothing the bank may need a moment more: most outcomes come within it.
async fn settle(deps: &Deps, inbound: &Inbound, payment: Payment) -> Result<Settled, Failure> {
    let mut pauses = LOOKS_AGAIN.into_iter();
    let mut payment = payment;
    loop {
        let settled = deps.settler.settle(payment, Trigger::Return, inbound.deadline()).await.map_err(Failure::internal)?;
        let is_open =
            matches!(&settled, Settled::Known(payment) if payment.state == State::Pending && payment.mismatch.is_none());
        match pauses.next() {
            Some(pause) if is_open && says_nothing(deps, settled.payment()) => {
                tokio::time::sleep(pause).await;
                payment = settled.into_payment();
            }
            Some(_) | None => return Ok(settled),
        }
    }
}

/// Where the customer pays the shop its part, once the provider has agreed to take the rest.
fn prepayment_page(payment: &Payment) -> Option<&str> {
    let is_next = payment.state == State::Held && payment.mismatch.is_none();
    payment.prepaid.as_ref().filter(|_| is_next)?.page.as_deref()
}

/// The page. What it says of the money is what is stored; `result`, the address, only tells "not paid" from "not known yet". Without
/// a token it leads to the app, not to the address that IMSHOP gave.
pub(crate) async fn page(deps: &Deps, id: &str, token: Option<&str>, result: &str) -> Result<Response<Body>, Failure> {
    let payment = opened(deps, id, token).await?;
    let (mood, (title, text)) = what_is_known(&payment, result);
    let back = payment.return_url;
    let back = if mood == Mood::Bad && token.is_some() { back } else { back.as_deref().and_then(app) };
    Ok(Page { mood, title, text, back: back.as_deref().map(|address| (texts::PAGE_BACK, address)) }.into_response())
}

/// The payment, if the token is its own; without one, if it has none either.
async fn opened(deps: &Deps, id: &str, token: Option<&str>) -> Result<Payment, Failure> {
    let id = PaymentId::parse(id).map_err(|_| Failure::not_found())?;
    let payment = deps.settler.orders.payment(&id).await.map_err(Failure::internal)?.ok_or_else(Failure::not_found)?;
    on_payment(&payment.id);
    let is_its_own = match (&payment.return_token, token) {
        (Some(expected), Some(token)) => same(token.as_bytes(), expected.as_bytes()),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    if is_its_own { Ok(payment) } else { Err(Failure::not_found()) }
}

/// Relative, so that a stage or a base path in front of us stays in front.
fn forward(inbound: &Inbound, last_segment: &str, result: &str) -> Response<Body> {
    if inbound.ends_with_slash() { see_other(result) } else { see_other(&format!("{last_segment}/{result}")) }
}

/// Where the app should take the customer: after `success` it asks `capture`, which says the truth or "still pending". `open` is for a
/// payment that is the customer's turn.
fn result(payment: &Payment, open: &'static str) -> &'static str {
    if payment.mismatch.is_some() {
        return SUCCESS;
    }
    match payment.state {
        State::Held | State::Finishing | State::Captured | State::PartiallyRefunded => SUCCESS,
        State::Creating | State::Pending => open,
        State::Refunded | State::Declined | State::Canceled | State::Expired => FAILED,
    }
}

fn what_is_known(payment: &Payment, result: &str) -> (Mood, (&'static str, &'static str)) {
    if payment.mismatch.is_some() {
        return (Mood::Waiting, texts::PAGE_WAITING);
    }
    match payment.state {
        State::Held | State::Captured | State::PartiallyRefunded => (Mood::Good, texts::PAGE_PAID),
        State::Finishing => (Mood::Waiting, texts::PAGE_WAITING),
        State::Creating | State::Pending if result == SUCCESS => (Mood::Waiting, texts::PAGE_WAITING),
        // What became of it after it was looked at last is not known here.
        State::Creating | State::Pending => (Mood::Bad, texts::PAGE_LEFT),
        State::Refunded => (Mood::Bad, texts::PAGE_REFUNDED),
        // It was given up by the shop, and may be paid on another page meanwhile.
        State::Canceled if payment.withdrawn => (Mood::Bad, texts::PAGE_LEFT),
        State::Declined | State::Canceled | State::Expired => (Mood::Bad, texts::PAGE_FAILED),
    }
}

/// The app itself. IMSHOP's `returnUrl` means "gave up", so only an unpaid customer is sent there.
fn app(return_url: &str) -> Option<String> {
    let url = Url::parse(return_url).ok()?;
    match url.scheme() {
        "http" | "https" => Some(url.origin().ascii_serialization()),
        scheme => Some(format!("{scheme}://")),
    }
}
