//! A tap on the line to DynamoDB: counts the round trips, loses the answer of one of them, and leaves batches undone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Longer than the store waits for one attempt.
const LOST: Duration = Duration::from_millis(1500);

/// What passes, and what gets lost.
#[derive(Clone)]
pub(super) struct Tap(Arc<Line>);

struct Line {
    http: reqwest::Client,
    database: String,
    state: Mutex<Passed>,
}

#[derive(Default)]
struct Passed {
    calls: Vec<String>,
    lose: Option<usize>,
    undone: usize,
}

impl Tap {
    /// Listens before the database.
    pub(super) fn start(listener: TcpListener, database: String) -> Self {
        let http = shared::outbound::client().expect("an HTTP client");
        let tap = Self(Arc::new(Line { http, database, state: Mutex::default() }));
        let app = Router::new().fallback(pass).with_state(tap.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        tap
    }

    fn state(&self) -> MutexGuard<'_, Passed> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The operations since the last time this was asked, `GetItem` and so on.
    pub(super) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// Loses the answer of the `index`-th operation from now; its effect happens.
    pub(super) fn lose(&self, index: usize) {
        let mut state = self.state();
        state.calls.clear();
        state.lose = Some(index);
    }

    /// Leaves all that the next `times` batches ask for undone, as a table does that is short of capacity.
    pub(super) fn leave_undone(&self, times: usize) {
        self.state().undone = times;
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

async fn pass(State(tap): State<Tap>, headers: HeaderMap, body: Bytes) -> Response {
    let operation = headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.rsplit('.').next()).unwrap_or("?");
    let lost = {
        let mut state = tap.state();
        if state.undone > 0
            && let Some(answer) = undone(operation, &body)
        {
            state.undone -= 1;
            let mut answer = status(StatusCode::OK, answer.to_string().into());
            answer.headers_mut().insert("content-type", HeaderValue::from_static("application/x-amz-json-1.0"));
            return answer;
        }
        let lost = state.lose == Some(state.calls.len());
        state.calls.push(operation.to_owned());
        if lost {
            state.lose = None;
        }
        lost
    };
    let mut request = tap.0.http.post(&tap.0.database).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length") {
        request = request.header(name, value);
    }
    let answer = request.send().await;
    if lost {
        tokio::time::sleep(LOST).await;
    }
    let Ok(answer) = answer else {
        return status(StatusCode::BAD_GATEWAY, Bytes::new());
    };
    let (code, headers) = (answer.status(), answer.headers().clone());
    let mut response = status(code, answer.bytes().await.unwrap_or_default());
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
