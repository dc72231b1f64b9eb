//! What is measured. All names are here, with their units and dimensions; CloudWatch reads them from lines in its embedded metric
//! format, which need no call and cost no time of a request. The code that knows that something has happened measures it, once: what
//! becomes of a payment is measured by the write that stores it (`payments/store`), a call by what makes it
//! ([`outbound`](crate::platform::outbound)), the rest where it is decided.
//!
//! CloudWatch keeps a line's metrics as its directive says, and each is paid for, 0.30 USD a month beyond the first ten of an account:
//!
//! - `METRICS=basic`, the default: what an alarm looks at, [`WATCHED`], ten without dimensions. Everything else stays in the same lines, and
//!   CloudWatch Logs Insights counts by it (the dashboard and OPERATIONS.md have the queries).
//! - `METRICS=full`: also every metric by its dimensions, at most 155 together for a shop with Mokka (payments 16, orders 2, callbacks 5,
//!   keys 6, calls 44, codes 18, SMS 39 of which 36 by operator, forms 12, cold starts 12), nothing for an hour in which it was not measured.
//!
//! What has many values (a range of numbers, a payment) is a field of the line in either case. No personal data, no keys.
//!
//! Written by hand, not by the crate `metrics_cloudwatch_embedded`: its recorder is one for the whole process and gives every
//! metric of a line the same dimensions, while here many worlds run in one process and the dimensions differ.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::platform::clock::Clock;
use crate::platform::env::Env;

/// A dimension: the outside system, [`System::name`](crate::platform::outbound::System::name).
pub const PROVIDER: &str = "provider";
/// A dimension: what it was asked to do.
pub const METHOD: &str = "method";
/// A dimension: the state that a payment has come to.
pub const STATE: &str = "state";
/// A dimension: the currency of an amount.
pub const CURRENCY: &str = "currency";
/// A dimension: why something was refused.
pub const REASON: &str = "reason";
/// A dimension: how the check of a code came out.
pub const OUTCOME: &str = "outcome";
/// A dimension: the function, by the name that Lambda has for it.
pub const FUNCTION: &str = "function";
/// A dimension: [`Phone::operator`](crate::platform::phone::Phone::operator); a field of metrics that are not kept apart by it.
pub const OPERATOR: &str = "operator";
/// A field: the first digits of a phone, as far as they say nothing of its owner.
pub const RANGE: &str = "range";
/// A dimension: what was called with a wrong key: `orders`, `order-push`, `payments`, `acquiring`, `codes`, `forms`, `back-office`.
pub const ENDPOINT: &str = "endpoint";
/// A field: the number that was reached.
pub const THRESHOLD: &str = "threshold";
/// A field: the order, by IMSHOP's id.
pub const ORDER: &str = "order_uuid";
/// A field: the payment, by our id.
pub const PAYMENT: &str = "payment_id";
/// A field: what moved a payment on; without the name of who did.
pub const TRIGGER: &str = "trigger";
/// A field: the type of an event for the shop.
pub const EVENT: &str = "event_type";
/// A field: the name of a form.
pub const FORM: &str = "form";
/// A field: the form that was handed in, by our id.
pub const SUBMISSION: &str = "submission";

/// Something that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name in CloudWatch.
    pub name: &'static str,
    pub unit: Unit,
    /// The sets of fields by which CloudWatch keeps it apart when it is to keep everything, one beside the other.
    pub dimensions: Dimensions,
    /// What an alarm sees of it.
    watched: Watched,
}

/// What an alarm sees of a metric, always and without dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watched {
    /// Nothing: no alarm looks at it.
    No,
    /// It is counted under this name, maybe with others that call for the same person.
    As(&'static str),
    /// It is counted for each outside system, under its name of [`FAULTS`].
    BySystem,
}

/// The names under which the alarms see the faults of each outside system.
const FAULTS: [(&str, &str); 4] =
    [("mokka", "MokkaFaults"), ("shop", "ShopFaults"), ("imshop", "ImshopFaults"), ("smspro", "SmsproFaults")];

/// Every name that an alarm looks at: no more than are free.
pub const WATCHED: [&str; 10] = [
    "PaymentsNeedingAttention",
    "Mismatches",
    "OrdersNeedingAttention",
    "KeysRefused",
    "BackOfficeKeysRefused",
    "FormsNeedingAttention",
    FAULTS[0].1,
    FAULTS[1].1,
    FAULTS[2].1,
    FAULTS[3].1,
];

