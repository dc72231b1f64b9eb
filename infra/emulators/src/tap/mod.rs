//! A tap on the line to DynamoDB: counts the round trips and the units that they cost, loses the answer of one of them, leaves
//! batches undone, refuses writes for each reason that DynamoDB has, and lets requests meet the fault that a test chooses. It also
//! makes of the embedded DynamoDB what the real one is ([`Modes`]).

mod behind;
mod modes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use shared::platform::metrics::Metrics;
use shared::platform::outbound::Http;
use tokio::net::TcpListener;

use crate::cut::cut_off;
use crate::dynamodb::{Embedded, ask};
use crate::template::Table;
use behind::Behind;
use modes::{Blocked, Locks, Shortage, doubled, halved, written};

pub use modes::{Modes, StoreRefusal};

/// One way in which a request to DynamoDB goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// No effect; HTTP 500.
    Failed,
    /// The effect happens; HTTP 500.
    AnswerLost,
    /// The effect happens, and at once another writes the item on top of it; HTTP 500. (Of writes of one item.)
    Overtaken,
    /// It happens twice; the answer is the second's.
    Repeated,
    /// It happens that many milliseconds later, and is answered.
    Late(u16),
    /// No effect; the table is short of capacity, or the account.
    Throttled,
    /// No effect; another request is at the same items. Of a transaction, `TransactionConflict` is the reason of its cancellation.
    Conflict,
    /// No effect; a transaction is cancelled for this reason (DynamoDB, "`TransactionCanceledException`"), which must be one that
    /// does not claim anything about the items: a failed condition is only ever the database's own word.
    Canceled(&'static str),
}

/// A request to DynamoDB, for the test that chooses its fault.
#[derive(Debug)]
pub struct StoreRequest<'a> {
    /// `GetItem`, …
    pub operation: &'a str,
    /// What it asks for.
    pub body: &'a [u8],
    /// 1, and more if the SDK repeats it.
    pub attempt: u32,
}

/// Says which fault a request meets.
type Chooser = Arc<dyn Fn(&StoreRequest<'_>) -> Option<StoreFault> + Send + Sync>;

/// What passes, and what gets lost.
#[derive(Clone)]
pub struct Tap(Arc<Line>);

struct Line {
    http: reqwest::Client,
    database: String,
    embedded: Embedded,
    tables: Vec<Table>,
    state: Mutex<Passed>,
}

#[derive(Default)]
struct Passed {
    calls: Vec<String>,
    /// Whether each answer is asked what it cost.
    metered: bool,
    units: Units,
    lose: Option<usize>,
    undone: usize,
    refuse: Option<StoreRefusal>,
    chooser: Option<Chooser>,
    modes: Modes,
    locks: Locks,
    shortage: Shortage,
    behind: Option<Behind>,
}

/// What DynamoDB charges for by the request, on demand (DynamoDB, "Read and write operations"): of the table and of its indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Read request units.
    pub read: f64,
    /// Write request units.
    pub write: f64,
}

impl Tap {
    /// Listens before the database, which has these tables and listens at `address`.
    pub fn start(listener: TcpListener, address: String, embedded: Embedded, tables: &[Table]) -> Result<Self, reqwest::Error> {
        let http = Http::new(Metrics::default())?.client().clone();
        let line = Line { http, database: address, embedded, tables: tables.to_vec(), state: Mutex::default() };
        let tap = Self(Arc::new(line));
        let app = Router::new().fallback(pass).with_state(tap.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(tap)
    }

    /// Lets DynamoDB behave in this way from now on. What is written past the tap does not come to an index that is behind.
    pub async fn behave(&self, modes: Modes) -> Result<(), String> {
        let Embedded { database, clock } = self.0.embedded.clone();
        let behind = match modes.index_behind_ms.map(Duration::from_millis) {
            Some(by) => Some(Behind::start(by, clock, database, &self.0.tables).await?),
            None => None,
        };
        let mut state = self.state();
        state.refuse.clone_from(&modes.refuse);
        (state.modes, state.shortage, state.behind) = (modes, Shortage::default(), behind);
        Ok(())
    }

    /// How it behaves, with the refusals that are left.
    #[must_use]
    pub fn modes(&self) -> Modes {
        let state = self.state();
        Modes { refuse: state.refuse.clone().filter(|refuse| refuse.times > 0), ..state.modes.clone() }
    }

    fn state(&self) -> MutexGuard<'_, Passed> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the item that a request has written another one's: a version on, with another mark.
    fn write_over(&self, request: &Value) -> Result<(), String> {
        let update = json!({
            "TableName": request["TableName"],
            "Key": request["Key"],
            "UpdateExpression": "ADD #version :one SET write_mark = :another",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":another": {"S": "of another"}},
        });
        ask(|request| self.0.embedded.database.update_item(request), update).map(drop)
    }

