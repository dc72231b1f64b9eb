//! Change: another amount and another end for an open order (Mokka, "Change").
//!
//! `valid_till` left out is 24 hours from now, as the document says of it. A hold is changed within the tariff of its
//! term, a pending order within any. What was wrong in the request comes before what is wrong with the order.

use serde_json::json;
use time::OffsetDateTime;

use super::fields::Fields;
use super::key::Key;
use super::limits::{LimitStatus, Limits};
use super::order::{MokkaOrder, MokkaStatus};
use super::refusal::{MokkaRefusal, unknown_order};
use super::state::Mokka;
use super::tariff::{self, Plan};
use super::{cart, code, envelope};
use crate::answer::Answer;
use crate::money::Kopecks;
use crate::options::Options;
use crate::request::Request;

/// A Change as requested.
struct Change {
    amount: Kopecks,
    valid_till: OffsetDateTime,
}

pub(super) fn handle(mokka: &Mokka, request: &Request) -> Result<Answer, MokkaRefusal> {
    let body = envelope::json(Key::of_orders(&mokka.options), request)?;
    let now = mokka.clock.now();
    let fields = Fields::root(&body, &["order_id", "amount", "valid_till", "cart_items"])?;
    let order_id = envelope::order_id(&fields)?;
    let change = Change { amount: fields.amount_needed("amount")?, valid_till: envelope::valid_till(&fields, now)? };
    cart::check_change(&fields)?;
    let limits = &mokka.limits;
    let with_prepayment = mokka.commands_with_prepayment();
    let changed = mokka.with(order_id, now, |order| {
        let amount = if with_prepayment { without_prepayment(order, change.amount)? } else { change.amount };
        apply(&mokka.options, limits, order, &Change { amount, ..change }, now)
    });
    let plan = changed.unwrap_or_else(|| Err(unknown_order()))?;
    Ok(Answer::ok(&json!({ "status": 0, "message": code::message(0), "schedule": plan.payments })))
}

fn apply(
    options: &Options,
    limits: &Limits,
    order: &mut MokkaOrder,
    change: &Change,
    now: OffsetDateTime,
) -> Result<Plan, MokkaRefusal> {
    match &order.status {
        MokkaStatus::Pending | MokkaStatus::Hold => {}
        MokkaStatus::Expired => return Err(MokkaRefusal::new(code::ORDER_EXPIRED, "its valid_till has passed")),
        status @ (MokkaStatus::Finished | MokkaStatus::Canceled | MokkaStatus::Declined | MokkaStatus::Refunded) => {
            return Err(MokkaRefusal::new(code::UNABLE_TO_CHANGE, format!("it is {}", status.as_str())));
        }
        status @ MokkaStatus::Other(_) => {
            return Err(MokkaRefusal::new(code::CANNOT_PROCESS, format!("it is {}, neither pending nor hold", status.as_str())));
        }
    }
    check_amount(options, order, change.amount)?;
    if let Some(phone) = &order.primary_phone {
        let limit = limits.of(options, phone);
        if limit.status != LimitStatus::New && !limit.covers(change.amount) {
            return Err(MokkaRefusal::new(code::LIMIT, format!("the limit is {} ({:?})", limit.amount, limit.status)));
        }
    }
    order.amount = change.amount.to_string();
    order.valid_till = change.valid_till;
    order.changes += 1;
    Ok(tariff::plan(&options.mokka_tariffs, change.amount, order.term_or_usual(&options.mokka_tariffs), now))
}

fn check_amount(options: &Options, order: &MokkaOrder, amount: Kopecks) -> Result<(), MokkaRefusal> {
    let tariffs = &options.mokka_tariffs;
    let fits = match order.term.or(order.wanted_term).and_then(|term| tariff::of_term(tariffs, term)) {
        Some(tariff) => tariff::takes(tariff, amount),
        None => tariff::fitting(tariffs, amount).next().is_some(),
    };
    if !fits {
        return Err(MokkaRefusal::new(code::AMOUNT_LIMITS, "no tariff of its term takes this amount"));
    }
    Ok(())
}

/// What is paid in instalments of an amount that contains what is prepaid.
fn without_prepayment(order: &MokkaOrder, amount: Kopecks) -> Result<Kopecks, MokkaRefusal> {
    let rest = amount.minus(order.prepaid());
    rest.ok_or_else(|| MokkaRefusal::new(code::PREPAYMENT, "its prepayment_amount exceeds amount"))
}
