//! An environment for each test: its own database, its own stand-ins, its own clock. Tests speak HTTP events to a function's handler
//! and look at its answers, the stored state and the calls to the outside. Nothing happens by itself: the clock stands still
//! until the test moves it ([`TestEnvironment::advance`]), [`TestEnvironment::poll_stream`] gives payment-events what the stream has,
//! [`TestEnvironment::deliver_forms`] and [`TestEnvironment::record_orders`] give form-delivery and orders what is due in their queues,
//! [`TestEnvironment::tick`] is the schedule's next minute.
//!
//! The kit knows no function: a test says which ones are in its environment ([`Cast`], [`TestEnvironment::with`]).
//!
//! Every log line of every test in the process is kept, at TRACE; when an environment ends, it looks for anything that must never
//! be in a log: keys, phones, names, e-mails, codes, cryptograms.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "for tests: an environment that cannot be built is a failed test, and `json!` is handed over"
)]

pub mod canary;
pub mod clock;
mod event;
mod lambda;
mod logs;
#[cfg(target_os = "linux")]
pub mod memory;
mod meter;
pub mod settings;
mod story;
mod test_environment;

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

pub use emulators::functions::Function;
pub use emulators::tap::{Modes, StoreFault, StoreRequest};
pub use emulators::{http, worker};
pub use event::{Answer, Event, event_file, invoke, work};
pub use lambda::{Program, Seen};
pub use meter::{Bytes, Used};
pub use story::{Cast, Placed, Story};
pub use test_environment::TestEnvironment;

/// How much a slow proof plays: what the environment's variable says, as `.ci/run` does, or something small that is done in
/// seconds. What is small asserts the same, only less often.
#[must_use]
pub fn size(variable: &str, small: u32) -> u32 {
    std::env::var(variable)
        .map_or(small, |size| size.parse().unwrap_or_else(|_| panic!("{variable} must be a number, not {size}")))
}

/// Writes a file that a function is to read, into `folder`, the caller's `CARGO_TARGET_TMPDIR`; its path. Programs that do so at the same time
/// never read half a file of each other's.
#[must_use]
pub fn written(folder: &str, name: &str, text: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let path = format!("{folder}/{name}");
    let new = format!("{path}.{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    std::fs::write(&new, text).expect("the folder of the tests can be written to");
    std::fs::rename(&new, &path).expect("what was written can be moved");
    path
}

/// Plays cases of a test that have environments of their own a few at a time: they mostly wait, but the machine has to keep up.
pub async fn few_at_a_time<F: Future<Output = ()>>(cases: impl IntoIterator<Item = F>) {
    stream::iter(cases).buffer_unordered(6).collect::<()>().await;
}

/// Well before the stand-ins' `slow` (30 s) and `timeout` (60 s) end: who has answered by then did not wait for them. The
/// budget itself, 9 s, is the deadline's; here it would only measure how busy the machine is.
pub const TIMELY: Duration = Duration::from_secs(25);

/// Runs a future until it has been pending `points` times, then drops it: what happens when a process dies at that await.
/// Gives the result if it came before.
pub async fn drop_after<F: Future>(points: usize, future: F) -> Option<F::Output> {
    struct Counting<F> {
        future: Pin<Box<F>>,
        left: usize,
    }
    impl<F: Future> Future for Counting<F> {
        type Output = Option<F::Output>;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            match self.future.as_mut().poll(context) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if self.left == 0 => Poll::Ready(None),
                Poll::Pending => {
                    self.left -= 1;
                    Poll::Pending
                }
            }
        }
    }
    Counting { future: Box::pin(future), left: points }.await
}
