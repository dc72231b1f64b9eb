//! Status: where an order stands (Mokka, "Status").

use serde_json::json;

use super::fields::Fields;
use super::key::Key;
use super::{Refusal, code, envelope};
use crate::answer::Answer;
use crate::request::Request;
use crate::world::World;

pub(super) fn handle(world: &World, request: &Request) -> Result<Answer, Refusal> {
    let body = envelope::json(Key::of_orders(&world.options), request)?;
    let fields = Fields::root(&body, &["order_id"])?;
    let order_id = envelope::order_id(&fields)?;
    let order = world.mokka.order(order_id, world.clock.now()).ok_or_else(super::unknown_order)?;
    Ok(Answer::ok(&json!({
        "status": 0,
        "message": code::message(0),
        "current_order": {
            "order_id": order.order_id,
            "expired": order.expired,
            "status": order.status,
            "decision": order.decision,
            "amount": order.amount,
            "term": order.term,
        },
    })))
}
