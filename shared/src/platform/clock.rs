//! Time and randomness, passed in: production takes the system's, the sandbox and the tests bend them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use time::macros::{format_description, offset};
use time::{OffsetDateTime, UtcOffset};

/// Moscow's clocks, the same all year: where Mokka's days begin.
pub const MOSCOW: UtcOffset = offset!(+3);

/// The system's time, or one that stands still; in the sandbox and in tests it is moved. Clones are moved together.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    base: Base,
    offset_ms: Arc<AtomicI64>,
}

/// What a clock goes by.
#[derive(Clone, Copy, Debug, Default)]
enum Base {
    /// The system's time.
    #[default]
    System,
    /// Nothing: the offset is the time.
    Still,
}

impl Clock {
    /// The system's time.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// The system's time, moved so that it is `moment` now.
    #[must_use]
    pub fn starting_at(moment: Timestamp) -> Self {
        let clock = Self::default();
        clock.offset_ms.store(moment.0.saturating_sub(clock.now().0), Ordering::SeqCst);
        clock
    }

    /// `moment`, until it is moved: a test's time, which does not depend on the machine's.
    #[must_use]
    pub fn standing_at(moment: Timestamp) -> Self {
        Self { base: Base::Still, offset_ms: Arc::new(AtomicI64::new(moment.0)) }
    }

    /// Now, UTC, to the millisecond.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let base = match self.base {
            Base::System => self.machine_now().0,
            Base::Still => 0,
        };
        Timestamp(base.saturating_add(self.offset_ms.load(Ordering::SeqCst)))
    }

    /// The machine's time, however far this clock was moved: for what is compared with the clock of another machine, such as the
    /// time of a signature.
    #[must_use]
    pub fn machine_now(&self) -> Timestamp {
        Timestamp(i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX))
    }

    /// Moves the time of everything that shares this clock.
    pub fn advance(&self, by: Duration) {
        self.offset_ms.fetch_add(millis(by), Ordering::SeqCst);
    }
}

/// A duration in whole milliseconds.
#[must_use]
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A duration in whole seconds.
#[must_use]
pub fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// A moment, in milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970 UTC.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970 UTC.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970 UTC: the unit of DynamoDB's TTL attribute.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Later by `duration`.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// Earlier by `duration`.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The next midnight of a place with that offset.
    #[must_use]
    pub fn next_day(self, offset: UtcOffset) -> Self {
        let local = self.utc().to_offset(offset);
        let midnight = local.date().next_day().unwrap_or(time::Date::MAX).midnight().assume_offset(offset);
        Self(midnight.unix_timestamp().saturating_mul(1000))
    }

    /// The beginning of a calendar day, written `2026-11-22`, at a place with that offset.
    #[must_use]
    pub fn of_day(text: &str, offset: UtcOffset) -> Option<Self> {
        let day = time::Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
        Some(Self(day.midnight().assume_offset(offset).unix_timestamp().saturating_mul(1000)))
    }

    /// The calendar day of a place with that offset, as [`Timestamp::of_day`] reads it.
    #[must_use]
    pub fn day(self, offset: UtcOffset) -> String {
        self.utc().to_offset(offset).date().to_string()
    }

    /// As RFC 3339 writes it, UTC, to the second: `2026-11-22T08:00:00Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let second = self.utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        second.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
    }

    /// From RFC 3339, with any offset.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()?;
        i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok().map(Self)
    }

    /// The same moment as a calendar date and time, UTC.
    #[must_use]
    pub fn utc(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// How long a lease on a stored item lasts: longer than any request may take, so that its holder is gone when it ends.
pub const LEASE: Duration = Duration::from_secs(12);

/// The moment by which a request must be answered. Outbound calls get what remains, and none is started with nothing left.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline `budget` from now.
    #[must_use]
    pub fn within(budget: Duration) -> Self {
        Self(Instant::now() + budget)
    }

    /// What remains, at most `limit`; nothing if less than 100 ms remain, which no call could use.
    #[must_use]
    pub fn allows(self, limit: Duration) -> Option<Duration> {
        let remaining = self.0.saturating_duration_since(Instant::now());
        (remaining >= Duration::from_millis(100)).then(|| remaining.min(limit))
    }

    /// A deadline earlier by `reserve`, for a step after which something remains to be done.
    #[must_use]
    pub fn before(self, reserve: Duration) -> Self {
        Self(self.0.checked_sub(reserve).unwrap_or(self.0))
    }
}

/// Where unguessable bytes come from.
#[derive(Clone, Debug, Default)]
pub enum Random {
    /// The operating system.
    #[default]
    System,
    /// A repeatable sequence, for tests whose requests are compared to the letter.
    Seeded(Arc<AtomicU64>),
}

/// The operating system has no random bytes to give: nothing may go on without them.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct RandomError;

impl Random {
    /// A repeatable sequence that starts at `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(AtomicU64::new(seed)))
    }

    /// Between a half of `whole` and all of it, so that those who were sent away together do not come again together.
    #[must_use]
    pub fn spread(&self, whole: Duration) -> Duration {
        let drawn = self.hex32().ok().and_then(|hex| u32::from_str_radix(hex.get(..4)?, 16).ok());
        whole / 2 + whole / 2 * drawn.unwrap_or(0) / 0xffff
    }

    /// 32 lower-case hexadecimal digits: 128 random bits.
    pub fn hex32(&self) -> Result<String, RandomError> {
        let mut bytes = [0_u8; 16];
        match self {
            Self::System => getrandom::fill(&mut bytes).map_err(|_| RandomError)?,
            Self::Seeded(next) => {
                let digest = Sha256::digest(next.fetch_add(1, Ordering::SeqCst).to_be_bytes());
                bytes.copy_from_slice(&digest[..16]);
            }
        }
        Ok(hex::encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_clock_move_together() {
        let clock = Clock::system();
        let twin = clock.clone();
        let before = twin.now();
        clock.advance(Duration::from_hours(24));
        assert!(twin.now().since(before) >= Duration::from_hours(24));
    }

    #[test]
    fn a_moved_clock_still_tells_the_machines_time() {
        let clock = Clock::standing_at(Timestamp::from_millis(0));
        clock.advance(Duration::from_hours(24));
        assert!(Clock::system().now().since(clock.machine_now()) < Duration::from_hours(1));
        assert_eq!(clock.now(), Timestamp::from_millis(86_400_000));
    }

    #[test]
    fn random_text_fits_a_transaction_id_and_does_not_repeat() {
        let first = Random::System.hex32().unwrap();
        assert_eq!(first.len(), 32);
        assert_ne!(first, Random::System.hex32().unwrap());
        assert_eq!(Random::seeded(7).hex32().unwrap(), Random::seeded(7).hex32().unwrap());
    }
}