    /// The operations since the last time this was asked, `GetItem` and so on.
    #[must_use]
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// Lets every answer say what it cost, from now on.
    pub fn meter(&self) {
        self.state().metered = true;
    }

    /// What was said since the last time this was asked.
    #[must_use]
    pub fn take_units(&self) -> Units {
        std::mem::take(&mut self.state().units)
    }

    /// Loses the answer of the `index`-th operation from now; its effect happens.
    pub fn lose(&self, index: usize) {
        let mut state = self.state();
        state.calls.clear();
        state.lose = Some(index);
    }

    /// Lets each request meet the fault that this says, if any.
    pub fn choose_by<F>(&self, choose: F)
    where
        F: Fn(&StoreRequest<'_>) -> Option<StoreFault> + Send + Sync + 'static,
    {
        self.state().chooser = Some(Arc::new(choose));
    }

    /// No more of that.
    pub fn spare(&self) {
        self.state().chooser = None;
    }

    /// Leaves all that the next `times` batches ask for undone, as a table does that is short of capacity.
    pub fn leave_undone(&self, times: usize) {
        self.state().undone = times;
    }

    /// Refuses the next `times` of an operation, without any effect.
    pub fn refuse(&self, operation: &str, reason: &str, times: usize) {
        self.state().refuse = Some(StoreRefusal { operation: operation.to_owned(), reason: reason.to_owned(), times });
    }
}

impl Passed {
    /// DynamoDB's answer to an operation that is refused.
    fn refused(&mut self, operation: &str, body: &Bytes) -> Option<Response> {
        let refuse = self.refuse.as_mut().filter(|refuse| refuse.operation == operation && refuse.times > 0)?;
        refuse.times -= 1;
        refused(operation, &refuse.reason, body)
    }

    /// DynamoDB's answer to a request that its modes let it refuse.
    fn refused_by_mode(&mut self, operation: &str, body: &Bytes) -> Option<Response> {
        if self.modes.throttled_percent == 0 && self.modes.transactions_ms.is_none() {
            return None;
        }
        let request: Value = serde_json::from_slice(body).ok()?;
        let is_transaction = operation.starts_with("Transact");
        if let Some(by_account) = self.shortage.meets(&self.modes, operation, &request) {
            let reason = match (is_transaction, by_account) {
                (true, true) => "ThrottlingError",
                (true, false) => "ProvisionedThroughputExceeded",
                (false, true) => "ThrottlingException",
                (false, false) => "ProvisionedThroughputExceededException",
            };
            return refused(operation, reason, body);
        }
        match self.locks.refuse(operation, &request)? {
            Blocked::Repeated => refused(operation, "TransactionInProgressException", body),
            Blocked::Write => refused(operation, "TransactionConflictException", body),
            Blocked::Parts(parts) => {
                let reasons = parts.iter().map(|is_locked| reason(if *is_locked { "TransactionConflict" } else { "None" }));
                Some(canceled(&reasons.collect::<Vec<_>>()))
            }
        }
    }
}

/// DynamoDB's answer to an operation that it refuses for this reason: the name of an exception, or of a transaction the reason of its
/// cancellation, which is then its last part's fault.
fn refused(operation: &str, name: &str, body: &Bytes) -> Option<Response> {
    if !operation.starts_with("Transact") || name.ends_with("Exception") {
        let room = match name {
            "ThrottlingException" => "com.amazon.coral.availability",
            "ValidationException" => "com.amazon.coral.validate",
            _ => "com.amazonaws.dynamodb.v20120810",
        };
        let answer = json!({"__type": format!("{room}#{name}"), "message": message(name)});
        return Some(said_in_json(StatusCode::BAD_REQUEST, &answer));
    }
    let request: Value = serde_json::from_slice(body).ok()?;
    let parts = request["TransactItems"].as_array().map_or(1, Vec::len);
    let mut reasons = vec![reason("None"); parts];
    *reasons.last_mut()? = reason(name);
    Some(canceled(&reasons))
}

/// The reason of one part of a transaction.
fn reason(code: &str) -> Value {
    if code == "None" { json!({"Code": code}) } else { json!({"Code": code, "Message": message(code)}) }
}

/// DynamoDB's answer to a transaction that it cancels (DynamoDB, "`TransactWriteItems`", "`TransactionCanceledException`").
fn canceled(reasons: &[Value]) -> Response {
    let codes: Vec<_> = reasons.iter().filter_map(|reason| reason["Code"].as_str()).collect();
    let message = format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    let answer = json!({"__type": kind, "Message": message, "CancellationReasons": reasons});
    said_in_json(StatusCode::BAD_REQUEST, &answer)
}

/// How DynamoDB words it (DynamoDB, "`TransactWriteItems`", "Common errors").
fn message(name: &str) -> &'static str {
    match name.trim_end_matches("Exception").trim_end_matches("Error") {
        "ConditionalCheckFailed" => "The conditional request failed",
        "TransactionConflict" => "Transaction is ongoing for the item",
        "TransactionInProgress" => "The transaction with the given request token is already in progress.",
        "ItemCollectionSizeLimitExceeded" => "Collection size exceeded.",
        "ProvisionedThroughputExceeded" => {
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level \
             with the UpdateTable API."
        }
        "Throttling" => {
            "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index \
             so please try again shortly. If exceptions persist, check if you have a hot key: \
             https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html."
        }
        "Validation" => "One or more parameter values were invalid",
        _ => "refused by the tap",
    }
}

