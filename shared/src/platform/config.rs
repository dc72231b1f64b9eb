//! How a settings file is read: checked value by value as it is parsed, so that a mistake is said where it stands.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer};

/// What is wrong with a settings file, and where: `LINE:COLUMN: field …: what would be right`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {problem}")]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: usize,
    /// The character in the line, counted from 1.
    pub column: usize,
    /// The field, if one is to blame, and what would be right.
    pub problem: String,
}

impl Mistake {
    pub(crate) fn at(text: &str, offset: usize, problem: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_begin = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[line_begin..].chars().count() + 1;
        Self { line: before.matches('\n').count() + 1, column, problem }
    }
}

/// Reads a whole file.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Mistake> {
    let mistake = |error: &toml::de::Error, problem| Mistake::at(text, error.span().map_or(0, |span| span.start), problem);
    let file = toml::Deserializer::parse(text).map_err(|error| mistake(&error, error.message().replace('\n', ", ")))?;
    serde_path_to_error::deserialize(file).map_err(|error| {
        // A table whose place is kept for later shows in the path as what keeps it.
        let path = error.path().to_string().replace(".$__serde_spanned_private_value", "");
        let problem = error.inner().message();
        let problem = if path == "." { problem.to_owned() } else { format!("field `{path}`: {problem}") };
        mistake(error.inner(), problem)
    })
}

/// Reads a string by `parse`, whose refusal is said at the string.
pub(crate) fn text<'de, D: Deserializer<'de>, T, E: fmt::Display>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error> {
    struct Text<P, T>(P, PhantomData<T>);
    impl<T, E: fmt::Display, P: FnOnce(&str) -> Result<T, E>> de::Visitor<'_> for Text<P, (T, E)> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text in quotes")
        }

        fn visit_str<X: de::Error>(self, text: &str) -> Result<T, X> {
            self.0(text).map_err(X::custom)
        }
    }
    deserializer.deserialize_str(Text(parse, PhantomData))
}

/// Reads a table as `Raw` and checks it as a whole, which is said at the table.
pub(crate) fn table<'de, D: Deserializer<'de>, Raw: Deserialize<'de>, T>(
    deserializer: D,
    check: impl FnOnce(Raw) -> Result<T, String>,
) -> Result<T, D::Error> {
    struct Table<C, R>(C, PhantomData<R>);
    impl<'de, Raw: Deserialize<'de>, T, C: FnOnce(Raw) -> Result<T, String>> de::Visitor<'de> for Table<C, (Raw, T)> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table")
        }

        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            self.0(Raw::deserialize(MapAccessDeserializer::new(map))?).map_err(de::Error::custom)
        }
    }
    deserializer.deserialize_map(Table(check, PhantomData))
}

/// Reads a list and checks it as a whole, which is said at the list.
pub(crate) fn list<'de, D: Deserializer<'de>, Raw: Deserialize<'de>, T>(
    deserializer: D,
    check: impl FnOnce(Vec<Raw>) -> Result<T, String>,
) -> Result<T, D::Error> {
    struct List<C, R>(C, PhantomData<R>);
    impl<'de, Raw: Deserialize<'de>, T, C: FnOnce(Vec<Raw>) -> Result<T, String>> de::Visitor<'de> for List<C, (Raw, T)> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list in brackets")
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, sequence: A) -> Result<T, A::Error> {
            self.0(Vec::deserialize(SeqAccessDeserializer::new(sequence))?).map_err(de::Error::custom)
        }
    }
    deserializer.deserialize_seq(List(check, PhantomData))
}

/// Reads a list of tables, each checked as a whole and against those before it, which is said at the table.
pub(crate) fn tables<'de, D: Deserializer<'de>, Raw: Deserialize<'de>, T>(
    deserializer: D,
    check: fn(Raw, &[T]) -> Result<T, String>,
) -> Result<Vec<T>, D::Error> {
    struct Tables<Raw, T>(fn(Raw, &[T]) -> Result<T, String>);
    impl<'de, Raw: Deserialize<'de>, T> de::Visitor<'de> for Tables<Raw, T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("tables with a heading in double brackets")
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
            let mut tables = Vec::new();
            while let Some(table) = sequence.next_element_seed(Next(self.0, &tables))? {
                tables.push(table);
            }
            Ok(tables)
        }
    }
    struct Next<'a, Raw, T>(fn(Raw, &[T]) -> Result<T, String>, &'a [T]);
    impl<'de, Raw: Deserialize<'de>, T> de::DeserializeSeed<'de> for Next<'_, Raw, T> {
        type Value = T;

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
            table(deserializer, |raw| self.0(raw, self.1))
        }
    }
    deserializer.deserialize_seq(Tables(check))
}

/// Reads a whole number within bounds.
pub(crate) fn within<'de, D: Deserializer<'de>, const LOW: u32, const HIGH: u32>(deserializer: D) -> Result<u32, D::Error> {
    let number = i64::deserialize(deserializer)?;
    let number = u32::try_from(number).ok().filter(|number| (LOW..=HIGH).contains(number));
    number.ok_or_else(|| de::Error::custom(format_args!("must be a whole number from {LOW} to {HIGH}")))
}

/// Reads such a number that may be left out.
pub(crate) fn maybe_within<'de, D: Deserializer<'de>, const LOW: u32, const HIGH: u32>(
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    within::<D, LOW, HIGH>(deserializer).map(Some)
}

/// A text with something in it, without the white space around it.
pub(crate) fn not_blank(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() { Err("must not be empty") } else { Ok(text.to_owned()) }
}

/// Reads a text with something in it.
pub(crate) fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, not_blank)
}

/// Reads a text with something in it that may be left out.
pub(crate) fn maybe_filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    filled(deserializer).map(Some)
}
