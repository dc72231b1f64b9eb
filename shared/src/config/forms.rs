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
    /// The shop's limits, but for those that the form has its own value of.
    pub limits: Limits,
}

/// The shop's forms and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forms {
    forms: Vec<Form>,
    /// The limits of every form that has none of its own.
    pub limits: Limits,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    limits: LimitsEntry,
    #[serde(default)]
    form: Vec<FormEntry>,
}

#[derive(Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsEntry {
    code_lifetime_minutes: u32,
    checks_per_code: u32,
    cool_down_seconds: u32,
    sends_per_hour: u32,
    sends_per_day: u32,
    sends_per_installation_per_day: u32,
    #[serde(default = "thirty")]
    sends_per_prefix_per_hour: u32,
    #[serde(default = "a_hundred")]
    sends_per_prefix_per_day: u32,
    #[serde(default = "seven")]
    prefix_digits: u32,
    sends_per_address_per_hour: Option<u32>,
    source_header: Option<String>,
    sends_per_shop_per_day: u32,
    alarm_sends_per_shop_per_day: Option<u32>,
    #[serde(default = "twenty")]
    wrong_codes_per_phone_per_day: u32,
    #[serde(default = "twenty")]
    wrong_codes_per_installation_per_day: u32,
    country_prefixes: Vec<String>,
    #[serde(default)]
    deny_prefixes: Vec<String>,
}

/// What a form may have its own value of: everything but what the SMS service, the counters' keys and the shop's alarm hang on.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnLimitsEntry {
    checks_per_code: Option<u32>,
    cool_down_seconds: Option<u32>,
    sends_per_hour: Option<u32>,
    sends_per_day: Option<u32>,
    sends_per_installation_per_day: Option<u32>,
    sends_per_prefix_per_hour: Option<u32>,
    sends_per_prefix_per_day: Option<u32>,
    sends_per_address_per_hour: Option<u32>,
    sends_per_shop_per_day: Option<u32>,
    wrong_codes_per_phone_per_day: Option<u32>,
    wrong_codes_per_installation_per_day: Option<u32>,
    country_prefixes: Option<Vec<String>>,
    deny_prefixes: Option<Vec<String>>,
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
    #[serde(default)]
    limits: OwnLimitsEntry,
}

fn phone() -> Vec<String> {
    vec!["phone".to_owned()]
}

fn ninety_days() -> u32 {
    90
}

fn thirty() -> u32 {
    30
}

fn a_hundred() -> u32 {
    100
}

fn seven() -> u32 {
    7
}

fn twenty() -> u32 {
    20
}

