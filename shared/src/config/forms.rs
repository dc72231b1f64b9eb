//! The shop's forms and the limits of sending codes: `infra/config/forms.toml`.

use std::time::Duration;

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

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    limits: LimitsEntry,
    #[serde(default)]
    form: Vec<FormEntry>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsEntry {
    code_lifetime_minutes: u32,
    checks_per_code: u32,
    cool_down_seconds: u32,
    sends_per_hour: u32,
    sends_per_day: u32,
    sends_per_installation_per_day: u32,
    sends_per_shop_per_day: u32,
    country_prefixes: Vec<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FormEntry {
    name: String,
    requires_code: bool,
    #[serde(default = "phone")]
    phone_fields: Vec<String>,
    #[serde(default = "ninety_days")]
    retention_days: u32,
}

fn phone() -> Vec<String> {
    vec!["phone".to_owned()]
}

fn ninety_days() -> u32 {
    90
}

impl Forms {
    /// Reads `forms.toml`. An error names the form or the limit and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let limits = file.limits.check()?;
        let mut forms: Vec<Form> = Vec::with_capacity(file.form.len());
        for (index, entry) in file.form.into_iter().enumerate() {
            let place = format!("form {} (name \"{}\")", index + 1, entry.name);
            let form = entry.check().map_err(|problem| format!("{place}: {problem}"))?;
            if forms.iter().any(|other| other.name == form.name) {
                return Err(format!("{place}: name is used twice; every form needs its own"));
            }
            forms.push(form);
        }
        Ok(Self { forms, limits })
    }

    /// The form of that name.
    #[must_use]
    pub fn find(&self, name: &FormName) -> Option<&Form> {
        self.forms.iter().find(|form| form.name == *name)
    }
}

impl FormEntry {
    fn check(self) -> Result<Form, String> {
        let name = FormName::parse(&self.name).map_err(|error| format!("name {error}"))?;
        if self.requires_code && self.phone_fields.is_empty() {
            return Err("phone_fields must name at least one field when requires_code is true".to_owned());
        }
        if self.phone_fields.iter().any(|field| field.trim().is_empty()) {
            return Err("phone_fields must not contain an empty name".to_owned());
        }
        let retention = days("retention_days", self.retention_days)?;
        Ok(Form { name, requires_code: self.requires_code, phone_fields: self.phone_fields, retention })
    }
}

impl LimitsEntry {
    fn check(self) -> Result<Limits, String> {
        let limits = Limits {
            code_lifetime: Duration::from_secs(
                60 * u64::from(within("code_lifetime_minutes", self.code_lifetime_minutes, 1, 60)?),
            ),
            checks_per_code: within("checks_per_code", self.checks_per_code, 1, 20)?,
            cool_down: Duration::from_secs(u64::from(within("cool_down_seconds", self.cool_down_seconds, 10, 3600)?)),
            sends_per_hour: within("sends_per_hour", self.sends_per_hour, 1, 50)?,
            sends_per_day: within("sends_per_day", self.sends_per_day, 1, 100)?,
            sends_per_installation_per_day: within(
                "sends_per_installation_per_day",
                self.sends_per_installation_per_day,
                1,
                1000,
            )?,
            sends_per_shop_per_day: within("sends_per_shop_per_day", self.sends_per_shop_per_day, 1, 10_000_000)?,
            country_prefixes: self.country_prefixes,
        };
        if limits.sends_per_hour > limits.sends_per_day {
            return Err("limits: sends_per_hour must not exceed sends_per_day".to_owned());
        }
        let digits =
            |prefix: &String| !prefix.is_empty() && prefix.len() <= 6 && prefix.bytes().all(|byte| byte.is_ascii_digit());
        if limits.country_prefixes.is_empty() || !limits.country_prefixes.iter().all(digits) {
            return Err("limits: country_prefixes must list at least one prefix of 1 to 6 digits, like \"996\"".to_owned());
        }
        Ok(limits)
    }
}

fn within(field: &str, value: u32, low: u32, high: u32) -> Result<u32, String> {
    if (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(format!("limits: {field} must be a whole number from {low} to {high}"))
    }
}

fn days(field: &str, value: u32) -> Result<Duration, String> {
    if (1..=3650).contains(&value) {
        Ok(Duration::from_hours(24 * u64::from(value)))
    } else {
        Err(format!("{field} must be a whole number from 1 to 3650"))
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
    fn mistakes_are_named_with_what_would_be_right() {
        for (from, to, wanted) in [
            ("checks_per_code = 5", "checks_per_code = 0", "checks_per_code must be a whole number from 1 to 20"),
            ("cool_down_seconds = 60", "cool_down_seconds = -1", "cool_down_seconds"),
            ("sends_per_hour = 5", "sends_per_hour = 11", "sends_per_hour must not exceed sends_per_day"),
            ("country_prefixes = [", "country_prefixes = [\"+7\", ", "country_prefixes must list"),
            ("name = \"callback\"", "name = \"\"", "name must not be empty"),
            ("name = \"feedback\"", "name = \"callback\"", "used twice"),
            ("requires_code = true", "requires_kode = true", "requires_kode"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = Forms::parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(wanted), "{wanted}: {error}");
        }
    }
}
