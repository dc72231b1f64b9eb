//! The program itself against a runtime API like Lambda's: what a request did not wait for is finished after its answer and
//! before the next request is asked for, since Lambda freezes a function that asks.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post as route};
use sandbox::testing::World;
use serde_json::Value;
use standins::{Fault, System};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{cart, post};

/// What the function does at its runtime API.
#[derive(Debug)]
enum Seen {
    Asked,
    Answered(Value),
}

/// Gives one event; whoever asks for a second one waits for ever.
struct Runtime {
    event: Mutex<Option<String>>,
    seen: UnboundedSender<Seen>,
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    runtime.seen.send(Seen::Asked).unwrap();
    let Some(event) = runtime.event.lock().await.take() else { return std::future::pending().await };
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:payments")
        .header("lambda-runtime-deadline-ms", "4102444800000");
    response.body(Body::from(event)).unwrap()
}

async fn answered(State(runtime): State<Arc<Runtime>>, body: String) {
    let answer: Value = serde_json::from_str(&body).unwrap();
    let body = answer["body"].as_str().unwrap();
    runtime.seen.send(Seen::Answered(serde_json::from_str(body).unwrap())).unwrap();
}

async fn runtime(event: &Value) -> (String, UnboundedReceiver<Seen>) {
    let (seen, events) = unbounded_channel();
    let runtime = Arc::new(Runtime { event: Mutex::new(Some(event.to_string())), seen });
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", route(answered))
        .with_state(runtime);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, events)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_schedule_is_stored_before_the_function_asks_for_its_next_request() {
    let world = World::start().await;
    world.standins().fault(System::Mokka, "schedule", Fault::Late(1200), 1).unwrap();
    let (address, mut events) = runtime(&post().json(cart()).rest()).await;
    let mut function = Command::new(env!("CARGO_BIN_EXE_payments"))
        .envs(world.env())
        .env("PAYMENTS_BUDGET_MS", "200")
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .env("AWS_LAMBDA_FUNCTION_NAME", "payments")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut next = async || tokio::time::timeout(Duration::from_mins(1), events.recv()).await.unwrap().unwrap();
    assert!(matches!(next().await, Seen::Asked));
    let Seen::Answered(list) = next().await else { panic!("a request is answered before the next one is asked for") };
    assert!(list["payments"][1]["id"] == "mokka" && list["payments"][1]["widget"].is_null(), "{list}");
    let stored_then = world.items("quotes", "schedule#").await.len();
    assert!(matches!(next().await, Seen::Asked));
    let stored_now = world.items("quotes", "schedule#").await.len();
    function.kill().unwrap();
    function.wait().unwrap();
    assert_eq!((stored_then, stored_now), (0, 1));
}
