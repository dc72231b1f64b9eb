//! Logs: one JSON object a line, from this project's crates only.
//!
//! Lines of the HTTP stack and the SDK are dropped below `warn` whatever the level, because at `trace` they contain whole
//! requests: keys, phones, codes. What this project logs names no personal data at any level; the test suite looks for it.

use std::io::Write;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The crates whose lines are ours.
const OURS: [&str; 14] = [
    "shared",
    "orders",
    "payments",
    "acquiring",
    "form_otp",
    "form_delivery",
    "mokka_callback",
    "payment_events",
    "reconcile",
    "price_feed",
    "sms_reports",
    "sms_watch",
    "back_office",
    "card_callback",
];

/// Sends every log line of ours from `LOG_LEVEL` up (`info` if unset or unknown) to standard output.
/// The first caller in a process wins.
pub fn init(level: Option<&str>) {
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    drop(tracing_subscriber::registry().with(layer(level, std::io::stdout)).try_init());
}

/// The layer that writes the log lines; the tests give it a buffer.
pub fn layer<S, W>(level: LevelFilter, writer: W) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let others = Targets::new().with_default(level.min(LevelFilter::WARN));
    let filter = OURS.iter().fold(others, |targets, name| targets.with_target(*name, level));
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer)
        .with_filter(filter)
}

/// Says on standard error why the process cannot start, in a form that a person reads, and gives the error on.
pub fn refuse_to_start<E: std::fmt::Display>(error: E) -> E {
    drop(writeln!(std::io::stderr(), "{error}"));
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_functions_lines_are_ours() {
        let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions")).unwrap();
        let mut functions: Vec<_> =
            folders.map(|folder| folder.unwrap().file_name().into_string().unwrap().replace('-', "_")).collect();
        functions.push("shared".to_owned());
        functions.sort();
        let mut ours = OURS;
        ours.sort_unstable();
        assert_eq!(functions, ours);
    }
}
