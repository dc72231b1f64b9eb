//! The queues of the template (Amazon SQS), spoken to by the real SDK over HTTP: of its operations the two that the functions
//! use, in AWS JSON 1.0, and strict about everything else. Time is the sandbox's, so a leap of its clock makes messages due.
//!
//! And the event source mapping between a queue and a function, as Lambda runs it (AWS Lambda, "Using Lambda with Amazon SQS"):
//! what is due, in batches; what the function took is deleted, what it reports as failed becomes visible again; a message
//! that was given as often as the queue says goes to the dead letters.
//!
//! With a folder, everything is written there before it is answered.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::future::join_all;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::platform::clock::{Clock, Random, Timestamp};
use tokio::net::TcpListener;

use crate::cut::cut_off;
use crate::stream::Work;
use crate::template::{Consumer, Queue};

/// How often a queue is looked at.
const POLL: Duration = Duration::from_millis(100);
/// The longest message (SQS, "Message quotas").
const LONGEST_BODY: usize = 1024 * 1024;
/// The longest delay of a new message, in seconds.
const LONGEST_DELAY: u64 = 900;
/// The longest time that a message stays invisible, in seconds.
const LONGEST_VISIBILITY: u64 = 43_200;
/// Whose queues they are.
const ACCOUNT: &str = "123456789012";
const REGION: &str = "eu-central-1";

/// The queues could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the queues could not be read from {file}: {cause}")]
pub struct QueuesError {
    file: String,
    cause: String,
}

/// The running queues. Clones share them.
#[derive(Clone)]
pub struct Queues(Arc<Inner>);

struct Inner {
    queues: Vec<Queue>,
    clock: Clock,
    /// Whose signature is expected.
    access_key: String,
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    messages: BTreeMap<String, Vec<Message>>,
    /// The functions' requests since they were last asked for.
    requests: u64,
    /// Requests that are yet to fail.
    failing: u32,
    /// Answers that are yet to be lost.
    losing: u32,
}

/// A message in a queue. Moments are milliseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: String,
    /// What it says.
    pub body: String,
    /// When it was sent.
    pub sent_at: i64,
    /// When it can be received, or received again.
    pub visible_at: i64,
    /// How often it was received.
    pub receives: u32,
    /// When it was received first.
    pub first_received_at: Option<i64>,
    /// What its last receiver calls it.
    pub receipt: Option<String>,
    /// The queue it came from, if this one holds dead letters.
    pub source: Option<String>,
}

