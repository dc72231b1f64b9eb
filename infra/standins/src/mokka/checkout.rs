//! Checkout: creates an order and answers the form's address (Mokka, "Checkout").
//!
//! A pending order may be sent again: everything about it is replaced and the old form's address dies. A hold may be
//! sent again too, for the same phone (70 otherwise; the reading `phone_on_form` says which one it is compared to), but only
//! its two URLs change, and the form's address stays.

use serde_json::json;
use time::OffsetDateTime;

use super::fields::{Body, Fields};
use super::key::Key;
use super::order::{MokkaOrder, MokkaStatus};
use super::readings::Reading;
use super::refusal::MokkaRefusal;
use super::state::{Form, Mokka};
use super::{cart, code, customer, envelope, tariff};
use crate::answer::Answer;
use crate::locked::locked;
use crate::money::Kopecks;
use crate::options::{Options, Tariff};
use crate::random;
use crate::request::Request;

pub(super) fn handle(mokka: &Mokka, request: &Request) -> Result<Answer, MokkaRefusal> {
    let body = envelope::json(Key::of_orders(&mokka.options), request)?;
    let now = mokka.clock.now();
    let wanted = parse(&mokka.options, &body, now)?;
    let form_url = place(mokka, wanted, now)?;
    Ok(Answer::ok(&json!({ "status": 0, "message": code::message(0), "iframe_url": form_url })))
}

/// Puts the order among the others; the address of its form.
fn place(mokka: &Mokka, mut wanted: MokkaOrder, now: OffsetDateTime) -> Result<String, MokkaRefusal> {
    let mut orders = locked(&mokka.orders);
    let Some(order) = orders.get_mut(&wanted.order_id) else {
        wanted.form_url = mokka.form_url(&wanted.form_token);
        let url = wanted.form_url.clone();
        mokka.forms.open(&wanted.form_token, Form::Order(wanted.order_id.clone()));
        orders.insert(wanted.order_id.clone(), wanted);
        return Ok(url);
    };
    order.refresh(now);
    let of_form = mokka.readings.is_other(Reading::PhoneOnForm);
    let phone = if of_form { &order.primary_phone } else { &order.requested_phone };
    let is_of_another = differ(phone.as_deref(), wanted.requested_phone.as_deref());
    match &order.status {
        MokkaStatus::Pending => {
            wanted.form_url = mokka.form_url(&wanted.form_token);
            wanted.checkouts += order.checkouts;
            wanted.changes = order.changes;
            wanted.callbacks = std::mem::take(&mut order.callbacks);
            mokka.forms.replace(&order.form_token, &wanted.form_token);
            *order = wanted;
        }
        MokkaStatus::Hold if is_of_another => {
            return Err(MokkaRefusal::new(code::PHONE, "it is held for the customer of another primary_phone"));
        }
        MokkaStatus::Hold => {
            order.checkouts += 1;
            order.callback_url = wanted.callback_url;
            order.redirect_url = wanted.redirect_url;
        }
        MokkaStatus::Expired => return Err(MokkaRefusal::new(code::ORDER_EXPIRED, "its valid_till has passed")),
        status @ (MokkaStatus::Finished
        | MokkaStatus::Canceled
        | MokkaStatus::Declined
        | MokkaStatus::Refunded
        | MokkaStatus::Other(_)) => {
            return Err(MokkaRefusal::new(code::ORDER_EXISTS, format!("it is {}", status.as_str())));
        }
    }
    Ok(order.form_url.clone())
}

/// Whether both are there and not the same.
fn differ(before: Option<&str>, now: Option<&str>) -> bool {
    before.zip(now).is_some_and(|(before, now)| before != now)
}

