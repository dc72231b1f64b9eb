//! What comes in: every field with its own type, every mistake named. Nothing that is not understood is passed over.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use shared::payments::payment::{AskedLine, Channel, Part, Payment, RefundReason, RefundTime};
use shared::platform::clock::Timestamp;
use shared::platform::http::{Failure, Inbound, decode};
use shared::platform::ids::ItemId;
use shared::platform::money::{Currency, Decimal, Money, Quantity};
use shared::platform::phone::Phone;
use shared::platform::secret::sha256_hex;
use url::Url;

/// The body as `T`; an empty one is an empty object.
pub(crate) fn body<T: DeserializeOwned>(inbound: &Inbound) -> Result<T, Failure> {
    let text = inbound.text()?;
    decode(if text.trim_ascii().is_empty() { "{}" } else { text })
}

/// A field's mistake.
pub(crate) fn wrong(field: &str, problem: impl fmt::Display) -> Failure {
    Failure::bad_request(format!("field `{field}`: {problem}"))
}

/// An amount, as a number or a text: `1500`, `1500.5`, `"1500.00"`. A text that may be read in two ways, `"1.500"`, is refused.
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(crate) struct Amount(Decimal);

impl Amount {
    pub(crate) fn in_currency(self, currency: Currency) -> Money {
        Money::new(self.0, currency)
    }

    pub(crate) fn is_zero(self) -> bool {
        self.0.hundredths() == 0
    }
}

/// More lines than any order has.
const MAX_PART: usize = 200;

/// So many of an offer, of which a part consists.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartLine {
    sku: ItemId,
    quantity: Quantity,
}

/// Refuses what is no part of a payment: an amount and lines, nothing of either.
pub(crate) fn check_part(amount: Option<Amount>, lines: Option<&[PartLine]>) -> Result<(), Failure> {
    if amount.is_some() && lines.is_some() {
        return Err(wrong("lines", "must not be there with `amount`: what they cost is the amount"));
    }
    if amount.is_some_and(Amount::is_zero) {
        return Err(wrong("amount", "must be above zero"));
    }
    let Some(lines) = lines else { return Ok(()) };
    if !(1..=MAX_PART).contains(&lines.len()) {
        return Err(wrong("lines", format!("must have 1 to {MAX_PART} lines")));
    }
    match lines.iter().position(|line| line.quantity.is_zero()) {
        Some(index) => Err(wrong(&format!("lines[{index}].quantity"), "must be above zero")),
        None => Ok(()),
    }
}

/// The part; nothing stands for the whole.
pub(crate) fn part(amount: Option<Amount>, lines: Option<Vec<PartLine>>, currency: Currency) -> Option<Part> {
    let lines = lines.map(|lines| {
        let asked = lines.into_iter().map(|PartLine { sku, quantity }| AskedLine { sku, quantity });
        Part::Lines(asked.collect())
    });
    lines.or_else(|| amount.map(|amount| Part::Amount(amount.in_currency(currency))))
}

/// An optional field that is either left out or meant: `null` is a mistake.
pub(crate) fn meant<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The longest idempotency key.
const MAX_KEY: usize = 100;

/// The name that the caller gives to a refund. The IETF draft "The Idempotency-Key HTTP Header Field" writes it in quotes, many
/// programs do not: it is the same key.
pub(crate) struct IdempotencyKey<'a>(&'a str);

impl<'a> IdempotencyKey<'a> {
    pub(crate) fn parse(header: &'a str) -> Result<Self, Failure> {
        let header = header.trim_matches([' ', '\t']);
        let key = header.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(header);
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(plain) {
            return Ok(Self(key));
        }
        Err(Failure::bad_request(format!(
            "header `Idempotency-Key`: must be 1 to {MAX_KEY} visible ASCII characters without \" and \\, in quotes or not, and new \
             for each refund"
        )))
    }

