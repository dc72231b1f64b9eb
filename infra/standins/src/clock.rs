//! The time the stand-ins live in: lifetimes of codes, holds, and the moments in their records.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::format_description::well_known::Rfc3339;
use time::macros::offset;
use time::{Duration, OffsetDateTime};

/// When the environments of tests begin that do not say it: an ordinary day, noon in Moscow.
const BEGINNING: &str = "2026-11-18T09:00:00Z";

/// When an environment begins whose test is not about dates: `WORLD_BEGINS` (RFC 3339), so that such tests are played on any day, or
/// one fixed moment. Never the machine's.
///
/// # Panics
/// If `WORLD_BEGINS` is no moment.
#[must_use]
#[expect(clippy::panic, reason = "for tests: a clock that cannot begin is a failed test")]
pub fn beginning() -> OffsetDateTime {
    let moment = std::env::var("WORLD_BEGINS").unwrap_or_else(|_| BEGINNING.to_owned());
    let parsed = OffsetDateTime::parse(&moment, &Rfc3339);
    parsed.unwrap_or_else(|error| panic!("WORLD_BEGINS must be a moment such as {BEGINNING}, not {moment} ({error})"))
}

/// A clock shared with whatever else lives in the same environment, so that moving it moves everything at once.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>,
    advance: Arc<dyn Fn(i64) + Send + Sync>,
}

impl Clock {
    /// A clock that reads the time with `now` and is moved, by seconds, with `advance`.
    pub fn new(now: impl Fn() -> OffsetDateTime + Send + Sync + 'static, advance: impl Fn(i64) + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now), advance: Arc::new(advance) }
    }

    /// A clock that stands at `moment` until it is advanced.
    #[must_use]
    pub fn standing_at(moment: OffsetDateTime) -> Self {
        let ahead = Arc::new(AtomicI64::new(0));
        let moved = Arc::clone(&ahead);
        Self::new(
            move || moment + Duration::seconds(ahead.load(Ordering::SeqCst)),
            move |seconds| {
                moved.fetch_add(seconds, Ordering::SeqCst);
            },
        )
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        (self.now)()
    }

    pub(crate) fn advance(&self, seconds: i64) {
        (self.advance)(seconds);
    }
}

/// The moment as Moscow's clocks show it (UTC+3 all year): Mokka's days begin there.
pub(crate) fn moscow(at: OffsetDateTime) -> OffsetDateTime {
    at.to_offset(offset!(+3))
}
