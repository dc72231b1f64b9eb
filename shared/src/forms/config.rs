//! The shop's forms and the limits of sending codes: `infra/config/forms.toml`.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::forms::challenge::Limits;
use crate::forms::sms::Thresholds;
use crate::forms::submission::{RETENTION_DAYS, RETENTION_OF_DELIVERIES};
use crate::platform::config::{Mistake, list, maybe_filled, maybe_within, read, table, tables, text, within};
use crate::platform::ids::FormName;

/// One form, as operations configure it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Its name, `formName` or `formId`.
    pub name: FormName,
    /// It is taken only with a code that was sent to its phone.
    pub requires_code: bool,
    /// The names of the field with the phone, in the order in which they are looked for.
    pub phone_fields: Vec<String>,
    /// Where it goes.
    pub destination: Destination,
    /// How many days it is kept here, one of [`RETENTION_DAYS`].
    pub retention_days: u32,
    /// What the customer reads whose form was taken and the shop has not said anything of it.
    pub accepted: Option<String>,
    /// The shop's limits, but for those that the form has its own value of.
    pub limits: Limits,
}

/// Where a form goes. Every form is stored first; this is what follows, and how long it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// To the shop's own endpoint.
    pub shop: bool,
    /// Into the store, for the back office. Without it, a form is there only until the shop has it.
    pub store: bool,
}

/// The shop's forms and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forms {
    all: Vec<Form>,
    /// The limits of every form that has none of its own.
    pub limits: Limits,
    /// When too few codes are entered.
    pub conversion: Thresholds,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(deserialize_with = "limits")]
    limits: LimitsEntry,
    #[serde(default, deserialize_with = "forms")]
    form: Vec<FormEntry>,
    #[serde(default)]
    conversion: ConversionEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConversionEntry {
    #[serde(deserialize_with = "within::<_, 1, 24>")]
    window_hours: u32,
    #[serde(deserialize_with = "within::<_, 5, 100_000>")]
    min_codes: u32,
    #[serde(deserialize_with = "within::<_, 1, 100>")]
    min_entered_percent: u32,
}

impl Default for ConversionEntry {
    fn default() -> Self {
        Self { window_hours: 6, min_codes: 20, min_entered_percent: 30 }
    }
}

#[derive(Clone, Deserialize)]
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
    #[serde(default = "two_hundred", deserialize_with = "within::<_, 0, 1_000_000>")]
    sends_without_installation_per_day: u32,
    #[serde(default = "thirty", deserialize_with = "within::<_, 1, 100_000>")]
    sends_per_prefix_per_hour: u32,
    #[serde(default = "a_hundred", deserialize_with = "within::<_, 1, 1_000_000>")]
    sends_per_prefix_per_day: u32,
    #[serde(default = "seven", deserialize_with = "within::<_, 4, 9>")]
    prefix_digits: u32,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 1_000_000>")]
    sends_per_address_per_hour: Option<u32>,
    #[serde(default, deserialize_with = "header")]
    source_header: Option<String>,
    #[serde(deserialize_with = "within::<_, 1, 10_000_000>")]
    sends_per_shop_per_day: u32,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 10_000_000>")]
    alarm_sends_per_shop_per_day: Option<u32>,
    #[serde(default = "twenty", deserialize_with = "within::<_, 1, 1000>")]
    wrong_codes_per_phone_per_day: u32,
    #[serde(default = "twenty", deserialize_with = "within::<_, 1, 1000>")]
    wrong_codes_per_installation_per_day: u32,
    #[serde(default = "ten", deserialize_with = "within::<_, 1, 1000>")]
    forms_per_phone_per_hour: u32,
    #[serde(default = "thirty", deserialize_with = "within::<_, 1, 1000>")]
    forms_per_phone_per_day: u32,
    #[serde(default = "ten", deserialize_with = "within::<_, 1, 1000>")]
    forms_per_installation_per_hour: u32,
    #[serde(default = "thirty", deserialize_with = "within::<_, 1, 1000>")]
    forms_per_installation_per_day: u32,
    #[serde(default = "two_hundred", deserialize_with = "within::<_, 0, 1_000_000>")]
    forms_without_installation_per_day: u32,
    #[serde(default = "two_thousand", deserialize_with = "within::<_, 1, 10_000_000>")]
    forms_per_shop_per_day: u32,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 10_000_000>")]
    alarm_forms_per_shop_per_day: Option<u32>,
    #[serde(deserialize_with = "country_prefixes")]
    country_prefixes: Vec<String>,
    #[serde(default, deserialize_with = "deny_prefixes")]
    deny_prefixes: Vec<String>,
}

