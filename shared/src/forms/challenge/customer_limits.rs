//! How often codes may be sent and checked, and how many forms are taken without one. What belongs to one customer is a sliding
//! window over the moments at which codes were sent; what many share is a [`Quota`](super::Quota).

use std::time::Duration;

use super::ChallengeKey;
use crate::forms::texts;
use crate::platform::clock::Timestamp;
use crate::platform::ids::{FormName, InstallId};
use crate::platform::phone::Phone;
use crate::platform::secret::{InternalSecret, Purpose};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// How many codes may be sent and checked, and how many forms are taken without one: the shop's, or what a form has instead.
/// Whatever the form, it counts the same for all of them, so that several forms never add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a code is valid: the same value as in the SMS service's cabinet.
    pub code_lifetime: Duration,
    /// How often one code may be checked.
    pub checks_per_code: u32,
    /// The least time between two codes to one phone.
    pub cool_down: Duration,
    /// Codes to one phone in an hour.
    pub sends_per_hour: u32,
    /// Codes to one phone in a day.
    pub sends_per_day: u32,
    /// Codes asked for from one installation in a day.
    pub sends_per_installation_per_day: u32,
    /// Codes asked for without an installation in a day (UTC), of the whole shop.
    pub sends_without_installation_per_day: u32,
    /// Codes to one range of numbers in an hour (UTC).
    pub sends_per_prefix_per_hour: u32,
    /// Codes to one range of numbers in a day (UTC).
    pub sends_per_prefix_per_day: u32,
    /// How many first digits of the international number make a range.
    pub prefix_digits: usize,
    /// Codes asked for from one address in an hour (UTC); as many as they like if absent.
    pub sends_per_address_per_hour: Option<u32>,
    /// The header in which the caller passes the customer's address on; without it the caller's address counts.
    pub source_header: Option<String>,
    /// Codes of the whole shop in a day (UTC): then no more are sent.
    pub sends_per_shop_per_day: u32,
    /// So many of them are worth an alarm.
    pub alarm_sends_per_shop_per_day: u32,
    /// Wrong codes for one phone in a day (UTC): then no more are checked.
    pub wrong_codes_per_phone_per_day: u32,
    /// Wrong codes from one installation in a day (UTC).
    pub wrong_codes_per_installation_per_day: u32,
    /// Forms without a code that name one phone, in an hour (UTC).
    pub forms_per_phone_per_hour: u32,
    /// The same in a day (UTC).
    pub forms_per_phone_per_day: u32,
    /// Forms without a code from one installation, in an hour (UTC).
    pub forms_per_installation_per_hour: u32,
    /// The same in a day (UTC).
    pub forms_per_installation_per_day: u32,
    /// Forms without a code and without an installation in a day (UTC), of the whole shop.
    pub forms_without_installation_per_day: u32,
    /// Forms without a code of the whole shop in a day (UTC): then no more are taken.
    pub forms_per_shop_per_day: u32,
    /// So many of them are worth an alarm.
    pub alarm_forms_per_shop_per_day: u32,
    /// Countries that codes are sent to, by the beginning of the international number.
    pub country_prefixes: Vec<String>,
    /// Numbers that codes are not sent to, by the beginning of the international number.
    pub deny_prefixes: Vec<String>,
}

/// When codes were sent to one phone, or asked for from one installation, in the last 24 hours.
#[derive(Clone, Debug)]
pub struct SendLog {
    /// What it is found by: a digest.
    pub key: String,
    /// The moments, oldest first.
    pub times: Vec<Timestamp>,
    /// Of a phone: the codes of the last hour, oldest first. A form that comes without its installation finds its code by them.
    pub codes: Vec<SentCode>,
    /// The stored version; 0 if it is not stored yet.
    pub version: u64,
}

/// A code that was sent, or was about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentCode {
    /// When.
    pub at: Timestamp,
    /// For which form.
    pub form: FormName,
    /// What it is found by.
    pub challenge: ChallengeKey,
}

/// Whose forms without a code are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormsOf {
    /// Those that name one phone.
    Phone,
    /// One installation's.
    Installation,
    /// Those that come without an installation.
    NoInstallation,
    /// All.
    Shop,
}

/// Why no code may be sent now, or no form be taken without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitRefusal {
    /// The last one was sent a moment ago.
    CoolDown(Duration),
    /// Too many in an hour.
    Hour(Duration),
    /// Too many in a day.
    Day(Duration),
    /// Too many from one installation.
    Installation(Duration),
    /// Too many to one range of numbers.
    Prefix(Duration),
    /// Too many from one address.
    Address(Duration),
    /// Too many of the whole shop.
    Shop(Duration),
    /// Too many wrong codes: a new one could not be entered either.
    WrongCodes(Duration),
    /// Too many forms without a code.
    Forms(FormsOf, Duration),
}

