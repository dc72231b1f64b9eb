//! How the fields of a request are read: what is wrong is named by its path, `confirmation.return_url`.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::money::Kopecks;
use crate::request::Request;

/// How strictly, and where what was taken beside the documentation is noted.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) request: &'a Request,
    /// See [`crate::Options::exact_requests`].
    pub(super) exact: bool,
}

impl Reader<'_> {
    /// Takes what the documentation does not have, and notes it; refuses it where requests have to be exact.
    fn beside(self, parameter: &str, what: &str) -> Result<(), Refusal> {
        if self.exact {
            return Err(Refusal::at(parameter, what));
        }
        self.request.remarks.add(format!("{parameter} ({what})"));
        Ok(())
    }
}

/// An object of a request.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    at: String,
    reader: Reader<'a>,
}

impl<'a> Fields<'a> {
    /// The whole body.
    pub(super) fn of(body: &'a Value, reader: Reader<'a>) -> Result<Self, Refusal> {
        let map = body.as_object().ok_or_else(|| Refusal::invalid("Request body must be an object"))?;
        Ok(Self { map, at: String::new(), reader })
    }

    /// A field's path from the top.
    pub(super) fn path(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    /// Complains of every field that is none of `names`.
    pub(super) fn only(&self, names: &[&str]) -> Result<(), Refusal> {
        self.map
            .keys()
            .filter(|name| !names.contains(&name.as_str()))
            .try_for_each(|name| self.reader.beside(&self.path(name), "Unknown parameter"))
    }

    /// A field that is there. A null is none.
    pub(super) fn get(&self, name: &str) -> Result<Option<&'a Value>, Refusal> {
        match self.map.get(name) {
            Some(Value::Null) => self.reader.beside(&self.path(name), "null in place of nothing").map(|()| None),
            found => Ok(found),
        }
    }

    pub(super) fn required<T>(&self, name: &str, found: Option<T>) -> Result<T, Refusal> {
        found.ok_or_else(|| Refusal::at(&self.path(name), "Required parameter is missing"))
    }

    /// A text of 1 to `longest` characters.
    pub(super) fn text(&self, name: &str, longest: usize) -> Result<Option<&'a str>, Refusal> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| Refusal::at(&self.path(name), "Must be a string"))?;
        match text.chars().count() {
            0 => self.reader.beside(&self.path(name), "an empty text").map(|()| None),
            length if length > longest => {
                Err(Refusal::at(&self.path(name), format!("Must be no longer than {longest} characters")))
            }
            _ => Ok(Some(text)),
        }
    }

    /// One of these texts.
    pub(super) fn one_of(&self, name: &str, known: &[&str]) -> Result<Option<&'a str>, Refusal> {
        let Some(text) = self.text(name, 64)? else { return Ok(None) };
        if known.contains(&text) {
            return Ok(Some(text));
        }
        Err(Refusal::at(&self.path(name), format!("Must be one of {}", known.join(", "))))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| Refusal::at(&self.path(name), "Must be true or false"))
    }

    /// A whole number in this range, maybe as a text.
    pub(super) fn code(&self, name: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let number = match value.as_str() {
            Some(text) => {
                self.reader.beside(&self.path(name), "a text in place of a number")?;
                text.parse().ok()
            }
            None => value.as_u64(),
        };
        let said = format!("Must be a number of {} to {}", range.start(), range.end());
        number.filter(|number| range.contains(number)).map(Some).ok_or_else(|| Refusal::at(&self.path(name), said))
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Fields<'a>>, Refusal> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        self.inner(&self.path(name), value).map(Some)
    }

    /// The objects of a list.
    pub(super) fn objects(&self, name: &str) -> Result<Option<Vec<Fields<'a>>>, Refusal> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let list = value.as_array().ok_or_else(|| Refusal::at(&self.path(name), "Must be a list"))?;
        let objects = list.iter().enumerate().map(|(index, value)| self.inner(&format!("{}[{index}]", self.path(name)), value));
        objects.collect::<Result<_, _>>().map(Some)
    }

    fn inner(&self, path: &str, value: &'a Value) -> Result<Fields<'a>, Refusal> {
        let map = value.as_object().ok_or_else(|| Refusal::at(path, "Must be an object"))?;
        Ok(Fields { map, at: path.to_owned(), reader: self.reader })
    }

    /// `{"value":"10.00","currency":"RUB"}`, more than nothing.
    pub(super) fn amount(&self, name: &str) -> Result<Option<Kopecks>, Refusal> {
        let Some(amount) = self.object(name)? else { return Ok(None) };
        amount.only(&["value", "currency"])?;
        let currency = amount.required("currency", amount.text("currency", 3)?)?;
        if currency != "RUB" {
            return Err(Refusal::at(&amount.path("currency"), "Currency is not supported"));
        }
        let value = amount.required("value", amount.get("value")?)?;
        let path = amount.path("value");
        let exact = value.as_str().and_then(Kopecks::strict);
        let lenient = || match value {
            Value::String(text) => Kopecks::lenient(text),
            Value::Number(number) => Kopecks::number(number),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let kopecks = if let Some(kopecks) = exact {
            kopecks
        } else {
            let kopecks = lenient().ok_or_else(|| Refusal::at(&path, "Must be an amount with two decimals as a string"))?;
            self.reader.beside(&path, "an amount that is no text with two decimals")?;
            kopecks
        };
        if kopecks.0 == 0 {
            return Err(Refusal::at(&path, "Amount must be greater than zero"));
        }
        Ok(Some(kopecks))
    }

    /// At most 16 texts, of names of at most 32 and values of at most 512 characters.
    pub(super) fn metadata(&self) -> Result<Map<String, Value>, Refusal> {
        let Some(metadata) = self.object("metadata")? else { return Ok(Map::new()) };
        if metadata.map.len() > 16 {
            return Err(Refusal::at("metadata", "Must have no more than 16 keys"));
        }
        for (name, value) in metadata.map {
            if name.is_empty() || name.chars().count() > 32 {
                return Err(Refusal::at("metadata", "Keys must be of 1 to 32 characters"));
            }
            let text = value.as_str().ok_or_else(|| Refusal::at(&metadata.path(name), "Must be a string"))?;
            if text.chars().count() > 512 {
                return Err(Refusal::at(&metadata.path(name), "Must be no longer than 512 characters"));
            }
        }
        Ok(metadata.map.clone())
    }

    /// What is not simulated: an empty list of it does no harm.
    pub(super) fn without(&self, names: &[&str]) -> Result<(), Refusal> {
        for name in names {
            let there = self.get(name)?.is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()));
            if there {
                return Err(Refusal::forbidden(&self.path(name), "This feature is not available to the shop"));
            }
        }
        Ok(())
    }
}
