//! `POST /v1/forms/otp` and `POST /v1/forms`: sends a code by SMS, and exports a form with that code. Both URLs take both:
//! what is asked for is decided by a non-empty `data.otpCode`.
//!
//! Round trips when nothing is in the way ("read": one `BatchGetItem`; "write": one `UpdateItem` or one transaction; "count": one
//! conditional `UpdateItem`):
//! - a code asked for: one read (challenge, both send logs, all counters), one write (intent and both logs), a count for the
//!   range of numbers, for the source address if it is limited and for the shop, one send at SMSPRO, one write (the code in force
//!   and its SMS). Refused by a limit: one read.
//! - the same SMS repeated after an unclear outcome: one read, one write, one send; one read and one write for the cool-down,
//!   which begins anew; one write.
//! - a form with its code: one read, one write (the check is counted), two counts (wrong codes of the phone and of the
//!   installation), one check at SMSPRO, both counts given back and one write at once (the code is right, its SMS was entered),
//!   then what a form that needs no code takes after its counts, one write.
//! - the same form again: one read. Another form with the same code: the same without SMSPRO, for five forms at most.
//! - without an installation: two reads more, of the codes that were sent to the phone and of the newest of them.
//! - a wrong code: one read, one write, two counts, one check at SMSPRO, one write. Locked out: one read.
//! - a form that needs no code: three counts (its phone if it has one, its installation, the shop), one write (it is stored); if it
//!   goes to the shop a message to the queue before that, and one call to the shop and one write (what it said) after it; a
//!   `PutObject` for each photo between the counts and everything else. The same form again: two counts that change nothing, one that
//!   is given back, a write that changes nothing, one read. Refused by a limit: as many counts as there were before it, given back
//!   together, and one read.

mod deps;
mod form;
mod request_quotas;
mod save;
mod send;
mod submit;

use lambda_http::{Body, Request, Response};
use shared::forms::imshop::Answer;
use shared::forms::texts;
use shared::platform::http::{self, Failure, Inbound, Shape, Status};

use form::Form;

pub use deps::Deps;

/// What the API gateway takes: forms may carry photos. Lambda itself takes 6 MB of it.
const LARGEST_BODY: usize = 10 * 1024 * 1024;

/// Answers a request.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    http::answer(Shape::Message, request, async |inbound| route(deps, &inbound).await).await
}

/// The two URLs differ only in what a form without a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Send,
    Submit,
}

async fn route(deps: &Deps, inbound: &Inbound) -> Result<Response<Body>, Failure> {
    let (route, endpoint) = match inbound.path().as_slice() {
        ["v1", "forms", "otp"] => (Route::Send, "codes"),
        ["v1", "forms"] => (Route::Submit, "forms"),
        _ => return Err(Failure::not_found()),
    };
    inbound.require_method("POST")?;
    inbound.limit_body(LARGEST_BODY)?;
    inbound.authorize(&deps.keys, endpoint, &deps.metrics)?;
    let form = Form::read(inbound.json()?)?;
    let answer = answer(deps, route, &form, inbound).await?;
    http::json(Status::Ok, &answer)
}

async fn answer(deps: &Deps, route: Route, form: &Form, inbound: &Inbound) -> Result<Answer, Failure> {
    let deadline = inbound.deadline();
    let Some(config) = deps.forms.find(&form.name) else {
        return Ok(Answer::failed(texts::FORM_UNKNOWN));
    };
    match (&form.code, config.requires_code, route) {
        (Some(code), true, _) => Box::pin(submit::submit(deps, config, form, code, deadline)).await,
        // A form that needs no code is taken as it is, whatever code came with it.
        (Some(_), false, _) | (None, false, Route::Submit) => Box::pin(save::without_code(deps, config, form, deadline)).await,
        (None, true, Route::Submit) => Ok(Answer::failed(texts::CODE_MISSING)),
        (None, true, Route::Send) => {
            let address = inbound.source_address(config.limits.source_header.as_deref());
            Box::pin(send::send(deps, config, form, address, deadline)).await
        }
        (None, false, Route::Send) => Ok(Answer::failed(texts::CODE_NOT_NEEDED)),
    }
}