impl LimitRefusal {
    /// The limit's name among what is measured.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CoolDown(_) => "cool_down",
            Self::Hour(_) => "phone_hour",
            Self::Day(_) => "phone_day",
            Self::Installation(_) | Self::Forms(FormsOf::Installation, _) => "installation",
            Self::Prefix(_) => "range",
            Self::Address(_) => "address",
            Self::Shop(_) | Self::Forms(FormsOf::Shop, _) => "shop",
            Self::WrongCodes(_) => "wrong_codes",
            Self::Forms(FormsOf::Phone, _) => "phone",
            Self::Forms(FormsOf::NoInstallation, _) => "no_installation",
        }
    }
}

impl SendLog {
    /// How long a send is remembered.
    pub const REMEMBERED: Duration = DAY;

    /// The key of a phone's log, across forms and installations.
    #[must_use]
    pub fn phone_key(secret: &InternalSecret, phone: &Phone) -> String {
        secret.digest(Purpose::Limit, &["phone", phone.digits()])
    }

    /// The key of an installation's log.
    #[must_use]
    pub fn installation_key(secret: &InternalSecret, installation: &InstallId) -> String {
        secret.digest(Purpose::Limit, &["installation", installation.as_str()])
    }

    /// The key of the log of a phone for which codes are asked without an installation.
    #[must_use]
    pub fn no_installation_key(secret: &InternalSecret, phone: &Phone) -> String {
        secret.digest(Purpose::Limit, &["no-installation", phone.digits()])
    }

    /// A log in which nothing is written yet.
    #[must_use]
    pub fn new(key: String) -> Self {
        Self { key, times: Vec::new(), codes: Vec::new(), version: 0 }
    }

    /// Why a phone must not get a code now, if so.
    #[must_use]
    pub fn refuses_phone(&self, limits: &Limits, now: Timestamp) -> Option<LimitRefusal> {
        let last = self.times.last().map(|last| now.since(*last));
        if let Some(passed) = last.filter(|passed| *passed < limits.cool_down) {
            return Some(LimitRefusal::CoolDown(limits.cool_down.saturating_sub(passed)));
        }
        self.wait(limits.sends_per_day, DAY, now)
            .map(LimitRefusal::Day)
            .or_else(|| self.wait(limits.sends_per_hour, HOUR, now).map(LimitRefusal::Hour))
    }

    /// Why an installation must not ask for a code now, if so.
    #[must_use]
    pub fn refuses_installation(&self, limits: &Limits, now: Timestamp) -> Option<LimitRefusal> {
        self.wait(limits.sends_per_installation_per_day, DAY, now).map(LimitRefusal::Installation)
    }

    /// How long until less than `limit` sends are within the window, if they are not.
    fn wait(&self, limit: u32, window: Duration, now: Timestamp) -> Option<Duration> {
        let last = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(1);
        let oldest = self.times.iter().rev().filter(|at| now.since(**at) < window).nth(last)?;
        Some(window.saturating_sub(now.since(*oldest)))
    }

    /// With a send at this moment; what is older than a day is forgotten.
    #[must_use]
    pub fn with(mut self, at: Timestamp) -> Self {
        self.times.retain(|before| at.since(*before) < DAY);
        self.times.push(at);
        self
    }

    /// With a code at this moment.
    #[must_use]
    pub fn with_code(mut self, at: Timestamp, form: &FormName, challenge: &ChallengeKey) -> Self {
        self.codes.retain(|before| at.since(before.at) < HOUR);
        self.codes.push(SentCode { at, form: form.clone(), challenge: challenge.clone() });
        self.with(at)
    }

    /// With a send that was noted at `first` and happened at `at`.
    #[must_use]
    pub fn moved(mut self, first: Timestamp, at: Timestamp) -> Self {
        for code in &mut self.codes {
            if code.at == first {
                code.at = at;
            }
        }
        self.without(first).with(at)
    }

    /// Where the codes for a form are found, the newest first.
    pub fn codes_for(&self, form: &FormName) -> impl Iterator<Item = &ChallengeKey> {
        self.codes.iter().rev().filter(move |code| code.form == *form).map(|code| &code.challenge)
    }

    /// Without the send at that moment, which did not happen.
    #[must_use]
    pub fn without(mut self, at: Timestamp) -> Self {
        if let Some(place) = self.times.iter().rposition(|time| *time == at) {
            self.times.remove(place);
        }
        // A code that was sent before under the same key is still found.
        if let Some(place) = self.codes.iter().rposition(|code| code.at == at) {
            self.codes.remove(place);
        }
        self
    }

    /// Without what it limits. The codes of the last hour stay: they are how forms without an installation find theirs.
    #[must_use]
    pub fn lifted(mut self) -> Self {
        self.times.clear();
        self
    }

    /// When the log says nothing any more.
    #[must_use]
    pub fn ends_at(&self, now: Timestamp) -> Timestamp {
        self.times.last().copied().unwrap_or(now).plus(DAY)
    }
}

impl LimitRefusal {
    /// A code was sent at that moment (or may have been): how long to wait for the next one.
    #[must_use]
    pub fn after(sent_at: Timestamp, limits: &Limits, now: Timestamp) -> Self {
        Self::CoolDown(limits.cool_down.saturating_sub(now.since(sent_at)))
    }

