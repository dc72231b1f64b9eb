//! YooKassa API v3 with a test shop: payments by card, SBP or `SberPay` on a page, holds, captures, refunds, receipts.
//!
//! | file | what |
//! |---|---|
//! | [`auth`], [`keys`], [`fields`], [`refusal`] | what every request is checked for, and how it is refused |
//! | [`create`], [`commands`], [`refund`], [`receipts`], [`list`] | the calls |
//! | [`methods`], [`confirmation`] | ways to pay, and how the customer confirms |
//! | [`payment`], [`shown`], [`cards`] | a payment, how the API shows it, the test cards |
//! | [`receipt`], [`records`], [`ledger`] | a receipt in a request, as it is kept, and what all of a payment say |
//! | [`form`], [`page`] | the page where the customer pays |
//! | [`decide`], [`cabinet`], [`control`], [`typed`], [`readings`] | what tests and people do to it |
//! | [`notices`], [`sender`] | notifications |
//!
//! Where public sources leave a choice:
//! - an error counts as the answer under its key: after the cause is removed the call needs a new one;
//! - a payment whose bank has not answered (`processing`) stays pending past its hour, until it is decided;
//! - the end of a customer's time is announced, the end of a hold is not;
//! - a card of the list of declines cancels the payment at once; `failed_try` is a page that can be filled in again;
//! - a shop has the ways to pay of [`crate::Options::yookassa_methods`], SBP too, which a real test shop has not; it saves none of them;
//! - cards and `YooMoney` are confirmed by `redirect` or `embedded`, SBP by `redirect` or `qr`, `SberPay` by `redirect` or
//!   `mobile_application`; where the customer chooses, by `redirect` or `embedded`;
//! - the page offers what fits the stages and the amount; that of cards offers cards only;
//! - SBP with two stages is refused at `capture`, in words of our own;
//! - the error of a payment or refund that is not the shop's is 404, in `POST /refunds` too;
//! - a receipt that came with a payment is there from the beginning, pending until the money is captured, canceled if it never is;
//!   that of a partial capture takes its place. Of a whole refund without a receipt YooKassa makes one, the payment's;
//! - a receipt is pending in the answer that made it, and registered the first time that the API shows it or `receipt_registration`;
//!   what the control API shows is not read by that;
//! - a second receipt settles all that the first ones have left prepaid, and nothing beside it; a line without `payment_mode` is prepaid;
//! - a line is known by its description: no more of it goes back than was sold.

mod amounts;
mod auth;
mod cabinet;
mod cards;
mod commands;
mod confirmation;
mod confirmed;
pub(crate) mod control;
mod create;
mod decide;
mod fields;
pub(crate) mod form;
mod keys;
mod ledger;
mod list;
mod methods;
mod notices;
mod page;
mod payment;
mod readings;
mod receipt;
mod receipts;
mod records;
mod refund;
mod refusal;
mod registration;
pub(crate) mod sender;
mod setting;
mod shown;
mod state;
mod typed;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::request::Request;
use fields::{Fields, Reader};
use keys::Keyed;

use refusal::{Outcome, Refusal};
use registration::{OwnReceipt, Registration};
use setting::Setting;
use state::Books;

pub use cabinet::CabinetAct;
pub use decide::{CardDecision, CardOutcome};
pub use methods::YookassaMethod;
pub use notices::YookassaNotice;
pub(crate) use readings::Reading;
pub(crate) use refusal::{fail, refuse, wrong_verb};
pub(crate) use state::Yookassa;

/// Answers a request below `/yookassa`.
pub(crate) fn handle(yookassa: &Yookassa, request: &Request) -> Answer {
    let (status, body) = match respond(yookassa, request) {
        Ok(outcome) => outcome,
        Err(refusal) => refusal.outcome(),
    };
    request.remarks.of(Answer::json(status, &body))
}

fn respond(yookassa: &Yookassa, request: &Request) -> Result<Outcome, Refusal> {
    auth::check(&yookassa.options, request)?;
    // Behind `/yookassa/v3`.
    let path: Vec<&str> = request.path.split('/').skip(3).collect();
    if request.method == hyper::Method::GET {
        // What a read shows of receipts is what the register has taken by then.
        yookassa.with(|books, setting| books.read_receipts(receipts_shown(books, &path), setting));
        return yookassa.with(|books, setting| read(books, setting, request, &path)).map(|body| (StatusCode::OK, body));
    }
    let call = Keyed::read(request)?;
    yookassa.with(|books, setting| {
        if let Some(outcome) = books.keys.answered(&call, setting.now)? {
            return Ok(outcome);
        }
        let reader = Reader { request, exact: setting.options.exact_requests };
        let done = Fields::of(call.body(), reader).and_then(|body| write(books, setting, &path, &body));
        let outcome = done.map_or_else(|refusal| refusal.outcome(), |body| (StatusCode::OK, body));
        books.keys.keep(call, outcome.clone(), setting.now);
        Ok(outcome)
    })
}

