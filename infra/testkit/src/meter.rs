//! What the functions use of AWS, counted while they run: for what it costs to run them.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;

use aws_sdk_dynamodb::types::AttributeValue;
use emulators::template::Table;
use serde_json::Value;
use shared::platform::metrics::Sink;
use standins::System;

use crate::TestEnvironment;

/// What CloudWatch Logs adds to each line that it takes (CloudWatch Logs, `PutLogEvents`), in bytes.
const LINE_OVERHEAD: usize = 26;
/// What DynamoDB adds to each item and to each entry of an index (DynamoDB, "Item sizes and formats"), in bytes.
const ITEM_OVERHEAD: usize = 100;
/// How many digits a measured duration has in a line, whatever it was here.
const DURATION_DIGITS: usize = 3;

/// What was used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Used {
    /// Read request units of DynamoDB.
    pub reads: f64,
    /// Its write request units.
    pub writes: f64,
    /// Its round trips.
    pub store_calls: u64,
    /// Bytes of the log lines of level `info` and above, and of metrics.
    pub logged: usize,
    /// Objects written to S3.
    pub objects_put: u64,
    /// Objects read from it.
    pub objects_got: u64,
    /// The functions' own requests to SQS.
    pub queue_requests: u64,
    /// Calls to the outside systems.
    pub called: BTreeMap<&'static str, u64>,
    /// Bytes of these calls, without TLS.
    pub sent: usize,
}

/// What a table takes, with what DynamoDB adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    pub items: usize,
    /// The entries of its indexes.
    pub entries: usize,
}

impl TestEnvironment {
    /// Counts from now on what the functions use.
    pub fn meter(&self) {
        self.tap.meter();
        drop(self.used());
    }

    /// What was used since this was last asked. Forgets the calls to the stand-ins and the log, which it looks through first.
    pub fn used(&self) -> Used {
        let units = self.tap.take_units();
        let logged = self.log.text().lines().map(log_line).sum::<usize>() + self.take_metrics();
        self.sift_logs();
        let calls = self.standins.calls(None);
        self.standins.forget_calls();
        let mut called = BTreeMap::new();
        for call in &calls {
            *called.entry(system(call.system)).or_default() += 1;
        }
        let sent = calls.iter().map(|call| {
            let headers: usize = call.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
            headers + call.path.len() + call.raw.len() + call.check.as_ref().map_or(0, |check| check.bytes.len())
        });
        let mut objects = self.storage.take_requests();
        Used {
            reads: units.read,
            writes: units.write,
            store_calls: self.tap.take_calls().len() as u64,
            logged,
            objects_put: objects.remove("PUT").unwrap_or_default(),
            objects_got: objects.remove("GET").unwrap_or_default(),
            queue_requests: self.queues.take_requests(),
            called,
            sent: sent.sum(),
        }
    }

    fn take_metrics(&self) -> usize {
        let Sink::Memory(lines) = &self.metrics else { return 0 };
        let lines = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
        lines.iter().map(|line| without_durations(line, |_| true) + LINE_OVERHEAD).sum()
    }

    /// How many bytes a table has.
    pub async fn stored(&self, table: &str) -> Bytes {
        let output = self.client.scan().table_name(table).send().await.expect("the embedded DynamoDB answers");
        let layout = self.template.tables.iter().find(|each| each.name == table).expect("a table of the template");
        let items = output.items.unwrap_or_default();
        Bytes { items: items.iter().map(item_bytes).sum(), entries: items.iter().map(|item| entry_bytes(layout, item)).sum() }
    }
}

fn system(system: System) -> &'static str {
    system.name()
}

/// A line as CloudWatch takes it; none of those that are only logged here.
fn log_line(line: &str) -> usize {
    let Ok(parsed) = serde_json::from_str::<Value>(line) else { return 0 };
    match parsed["level"].as_str() {
        Some("INFO" | "WARN" | "ERROR") => without_durations(&parsed, |name| name.ends_with("_ms")) + LINE_OVERHEAD,
        _ => 0,
    }
}

/// The length of a line, with all measured durations equally long.
fn without_durations(line: &Value, is_duration: impl Fn(&str) -> bool) -> usize {
    let fields = line.as_object().into_iter().flatten();
    let measured = fields.filter(|(name, value)| value.is_number() && is_duration(name));
    measured.fold(line.to_string().len(), |length, (_, value)| (length + DURATION_DIGITS).saturating_sub(value.to_string().len()))
}

fn item_bytes(item: &HashMap<String, AttributeValue>) -> usize {
    item.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>() + ITEM_OVERHEAD
}

fn entry_bytes(table: &Table, item: &HashMap<String, AttributeValue>) -> usize {
    let of = |name: &str| item.get(name).map(|value| name.len() + size(value));
    let entries = table.indexes.iter().filter_map(|index| {
        let range = index.range.as_ref().filter(|range| range.name != "pk");
        let range = range.map_or(Some(0), |range| of(&range.name))?;
        Some(of(&index.hash.name)? + range + of("pk")? + ITEM_OVERHEAD)
    });
    entries.sum()
}

/// The size of a value (DynamoDB, "Item sizes and formats").
fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len().div_ceil(2) + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::L(list) => 3 + list.iter().map(|each| 1 + size(each)).sum::<usize>(),
        AttributeValue::M(map) => 3 + map.iter().map(|(name, each)| 1 + name.len() + size(each)).sum::<usize>(),
        _ => 1,
    }
}