/// DynamoDB's answer to a batch of which it does nothing.
fn undone(operation: &str, body: &Bytes) -> Option<Value> {
    let left = match operation {
        "BatchWriteItem" => "UnprocessedItems",
        "BatchGetItem" => "UnprocessedKeys",
        _ => return None,
    };
    let request: Value = serde_json::from_slice(body).ok()?;
    Some(json!({ left: request["RequestItems"] }))
}

/// The request with the wish to know what it cost.
fn with_wish(body: &Bytes) -> Option<Bytes> {
    let mut request: Value = serde_json::from_slice(body).ok()?;
    request["ReturnConsumedCapacity"] = "TOTAL".into();
    Some(request.to_string().into())
}

/// What an answer says of its cost. A refused condition says nothing, and costs what writing the item that stood in its way
/// would have.
fn said(operation: &str, status: StatusCode, answer: &[u8]) -> Units {
    let said: Value = serde_json::from_slice(answer).unwrap_or_default();
    let consumed = &said["ConsumedCapacity"];
    let tables = consumed.as_array().map_or_else(|| std::slice::from_ref(consumed), Vec::as_slice);
    let told: f64 = tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum();
    match operation {
        "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems" => Units { read: told, write: 0.0 },
        _ if status.is_success() => Units { read: 0.0, write: told },
        _ => Units { read: 0.0, write: 1.0 },
    }
}

/// The answer to a request that has no effect.
fn refusal(fault: StoreFault, operation: &str, body: &Bytes) -> Option<Response> {
    let is_transaction = operation == "TransactWriteItems";
    let reason = match fault {
        StoreFault::AnswerLost | StoreFault::Overtaken | StoreFault::Repeated | StoreFault::Late(_) => return None,
        StoreFault::Failed => return Some(status(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new())),
        StoreFault::Throttled if is_transaction => "ThrottlingError",
        StoreFault::Throttled => "ProvisionedThroughputExceededException",
        StoreFault::Conflict if is_transaction => "TransactionConflict",
        StoreFault::Canceled(reason) if is_transaction => reason,
        StoreFault::Conflict | StoreFault::Canceled(_) => "TransactionConflictException",
    };
    refused(operation, reason, body)
}

/// Releases its items when it goes.
struct Held {
    tap: Tap,
    request: Value,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.tap.state().locks.end(&self.request);
    }
}

