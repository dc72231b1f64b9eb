//! The time the stand-ins live in: lifetimes of codes, holds, and the moments in their records.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::macros::offset;
use time::{Duration, OffsetDateTime};

/// A clock shared with whatever else lives in the same world, so that moving it moves everything at once.
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

    /// The machine's clock, ahead by what it was advanced.
    #[must_use]
    pub fn real() -> Self {
        let ahead = Arc::new(AtomicI64::new(0));
        let moved = Arc::clone(&ahead);
        Self::new(
            move || OffsetDateTime::now_utc() + Duration::seconds(ahead.load(Ordering::SeqCst)),
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
