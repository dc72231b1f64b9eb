//! A function's program as Lambda runs it: started once, given its events one by one by a runtime API (AWS Lambda, "Using the
//! Lambda runtime API").

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::Value;
use shared::platform::metrics::Metric;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How long the program may take for its next step.
const PATIENCE: Duration = Duration::from_mins(10);

/// What the program does at its runtime API.
#[derive(Debug)]
pub enum Seen {
    /// It asks for an event; from there on Lambda may freeze it.
    Asked,
    /// It answers, or says that it failed.
    Answered(Value),
}

/// Events to come; a reader of more waits until there is one.
struct Runtime {
    events: Mutex<UnboundedReceiver<Value>>,
    seen: UnboundedSender<Seen>,
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    // The reader is gone.
    drop(runtime.seen.send(Seen::Asked));
    let Some(event) = runtime.events.lock().await.recv().await else { return std::future::pending().await };
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:a-function")
        .header("lambda-runtime-deadline-ms", "4102444800000");
    response.body(Body::from(event.to_string())).expect("an answer")
}

async fn answered(State(runtime): State<Arc<Runtime>>, body: String) {
    drop(runtime.seen.send(Seen::Answered(serde_json::from_str(&body).expect("JSON"))));
}

/// The running program; it ends with this.
pub struct Program {
    process: Child,
    events: UnboundedSender<Value>,
    seen: UnboundedReceiver<Seen>,
    printed: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Program {
    /// Starts `binary` (`env!("CARGO_BIN_EXE_…")`) with `settings` and gives it `events`.
    pub async fn start(binary: &str, settings: BTreeMap<String, String>, events: Vec<Value>) -> Self {
        let (sender, seen) = unbounded_channel();
        let (given, to_come) = unbounded_channel();
        events.into_iter().try_for_each(|event| given.send(event)).expect("its reader is here");
        let runtime = Arc::new(Runtime { events: Mutex::new(to_come), seen: sender });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(answered))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(runtime);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port").to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut process = Command::new(binary)
            .envs(settings)
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "a-function")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program of this crate");
        let output = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        let printed = Arc::<std::sync::Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&printed);
        // Ends with the program.
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { process, events: given, seen, printed }
    }

    /// Gives it one more event.
    pub fn give(&self, event: Value) {
        self.events.send(event).expect("the runtime API serves as long as this lives");
    }

    /// What it does next.
    pub async fn next(&mut self) -> Seen {
        let seen = tokio::time::timeout(PATIENCE, self.seen.recv()).await.expect("the program goes on");
        seen.expect("the runtime API serves as long as this lives")
    }

    /// Its next answer.
    pub async fn answer(&mut self) -> Value {
        loop {
            if let Seen::Answered(answer) = self.next().await {
                return answer;
            }
        }
    }

    /// What it has measured so far: the lines of its log that have a value of this metric.
    #[must_use]
    pub fn measured(&self, metric: Metric) -> Vec<Value> {
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = printed.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line.get(metric.name).is_some()).collect()
    }

    /// The most memory that it ever had, in KiB.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("a running program");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
        peak.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }
}

impl Program {
    /// The processor's time that it has used (proc(5), `utime` and `stime`, in hundredths of a second).
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("a running program");
        let fields = stat.rsplit_once(')').expect("its name is in brackets").1.split_whitespace().skip(11).take(2);
        fields.map(|ticks| Duration::from_millis(10 * ticks.parse::<u64>().expect("a number"))).sum()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
