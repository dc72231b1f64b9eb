//! The list of ways to pay: what IMSHOP tells about the cart, and the list it gets.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::sum_of_lines;
use crate::ids::{InstallId, ItemId};
use crate::money::{Currency, Decimal, Money, Quantity};
use crate::phone::Phone;
use crate::wire::{Lenient, objects, unless_blank};

/// The cart at the moment of choosing how to pay. Everything is optional: nothing that is missing hides the list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The customer's id at the shop, if known.
    #[serde(default, deserialize_with = "unless_blank")]
    pub external_user_id: Option<ItemId>,
    /// The customer's phone, if the request says it.
    #[serde(default, deserialize_with = "phone")]
    pub phone: Option<Phone>,
    /// The installation of the app.
    #[serde(default, deserialize_with = "unless_blank")]
    pub install_id: Option<InstallId>,
    /// ISO code of the country.
    #[serde(default, deserialize_with = "unless_blank")]
    pub country: Option<ItemId>,
    /// Some item is ordered ahead of its release.
    #[serde(default)]
    pub has_preorder_items: Option<bool>,
    /// City: a name or a FIAS id, opaque here.
    #[serde(default, deserialize_with = "unless_blank")]
    pub city: Option<ItemId>,
    /// The promo code in use.
    #[serde(default, deserialize_with = "unless_blank")]
    pub promocode: Option<ItemId>,
    /// The chosen delivery, maybe `source/id`.
    #[serde(default, deserialize_with = "unless_blank")]
    pub delivery_id: Option<ItemId>,
    /// The chosen pickup point.
    #[serde(default, deserialize_with = "unless_blank")]
    pub pickup_location_id: Option<ItemId>,
    /// Bonus points that the customer wants to spend.
    #[serde(default, deserialize_with = "unless_blank")]
    pub bonuses_spent: Option<Decimal>,
    /// The order is for a company.
    #[serde(default)]
    pub legal_entity_mode: Option<bool>,
    /// Promotions active in the cart, kept as they came.
    #[serde(default)]
    pub promo_group: Lenient<Value>,
    /// The cart.
    #[serde(default, deserialize_with = "objects")]
    pub items: Option<Vec<Item>>,
}

/// A phone is read if it is one.
fn phone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Phone>, D::Error> {
    let Lenient(said) = Lenient::<ItemId>::deserialize(deserializer)?;
    Ok(said.and_then(|text| Phone::parse(text.as_str()).ok()))
}

impl Request {
    /// What the cart costs by its own prices, which are for reference only. Nothing if an item has none, or there is none.
    #[must_use]
    pub fn amount(&self, currency: Currency) -> Option<Money> {
        let lines = self.items.iter().flatten();
        sum_of_lines(lines.map(|item| (item.subtotal, item.price, item.quantity)), currency)
    }
}

/// One line of the cart.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// IMSHOP's id of the product.
    #[serde(default, deserialize_with = "unless_blank")]
    pub id: Option<ItemId>,
    /// Its name.
    #[serde(default)]
    pub name: Lenient<String>,
    /// The shop's id of the product (`group_id` in the feed).
    #[serde(default, deserialize_with = "unless_blank")]
    pub private_id: Option<ItemId>,
    /// The shop's id of the offer: the SKU.
    #[serde(default, deserialize_with = "unless_blank")]
    pub configuration_id: Option<ItemId>,
    /// How many.
    #[serde(default, deserialize_with = "unless_blank")]
    pub quantity: Option<Quantity>,
    /// Price of one, for reference.
    #[serde(default, deserialize_with = "unless_blank")]
    pub price: Option<Decimal>,
    /// Discount on one, for reference.
    #[serde(default, deserialize_with = "unless_blank")]
    pub discount: Option<Decimal>,
    /// Price of the line, for reference.
    #[serde(default, deserialize_with = "unless_blank")]
    pub subtotal: Option<Decimal>,
    /// The warehouse, shop or company that sells it (marketplaces).
    #[serde(default, deserialize_with = "unless_blank")]
    pub warehouse_id: Option<ItemId>,
}

/// IMSHOP's payment types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum PaymentType {
    /// Cash on delivery.
    #[serde(rename = "cash")]
    Cash,
    /// By card to the courier.
    #[serde(rename = "card_on_delivery")]
    CardOnDelivery,
    /// In the app, on a payment page; instalments too.
    #[serde(rename = "card")]
    Card,
    /// Apple Pay.
    #[serde(rename = "iOS")]
    ApplePay,
    /// Google Pay.
    #[serde(rename = "android")]
    GooglePay,
}

/// The list.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The ways to pay, in the order in which they are shown.
    pub payments: Vec<Payment>,
}

/// A way to pay.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// Comes back as `paymentMethodId`.
    pub id: String,
    /// The name that the customer reads.
    pub title: String,
    /// A line below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `cash`, `card_on_delivery`, `card`, `iOS`, `android`.
    pub r#type: PaymentType,
    /// Percent off the delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_discount: Option<u8>,
    /// IMSHOP checks the payment by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_verification: Option<bool>,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// A picture built into the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon_id: Option<String>,
    /// The plan of instalments below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widget: Option<Widget>,
}

/// A plan of instalments as the app draws it. Document "IMSHOP payments", widget; the field's name is `paymentsGraphic`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Widget {
    /// What it costs on top, and how long it takes.
    pub description: String,
    /// Its payments, earliest first.
    pub payments_graphic: Vec<Period>,
}

/// One payment of a plan.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// When it is due.
    pub period_description: String,
    /// How much, as the customer reads it.
    pub period_price: String,
    /// Its part of the whole in percent; those of a plan add up to 100.
    pub progress: u8,
}
