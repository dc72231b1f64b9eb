//! What a fiscal receipt says of a line beside its price (54-ФЗ; reference "Card gateways", 1.6): in the shop's words, for which each
//! gateway has numbers or words of its own.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

use crate::platform::money::Decimal;

/// The longest word.
const LONGEST: usize = 40;

/// A word for a tax rate, a subject or a mode of payment: `20`, `none`, `service`, `full_prepayment`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaxWord(String);

/// The text is no word for a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a word like 20, none or full_payment: 1 to 40 small Latin letters, digits, points, slashes, hyphens or underscores"
)]
pub struct TaxWordError;

impl TaxWord {
    /// Reads a word: white space around it, capitals, a percent sign at its end and decimals that are zero do not count.
    pub fn parse(text: &str) -> Result<Self, TaxWordError> {
        let word = text.trim();
        let word = without_zero_decimals(word.strip_suffix('%').unwrap_or(word).trim_end()).to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"./-_".contains(&byte);
        if (1..=LONGEST).contains(&word.len()) && word.bytes().all(plain) { Ok(Self(word)) } else { Err(TaxWordError) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A rate of `20.00`, as databases write it, is one of `20`.
fn without_zero_decimals(word: &str) -> &str {
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match word.split_once('.') {
        Some((whole, decimals)) if are_digits(whole) && are_digits(decimals) => word.trim_end_matches('0').trim_end_matches('.'),
        Some(_) | None => word,
    }
}

impl fmt::Display for TaxWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A string, or a number with at most two decimals: a rate of 20 is the word `20`.
impl<'de> Deserialize<'de> for TaxWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = if raw.get().starts_with('"') {
            serde_json::from_str::<String>(raw.get()).map_err(D::Error::custom)?
        } else {
            Decimal::of_number(raw.get()).map_err(|_| D::Error::custom(TaxWordError))?.to_string()
        };
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for TaxWord {
    fn schema_name() -> Cow<'static, str> {
        "TaxWord".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A word of the shop's for a tax rate, a subject or a mode of payment: `20`, `none`, `service`.",
            "type": "string",
            "pattern": "^ *[0-9A-Za-z./_-]{1,40} *%? *$"
        })
    }
}

/// What a receipt says of a line; of what the shop does not say the gateway's section has a default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineTax {
    /// The rate of VAT: `none`, `0`, `10`, `20`, `22`, …
    pub vat: Option<TaxWord>,
    /// What is sold: `commodity`, `service`, …
    pub subject: Option<TaxWord>,
    /// How it is paid: `full_prepayment`, `full_payment`, …
    pub mode: Option<TaxWord>,
}

impl LineTax {
    /// About what it takes to store it, in bytes.
    pub(super) fn weight(&self) -> usize {
        let Self { vat, subject, mode } = self;
        [vat, subject, mode].into_iter().flatten().map(|word| word.as_str().len() + 12).sum()
    }
}
