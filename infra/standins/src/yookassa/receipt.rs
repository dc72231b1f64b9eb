//! Fiscal receipts in requests: who gets them, and lines whose sum is what is paid, to the kopeck.

use serde_json::Value;

use super::fields::Fields;
use super::refusal::Refusal;
use super::setting::Setting;
use crate::money::{Kopecks, Thousandths};

/// With YooKassa's own register.
const MOST_ITEMS_OWN: usize = 80;
const MOST_ITEMS: usize = 100;
/// What is paid before the goods are there: a second receipt follows.
const PREPAID: [&str; 3] = ["full_prepayment", "partial_prepayment", "advance"];
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

/// A line of a receipt.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) description: String,
    /// In thousandths of a kopeck.
    pub(super) cost: u128,
    pub(super) mode: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) vat_code: u64,
}

impl Line {
    /// Whether it is paid before the goods are there; so is a line that does not say.
    pub(super) fn is_prepaid(&self) -> bool {
        self.mode.is_none() || self.is_said_prepaid()
    }

    pub(super) fn is_said_prepaid(&self) -> bool {
        self.mode.as_deref().is_some_and(|mode| PREPAID.contains(&mode))
    }
}

/// What a receipt says, whatever it is of.
#[derive(Clone, Debug)]
pub(super) struct Content {
    /// As they were sent.
    pub(super) items: Value,
    pub(super) lines: Vec<Line>,
    pub(super) tax_system: Option<u64>,
}

impl Content {
    /// The sum of the lines, which is one of whole kopecks.
    pub(super) fn total(&self) -> Kopecks {
        let cost: u128 = self.lines.iter().map(|line| line.cost).sum();
        Kopecks(u64::try_from(cost / 1000).unwrap_or(u64::MAX))
    }
}

/// The receipt that comes with a payment, a capture or a refund of this amount.
pub(super) fn read(receipt: &Fields<'_>, total: Kopecks, setting: &Setting<'_>) -> Result<Content, Refusal> {
    receipt.only(&["customer", "items", "tax_system_code", "internet", "timezone", "phone", "email"])?;
    receipt.code("timezone", 1..=11)?;
    receipt.flag("internet")?;
    content(receipt, total, setting)
}

/// The customer, and the lines whose exact sum must be `total`.
pub(super) fn content(receipt: &Fields<'_>, total: Kopecks, setting: &Setting<'_>) -> Result<Content, Refusal> {
    check_customer(&receipt.required("customer", receipt.object("customer")?)?, setting)?;
    let tax_system = receipt.code("tax_system_code", 1..=6)?;
    let items = receipt.required("items", receipt.objects("items")?)?;
    let most = if setting.has_own_register() { MOST_ITEMS_OWN } else { MOST_ITEMS };
    if items.is_empty() || items.len() > most {
        return Err(Refusal::at(&receipt.path("items"), format!("Must have 1 to {most} items")));
    }
    let lines = items.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    if lines.iter().map(|line| line.cost).sum::<u128>() != total.thousandths() {
        return Err(Refusal::at(&receipt.path("items"), "Sum of the items must be equal to the amount"));
    }
    let items = receipt.get("items")?.cloned().unwrap_or_default();
    Ok(Content { items, lines, tax_system })
}

fn check_customer(customer: &Fields<'_>, setting: &Setting<'_>) -> Result<(), Refusal> {
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
    if email.is_none() && setting.has_own_register() {
        return Err(Refusal::at(&customer.path("email"), "Receipts of this register are sent by e-mail only"));
    }
    if email.is_none() && phone.is_none() {
        return Err(Refusal::at(&customer.path("email"), "Either email or phone is required"));
    }
    Ok(())
}

fn line(item: &Fields<'_>) -> Result<Line, Refusal> {
    item.only(&ITEM)?;
    let description = item.required("description", item.text("description", 128)?)?;
    let vat_code = item.required("vat_code", item.code("vat_code", 1..=12)?)?;
    let mode = item.one_of("payment_mode", &MODES)?.map(str::to_owned);
    let subject = item.one_of("payment_subject", &SUBJECTS)?.map(str::to_owned);
    let quantity = item.required("quantity", item.get("quantity")?)?;
    let quantity = Thousandths::read(quantity).filter(|quantity| quantity.0 > 0);
    let quantity =
        quantity.ok_or_else(|| Refusal::at(&item.path("quantity"), "Must be a quantity with at most three decimals"))?;
    let price = item.required("amount", item.amount("amount")?)?;
    let cost = u128::from(quantity.0) * u128::from(price.0);
    Ok(Line { description: description.to_owned(), cost, mode, subject, vat_code })
}
