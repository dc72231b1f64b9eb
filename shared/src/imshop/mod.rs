//! IMSHOP's webhooks: what it sends and what it expects (documents "IMSHOP payments", "acquiring", "form OTP"; reference
//! "IMSHOP"). Everything optional is optional on input and left out on output; ids may come as numbers and go out as text;
//! unknown fields are ignored.

pub mod acquiring;
pub mod forms;
pub mod orders;
pub mod payments;
pub mod status;

use crate::money::{Currency, Decimal, Money, Quantity};

/// What lines of a cart or an order cost by their own prices, for display and for rules: each its `subtotal`, else its price
/// times its quantity (one, if not said). Nothing if a line has neither, or there is no line.
fn sum_of_lines(
    mut lines: impl Iterator<Item = (Option<Decimal>, Option<Decimal>, Option<Quantity>)>,
    currency: Currency,
) -> Option<Money> {
    let line = |(subtotal, price, quantity): (Option<Decimal>, Option<Decimal>, Option<Quantity>)| match subtotal {
        Some(subtotal) => Some(Money::new(subtotal, currency)),
        None => quantity.unwrap_or(Quantity::ONE).times(Money::new(price?, currency)).ok(),
    };
    let first = line(lines.next()?)?;
    lines.try_fold(first, |sum, next| sum.plus(line(next)?).ok())
}
