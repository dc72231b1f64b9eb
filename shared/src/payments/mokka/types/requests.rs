//! What Mokka is asked. Optional fields that are absent are not sent. Types that hold a customer's data are not printable.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use time::Date;

use super::values::{Amount, MoscowTime, Price, optional_date, optional_digits};
use crate::platform::money::Quantity;

/// Registration: asks for the page on which a customer gets a limit. It never finalises anything.
#[derive(Clone, Serialize)]
pub struct RegistrationRequest {
    /// Where Mokka tells the decision.
    pub callback_url: String,
    /// Where the customer's browser goes afterwards.
    pub redirect_url: String,
    /// Ten digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_phone: Option<String>,
    /// The customer's e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_email: Option<String>,
    /// What names this registration in its callback.
    pub current_order: RegistrationOrder,
    /// The customer, to fill in the form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    /// More about the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_data: Option<AdditionalData>,
}

/// The order of a [`RegistrationRequest`].
#[derive(Clone, Debug, Serialize)]
pub struct RegistrationOrder {
    /// Any unique text, 1 to 255 characters.
    pub order_id: String,
}

/// Limit: asks what a known customer may spend.
#[derive(Clone, Serialize)]
pub(in crate::payments::mokka) struct LimitRequest<'a> {
    pub(in crate::payments::mokka) client: LimitClient<'a>,
}

/// The customer of a [`LimitRequest`].
#[derive(Clone, Serialize)]
pub(in crate::payments::mokka) struct LimitClient<'a> {
    /// Ten digits.
    pub(in crate::payments::mokka) mobile_phone: &'a str,
}

/// Checkout: registers an order and asks for the page on which the customer takes the instalments.
#[derive(Clone, Serialize)]
pub struct CheckoutRequest {
    /// Where Mokka tells the decision.
    pub callback_url: String,
    /// Where the customer's browser goes afterwards.
    pub redirect_url: String,
    /// Ten digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_phone: Option<String>,
    /// The customer's e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_email: Option<String>,
    pub current_order: CheckoutOrder,
    /// The customer, to fill in the form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cart_items: Vec<CartItem>,
    /// Go to `redirect_url` at once, without a result page.
    pub skip_result_page: bool,
    /// What the customer told the shop about the delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_info: Option<DeliveryInfo>,
    /// More about the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_data: Option<AdditionalData>,
}

impl CheckoutRequest {
    /// Only what Checkout needs; the rest by struct update.
    #[must_use]
    pub fn new(callback_url: String, redirect_url: String, current_order: CheckoutOrder) -> Self {
        Self {
            callback_url,
            redirect_url,
            primary_phone: None,
            primary_email: None,
            current_order,
            person: None,
            cart_items: Vec::new(),
            skip_result_page: false,
            delivery_info: None,
            additional_data: None,
        }
    }
}

/// The order of a [`CheckoutRequest`].
#[derive(Clone, Debug, Serialize)]
pub struct CheckoutOrder {
    /// Our payment id.
    pub order_id: String,
    /// Until when the order is open and the money held. The document's default is 24 hours; it is always sent.
    pub valid_till: MoscowTime,
    /// For how many months; the customer chooses if it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<u32>,
    /// What is to be paid.
    pub amount: Amount,
    /// What the customer has paid already, at most the amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepayment_amount: Option<Amount>,
}

impl CheckoutOrder {
    /// Only what Checkout needs; the rest by struct update.
    #[must_use]
    pub fn new(order_id: String, amount: Amount, valid_till: MoscowTime) -> Self {
        Self { order_id, valid_till, term: None, amount, prepayment_amount: None }
    }
}

/// A line of the cart.
#[derive(Clone, Debug, Serialize)]
pub struct CartItem {
    /// The shop's id of the offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    pub name: String,
    /// Price of one.
    pub price: Price,
    /// Price of one after a discount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_price: Option<Price>,
    /// How many. Checkout takes whole numbers only, so another one is left out there.
    #[serde(serialize_with = "whole", skip_serializing_if = "is_not_whole")]
    pub quantity: Option<Quantity>,
    /// What it is counted in: pieces, litres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

impl CartItem {
    /// Only what a line needs; the rest by struct update.
    #[must_use]
    pub fn new(name: String, price: Price) -> Self {
        Self { sku: None, name, price, sale_price: None, quantity: None, unit: None, brand: None, category: None }
    }
}

#[expect(clippy::ref_option, reason = "what serde calls")]
fn whole<S: Serializer>(quantity: &Option<Quantity>, serializer: S) -> Result<S::Ok, S::Error> {
    quantity.and_then(Quantity::whole).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "what serde calls")]