/// Sets of dimensions.
pub type Dimensions = &'static [&'static [&'static str]];

/// Kept apart by nothing.
const WHOLE: Dimensions = &[&[]];

/// What a metric is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pieces.
    Count,
    Milliseconds,
    Seconds,
    /// Hundredths of a limit.
    Percent,
    /// Minor units of a currency, for which CloudWatch has no name.
    Minor,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Seconds => "Seconds",
            Self::Percent => "Percent",
            Self::Minor => "None",
        }
    }
}

impl Metric {
    /// The name under which an alarm sees it, in a line with these fields.
    fn seen_as(&self, fields: &[(&'static str, &str)]) -> Option<&'static str> {
        match self.watched {
            Watched::No => None,
            Watched::As(name) => Some(name),
            Watched::BySystem => {
                let (_, system) = fields.iter().find(|(name, _)| *name == PROVIDER)?;
                FAULTS.iter().find(|(known, _)| known == system).map(|(_, name)| *name)
            }
        }
    }
}

const fn metric(name: &'static str, unit: Unit, dimensions: Dimensions) -> Metric {
    Metric { name, unit, dimensions, watched: Watched::No }
}

/// A metric that an alarm looks at, under `name`.
const fn watched(metric: Metric, name: &'static str) -> Metric {
    Metric { watched: Watched::As(name), ..metric }
}

const fn count(name: &'static str, dimensions: Dimensions) -> Metric {
    metric(name, Unit::Count, dimensions)
}

/// Payments that came to a state, each that was passed through.
pub const PAYMENTS: Metric = count("Payments", &[&[PROVIDER, STATE]]);
/// Money that has become ours.
pub const CAPTURED_AMOUNT: Metric = metric("CapturedAmount", Unit::Minor, &[&[PROVIDER, CURRENCY]]);
/// Money that was given back.
pub const REFUNDED_AMOUNT: Metric = metric("RefundedAmount", Unit::Minor, &[&[PROVIDER, CURRENCY]]);
/// Calls that change something and had no clear answer.
pub const UNKNOWN_OUTCOMES: Metric = count("UnknownOutcomes", &[&[PROVIDER]]);
/// How long something has not been as it should be with a payment, each time that reconcile has looked at it and still is not.
pub const UNRESOLVED_AGE: Metric = metric("UnresolvedAge", Unit::Seconds, WHOLE);
/// Payments that were put on the list for people.
pub const PAYMENTS_NEEDING_ATTENTION: Metric = watched(count("PaymentsNeedingAttention", &[]), "PaymentsNeedingAttention");
/// Payments whose amount, order or final state the provider has otherwise.
pub const MISMATCHES: Metric = watched(count("Mismatches", &[]), "Mismatches");

/// Orders that the shop has accepted with an answer that leaves no certain amount, so that they cannot be paid.
pub const ORDERS_WITHOUT_AMOUNT: Metric = watched(count("OrdersWithoutAmount", WHOLE), "OrdersNeedingAttention");

/// Answers of the shop to orders that are not recorded as they stand, by the field `reason`: it is unknown which order is meant, a
/// payment relies on another one, or neither the store nor the queue took it.
pub const ORDERS_NOT_RECORDED: Metric = watched(count("OrdersNotRecorded", WHOLE), "OrdersNeedingAttention");

/// Events that the shop's own system has taken.
pub const SHOP_EVENTS: Metric = count("ShopEvents", WHOLE);
/// How long an event waits already, each time that the shop's own system does not take it.
pub const SHOP_EVENT_AGE: Metric = metric("ShopEventAge", Unit::Seconds, WHOLE);
/// Tries of events that wait for more than an hour.
pub const SHOP_EVENTS_LATE: Metric = watched(count("ShopEventsLate", WHOLE), "OrdersNeedingAttention");
/// Events that the shop's own system has not taken in 14 days.
pub const SHOP_EVENTS_GIVEN_UP: Metric = watched(count("ShopEventsGivenUp", WHOLE), "OrdersNeedingAttention");

/// Callbacks and reports that were not believed: `id` and `unknown` (nothing of ours), `token`, `signature`, `secret`. The alarm counts
/// them with the wrong keys: the caller could not show its right.
pub const CALLBACKS_REFUSED: Metric = watched(count("CallbacksRefused", &[&[PROVIDER, REASON]]), "KeysRefused");
/// Requests without a right key, by the endpoint.
pub const KEYS_REFUSED: Metric = watched(count("KeysRefused", &[&[ENDPOINT]]), "KeysRefused");
/// The same of the back office, of which few call for a person.
pub const BACK_OFFICE_KEYS_REFUSED: Metric = watched(count("BackOfficeKeysRefused", &[]), "BackOfficeKeysRefused");

/// How long an outside system took for a call, to the end of its answer or of our patience. Its sample count is that of the calls.
pub const PROVIDER_LATENCY: Metric = metric("ProviderLatency", Unit::Milliseconds, &[&[PROVIDER, METHOD]]);
/// Of each call 1 if it had no usable answer or the settings did not fit, else 0: its average is the share.
pub const PROVIDER_FAULTS: Metric =
    Metric { watched: Watched::BySystem, ..count("ProviderFaults", &[&[PROVIDER], &[PROVIDER, METHOD]]) };
/// Of each call 1 if it was read and refused, which is the caller's business, else 0.
pub const PROVIDER_REFUSALS: Metric = count("ProviderRefusals", &[&[PROVIDER]]);

/// Codes that SMSPRO took for sending.
pub const CODES_SENT: Metric = count("CodesSent", WHOLE);
/// Codes that were not sent, by the limit or the list of `forms.toml` that was in the way.
pub const CODES_REFUSED: Metric = count("CodesRefused", &[&[REASON]]);
/// Codes that were entered: `right`, `wrong`, `none` (no code is in force), `limit`, `unavailable` (SMSPRO could not say).
pub const CODES_CHECKED: Metric = count("CodesChecked", &[&[OUTCOME]]);
/// How much of the shop's SMS of the day is used, at each one.
pub const SMS_BUDGET_USED: Metric = metric("SmsBudgetUsed", Unit::Percent, WHOLE);
/// SMS with a code whose time is over.
pub const SMS_SENT: Metric = count("SmsSent", &[&[OPERATOR]]);
/// Those of them that arrived; late reports come later.
pub const SMS_DELIVERED: Metric = count("SmsDelivered", &[&[OPERATOR]]);
/// Those of them whose code was entered.
pub const SMS_ENTERED: Metric = count("SmsEntered", &[&[OPERATOR]]);
/// Operators and ranges whose share of entered codes fell below the threshold, once for each window.
pub const SMS_CONVERSION_DROPPED: Metric = watched(count("SmsConversionDropped", WHOLE), "FormsNeedingAttention");
/// The shop's SMS of the day are running out, once a day.
pub const SMS_RUNNING_OUT: Metric = watched(count("SmsRunningOut", WHOLE), "FormsNeedingAttention");
/// The shop's SMS of the day are used up, once a day; and each code that a form's own limit of the day keeps back, below the shop's.
pub const SMS_USED_UP: Metric = watched(count("SmsUsedUp", WHOLE), "FormsNeedingAttention");

/// Forms that were stored, each once however often it was sent.
pub const FORMS_TAKEN: Metric = count("FormsTaken", WHOLE);
/// Forms that the shop has.
pub const FORMS_DELIVERED: Metric = count("FormsDelivered", WHOLE);
/// Forms that the shop does not want like this.
pub const FORMS_REFUSED: Metric = count("FormsRefused", WHOLE);
/// Those of them whose customer was told before that the form is taken.
pub const FORMS_REFUSED_LATE: Metric = watched(count("FormsRefusedLate", WHOLE), "FormsNeedingAttention");
/// Forms without a code that were not taken, by the limit of `forms.toml` that was in the way: `phone`, `installation`,
/// `no_installation`, `shop`.
pub const FORMS_LIMITED: Metric = count("FormsLimited", &[&[REASON]]);
/// The forms without a code of the day are running out, once a day.
pub const FORMS_RUNNING_OUT: Metric = watched(count("FormsRunningOut", WHOLE), "FormsNeedingAttention");
/// The forms without a code of the day, or those of them without an installation, are used up, each once a day; and each form that its own
/// limit of the day keeps out, below the shop's.
pub const FORMS_USED_UP: Metric = watched(count("FormsUsedUp", WHOLE), "FormsNeedingAttention");
/// How old a form is, each time that the queue's try at the shop failed. Its sample count is that of the tries.
pub const FORM_WAITING: Metric = metric("FormWaiting", Unit::Seconds, WHOLE);

/// How long a function took to start, before its first request. Its sample count is that of the starts.
pub const COLD_START: Metric = metric("ColdStart", Unit::Milliseconds, &[&[FUNCTION]]);

/// Every metric there is.
pub const ALL: [Metric; 38] = [
    PAYMENTS,
    CAPTURED_AMOUNT,
    REFUNDED_AMOUNT,
    UNKNOWN_OUTCOMES,
    UNRESOLVED_AGE,
    PAYMENTS_NEEDING_ATTENTION,
    MISMATCHES,
    ORDERS_WITHOUT_AMOUNT,
    ORDERS_NOT_RECORDED,
    SHOP_EVENTS,
    SHOP_EVENT_AGE,
    SHOP_EVENTS_LATE,
    SHOP_EVENTS_GIVEN_UP,
    CALLBACKS_REFUSED,
    KEYS_REFUSED,
    BACK_OFFICE_KEYS_REFUSED,
    PROVIDER_LATENCY,
    PROVIDER_FAULTS,
    PROVIDER_REFUSALS,
    CODES_SENT,
    CODES_REFUSED,
    CODES_CHECKED,
    SMS_BUDGET_USED,
    SMS_SENT,
    SMS_DELIVERED,
    SMS_ENTERED,
    SMS_CONVERSION_DROPPED,
    SMS_RUNNING_OUT,
    SMS_USED_UP,
    FORMS_TAKEN,
    FORMS_DELIVERED,
    FORMS_REFUSED,
    FORMS_REFUSED_LATE,
    FORMS_LIMITED,
    FORMS_RUNNING_OUT,
    FORMS_USED_UP,
    FORM_WAITING,
    COLD_START,
];

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

    pub fn forget(&self) {
        match self {
            Self::Log => {}
            Self::Memory(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).clear(),
        }
    }
}

/// What a function measures with.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    namespace: String,
    is_full: bool,
    clock: Clock,
    sink: Sink,
}

impl Metrics {
    /// Reads `METRICS_NAMESPACE` (default `imshop-webhooks`) and `METRICS` (default `basic`).
    #[must_use]
    pub fn from_env(env: &Env, clock: Clock, sink: Sink) -> Self {
        let namespace = env.optional("METRICS_NAMESPACE").unwrap_or_else(|| "imshop-webhooks".to_owned());
        let is_full = env.optional("METRICS").as_deref() == Some("full");
        Self(Arc::new(Inner { namespace, is_full, clock, sink }))
    }

