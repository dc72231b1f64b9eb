//! A tap on the line to DynamoDB: counts the round trips and the units that they cost, loses the answer of one of them, leaves
//! batches undone, refuses writes for each reason that DynamoDB has, and lets requests meet the fault that a test chooses.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use shared::metrics::Metrics;
use shared::outbound::Http;
use tokio::net::TcpListener;

/// Longer than the store waits for one attempt.
const LOST: Duration = Duration::from_millis(1500);

/// One way in which a request to DynamoDB goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// No effect; HTTP 500.
    Failed,
    /// The effect happens; HTTP 500.
    AnswerLost,
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

/// A request to DynamoDB, for whoever chooses its fault.
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
pub(crate) type Chooser = Arc<dyn Fn(&StoreRequest<'_>) -> Option<StoreFault> + Send + Sync>;

/// What passes, and what gets lost.
#[derive(Clone)]
pub(crate) struct Tap(Arc<Line>);

struct Line {
    http: reqwest::Client,
    database: String,
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
    refuse: Option<Refuse>,
    chooser: Option<Chooser>,
}

/// Which operation is refused, why, and how often.
struct Refuse {
    operation: &'static str,
    reason: &'static str,
    times: usize,
}

/// What DynamoDB charges for by the request, on demand (DynamoDB, "Read and write operations"): of the table and of its indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Units {
    pub(crate) read: f64,
    pub(crate) write: f64,
}

impl Tap {
    /// Listens before the database.
    pub(crate) fn start(listener: TcpListener, database: String) -> Self {
        let http = Http::new(Metrics::default()).expect("an HTTP client").client().clone();
        let tap = Self(Arc::new(Line { http, database, state: Mutex::default() }));
        let app = Router::new().fallback(pass).with_state(tap.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        tap
    }

    fn state(&self) -> MutexGuard<'_, Passed> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The operations since the last time this was asked, `GetItem` and so on.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// Lets every answer say what it cost, from now on.
    pub(crate) fn meter(&self) {
        self.state().metered = true;
    }

    /// What was said since the last time this was asked.
    pub(crate) fn take_units(&self) -> Units {
        std::mem::take(&mut self.state().units)
    }

    /// Loses the answer of the `index`-th operation from now; its effect happens.
    pub(crate) fn lose(&self, index: usize) {
        let mut state = self.state();
        state.calls.clear();
        state.lose = Some(index);
    }

    /// Lets each request meet the fault that this says, if any.
    pub(crate) fn choose_by(&self, chooser: Option<Chooser>) {
        self.state().chooser = chooser;
    }

    /// Leaves all that the next `times` batches ask for undone, as a table does that is short of capacity.
    pub(crate) fn leave_undone(&self, times: usize) {
        self.state().undone = times;
    }

    /// Refuses the next `times` of an operation, without any effect.
    pub(crate) fn refuse(&self, operation: &'static str, reason: &'static str, times: usize) {
        self.state().refuse = Some(Refuse { operation, reason, times });
    }
}

impl Passed {
    /// DynamoDB's answer to an operation that is refused.
    fn refused(&mut self, operation: &str, body: &Bytes) -> Option<Response> {
        let refuse = self.refuse.as_mut().filter(|refuse| refuse.operation == operation && refuse.times > 0)?;
        refuse.times -= 1;
        refused(operation, refuse.reason, body)
    }
}

/// DynamoDB's answer to an operation that it refuses for this reason: the name of an exception, or of a transaction the reason of its
/// cancellation, which is then its last part's fault.
fn refused(operation: &str, reason: &str, body: &Bytes) -> Option<Response> {
    let kind = |name: &str| format!("com.amazonaws.dynamodb.v20120810#{name}");
    if operation != "TransactWriteItems" || reason.ends_with("Exception") {
        let answer = json!({"__type": kind(reason), "message": "refused by the test"});
        return Some(said_in_json(StatusCode::BAD_REQUEST, &answer));
    }
    let request: Value = serde_json::from_slice(body).ok()?;
    let parts = request["TransactItems"].as_array().map_or(1, Vec::len);
    let mut reasons = vec![json!({"Code": "None"}); parts];
    *reasons.last_mut()? = json!({"Code": reason, "Message": "refused by the test"});
    let message = "Transaction cancelled, please refer cancellation reasons for specific reasons";
    let answer = json!({"__type": kind("TransactionCanceledException"), "Message": message, "CancellationReasons": reasons});
    Some(said_in_json(StatusCode::BAD_REQUEST, &answer))
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
        StoreFault::AnswerLost | StoreFault::Repeated | StoreFault::Late(_) => return None,
        StoreFault::Failed => return Some(status(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new())),
        StoreFault::Throttled if is_transaction => "ThrottlingError",
        StoreFault::Throttled => "ProvisionedThroughputExceededException",
        StoreFault::Conflict if is_transaction => "TransactionConflict",
        StoreFault::Canceled(reason) if is_transaction => reason,
        StoreFault::Conflict | StoreFault::Canceled(_) => "TransactionConflictException",
    };
    refused(operation, reason, body)
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
    let (lost, metered) = {
        let mut state = tap.state();
        if state.undone > 0
            && let Some(answer) = undone(operation, &body)
        {
            state.undone -= 1;
            return said_in_json(StatusCode::OK, &answer);
        }
        if let Some(answer) = state.refused(operation, &body) {
            state.calls.push(operation.to_owned());
            return answer;
        }
        let lost = state.lose == Some(state.calls.len());
        state.calls.push(operation.to_owned());
        if lost {
            state.lose = None;
        }
        (lost, state.metered)
    };
    let body = if metered { with_wish(&body).unwrap_or(body) } else { body };
    let send = || {
        let mut request = tap.0.http.post(&tap.0.database).body(body.clone());
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
    if fault == Some(StoreFault::AnswerLost) {
        return status(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new());
    }
    if lost {
        tokio::time::sleep(LOST).await;
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
