//! Conversion: of the SMS that went out, how many arrived, and how many codes were entered. Who makes us send SMS to numbers that
//! they earn by (pumping) never enters a code, so the share falls, for one operator or one range of numbers. Counted by the hour
//! in which the SMS went out.

use std::time::Duration;

use crate::platform::clock::Timestamp;

const HOUR: Duration = Duration::from_hours(1);

/// How many SMS, of those whose code's time is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Went out.
    pub sent: u32,
    /// Arrived: reported so, or proved by the code.
    pub delivered: u32,
    /// Had their code entered, and found right.
    pub entered: u32,
}

/// SMS that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// All of an operator.
    Operator(String),
    /// All of a range of numbers.
    Range(String),
}

/// When the share of entered codes is worth an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// How many hours are looked at together, the current one included.
    pub window_hours: u32,
    /// With fewer SMS in them there is no telling.
    pub min_codes: u32,
    /// How many of a hundred codes are to be entered.
    pub min_entered_percent: u32,
}

impl Counts {
    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            sent: self.sent.saturating_add(other.sent),
            delivered: self.delivered.saturating_add(other.delivered),
            entered: self.entered.saturating_add(other.entered),
        }
    }

    /// What is left of it without the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(other.sent),
            delivered: self.delivered.saturating_sub(other.delivered),
            entered: self.entered.saturating_sub(other.entered),
        }
    }
}

impl Group {
    /// What its counters are found by.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}#{}", self.kind(), self.name())
    }

    /// `operator` or `range`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Operator(_) => "operator",
            Self::Range(_) => "range",
        }
    }

    /// Which one.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Operator(name) | Self::Range(name) => name,
        }
    }
}

impl Thresholds {
    /// How long one window is.
    #[must_use]
    pub fn window(&self) -> Duration {
        HOUR * self.window_hours
    }

    /// The share of entered codes is so low that a person must hear of it. Few SMS say nothing.
    #[must_use]
    pub fn are_missed_by(&self, counts: Counts) -> bool {
        let enough = counts.sent >= self.min_codes;
        enough && u64::from(counts.entered) * 100 < u64::from(counts.sent) * u64::from(self.min_entered_percent)
    }
}

/// The current hour and those before it, so many in all, as moments in them.
pub fn hours_before(now: Timestamp, hours: u32) -> impl Iterator<Item = Timestamp> {
    (0..hours).map(move |back| now.minus(HOUR * back))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_share_of_enough_codes_is_missed_and_a_quiet_shop_never() {
        let thresholds = Thresholds { window_hours: 6, min_codes: 20, min_entered_percent: 30 };
        let missed = |sent, entered| thresholds.are_missed_by(Counts { sent, delivered: sent, entered });
        assert!(!missed(0, 0) && !missed(19, 0), "too few to tell");
        assert!(missed(20, 0) && missed(20, 5));
        assert!(!missed(20, 6), "30 of a hundred");
        assert!(!missed(1000, 900));
    }
}
