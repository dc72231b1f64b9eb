//! Limits that many customers share, or that only ever count up: so many in an hour and in a day of UTC. Parallel requests add
//! to such a counter without standing in each other's way. Its windows are fixed, so around the turn of an hour or a day up to
//! twice as many may pass in a row.

use std::net::IpAddr;
use std::time::Duration;

use time::UtcOffset;

use super::{FormsOf, LimitRefusal, Limits};
use crate::platform::clock::Timestamp;
use crate::platform::ids::{InstallId, SubmissionId};
use crate::platform::phone::Phone;
use crate::platform::secret::{InternalSecret, Purpose};

const HOUR_MS: i64 = 3_600_000;
/// So many letters of a form's id tell the few forms of a phone or an installation apart.
const THING: usize = 12;

/// A limit in the windows of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    of: Of,
    key: String,
    at: Timestamp,
    per_hour: Option<u32>,
    per_day: Option<u32>,
    /// How many a day are worth an alarm; the last of the day is too.
    alarm: Option<u32>,
    /// What it is counted for; the same thing is counted once. Nothing where there would be too many to remember.
    thing: Option<String>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Prefix,
    Address,
    NoInstallation,
    Shop,
    WrongCodes,
    Forms(FormsOf),
}

/// How much of a quota is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub in_hour: u32,
    pub in_day: u32,
    /// The highest count that an alarm was raised for that day.
    pub alarmed_at: u32,
}

/// A count that a person must hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The soft threshold: so many are used.
    RunningOut(u32),
    /// The hard one: the last is used.
    UsedUp(u32),
}

impl Alarm {
    #[must_use]
    pub fn threshold(self) -> u32 {
        match self {
            Self::RunningOut(threshold) | Self::UsedUp(threshold) => threshold,
        }
    }
}

fn wrong_codes_digest(secret: &InternalSecret, phone: &Phone) -> String {
    secret.digest(Purpose::Limit, &["wrong-codes-phone", phone.digits()])
}

fn nobodys_wrong_codes_digest(secret: &InternalSecret, phone: &Phone) -> String {
    secret.digest(Purpose::Limit, &["wrong-codes-no-installation", phone.digits()])
}

impl Quota {
    /// Codes to one range of numbers: who pumps SMS buys numbers by the range.
    #[must_use]
    pub fn of_prefix(limits: &Limits, phone: &Phone, at: Timestamp) -> Self {
        let key = format!("prefix#{}", phone.prefix(limits.prefix_digits));
        let (per_hour, per_day) = (Some(limits.sends_per_prefix_per_hour), Some(limits.sends_per_prefix_per_day));
        Self { of: Of::Prefix, key, at, per_hour, per_day, alarm: None, thing: None }
    }