fn is_not_whole(quantity: &Option<Quantity>) -> bool {
    quantity.and_then(Quantity::whole).is_none()
}

/// The customer of a Registration or a Checkout. Each field only fills in the form.
#[derive(Clone, Default, Serialize)]
pub struct Person {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patronymic: Option<String>,
    /// Date of birth, sent as `dd.mm.yyyy`.
    #[serde(serialize_with = "optional_date", skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<Date>,
}

/// What the customer told the shop about the delivery.
#[derive(Clone, Default, Serialize)]
pub struct DeliveryInfo {
    /// The recipient's first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The recipient's surname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surname: Option<String>,
    /// The recipient's patronymic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patronymic: Option<String>,
    /// The way of delivery (`type`).
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The recipient's phone, ten digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The recipient's e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// More about the customer of a Registration or a Checkout.
#[derive(Clone, Default, Serialize)]
pub struct AdditionalData {
    /// Where the customer came from to the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_url: Option<String>,
    /// Where the form is opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Whether the customer has bought before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returning_customer: Option<bool>,
    /// Whether the last payment was by bank card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_card: Option<bool>,
    /// How many orders in the last six months; a string on the wire.
    #[serde(serialize_with = "optional_digits", skip_serializing_if = "Option::is_none")]
    pub last_orders: Option<u32>,
    /// Whether it goes to the same address as last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_address: Option<bool>,
}

/// Where the form is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A phone's browser.
    Mobile,
    /// The shop's app.
    App,
    /// A desktop browser.
    Desktop,
}

/// Schedule: asks for the tariffs of an amount.
#[derive(Clone, Debug, Serialize)]
pub(in crate::payments::mokka) struct ScheduleRequest {
    pub(in crate::payments::mokka) amount: Amount,
}

/// Names an order: the body of Status and Cancel.
#[derive(Clone, Debug, Serialize)]
pub struct OrderRef<'a> {
    /// Our payment id.
    pub order_id: &'a str,
}

/// Change: sets the amount, the term of validity and the cart of an order that is not finished yet.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeRequest {
    /// Our payment id.
    pub order_id: String,
    /// What is to be paid now.
    pub amount: Amount,
    /// Until when the money is held now; the document's default is 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_till: Option<MoscowTime>,
    /// The cart now: mandatory, 90 if it is empty, and each line needs its quantity, whole or not. `unit` and `category` are
    /// not sent, since the document's table lacks them here.
    #[serde(serialize_with = "changed_lines")]
    pub cart_items: Vec<CartItem>,
}

/// A line of the cart as Change takes it.
#[derive(Serialize)]
struct ChangedLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<&'a str>,
    name: &'a str,
    price: &'a Price,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale_price: Option<&'a Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<&'a str>,
}

fn changed_lines<S: Serializer>(items: &[CartItem], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(items.iter().map(|item| ChangedLine {
        sku: item.sku.as_deref(),
        name: &item.name,
        price: &item.price,
        sale_price: item.sale_price.as_ref(),
        quantity: item.quantity.and_then(|quantity| RawValue::from_string(quantity.to_string()).ok()),
        brand: item.brand.as_deref(),
    }))
}

/// Finish: captures a hold. Sent as the part `body` beside the document in the part `check`.
#[derive(Clone, Debug, Serialize)]
pub struct FinishRequest {
    /// Our payment id.
    pub order_id: String,
    /// What is captured: the whole amount.
    pub amount: Amount,
    /// Number of the fiscal receipt, or of the fiscal document.
    pub check_number: String,
    /// Address of the fiscal receipt (the document's second `check_number`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_link: Option<String>,
}

/// Return: gives back all or part of a finished order; a part from the day after the capture.
#[derive(Clone, Debug, Serialize)]
pub struct ReturnRequest {
    /// Our payment id.
    pub order_id: String,
    /// What is given back.
    pub amount: Amount,
}
