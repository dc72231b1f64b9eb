//! The routes: who may take them, and how much they carry.

use shared::platform::http::SMALL_BODY;
use shared::platform::roles::Role;

/// A PDF of 3 MiB takes 4 MiB as base64; the rest is for the fields beside it. Lambda takes 6 MB with everything.
const FINISH_BODY: usize = 4 * 1024 * 1024 + 64 * 1024;

/// A route, with the ids of its path.
pub(crate) enum Route<'a> {
    Order(&'a str),
    Orders,
    OrderSearch,
    Reindex,
    Payments,
    Books,
    Totals,
    Payment(&'a str),
    Finish(&'a str),
    Cancel(&'a str),
    Change(&'a str),
    Refunds(&'a str),
    Receipts(&'a str),
    Refund(&'a str, &'a str),
    Approve(&'a str, &'a str),
    Outcome(&'a str, &'a str),
    CloseMessage(&'a str, &'a str),
    ResendEvent(&'a str, &'a str),
    Settle(&'a str),
    Limits,
    Registrations,
    Registration(&'a str),
    Schedules,
    Runs,
    CodeSearch,
    CodeLift,
    FormDone(&'a str),
    Forms,
    FormSearch,
    FormExport,
    Form(&'a str),
    FormPhoto(&'a str, &'a str),
    Erasures,
}

impl<'a> Route<'a> {
    /// The route of a path.
    pub(crate) fn find(path: &[&'a str]) -> Option<Self> {
        let ["v1", "back-office", rest @ ..] = path else { return None };
        Some(match rest {
            ["orders"] => Self::Orders,
            ["orders", "search"] => Self::OrderSearch,
            ["reindex"] => Self::Reindex,
            ["orders", id] => Self::Order(id),
            ["payments"] => Self::Payments,
            ["payments.csv"] => Self::Books,
            ["totals"] => Self::Totals,
            ["payments", id] => Self::Payment(id),
            ["payments", id, "finish"] => Self::Finish(id),
            ["payments", id, "cancel"] => Self::Cancel(id),
            ["payments", id, "change"] => Self::Change(id),
            ["payments", id, "refunds"] => Self::Refunds(id),
            ["payments", id, "receipts"] => Self::Receipts(id),
            ["payments", id, "refunds", refund] => Self::Refund(id, refund),
            ["payments", id, "refunds", refund, "approve"] => Self::Approve(id, refund),
            ["payments", id, "refunds", refund, "outcome"] => Self::Outcome(id, refund),
            ["payments", id, "messages", message, "close"] => Self::CloseMessage(id, message),
            ["payments", id, "events", number, "resend"] => Self::ResendEvent(id, number),
            ["payments", id, "settle"] => Self::Settle(id),
            ["limits"] => Self::Limits,
            ["registrations"] => Self::Registrations,
            ["registrations", id] => Self::Registration(id),
            ["schedules"] => Self::Schedules,
            ["forms"] => Self::Forms,
            ["forms", "search"] => Self::FormSearch,
            ["forms.csv"] => Self::FormExport,
            ["forms", id] => Self::Form(id),
            ["forms", id, "done"] => Self::FormDone(id),
            ["runs"] => Self::Runs,
            ["codes", "search"] => Self::CodeSearch,
            ["codes", "lift"] => Self::CodeLift,
            ["forms", id, "photos", number] => Self::FormPhoto(id, number),
            ["erasures"] => Self::Erasures,
            _ => return None,
        })
    }

    /// The one method that it has.
    pub(crate) fn method(&self) -> &'static str {
        match self {
            Self::Order(_)
            | Self::Orders
            | Self::Payments
            | Self::Books
            | Self::Totals
            | Self::Payment(_)
            | Self::Registration(_)
            | Self::Runs
            | Self::Forms
            | Self::FormExport
            | Self::Form(_)
            | Self::FormPhoto(..) => "GET",
            Self::Refund(..) => "DELETE",
            Self::Finish(_)
            | Self::Cancel(_)
            | Self::Change(_)
            | Self::Refunds(_)
            | Self::Receipts(_)
            | Self::Approve(..)
            | Self::Outcome(..)
            | Self::CloseMessage(..)
            | Self::ResendEvent(..)
            | Self::Settle(_)
            | Self::Limits
            | Self::Registrations
            | Self::Schedules
            | Self::FormDone(_)
            | Self::CodeSearch
            | Self::CodeLift
            | Self::OrderSearch
            | Self::Reindex
            | Self::FormSearch
            | Self::Erasures => "POST",
        }
    }

    /// The least role that may take it.
    pub(crate) fn role(&self) -> Role {
        match self {
            Self::Order(_)
            | Self::Orders
            | Self::OrderSearch
            | Self::Payments
            | Self::Books
            | Self::Totals
            | Self::Payment(_)
            | Self::Registration(_)
            | Self::Schedules
            | Self::Runs
            | Self::CodeSearch
            | Self::Forms
            | Self::FormSearch
            | Self::FormExport
            | Self::Form(_)
            | Self::FormPhoto(..) => Role::Read,
            Self::Finish(_)
            | Self::Cancel(_)
            | Self::Change(_)
            | Self::Receipts(_)
            | Self::CloseMessage(..)
            | Self::ResendEvent(..)
            | Self::Settle(_)
            | Self::FormDone(_)
            | Self::CodeLift
            | Self::Limits
            | Self::Registrations
            | Self::Reindex
            | Self::Erasures => Role::Operate,
            Self::Refunds(_) | Self::Refund(..) | Self::Approve(..) | Self::Outcome(..) => Role::Refund,
        }
    }

    /// The name used in logs.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::Order(_) => "order",
            Self::Orders => "orders",
            Self::OrderSearch => "order search",
            Self::Reindex => "reindex",
            Self::Payments => "payments",
            Self::Books => "books",
            Self::Totals => "totals",
            Self::Payment(_) => "payment",
            Self::Finish(_) => "finish",
            Self::Cancel(_) => "cancel",
            Self::Change(_) => "change",
            Self::Refunds(_) => "refund",
            Self::Refund(..) => "refund withdrawal",
            Self::Approve(..) => "refund approval",
            Self::Receipts(_) => "receipt",
            Self::Outcome(..) => "refund outcome",
            Self::CloseMessage(..) => "message close",
            Self::ResendEvent(..) => "event resend",
            Self::Settle(_) => "settle",
            Self::Limits => "limit",
            Self::Registrations => "register",
            Self::Registration(_) => "registration",
            Self::Schedules => "schedules",
            Self::Runs => "runs",
            Self::CodeSearch => "code search",
            Self::CodeLift => "code limits",
            Self::FormDone(_) => "form done",
            Self::Forms => "forms",
            Self::FormSearch => "form search",
            Self::FormExport => "form export",
            Self::Form(_) => "form",
            Self::FormPhoto(..) => "form photo",
            Self::Erasures => "erasure",
        }
    }

    /// How many bytes its body may have.
    pub(crate) fn max_body(&self) -> usize {
        if matches!(self, Self::Finish(_)) { FINISH_BODY } else { SMALL_BODY }
    }

    /// The query parameters that it takes.
    pub(crate) fn query(&self) -> &'static [&'static str] {
        match self {
            Self::Payments => &["state", "since", "until", "min", "max", "attention", "changed_since", "cursor", "limit"],
            Self::Orders => &["day", "cursor", "limit"],
            Self::Books | Self::Totals => &["from", "to"],
            Self::Forms => &["form", "state", "unmatched", "done", "since", "cursor", "limit"],
            Self::FormExport => &["form", "since", "cursor", "limit"],
            Self::Order(_)
            | Self::OrderSearch
            | Self::Reindex
            | Self::Payment(_)
            | Self::Finish(_)
            | Self::Cancel(_)
            | Self::Change(_)
            | Self::Refunds(_)
            | Self::Receipts(_)
            | Self::Approve(..)
            | Self::Refund(..)
            | Self::Outcome(..)
            | Self::CloseMessage(..)
            | Self::ResendEvent(..)
            | Self::Settle(_)
            | Self::Limits
            | Self::Registrations
            | Self::Registration(_)
            | Self::Schedules
            | Self::Runs
            | Self::FormDone(_)
            | Self::CodeSearch
            | Self::CodeLift
            | Self::FormSearch
            | Self::Form(_)
            | Self::FormPhoto(..)
            | Self::Erasures => &[],
        }
    }
}
