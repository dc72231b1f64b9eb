//! Reading fields strictly: absent is one thing, null or a wrong type is a mistake, unless [`super::lenient`] has set it right.

use serde_json::{Map, Value};
use url::{Host, Url};

use super::limits::is_phone;
use super::refusal::MokkaRefusal;
use super::{code, lenient};
use crate::money::Kopecks;
use crate::request::Remarks;

/// A body, in the document's form as far as that goes.
pub(super) struct Body<'a> {
    map: Map<String, Value>,
    /// None: nothing is taken that the document does not have.
    remarks: Option<&'a Remarks>,
}

impl<'a> Body<'a> {
    pub(super) fn new(mut map: Map<String, Value>, remarks: Option<&'a Remarks>) -> Self {
        if let Some(remarks) = remarks {
            lenient::bring_into_form(&mut map, remarks);
        }
        Self { map, remarks }
    }
}

/// An object of the request, and where in it we are.
pub(super) struct Fields<'a> {
    prefix: String,
    map: &'a Map<String, Value>,
    remarks: Option<&'a Remarks>,
}

impl<'a> Fields<'a> {
    /// The body itself. A field not in `allowed` is a misspelt one, and would go unnoticed at the real Mokka.
    pub(super) fn root(body: &'a Body<'a>, allowed: &[&str]) -> Result<Self, MokkaRefusal> {
        Self::of(String::new(), &body.map, body.remarks, allowed)
    }

    /// Whether nothing is taken that the document does not have.
    pub(super) fn is_exact(&self) -> bool {
        self.remarks.is_none()
    }

    /// A nested object; `None` if it is absent.
    pub(super) fn object(&self, name: &str, allowed: &[&str]) -> Result<Option<Self>, MokkaRefusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Self::of(format!("{}.", self.path(name)), map, self.remarks, allowed).map(Some),
            Some(_) => Err(self.wrong(name, "must be an object")),
        }
    }

    /// A nested array of objects; empty if it is absent.
    pub(super) fn objects(&self, name: &str, allowed: &[&str]) -> Result<Vec<Self>, MokkaRefusal> {
        let items = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.wrong(name, "must be an array")),
        };
        let mut objects = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", self.path(name));
            let map =
                item.as_object().ok_or_else(|| MokkaRefusal::new(code::CANNOT_PROCESS, format!("{path} must be an object")))?;
            objects.push(Self::of(format!("{path}."), map, self.remarks, allowed)?);
        }
        Ok(objects)
    }

    fn of(
        prefix: String,
        map: &'a Map<String, Value>,
        remarks: Option<&'a Remarks>,
        allowed: &[&str],
    ) -> Result<Self, MokkaRefusal> {
        for name in map.keys().filter(|name| !allowed.contains(&name.as_str())) {
            let remark = format!("{prefix}{name} is not in the document");
            match remarks {
                Some(remarks) => remarks.add(remark),
                None => return Err(MokkaRefusal::new(code::CANNOT_PROCESS, remark)),
            }
        }
        Ok(Self { prefix, map, remarks })
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name)
    }

    /// The field's full name, for notes.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn wrong(&self, name: &str, problem: &str) -> MokkaRefusal {
        MokkaRefusal::new(code::CANNOT_PROCESS, format!("{} {problem}", self.path(name)))
    }

    /// An optional non-empty string.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, MokkaRefusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "must be a non-empty string, or left out")),
        }
    }

    /// All of these, if present, must be non-empty strings.
    pub(super) fn texts(&self, names: &[&str]) -> Result<(), MokkaRefusal> {
        names.iter().try_for_each(|name| self.text(name).map(drop))
    }

    /// An optional boolean.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, MokkaRefusal> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_bool().map(Some).ok_or_else(|| self.wrong(name, "must be a boolean")),
        }
    }

    /// An optional positive integer.
    pub(super) fn positive(&self, name: &str, code: u16) -> Result<Option<u64>, MokkaRefusal> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .filter(|number| *number > 0)
                .map(Some)
                .ok_or_else(|| MokkaRefusal::new(code, format!("{} must be a positive integer", self.path(name)))),
        }
    }

    /// An optional price: a JSON number, in contrast to amounts.
    pub(super) fn price(&self, name: &str) -> Result<Option<Kopecks>, MokkaRefusal> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value
                .as_number()
                .and_then(Kopecks::number)
                .map(Some)
                .ok_or_else(|| self.wrong(name, "must be a JSON number with at most two decimals")),
        }
    }

    /// An optional amount: a string with exactly two decimals.
    pub(super) fn amount(&self, name: &str, code: u16) -> Result<Option<Kopecks>, MokkaRefusal> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value
                .as_str()
                .and_then(Kopecks::strict)
                .map(Some)
                .ok_or_else(|| MokkaRefusal::new(code, format!("{} must be a string with two decimals", self.path(name)))),
        }
    }

    /// A mandatory amount; what is wrong with it, its absence too, is 30.
    pub(super) fn amount_needed(&self, name: &str) -> Result<Kopecks, MokkaRefusal> {
        let missing = || MokkaRefusal::new(code::AMOUNT_FORMAT, format!("{} is missing", self.path(name)));
        self.amount(name, code::AMOUNT_FORMAT)?.ok_or_else(missing)
    }

    /// An optional phone: ten digits without the country code.
    pub(super) fn phone(&self, name: &str) -> Result<Option<&'a str>, MokkaRefusal> {
        match self.text(name)? {
            Some(phone) if !is_phone(phone) => Err(self.wrong(name, "must be exactly ten digits")),
            phone => Ok(phone),
        }
    }

    /// An optional e-mail.
    pub(super) fn email(&self, name: &str) -> Result<Option<&'a str>, MokkaRefusal> {
        match self.text(name)? {
            Some(email) if !email.contains('@') => Err(self.wrong(name, "must contain @")),
            email => Ok(email),
        }
    }

    /// A mandatory URL: https, or http on this machine.
    pub(super) fn url(&self, name: &str, code: u16) -> Result<String, MokkaRefusal> {
        let refusal = || MokkaRefusal::new(code, format!("{}: an absolute https URL", self.path(name)));
        let text = self.get(name).and_then(Value::as_str).ok_or_else(refusal)?;
        let url = Url::parse(text).map_err(|_| refusal())?;
        let usable = match (url.scheme(), url.host()) {
            ("https", Some(_)) => true,
            ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
            ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
            ("http", Some(Host::Domain(name))) => name == "localhost" || name.ends_with(".localhost"),
            _ => false,
        };
        if usable { Ok(text.to_owned()) } else { Err(refusal()) }
    }
}