    /// The digest under which a refund of this payment is found. Earlier releases took the quotes for a part of the key.
    pub(crate) fn hash_on(&self, payment: &Payment) -> String {
        let hash = |key: &str| sha256_hex(&format!("{} {key}", payment.id));
        let quoted = Some(hash(&format!("\"{}\"", self.0))).filter(|hash| payment.refund_with_key(hash).is_some());
        quoted.unwrap_or_else(|| hash(self.0))
    }
}

/// Why money is given back, by its name.
pub(crate) struct Reason(pub(crate) RefundReason);

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = RefundReason::from_name(&String::deserialize(deserializer)?);
        found.map(Self).ok_or_else(|| {
            let names: Vec<_> = RefundReason::ALL.into_iter().map(RefundReason::name).collect();
            D::Error::custom(format_args!("must be one of {}", names.join(", ")))
        })
    }
}

/// When a refund is to be made.
pub(crate) struct When(pub(crate) RefundTime);

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "now" => Ok(Self(RefundTime::Now)),
            "earliest" => Ok(Self(RefundTime::Earliest)),
            _ => Err(D::Error::custom("must be now or earliest")),
        }
    }
}

/// The body of what needs none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// A number in a path, as it is written in answers.
pub(crate) fn number(text: &str) -> Result<usize, Failure> {
    text.parse().ok().filter(|number: &usize| number.to_string() == text).ok_or_else(Failure::not_found)
}

/// One of IMSHOP's addresses, by its name.
pub(crate) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Channel, D::Error> {
    let name = String::deserialize(deserializer)?;
    let found = Channel::IMSHOP.into_iter().find(|channel| channel.name() == name);
    found.ok_or_else(|| D::Error::custom("must be payment_status or order_status"))
}

/// A text of 1 to `MAX` characters in one line; surrounding white space is dropped.
pub(crate) struct Text<const MAX: usize>(pub(crate) String);

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let text = text.trim();
        if text.is_empty() || text.chars().count() > MAX || text.chars().any(char::is_control) {
            return Err(D::Error::custom(format_args!("must be 1 to {MAX} characters in one line")));
        }
        Ok(Self(text.to_owned()))
    }
}

/// An `https` address, as it was written.
pub(crate) struct Https(pub(crate) String);

/// Longer than any address that works everywhere.
const MAX_URL: usize = 2000;

impl<'de> Deserialize<'de> for Https {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let url = Url::parse(&text).ok().filter(|url| url.scheme() == "https" && url.has_host());
        let plain = text.len() <= MAX_URL && text.bytes().all(|byte| byte.is_ascii_graphic() || !byte.is_ascii());
        if url.is_some() && plain { Ok(Self(text)) } else { Err(D::Error::custom("must be an https:// address")) }
    }
}

/// A customer's phone, as forms take it.
pub(crate) struct CustomerPhone(pub(crate) Phone);

impl<'de> Deserialize<'de> for CustomerPhone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Phone::parse(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

/// A phone that Mokka can have, as the ten digits that it takes.
pub(crate) struct MokkaPhone(pub(crate) String);

impl<'de> Deserialize<'de> for MokkaPhone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let phone = Phone::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let digits = phone.mokka_digits().ok_or_else(|| D::Error::custom("must be a Russian number: Mokka has no others"))?;
        Ok(Self(digits.to_owned()))
    }
}

/// An e-mail address, as far as one can tell without writing to it.
pub(crate) struct Email(pub(crate) String);

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts = text.split_once('@').filter(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
        let plain = text.len() <= 254 && !text.chars().any(|character| character.is_whitespace() || character.is_control());
        if parts.is_some() && plain { Ok(Self(text)) } else { Err(D::Error::custom("must be an e-mail address")) }
    }
}

/// A moment in RFC 3339.
pub(crate) struct Moment(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let at = Timestamp::from_rfc3339(&String::deserialize(deserializer)?);
        at.map(Self).ok_or_else(|| D::Error::custom("must be a moment like 2026-11-22T08:00:00Z"))
    }
}
