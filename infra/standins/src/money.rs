//! Money as integer kopecks, read and written without a float.

use std::fmt;

use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// An amount in kopecks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kopecks(pub(crate) u64);

impl Kopecks {
    /// Exactly two decimals and no superfluous zero in front, as Mokka's amounts are written: `"8300.00"`.
    pub(crate) fn strict(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.')?;
        let canonical = decimals.len() == 2 && (whole == "0" || !whole.starts_with('0'));
        if canonical { Self::lenient(text) } else { None }
    }

    /// Up to two decimals: `"4999"`, `"4999.0"`, `"4999.00"`.
    pub(crate) fn lenient(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "00"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.len() > 12 || decimals.len() > 2 {
            return None;
        }
        let kopecks: u64 = decimals.parse().ok()?;
        let kopecks = if decimals.len() == 1 { kopecks * 10 } else { kopecks };
        Some(Self(whole.parse::<u64>().ok()? * 100 + kopecks))
    }

    /// A JSON number with at most two decimals. The parser's text of a number is its shortest one, so `1234.5` and
    /// `0.1` come back exactly.
    pub(crate) fn number(number: &Number) -> Option<Self> {
        Self::lenient(&number.to_string())
    }

    pub(crate) fn times(self, quantity: u64) -> Option<Self> {
        self.0.checked_mul(quantity).map(Self)
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// What is left after taking `other` away; `None` if that is more than there is.
    pub(crate) fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// In thousandths of a kopeck, as a price by a quantity is exact.
    pub(crate) fn thousandths(self) -> u128 {
        u128::from(self.0) * 1000
    }

    /// A JSON number as short as it can be: `6500`, `250.5`, `666.67`.
    pub(crate) fn to_short_number(self) -> Box<RawValue> {
        let text = self.to_string();
        let short = text.trim_end_matches('0').trim_end_matches('.');
        RawValue::from_string(short.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }

    /// A JSON number with exactly two decimals.
    pub(crate) fn to_number(self) -> Box<RawValue> {
        RawValue::from_string(self.to_string()).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

/// A quantity with three decimals: pieces, or a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Thousandths(pub(crate) u64);

impl Thousandths {
    pub(crate) const ONE: Self = Self(1000);

    /// A number of at least zero with at most three decimals, maybe as a text.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let said = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().replace(',', "."),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        let (whole, decimals) = said.split_once('.').unwrap_or((&said, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 3 {
            return None;
        }
        let thousandths: u64 = format!("{decimals:0<3}").parse().ok()?;
        whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(thousandths).map(Self)
    }

    pub(crate) fn is_whole(self) -> bool {
        self.0.is_multiple_of(1000)
    }

    /// What so much costs, a half of a kopeck rounded up.
    pub(crate) fn of(self, price: Kopecks) -> Option<Kopecks> {
        let exact = u128::from(price.0) * u128::from(self.0);
        u64::try_from((exact + 500) / 1000).ok().map(Kopecks)
    }

    /// A JSON number as short as it can be: `2`, `0.5`.
    pub(crate) fn to_number(self) -> Box<RawValue> {
        let text = format!("{}.{:03}", self.0 / 1000, self.0 % 1000);
        let short = text.trim_end_matches('0').trim_end_matches('.');
        RawValue::from_string(short.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

impl fmt::Display for Kopecks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_strict_or_lenient() {
        assert_eq!(Kopecks::strict("8300.00"), Some(Kopecks(830_000)));
        assert_eq!(Kopecks::strict("0.05"), Some(Kopecks(5)));
        for wrong in ["8300", "8300.0", "08300.00", "-1.00", "1.000", ".00", "1.", "1,00", " 1.00", "1e3", ""] {
            assert_eq!(Kopecks::strict(wrong), None, "{wrong}");
        }
        assert_eq!(Kopecks::lenient("4999.5"), Some(Kopecks(499_950)));
        assert_eq!(Kopecks::lenient("4999"), Some(Kopecks(499_900)));
    }

    #[test]
    fn numbers_keep_their_kopecks() {
        for (text, kopecks) in [("0.1", 10), ("1500", 150_000), ("1234.5", 123_450), ("19.99", 1_999)] {
            let number: Number = serde_json::from_str(text).unwrap();
            assert_eq!(Kopecks::number(&number), Some(Kopecks(kopecks)), "{text}");
        }
        for text in ["-1", "1e21", "0.001"] {
            let number: Number = serde_json::from_str(text).unwrap();
            assert_eq!(Kopecks::number(&number), None, "{text}");
        }
        assert_eq!(Kopecks(770_000).to_number().get(), "7700.00");
        for (kopecks, text) in [(650_000, "6500"), (25_050, "250.5"), (66_667, "666.67"), (5, "0.05"), (0, "0"), (1_000, "10")] {
            assert_eq!(Kopecks(kopecks).to_short_number().get(), text);
        }
    }
}