/// What a form may have its own value of: everything but what the SMS service, the counters' keys and the shop's alarm hang on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnLimitsEntry {
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 20>")]
    checks_per_code: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 10, 3600>")]
    cool_down_seconds: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 50>")]
    sends_per_hour: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 100>")]
    sends_per_day: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 1000>")]
    sends_per_installation_per_day: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 100_000>")]
    sends_per_prefix_per_hour: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 1_000_000>")]
    sends_per_prefix_per_day: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 1_000_000>")]
    sends_per_address_per_hour: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 10_000_000>")]
    sends_per_shop_per_day: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 1000>")]
    wrong_codes_per_phone_per_day: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 1000>")]
    wrong_codes_per_installation_per_day: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 1000>")]
    forms_per_phone_per_hour: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 1000>")]
    forms_per_phone_per_day: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 1000>")]
    forms_per_installation_per_hour: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 1000>")]
    forms_per_installation_per_day: Option<u32>,
    #[serde(default, deserialize_with = "maybe_within::<_, 1, 10_000_000>")]
    forms_per_shop_per_day: Option<u32>,
    #[serde(default, deserialize_with = "own_country_prefixes")]
    country_prefixes: Option<Vec<String>>,
    #[serde(default, deserialize_with = "own_deny_prefixes")]
    deny_prefixes: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormEntry {
    #[serde(deserialize_with = "name")]
    name: FormName,
    requires_code: bool,
    #[serde(default = "phone", deserialize_with = "phone_fields")]
    phone_fields: Vec<String>,
    #[serde(default = "the_store", deserialize_with = "destinations")]
    destinations: Destination,
    #[serde(default = "ninety_days", deserialize_with = "retention_days")]
    retention_days: u32,
    #[serde(default, deserialize_with = "maybe_filled")]
    accepted_text: Option<String>,
    limits: Option<Spanned<OwnLimitsEntry>>,
}

fn phone() -> Vec<String> {
    vec!["phone".to_owned()]
}

fn the_store() -> Destination {
    Destination { shop: false, store: true }
}

fn ninety_days() -> u32 {
    90
}

fn two_thousand() -> u32 {
    2000
}

fn two_hundred() -> u32 {
    200
}

fn thirty() -> u32 {
    30
}

fn a_hundred() -> u32 {
    100
}

fn ten() -> u32 {
    10
}

fn seven() -> u32 {
    7
}

fn twenty() -> u32 {
    20
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

fn destinations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Destination, D::Error> {
    const RIGHT: &str = "must list where the form goes: \"shop\", \"store\" or both";
    list(deserializer, |names: Vec<String>| {
        let mut destination = Destination { shop: false, store: false };
        for name in &names {
            match name.as_str() {
                "shop" => destination.shop = true,
                "store" => destination.store = true,
                _ => return Err(RIGHT.to_owned()),
            }
        }
        if destination.shop || destination.store { Ok(destination) } else { Err(RIGHT.to_owned()) }
    })
}

fn retention_days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let days = i64::deserialize(deserializer)?;
    let days = u32::try_from(days).ok().filter(|days| RETENTION_DAYS.contains(days));
    days.ok_or_else(|| D::Error::custom(format_args!("must be one of {RETENTION_DAYS:?}")))
}

/// Reads beginnings of international numbers.
fn prefixes<'de, D: Deserializer<'de>>(deserializer: D, longest: usize, example: &str) -> Result<Vec<String>, D::Error> {
    list(deserializer, |prefixes: Vec<String>| {
        let digits = |prefix: &String| (1..=longest).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let right = prefixes.iter().all(digits);
        if right { Ok(prefixes) } else { Err(format!("must list prefixes of 1 to {longest} digits, like \"{example}\"")) }
    })
}

