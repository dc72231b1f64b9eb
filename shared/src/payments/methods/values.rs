//! The values that conditions are made of, each checked as it is read.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};

use crate::platform::config::{list, not_blank, table, text};
use crate::platform::money::Decimal;
use crate::platform::plain::normal;

/// A list with something in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Many<T>(Vec<T>);

impl<T> Many<T> {
    /// What is in it.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        list(deserializer, |values: Vec<T>| {
            let empty = values.is_empty();
            if empty { Err("must not be empty; leave the key out to ask nothing".to_owned()) } else { Ok(Self(values)) }
        })
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "array", "minItems": 1, "items": generator.subschema_for::<T>()})
    }
}

impl<T: fmt::Display> fmt::Display for Many<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.iter().enumerate() {
            let between = if index == 0 {
                ""
            } else if index + 1 < self.0.len() {
                ", "
            } else {
                " or "
            };
            write!(f, "{between}{value}")?;
        }
        Ok(())
    }
}

/// A text with something in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    written: String,
    normal: String,
}

impl Text {
    /// That id: invisible characters, how letters are composed and which dash it is do not count.
    pub(super) fn is(&self, said: &str) -> bool {
        self.normal == normal(said)
    }

    /// That id, or its part after `source/`.
    pub(super) fn names(&self, said: &str) -> bool {
        with_and_without_source(said).any(|said| self.is(said))
    }

    /// The same word for a reader: case and the dots of ё do not count either.
    pub(super) fn reads_like(&self, said: &str) -> bool {
        folded(&self.normal) == folded(said)
    }
}

fn folded(text: &str) -> String {
    normal(text).to_lowercase().replace('ё', "е")
}

fn with_and_without_source(said: &str) -> impl Iterator<Item = &str> {
    [Some(said), said.split_once('/').map(|(_, id)| id)].into_iter().flatten()
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = text(deserializer, not_blank)?;
        Ok(Self { normal: normal(&written).into_owned(), written })
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// An ISO code of a country: two letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Country(String);

impl Country {
    /// That country, whatever the case.
    pub(super) fn is(&self, said: &str) -> bool {
        self.0.eq_ignore_ascii_case(&normal(said))
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |code| {
            let right = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
            if right { Ok(Self(code.to_ascii_uppercase())) } else { Err("must be an ISO code of two letters, like \"KG\"") }
        })
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of an item, or with a star at its end the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    id: String,
    normal: String,
    is_beginning: bool,
}

impl Pattern {
    /// Whether an id, or its part after `source/`, is one of those that are meant.
    pub(super) fn any_matches(patterns: &Many<Self>, said: &str) -> bool {
        let said = normal(said);
        with_and_without_source(&said).any(|said| patterns.iter().any(|pattern| pattern.matches(said)))
    }

    fn matches(&self, said: &str) -> bool {
        if self.is_beginning { said.starts_with(&self.normal) } else { said == self.normal }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |text| {
            let text = not_blank(text)?;
            let (id, is_beginning) = text.strip_suffix('*').map_or((text.as_str(), false), |id| (id, true));
            let right = !id.is_empty() && !id.contains('*');
            let pattern = Self { normal: normal(id).into_owned(), id: id.to_owned(), is_beginning };
            if right { Ok(pattern) } else { Err("must be an id; one star may end it, like \"gift-*\"") }
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.id, if self.is_beginning { "*" } else { "" })
    }
}

/// Whether there is any at all, or which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Any, or none.
    Any(bool),
    /// One of these.
    OneOf(Many<Text>),
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Choice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or a list in brackets")
            }

            fn visit_bool<E: de::Error>(self, any: bool) -> Result<Choice, E> {
                Ok(Choice::Any(any))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, sequence: A) -> Result<Choice, A::Error> {
                Many::deserialize(de::value::SeqAccessDeserializer::new(sequence)).map(Choice::OneOf)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A number with at most two decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bound(Decimal);

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Bound;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number like 1500 or 1500.50")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Bound, E> {
                Decimal::of_number(&number.to_string()).map(Bound).map_err(E::custom)
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Bound, E> {
                // The shortest text of a float is the text that was written, for as many digits as an amount may have.
                Decimal::of_number(&number.to_string()).map(Bound).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.strip_suffix(".00").unwrap_or(&text))
    }
}

/// From `min` to `max`, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    min: Option<Bound>,
    max: Option<Bound>,
}

/// From `min` to `max`, both included; one of them may be left out.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Range", extend("minProperties" = 1))]
pub(super) struct RangeTable {
    /// At least so much.
    min: Option<Bound>,
    /// At most so much.
    max: Option<Bound>,
}

impl Range {
    /// Whether a number, in thousandths, lies in it.
    pub(super) fn covers(&self, thousandths: i64) -> bool {
        let bound = |Bound(decimal): Bound| decimal.hundredths().saturating_mul(10);
        self.min.is_none_or(|min| bound(min) <= thousandths) && self.max.is_none_or(|max| thousandths <= bound(max))
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        table(deserializer, |RangeTable { min, max }| match (min, max) {
            (None, None) => Err("must have min, max or both".to_owned()),
            (Some(min), Some(max)) if min > max => Err("min must not exceed max".to_owned()),
            _ => Ok(Self { min, max }),
        })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, "from {min} to {max}"),
            (Some(min), None) => write!(f, "{min} or more"),
            (None, Some(max)) => write!(f, "at most {max}"),
            (None, None) => f.write_str("any"),
        }
    }
}

/// Whether the shop knows the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Customer {
    /// Signed in: the request has `externalUserId`.
    Known,
    /// Not signed in.
    Guest,
}

/// A value whose schema says what its reading checks.
macro_rules! schema {
    ($type:ident, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(Text, "Text", {"description": "A text with something in it.", "type": "string", "pattern": r"\S"});
schema!(Country, "Country", {"description": "An ISO code of a country: two letters.", "type": "string", "pattern": "^[A-Za-z]{2}$"});
schema!(Pattern, "Pattern", {
    "description": "The id of an item; a star at its end matches whatever follows.",
    "type": "string",
    "pattern": r"^\s*[^\s*][^*]*\*?\s*$"
});
schema!(Bound, "Bound", {
    "description": "A number with at most two decimals.", "type": "number", "minimum": 0, "maximum": 100_000_000_000_i64
});

impl JsonSchema for Choice {
    fn schema_name() -> Cow<'static, str> {
        "Choice".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "true: any at all; false: none; a list: one of these.",
            "anyOf": [{"type": "boolean"}, generator.subschema_for::<Many<Text>>()]
        })
    }
}

impl JsonSchema for Range {
    fn schema_name() -> Cow<'static, str> {
        RangeTable::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        RangeTable::json_schema(generator)
    }
}
