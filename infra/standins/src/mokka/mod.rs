//! Mokka API Factoring: orders that a customer decides on a form, and the shop finalises, changes, cancels or returns.
//!
//! One file per method: [`registration`], [`limit`], [`checkout`], [`schedule`], [`status`], [`change`], [`cancel`],
//! [`finish`], [`refund`] (Return). What every method checks first is in [`envelope`], how fields are read in [`fields`],
//! the error table in [`code`], what an amount costs in [`tariff`], the customer's pages in [`form`] and [`page`].
//!
//! Where the document leaves a choice:
//! - a wrong content type or an unreadable multipart body is 10, a wrong optional field or an unknown field is 100 (the
//!   header `x-stand-in-note` says which), and so is a wrong field that has no code of its own;
//! - Checkout of an order whose hold has expired is 23, of any other decided and not held order 22; of a hold that named
//!   another phone before, 70;
//! - Finish of a `pending` order is 100: the customer has not agreed yet; Cancel of anything but a hold is 81; Change of
//!   what has expired is 23, of anything else but a pending order or a hold 82;
//! - Return of anything but a finished order, of more than is left, or of a part on the day of the finalisation is 100;
//! - an amount that the tariff of the wanted term does not take is 33 even if another tariff would;
//! - Registration has order ids of its own: none of the other methods knows them, and once decided one is 22.

mod callback;
mod caller;
mod cancel;
mod cart;
mod change;
mod checkout;
pub(crate) mod code;
mod customer;
mod decide;
mod envelope;
mod fields;
mod finish;
pub(crate) mod form;
mod key;
mod lenient;
mod limit;
mod limits;
mod order;
mod page;
mod readings;
mod refund;
mod refusal;
mod registered;
mod registration;
mod schedule;
mod state;
mod status;
mod tariff;

use crate::answer::Answer;
use crate::request::Request;

pub use decide::Decided;
pub use limits::LimitStatus;
pub use order::{Decision, MokkaOrder, MokkaReturn, MokkaStatus};
pub(crate) use readings::Reading;
pub(crate) use refusal::{MokkaRefusal, fail};
pub use registered::{DecidedRegistration, MokkaRegistration};
pub(crate) use state::Mokka;

/// What Status and Change have no need to say.
const OPTIONAL: [&str; 5] = ["message", "expired", "decision", "term", "schedule"];

/// Answers one of the nine methods.
pub(crate) fn handle(mokka: &Mokka, method: &str, request: &Request) -> Answer {
    let answer = match method {
        "registration" => registration::handle(mokka, request),
        "limit" => limit::handle(mokka, request),
        "checkout" => checkout::handle(mokka, request),
        "schedule" => schedule::handle(mokka, request),
        "status" => status::handle(mokka, request),
        "change" => change::handle(mokka, request),
        "cancel" => cancel::handle(mokka, request),
        "finish" => finish::handle(mokka, request),
        "return" => refund::handle(mokka, request),
        // The routes name no other.
        _ => Err(MokkaRefusal::new(code::CANNOT_PROCESS, format!("there is no method `{method}`"))),
    };
    let answer = match answer {
        Ok(answer) => request.remarks.of(answer),
        Err(refusal) => fail(method, refusal.code).noted(refusal.note),
    };
    let answer = if mokka.readings.is_other(Reading::OptionalFields) {
        answer.with_nulls(if method == "status" || method == "change" { &OPTIONAL } else { &["message"] })
    } else {
        answer
    };
    if mokka.readings.is_other(Reading::ContentType) { answer.called_html() } else { answer }
}
