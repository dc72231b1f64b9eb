//! The customer comes back. What the browser says proves nothing; what it sees is what is stored.

use lambda_http::{Body, Response};
use shared::http::page::{Mood, Page, see_other};
use shared::http::{Failure, Inbound, on_payment};
use shared::ids::PaymentId;
use shared::payment::{State, Trigger};
use shared::settle::Settled;
use shared::texts;
use url::Url;

use crate::Deps;

/// The last segment of the address that means "ask whether it is paid".
pub(crate) const SUCCESS: &str = "success";
/// The last segment of the address that means "not paid".
pub(crate) const FAILED: &str = "failed";

/// Asks Mokka what became of the payment and sends the browser on. An unknown payment goes where an unpaid one goes.
pub(crate) async fn send_on(deps: &Deps, inbound: &Inbound, id: &str) -> Result<Response<Body>, Failure> {
    let id = payment_id(id)?;
    let result = match deps.settler.orders.payment(&id).await.map_err(Failure::internal)? {
        Some(payment) => {
            on_payment(&payment.id);
            let settled = deps.settler.settle(payment, Trigger::Return, inbound.deadline()).await.map_err(Failure::internal)?;
            result(&settled)
        }
        None => FAILED,
    };
    // Relative, so that a stage or a base path in front of us stays in front.
    let location = if inbound.ends_with_slash() { result.to_owned() } else { format!("{id}/{result}") };
    Ok(see_other(&location))
}

/// Where the app should take the customer: after `success` it asks `capture`, which says the truth or "still pending".
fn result(settled: &Settled) -> &'static str {
    let payment = settled.payment();
    if payment.mismatch.is_some() {
        return SUCCESS;
    }
    match payment.state {
        State::Held | State::Finishing | State::Captured | State::PartiallyRefunded => SUCCESS,
        State::Creating | State::Pending if matches!(settled, Settled::InDoubt(_)) => SUCCESS,
        State::Creating | State::Pending | State::Refunded | State::Declined | State::Canceled | State::Expired => FAILED,
    }
}

/// The page. What it says of the money is what is stored; `result`, the address, only tells "not paid" from "not known yet".
pub(crate) async fn page(deps: &Deps, id: &str, result: &str) -> Result<Response<Body>, Failure> {
    let payment = deps.settler.orders.payment(&payment_id(id)?).await.map_err(Failure::internal)?;
    let (mood, (title, text)) = match &payment {
        Some(payment) if payment.mismatch.is_some() => (Mood::Waiting, texts::PAGE_WAITING),
        Some(payment) => match payment.state {
            State::Held | State::Captured | State::PartiallyRefunded => (Mood::Good, texts::PAGE_PAID),
            State::Finishing => (Mood::Waiting, texts::PAGE_WAITING),
            State::Creating | State::Pending if result == SUCCESS => (Mood::Waiting, texts::PAGE_WAITING),
            // What became of it after it was looked at last is not known here.
            State::Creating | State::Pending => (Mood::Bad, texts::PAGE_LEFT),
            State::Refunded => (Mood::Bad, texts::PAGE_REFUNDED),
            State::Declined | State::Canceled | State::Expired => (Mood::Bad, texts::PAGE_FAILED),
        },
        None => (Mood::Bad, texts::PAGE_LEFT),
    };
    let back = payment.and_then(|payment| way_back(&payment.return_url?, mood));
    Ok(Page { mood, title, text, back: back.as_deref().map(|address| (texts::PAGE_BACK, address)) }.into_response())
}

/// The app's address. IMSHOP's `returnUrl` means "gave up", so only an unpaid customer is sent there; others just to the app.
fn way_back(return_url: &str, mood: Mood) -> Option<String> {
    let url = Url::parse(return_url).ok()?;
    match (mood, url.scheme()) {
        (Mood::Bad, _) => Some(return_url.to_owned()),
        (Mood::Good | Mood::Waiting, "http" | "https") => Some(url.origin().ascii_serialization()),
        (Mood::Good | Mood::Waiting, scheme) => Some(format!("{scheme}://")),
    }
}

fn payment_id(text: &str) -> Result<PaymentId, Failure> {
    PaymentId::parse(text).map_err(|_| Failure::not_found())
}
