//! Pieces of Mokka's messages: amounts, prices, moments, calendar dates. Amounts are strings with exactly two decimals on the
//! way out and anything decimal on the way in.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::platform::clock::{MOSCOW, Timestamp};
use crate::platform::money::{Decimal, Money};

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
        let local = at.utc().to_offset(MOSCOW);
        let (hour, minute, second) = local.to_hms();
        Self(format!("{} {hour:02}:{minute:02}:{second:02}+03:00", dotted(local.date())))
    }
}

/// One payment of the customer's schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct ScheduledPayment {
    /// The day it is due.
    #[serde(deserialize_with = "date")]
    pub date: Date,
    /// What is due, in roubles.
    pub amount: Decimal,
}

/// Mokka's decision about the customer's limit; others are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Decision {
    /// The limit is granted.
    Approved,
    /// The limit is refused.
    Declined,
    /// Something new.
    Other(String),
}

impl From<String> for Decision {
    fn from(decision: String) -> Self {
        match decision.as_str() {
            "approved" => Self::Approved,
            "declined" => Self::Declined,
            _ => Self::Other(decision),
        }
    }
}

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[day].[month].[year]");

/// Writes `dd.mm.yyyy`.
pub(super) fn dotted(date: Date) -> String {
    let (year, month, day) = date.to_calendar_date();
    format!("{day:02}.{:02}.{year:04}", u8::from(month))
}

/// Writes an optional date as `dd.mm.yyyy`.
#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
pub(super) fn optional_date<S: Serializer>(date: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
    date.map(dotted).serialize(serializer)
}

/// Writes an optional number as a string, as the document's `last_orders` wants it.
#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
pub(super) fn optional_digits<S: Serializer>(number: &Option<u32>, serializer: S) -> Result<S::Ok, S::Error> {
    number.map(|number| number.to_string()).serialize(serializer)
}

/// Reads `dd.mm.yyyy`.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    // Ten characters leave no room for a sign before the year.
    let date = if text.len() == 10 { Date::parse(&text, DAY).ok() } else { None };
    date.ok_or_else(|| D::Error::custom("must be a date like 31.12.2026"))
}

/// Reads a whole number from a JSON number or a numeric string.
pub(super) fn number<'de, D: Deserializer<'de>, N: std::str::FromStr>(deserializer: D) -> Result<N, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    raw.get().trim_matches('"').trim().parse().map_err(|_| D::Error::custom("must be a whole number"))
}

/// Reads a whole number likewise; anything else counts as absent.
pub(super) fn optional_number<'de, D: Deserializer<'de>, N: std::str::FromStr>(deserializer: D) -> Result<Option<N>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    Ok(raw.get().trim_matches('"').trim().parse().ok())
}
