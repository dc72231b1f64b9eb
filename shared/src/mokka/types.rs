//! Mokka's messages. Amounts are strings with exactly two decimals on the way out and anything decimal on the way in.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::money::{Decimal, Money};

/// An amount in a request: `"1500.00"`.
#[derive(Clone, Debug, Serialize)]
pub struct Amount(String);

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self(money.decimal())
    }
}

/// A price in a cart: a JSON number with its decimals exactly as the money has them.
#[derive(Clone, Debug, Serialize)]
pub struct Price(Box<RawValue>);

impl TryFrom<Money> for Price {
    type Error = serde_json::Error;

    fn try_from(money: Money) -> Result<Self, Self::Error> {
        RawValue::from_string(money.decimal()).map(Self)
    }
}

/// A moment as Mokka writes it: `dd.mm.yyyy HH:MM:SS+03:00`, Moscow time.
#[derive(Clone, Debug, Serialize)]
pub struct MoscowTime(String);

impl From<Timestamp> for MoscowTime {
    fn from(at: Timestamp) -> Self {
        let local = at.utc().to_offset(time::macros::offset!(+3));
        Self(format!(
            "{:02}.{:02}.{:04} {:02}:{:02}:{:02}+03:00",
            local.day(),
            u8::from(local.month()),
            local.year(),
            local.hour(),
            local.minute(),
            local.second()
        ))
    }
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
    /// The order.
    pub current_order: CheckoutOrder,
    /// The cart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cart_items: Vec<CartItem>,
    /// Go to `redirect_url` at once, without a result page.
    pub skip_result_page: bool,
}

/// The order of a [`CheckoutRequest`].
#[derive(Clone, Serialize)]
pub struct CheckoutOrder {
    /// Our payment id.
    pub order_id: String,
    /// Until when the order is open and the money held.
    pub valid_till: MoscowTime,
    /// What is to be paid.
    pub amount: Amount,
}

/// A line of the cart.
#[derive(Clone, Serialize)]
pub struct CartItem {
    /// The shop's id of the offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// What it is.
    pub name: String,
    /// Price of one.
    pub price: Price,
    /// How many; left out when it is not a whole number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i64>,
}

/// What Checkout answers.
#[derive(Debug, Deserialize)]
pub struct Checkout {
    /// The page for the customer: an opaque https URL.
    pub iframe_url: String,
}

/// Names an order: the body of Status and Cancel.
#[derive(Clone, Debug, Serialize)]
pub struct OrderRef<'a> {
    /// Our payment id.
    pub order_id: &'a str,
}

/// Finish: captures a hold. Sent as the part `body` beside the document in the part `check`.
#[derive(Clone, Debug, Serialize)]
pub struct FinishRequest {
    /// Our payment id.
    pub order_id: String,
    /// What is captured: the whole amount.
    pub amount: Amount,
    /// Number of the fiscal receipt, or of the sales document.
    pub check_number: String,
    /// Address of the fiscal receipt (the document's second `check_number`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_link: Option<String>,
}

/// What Status answers.
#[derive(Debug, Deserialize)]
pub struct Status {
    /// The order.
    pub current_order: StatusOrder,
}

/// The order of a [`Status`]. `expired` (information only) and `term` are not read.
#[derive(Debug, Deserialize)]
pub struct StatusOrder {
    /// Ours, hopefully.
    pub order_id: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// The amount that the customer took; kept as nothing if it cannot be read.
    #[serde(default)]
    pub amount: crate::wire::Lenient<Decimal>,
}

/// Mokka's order statuses; others are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum OrderStatus {
    /// The customer has not finished.
    Pending,
    /// The money is held.
    Hold,
    /// Captured.
    Finished,
    /// Canceled.
    Canceled,
    /// Refused, by policy or because the offer does not suit the customer.
    Declined,
    /// Wholly given back.
    Refunded,
    /// The hold ran out.
    Expired,
    /// Something new.
    Other(String),
}

impl From<String> for OrderStatus {
    fn from(status: String) -> Self {
        match status.as_str() {
            "pending" => Self::Pending,
            "hold" => Self::Hold,
            "finished" => Self::Finished,
            "canceled" => Self::Canceled,
            "declined" => Self::Declined,
            "refunded" => Self::Refunded,
            "expired" => Self::Expired,
            _ => Self::Other(status),
        }
    }
}

/// The part of every answer that says whether it worked. `status` comes as a number or a numeric string.
#[derive(Debug, Deserialize)]
pub(super) struct Verdict {
    #[serde(deserialize_with = "number")]
    pub(super) status: i64,
    #[serde(default)]
    pub(super) message: crate::wire::Lenient<String>,
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    raw.get().trim_matches('"').trim().parse().map_err(|_| D::Error::custom("must be a whole number"))
}

/// Checkout's callback. Only a hint: the truth is a Status call. Everything in it is optional.
#[derive(Debug, Default, Deserialize)]
pub struct CheckoutCallback {
    /// Ours, hopefully.
    #[serde(default)]
    pub order_id: crate::wire::Lenient<String>,
    /// `approved` or `declined`.
    #[serde(default)]
    pub decision: crate::wire::Lenient<String>,
}