    /// What the customer reads.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::CoolDown(wait) => texts::wait_for_next_code(round_up(wait, 1000)),
            Self::Hour(wait) | Self::Day(wait) | Self::Installation(wait) | Self::Prefix(wait) | Self::Address(wait) => {
                if wait <= HOUR {
                    texts::wait_minutes_for_next_code(round_up(wait, 60_000))
                } else {
                    texts::wait_hours_for_next_code(round_up(wait, 3_600_000))
                }
            }
            Self::Shop(wait) => texts::shop_sends_again(round_up(wait, 3_600_000)),
            Self::WrongCodes(wait) => texts::wait_hours_after_wrong_codes(round_up(wait, 3_600_000)),
            Self::Forms(FormsOf::NoInstallation | FormsOf::Shop, wait) => {
                texts::shop_takes_forms_again(round_up(wait, 3_600_000))
            }
            Self::Forms(FormsOf::Phone | FormsOf::Installation, wait) if wait <= HOUR => {
                texts::wait_minutes_for_next_form(round_up(wait, 60_000))
            }
            Self::Forms(FormsOf::Phone | FormsOf::Installation, wait) => {
                texts::wait_hours_for_next_form(round_up(wait, 3_600_000))
            }
        }
    }
}

fn round_up(wait: Duration, unit_ms: u64) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).div_ceil(unit_ms).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let text = include_str!("../../../../infra/config/forms.toml");
        crate::forms::config::Forms::parse(text).unwrap().limits
    }

    fn log(seconds: &[i64]) -> SendLog {
        let times = seconds.iter().map(|seconds| at(*seconds)).collect();
        SendLog { key: String::new(), times, codes: Vec::new(), version: 1 }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_phone_waits_a_minute_an_hour_and_a_day() {
        let refused = |times: &[i64], now| log(times).refuses_phone(&limits(), at(now));
        assert_eq!(refused(&[], 0), None);
        assert_eq!(refused(&[0], 59), Some(LimitRefusal::CoolDown(Duration::from_secs(1))));
        assert_eq!(refused(&[0], 60), None);
        assert_eq!(refused(&[0, 60, 120, 180], 240), None);
        assert_eq!(refused(&[0, 60, 120, 180, 240], 600), Some(LimitRefusal::Hour(Duration::from_mins(50))));
        assert_eq!(refused(&[0, 60, 120, 180, 240], 3600), None, "the window slides");
        let ten: Vec<i64> = (0..10).map(|hour| hour * 3600).collect();
        assert_eq!(refused(&ten, 23 * 3600), Some(LimitRefusal::Day(Duration::from_hours(1))));
        assert_eq!(refused(&ten, 24 * 3600), None, "the window slides");
        assert_eq!(refused(&[100], 0), Some(LimitRefusal::CoolDown(Duration::from_mins(1))), "a clock that went back");
    }

    #[test]
    fn an_installation_waits_a_day() {
        let twenty: Vec<i64> = (0..20).collect();
        let wait = Duration::from_secs(1);
        assert_eq!(log(&twenty).refuses_installation(&limits(), at(86_399)), Some(LimitRefusal::Installation(wait)));
        assert_eq!(log(&twenty).refuses_installation(&limits(), at(86_400)), None);
    }

    #[test]
    fn what_is_given_back_is_gone_once_and_what_is_old_is_forgotten() {
        assert_eq!(log(&[1, 2, 2]).without(at(2)).times, [at(1), at(2)]);
        assert_eq!(log(&[1]).without(at(7)).times, [at(1)]);
        assert_eq!(log(&[0, 10]).with(at(86_400)).times, [at(10), at(86_400)]);
    }

    #[test]
    fn the_customer_reads_how_long_to_wait_rounded_up_and_never_zero() {
        assert!(LimitRefusal::CoolDown(Duration::from_millis(1001)).text().contains("через 2 с"));
        assert!(LimitRefusal::after(at(0), &limits(), at(100)).text().contains("через 1 с"));
        assert!(LimitRefusal::Hour(Duration::from_secs(61)).text().contains("через 2 мин"));
        assert!(LimitRefusal::Prefix(Duration::from_hours(1)).text().contains("через 60 мин"));
        assert!(LimitRefusal::Day(Duration::from_mins(61)).text().contains("через 2 ч"));
        assert!(LimitRefusal::Shop(Duration::from_secs(1)).text().contains("через 1 ч"));
        assert!(LimitRefusal::WrongCodes(Duration::from_hours(7)).text().contains("через 7 ч"));
        assert!(LimitRefusal::Forms(FormsOf::Phone, Duration::from_secs(1)).text().contains("через 1 мин"));
        assert!(LimitRefusal::Forms(FormsOf::Installation, Duration::from_mins(61)).text().contains("через 2 ч"));
        assert!(LimitRefusal::Forms(FormsOf::Shop, Duration::from_secs(1)).text().contains("через 1 ч"));
        assert!(LimitRefusal::Forms(FormsOf::NoInstallation, Duration::from_hours(5)).text().contains("через 5 ч"));
    }
}