    /// Measures values together with the fields that they are told apart by; a metric whose dimension is no field is left out.
    pub fn emit(&self, values: &[(Metric, i64)], fields: &[(&'static str, &str)]) {
        let line = self.line(values, fields);
        match &self.0.sink {
            // A line that cannot be written is a log that cannot be written: no place to report it.
            Sink::Log => drop(writeln!(std::io::stdout().lock(), "{line}")),
            Sink::Memory(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).push(line),
        }
    }

    /// The line (CloudWatch, "Embedded metric format").
    fn line(&self, values: &[(Metric, i64)], fields: &[(&'static str, &str)]) -> Value {
        let known = |metric: &Metric| {
            let mut names = metric.dimensions.iter().copied().flatten();
            names.all(|name| fields.iter().any(|(field, _)| field == name))
        };
        let values: Vec<_> = values.iter().filter(|(metric, _)| known(metric)).collect();
        let directive = |dimensions: Dimensions, metrics: Vec<(&str, Unit)>| {
            let metrics: Vec<_> = metrics.iter().map(|(name, unit)| json!({"Name": name, "Unit": unit.name()})).collect();
            json!({"Namespace": self.0.namespace, "Dimensions": dimensions, "Metrics": metrics})
        };
        let watched: Vec<_> =
            values.iter().filter_map(|(metric, value)| Some((metric.seen_as(fields)?, metric.unit, *value))).collect();
        let mut directives = Vec::new();
        if !watched.is_empty() {
            directives.push(directive(WHOLE, watched.iter().map(|(name, unit, _)| (*name, *unit)).collect()));
        }
        if self.0.is_full {
            let alike: BTreeSet<_> = values.iter().map(|(metric, _)| metric.dimensions).filter(|sets| !sets.is_empty()).collect();
            directives.extend(alike.into_iter().map(|dimensions| {
                let alike = values.iter().map(|(metric, _)| metric).filter(|metric| metric.dimensions == dimensions);
                directive(dimensions, alike.map(|metric| (metric.name, metric.unit)).collect())
            }));
        }
        let mut line = Map::new();
        if !directives.is_empty() {
            let stamp = self.0.clock.now().millis();
            line.insert("_aws".to_owned(), json!({"Timestamp": stamp, "CloudWatchMetrics": directives}));
        }
        line.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())));
        line.extend(watched.into_iter().map(|(name, _, value)| (name.to_owned(), value.into())));
        line.extend(values.iter().map(|(metric, value)| (metric.name.to_owned(), (*value).into())));
        Value::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(is_full: bool) -> Metrics {
        let sink = Sink::Memory(Arc::default());
        Metrics(Arc::new(Inner { namespace: "test".to_owned(), is_full, clock: Clock::system(), sink }))
    }

    fn line(is_full: bool, values: &[(Metric, i64)], fields: &[(&'static str, &str)]) -> Value {
        let metrics = metrics(is_full);
        metrics.emit(values, fields);
        let mut line = metrics.0.sink.lines().remove(0);
        if let Some(stamp) = line.get_mut("_aws").map(|aws| aws["Timestamp"].take()) {
            assert!(stamp.as_i64().unwrap() > 1_600_000_000_000, "{stamp}");
        }
        line
    }

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let fields = [(OPERATOR, "beeline"), (RANGE, "9967701")];
        assert_eq!(
            line(true, &[(SMS_SENT, 3), (SMS_ENTERED, 1), (SMS_CONVERSION_DROPPED, 1)], &fields),
            json!({
                "_aws": {
                    "Timestamp": null,
                    "CloudWatchMetrics": [
                        {"Namespace": "test", "Dimensions": [[]], "Metrics": [{"Name": "FormsNeedingAttention", "Unit": "Count"}]},
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
                "FormsNeedingAttention": 1,
            })
        );
    }

    #[test]
    fn basic_metrics_keep_watched_totals_and_log_the_rest() {
        let call = [(PROVIDER_LATENCY, 40), (PROVIDER_FAULTS, 1)];
        assert_eq!(
            line(false, &call, &[(PROVIDER, "mokka"), (METHOD, "status")]),
            json!({
                "_aws": {
                    "Timestamp": null,
                    "CloudWatchMetrics": [
                        {"Namespace": "test", "Dimensions": [[]], "Metrics": [{"Name": "MokkaFaults", "Unit": "Count"}]},
                    ],
                },
                "provider": "mokka", "method": "status", "ProviderLatency": 40, "ProviderFaults": 1, "MokkaFaults": 1,
            })
        );
        let nobodys = json!({"provider": "aws", "method": "secrets", "ProviderLatency": 40, "ProviderFaults": 1});
        assert_eq!(line(false, &call, &[(PROVIDER, "aws"), (METHOD, "secrets")]), nobodys, "no alarm looks at it");
    }

    #[test]
    fn a_metric_without_its_dimension_is_not_counted_as_another() {
        assert_eq!(line(true, &[(SMS_SENT, 3)], &[(RANGE, "9967701")]), json!({"range": "9967701"}));
    }

    #[test]
    fn a_metric_is_kept_by_each_of_its_sets_of_dimensions() {
        let line = line(true, &[(PROVIDER_FAULTS, 1)], &[(PROVIDER, "mokka"), (METHOD, "status")]);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][1]["Dimensions"], json!([["provider"], ["provider", "method"]]), "{line}");
    }

    #[test]
    fn no_name_is_there_twice_and_every_watched_one_is_some_metrics() {
        let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        let systems = FAULTS.map(|(system, _)| [(PROVIDER, system)]);
        let seen: BTreeSet<_> =
            ALL.iter().flat_map(|metric| systems.iter().filter_map(|fields| metric.seen_as(fields))).collect();
        assert_eq!(seen, BTreeSet::from(WATCHED));
    }
}