/// Why a request is not done: SQS's code, and what people read.
#[derive(Debug)]
struct QueueRefusal(&'static str, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SendMessage {
    queue_url: String,
    message_body: String,
    #[serde(default)]
    delay_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ChangeMessageVisibility {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: u64,
}

/// Serves the queues on the current runtime, in memory or in the folder `data`.
pub fn start(
    listener: TcpListener,
    data: Option<&Path>,
    clock: Clock,
    access_key: &str,
    queues: &[Queue],
) -> Result<Queues, QueuesError> {
    let file = data.map(|folder| folder.join("queues.json"));
    let messages = match &file {
        Some(file) => read(file).map_err(|cause| QueuesError { file: file.display().to_string(), cause: cause.to_string() })?,
        None => BTreeMap::new(),
    };
    let state = Mutex::new(State { messages, ..State::default() });
    let queues = Queues(Arc::new(Inner { queues: queues.to_vec(), clock, access_key: access_key.to_owned(), file, state }));
    let app = Router::new().fallback(serve).with_state(queues.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(queues)
}

fn read(file: &Path) -> io::Result<BTreeMap<String, Vec<Message>>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

/// The address of a queue behind `endpoint`.
#[must_use]
pub fn url(endpoint: &str, queue: &str) -> String {
    format!("{endpoint}/{ACCOUNT}/{queue}")
}

impl Queues {
    /// The messages of a queue, oldest first, whether or not they can be received.
    #[must_use]
    pub fn messages(&self, queue: &str) -> Vec<Message> {
        self.state().messages.get(queue).cloned().unwrap_or_default()
    }

    /// When the next message of a queue is due; one that is already due counts as now.
    #[must_use]
    pub fn next_due(&self, queue: &str) -> Option<Timestamp> {
        let state = self.state();
        let next = state.messages.get(queue)?.iter().map(|message| message.visible_at).min()?;
        Some(Timestamp::from_millis(next).max(self.0.clock.now()))
    }

    /// What was given up on the way to a function, oldest first.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<Message> {
        let dead = self.0.queues.iter().filter_map(|queue| queue.redrive.as_ref()).map(|redrive| redrive.queue.as_str());
        dead.flat_map(|queue| self.messages(queue)).collect()
    }

    /// Gives the dead letters back to the queues they came from, as new messages; how many.
    pub fn redrive(&self) -> io::Result<usize> {
        let now = self.0.clock.now().millis();
        self.change(|state| {
            let letters =
                state.messages.values_mut().flat_map(|messages| messages.extract_if(.., |found| found.source.is_some()));
            let letters: Vec<_> = letters.collect();
            let moved = letters.len();
            for letter in letters {
                let Some(source) = letter.source else { continue };
                state.messages.entry(source).or_default().push(new(letter.body, now, now));
            }
            moved
        })
    }

    /// How many requests the functions have made since this was last asked.
    #[must_use]
    pub fn take_requests(&self) -> u64 {
        std::mem::take(&mut self.state().requests)
    }

    /// Lets the next `times` requests fail with nothing done. The SDK makes each three times.
    pub fn fail(&self, times: u32) {
        self.state().failing = times;
    }

    /// Lets the answers to the next `times` requests get lost; they are done.
    pub fn lose_answers(&self, times: u32) {
        self.state().losing = times;
    }

    /// Puts a message into a queue, due now, whatever it says.
    pub fn put(&self, queue: &str, body: &str) -> io::Result<()> {
        let now = self.0.clock.now().millis();
        self.change(|state| state.messages.entry(queue.to_owned()).or_default().push(new(body.to_owned(), now, now)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is in the queues, and writes it down before anybody is answered.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> io::Result<T> {
        let mut state = self.state();
        let result = change(&mut state);
        if let Some(file) = &self.0.file {
            // Written beside it first: whatever ends the process leaves one of the two.
            let fresh = file.with_extension("new");
            std::fs::write(&fresh, serde_json::to_vec(&state.messages)?)?;
            std::fs::rename(&fresh, file)?;
        }
        Ok(result)
    }

    fn queue(&self, name: &str) -> Option<&Queue> {
        self.0.queues.iter().find(|queue| queue.name == name)
    }

    /// Receives what is due, and moves what was given often enough to the dead letters.
    fn receive(&self, queue: &Queue, most: usize) -> io::Result<Vec<Message>> {
        let now = self.0.clock.now();
        if self.next_due(&queue.name).is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        self.change(|state| {
            let messages = state.messages.entry(queue.name.clone()).or_default();
            messages.retain(|message| now.since(Timestamp::from_millis(message.sent_at)) < queue.retention);
            let mut dead = Vec::new();
            if let Some(redrive) = &queue.redrive {
                let given_up = |message: &mut Message| message.visible_at <= now.millis() && message.receives >= redrive.receives;
                dead.extend(messages.extract_if(.., given_up));
            }
            let due = messages.iter_mut().filter(|message| message.visible_at <= now.millis()).take(most);
            let received = due.map(|message| message.receive(now, queue.visibility)).collect();
            if let Some(redrive) = queue.redrive.as_ref().filter(|_| !dead.is_empty()) {
                tracing::error!(queue = %queue.name, messages = dead.len(), "messages of a queue were given up");
                let dead = dead.into_iter().map(|message| Message { source: Some(queue.name.clone()), ..message });
                state.messages.entry(redrive.queue.clone()).or_default().extend(dead);
            }
            received
        })
    }

    /// Deletes what a receiver is done with, unless another receiver has it since.
    fn delete(&self, queue: &Queue, receipts: &[&str]) -> io::Result<()> {
        self.change(|state| {
            let messages = state.messages.entry(queue.name.clone()).or_default();
            messages.retain(|message| !message.receipt.as_deref().is_some_and(|receipt| receipts.contains(&receipt)));
        })
    }

    fn answer(&self, headers: &HeaderMap, body: &[u8]) -> Result<Value, QueueRefusal> {
        let header = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok()).unwrap_or_default();
        let signed = format!("AWS4-HMAC-SHA256 Credential={}/", self.0.access_key);
        if !header("authorization").starts_with(&signed) || !header("authorization").contains("/sqs/aws4_request") {
            return Err(QueueRefusal("InvalidSecurity", "the request is not signed for SQS by the sandbox's key".to_owned()));
        }
        if header("content-type") != "application/x-amz-json-1.0" {
            return Err(QueueRefusal("UnsupportedOperation", "the content type must be application/x-amz-json-1.0".to_owned()));
        }
        match header("x-amz-target") {
            "AmazonSQS.SendMessage" => self.send_message(wish(body)?),
            "AmazonSQS.ChangeMessageVisibility" => self.change_message_visibility(&wish(body)?),
            other => Err(QueueRefusal("UnsupportedOperation", format!("the sandbox's queues do not have `{other}`"))),
        }
    }

    fn addressed(&self, url: &str) -> Result<&Queue, QueueRefusal> {
        let named = url.rsplit_once(&format!("/{ACCOUNT}/")).and_then(|(_, name)| self.queue(name));
        named.ok_or_else(|| QueueRefusal("QueueDoesNotExist", format!("there is no queue at {url}")))
    }

    fn send_message(&self, wish: SendMessage) -> Result<Value, QueueRefusal> {
        let queue = self.addressed(&wish.queue_url)?.name.clone();
        if wish.message_body.is_empty() || wish.message_body.len() > LONGEST_BODY {
            return Err(invalid(format!("MessageBody must have 1 to {LONGEST_BODY} bytes")));
        }
        if wish.delay_seconds > LONGEST_DELAY {
            return Err(invalid(format!("DelaySeconds must be 0 to {LONGEST_DELAY}")));
        }
        let now = self.0.clock.now();
        let due = now.plus(Duration::from_secs(wish.delay_seconds));
        let message = new(wish.message_body, now.millis(), due.millis());
        let id = message.id.clone();
        self.change(|state| state.messages.entry(queue).or_default().push(message)).map_err(|error| broken(&error))?;
        Ok(json!({"MessageId": id}))
    }

    fn change_message_visibility(&self, wish: &ChangeMessageVisibility) -> Result<Value, QueueRefusal> {
        let queue = self.addressed(&wish.queue_url)?.name.clone();
        if wish.visibility_timeout > LONGEST_VISIBILITY {
            return Err(invalid(format!("VisibilityTimeout must be 0 to {LONGEST_VISIBILITY}")));
        }
        let now = self.0.clock.now();
        let changed = self.change(|state| {
            let messages = state.messages.entry(queue).or_default();
            let message = messages.iter_mut().find(|message| message.receipt.as_ref() == Some(&wish.receipt_handle));
            let Some(message) = message else {
                return Err(QueueRefusal("ReceiptHandleIsInvalid", "no message has this ReceiptHandle".to_owned()));
            };
            if message.visible_at <= now.millis() {
                return Err(QueueRefusal("MessageNotInflight", "the message is visible again".to_owned()));
            }
            message.visible_at = now.plus(Duration::from_secs(wish.visibility_timeout)).millis();
            Ok(json!({}))
        });
        changed.map_err(|error| broken(&error))?
    }
}

fn new(body: String, sent_at: i64, visible_at: i64) -> Message {
    let id = Random::System.hex32().unwrap_or_default();
    Message { id, body, sent_at, visible_at, receives: 0, first_received_at: None, receipt: None, source: None }
}

impl Message {
    fn receive(&mut self, now: Timestamp, visibility: Duration) -> Self {
        self.receives += 1;
        self.first_received_at.get_or_insert(now.millis());
        self.receipt = Random::System.hex32().ok();
        self.visible_at = now.plus(visibility).millis();
        self.clone()
    }

    /// As Lambda passes it on.
    fn record(&self, queue: &str) -> Value {
        json!({
            "messageId": self.id,
            "receiptHandle": self.receipt,
            "body": self.body,
            "attributes": {
                "ApproximateReceiveCount": self.receives.to_string(),
                "SentTimestamp": self.sent_at.to_string(),
                "SenderId": "AIDAEXAMPLE",
                "ApproximateFirstReceiveTimestamp": self.first_received_at.unwrap_or_default().to_string(),
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"),
            "awsRegion": REGION,
        })
    }

    /// What people are shown of a dead letter.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({"queue": self.source, "condition": "MaxReceiveCountExceeded", "calls": self.receives, "body": self.body})
    }
}

fn wish<T: DeserializeOwned>(body: &[u8]) -> Result<T, QueueRefusal> {
    serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))
}

fn invalid(text: String) -> QueueRefusal {
    QueueRefusal("InvalidParameterValue", text)
}

fn broken(error: &io::Error) -> QueueRefusal {
    QueueRefusal("InternalFailure", error.to_string())
}

/// What happens to a request.
enum Fate {
    Done,
    Fails,
    Lost,
}

async fn serve(Shared(queues): Shared<Queues>, headers: HeaderMap, body: Bytes) -> Response {
    let fate = {
        let mut state = queues.state();
        state.requests += 1;
        match *state {
            State { failing: 1.., .. } => {
                state.failing -= 1;
                Fate::Fails
            }
            State { losing: 1.., .. } => {
                state.losing -= 1;
                Fate::Lost
            }
            State { .. } => Fate::Done,
        }
    };
    if matches!(fate, Fate::Fails) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let answer = queues.answer(&headers, &body);
    if matches!(fate, Fate::Lost) {
        return cut_off();
    }
    let (status, answer) = match answer {
        Ok(answer) => (StatusCode::OK, answer),
        Err(QueueRefusal(code, message)) => {
            tracing::warn!(code, message, "a request to a queue was refused");
            let status = if code == "InternalFailure" { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
            (status, json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": message}))
        }
    };
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], answer.to_string()).into_response()
}

/// Gives a queue's messages to a function.
pub struct Poller {
    queues: Queues,
    queue: Queue,
    consumer: Consumer,
    work: Work,
    /// One round at a time.
    running: tokio::sync::Mutex<()>,
}

impl Poller {
    /// Gives the messages of the consumer's queue to `work`; nothing if there is no such queue.
    #[must_use]
    pub fn new(queues: Queues, consumer: Consumer, work: Work) -> Option<Self> {
        let queue = queues.queue(&consumer.queue)?.clone();
        Some(Self { queues, queue, consumer, work, running: tokio::sync::Mutex::default() })
    }

    /// The name of the function's binary.
    #[must_use]
    pub fn function(&self) -> &str {
        &self.consumer.function
    }

    /// Gives the function everything that is due, and what becomes due meanwhile; how many times a message was given.
    pub async fn drain(&self) -> io::Result<usize> {
        let _running = self.running.lock().await;
        let mut given = 0;
        loop {
            let batches = (0..self.consumer.lanes).map(|_| self.queues.receive(&self.queue, self.consumer.batch_size));
            let mut batches = batches.collect::<io::Result<Vec<_>>>()?;
            batches.retain(|batch| !batch.is_empty());
            if batches.is_empty() {
                return Ok(given);
            }
            given += batches.iter().map(Vec::len).sum::<usize>();
            for done in join_all(batches.iter().map(|batch| self.give(batch))).await {
                done?;
            }
        }
    }

    /// The same, and what is left: `{"given","waiting","dead"}`.
    pub async fn report(&self) -> io::Result<Value> {
        let given = self.drain().await?;
        let waiting = self.queues.messages(&self.queue.name).len();
        Ok(json!({"given": given, "waiting": waiting, "dead": self.queues.dead_letters().len()}))
    }

    /// Keeps giving for as long as the runtime lives.
    pub fn run(self: Arc<Self>) {
        tokio::spawn(async move {
            loop {
                if let Err(error) = self.drain().await {
                    tracing::error!(cause = %error, "a queue could not be read");
                }
                tokio::time::sleep(POLL).await;
            }
        });
    }

    /// Gives a batch, and deletes of it what the function is done with.
    async fn give(&self, batch: &[Message]) -> io::Result<()> {
        let records: Vec<_> = batch.iter().map(|message| message.record(&self.queue.name)).collect();
        let function = &self.consumer.function;
        let answer = match tokio::time::timeout(self.consumer.timeout, (self.work)(json!({"Records": records}))).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::warn!(function = %function, cause = %error, "a function failed");
                return Ok(());
            }
            Err(_) => {
                tracing::warn!(function = %function, "a function took too long");
                return Ok(());
            }
        };
        let Some(failed) = failures(&answer, batch) else { return Ok(()) };
        let done = batch.iter().filter(|message| !failed.contains(&message.id.as_str()));
        let receipts: Vec<_> = done.filter_map(|message| message.receipt.as_deref()).collect();
        self.queues.delete(&self.queue, &receipts)
    }
}

