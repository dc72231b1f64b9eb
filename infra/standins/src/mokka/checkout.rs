//! Checkout: creates an order and answers the form's address (Mokka, "Checkout").
//!
//! A pending order may be sent again: everything about it is replaced and the old form's address dies. A hold may be
//! sent again too, but only its two URLs change, and the form's address stays.

use serde_json::{Map, Value, json};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::fields::Fields;
use super::order::{MokkaOrder, MokkaStatus, TERMS};
use super::{Refusal, code, envelope, form_url};
use crate::answer::Answer;
use crate::money::Kopecks;
use crate::options::Options;
use crate::random;
use crate::request::Request;
use crate::world::{World, locked};

const PERSON: [&str; 4] = ["first_name", "surname", "patronymic", "birth_date"];
const VALID_TILL: &[BorrowedFormatItem<'_>] =
    format_description!("[day].[month].[year] [hour]:[minute]:[second][offset_hour sign:mandatory]:[offset_minute]");
const BIRTH_DATE: &[BorrowedFormatItem<'_>] = format_description!("[day].[month].[year]");

pub(super) fn handle(world: &World, request: &Request) -> Result<Answer, Refusal> {
    let body = envelope::json(&world.options, request)?;
    let now = world.clock.now();
    let wanted = parse(&world.options, &body, now)?;
    let form_url = place(world, wanted, now)?;
    Ok(Answer::ok(&json!({ "status": 0, "message": code::message(0), "iframe_url": form_url })))
}

/// Puts the order among the others; the address of its form.
fn place(world: &World, mut wanted: MokkaOrder, now: OffsetDateTime) -> Result<String, Refusal> {
    let mut orders = locked(&world.mokka.orders);
    let Some(order) = orders.get_mut(&wanted.order_id) else {
        wanted.form_url = form_url(world, &wanted.form_token);
        let url = wanted.form_url.clone();
        orders.insert(wanted.order_id.clone(), wanted);
        return Ok(url);
    };
    order.refresh(now);
    match &order.status {
        MokkaStatus::Pending => {
            wanted.form_url = form_url(world, &wanted.form_token);
            wanted.checkouts += order.checkouts;
            wanted.callbacks = std::mem::take(&mut order.callbacks);
            *order = wanted;
        }
        MokkaStatus::Hold => {
            order.checkouts += 1;
            order.callback_url = wanted.callback_url;
            order.redirect_url = wanted.redirect_url;
        }
        MokkaStatus::Expired => return Err(Refusal::new(code::ORDER_EXPIRED, "its valid_till has passed")),
        status @ (MokkaStatus::Finished
        | MokkaStatus::Canceled
        | MokkaStatus::Declined
        | MokkaStatus::Refunded
        | MokkaStatus::Other(_)) => {
            return Err(Refusal::new(code::ORDER_EXISTS, format!("it is {}", status.as_str())));
        }
    }
    Ok(order.form_url.clone())
}

fn parse(options: &Options, body: &Map<String, Value>, now: OffsetDateTime) -> Result<MokkaOrder, Refusal> {
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
        .ok_or_else(|| Refusal::new(code::ORDER_ID_MISSING, "current_order.order_id"))?;
    let order_id = envelope::order_id(&order)?;
    let (amount, prepayment) = amounts(options, &order)?;
    let wanted_term = match order.positive("term", code::TERM)? {
        None => None,
        Some(months) => Some(term(months)?),
    };
    let valid_till = match order.get("valid_till") {
        None => now + Duration::hours(24),
        Some(text) => text
            .as_str()
            .and_then(|text| OffsetDateTime::parse(text, VALID_TILL).ok())
            .ok_or_else(|| Refusal::new(code::TIME_FORMAT, "dd.mm.yyyy HH:MM:SS+03:00"))?,
    };
    let callback_url = fields.url("callback_url", code::CALLBACK_URL)?;
    let redirect_url = fields.url("redirect_url", code::REDIRECT_URL)?;
    let person = fields.object("person", &PERSON)?;
    let name = |name| person.as_ref().map_or(Ok(None), |person| person.text(name));
    check_birth_date(name("birth_date")?)?;
    check_cart(&fields)?;
    check_delivery(&fields)?;
    check_additional(&fields)?;
    Ok(MokkaOrder {
        order_id: order_id.to_owned(),
        status: MokkaStatus::Pending,
        decision: None,
        expired: false,
        amount: amount.to_string(),
        prepayment_amount: prepayment.map(|prepayment| prepayment.to_string()),
        term: None,
        wanted_term,
        valid_till,
        checkouts: 1,
        finishes: 0,
        cancels: 0,
        callbacks: Vec::new(),
        callback_url,
        redirect_url,
        form_token: random::token(),
        form_url: String::new(),
        primary_phone: fields.phone("primary_phone")?.map(str::to_owned),
        primary_email: fields.email("primary_email")?.map(str::to_owned),
        first_name: name("first_name")?.map(str::to_owned),
        surname: name("surname")?.map(str::to_owned),
        patronymic: name("patronymic")?.map(str::to_owned),
        skip_result_page: fields.flag("skip_result_page")?.unwrap_or(false),
        check_number: None,
        check_link: None,
    })
}

fn amounts(options: &Options, order: &Fields<'_>) -> Result<(Kopecks, Option<Kopecks>), Refusal> {
    let amount = order
        .amount("amount", code::AMOUNT_FORMAT)?
        .ok_or_else(|| Refusal::new(code::AMOUNT_FORMAT, "current_order.amount is missing"))?;
    let limits = Kopecks(options.mokka_min_kopecks)..=Kopecks(options.mokka_max_kopecks);
    if !limits.contains(&amount) {
        let note = format!("the tariff takes {} to {}", limits.start(), limits.end());
        return Err(Refusal::new(code::AMOUNT_LIMITS, note));
    }
    let prepayment = order.amount("prepayment_amount", code::PREPAYMENT_FORMAT)?;
    if prepayment.is_some_and(|prepayment| prepayment > amount) {
        return Err(Refusal::new(code::PREPAYMENT, "prepayment_amount exceeds amount"));
    }
    Ok((amount, prepayment))
}

fn term(months: u64) -> Result<u32, Refusal> {
    let known = TERMS.into_iter().find(|term| u64::from(*term) == months);
    known.ok_or_else(|| Refusal::new(code::TERM, format!("the tariff has {TERMS:?}")))
}

fn check_birth_date(birth_date: Option<&str>) -> Result<(), Refusal> {
    match birth_date {
        Some(date) if time::Date::parse(date, BIRTH_DATE).is_err() => {
            Err(Refusal::new(code::CANNOT_PROCESS, "person.birth_date must be dd.mm.yyyy"))
        }
        _ => Ok(()),
    }
}

/// Names and prices are mandatory; prices are numbers here, not strings.
fn check_cart(fields: &Fields<'_>) -> Result<(), Refusal> {
    let allowed = ["sku", "name", "price", "sale_price", "quantity", "unit", "brand", "category"];
    for item in fields.objects("cart_items", &allowed)? {
        let missing = |name| Refusal::new(code::CANNOT_PROCESS, format!("{} is missing", item.path(name)));
        item.text("name")?.ok_or_else(|| missing("name"))?;
        item.price("price")?.ok_or_else(|| missing("price"))?;
        item.price("sale_price")?;
        item.positive("quantity", code::CANNOT_PROCESS)?;
        item.texts(&["sku", "unit", "brand", "category"])?;
    }
    Ok(())
}

fn check_delivery(fields: &Fields<'_>) -> Result<(), Refusal> {
    let allowed = ["first_name", "surname", "patronymic", "type", "address", "phone", "email"];
    let Some(delivery) = fields.object("delivery_info", &allowed)? else { return Ok(()) };
    delivery.texts(&["first_name", "surname", "patronymic", "type", "address"])?;
    delivery.phone("phone")?;
    delivery.email("email")?;
    Ok(())
}

fn check_additional(fields: &Fields<'_>) -> Result<(), Refusal> {
    let allowed = ["previous_url", "channel", "returning_customer", "bank_card", "last_orders", "same_address"];
    let Some(additional) = fields.object("additional_data", &allowed)? else { return Ok(()) };
    additional.texts(&["previous_url", "last_orders"])?;
    for flag in ["returning_customer", "bank_card", "same_address"] {
        additional.flag(flag)?;
    }
    match additional.text("channel")? {
        None | Some("mobile" | "app" | "desktop") => Ok(()),
        Some(_) => Err(Refusal::new(code::CANNOT_PROCESS, "additional_data.channel is mobile, app or desktop")),
    }
}
