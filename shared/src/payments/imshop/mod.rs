//! IMSHOP's webhooks: what it sends and what it expects (documents "IMSHOP payments", "acquiring", "form OTP"; reference
//! "IMSHOP"). Everything optional is optional on input and left out on output; ids may come as numbers and go out as text;
//! unknown fields are ignored.

pub mod acquiring;
pub mod orders;
pub mod payments;
pub mod status;

use crate::platform::money::{Currency, Decimal, Money, Quantity};
use crate::platform::wire::{Lenient, Said};

/// The numbers of a line of a cart or an order, as far as they are said.
#[derive(Clone, Copy, Debug)]
pub struct LineNumbers {
    /// What the line costs.
    pub subtotal: Said<Decimal>,
    /// What one costs.
    pub price: Said<Decimal>,
    /// How many.
    pub quantity: Said<Quantity>,
    /// What is taken off the whole line.
    pub discount: Said<Decimal>,
}

impl LineNumbers {
    /// What the line costs: as said, else its price times its quantity, less its discount. Nothing if that takes a number that is
    /// missing, and nothing is made of one that cannot be read.
    #[must_use]
    pub fn total(self, currency: Currency) -> Option<Money> {
        let money = |Lenient(number): Lenient<Decimal>| number.map(|number| Money::new(number, currency));
        if let Some(subtotal) = self.subtotal {
            return money(subtotal);
        }
        self.less_discount(self.quantity?.0?.times(money(self.price?)?).ok()?)
    }

    /// What the line costs if one (of one, if the quantity is missing) costs so much.
    #[must_use]
    pub fn at(self, price: Money) -> Option<Money> {
        self.less_discount(self.of_one().quantity?.0?.times(price).ok()?)
    }

    fn less_discount(self, full: Money) -> Option<Money> {
        let discount = |said: Lenient<Decimal>| Some(Money::new(said.0?, full.currency()));
        self.discount.map_or(Some(full), |said| full.minus(discount(said)?).ok())
    }

    /// The same line, of which there is one if the quantity is missing.
    fn of_one(self) -> Self {
        Self { quantity: self.quantity.or(Some(Lenient(Some(Quantity::ONE)))), ..self }
    }
}

/// What the lines of a cart cost by their own numbers, for display and for rules. Nothing if that of a line is not known, or there is no
/// line.
fn sum_of_lines(lines: impl Iterator<Item = Option<LineNumbers>>, currency: Currency) -> Option<Money> {
    let mut totals = lines.map(|line| line?.of_one().total(currency));
    let first = totals.next()??;
    totals.try_fold(first, |sum, total| sum.plus(total?).ok())
}