fn country_prefixes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let prefixes = prefixes(deserializer, 6, "996")?;
    if prefixes.is_empty() { Err(D::Error::custom("must list at least one prefix, like \"996\"")) } else { Ok(prefixes) }
}

fn deny_prefixes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    prefixes(deserializer, 15, "9967009")
}

fn own_country_prefixes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    country_prefixes(deserializer).map(Some)
}

fn own_deny_prefixes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    deny_prefixes(deserializer).map(Some)
}

fn header<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer, |name| match http::HeaderName::try_from(name) {
        Ok(_) => Ok(Some(name.to_owned())),
        Err(_) => Err("must be the name of a header, like \"X-Real-IP\""),
    })
}

fn limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LimitsEntry, D::Error> {
    table(deserializer, |limits: LimitsEntry| limits.clone().check().map(|_| limits))
}

fn forms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<FormEntry>, D::Error> {
    tables(deserializer, FormEntry::check)
}

impl Forms {
    /// Reads `forms.toml`.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let File { limits: shop, form: entries, conversion } = read(text)?;
        let limits = shop.clone().check().map_err(|problem| Mistake::at(text, 0, problem))?;
        let mut forms = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            let limits = match entry.limits {
                None => limits.clone(),
                Some(own) => {
                    let begin = own.span().start;
                    let mistake = |problem| Mistake::at(text, begin, format!("field `form[{index}].limits`: {problem}"));
                    own.into_inner().instead_of(&shop).map_err(mistake)?
                }
            };
            let FormEntry { name, requires_code, phone_fields, destinations, retention_days, accepted_text, .. } = entry;
            forms.push(Form {
                name,
                requires_code,
                phone_fields,
                destination: destinations,
                retention_days,
                accepted: accepted_text,
                limits,
            });
        }
        let ConversionEntry { window_hours, min_codes, min_entered_percent } = conversion;
        Ok(Self { all: forms, limits, conversion: Thresholds { window_hours, min_codes, min_entered_percent } })
    }

    #[must_use]
    pub fn find(&self, name: &FormName) -> Option<&Form> {
        self.iter().find(|form| form.name == *name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Form> {
        self.all.iter()
    }
}

impl FormEntry {
    fn check(self, before: &[Self]) -> Result<Self, String> {
        if before.iter().any(|other| other.name == self.name) {
            return Err("name is used twice; every form needs its own".to_owned());
        }
        if self.requires_code && self.phone_fields.is_empty() {
            return Err("phone_fields must name at least one field when requires_code is true".to_owned());
        }
        if self.destinations.shop && self.retention_days < RETENTION_OF_DELIVERIES {
            let least = RETENTION_OF_DELIVERIES;
            return Err(format!("retention_days must be at least {least} for a form that goes to the shop: so long it may take"));
        }
        Ok(self)
    }
}

impl OwnLimitsEntry {
    /// The shop's limits with these values instead of its own.
    fn instead_of(self, shop: &LimitsEntry) -> Result<Limits, String> {
        if self.sends_per_shop_per_day.is_some_and(|own| own > shop.sends_per_shop_per_day) {
            return Err("sends_per_shop_per_day of a form must not exceed the shop's".to_owned());
        }
        if self.forms_per_shop_per_day.is_some_and(|own| own > shop.forms_per_shop_per_day) {
            return Err("forms_per_shop_per_day of a form must not exceed the shop's".to_owned());
        }
        let (alarm, alarm_of_forms) = (shop.alarm(), shop.alarm_of_forms());
        let limits = LimitsEntry {
            code_lifetime_minutes: shop.code_lifetime_minutes,
            checks_per_code: self.checks_per_code.unwrap_or(shop.checks_per_code),
            cool_down_seconds: self.cool_down_seconds.unwrap_or(shop.cool_down_seconds),
            sends_per_hour: self.sends_per_hour.unwrap_or(shop.sends_per_hour),
            sends_per_day: self.sends_per_day.unwrap_or(shop.sends_per_day),
            sends_per_installation_per_day: self.sends_per_installation_per_day.unwrap_or(shop.sends_per_installation_per_day),
            sends_without_installation_per_day: shop.sends_without_installation_per_day,
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
            forms_per_phone_per_hour: self.forms_per_phone_per_hour.unwrap_or(shop.forms_per_phone_per_hour),
            forms_per_phone_per_day: self.forms_per_phone_per_day.unwrap_or(shop.forms_per_phone_per_day),
            forms_per_installation_per_hour: self.forms_per_installation_per_hour.unwrap_or(shop.forms_per_installation_per_hour),
            forms_per_installation_per_day: self.forms_per_installation_per_day.unwrap_or(shop.forms_per_installation_per_day),
            forms_without_installation_per_day: shop.forms_without_installation_per_day,
            forms_per_shop_per_day: self.forms_per_shop_per_day.unwrap_or(shop.forms_per_shop_per_day),
            alarm_forms_per_shop_per_day: None,
            country_prefixes: self.country_prefixes.unwrap_or_else(|| shop.country_prefixes.clone()),
            deny_prefixes: self.deny_prefixes.unwrap_or_else(|| shop.deny_prefixes.clone()),
        };
        let limits = limits.check()?;
        Ok(Limits { alarm_sends_per_shop_per_day: alarm, alarm_forms_per_shop_per_day: alarm_of_forms, ..limits })
    }
}

impl LimitsEntry {
    /// The shop's soft threshold: four fifths of the day's SMS, if it is not configured.
    fn alarm(&self) -> u32 {
        self.alarm_sends_per_shop_per_day.unwrap_or_else(|| four_fifths(self.sends_per_shop_per_day))
    }

    /// The same of the day's forms.
    fn alarm_of_forms(&self) -> u32 {
        self.alarm_forms_per_shop_per_day.unwrap_or_else(|| four_fifths(self.forms_per_shop_per_day))
    }

    fn check(self) -> Result<Limits, String> {
        if self.sends_per_hour > self.sends_per_day {
            return Err("sends_per_hour must not exceed sends_per_day".to_owned());
        }
        if self.sends_per_prefix_per_hour > self.sends_per_prefix_per_day {
            return Err("sends_per_prefix_per_hour must not exceed sends_per_prefix_per_day".to_owned());
        }
        if self.forms_per_phone_per_hour > self.forms_per_phone_per_day {
            return Err("forms_per_phone_per_hour must not exceed forms_per_phone_per_day".to_owned());
        }
        if self.forms_per_installation_per_hour > self.forms_per_installation_per_day {
            return Err("forms_per_installation_per_hour must not exceed forms_per_installation_per_day".to_owned());
        }
        if self.alarm_forms_per_shop_per_day.is_some_and(|alarm| alarm > self.forms_per_shop_per_day) {
            return Err("alarm_forms_per_shop_per_day must not exceed forms_per_shop_per_day".to_owned());
        }
        let (alarm, alarm_of_forms) = (self.alarm(), self.alarm_of_forms());
        if self.alarm_sends_per_shop_per_day.is_some_and(|alarm| alarm > self.sends_per_shop_per_day) {
            return Err("alarm_sends_per_shop_per_day must not exceed sends_per_shop_per_day".to_owned());
        }
        Ok(Limits {
            code_lifetime: Duration::from_mins(u64::from(self.code_lifetime_minutes)),
            checks_per_code: self.checks_per_code,
            cool_down: Duration::from_secs(u64::from(self.cool_down_seconds)),
            sends_per_hour: self.sends_per_hour,
            sends_per_day: self.sends_per_day,
            sends_per_installation_per_day: self.sends_per_installation_per_day,
            sends_without_installation_per_day: self.sends_without_installation_per_day,
            sends_per_prefix_per_hour: self.sends_per_prefix_per_hour,
            sends_per_prefix_per_day: self.sends_per_prefix_per_day,
            prefix_digits: usize::try_from(self.prefix_digits).unwrap_or(usize::MAX),
            sends_per_address_per_hour: self.sends_per_address_per_hour,
            source_header: self.source_header,
            sends_per_shop_per_day: self.sends_per_shop_per_day,
            alarm_sends_per_shop_per_day: alarm,
            wrong_codes_per_phone_per_day: self.wrong_codes_per_phone_per_day,
            wrong_codes_per_installation_per_day: self.wrong_codes_per_installation_per_day,
            forms_per_phone_per_hour: self.forms_per_phone_per_hour,
            forms_per_phone_per_day: self.forms_per_phone_per_day,
            forms_per_installation_per_hour: self.forms_per_installation_per_hour,
            forms_per_installation_per_day: self.forms_per_installation_per_day,
            forms_without_installation_per_day: self.forms_without_installation_per_day,
            forms_per_shop_per_day: self.forms_per_shop_per_day,
            alarm_forms_per_shop_per_day: alarm_of_forms,
            country_prefixes: self.country_prefixes,
            deny_prefixes: self.deny_prefixes,
        })
    }
}

fn four_fifths(number: u32) -> u32 {
    (number - number / 5).max(1)
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
        let newer = ["prefix", "alarm_", "wrong_", "forms_", "deny_", "[conversion]", "window_", "min_"];
        let old: String = GOOD
            .lines()
            .filter(|line| !newer.iter().any(|word| line.starts_with(word) || line.starts_with("sends_per_prefix")))
            .collect::<Vec<_>>()
            .join("\n");
        assert!(old.len() < GOOD.len());
        assert_eq!(Forms::parse(&old).unwrap(), Forms::parse(GOOD).unwrap(), "the shipped values are the defaults");
    }

    #[test]
    fn mistake_in_limits_is_reported_with_place_and_remedy() {
        assert_mistakes(&[
            (
                "checks_per_code = 5",
                "checks_per_code = 0",
                "10:19: field `limits.checks_per_code`: must be a whole number from 1 to 20",
            ),
            (
                "cool_down_seconds = 60",
                "cool_down_seconds = -1",
                "12:21: field `limits.cool_down_seconds`: must be a whole number from 10 to 3600",
            ),
            ("sends_per_hour = 5", "sends_per_hour = 11", "6:1: field `limits`: sends_per_hour must not exceed sends_per_day"),
            (
                "country_prefixes = [",
                "country_prefixes = [\"+7\", ",
                "48:20: field `limits.country_prefixes`: must list prefixes of 1 to 6 digits, like \"996\"",
            ),
            (
                "country_prefixes = [\"996\", \"7\"]",
                "country_prefixes = []",
                "48:20: field `limits.country_prefixes`: must list at least one prefix, like \"996\"",
            ),
            (
                "deny_prefixes = []",
                "deny_prefixes = [\"+996\"]",
                "50:17: field `limits.deny_prefixes`: must list prefixes of 1 to 15 digits, like \"9967009\"",
            ),
            (
                "sends_per_prefix_per_hour = 30",
                "sends_per_prefix_per_hour = 101",
                "6:1: field `limits`: sends_per_prefix_per_hour must not exceed sends_per_prefix_per_day",
            ),
            (
                "sends_per_prefix_per_day = 100",
                "sends_per_prefix_per_day = 0",
                "23:28: field `limits.sends_per_prefix_per_day`: must be a whole number from 1 to 1000000",
            ),
            (
                "prefix_digits = 7",
                "prefix_digits = 10",
                "24:17: field `limits.prefix_digits`: must be a whole number from 4 to 9",
            ),
            (
                "prefix_digits = 7",
                "sends_per_address_per_hour = 0",
                "24:30: field `limits.sends_per_address_per_hour`: must be a whole number from 1 to 1000000",
            ),
            (
                "prefix_digits = 7",
                "source_header = \"X Real\"",
                "24:17: field `limits.source_header`: must be the name of a header, like \"X-Real-IP\"",
            ),
            (
                "alarm_sends_per_shop_per_day = 1600",
                "alarm_sends_per_shop_per_day = 2001",
                "6:1: field `limits`: alarm_sends_per_shop_per_day must not exceed sends_per_shop_per_day",
            ),
            (
                "forms_per_phone_per_hour = 10",
                "forms_per_phone_per_hour = 31",
                "6:1: field `limits`: forms_per_phone_per_hour must not exceed forms_per_phone_per_day",
            ),
            (
                "forms_per_installation_per_day = 30",
                "forms_per_installation_per_day = 9",
                "6:1: field `limits`: forms_per_installation_per_hour must not exceed forms_per_installation_per_day",
            ),
            (
                "alarm_forms_per_shop_per_day = 1600",
                "alarm_forms_per_shop_per_day = 2001",
                "6:1: field `limits`: alarm_forms_per_shop_per_day must not exceed forms_per_shop_per_day",
            ),
            (
                "forms_per_phone_per_day = 30",
                "forms_per_phone_per_day = 1001",
                "39:27: field `limits.forms_per_phone_per_day`: must be a whole number from 1 to 1000",
            ),
            (
                "codes_per_phone_per_day = 20",
                "codes_per_phone_per_day = 0",
                "35:33: field `limits.wrong_codes_per_phone_per_day`: must be a whole number from 1 to 1000",
            ),
        ]);
    }

    #[test]
    fn mistake_in_forms_is_reported_with_place_and_remedy() {
        assert_mistakes(&[
            (
                "retention_days = 90",
                "limits = { sends_per_hour = 11 }",
                "62:10: field `form[0].limits`: sends_per_hour must not exceed sends_per_day",
            ),
            (
                "retention_days = 90",
                "limits = { sends_per_shop_per_day = 2001 }",
                "62:10: field `form[0].limits`: sends_per_shop_per_day of a form must not exceed the shop's",
            ),
            (
                "retention_days = 90",
                "limits = { forms_per_shop_per_day = 2001 }",
                "62:10: field `form[0].limits`: forms_per_shop_per_day of a form must not exceed the shop's",
            ),
            (
                "retention_days = 90",
                "limits = { prefix_digits = 8 }",
                "62:12: field `form[0].limits.prefix_digits`: unknown field `prefix_digits`",
            ),
            (
                "retention_days = 90",
                "retention_days = 91",
                "62:18: field `form[0].retention_days`: must be one of [1, 7, 14, 30, 60, 90, 180, 365, 730, 1095]",
            ),
            (
                "destinations = [\"shop\", \"store\"]",
                "destinations = [\"shop\", \"email\"]",
                "60:16: field `form[0].destinations`: must list where the form goes: \"shop\", \"store\" or both",
            ),
            (
                "destinations = [\"shop\", \"store\"]",
                "destinations = []",
                "60:16: field `form[0].destinations`: must list where the form goes",
            ),
            (
                "retention_days = 90",
                "retention_days = 14",
                "53:1: field `form[0]`: retention_days must be at least 30 for a form that goes to the shop: so long it may take",
            ),
            ("name = \"callback\"", "name = \"\"", "54:8: field `form[0].name`: must not be empty"),
            ("name = \"feedback\"", "name = \"callback\"", "69:1: field `form[1]`: name is used twice; every form needs its own"),
            (
                "requires_code = true",
                "requires_kode = true",
                "55:1: field `form[0].requires_kode`: unknown field `requires_kode`",
            ),
            ("requires_code = true", "requires_code = ", "55:17:"),
        ]);
    }

    /// What stands there, what is put in its place, and how the mistake begins.
    fn assert_mistakes(mistakes: &[(&str, &str, &str)]) {
        for (from, to, wanted) in mistakes {
            assert!(GOOD.contains(from), "{from}");
            let error = Forms::parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{wanted}: {error}");
        }
    }

    #[test]
    fn thresholds_of_conversion_are_within_reason() {
        for (from, to, wanted) in [
            (
                "window_hours = 6",
                "window_hours = 25",
                "77:16: field `conversion.window_hours`: must be a whole number from 1 to 24",
            ),
            ("min_codes = 20", "min_codes = 4", "79:13: field `conversion.min_codes`: must be a whole number from 5 to 100000"),
            (
                "min_entered_percent = 30",
                "min_entered_percent = 0",
                "80:23: field `conversion.min_entered_percent`: must be a whole number from 1 to 100",
            ),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = Forms::parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
            assert_eq!(error, wanted);
        }
    }
}
