//! The event source mapping between a table's stream and a function, as Lambda runs it (AWS Lambda, "Using AWS Lambda with
//! Amazon DynamoDB"): the records that the filter lets through, in batches; those of one item in order; what the function
//! reports as failed, and all after it, again; a batch that fails as a whole, in halves; a record that fails to the end, to
//! the dead letters. How far it came is noted in the database itself, so that a sandbox with a folder goes on where it was.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dynoxide::Database;
use futures_util::future::{BoxFuture, join_all};
use lambda_http::Error;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::platform::clock::{Clock, Timestamp};

use crate::dynamodb::{Embedded, POSITIONS};
use crate::template::Mapping;

/// How often a stream is looked at; Lambda does it four times a second.
const POLL: Duration = Duration::from_millis(100);
/// How long the first repetition waits in a running sandbox; each further one waits twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// A function that is called with events, and answers or fails.
pub type Work = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, Error>> + Send + Sync>;

/// Reads a stream and gives its records to a function.
pub struct StreamPoller {
    database: Database,
    clock: Clock,
    mapping: Mapping,
    work: Work,
    pause: Duration,
    arn: String,
    shard: String,
    /// The last record that is done with. One at a time reads.
    position: tokio::sync::Mutex<Option<String>>,
    dead: Mutex<Vec<DeadLetter>>,
}

/// The stream could not be read, or the position not be noted.
#[derive(Debug, thiserror::Error)]
#[error("the stream of {table}: {cause}")]
pub struct StreamPollerError {
    table: String,
    cause: String,
}

/// Records that were given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The name of the function's binary.
    pub function: String,
    /// Why.
    pub condition: GivenUp,
    /// How often the function was called with them.
    pub calls: u32,
    /// The records as the function was given them.
    pub records: Vec<Value>,
}

/// Why records were given up, in Lambda's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// The function failed as often as it may.
    RetryAttemptsExhausted,
    /// The records became too old.
    RecordAgeExceeded,
}

impl DeadLetter {
    /// What people are shown: like Lambda's message, it says where in the stream it happened and shows no item.
    #[must_use]
    pub fn json(&self) -> Value {
        let keys: Vec<_> = self.records.iter().map(|record| &record["dynamodb"]["Keys"]).collect();
        json!({
            "function": self.function,
            "condition": format!("{:?}", self.condition),
            "calls": self.calls,
            "keys": keys,
            "sequence_numbers": self.records.iter().map(sequence_number).collect::<Vec<_>>(),
        })
    }
}

/// A part of a batch on its way.
struct Part {
    records: Vec<Value>,
    /// Calls so far.
    calls: u32,
    /// Repetitions that came no further.
    retries: u32,
}

impl StreamPoller {
    /// Reads the stream of the mapping's table from where the function stopped, or from its beginning.
    pub fn new(store: &Embedded, mapping: Mapping, work: Work) -> Result<Self, StreamPollerError> {
        let error = |cause: &dyn std::fmt::Display| StreamPollerError { table: mapping.table.clone(), cause: cause.to_string() };
        let streams = request(json!({"TableName": mapping.table})).map_err(|cause| error(&cause))?;
        let streams = store.database.list_streams(streams).map_err(|cause| error(&cause))?;
        let stream = streams.streams.into_iter().next().ok_or_else(|| error(&"there is none"))?;
        let known = request(json!({"TableName": POSITIONS, "Key": {"pk": {"S": mapping.function}}}));
        let known = store.database.get_item(known.map_err(|cause| error(&cause))?).map_err(|cause| error(&cause))?;
        let known = serde_json::to_value(known.item).unwrap_or_default();
        Ok(Self {
            arn: stream.stream_arn,
            shard: dynoxide::streams::shard_id(&mapping.table),
            position: tokio::sync::Mutex::new(known["position"]["S"].as_str().map(str::to_owned)),
            dead: Mutex::default(),
            database: store.database.clone(),
            clock: store.clock.clone(),
            pause: Duration::ZERO,
            mapping,
            work,
        })
    }

    /// With a pause before a failed batch is given again, twice as long each time: what gives an outage time to pass. Tests
    /// repeat at once.
    #[must_use]
    pub fn patient(self) -> Self {
        Self { pause: PAUSE, ..self }
    }

