//! The clock of an environment: it begins at one fixed moment, and stands still until the test moves it.

use std::time::Duration;

use shared::platform::clock::{Clock, Timestamp};

/// When an environment begins whose test is not about dates: `WORLD_BEGINS`, or one fixed moment ([`standins::beginning`]).
#[must_use]
pub fn beginning() -> Timestamp {
    Timestamp::from_millis(standins::beginning().unix_timestamp() * 1000)
}

/// A moment as RFC 3339 writes it.
#[must_use]
pub fn at(moment: &str) -> Timestamp {
    Timestamp::from_rfc3339(moment).unwrap_or_else(|| panic!("not a moment: {moment}"))
}

/// A clock as the stand-ins read and move it.
#[must_use]
pub fn for_standins(clock: &Clock) -> standins::Clock {
    let (read, moved) = (clock.clone(), clock.clone());
    standins::Clock::new(
        move || read.now().utc(),
        move |seconds| moved.advance(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))),
    )
}
