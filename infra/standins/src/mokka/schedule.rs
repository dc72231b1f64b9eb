//! Schedule: how an amount can be paid, one schedule for each tariff that takes it (Mokka, "Schedule").

use serde::Serialize;

use super::fields::Fields;
use super::key::Key;
use super::tariff::{self, Plan};
use super::{Refusal, code, envelope};
use crate::answer::Answer;
use crate::request::Request;
use crate::world::World;

/// Not `json!`, which would read the numbers as floats.
#[derive(Serialize)]
struct Schedules {
    status: u16,
    message: &'static str,
    payment_schedule: Vec<Plan>,
}

pub(super) fn handle(world: &World, request: &Request) -> Result<Answer, Refusal> {
    let body = envelope::json(Key::of_orders(&world.options), request)?;
    let fields = Fields::root(&body, &["amount"])?;
    let amount = fields.amount_needed("amount")?;
    let (tariffs, now) = (&world.options.mokka_tariffs, world.clock.now());
    let plans = tariff::fitting(tariffs, amount).map(|tariff| tariff::plan(tariffs, amount, tariff.term, now));
    Ok(Answer::ok(&Schedules { status: 0, message: code::message(0), payment_schedule: plans.collect() }))
}