fn parse(options: &Options, body: &Body<'_>, now: OffsetDateTime) -> Result<MokkaOrder, MokkaRefusal> {
    let fields = Fields::root(
        body,
        &[
            "callback_url",
            "redirect_url",
            "primary_phone",
            "primary_email",
            "current_order",
            "person",
            "cart_items",
            "skip_result_page",
            "delivery_info",
            "additional_data",
        ],
    )?;
    let order = fields
        .object("current_order", &["order_id", "valid_till", "term", "amount", "prepayment_amount"])?
        .ok_or_else(|| MokkaRefusal::new(code::ORDER_ID_MISSING, "current_order.order_id"))?;
    let order_id = envelope::order_id(&order)?;
    let (amount, prepayment) = amounts(&order)?;
    let wanted_term = wanted_term(&options.mokka_tariffs, &order, amount)?;
    let valid_till = envelope::valid_till(&order, now)?;
    let callback_url = fields.url("callback_url", code::CALLBACK_URL)?;
    let redirect_url = fields.url("redirect_url", code::REDIRECT_URL)?;
    let person = customer::person(&fields)?;
    cart::check_checkout(&fields)?;
    check_delivery(&fields)?;
    customer::check_additional(&fields)?;
    let phone = fields.phone("primary_phone")?.map(str::to_owned);
    Ok(MokkaOrder {
        order_id: order_id.to_owned(),
        status: MokkaStatus::Pending,
        decision: None,
        expired: false,
        amount: amount.minus(prepayment.unwrap_or(Kopecks(0))).unwrap_or(amount).to_string(),
        prepayment_amount: prepayment.map(|prepayment| prepayment.to_string()),
        term: None,
        wanted_term,
        valid_till,
        checkouts: 1,
        finishes: 0,
        cancels: 0,
        finished_at: None,
        changes: 0,
        returned: Kopecks(0).to_string(),
        returns: Vec::new(),
        callbacks: Vec::new(),
        callback_url,
        redirect_url,
        form_token: random::token(),
        form_url: String::new(),
        requested_phone: phone.clone(),
        primary_phone: phone,
        primary_email: fields.email("primary_email")?.map(str::to_owned),
        first_name: person.first_name,
        surname: person.surname,
        patronymic: person.patronymic,
        skip_result_page: fields.flag("skip_result_page")?.unwrap_or(false),
        check_number: None,
        check_link: None,
    })
}

fn amounts(order: &Fields<'_>) -> Result<(Kopecks, Option<Kopecks>), MokkaRefusal> {
    let amount = order.amount_needed("amount")?;
    let prepayment = order.amount("prepayment_amount", code::PREPAYMENT_FORMAT)?;
    if prepayment.is_some_and(|prepayment| prepayment > amount) {
        return Err(MokkaRefusal::new(code::PREPAYMENT, "prepayment_amount exceeds amount"));
    }
    Ok((amount, prepayment))
}

/// The term asked for, if one was. It must exist, and the amount must fit its tariff, or any where none was asked for.
fn wanted_term(tariffs: &[Tariff], order: &Fields<'_>, amount: Kopecks) -> Result<Option<u32>, MokkaRefusal> {
    let wanted = match order.positive("term", code::TERM)? {
        None => None,
        Some(months) => {
            let tariff = tariffs.iter().find(|tariff| u64::from(tariff.term) == months);
            Some(tariff.ok_or_else(|| MokkaRefusal::new(code::TERM, "no tariff has this term"))?)
        }
    };
    let fits = match wanted {
        Some(tariff) => tariff::takes(tariff, amount),
        None => tariff::fitting(tariffs, amount).next().is_some(),
    };
    if !fits {
        let ranges = tariffs
            .iter()
            .map(|tariff| format!("{} months {} to {}", tariff.term, Kopecks(tariff.min_kopecks), Kopecks(tariff.max_kopecks)));
        return Err(MokkaRefusal::new(code::AMOUNT_LIMITS, ranges.collect::<Vec<_>>().join(", ")));
    }
    Ok(wanted.map(|tariff| tariff.term))
}

fn check_delivery(fields: &Fields<'_>) -> Result<(), MokkaRefusal> {
    let allowed = ["first_name", "surname", "patronymic", "type", "address", "phone", "email"];
    let Some(delivery) = fields.object("delivery_info", &allowed)? else { return Ok(()) };
    delivery.texts(&["first_name", "surname", "patronymic", "type", "address"])?;
    delivery.phone("phone")?;
    delivery.email("email")?;
    Ok(())
}
