//! The list of ways to pay: what IMSHOP tells about the cart, and the list it gets.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{InstallId, ItemId};
use crate::money::{Currency, Decimal, Money, Quantity};
use crate::wire::{Lenient, unless_blank};

/// The cart at the moment of choosing how to pay. Everything is optional: nothing that is missing hides the list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The customer's id at the shop, if known.
    #[serde(default, deserialize_with = "unless_blank")]
    pub external_user_id: Option<ItemId>,
    /// The installation of the app.
    pub install_id: Option<InstallId>,
    /// ISO code of the country.
    pub country: Option<String>,
    /// Some item is ordered ahead of its release.
    #[serde(default)]
    pub has_preorder_items: Option<bool>,
    /// City: a name or a FIAS id, opaque here.
    #[serde(default, deserialize_with = "unless_blank")]
    pub city: Option<ItemId>,
    /// The promo code in use.
    pub promocode: Option<String>,
    /// The chosen delivery, maybe `source/id`.
    #[serde(default, deserialize_with = "unless_blank")]
    pub delivery_id: Option<ItemId>,
    /// The chosen pickup point.
    #[serde(default, deserialize_with = "unless_blank")]
    pub pickup_location_id: Option<ItemId>,
    /// Bonus points that the customer wants to spend.
    pub bonuses_spent: Option<Decimal>,
    /// The order is for a company.
    #[serde(default)]
    pub legal_entity_mode: Option<bool>,
    /// Promotions active in the cart, kept as they came.
    #[serde(default)]
    pub promo_group: Lenient<Value>,
    /// The cart.
    #[serde(default)]
    pub items: Option<Vec<Item>>,
}

impl Request {
    /// What the cart costs by its own prices: the sum of the lines, if every one has a price.
    #[must_use]
    pub fn amount(&self, currency: Currency) -> Option<Money> {
        let items = self.items.as_deref().filter(|items| !items.is_empty())?;
        let nothing = Money::from_minor(0, currency).ok()?;
        items.iter().try_fold(nothing, |sum, item| sum.plus(item.amount(currency)?).ok())
    }
}

/// One line of the cart.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// IMSHOP's id of the product.
    pub id: Option<ItemId>,
    /// Its name.
    pub name: Option<String>,
    /// The shop's id of the product (`group_id` in the feed).
    pub private_id: Option<ItemId>,
    /// The shop's id of the offer: the SKU.
    pub configuration_id: Option<ItemId>,
    /// How many.
    pub quantity: Option<Quantity>,
    /// Price of one, for reference.
    pub price: Option<Decimal>,
    /// Discount on one, for reference.
    pub discount: Option<Decimal>,
    /// Price of the line, for reference.
    pub subtotal: Option<Decimal>,
    /// The warehouse, shop or company that sells it (marketplaces).
    #[serde(default, deserialize_with = "unless_blank")]
    pub warehouse_id: Option<ItemId>,
}

impl Item {
    fn amount(&self, currency: Currency) -> Option<Money> {
        let price = |price: Decimal| self.quantity.unwrap_or(Quantity::ONE).times(Money::new(price, currency)).ok();
        self.subtotal.map(|subtotal| Money::new(subtotal, currency)).or_else(|| self.price.and_then(price))
    }
}

/// IMSHOP's payment types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
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
    /// How the amount is paid in instalments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widget: Option<Widget>,
}

/// A plan of instalments as the app draws it. Document "IMSHOP payments", widget; the field's name is `paymentsGraphic`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Widget {
    /// What it costs and how long it takes.
    pub description: String,
    /// The payments, earliest first.
    pub payments_graphic: Vec<Period>,
}

/// One payment of a plan.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// The day, as people read it.
    pub period_description: String,
    /// The amount, as people read it.
    pub period_price: String,
    /// Its share in whole percent; those of a plan sum up to 100.
    pub progress: u8,
}
