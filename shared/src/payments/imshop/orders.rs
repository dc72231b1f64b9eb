//! Order creation: what IMSHOP sends to the shop, what the shop answers, and what of both a payment needs.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::{LineNumbers, sum_of_lines};
use crate::payments::payment::TaxWord;
use crate::platform::ids::{InstallId, ItemId, OrderId, OrderUuid};
use crate::platform::money::{Currency, Decimal, Money, Quantity};
use crate::platform::wire::{Flag, Lenient, Said, objects, readable, said, unless_blank};

/// IMSHOP's order creation, as far as payments need it. A field of a wrong type is left out, not refused: whether the order
/// is acceptable is the shop's to say. Only `orders[].uuid` must be there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The installation of the app.
    #[serde(default)]
    pub install_id: Lenient<InstallId>,
    /// One order, or several of a split cart.
    pub orders: Vec<Order>,
}

/// One order as IMSHOP sends it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// IMSHOP's id, acquiring's `orderUuid`.
    pub uuid: OrderUuid,
    /// The customer's name.
    #[serde(default)]
    pub name: Lenient<String>,
    /// The customer's phone, in any shape.
    #[serde(default)]
    pub phone: Lenient<String>,
    /// The customer's e-mail.
    #[serde(default)]
    pub email: Lenient<String>,
    /// ISO code; usually missing. Said but unreadable is not the same as unsaid.
    pub currency: Option<Lenient<String>>,
    /// The items, prices for reference only.
    #[serde(default, deserialize_with = "lines")]
    pub items: Lenient<Vec<Item>>,
    /// The customer's id at the shop; null for a guest. An inner `None` is said, here and below: it is there, and null.
    #[serde(default)]
    pub external_user_id: Lenient<Option<ItemId>>,
    /// ISO code of the country.
    #[serde(default)]
    pub country: Lenient<Option<ItemId>>,
    /// City: a name or a FIAS id.
    #[serde(default)]
    pub city: Lenient<Option<ItemId>>,
    /// The delivery, `source/id`.
    #[serde(default)]
    pub delivery: Lenient<Option<ItemId>>,
    /// Street and house.
    #[serde(default)]
    pub address: Lenient<String>,
    /// The pickup point.
    #[serde(default)]
    pub pickup_location_id: Lenient<Option<ItemId>>,
    /// The promo code.
    #[serde(default)]
    pub promocode: Lenient<Option<ItemId>>,
    /// Bonus points spent. Said but unreadable is not the same as unsaid.
    #[serde(default, deserialize_with = "said")]
    pub authorized_bonuses: Said<Option<Decimal>>,
}

impl Order {
    /// What the items cost by the request's own prices, which are for reference only. Nothing if an item has none, or there
    /// is none.
    #[must_use]
    pub fn items_amount(&self, currency: Currency) -> Option<Money> {
        sum_of_lines(self.items.0.iter().flatten().map(|item| Some(item.numbers())), currency)
    }
}

/// Reads lines, each by itself: nothing is known of one that cannot be read, so that what all of them cost is not known either.
fn lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Lenient<Vec<Item>>, D::Error> {
    let lines: Said<Vec<Lenient<Item>>> = objects(deserializer)?;
    let lines = lines.and_then(|Lenient(lines)| lines);
    Ok(Lenient(lines.map(|lines| lines.into_iter().map(|Lenient(line)| line.unwrap_or_default()).collect())))
}

/// An item in the request or in the shop's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Item {
    /// IMSHOP's id of the product.
    pub id: Lenient<ItemId>,
    /// The shop's id of the offer: the SKU.
    pub configuration_id: Lenient<ItemId>,
    /// The shop's id of the product.
    pub private_id: Lenient<ItemId>,
    pub name: Lenient<String>,
    /// How many.
    pub quantity: Said<Quantity>,
    /// Price of one.
    pub price: Said<Decimal>,
    /// What is taken off the whole line.
    pub discount: Said<Decimal>,
    /// Price of the line.
    pub subtotal: Said<Decimal>,
    /// The warehouse, shop or company that sells it (marketplaces).
    pub warehouse_id: Lenient<Option<ItemId>>,
    pub brand: Lenient<String>,
    pub category: Lenient<String>,
    /// The rate of VAT. Said but unreadable is not the same as unsaid, here and below.
    #[serde(deserialize_with = "unless_blank")]
    pub vat: Said<TaxWord>,
    /// What a receipt calls the goods.
    #[serde(deserialize_with = "unless_blank")]
    pub subject: Said<TaxWord>,
    /// How a receipt says that they are paid.
    #[serde(deserialize_with = "unless_blank")]
    pub mode: Said<TaxWord>,
}

impl Item {
    #[must_use]
    pub fn numbers(&self) -> LineNumbers {
        LineNumbers { subtotal: self.subtotal, price: self.price, quantity: self.quantity, discount: self.discount }
    }

    /// How many, if that is known.
    #[must_use]
    pub fn pieces(&self) -> Option<Quantity> {
        self.quantity.and_then(|said| said.0)
    }
}

/// The shop's answer, as far as payments need it.
#[derive(Deserialize)]
pub struct Answer {
    /// An answer for each order, matched by `uuid`. An entry that is none leaves its order unanswered, and no other.
    #[serde(deserialize_with = "readable")]
    pub orders: Vec<AnsweredOrder>,
}