/// What Lambda reads out of an answer ("Success and failure conditions"): the messages that failed; nothing if all of them
/// count as failed, since what is named is none of them or cannot be read.
fn failures<'a>(answer: &'a Value, batch: &[Message]) -> Option<Vec<&'a str>> {
    let failures = match answer {
        Value::Null => return Some(Vec::new()),
        Value::Object(fields) => fields.get("batchItemFailures"),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => return None,
    };
    let failures = match failures {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(Value::Array(failures)) => failures,
        Some(_) => return None,
    };
    let named = failures.iter().map(|failure| {
        let id = failure["itemIdentifier"].as_str()?;
        batch.iter().any(|message| message.id == id).then_some(id)
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_lambda_reads_it() {
        let batch = ["7", "8"].map(|id| Message { id: id.to_owned(), ..new("{}".to_owned(), 0, 0) });
        for (answer, failed) in [
            (json!(null), Some(vec![])),
            (json!({}), Some(vec![])),
            (json!({"batchItemFailures": null}), Some(vec![])),
            (json!({"batchItemFailures": []}), Some(vec![])),
            (json!({"batchItemFailures": [{"itemIdentifier": "8"}]}), Some(vec!["8"])),
            (json!({"batchItemFailures": [{"itemIdentifier": "8"}, {"itemIdentifier": "9"}]}), None),
            (json!({"batchItemFailures": [{"itemIdentifier": ""}]}), None),
            (json!({"batchItemFailures": [{"itemIdentifier": null}]}), None),
            (json!({"batchItemFailures": [{"identifier": "8"}]}), None),
            (json!({"batchItemFailures": "8"}), None),
            (json!("done"), None),
        ] {
            assert_eq!(failures(&answer, &batch), failed, "{answer}");
        }
    }
}
