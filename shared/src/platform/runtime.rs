//! How a function starts and keeps its keys current: logs first, then the settings and secrets, then requests for ever.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, Error, Request, Response, service_fn};
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::tower::util::MapFutureLayer;
use lambda_runtime::{Context, LambdaEvent, Runtime};
use serde_json::Value;

use crate::platform::clock::{self, Clock, Random, Timestamp};
use crate::platform::env::{ConfigError, Env};
use crate::platform::http::adapted;
use crate::platform::metrics::{COLD_START, FUNCTION, Metrics, Sink};
use crate::platform::outbound::Http;
use crate::platform::secrets_manager::{SecretsDocument, SecretsDocumentError, Values};
use crate::platform::telemetry;
use crate::platform::trust::Trust;

/// What must remain of an invocation for writing down how it came out.
const RESERVE: Duration = Duration::from_millis(500);
/// What the answer itself takes.
const MOMENT: Duration = Duration::from_millis(100);

/// What every function gets from outside.
#[derive(Clone, Debug)]
pub struct Platform {
    /// The time.
    pub clock: Clock,
    /// Unguessable bytes.
    pub random: Random,
    /// The HTTP client that all outside systems share.
    pub http: Http,
    /// What it measures with.
    pub metrics: Metrics,
}

impl Platform {
    /// The real one. Reads `EXTRA_CA_FILE`.
    pub fn real(env: &Env) -> Result<Self, PlatformError> {
        let mut reading = env.clone();
        let trust = Trust::from_env(&mut reading);
        let trust = reading.finish(trust)?;
        let clock = Clock::system();
        let metrics = Metrics::from_env(env, clock.clone(), Sink::Log);
        Ok(Self { clock, random: Random::System, http: Http::trusting(&trust, metrics.clone())?, metrics })
    }
}

/// Why there is no way to the outside.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// The settings of the certificates are not right.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// The HTTP client cannot be made.
    #[error("cannot start without an HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// Makes what a function's handler needs from the settings.
pub type Build<D> = fn(Env, Platform) -> Result<D, ConfigError>;

/// A handler, with its future boxed: what `main` and the sandbox's API gateway call.
pub type Handler<D> = for<'a> fn(&'a D, Request) -> BoxFuture<'a, Response<Body>>;

/// A handler of events that are not HTTP, with its future boxed: a batch of a stream, a tick of the schedule.
/// An error is for Lambda, which then repeats the event as the template says.
pub type Worker<D> = for<'a> fn(&'a D, LambdaEvent<Value>) -> BoxFuture<'a, Result<Value, Error>>;

/// What a function does after an answer, with its future boxed.
pub type Finish<D> = for<'a> fn(&'a D) -> BoxFuture<'a, ()>;

/// Runs a function: `build` makes what its handler needs from the settings, `warm` opens connections while the start still
/// has the full processor, `handle` answers requests.
pub async fn run<D: Send + Sync>(build: Build<D>, warm: impl AsyncFnOnce(&D), handle: Handler<D>) -> Result<(), Error> {
    run_and_finish(build, warm, handle, |_| Box::pin(async {})).await
}

/// The same, with something to `finish` when an answer has been handed over and no caller waits any more. The next request is
/// asked for only then: Lambda freezes a function that waits for one.
pub async fn run_and_finish<D: Send + Sync>(
    build: Build<D>,
    warm: impl AsyncFnOnce(&D),
    handle: Handler<D>,
    finish: Finish<D>,
) -> Result<(), Error> {
    let reloading = start(build, warm).await?;
    let reloading = &reloading;
    let handler = service_fn(move |event: LambdaEvent<LambdaRequest>| {
        adapted(event, move |request| async move { handle(reloading.deps().await.as_ref(), request).await })
    });
    // The service that is wrapped ends when Lambda has the answer.
    let finishing = MapFutureLayer::new(move |answered| async move {
        let outcome = answered.await;
        finish(reloading.latest().as_ref()).await;
        outcome
    });
    Runtime::new(handler).layer(TracingLayer::new()).layer(finishing).run().await
}

/// Runs a function that is not called over HTTP, in the same way.
pub async fn work<D: Send + Sync>(build: Build<D>, warm: impl AsyncFnOnce(&D), handle: Worker<D>) -> Result<(), Error> {
    let reloading = start(build, warm).await?;
    let reloading = &reloading;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        handle(reloading.deps().await.as_ref(), event).await
    }))
    .await
}

