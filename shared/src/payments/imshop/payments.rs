//! The list of ways to pay: what IMSHOP tells about the cart, and the list it gets.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{LineNumbers, sum_of_lines};
use crate::platform::ids::{InstallId, ItemId};
use crate::platform::money::{Currency, Decimal, Money, Quantity};
use crate::platform::phone::Phone;
use crate::platform::wire::{Flag, Lenient, Said, objects, unless_blank};

/// The cart at the moment of choosing how to pay. Everything is optional and only shown or compared: nothing that is missing or
/// cannot be read hides the list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The customer's id at the shop, if known.
    #[serde(default, deserialize_with = "unless_blank")]
    pub external_user_id: Said<ItemId>,
    /// The customer's phone, if the request says it.
    #[serde(default, deserialize_with = "phone")]
    pub phone: Option<Phone>,
    /// The installation of the app.
    #[serde(default, deserialize_with = "unless_blank")]
    pub install_id: Said<InstallId>,
    /// ISO code of the country.
    #[serde(default, deserialize_with = "unless_blank")]
    pub country: Said<ItemId>,
    /// Some item is ordered ahead of its release.
    #[serde(default, deserialize_with = "unless_blank")]
    pub has_preorder_items: Said<Flag>,
    /// City: a name or a FIAS id, opaque here.
    #[serde(default, deserialize_with = "unless_blank")]
    pub city: Said<ItemId>,
    /// The promo code in use.
    #[serde(default, deserialize_with = "unless_blank")]
    pub promocode: Said<ItemId>,
    /// The chosen delivery, maybe `source/id`.
    #[serde(default, deserialize_with = "unless_blank")]
    pub delivery_id: Said<ItemId>,
    /// The chosen pickup point.
    #[serde(default, deserialize_with = "unless_blank")]
    pub pickup_location_id: Said<ItemId>,
    /// Bonus points that the customer wants to spend.
    #[serde(default, deserialize_with = "unless_blank")]
    pub bonuses_spent: Said<Decimal>,
    /// The order is for a company.
    #[serde(default, deserialize_with = "unless_blank")]
    pub legal_entity_mode: Said<Flag>,
    /// Promotions active in the cart, kept as they came.
    #[serde(default, deserialize_with = "unless_blank")]
    pub promo_group: Said<Value>,
    /// The cart.
    #[serde(default, deserialize_with = "objects")]
    pub items: Said<Vec<Lenient<Item>>>,
}

/// A phone is read if it is one.
fn phone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Phone>, D::Error> {
    let Lenient(said) = Lenient::<ItemId>::deserialize(deserializer)?;
    Ok(said.and_then(|text| Phone::parse(text.as_str()).ok()))
}

impl Request {
    /// The lines of the cart; one that cannot be read is none, and if it is not known what lines there are, nothing is.
    #[must_use]
    pub fn lines(&self) -> Option<Vec<Option<&Item>>> {
        match &self.items {
            None => Some(Vec::new()),
            Some(Lenient(lines)) => lines.as_ref().map(|lines| lines.iter().map(|line| line.0.as_ref()).collect()),
        }
    }

    /// What the cart costs by its own prices, which are for reference only. Nothing if that of an item is not known, or there is none.
    #[must_use]
    pub fn amount(&self, currency: Currency) -> Option<Money> {
        sum_of_lines(self.lines()?.into_iter().map(|line| line.map(Item::numbers)), currency)
    }
}

/// One line of the cart.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// IMSHOP's id of the product.
    #[serde(default, deserialize_with = "unless_blank")]
    pub id: Said<ItemId>,
    /// Its name.
    #[serde(default)]
    pub name: Lenient<String>,
    /// The shop's id of the product (`group_id` in the feed).
    #[serde(default, deserialize_with = "unless_blank")]
    pub private_id: Said<ItemId>,
    /// The shop's id of the offer: the SKU.
    #[serde(default, deserialize_with = "unless_blank")]
    pub configuration_id: Said<ItemId>,
    /// How many.
    #[serde(default, deserialize_with = "unless_blank")]
    pub quantity: Said<Quantity>,
    /// Price of one, for reference.
    #[serde(default, deserialize_with = "unless_blank")]
    pub price: Said<Decimal>,
    /// What is taken off the whole line, for reference.
    #[serde(default, deserialize_with = "unless_blank")]
    pub discount: Said<Decimal>,
    /// Price of the line, for reference.
    #[serde(default, deserialize_with = "unless_blank")]
    pub subtotal: Said<Decimal>,
    /// The warehouse, shop or company that sells it (marketplaces).
    #[serde(default, deserialize_with = "unless_blank")]
    pub warehouse_id: Said<ItemId>,
}

impl Item {
    /// Its numbers.
    #[must_use]
    pub fn numbers(&self) -> LineNumbers {
        LineNumbers { subtotal: self.subtotal, price: self.price, quantity: self.quantity, discount: self.discount }
    }
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
