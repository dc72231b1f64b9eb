//! What Checkout and Registration both may say about the customer: `person` and `additional_data`.

use super::code;
use super::fields::Fields;
use super::refusal::MokkaRefusal;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const BIRTH_DATE: &[BorrowedFormatItem<'_>] = format_description!("[day].[month].[year]");

/// The customer's names, as far as the shop knows them.
#[derive(Default)]
pub(super) struct Person {
    pub(super) first_name: Option<String>,
    pub(super) surname: Option<String>,
    pub(super) patronymic: Option<String>,
}

/// Reads `person`.
pub(super) fn person(fields: &Fields<'_>) -> Result<Person, MokkaRefusal> {
    let Some(person) = fields.object("person", &["first_name", "surname", "patronymic", "birth_date"])? else {
        return Ok(Person::default());
    };
    if person.text("birth_date")?.is_some_and(|date| time::Date::parse(date, BIRTH_DATE).is_err()) {
        return Err(MokkaRefusal::new(code::CANNOT_PROCESS, "person.birth_date must be dd.mm.yyyy"));
    }
    let name = |name| person.text(name).map(|text| text.map(str::to_owned));
    Ok(Person { first_name: name("first_name")?, surname: name("surname")?, patronymic: name("patronymic")? })
}

/// Checks `additional_data`.
pub(super) fn check_additional(fields: &Fields<'_>) -> Result<(), MokkaRefusal> {
    let allowed = ["previous_url", "channel", "returning_customer", "bank_card", "last_orders", "same_address"];
    let Some(additional) = fields.object("additional_data", &allowed)? else { return Ok(()) };
    additional.texts(&["previous_url", "last_orders"])?;
    for flag in ["returning_customer", "bank_card", "same_address"] {
        additional.flag(flag)?;
    }
    match additional.text("channel")? {
        None | Some("mobile" | "app" | "desktop") => Ok(()),
        Some(_) => Err(MokkaRefusal::new(code::CANNOT_PROCESS, "additional_data.channel is mobile, app or desktop")),
    }
}
