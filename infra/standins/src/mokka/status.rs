//! Status: where an order stands (Mokka, "Status").

use serde_json::{Value, json};

use super::fields::Fields;
use super::key::Key;
use super::order::MokkaStatus;
use super::readings::Reading;
use super::refusal::{MokkaRefusal, unknown_order};
use super::state::Mokka;
use super::{code, envelope};
use crate::answer::Answer;
use crate::request::Request;

pub(super) fn handle(mokka: &Mokka, request: &Request) -> Result<Answer, MokkaRefusal> {
    let body = envelope::json(Key::of_orders(&mokka.options), request)?;
    let fields = Fields::root(&body, &["order_id"])?;
    let order_id = envelope::order_id(&fields)?;
    let order = mokka.order(order_id, mokka.clock.now()).ok_or_else(unknown_order)?;
    let readings = &mokka.readings;
    let is_decided = matches!(order.status, MokkaStatus::Hold | MokkaStatus::Declined);
    let is_undecided = order.status == MokkaStatus::Expired && order.decision.is_none();
    let (status, decision) = if is_decided && readings.is_other(Reading::StatusAfterDecision)
        || is_undecided && readings.is_other(Reading::StatusPastEnd)
    {
        ("pending", None)
    } else if order.status == MokkaStatus::Refunded && readings.is_other(Reading::StatusAfterReturn) {
        ("finished", order.decision)
    } else {
        (order.status.as_str(), order.decision)
    };
    let amount = if readings.is_other(Reading::AmountAfterReturn) { order.left() } else { order.amount.clone() };
    let amount = order.named(amount, readings.is_other(Reading::PrepaidAmount));
    let amount = match serde_json::from_str(&amount) {
        Ok(number @ Value::Number(_)) if readings.is_other(Reading::Amounts) => number,
        _ => json!(amount),
    };
    Ok(Answer::ok(&json!({
        "status": 0,
        "message": code::message(0),
        "current_order": {
            "order_id": order.order_id,
            "expired": order.expired,
            "status": status,
            "decision": decision,
            "amount": amount,
            "term": order.term,
        },
    })))
}