async fn pass(State(tap): State<Tap>, headers: HeaderMap, body: Bytes) -> Response {
    let operation = headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.rsplit('.').next()).unwrap_or("?");
    let chooser = tap.state().chooser.clone();
    let fault = chooser.and_then(|chooser| {
        let attempts = headers.get("amz-sdk-request").and_then(|attempts| attempts.to_str().ok());
        let attempt = attempts.and_then(|attempts| attempts.strip_prefix("attempt=")?.split(';').next()?.parse().ok());
        chooser(&StoreRequest { operation, body: &body, attempt: attempt.unwrap_or(1) })
    });
    if let Some(refused) = fault.and_then(|fault| refusal(fault, operation, &body)) {
        return refused;
    }
    let (lost, takes, held) = {
        let mut state = tap.state();
        if state.undone > 0
            && let Some(answer) = undone(operation, &body)
        {
            state.undone -= 1;
            return said_in_json(StatusCode::OK, &answer);
        }
        let refused = state.refused(operation, &body).or_else(|| state.refused_by_mode(operation, &body));
        if let Some(answer) = refused {
            state.calls.push(operation.to_owned());
            return answer;
        }
        let lost = state.lose == Some(state.calls.len());
        state.calls.push(operation.to_owned());
        if lost {
            state.lose = None;
        }
        let takes = state.modes.transactions_ms.filter(|_| operation == "TransactWriteItems").map(Duration::from_millis);
        let request = takes.and_then(|_| serde_json::from_slice::<Value>(&body).ok());
        (
            lost,
            takes,
            request.map(|request| {
                state.locks.begin(&request);
                Held { tap: tap.clone(), request }
            }),
        )
    };
    let (operation, passed) = (operation.to_owned(), (headers, body));
    let Some(takes) = takes else { return through(&tap, &operation, passed, fault, lost).await };
    // It goes on whether its caller waits or not.
    let under_way = tokio::spawn(async move {
        tokio::time::sleep(takes).await;
        let answer = through(&tap, &operation, passed, fault, lost).await;
        drop(held);
        answer
    });
    under_way.await.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()))
}

/// Gives a request to the database, or to the copy that answers for its indexes.
async fn through(
    tap: &Tap,
    operation: &str,
    (headers, body): (HeaderMap, Bytes),
    fault: Option<StoreFault>,
    lost: bool,
) -> Response {
    let (metered, modes) = {
        let state = tap.state();
        (state.metered, state.modes.clone())
    };
    let plain = modes == Modes::default();
    let request = if plain { Value::Null } else { serde_json::from_slice(&body).unwrap_or_default() };
    let of_index = operation == "Query" && request["IndexName"].is_string();
    let half = modes.batches_halved.then(|| halved(operation, &request)).flatten();
    let body = half.as_ref().map_or(body, |(done, ..)| done.to_string().into());
    let body = if metered { with_wish(&body).unwrap_or(body) } else { body };
    let copy = match &mut tap.state().behind {
        Some(behind) if of_index => match behind.catch_up() {
            Ok(()) => Some(behind.address.clone()),
            Err(cause) => return said_in_json(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "message": cause })),
        },
        _ => None,
    };
    let address = copy.as_ref().unwrap_or(&tap.0.database);
    let send = || {
        let mut request = tap.0.http.post(address).body(body.clone());
        for (name, value) in headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length") {
            request = request.header(name, value);
        }
        request.send()
    };
    if let Some(StoreFault::Late(millis)) = fault {
        tokio::time::sleep(Duration::from_millis(millis.into())).await;
    }
    if fault == Some(StoreFault::Repeated) {
        drop(send().await);
    }
    let answer = send().await;
    if !plain && let Some(behind) = &mut tap.state().behind {
        let done = half.as_ref().map_or(&request, |(done, ..)| done);
        if let Err(cause) = behind.note(written(operation, done)) {
            tracing::error!(cause, "a write could not be noted for an index that is behind");
        }
    }
    if fault == Some(StoreFault::Overtaken)
        && let Err(cause) = tap.write_over(&serde_json::from_slice(&body).unwrap_or_default())
    {
        tracing::error!(cause, "the write that overtakes could not be made");
    }
    if matches!(fault, Some(StoreFault::AnswerLost | StoreFault::Overtaken)) {
        return status(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new());
    }
    if lost {
        return cut_off();
    }
    let Ok(answer) = answer else {
        return status(StatusCode::BAD_GATEWAY, Bytes::new());
    };
    let (code, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.unwrap_or_default();
    if metered {
        let cost = said(operation, code, &body);
        let mut state = tap.state();
        state.units = Units { read: state.units.read + cost.read, write: state.units.write + cost.write };
    }
    if code.is_success()
        && let Some((_, left_as, left)) = half
    {
        let mut answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        answer[left_as] = left;
        return said_in_json(code, &answer);
    }
    if code.is_success() && of_index && modes.index_doubles {
        return said_in_json(code, &doubled(serde_json::from_slice(&body).unwrap_or_default()));
    }
    let mut response = status(code, body);
    for name in ["content-type", "x-amzn-requestid", "x-amz-crc32"] {
        if let Some(value) = headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn status(code: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = code;
    response
}

/// An answer as DynamoDB writes its own.
fn said_in_json(code: StatusCode, answer: &Value) -> Response {
    let mut response = status(code, answer.to_string().into());
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/x-amz-json-1.0"));
    response
}