/// Runs a function that is called over HTTP and is also given batches of a queue or a stream, which are told by their `Records`.
pub async fn run_and_work<D: Send + Sync>(
    build: Build<D>,
    warm: impl AsyncFnOnce(&D),
    handle: Handler<D>,
    work: Worker<D>,
) -> Result<(), Error> {
    let reloading = start(build, warm).await?;
    let reloading = &reloading;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let deps = reloading.deps().await;
        if event.payload.get("Records").is_some() {
            return work(deps.as_ref(), event).await;
        }
        let deps = deps.as_ref();
        let request: LambdaRequest = serde_json::from_value(event.payload)?;
        adapted(LambdaEvent::new(request, event.context), move |request| handle(deps, request)).await
    }))
    .await
}

/// How long an invocation may still take: its own time less a reserve, at most `budget`. A local tool that names no deadline
/// gets `budget`.
#[must_use]
pub fn remaining(context: &Context, budget: Duration) -> Duration {
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(context.deadline));
    let left = at.and_then(|at| at.duration_since(SystemTime::now()).ok());
    left.map_or(budget, |left| left.saturating_sub(RESERVE).min(budget))
}

/// What is left of an invocation for its last write, such as releasing a lease: at least a moment.
#[must_use]
pub fn left(context: &Context, budget: Duration) -> Duration {
    remaining(context, budget).saturating_add(RESERVE).saturating_sub(MOMENT)
}

async fn start<D>(build: Build<D>, warm: impl AsyncFnOnce(&D)) -> Result<ReloadingDeps<D>, Error> {
    let began = Instant::now();
    let env = Env::process();
    telemetry::init(env.optional("LOG_LEVEL").as_deref());
    let function = env.optional("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    let platform = Platform::real(&env).map_err(telemetry::refuse_to_start)?;
    let metrics = platform.metrics.clone();
    let reloading = ReloadingDeps::open(build, env, platform).await.map_err(telemetry::refuse_to_start)?;
    warm(reloading.latest().as_ref()).await;
    metrics.emit(&[(COLD_START, clock::millis(began.elapsed()))], &[(FUNCTION, &function)]);
    Ok(reloading)
}

/// What a handler needs, made of the settings and, where they are in a document, of the secrets as they are now: once they have
/// changed it is made anew. So a handler never knows that keys change.
struct ReloadingDeps<D> {
    build: Build<D>,
    env: Env,
    platform: Platform,
    document: Option<SecretsDocument>,
    refresh: Duration,
    current: Mutex<Current<D>>,
}

struct Current<D> {
    deps: Arc<D>,
    secrets: Values,
    read_at: Timestamp,
}

/// Why a function refuses to start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error("{settings}\nKeys are read from the document {arn} of Secrets Manager.")]
    Secrets { settings: ConfigError, arn: String },
    #[error("cannot start without the secrets {arn}: {cause}")]
    Document { arn: String, cause: SecretsDocumentError },
}

impl<D> ReloadingDeps<D> {
    /// Reads the document, if there is one, and builds what the handler needs.
    async fn open(build: Build<D>, env: Env, platform: Platform) -> Result<Self, StartError> {
        let mut reading = env.clone();
        let document = SecretsDocument::from_env(&mut reading, platform.http.clone(), platform.clock.clone());
        let refresh = reading.number_or("SECRETS_REFRESH_SECONDS", 300, 1..=3600);
        let refresh = Duration::from_secs(reading.finish(refresh)?.into());
        let (read_at, arn) = (platform.clock.now(), document.as_ref().map(|document| document.arn().to_owned()));
        let secrets = match &document {
            Some(document) => document.read().await,
            None => Ok(Values::default()),
        };
        let secrets = secrets.map_err(|cause| StartError::Document { arn: arn.clone().unwrap_or_default(), cause })?;
        let deps = build(env.clone().with(secrets.by_key()), platform.clone()).map_err(|settings| match arn {
            Some(arn) => StartError::Secrets { settings, arn },
            None => StartError::Settings(settings),
        })?;
        let current = Mutex::new(Current { deps: Arc::new(deps), secrets, read_at });
        Ok(Self { build, env, platform, document, refresh, current })
    }

