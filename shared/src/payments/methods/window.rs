//! Windows of time at the shop.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, PrimitiveDateTime, Time, Weekday};

use super::values::Many;
use crate::platform::config::table;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    fn is(self, date: Date) -> bool {
        let weekday = match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        };
        date.weekday() == weekday
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mon => "Monday",
            Self::Tue => "Tuesday",
            Self::Wed => "Wednesday",
            Self::Thu => "Thursday",
            Self::Fri => "Friday",
            Self::Sat => "Saturday",
            Self::Sun => "Sunday",
        })
    }
}

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const CLOCK: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]");
const CLOCK_SECONDS: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");

/// A date, or a date with a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    date: Date,
    time: Option<Time>,
}

impl Moment {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let wrong = "must be a date like 2026-12-31 or a local date-time like 2026-12-31T18:00:00, without an offset";
        let (date, time) = text.split_once(['T', 't', ' ']).map_or((text, None), |(date, time)| (date, Some(time)));
        let date = Date::parse(date, DATE).map_err(|_| wrong)?;
        let time = time.map(clock).transpose().map_err(|_| wrong)?;
        Ok(Self { date, time })
    }

    fn begin(self) -> PrimitiveDateTime {
        PrimitiveDateTime::new(self.date, self.time.unwrap_or(Time::MIDNIGHT))
    }

    /// A date includes its whole day; a date with a time ends at it.
    fn end(self) -> PrimitiveDateTime {
        match self.time {
            Some(time) => PrimitiveDateTime::new(self.date, time),
            None => self.date.next_day().map_or(PrimitiveDateTime::MAX, Date::midnight),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date)?;
        self.time.map_or(Ok(()), |time| write!(f, " {}", Clock(time)))
    }
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock(Time);

fn clock(text: &str) -> Result<Time, &'static str> {
    let time = Time::parse(text, CLOCK).or_else(|_| Time::parse(text, CLOCK_SECONDS));
    time.map_err(|_| "must be a time of day like 09:00")
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

/// A window of time at the shop, whose clocks `utcOffset` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    since: Option<Moment>,
    until: Option<Moment>,
    days: Option<Many<Day>>,
    from: Option<Clock>,
    to: Option<Clock>,
}

/// A window of time at the shop, whose clocks `utcOffset` tells. What is left out does not limit it.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Window", extend("minProperties" = 1))]
pub(super) struct WindowTable {
    /// Its first day, or its first moment.
    since: Option<Moment>,
    /// Its last day, or the moment at which it is over.
    until: Option<Moment>,
    /// Days of the week. A night belongs to the day on which it begins.
    days: Option<Many<Day>>,
    /// The time of day at which it opens. Later than `to`: it lasts over midnight.
    from: Option<Clock>,
    /// The time of day at which it closes.
    to: Option<Clock>,
}

impl Window {
    /// Whether a moment, as the shop's clocks show it, lies in it.
    pub(super) fn covers(&self, now: PrimitiveDateTime) -> bool {
        let from = self.from.map_or(Time::MIDNIGHT, |Clock(time)| time);
        let open = match self.to {
            None => from <= now.time(),
            Some(Clock(to)) if from < to => (from..to).contains(&now.time()),
            Some(Clock(to)) => from <= now.time() || now.time() < to,
        };
        let after_midnight = self.to.is_some_and(|Clock(to)| to <= from && now.time() < to);
        let date = if after_midnight { now.date().previous_day().unwrap_or(Date::MIN) } else { now.date() };
        open && self.since.is_none_or(|since| since.begin() <= now)
            && self.until.is_none_or(|until| now < until.end())
            && self.days.as_ref().is_none_or(|days| days.iter().any(|day| day.is(date)))
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        table(deserializer, |WindowTable { since, until, days, from, to }| {
            if since.is_none() && until.is_none() && days.is_none() && from.is_none() && to.is_none() {
                return Err("must have since, until, days, from or to".to_owned());
            }
            if since.zip(until).is_some_and(|(since, until)| since.begin() >= until.end()) {
                return Err("since must come before until".to_owned());
            }
            if to == Some(from.unwrap_or(Clock(Time::MIDNIGHT))) {
                return Err("from and to must differ".to_owned());
            }
            Ok(Self { since, until, days, from, to })
        })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.since.map(|since| format!("since {since}")),
            self.until.map(|until| format!("until {until}")),
            self.days.as_ref().map(|days| format!("on {days}")),
            self.from.map(|from| format!("from {from}")),
            self.to.map(|to| format!("to {to}")),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}

impl JsonSchema for Window {
    fn schema_name() -> Cow<'static, str> {
        WindowTable::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        WindowTable::json_schema(generator)
    }
}

/// Reads what TOML calls a date, a time or both, bare or in quotes, by `parse`.
fn datetime<'de, D: Deserializer<'de>, T>(deserializer: D, parse: fn(&str) -> Result<T, &'static str>) -> Result<T, D::Error> {
    struct Visitor<T>(fn(&str) -> Result<T, &'static str>);
    impl<'de, T> de::Visitor<'de> for Visitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a date or a time of day")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            self.0(text.trim()).map_err(E::custom)
        }

        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            let bare = toml::value::Datetime::deserialize(de::value::MapAccessDeserializer::new(map))?;
            self.visit_str(&bare.to_string())
        }
    }
    deserializer.deserialize_any(Visitor(parse))
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        datetime(deserializer, Self::parse)
    }
}

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        datetime(deserializer, clock).map(Self)
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A date, or a local date-time without an offset.",
            "type": "string",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"
        })
    }
}

impl JsonSchema for Clock {
    fn schema_name() -> Cow<'static, str> {
        "Clock".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A time of day, like 09:00.",
            "type": "string",
            "pattern": "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$"
        })
    }
}
