//! How an input is tried: what panics is counted, caught or not, and what the process takes is looked at.

use std::cell::Cell;
use std::fmt::Debug;
use std::panic;
use std::sync::Once;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// What the process may take at most, with several decoders at once, and with the embedded database, the stand-ins and the environment's
/// log in it. A body of a quarter of a megabyte that becomes a hundred times as large would show.
#[cfg(target_os = "linux")]
const MOST_KIB: u64 = 640 * 1024;

thread_local! {
    static PANICS: Cell<u32> = const { Cell::new(0) };
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICS.with(|panics| panics.set(panics.get() + 1));
            report(info);
        }));
    });
}

/// First every file as it is, then `FUZZ_CASES` inputs of the strategy, until one is not as it should be.
pub(crate) fn try_all<S>(
    inputs: &S,
    whole: impl IntoIterator<Item = S::Value>,
    mut check: impl FnMut(S::Value) -> Result<(), String>,
) where
    S: Strategy,
    S::Value: Clone + Debug,
{
    count_panics();
    let mut checked = |input: S::Value| {
        let before = PANICS.with(Cell::get);
        let outcome = check(input);
        if PANICS.with(Cell::get) == before { outcome } else { Err("it panicked".to_owned()) }
    };
    for input in whole {
        let shown = format!("{input:?}");
        let outcome = checked(input);
        assert!(outcome.is_ok(), "{outcome:?}: a file of the corpus: {}", shown.chars().take(2000).collect::<String>());
    }
    let config =
        Config { cases: testkit::size("FUZZ_CASES", 48), max_shrink_iters: 300, failure_persistence: None, ..Config::default() };
    // The check changes environments, and so is no `Fn`.
    let checked = std::cell::RefCell::new(checked);
    let outcome = TestRunner::new(config).run(inputs, |input| (checked.borrow_mut())(input).map_err(TestCaseError::fail));
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    assert_small();
}

/// The most that the process ever took.
#[cfg(target_os = "linux")]
fn assert_small() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < MOST_KIB, "{peak} KiB at most");
}

#[cfg(not(target_os = "linux"))]
fn assert_small() {}
