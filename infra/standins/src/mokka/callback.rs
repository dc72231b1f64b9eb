//! The Checkout callback (Mokka, "Checkout", "Callback parameters"; its sample, corrected to valid JSON).

use std::time::Duration;

use reqwest::redirect::Policy;
use serde::Serialize;
use serde_json::value::RawValue;
use time::{Month, OffsetDateTime, UtcOffset};
use url::Url;

use super::order::{Decision, MokkaOrder};
use super::signature;
use crate::error::ControlError;
use crate::money::Kopecks;
use crate::options::Options;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Serialize)]
struct Callback<'a> {
    order_id: &'a str,
    decision: Decision,
    amount: String,
    prepayment_amount: String,
    /// A number with two decimals, in contrast to the other amounts.
    total_amount: Box<RawValue>,
    term: Option<u32>,
    client: Client<'a>,
    schedule: Vec<Payment>,
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

#[derive(Serialize)]
struct Payment {
    date: String,
    amount: String,
}

/// Sends one callback that says `decision`; the HTTP status of the answer, or 0 if none came.
pub(super) async fn send(
    options: &Options,
    order: &MokkaOrder,
    decision: Decision,
    now: OffsetDateTime,
) -> Result<u16, ControlError> {
    let impossible = |error: &dyn std::fmt::Display| ControlError::Request(format!("the callback: {error}"));
    let body = serde_json::to_vec(&content(order, decision, now)).map_err(|error| impossible(&error))?;
    let mut url = Url::parse(&order.callback_url).map_err(|error| impossible(&error))?;
    if options.sign_callbacks {
        url.query_pairs_mut().append_pair("signature", &signature(options, &body));
    }
    let mut client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().redirect(Policy::none());
    if url.scheme() == "http" {
        // Loopback needs no root certificates, and a machine without any must still be able to run this.
        client = client.tls_certs_only([]);
    }
    let client = client.build().map_err(|error| impossible(&error))?;
    let sent = client.post(url).header("content-type", "application/json").body(body).send().await;
    Ok(sent.map_or(0, |answer| answer.status().as_u16()))
}

fn content(order: &MokkaOrder, decision: Decision, now: OffsetDateTime) -> Callback<'_> {
    let amount = Kopecks::lenient(&order.amount).unwrap_or(Kopecks(0));
    let prepayment = order.prepayment_amount.as_deref().and_then(Kopecks::lenient).unwrap_or(Kopecks(0));
    let total = amount.plus(prepayment).unwrap_or(amount);
    let (amount, term, schedule) = match decision {
        Decision::Approved => (order.amount.clone(), order.term, schedule(amount, order.term.unwrap_or(1), now)),
        Decision::Declined => ("0.00".to_owned(), None, Vec::new()),
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
    }
}

fn client(order: &MokkaOrder) -> Client<'_> {
    let names = [&order.surname, &order.first_name, &order.patronymic];
    let names: Vec<&str> = names.into_iter().filter_map(|name| name.as_deref()).collect();
    Client {
        // Nobody gets past the form without a phone; this is the number of the document's sample.
        primary_phone: order.primary_phone.as_deref().unwrap_or("8880010203"),
        email: order.primary_email.as_deref(),
        full_name: (!names.is_empty()).then(|| names.join(" ")),
        first_name: order.first_name.as_deref(),
        surname: order.surname.as_deref(),
        patronymic: order.patronymic.as_deref(),
    }
}

/// Equal payments a month apart, the kopecks that do not divide in the first.
fn schedule(amount: Kopecks, term: u32, now: OffsetDateTime) -> Vec<Payment> {
    let months = u64::from(term.max(1));
    let moscow = UtcOffset::from_hms(3, 0, 0).map_or(now, |offset| now.to_offset(offset));
    let (mut year, mut month) = (moscow.year(), moscow.month());
    // Every month has a 28th.
    let day = moscow.day().min(28);
    let mut payments = Vec::new();
    for number in 0..months {
        year += i32::from(month == Month::December);
        month = month.next();
        let first = if number == 0 { amount.0 % months } else { 0 };
        payments.push(Payment {
            date: format!("{day:02}.{:02}.{year}", u8::from(month)),
            amount: Kopecks(amount.0 / months + first).to_string(),
        });
    }
    payments
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn the_schedule_adds_up_and_crosses_the_year() {
        let payments = schedule(Kopecks(670_000), 3, datetime!(2026-11-30 12:00 UTC));
        let shown: Vec<String> = payments.iter().map(|payment| format!("{} {}", payment.date, payment.amount)).collect();
        assert_eq!(shown, ["28.12.2026 2233.34", "28.01.2027 2233.33", "28.02.2027 2233.33"]);
    }
}