fn read(books: &Books, setting: &Setting<'_>, request: &Request, path: &[&str]) -> Result<Value, Refusal> {
    // What belongs to other payments is not even drawn: tests keep these books for thousands of orders.
    let is_of = |payment_id: &str| request.query.get("payment_id").is_none_or(|wanted| wanted == payment_id);
    match path {
        ["payments"] => {
            let payments = books.payments.iter().rev().map(|payment| shown::payment(payment, setting)).collect();
            list::page(payments, request, &["status", "payment_method"], &["created_at", "captured_at"])
        }
        ["payments", id] => {
            let payment = books.payments.find(id).ok_or_else(|| Refusal::unknown("payment_id", "Payment"))?;
            Ok(shown::payment(payment, setting))
        }
        ["refunds"] => {
            let refunds = books.refunds.iter().rev().filter(|refund| is_of(&refund.payment_id)).map(shown::refund).collect();
            list::page(refunds, request, &["payment_id", "status"], &["created_at"])
        }
        ["refunds", id] => books.refunds.find(id).map(shown::refund).ok_or_else(|| Refusal::unknown("refund_id", "Refund")),
        ["receipts"] => {
            let receipts = books.receipts.iter().rev().filter(|receipt| is_of(&receipt.payment_id));
            let receipts = receipts.map(|receipt| books.shown_receipt(receipt)).collect();
            list::page(receipts, request, &["payment_id", "refund_id", "status"], &["registered_at"])
        }
        ["receipts", id] => {
            let receipt = books.receipts.find(id).ok_or_else(|| Refusal::unknown("receipt_id", "Receipt"))?;
            Ok(books.shown_receipt(receipt))
        }
        // The routes name no other.
        _ => Ok(me(setting)),
    }
}

/// The receipts that an answer tells of.
fn receipts_shown(books: &Books, path: &[&str]) -> Vec<String> {
    let is_open = |own: &&OwnReceipt| own.registration == Registration::Pending;
    let id_of = |own: &Option<OwnReceipt>| own.as_ref().filter(is_open).map(|own| own.id.clone());
    match path {
        ["payments"] => books.payments.iter().filter_map(|payment| id_of(&payment.receipt)).collect(),
        ["payments", id] => books.payments.find(id).and_then(|payment| id_of(&payment.receipt)).into_iter().collect(),
        ["refunds"] => books.refunds.iter().filter_map(|refund| id_of(&refund.receipt)).collect(),
        ["refunds", id] => books.refunds.find(id).and_then(|refund| id_of(&refund.receipt)).into_iter().collect(),
        ["receipts"] => books.receipts.iter().map(|receipt| receipt.id.clone()).collect(),
        ["receipts", id] => vec![(*id).to_owned()],
        // The routes name no other, which tells of none.
        _ => Vec::new(),
    }
}

fn write(books: &mut Books, setting: &Setting<'_>, path: &[&str], body: &Fields<'_>) -> Result<Value, Refusal> {
    match path {
        ["payments"] => create::create(books, setting, body),
        ["payments", id, "capture"] => commands::capture(books, setting, id, body),
        ["payments", id, "cancel"] => commands::cancel(books, setting, id, body),
        ["refunds"] => refund::create(books, setting, body),
        ["receipts"] => receipts::create(books, setting, body),
        // The routes name no other.
        _ => Err(Refusal::invalid("There is no such call")),
    }
}

/// `GET /me`.
fn me(setting: &Setting<'_>) -> Value {
    let register = setting.options.yookassa_register.as_deref();
    let fiscalization =
        register.map_or_else(|| json!({ "enabled": false }), |register| json!({ "enabled": true, "provider": register }));
    json!({
        "account_id": setting.options.yookassa_shop_id,
        "status": "enabled",
        "test": true,
        "fiscalization": fiscalization,
        "payment_methods": setting.options.yookassa_methods.iter().map(|method| method.name()).collect::<Vec<_>>(),
    })
}
