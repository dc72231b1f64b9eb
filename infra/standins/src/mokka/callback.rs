//! The Checkout callback (Mokka, "Checkout", "Callback parameters"; its sample, corrected to valid JSON).

use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use super::order::{Decision, MokkaOrder};
use super::tariff::{self, Payment};
use crate::money::Kopecks;
use crate::options::Tariff;

/// The form needs a phone; where a test decides without one, this number of the sample stands in.
pub(super) const SAMPLE_PHONE: &str = "8880010203";

#[derive(Serialize)]
pub(super) struct Callback<'a> {
    order_id: &'a str,
    decision: Decision,
    amount: String,
    prepayment_amount: String,
    /// A number with two decimals, in contrast to the other amounts.
    total_amount: Box<RawValue>,
    term: Option<u32>,
    client: Client<'a>,
    schedule: Vec<Payment>,
    monthly_overpayment: Box<RawValue>,
}

/// The sample says `email` where the table says `primary_email`; the sample is what clients were written against.
#[derive(Serialize)]
struct Client<'a> {
    primary_phone: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    surname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patronymic: Option<&'a str>,
}

/// A callback that says `decision`; its amount contains what is prepaid, or not.
pub(super) fn content<'a>(
    order: &'a MokkaOrder,
    decision: Decision,
    with_prepayment: bool,
    tariffs: &[Tariff],
    now: OffsetDateTime,
) -> Callback<'a> {
    let amount = order.kopecks();
    let prepayment = order.prepaid();
    let total = amount.plus(prepayment).unwrap_or(amount);
    let (amount, term, schedule, overpayment) = match decision {
        Decision::Approved => {
            let plan = tariff::plan(tariffs, amount, order.term_or_usual(tariffs), now);
            (order.named(order.amount.clone(), with_prepayment), order.term, plan.payments, plan.monthly_overpayment)
        }
        Decision::Declined => ("0.00".to_owned(), None, Vec::new(), Kopecks(0).to_short_number()),
    };
    Callback {
        order_id: &order.order_id,
        decision,
        amount,
        prepayment_amount: prepayment.to_string(),
        total_amount: total.to_number(),
        term,
        client: client(order),
        schedule,
        monthly_overpayment: overpayment,
    }
}

fn client(order: &MokkaOrder) -> Client<'_> {
    let names = [&order.surname, &order.first_name, &order.patronymic];
    let names: Vec<&str> = names.into_iter().filter_map(|name| name.as_deref()).collect();
    Client {
        primary_phone: order.primary_phone.as_deref().unwrap_or(SAMPLE_PHONE),
        email: order.primary_email.as_deref(),
        full_name: (!names.is_empty()).then(|| names.join(" ")),
        first_name: order.first_name.as_deref(),
        surname: order.surname.as_deref(),
        patronymic: order.patronymic.as_deref(),
    }
}