    /// What the handler needs, after the secrets document was read again, if that is due.
    async fn deps(&self) -> Arc<D> {
        let now = self.platform.clock.now();
        if let Some(document) = self.document.as_ref().filter(|_| now.since(self.current().read_at) >= self.refresh) {
            self.current().read_at = now;
            self.reload(document).await;
        }
        self.latest()
    }

    /// What the handler needed last, without reading the secrets document.
    fn latest(&self) -> Arc<D> {
        Arc::clone(&self.current().deps)
    }

    async fn reload(&self, document: &SecretsDocument) {
        let secrets = match document.read().await {
            Ok(secrets) if secrets == self.current().secrets => return,
            Ok(secrets) => secrets,
            Err(cause) => {
                tracing::error!(%cause, "the secrets could not be read again, the old ones stay");
                return;
            }
        };
        match (self.build)(self.env.clone().with(secrets.by_key()), self.platform.clone()) {
            Ok(deps) => {
                let mut current = self.current();
                current.deps = Arc::new(deps);
                current.secrets = secrets;
                tracing::info!("changed secrets are in force");
            }
            Err(cause) => tracing::error!(%cause, "the changed secrets cannot be used, the old ones stay"),
        }
    }

    fn current(&self) -> MutexGuard<'_, Current<D>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::platform::secret::Keys;

    /// Secrets Manager with one document; what it answers may change.
    struct Manager {
        url: String,
        answer: Arc<Mutex<(&'static str, String)>>,
        asked: Arc<Mutex<Vec<String>>>,
    }

    impl Manager {
        async fn with(document: &str) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let manager = Self { url, answer: Arc::default(), asked: Arc::default() };
            manager.hold(document);
            let (answer, asked) = (Arc::clone(&manager.answer), Arc::clone(&manager.asked));
            tokio::spawn(async move {
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let mut request = Vec::new();
                    while !request.ends_with(b"}") {
                        let mut chunk = [0; 1024];
                        let read = stream.read(&mut chunk).await.unwrap();
                        request.extend_from_slice(&chunk[..read]);
                    }
                    asked.lock().unwrap().push(String::from_utf8(request).unwrap());
                    let (status, body) = answer.lock().unwrap().clone();
                    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
                }
            });
            manager
        }

        fn hold(&self, document: &str) {
            self.answers("200 OK", &serde_json::json!({"SecretString": document}).to_string());
        }

        fn answers(&self, status: &'static str, body: &str) {
            *self.answer.lock().unwrap() = (status, body.to_owned());
        }

        fn asked(&self) -> usize {
            self.asked.lock().unwrap().len()
        }