impl Forms {
    /// Reads `forms.toml`. An error names the form or the limit and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let limits = file.limits.clone().check()?;
        let mut forms: Vec<Form> = Vec::with_capacity(file.form.len());
        for (index, entry) in file.form.into_iter().enumerate() {
            let place = format!("form {} (name \"{}\")", index + 1, entry.name);
            let form = entry.check(&file.limits).map_err(|problem| format!("{place}: {problem}"))?;
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
    fn check(self, shop: &LimitsEntry) -> Result<Form, String> {
        let name = FormName::parse(&self.name).map_err(|error| format!("name {error}"))?;
        if self.requires_code && self.phone_fields.is_empty() {
            return Err("phone_fields must name at least one field when requires_code is true".to_owned());
        }
        if self.phone_fields.iter().any(|field| field.trim().is_empty()) {
            return Err("phone_fields must not contain an empty name".to_owned());
        }
        let retention = days("retention_days", self.retention_days)?;
        let limits = self.limits.instead_of(shop)?;
        Ok(Form { name, requires_code: self.requires_code, phone_fields: self.phone_fields, retention, limits })
    }
}

impl OwnLimitsEntry {
    /// The shop's limits with these values instead of its own.
    fn instead_of(self, shop: &LimitsEntry) -> Result<Limits, String> {
        if self.sends_per_shop_per_day.is_some_and(|own| own > shop.sends_per_shop_per_day) {
            return Err("limits: sends_per_shop_per_day of a form must not exceed the shop's".to_owned());
        }
        let alarm = shop.alarm();
        let limits = LimitsEntry {
            code_lifetime_minutes: shop.code_lifetime_minutes,
            checks_per_code: self.checks_per_code.unwrap_or(shop.checks_per_code),
            cool_down_seconds: self.cool_down_seconds.unwrap_or(shop.cool_down_seconds),
            sends_per_hour: self.sends_per_hour.unwrap_or(shop.sends_per_hour),
            sends_per_day: self.sends_per_day.unwrap_or(shop.sends_per_day),
            sends_per_installation_per_day: self.sends_per_installation_per_day.unwrap_or(shop.sends_per_installation_per_day),
            sends_per_prefix_per_hour: self.sends_per_prefix_per_hour.unwrap_or(shop.sends_per_prefix_per_hour),
            sends_per_prefix_per_day: self.sends_per_prefix_per_day.unwrap_or(shop.sends_per_prefix_per_day),
            prefix_digits: shop.prefix_digits,
            sends_per_address_per_hour: self.sends_per_address_per_hour.or(shop.sends_per_address_per_hour),
            source_header: shop.source_header.clone(),
            sends_per_shop_per_day: self.sends_per_shop_per_day.unwrap_or(shop.sends_per_shop_per_day),
            alarm_sends_per_shop_per_day: None,
            wrong_codes_per_phone_per_day: self.wrong_codes_per_phone_per_day.unwrap_or(shop.wrong_codes_per_phone_per_day),
            wrong_codes_per_installation_per_day: self
                .wrong_codes_per_installation_per_day
                .unwrap_or(shop.wrong_codes_per_installation_per_day),
            country_prefixes: self.country_prefixes.unwrap_or_else(|| shop.country_prefixes.clone()),
            deny_prefixes: self.deny_prefixes.unwrap_or_else(|| shop.deny_prefixes.clone()),
        };
        Ok(Limits { alarm_sends_per_shop_per_day: alarm, ..limits.check()? })
    }
}

impl LimitsEntry {
    /// The shop's soft threshold: four fifths of the day's SMS, if it is not configured.
    fn alarm(&self) -> u32 {
        let hard = self.sends_per_shop_per_day;
        self.alarm_sends_per_shop_per_day.unwrap_or_else(|| (hard - hard / 5).max(1))
    }

