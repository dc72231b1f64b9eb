//! Schedule: how an amount can be paid, one schedule for each tariff that takes it (Mokka, "Schedule").

use serde::Serialize;

use super::fields::Fields;
use super::key::Key;
use super::refusal::MokkaRefusal;
use super::state::Mokka;
use super::tariff::{self, Plan};
use super::{code, envelope};
use crate::answer::Answer;
use crate::request::Request;

/// Not `json!`, which would read the numbers as floats.
#[derive(Serialize)]
struct Schedules {
    status: u16,
    message: &'static str,
    payment_schedule: Vec<Plan>,
}

pub(super) fn handle(mokka: &Mokka, request: &Request) -> Result<Answer, MokkaRefusal> {
    let body = envelope::json(Key::of_orders(&mokka.options), request)?;
    let fields = Fields::root(&body, &["amount"])?;
    let amount = fields.amount_needed("amount")?;
    let (tariffs, now) = (&mokka.options.mokka_tariffs, mokka.clock.now());
    let plans = tariff::fitting(tariffs, amount).map(|tariff| tariff::plan(tariffs, amount, tariff.term, now));
    Ok(Answer::ok(&Schedules { status: 0, message: code::message(0), payment_schedule: plans.collect() }))
}
