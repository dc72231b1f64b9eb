//! A part of the lines: what is captured of them, or given back.

use super::lines::{ReceiptLine, ReceiptLines};
use super::spread::spread;
use crate::platform::ids::ItemId;
use crate::platform::money::{Money, Quantity};

/// What names the delivery among lines, unless an offer is called so.
const DELIVERY: &str = "delivery";

/// So many of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedLine {
    /// The shop's id of the offer, or `delivery`.
    pub sku: ItemId,
    pub quantity: Quantity,
}

/// A part of a payment's money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Amount(Money),
    /// So many of these offers.
    Lines(Vec<AskedLine>),
}

/// What is to be given back.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub amount: Money,
    /// Which lines it is for.
    pub part: ReceiptPart,
    /// A digest of the lines, if they were asked for.
    pub lines_hash: Option<String>,
}

/// A part of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptPart(pub Vec<TakenLine>);

/// What is taken of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenLine {
    /// The index of the line.
    pub line: usize,
    /// How many of its pieces; none if it is only a part of their price.
    pub quantity: Option<Quantity>,
    /// In minor units.
    pub minor: i64,
}

/// Why there is no such part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinesRefusal {
    #[error("no line of the payment has the sku `{0}`, or nothing is left of it")]
    Unknown(String),
    #[error("of `{sku}` at most {left} are left")]
    AboveLeft { sku: String, left: Quantity },
    #[error("the lines of this payment are not known: its gateway makes no receipts; give an amount")]
    NotKept,
    #[error("the lines cost nothing")]
    Nothing,
}

impl ReceiptPart {
    /// What it costs, in minor units.
    #[must_use]
    pub fn minor(&self) -> i64 {
        self.0.iter().map(|taken| taken.minor).sum()
    }
}

impl ReceiptLines {
    /// So many pieces of these offers, at what is left of their price.
    pub fn part(&self, asked: &[AskedLine]) -> Result<ReceiptPart, LinesRefusal> {
        let mut part = ReceiptPart::default();
        for AskedLine { sku, quantity } in asked {
            let mut wanted = quantity.thousandths();
            let mut left = 0;
            for (index, line) in self.lines.iter().enumerate().filter(|(_, line)| self.is_called(line, sku)) {
                let before: i64 = part.0.iter().filter(|taken| taken.line == index).map(TakenLine::thousandths).sum();
                let of_line = line.quantity.thousandths() - before;
                left += of_line;
                let taken = wanted.min(of_line);
                if taken > 0 {
                    let spent = part.0.iter().filter(|taken| taken.line == index).map(|taken| taken.minor).sum::<i64>();
                    let minor = if taken == of_line { line.minor - spent } else { priced(line, taken) };
                    part.0.push(TakenLine { line: index, quantity: Some(Quantity::of_thousandths(taken)), minor });
                    wanted -= taken;
                }
            }
            if left == 0 {
                return Err(LinesRefusal::Unknown(sku.to_string()));
            }
            if wanted > 0 {
                return Err(LinesRefusal::AboveLeft { sku: sku.to_string(), left: Quantity::of_thousandths(left) });
            }
        }
        if part.minor() == 0 { Err(LinesRefusal::Nothing) } else { Ok(part) }
    }

    fn is_called(&self, line: &ReceiptLine, sku: &ItemId) -> bool {
        let is_it = |line: &ReceiptLine| line.sku.as_ref() == Some(sku);
        is_it(line) || line.is_delivery && sku.as_str() == DELIVERY && !self.lines.iter().any(is_it)
    }

    /// A part of everybody's price that costs `amount`, which is not above what they cost.
    #[must_use]
    pub fn share(&self, amount: Money) -> ReceiptPart {
        let weights: Vec<i64> = self.lines.iter().map(|line| line.minor).collect();
        let shares = spread(amount.minor().min(self.minor()), &weights).into_iter().enumerate();
        let taken = shares.filter(|(_, minor)| *minor > 0).map(|(index, minor)| {
            let line = &self.lines[index];
            TakenLine { line: index, quantity: (minor == line.minor).then_some(line.quantity), minor }
        });
        ReceiptPart(taken.collect())
    }

    /// The lines of a part. One of which only a part of the price is in it is one piece at that price.
    #[must_use]
    pub fn of_part(&self, part: &ReceiptPart) -> Self {
        let lines = part.0.iter().filter_map(|taken| {
            let line = self.lines.get(taken.line)?.clone();
            Some(ReceiptLine { quantity: taken.quantity.unwrap_or(Quantity::ONE), minor: taken.minor, ..line })
        });
        Self { lines: lines.filter(|line| line.minor > 0).collect(), currency: self.currency }
    }

    /// What is left without a part. Lines keep their places, so that another part can still name them.
    #[must_use]
    pub fn without(&self, part: &ReceiptPart) -> Self {
        let mut rest = self.clone();
        for taken in &part.0 {
            if let Some(line) = rest.lines.get_mut(taken.line) {
                line.minor = (line.minor - taken.minor).max(0);
                line.quantity = Quantity::of_thousandths(line.quantity.thousandths() - taken.thousandths());
            }
        }
        rest
    }
}

impl TakenLine {
    fn thousandths(&self) -> i64 {
        self.quantity.map_or(0, Quantity::thousandths)
    }
}

/// The price of so many thousandths of a line, rounded down: the last piece has what is left.
fn priced(line: &ReceiptLine, thousandths: i64) -> i64 {
    let all = i128::from(line.quantity.thousandths()).max(1);
    i64::try_from(i128::from(line.minor) * i128::from(thousandths) / all).unwrap_or(line.minor)
}