    fn check(self) -> Result<Limits, String> {
        let alarm = self.alarm();
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
            sends_per_prefix_per_hour: within("sends_per_prefix_per_hour", self.sends_per_prefix_per_hour, 1, 100_000)?,
            sends_per_prefix_per_day: within("sends_per_prefix_per_day", self.sends_per_prefix_per_day, 1, 1_000_000)?,
            prefix_digits: usize::try_from(within("prefix_digits", self.prefix_digits, 4, 9)?).unwrap_or(usize::MAX),
            sends_per_address_per_hour: self
                .sends_per_address_per_hour
                .map(|limit| within("sends_per_address_per_hour", limit, 1, 1_000_000))
                .transpose()?,
            source_header: self.source_header,
            alarm_sends_per_shop_per_day: within("alarm_sends_per_shop_per_day", alarm, 1, 10_000_000)?,
            wrong_codes_per_phone_per_day: within("wrong_codes_per_phone_per_day", self.wrong_codes_per_phone_per_day, 1, 1000)?,
            wrong_codes_per_installation_per_day: within(
                "wrong_codes_per_installation_per_day",
                self.wrong_codes_per_installation_per_day,
                1,
                1000,
            )?,
            sends_per_shop_per_day: within("sends_per_shop_per_day", self.sends_per_shop_per_day, 1, 10_000_000)?,
            country_prefixes: self.country_prefixes,
            deny_prefixes: self.deny_prefixes,
        };
        if limits.sends_per_hour > limits.sends_per_day {
            return Err("limits: sends_per_hour must not exceed sends_per_day".to_owned());
        }
        if limits.sends_per_prefix_per_hour > limits.sends_per_prefix_per_day {
            return Err("limits: sends_per_prefix_per_hour must not exceed sends_per_prefix_per_day".to_owned());
        }
        if limits.alarm_sends_per_shop_per_day > limits.sends_per_shop_per_day {
            return Err("limits: alarm_sends_per_shop_per_day must not exceed sends_per_shop_per_day".to_owned());
        }
        if limits.source_header.as_ref().is_some_and(|name| http::HeaderName::try_from(name).is_err()) {
            return Err("limits: source_header must be the name of a header, like \"X-Real-IP\"".to_owned());
        }
        let digits =
            |prefix: &String, most| (1..=most).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_digit());
        if limits.country_prefixes.is_empty() || !limits.country_prefixes.iter().all(|prefix| digits(prefix, 6)) {
            return Err("limits: country_prefixes must list at least one prefix of 1 to 6 digits, like \"996\"".to_owned());
        }
        if !limits.deny_prefixes.iter().all(|prefix| digits(prefix, 15)) {
            return Err("limits: deny_prefixes must list prefixes of 1 to 15 digits, like \"9967009\"".to_owned());
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
    fn a_form_has_the_shops_limits_but_for_its_own() {
        let own = "limits = { cool_down_seconds = 120, sends_per_shop_per_day = 1000, country_prefixes = [\"996\"] }";
        let forms = Forms::parse(&GOOD.replacen("retention_days = 90", own, 1)).unwrap();
        let limits = |name| forms.find(&FormName::parse(name).unwrap()).unwrap().limits.clone();
        assert_eq!(limits("feedback"), forms.limits);
        let expected = Limits {
            cool_down: Duration::from_mins(2),
            sends_per_shop_per_day: 1000,
            country_prefixes: vec!["996".to_owned()],
            ..forms.limits.clone()
        };
        assert_eq!(limits("callback"), expected, "the alarm stays the shop's");
    }

    #[test]
    fn a_file_from_before_the_newer_limits_has_their_defaults() {
        let newer = ["prefix", "alarm_", "wrong_", "deny_"];
        let old: String = GOOD
            .lines()
            .filter(|line| !newer.iter().any(|word| line.starts_with(word) || line.starts_with("sends_per_prefix")))
            .collect::<Vec<_>>()
            .join("\n");
        assert!(old.len() < GOOD.len());
        assert_eq!(Forms::parse(&old).unwrap(), Forms::parse(GOOD).unwrap(), "the shipped values are the defaults");
    }

    #[test]
    fn mistakes_are_named_with_what_would_be_right() {
        for (from, to, wanted) in [
            ("checks_per_code = 5", "checks_per_code = 0", "checks_per_code must be a whole number from 1 to 20"),
            ("cool_down_seconds = 60", "cool_down_seconds = -1", "cool_down_seconds"),
            ("sends_per_hour = 5", "sends_per_hour = 11", "sends_per_hour must not exceed sends_per_day"),
            ("country_prefixes = [", "country_prefixes = [\"+7\", ", "country_prefixes must list"),
            ("deny_prefixes = []", "deny_prefixes = [\"+996\"]", "deny_prefixes must list"),
            ("sends_per_prefix_per_hour = 30", "sends_per_prefix_per_hour = 101", "sends_per_prefix_per_hour must not exceed"),
            ("sends_per_prefix_per_day = 100", "sends_per_prefix_per_day = 0", "sends_per_prefix_per_day must be a whole number"),
            ("prefix_digits = 7", "prefix_digits = 10", "prefix_digits must be a whole number from 4 to 9"),
            ("prefix_digits = 7", "sends_per_address_per_hour = 0", "sends_per_address_per_hour must be a whole number"),
            ("prefix_digits = 7", "source_header = \"X Real\"", "source_header must be the name of a header"),
            (
                "alarm_sends_per_shop_per_day = 1600",
                "alarm_sends_per_shop_per_day = 2001",
                "must not exceed sends_per_shop_per_day",
            ),
            ("codes_per_phone_per_day = 20", "codes_per_phone_per_day = 0", "wrong_codes_per_phone_per_day must be"),
            ("retention_days = 90", "limits = { sends_per_hour = 11 }", "form 1 (name \"callback\"): limits: sends_per_hour"),
            ("retention_days = 90", "limits = { sends_per_shop_per_day = 2001 }", "must not exceed the shop's"),
            ("retention_days = 90", "limits = { prefix_digits = 8 }", "prefix_digits"),
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