    /// Codes asked for from one address; of IPv6 the network of one customer, /64. Nothing if they are not limited.
    #[must_use]
    pub fn of_address(limits: &Limits, secret: &InternalSecret, address: IpAddr, at: Timestamp) -> Option<Self> {
        let per_hour = Some(limits.sends_per_address_per_hour?);
        let address = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [first, second, third, fourth, ..] = address.segments();
                format!("{first:x}:{second:x}:{third:x}:{fourth:x}::/64")
            }
        };
        let key = format!("address#{}", secret.digest(Purpose::Limit, &["address", &address]));
        Some(Self { of: Of::Address, key, at, per_hour, per_day: None, alarm: None, thing: None })
    }

    /// Codes asked for without an installation: leaving it out evades nothing.
    #[must_use]
    pub fn of_no_installation(limits: &Limits, at: Timestamp) -> Self {
        let per_day = Some(limits.sends_without_installation_per_day);
        Self { of: Of::NoInstallation, key: "no-installation".to_owned(), at, per_hour: None, per_day, alarm: None, thing: None }
    }

    /// Codes of the whole shop.
    #[must_use]
    pub fn of_shop(limits: &Limits, at: Timestamp) -> Self {
        let (per_day, alarm) = (Some(limits.sends_per_shop_per_day), Some(limits.alarm_sends_per_shop_per_day));
        Self { of: Of::Shop, key: "shop".to_owned(), at, per_hour: None, per_day, alarm, thing: None }
    }

    /// What is counted for one phone, without its limits: to be looked at, and lifted. Wrong codes, those that were entered without an
    /// installation, and forms without a code.
    #[must_use]
    pub fn counted_for(secret: &InternalSecret, phone: &Phone, at: Timestamp) -> [Self; 3] {
        let wrong_codes = |digest: String| Self::of_wrong_codes(&digest, None, at);
        let forms = Self::of_forms_by_phone(secret, phone, [None; 2], at);
        [wrong_codes(wrong_codes_digest(secret, phone)), wrong_codes(nobodys_wrong_codes_digest(secret, phone)), forms]
    }

    /// Wrong codes for one phone, across forms and installations.
    #[must_use]
    pub fn of_wrong_codes_for(limits: &Limits, secret: &InternalSecret, phone: &Phone, at: Timestamp) -> Self {
        Self::of_wrong_codes(&wrong_codes_digest(secret, phone), Some(limits.wrong_codes_per_phone_per_day), at)
    }

    /// Wrong codes from one installation, across forms and phones; without one, from nobody's for the phone.
    #[must_use]
    pub fn of_wrong_codes_from(
        limits: &Limits,
        secret: &InternalSecret,
        installation: Option<&InstallId>,
        phone: &Phone,
        at: Timestamp,
    ) -> Self {
        let digest = match installation {
            Some(installation) => secret.digest(Purpose::Limit, &["wrong-codes-installation", installation.as_str()]),
            None => nobodys_wrong_codes_digest(secret, phone),
        };
        Self::of_wrong_codes(&digest, Some(limits.wrong_codes_per_installation_per_day), at)
    }

    fn of_wrong_codes(digest: &str, per_day: Option<u32>, at: Timestamp) -> Self {
        let key = format!("wrong-codes#{digest}");
        Self { of: Of::WrongCodes, key, at, per_hour: None, per_day, alarm: None, thing: None }
    }

    /// This, counted once for a form however often that is sent. For counters with few forms: they are remembered in it.
    #[must_use]
    pub fn once_for(mut self, form: &SubmissionId) -> Self {
        self.thing = form.as_str().get(..THING).map(str::to_owned);
        self
    }

    /// What it is counted for, if the same thing counts once.
    #[must_use]
    pub fn thing(&self) -> Option<&str> {
        self.thing.as_deref()
    }

    /// Forms without a code that name one phone, whatever the form and the installation.
    #[must_use]
    pub fn of_forms_for(limits: &Limits, secret: &InternalSecret, phone: &Phone, at: Timestamp) -> Self {
        let limits = [limits.forms_per_phone_per_hour, limits.forms_per_phone_per_day].map(Some);
        Self::of_forms_by_phone(secret, phone, limits, at)
    }

    fn of_forms_by_phone(secret: &InternalSecret, phone: &Phone, limits: [Option<u32>; 2], at: Timestamp) -> Self {
        let key = format!("forms-phone#{}", secret.digest(Purpose::Limit, &["forms-phone", phone.digits()]));
        let [per_hour, per_day] = limits;
        Self { of: Of::Forms(FormsOf::Phone), key, at, per_hour, per_day, alarm: None, thing: None }
    }

    /// Forms without a code from one installation, whatever the form and the phone. Those without one have a day of their own:
    /// leaving it out evades nothing. If that is used up a person hears of it, since IMSHOP may have left it out of every form.
    #[must_use]
    pub fn of_forms_from(limits: &Limits, secret: &InternalSecret, installation: Option<&InstallId>, at: Timestamp) -> Self {
        let Some(installation) = installation else {
            let (key, per_day) = ("forms-no-installation".to_owned(), Some(limits.forms_without_installation_per_day));
            return Self {
                of: Of::Forms(FormsOf::NoInstallation),
                key,
                at,
                per_hour: None,
                per_day,
                alarm: per_day,
                thing: None,
            };
        };
        let digest = secret.digest(Purpose::Limit, &["forms-installation", installation.as_str()]);
        let key = format!("forms-installation#{digest}");
        let (per_hour, per_day) = (Some(limits.forms_per_installation_per_hour), Some(limits.forms_per_installation_per_day));
        Self { of: Of::Forms(FormsOf::Installation), key, at, per_hour, per_day, alarm: None, thing: None }
    }

    /// Forms without a code of the whole shop.
    #[must_use]
    pub fn of_forms(limits: &Limits, at: Timestamp) -> Self {
        let (per_day, alarm) = (Some(limits.forms_per_shop_per_day), Some(limits.alarm_forms_per_shop_per_day));
        Self { of: Of::Forms(FormsOf::Shop), key: "forms-shop".to_owned(), at, per_hour: None, per_day, alarm, thing: None }
    }

    /// Whose forms it counts; nothing if it counts codes.
    #[must_use]
    pub fn forms(&self) -> Option<FormsOf> {
        match self.of {
            Of::Forms(whose) => Some(whose),
            Of::Prefix | Of::Address | Of::NoInstallation | Of::Shop | Of::WrongCodes => None,
        }
    }

    /// What its counter is found by; a new one every day.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}#{}", self.key, self.at.utc().date())
    }

    /// The hour of the day that it counts in, 0 to 23.
    #[must_use]
    pub fn hour(&self) -> u8 {
        self.at.utc().hour()
    }

    /// The moment whose windows it counts in.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// At most so many in its hour.
    #[must_use]
    pub fn per_hour(&self) -> Option<u32> {
        self.per_hour
    }

    /// At most so many in its day.
    #[must_use]
    pub fn per_day(&self) -> Option<u32> {
        self.per_day
    }

    /// Why there is no more to be had, if so.
    #[must_use]
    pub fn refuses(&self, used: Used) -> Option<LimitRefusal> {
        if self.per_day.is_some_and(|limit| used.in_day >= limit) {
            let tomorrow = self.at.next_day(UtcOffset::UTC);
            return Some(self.refusal(tomorrow.since(self.at)));
        }
        let next_hour = Timestamp::from_millis((self.at.millis().div_euclid(HOUR_MS) + 1) * HOUR_MS);
        self.per_hour.is_some_and(|limit| used.in_hour >= limit).then(|| self.refusal(next_hour.since(self.at)))
    }

    fn refusal(&self, wait: Duration) -> LimitRefusal {
        match self.of {
            Of::Prefix => LimitRefusal::Prefix(wait),
            Of::Address => LimitRefusal::Address(wait),
            Of::NoInstallation => LimitRefusal::Installation(wait),
            Of::Shop => LimitRefusal::Shop(wait),
            Of::WrongCodes => LimitRefusal::WrongCodes(wait),
            Of::Forms(whose) => LimitRefusal::Forms(whose, wait),
        }
    }

    /// How much of the shop's SMS of the day is used, in percent; nothing for what is no SMS of the shop's.
    #[must_use]
    pub fn budget_used(&self, used: Used) -> Option<u32> {
        let per_day = self.per_day.filter(|per_day| self.of == Of::Shop && *per_day > 0)?;
        Some(used.in_day.saturating_mul(100) / per_day)
    }

    /// The alarm to be raised at this count, if it was not yet.
    #[must_use]
    pub fn alarm(&self, used: Used) -> Option<Alarm> {
        let (soft, hard) = (self.alarm?, self.per_day?);
        let alarm = if used.in_day >= hard { Alarm::UsedUp(hard) } else { Alarm::RunningOut(soft) };
        (used.in_day >= alarm.threshold() && used.alarmed_at < alarm.threshold()).then_some(alarm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let text = include_str!("../../../../infra/config/forms.toml");
        crate::forms::config::Forms::parse(text).unwrap().limits
    }

    fn secret() -> InternalSecret {
        InternalSecret::parse("0123456789abcdef0123456789abcdef").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_rfc3339(text).unwrap()
    }

    fn used(in_hour: u32, in_day: u32) -> Used {
        Used { in_hour, in_day, alarmed_at: 0 }
    }

    #[test]
    fn a_window_ends_with_the_hour_and_the_day_of_utc() {
        let phone = Phone::parse("996770123456").unwrap();
        let limits = Limits { sends_per_prefix_per_hour: 3, sends_per_prefix_per_day: 5, ..limits() };
        let quota = Quota::of_prefix(&limits, &phone, at("2026-11-22T22:45:00Z"));
        assert_eq!((quota.key().as_str(), quota.hour()), ("prefix#9967701#2026-11-22", 22));
        assert_eq!(quota.refuses(used(2, 4)), None);
        assert_eq!(quota.refuses(used(3, 4)), Some(LimitRefusal::Prefix(Duration::from_mins(15))));
        assert_eq!(quota.refuses(used(0, 5)), Some(LimitRefusal::Prefix(Duration::from_mins(75))), "the longer wait");
        let next = Quota::of_prefix(&limits, &phone, at("2026-11-23T00:00:00Z"));
        assert_eq!((next.key().as_str(), next.hour()), ("prefix#9967701#2026-11-23", 0));
    }

    #[test]
    fn ip_address_is_counted_whole_or_by_its_first_64_bits() {
        let limited = Limits { sends_per_address_per_hour: Some(1), ..limits() };
        let key = |text: &str| Quota::of_address(&limited, &secret(), text.parse().unwrap(), at("2026-11-22T00:00:00Z"));
        let key = |text| key(text).unwrap().key();
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert!(!key("192.0.2.1").contains("192.0.2.1"), "a digest");
        let unlimited = Limits { sends_per_address_per_hour: None, ..limits() };
        assert_eq!(Quota::of_address(&unlimited, &secret(), "192.0.2.1".parse().unwrap(), at("2026-11-22T00:00:00Z")), None);
    }

    #[test]
    fn an_alarm_is_raised_once_for_each_threshold() {
        let limits = Limits { sends_per_shop_per_day: 10, alarm_sends_per_shop_per_day: 8, ..limits() };
        let quota = Quota::of_shop(&limits, at("2026-11-22T00:00:00Z"));
        let alarm = |in_day, alarmed_at| quota.alarm(Used { in_hour: 0, in_day, alarmed_at });
        assert_eq!(alarm(7, 0), None);
        assert_eq!(alarm(8, 0), Some(Alarm::RunningOut(8)));
        assert_eq!(alarm(9, 0), Some(Alarm::RunningOut(8)), "whoever saw it first may have died");
        assert_eq!(alarm(9, 8), None);
        assert_eq!(alarm(10, 8), Some(Alarm::UsedUp(10)));
        assert_eq!(alarm(10, 10), None);
        let phone = Phone::parse("996770123456").unwrap();
        assert_eq!(Quota::of_prefix(&limits, &phone, at("2026-11-22T00:00:00Z")).alarm(used(99, 99)), None);
    }
}
