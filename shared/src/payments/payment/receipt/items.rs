//! Lines as a cash register takes them: a price for one piece, times the quantity, is exactly what the line costs.

use super::lines::{ReceiptLine, ReceiptLines};
use super::problem::ReceiptProblem;
use crate::platform::money::{Money, Quantity};

/// An item of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptItem<'a> {
    pub line: &'a ReceiptLine,
    /// The name of what is sold; with how much it is, if that is not in the quantity.
    pub name: String,
    pub quantity: Quantity,
    /// The price of one.
    pub price: Money,
}

impl ReceiptLines {
    /// The items, at most `most`, with names of at most `longest` characters.
    pub fn items(&self, most: usize, longest: usize) -> Result<Vec<ReceiptItem<'_>>, ReceiptProblem> {
        let lines: Vec<_> = self.lines.iter().filter(|line| line.minor > 0).collect();
        if lines.len() > most {
            return Err(ReceiptProblem::TooManyLines { lines: lines.len(), most });
        }
        let split: Vec<_> = lines.iter().flat_map(|line| self.split(line, longest)).collect();
        if split.len() <= most {
            return Ok(split);
        }
        // Each line that has no price of one is one piece then.
        let exact = lines.into_iter().map(|line| {
            let mut items = self.split(line, longest);
            if items.len() == 1 { items.remove(0) } else { self.as_one(line, longest) }
        });
        Ok(exact.collect())
    }

    /// A line in one item, or in two of which one costs a kopeck more for each piece.
    fn split<'a>(&self, line: &'a ReceiptLine, longest: usize) -> Vec<ReceiptItem<'a>> {
        let item = |pieces: i64, minor: i64| ReceiptItem {
            line,
            name: shortened(&line.name, longest),
            quantity: Quantity::of_thousandths(pieces),
            price: self.money(minor),
        };
        let thousandths = line.quantity.thousandths();
        if thousandths > 0 && line.minor * 1000 % thousandths == 0 {
            return vec![item(thousandths, line.minor * 1000 / thousandths)];
        }
        match line.quantity.whole() {
            Some(pieces) if line.minor > pieces && pieces > 0 => {
                let (price, dearer) = (line.minor / pieces, line.minor % pieces);
                vec![item((pieces - dearer) * 1000, price), item(dearer * 1000, price + 1)]
            }
            Some(_) | None => vec![self.as_one(line, longest)],
        }
    }

    fn as_one<'a>(&self, line: &'a ReceiptLine, longest: usize) -> ReceiptItem<'a> {
        let much = format!(" × {}", line.quantity);
        let name = format!("{}{much}", shortened(&line.name, longest.saturating_sub(much.chars().count())));
        ReceiptItem { line, name, quantity: Quantity::ONE, price: self.money(line.minor) }
    }

    fn money(&self, minor: i64) -> Money {
        // No line costs more than the whole, which is money.
        Money::from_minor(minor, self.currency).unwrap_or_else(|_| Money::nothing(self.currency))
    }
}

/// A name that fits, with a mark where something was cut off.
fn shortened(name: &str, longest: usize) -> String {
    if name.chars().count() <= longest {
        return name.to_owned();
    }
    let kept: String = name.chars().take(longest.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