    /// Gives the function everything there is, and what is added meanwhile; the number of records that it was given, each
    /// counted once.
    pub async fn drain(&self) -> Result<usize, StreamPollerError> {
        let mut position = self.position.lock().await;
        let mut given = 0;
        loop {
            let records = self.read(position.as_deref())?;
            let Some(last) = records.last().map(|record| sequence_number(record).to_owned()) else { return Ok(given) };
            let wanted = records.into_iter().filter(|record| self.mapping.filter.fits(record));
            let mut lanes = vec![Vec::new(); self.mapping.lanes];
            for record in wanted {
                given += 1;
                lanes[lane(&record, self.mapping.lanes)].push(record);
            }
            join_all(lanes.into_iter().map(|records| self.give_all(records))).await;
            self.note(&last)?;
            *position = Some(last);
        }
    }

    /// Keeps giving for as long as the runtime lives.
    pub fn run(self: Arc<Self>) {
        tokio::spawn(async move {
            loop {
                if let Err(error) = self.drain().await {
                    tracing::error!(cause = %error, "a stream could not be read");
                }
                tokio::time::sleep(POLL).await;
            }
        });
    }

    /// What was given up, oldest first.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The next records as Lambda passes them on, as many as can be worked on at once.
    fn read(&self, position: Option<&str>) -> Result<Vec<Value>, StreamPollerError> {
        let start = match position {
            Some(position) => json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": position}),
            None => json!({"ShardIteratorType": "TRIM_HORIZON"}),
        };
        let mut start = start;
        start["StreamArn"] = self.arn.clone().into();
        start["ShardId"] = self.shard.clone().into();
        let iterator = self.done(self.database.get_shard_iterator(self.done(request(start))?))?.shard_iterator;
        let limit = self.mapping.batch_size * self.mapping.lanes;
        let wish = self.done(request(json!({"ShardIterator": iterator, "Limit": limit})))?;
        let records = self.done(self.database.get_records(wish))?.records;
        let records = records.into_iter().map(|record| {
            let mut record = self.done(serde_json::to_value(record))?;
            record["eventSourceARN"] = self.arn.clone().into();
            Ok(record)
        });
        records.collect()
    }

    fn note(&self, position: &str) -> Result<(), StreamPollerError> {
        let Mapping { function, table, .. } = &self.mapping;
        let item = json!({"pk": {"S": function}, "table": {"S": table}, "position": {"S": position}});
        let note = self.done(request(json!({"TableName": POSITIONS, "Item": item})))?;
        self.done(self.database.put_item(note)).map(drop)
    }

    fn done<T, E: std::fmt::Display>(&self, result: Result<T, E>) -> Result<T, StreamPollerError> {
        result.map_err(|cause| StreamPollerError { table: self.mapping.table.clone(), cause: cause.to_string() })
    }

    async fn give_all(&self, records: Vec<Value>) {
        for batch in records.chunks(self.mapping.batch_size) {
            self.give(batch.to_vec()).await;
        }
    }

    /// Gives a batch until each of its records is done with.
    async fn give(&self, batch: Vec<Value>) {
        let mut waiting = vec![Part { records: batch, calls: 0, retries: 0 }];
        while let Some(part) = waiting.pop() {
            let (old, part) = self.sort_out(part);
            if !old.records.is_empty() {
                self.give_up(GivenUp::RecordAgeExceeded, old);
            }
            if part.records.is_empty() {
                continue;
            }
            let failed = self.call(&part.records).await;
            let part = Part { calls: part.calls + 1, ..part };
            match failed {
                None => continue,
                // Everything before the first failure is done: what remains has got further.
                Some(first @ 1..) => waiting.push(Part { records: part.records[first..].to_vec(), ..part }),
                Some(0) if part.records.len() > 1 => {
                    let (front, back) = part.records.split_at(part.records.len() / 2);
                    waiting.push(Part { records: back.to_vec(), ..part });
                    waiting.push(Part { records: front.to_vec(), ..part });
                }
                Some(0) if part.retries < self.mapping.retries => waiting.push(Part { retries: part.retries + 1, ..part }),
                Some(0) => {
                    self.give_up(GivenUp::RetryAttemptsExhausted, part);
                    continue;
                }
            }
            if let Some(next) = waiting.last() {
                tokio::time::sleep(self.pause * 2_u32.saturating_pow(next.retries.min(8))).await;
            }
        }
    }