/// The shop's word on one order.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnsweredOrder {
    /// Accepted: [`is_accepted`](Self::is_accepted).
    #[serde(default)]
    pub success: Lenient<Flag>,
    /// IMSHOP's id.
    #[serde(default)]
    pub uuid: Lenient<OrderUuid>,
    /// The shop's id, acquiring's `orderId`.
    #[serde(default)]
    pub id: Lenient<OrderId>,
    /// The id that the customer sees.
    #[serde(default)]
    pub public_id: Lenient<OrderId>,
    /// What the order costs, all in. Said but unreadable is not the same as unsaid.
    pub price: Option<Lenient<Decimal>>,
    /// What the delivery costs.
    pub delivery_price: Option<Lenient<Decimal>>,
    /// ISO code, if the shop says it.
    pub currency: Option<Lenient<String>>,
    /// The items with the shop's prices.
    #[serde(default, deserialize_with = "lines")]
    pub items: Lenient<Vec<Item>>,
    /// Whether the customer has bought before.
    #[serde(default)]
    pub returning_customer: Lenient<Flag>,
    /// For how many months the customer wants to pay.
    #[serde(default)]
    pub term: Lenient<u32>,
    /// What of the price the customer has paid already. Said but unreadable is not the same as unsaid.
    #[serde(default, deserialize_with = "said")]
    pub prepayment: Said<Option<Decimal>>,
    /// The shop's page on which the customer pays a part afterwards that is chosen on the provider's form.
    #[serde(default, deserialize_with = "said")]
    pub prepayment_url: Said<Option<String>>,
    /// Number of the fiscal receipt, if there is one already.
    #[serde(default)]
    pub check_number: Lenient<String>,
    /// Address of the fiscal receipt.
    #[serde(default)]
    pub check_link: Lenient<String>,
}

impl AnsweredOrder {
    /// Whether the shop accepts the order. Nothing if it says neither.
    #[must_use]
    pub fn is_accepted(&self) -> Option<bool> {
        self.success.0.map(|Flag(accepted)| accepted)
    }
}

/// Our answer when the shop's could not be had: every requested order echoed as not accepted.
#[derive(Serialize)]
pub struct OrderRefusal<'a> {
    /// What the customer reads.
    pub message: &'static str,
    /// One entry for each requested order.
    pub orders: Vec<RefusedOrder<'a>>,
}

/// An order that was not accepted.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedOrder<'a> {
    /// Always false.
    pub success: bool,
    /// IMSHOP's id.
    pub uuid: &'a str,
    /// A word for programs.
    pub error_code: &'static str,
    /// A sentence for people.
    pub error_message: &'static str,
}

/// The request's body as it goes on to the shop: byte for byte, but for IMSHOP's key if it came in the body.
pub fn without_key(body: &str) -> Result<String, serde_json::Error> {
    struct Fields(Vec<(String, Box<RawValue>)>);
    impl<'de> Deserialize<'de> for Fields {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Fields;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Fields, A::Error> {
                    let mut fields = Vec::new();
                    while let Some(field) = access.next_entry()? {
                        fields.push(field);
                    }
                    Ok(Fields(fields))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }
    let Fields(fields) = serde_json::from_str(body)?;
    if !fields.iter().any(|(name, _)| name == "key") {
        return Ok(body.to_owned());
    }
    let kept = fields.iter().filter(|(name, _)| name != "key");
    let text = kept.map(|(name, value)| Ok(format!("{}:{}", serde_json::to_string(name)?, value.get())));
    Ok(format!("{{{}}}", text.collect::<Result<Vec<_>, serde_json::Error>>()?.join(",")))
}

/// The body of `PUT /v1/orders/{orderUuid}`: the shop's own system pushes or corrects an order. Strict: what it says is charged.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Push {
    /// The shop's id, acquiring's `orderId`.
    pub order_id: OrderId,
    /// The id that the customer sees.
    pub public_id: Option<OrderId>,
    /// What the order costs, all in.
    pub amount: Decimal,
    /// ISO code; if missing that of the order, or the configured default for an order that is new.
    pub currency: Option<String>,
    /// The customer's phone.
    pub phone: Option<String>,
    /// The customer's e-mail.
    pub email: Option<String>,
    /// The customer's name.
    pub name: Option<String>,
    /// Where the order is delivered to.
    pub address: Option<String>,
    /// Whether the customer has bought before.
    pub returning_customer: Option<bool>,
    /// For how many months the customer wants to pay.
    pub term: Option<u32>,
    /// What of the amount the customer has paid already. 0 takes back what was said of it.
    pub prepayment: Option<Decimal>,
    /// The shop's page on which the customer pays a part afterwards that is chosen on the provider's form.
    pub prepayment_url: Option<String>,
    /// The installation of the app.
    pub install_id: Option<InstallId>,
    /// The lines of the order.
    pub items: Option<Vec<PushedItem>>,
    /// Number of the fiscal receipt.
    pub check_number: Option<String>,
    /// Address of the fiscal receipt.
    pub check_link: Option<String>,
}

/// A line of a pushed order.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PushedItem {
    /// The shop's id of the offer.
    pub sku: Option<ItemId>,
    /// What the customer bought.
    pub name: String,
    /// How many.
    pub quantity: Quantity,
    /// Price of one.
    pub price: Option<Decimal>,
    /// Price of the line.
    pub subtotal: Option<Decimal>,
    pub brand: Option<String>,
    pub category: Option<String>,
    /// The rate of VAT.
    pub vat: Option<TaxWord>,
    /// What a receipt calls the goods.
    pub subject: Option<TaxWord>,
    /// How a receipt says that they are paid.
    pub mode: Option<TaxWord>,
}
