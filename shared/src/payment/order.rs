//! An order as the shop accepted it: the origin of every amount.

use super::Cart;
use crate::ids::{InstallId, ItemId, OrderId, OrderUuid, PaymentId};
use crate::money::{Currency, Money, MoneyError, Quantity};
use crate::phone::Phone;

/// An order. Its `Debug` would show personal data, so it has none.
#[derive(Clone, PartialEq, Eq)]
pub struct Order {
    /// IMSHOP's id: the key.
    pub uuid: OrderUuid,
    /// The shop's id.
    pub id: OrderId,
    /// The id that the customer sees.
    pub public_id: Option<OrderId>,
    /// What it costs; unknown if the shop did not say.
    pub amount: Option<Money>,
    /// Its currency; unknown if the shop named one that cannot be read. Then nothing of the order has a price.
    pub currency: Option<Currency>,
    /// The customer's phone, if it can be read.
    pub phone: Option<Phone>,
    /// The customer's e-mail.
    pub email: Option<String>,
    /// The customer's name.
    pub name: Option<String>,
    /// What was bought.
    pub lines: Vec<Line>,
    /// What the delivery costs, if known.
    pub delivery: Option<Money>,
    /// The installation of the app.
    pub install_id: Option<InstallId>,
    /// Number of the fiscal receipt.
    pub check_number: Option<String>,
    /// Address of the fiscal receipt.
    pub check_link: Option<String>,
    /// The cart that it came from, if its request was recorded.
    pub cart: Option<Cart>,
    /// The newest attempt to pay it.
    pub latest_payment: Option<PaymentId>,
    /// How many attempts there were.
    pub attempts: u32,
    /// Counts the writes; every write names the version it replaces.
    pub version: u64,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The shop's id of the offer.
    pub sku: Option<ItemId>,
    /// What it is.
    pub name: String,
    /// How many.
    pub quantity: Quantity,
    /// Price of one, if known.
    pub price: Option<Money>,
    /// Price of the line, if known.
    pub subtotal: Option<Money>,
}

impl Line {
    /// The price of the line: as said, else price times quantity.
    #[must_use]
    pub fn total(&self) -> Option<Money> {
        self.subtotal.or_else(|| self.quantity.times(self.price?).ok())
    }
}

impl Order {
    /// Whether `id` names this order: its id or its public id.
    #[must_use]
    pub fn is_called(&self, id: &OrderId) -> bool {
        self.id == *id || self.public_id.as_ref() == Some(id)
    }

    /// The sum of the lines' subtotals and the delivery; nothing if any line has none or there is no line.
    pub fn sum_of_lines(lines: &[Line], delivery: Option<Money>, currency: Currency) -> Result<Option<Money>, MoneyError> {
        if lines.is_empty() {
            return Ok(None);
        }
        let mut sum = delivery.map_or_else(|| Money::from_minor(0, currency), Ok)?;
        for line in lines {
            let Some(subtotal) = line.subtotal else { return Ok(None) };
            sum = sum.plus(subtotal)?;
        }
        Ok(Some(sum))
    }
}
