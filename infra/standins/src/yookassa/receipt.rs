//! Fiscal receipts in requests: who gets them, and lines whose sum is what is paid, to the kopeck.

use super::fields::Fields;
use super::refusal::Refusal;
use crate::money::{Kopecks, Thousandths};

const MOST_ITEMS: usize = 80;
const MODES: [&str; 7] =
    ["full_prepayment", "partial_prepayment", "advance", "full_payment", "partial_payment", "credit", "credit_payment"];
const SUBJECTS: [&str; 20] = [
    "commodity",
    "excise",
    "job",
    "service",
    "gambling_bet",
    "gambling_prize",
    "lottery",
    "lottery_prize",
    "intellectual_activity",
    "payment",
    "agent_commission",
    "property_right",
    "non_operating_gain",
    "composite",
    "another",
    "marked",
    "non_marked",
    "marked_excise",
    "non_marked_excise",
    "fine",
];
const ITEM: [&str; 15] = [
    "description",
    "quantity",
    "amount",
    "vat_code",
    "payment_subject",
    "payment_mode",
    "measure",
    "mark_quantity",
    "mark_code_info",
    "mark_mode",
    "country_of_origin_code",
    "customs_declaration_number",
    "excise",
    "product_code",
    "supplier",
];

/// The receipt of a payment, a capture or a refund of this amount.
pub(super) fn check(receipt: &Fields<'_>, total: Kopecks) -> Result<(), Refusal> {
    receipt.only(&["customer", "items", "tax_system_code", "internet", "timezone", "phone", "email"])?;
    let customer = receipt.required("customer", receipt.object("customer")?)?;
    check_customer(&customer)?;
    receipt.code("tax_system_code", 1..=6)?;
    receipt.code("timezone", 1..=11)?;
    receipt.flag("internet")?;
    check_items(receipt, total)
}

pub(super) fn check_customer(customer: &Fields<'_>) -> Result<(), Refusal> {
    customer.only(&["full_name", "inn", "email", "phone"])?;
    customer.text("full_name", 256)?;
    customer.text("inn", 12)?;
    let (email, phone) = (customer.text("email", 254)?, customer.text("phone", 16)?);
    if let Some(email) = email.filter(|email| email.split_once('@').is_none_or(|(name, host)| name.is_empty() || host.is_empty()))
    {
        return Err(Refusal::at(&customer.path("email"), format!("{email} is no e-mail address")));
    }
    // E.164, written with its plus or without it.
    let digits = phone.map(|phone| phone.strip_prefix('+').unwrap_or(phone));
    let is_phone = |digits: &str| (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_some_and(|digits| !is_phone(digits)) {
        return Err(Refusal::at(&customer.path("phone"), "Must be a phone number in the format of E.164"));
    }
    if email.is_none() && phone.is_none() {
        return Err(Refusal::at(&customer.path("email"), "Either email or phone is required"));
    }
    Ok(())
}

/// The lines, whose exact sum must be `total`.
pub(super) fn check_items(receipt: &Fields<'_>, total: Kopecks) -> Result<(), Refusal> {
    let items = receipt.required("items", receipt.objects("items")?)?;
    if items.is_empty() || items.len() > MOST_ITEMS {
        return Err(Refusal::at(&receipt.path("items"), format!("Must have 1 to {MOST_ITEMS} items")));
    }
    let mut sum = 0_u128;
    for item in &items {
        sum += line(item)?;
    }
    // Both in thousandths of a kopeck.
    if sum != u128::from(total.0) * 1000 {
        return Err(Refusal::at(&receipt.path("items"), "Sum of the items must be equal to the amount"));
    }
    Ok(())
}

/// What a line costs, in thousandths of a kopeck.
fn line(item: &Fields<'_>) -> Result<u128, Refusal> {
    item.only(&ITEM)?;
    item.required("description", item.text("description", 128)?)?;
    item.required("vat_code", item.code("vat_code", 1..=12)?)?;
    item.one_of("payment_mode", &MODES)?;
    item.one_of("payment_subject", &SUBJECTS)?;
    let quantity = item.required("quantity", item.get("quantity")?)?;
    let quantity = Thousandths::read(quantity).filter(|quantity| quantity.0 > 0);
    let quantity =
        quantity.ok_or_else(|| Refusal::at(&item.path("quantity"), "Must be a quantity with at most three decimals"))?;
    let price = item.required("amount", item.amount("amount")?)?;
    Ok(u128::from(quantity.0) * u128::from(price.0))
}
