//! What a fiscal receipt says of a line beside its price (54-ФЗ; reference "Card gateways", 1.6): in the shop's words, for which each
//! gateway has numbers or words of its own.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

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
    /// Reads a word: white space around it, capitals and a percent sign at its end do not count.
    pub fn parse(text: &str) -> Result<Self, TaxWordError> {
        let word = text.trim();
        let word = word.strip_suffix('%').unwrap_or(word).trim_end().to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"./-_".contains(&byte);
        if (1..=LONGEST).contains(&word.len()) && word.bytes().all(plain) { Ok(Self(word)) } else { Err(TaxWordError) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaxWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A string, or a number: a rate of 20 is the word `20`.
impl<'de> Deserialize<'de> for TaxWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = if raw.get().starts_with('"') {
            serde_json::from_str::<String>(raw.get()).map_err(D::Error::custom)?
        } else {
            raw.get().to_owned()
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
            "pattern": "^[0-9A-Za-z./_-]{1,40}%?$"
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