    /// Calls the function; the index of the first record that is not done, if any.
    async fn call(&self, records: &[Value]) -> Option<usize> {
        let event = json!({"Records": records});
        let answer = match tokio::time::timeout(self.mapping.timeout, (self.work)(event)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::warn!(function = %self.mapping.function, cause = %error, "a function failed");
                return Some(0);
            }
            Err(_) => {
                tracing::warn!(function = %self.mapping.function, "a function took too long");
                return Some(0);
            }
        };
        first_failure(&answer, records)
    }

    /// Parts with what is too old, and with the rest.
    fn sort_out(&self, part: Part) -> (Part, Part) {
        let now = self.clock.now();
        let too_old = |record: &Value| {
            let created = record["dynamodb"]["ApproximateCreationDateTime"].as_f64().unwrap_or_default();
            // Whole seconds, of which there are not so many.
            #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
            let created = Timestamp::from_millis(created as i64 * 1000);
            now.since(created) > self.mapping.max_age
        };
        let (old, young) = part.records.into_iter().partition(too_old);
        (Part { records: old, ..part }, Part { records: young, ..part })
    }

    fn give_up(&self, condition: GivenUp, part: Part) {
        let function = self.mapping.function.clone();
        tracing::error!(function = %function, records = part.records.len(), condition = ?condition, "records of a stream were given up");
        let letter = DeadLetter { function, condition, calls: part.calls, records: part.records };
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
    }
}

fn request<T: DeserializeOwned>(request: Value) -> serde_json::Result<T> {
    serde_json::from_value(request)
}

fn sequence_number(record: &Value) -> &str {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default()
}

/// Records of one item share a lane.
fn lane(record: &Value, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    record["dynamodb"]["Keys"].to_string().hash(&mut hasher);
    usize::try_from(hasher.finish() % (lanes as u64)).unwrap_or_default()
}

/// What Lambda reads out of an answer ("Success and failure conditions"): everything is done if no failure is named; nothing
/// is done if what is named is none of the records, or cannot be read.
fn first_failure(answer: &Value, records: &[Value]) -> Option<usize> {
    let failures = match answer {
        Value::Null => return None,
        Value::Object(fields) => fields.get("batchItemFailures"),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => return Some(0),
    };
    let failures = match failures {
        None | Some(Value::Null) => return None,
        Some(Value::Array(failures)) => failures,
        Some(_) => return Some(0),
    };
    let index = |failure: &Value| {
        let named = failure["itemIdentifier"].as_str()?;
        records.iter().position(|record| sequence_number(record) == named)
    };
    failures.iter().map(|failure| index(failure).unwrap_or(0)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_lambda_reads_it() {
        let records = ["7", "8", "9"].map(|number| json!({"dynamodb": {"SequenceNumber": number}}));
        for (answer, failed) in [
            (json!(null), None),
            (json!({}), None),
            (json!({"batchItemFailures": null}), None),
            (json!({"batchItemFailures": []}), None),
            (json!({"batchItemFailures": [{"itemIdentifier": "8"}]}), Some(1)),
            (json!({"batchItemFailures": [{"itemIdentifier": "9"}, {"itemIdentifier": "8"}]}), Some(1)),
            (json!({"batchItemFailures": [{"itemIdentifier": "7"}]}), Some(0)),
            (json!({"batchItemFailures": [{"itemIdentifier": "10"}]}), Some(0)),
            (json!({"batchItemFailures": [{"itemIdentifier": ""}]}), Some(0)),
            (json!({"batchItemFailures": [{"itemIdentifier": null}]}), Some(0)),
            (json!({"batchItemFailures": [{"identifier": "8"}]}), Some(0)),
            (json!({"batchItemFailures": "8"}), Some(0)),
            (json!("done"), Some(0)),
        ] {
            assert_eq!(first_failure(&answer, &records), failed, "{answer}");
        }
    }
}
