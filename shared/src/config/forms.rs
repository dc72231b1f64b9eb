//! The shop's forms and the limits of sending codes: `infra/config/forms.toml`.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::read::{Mistake, list, read, table, tables, text, within};
use crate::challenge::Limits;
use crate::ids::FormName;

/// One form, as operations configure it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Its name, `formName` or `formId`.
    pub name: FormName,
    /// It is taken only with a code that was sent to its phone.
    pub requires_code: bool,
    /// The names of the field with the phone, in the order in which they are looked for.
    pub phone_fields: Vec<String>,
    /// How long a form stored here is kept.
    pub retention: Duration,
}

/// The shop's forms and the limits they share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forms {
    forms: Vec<Form>,
    /// The limits.
    pub limits: Limits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(deserialize_with = "limits")]
    limits: Limits,
    #[serde(default, deserialize_with = "forms")]
    form: Vec<Form>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsEntry {
    #[serde(deserialize_with = "within::<_, 1, 60>")]
    code_lifetime_minutes: u32,
    #[serde(deserialize_with = "within::<_, 1, 20>")]
    checks_per_code: u32,
    #[serde(deserialize_with = "within::<_, 10, 3600>")]
    cool_down_seconds: u32,
    #[serde(deserialize_with = "within::<_, 1, 50>")]
    sends_per_hour: u32,
    #[serde(deserialize_with = "within::<_, 1, 100>")]
    sends_per_day: u32,
    #[serde(deserialize_with = "within::<_, 1, 1000>")]
    sends_per_installation_per_day: u32,
    #[serde(deserialize_with = "within::<_, 1, 10_000_000>")]
    sends_per_shop_per_day: u32,
    #[serde(deserialize_with = "country_prefixes")]
    country_prefixes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormEntry {
    #[serde(deserialize_with = "name")]
    name: FormName,
    requires_code: bool,
    #[serde(default = "phone", deserialize_with = "phone_fields")]
    phone_fields: Vec<String>,
    #[serde(default = "ninety_days", deserialize_with = "within::<_, 1, 3650>")]
    retention_days: u32,
}

fn phone() -> Vec<String> {
    vec!["phone".to_owned()]
}

fn ninety_days() -> u32 {
    90
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FormName, D::Error> {
    text(deserializer, FormName::parse)
}

fn phone_fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    list(deserializer, |fields: Vec<String>| {
        let blank = fields.iter().any(|field| field.trim().is_empty());
        if blank { Err("must not contain an empty name".to_owned()) } else { Ok(fields) }
    })
}

fn country_prefixes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    list(deserializer, |prefixes: Vec<String>| {
        let digits = |prefix: &String| (1..=6).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let right = !prefixes.is_empty() && prefixes.iter().all(digits);
        if right { Ok(prefixes) } else { Err("must list at least one prefix of 1 to 6 digits, like \"996\"".to_owned()) }
    })
}

fn limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limits, D::Error> {
    table(deserializer, LimitsEntry::check)
}

fn forms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Form>, D::Error> {
    tables(deserializer, FormEntry::check)
}

impl Forms {
    /// Reads `forms.toml`.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        read(text).map(|File { limits, form }| Self { forms: form, limits })
    }

    /// The form of that name.
    #[must_use]
    pub fn find(&self, name: &FormName) -> Option<&Form> {
        self.iter().find(|form| form.name == *name)
    }

    /// The forms.
    pub fn iter(&self) -> impl Iterator<Item = &Form> {
        self.forms.iter()
    }
}

impl FormEntry {
    fn check(self, before: &[Form]) -> Result<Form, String> {
        if before.iter().any(|other| other.name == self.name) {
            return Err("name is used twice; every form needs its own".to_owned());
        }
        if self.requires_code && self.phone_fields.is_empty() {
            return Err("phone_fields must name at least one field when requires_code is true".to_owned());
        }
        let retention = Duration::from_hours(24 * u64::from(self.retention_days));
        Ok(Form { name: self.name, requires_code: self.requires_code, phone_fields: self.phone_fields, retention })
    }
}

impl LimitsEntry {
    fn check(self) -> Result<Limits, String> {
        if self.sends_per_hour > self.sends_per_day {
            return Err("sends_per_hour must not exceed sends_per_day".to_owned());
        }
        Ok(Limits {
            code_lifetime: Duration::from_mins(u64::from(self.code_lifetime_minutes)),
            checks_per_code: self.checks_per_code,
            cool_down: Duration::from_secs(u64::from(self.cool_down_seconds)),
            sends_per_hour: self.sends_per_hour,
            sends_per_day: self.sends_per_day,
            sends_per_installation_per_day: self.sends_per_installation_per_day,
            sends_per_shop_per_day: self.sends_per_shop_per_day,
            country_prefixes: self.country_prefixes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../../infra/config/forms.toml");

    #[test]
    fn the_shipped_file_is_right_and_unknown_forms_are_unknown() {
        let forms = Forms::parse(GOOD).unwrap();
        assert!(forms.find(&FormName::parse("callback").unwrap()).unwrap().requires_code);
        assert!(forms.find(&FormName::parse("other").unwrap()).is_none());
    }

    #[test]
    fn mistakes_are_named_where_they_stand_with_what_would_be_right() {
        for (from, to, wanted) in [
            (
                "checks_per_code = 5",
                "checks_per_code = 0",
                "8:19: field `limits.checks_per_code`: must be a whole number from 1 to 20",
            ),
            ("cool_down_seconds = 60", "cool_down_seconds = -1", "10:21: field `limits.cool_down_seconds`: must be a whole"),
            ("sends_per_hour = 5", "sends_per_hour = 11", "4:1: field `limits`: sends_per_hour must not exceed sends_per_day"),
            ("country_prefixes = [", "country_prefixes = [\"+7\", ", "19:20: field `limits.country_prefixes`: must list"),
            ("name = \"callback\"", "name = \"\"", "23:8: field `form[0].name`: must not be empty"),
            ("name = \"feedback\"", "name = \"callback\"", "31:1: field `form[1]`: name is used twice"),
            ("requires_code = true", "requires_kode = true", "24:1: field `form[0].requires_kode`: unknown field"),
            ("requires_code = true", "requires_code = ", "24:17: "),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = Forms::parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{wanted}: {error}");
        }
    }
}