        async fn open(&self) -> Result<ReloadingDeps<Keys>, StartError> {
            let settings = [
                ("SECRETS_ARN", "arn:aws:secretsmanager:eu-central-1:1:secret:stage"),
                ("SECRETS_ENDPOINT", &self.url),
                ("AWS_REGION", "eu-central-1"),
                ("AWS_ACCESS_KEY_ID", "test-id"),
                ("AWS_SECRET_ACCESS_KEY", "test-secret"),
                ("AWS_SESSION_TOKEN", "test-token"),
            ];
            let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let env = Env::from_map(BTreeMap::from(settings));
            let platform = Platform::real(&env).unwrap();
            ReloadingDeps::open(keys, env, platform).await
        }
    }

    fn keys(mut env: Env, _platform: Platform) -> Result<Keys, ConfigError> {
        let keys = env.keys("IMSHOP_KEY");
        if let Some(level) = env.optional("LOG_LEVEL") {
            env.problem("LOG_LEVEL", level);
        }
        env.finish(keys)
    }

    impl ReloadingDeps<Keys> {
        async fn accepts(&self, key: &str) -> bool {
            self.deps().await.accept(key)
        }

        fn minutes_later(&self) {
            self.platform.clock.advance(Duration::from_secs(301));
        }
    }

    #[tokio::test]
    async fn the_secrets_are_read_once_and_asked_for_with_a_signature() {
        let manager = Manager::with(r#"{"IMSHOP_KEY":"first"}"#).await;
        let reloading = manager.open().await.unwrap();
        for _ in 0..3 {
            assert!(reloading.accepts("first").await && !reloading.accepts("").await);
        }
        let asked = manager.asked.lock().unwrap().clone();
        assert_eq!(asked.len(), 1);
        for part in [
            "x-amz-target: secretsmanager.GetSecretValue",
            "x-amz-security-token: test-token",
            "authorization: AWS4-HMAC-SHA256 Credential=test-id/",
            "/eu-central-1/secretsmanager/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,",
            r#"{"SecretId":"arn:aws:secretsmanager:eu-central-1:1:secret:stage"}"#,
        ] {
            assert!(asked[0].contains(part), "{part} is not in {}", asked[0]);
        }
    }

    #[tokio::test]
    async fn a_key_is_replaced_without_a_restart_and_without_a_refused_call() {
        let manager = Manager::with(r#"{"IMSHOP_KEY":"first","IMSHOP_KEY_NEXT":""}"#).await;
        let reloading = manager.open().await.unwrap();
        manager.hold(r#"{"IMSHOP_KEY":"first","IMSHOP_KEY_NEXT":"second"}"#);
        assert!(reloading.accepts("first").await && !reloading.accepts("second").await, "nobody looks again at once");
        reloading.minutes_later();
        assert!(reloading.accepts("second").await && reloading.accepts("first").await);
        manager.hold(r#"{"IMSHOP_KEY":"second"}"#);
        reloading.minutes_later();
        assert!(reloading.accepts("second").await && !reloading.accepts("first").await);
        assert_eq!(manager.asked(), 3);
    }

    #[tokio::test]
    async fn keys_that_cannot_be_read_again_stay() {
        let manager = Manager::with(r#"{"IMSHOP_KEY":"first"}"#).await;
        let reloading = manager.open().await.unwrap();
        let denied = r#"{"__type":"AccessDeniedException","Message":"no"}"#;
        for (status, body) in [("400 Bad Request", denied), ("503 Service Unavailable", ""), ("200 OK", "{}")] {
            manager.answers(status, body);
            reloading.minutes_later();
            assert!(reloading.accepts("first").await, "{status} {body}");
        }
        for unusable in ["", "no JSON", r#"{"IMSHOP_KEY":5}"#, r#"{"IMSHOP_KEY":""}"#, "{}"] {
            manager.hold(unusable);
            reloading.minutes_later();
            assert!(reloading.accepts("first").await, "{unusable}");
        }
    }

    #[tokio::test]
    async fn the_document_as_it_is_created_names_what_is_missing() {
        let manager = Manager::with("{}").await;
        let text = manager.open().await.err().unwrap().to_string();
        assert_eq!(
            text,
            "cannot start, the settings are not right:\n  IMSHOP_KEY: must be set and not empty\n\
             Keys are read from the document arn:aws:secretsmanager:eu-central-1:1:secret:stage of Secrets Manager."
        );
    }

    #[tokio::test]
    async fn nothing_says_what_is_in_the_document() {
        let manager = Manager::with(r#"{"IMSHOP_KEY":["very-secret"]}"#).await;
        let text = manager.open().await.err().unwrap().to_string();
        assert!(text.contains("must be a JSON object") && !text.contains("very-secret"), "{text}");
        manager.hold("very-secret");
        let text = manager.open().await.err().unwrap().to_string();
        assert!(!text.contains("very-secret"), "{text}");
        manager.hold(r#"{"IMSHOP_KEY":"very-secret"}"#);
        let reloading = manager.open().await.unwrap();
        assert_eq!(format!("{:?}", reloading.current().secrets), r#"{"IMSHOP_KEY"}"#);
    }

    #[tokio::test]
    async fn the_document_sets_no_setting_of_the_template() {
        let manager =
            Manager::with(r#"{"IMSHOP_KEY":"first","LOG_LEVEL":"trace","MOKKA_BASE_URL":"https://elsewhere.example"}"#).await;
        let reloading = manager.open().await.unwrap();
        assert!(reloading.accepts("first").await);
        assert_eq!(format!("{:?}", reloading.current().secrets), r#"{"IMSHOP_KEY"}"#);
    }

    #[tokio::test]
    async fn a_moments_failure_does_not_keep_a_function_from_starting() {
        let manager = Manager::with(r#"{"IMSHOP_KEY":"first"}"#).await;
        manager.answers("400 Bad Request", r#"{"__type":"ThrottlingException"}"#);
        let (opened, ()) = tokio::join!(manager.open(), async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            manager.hold(r#"{"IMSHOP_KEY":"first"}"#);
        });
        assert!(opened.unwrap().accepts("first").await);
    }
}
