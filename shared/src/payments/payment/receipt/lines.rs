//! The lines, and what they cost.

use super::problem::ReceiptProblem;
use super::spread::spread;
use crate::payments::payment::order::{Line, Order};
use crate::payments::payment::tax::LineTax;
use crate::payments::texts;
use crate::platform::ids::ItemId;
use crate::platform::money::{Currency, Money, Quantity};

/// What money is for: lines whose prices sum up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptLines {
    pub(super) lines: Vec<ReceiptLine>,
    pub(super) currency: Currency,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptLine {
    /// The shop's id of the offer.
    pub sku: Option<ItemId>,
    pub name: String,
    pub quantity: Quantity,
    /// The price of all of it, in minor units.
    pub minor: i64,
    pub tax: LineTax,
    pub is_delivery: bool,
}

impl ReceiptLines {
    /// The lines of `order` and its delivery, when `amount` is paid for them: what that is less than their sum is a discount, spread over the
    /// goods, and over the delivery once no good costs anything any more.
    pub fn of(order: &Order, amount: Money) -> Result<Self, ReceiptProblem> {
        of_order(&order.lines, order.delivery, amount)
    }

    /// Lines that were stored.
    #[must_use]
    pub fn stored(lines: Vec<ReceiptLine>, currency: Currency) -> Self {
        Self { lines, currency }
    }

    #[must_use]
    pub fn lines(&self) -> &[ReceiptLine] {
        &self.lines
    }

    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// Some of them.
    #[must_use]
    pub fn those(&self, mut wanted: impl FnMut(&ReceiptLine) -> bool) -> Self {
        Self { lines: self.lines.iter().filter(|line| wanted(line)).cloned().collect(), currency: self.currency }
    }

    /// What they cost together, in minor units.
    #[must_use]
    pub fn minor(&self) -> i64 {
        self.lines.iter().map(|line| line.minor).sum()
    }

    /// The same lines for another amount, each line's price in proportion. No amount is more than what they cost.
    #[must_use]
    pub fn for_amount(&self, amount: Money) -> Self {
        let weights: Vec<i64> = self.lines.iter().map(|line| line.minor).collect();
        let shares = spread(amount.minor().min(self.minor()), &weights);
        let lines = self.lines.iter().zip(shares).map(|(line, minor)| ReceiptLine { minor, ..line.clone() });
        Self { lines: lines.collect(), currency: self.currency }
    }
}

pub(super) fn of_order(lines: &[Line], delivery: Option<Money>, amount: Money) -> Result<ReceiptLines, ReceiptProblem> {
    let currency = amount.currency();
    if lines.is_empty() {
        return Err(ReceiptProblem::NoLines);
    }
    let goods = lines.iter().enumerate().map(|(index, line)| {
        let total = line.total().filter(|total| total.currency() == currency);
        let total = total.ok_or(ReceiptProblem::NoPrice(index + 1))?;
        Ok(ReceiptLine {
            sku: line.sku.clone(),
            name: line.name.clone(),
            quantity: line.quantity,
            minor: total.minor(),
            tax: line.tax.clone(),
            is_delivery: false,
        })
    });
    let goods: Vec<ReceiptLine> = goods.collect::<Result<_, _>>()?;
    let of_goods: i64 = goods.iter().map(|line| line.minor).sum();
    // Goods that cost what is to be paid have a delivery that costs nothing, whatever was said of it before.
    let delivery = delivery.filter(|delivery| delivery.currency() == currency && of_goods != amount.minor());
    let delivery = delivery.map_or(0, Money::minor);
    let discount = of_goods + delivery - amount.minor();
    if discount < 0 {
        let lines = Money::from_minor(of_goods + delivery, currency).unwrap_or(amount);
        return Err(ReceiptProblem::BelowAmount { lines, amount });
    }
    let of_goods_paid = (of_goods - discount).max(0);
    let goods = ReceiptLines { lines: goods, currency };
    let mut paid = Money::from_minor(of_goods_paid, currency).map_or_else(|_| goods.clone(), |paid| goods.for_amount(paid));
    let delivery = amount.minor() - of_goods_paid;
    paid.lines.push(ReceiptLine {
        sku: None,
        name: texts::DELIVERY.to_owned(),
        quantity: Quantity::ONE,
        minor: delivery,
        tax: LineTax::default(),
        is_delivery: true,
    });
    // A receipt has no line that costs nothing.
    paid.lines.retain(|line| line.minor > 0);
    Ok(paid)
}
