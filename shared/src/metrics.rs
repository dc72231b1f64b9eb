//! What is measured. All names are here, with their units and dimensions; CloudWatch reads them from lines in its embedded metric
//! format, which need no call and cost no time of a request.
//!
//! A metric's dimension has few values, because each of them is a metric of its own and paid for. What has many values (a range
//! of numbers) is a field of the line instead: CloudWatch Logs Insights counts by it. No personal data, no keys.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::env::Env;

/// The dimension of metrics by operator, [`Phone::operator`](crate::phone::Phone::operator); a field of others.
pub const OPERATOR: &str = "operator";
/// A field: the first digits of a phone, as far as they say nothing of its owner.
pub const RANGE: &str = "range";
/// A field: the number that was reached.
pub const THRESHOLD: &str = "threshold";

/// Something that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name in CloudWatch.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// The fields by which CloudWatch keeps it apart.
    pub dimensions: &'static [&'static str],
}

/// What a metric is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pieces.
    Count,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
        }
    }
}

const fn count(name: &'static str, dimensions: &'static [&'static str]) -> Metric {
    Metric { name, unit: Unit::Count, dimensions }
}

/// SMS with a code whose time is over.
pub const SMS_SENT: Metric = count("SmsSent", &[OPERATOR]);
/// Those of them that arrived; late reports come later.
pub const SMS_DELIVERED: Metric = count("SmsDelivered", &[OPERATOR]);
/// Those of them whose code was entered.
pub const SMS_ENTERED: Metric = count("SmsEntered", &[OPERATOR]);
/// Operators and ranges whose share of entered codes fell below the threshold, once for each window.
pub const SMS_CONVERSION_DROPPED: Metric = count("SmsConversionDropped", &[]);
/// The shop's SMS of the day are running out, once a day.
pub const SMS_RUNNING_OUT: Metric = count("SmsRunningOut", &[]);
/// The shop's SMS of the day are used up, once a day.
pub const SMS_USED_UP: Metric = count("SmsUsedUp", &[]);

/// Every metric there is.
pub const ALL: [Metric; 6] = [SMS_SENT, SMS_DELIVERED, SMS_ENTERED, SMS_CONVERSION_DROPPED, SMS_RUNNING_OUT, SMS_USED_UP];

/// Where the lines go.
#[derive(Clone, Debug, Default)]
pub enum Sink {
    /// Standard output, which Lambda makes the log.
    #[default]
    Log,
    /// Memory, for the sandbox and the tests.
    Memory(Arc<Mutex<Vec<Value>>>),
}

impl Sink {
    /// What was measured, oldest first; nothing of what went to the log.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        match self {
            Self::Log => Vec::new(),
            Self::Memory(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// What a function measures with.
#[derive(Clone, Debug)]
pub struct Metrics {
    namespace: String,
    clock: Clock,
    sink: Sink,
}

impl Metrics {
    /// Reads `METRICS_NAMESPACE` (default `imshop-webhooks`).
    #[must_use]
    pub fn from_env(env: &Env, clock: Clock, sink: Sink) -> Self {
        let namespace = env.optional("METRICS_NAMESPACE").unwrap_or_else(|| "imshop-webhooks".to_owned());
        Self { namespace, clock, sink }
    }

    /// Measures values together with the fields that they are told apart by; a metric whose dimension is no field is left out.
    pub fn emit(&self, values: &[(Metric, u32)], fields: &[(&'static str, &str)]) {
        let line = self.line(values, fields);
        match &self.sink {
            // A line that cannot be written is a log that cannot be written: nobody to tell.
            Sink::Log => drop(writeln!(std::io::stdout().lock(), "{line}")),
            Sink::Memory(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).push(line),
        }
    }

    /// The line (CloudWatch, "Embedded metric format").
    fn line(&self, values: &[(Metric, u32)], fields: &[(&'static str, &str)]) -> Value {
        let known = |metric: &Metric| metric.dimensions.iter().all(|name| fields.iter().any(|(field, _)| field == name));
        let values: Vec<_> = values.iter().filter(|(metric, _)| known(metric)).collect();
        let sets: BTreeSet<_> = values.iter().map(|(metric, _)| metric.dimensions).collect();
        let directives = sets.into_iter().map(|dimensions| {
            let of_set = values.iter().map(|(metric, _)| metric).filter(|metric| metric.dimensions == dimensions);
            let metrics: Vec<_> = of_set.map(|metric| json!({"Name": metric.name, "Unit": metric.unit.name()})).collect();
            json!({"Namespace": self.namespace, "Dimensions": [dimensions], "Metrics": metrics})
        });
        let directives: Vec<_> = directives.collect();
        let mut line = Map::new();
        line.insert("_aws".to_owned(), json!({"Timestamp": self.clock.now().millis(), "CloudWatchMetrics": directives}));
        line.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())));
        line.extend(values.iter().map(|(metric, value)| (metric.name.to_owned(), (*value).into())));
        Value::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics { namespace: "test".to_owned(), clock: Clock::system(), sink: Sink::Memory(Arc::default()) }
    }

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let metrics = metrics();
        let fields = [(OPERATOR, "beeline"), (RANGE, "9967701")];
        metrics.emit(&[(SMS_SENT, 3), (SMS_ENTERED, 1), (SMS_CONVERSION_DROPPED, 1)], &fields);
        let mut line = metrics.sink.lines().remove(0);
        let stamp = line["_aws"]["Timestamp"].take();
        assert!(stamp.as_i64().unwrap() > 1_600_000_000_000, "{stamp}");
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": null,
                    "CloudWatchMetrics": [
                        {"Namespace": "test", "Dimensions": [[]], "Metrics": [{"Name": "SmsConversionDropped", "Unit": "Count"}]},
                        {
                            "Namespace": "test",
                            "Dimensions": [["operator"]],
                            "Metrics": [{"Name": "SmsSent", "Unit": "Count"}, {"Name": "SmsEntered", "Unit": "Count"}],
                        },
                    ],
                },
                "operator": "beeline",
                "range": "9967701",
                "SmsSent": 3,
                "SmsEntered": 1,
                "SmsConversionDropped": 1,
            })
        );
    }

    #[test]
    fn a_metric_without_its_dimension_is_not_counted_as_another() {
        let metrics = metrics();
        metrics.emit(&[(SMS_SENT, 3)], &[(RANGE, "9967701")]);
        let line = metrics.sink.lines().remove(0);
        assert_eq!((&line["_aws"]["CloudWatchMetrics"], line.get("SmsSent")), (&json!([]), None), "{line}");
    }

    #[test]
    fn what_the_template_alarms_on_is_measured() {
        let template = include_str!("../../template.yaml");
        for metric in [SMS_CONVERSION_DROPPED, SMS_RUNNING_OUT, SMS_USED_UP] {
            assert!(template.contains(&format!("MetricName: {}\n", metric.name)), "{}", metric.name);
            assert!(metric.dimensions.is_empty(), "an alarm without dimensions sees no metric that has some");
        }
        let mut names: Vec<_> = ALL.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
