//! The same world for tests: each test has its own database, its own stand-ins, its own clock. Tests speak HTTP events to a
//! function's handler and look at its answers, the stored state and the calls to the outside. Nothing happens by itself:
//! [`World::pump`] gives payment-events what the stream has, [`World::deliver_forms`] gives form-delivery what is due in the queue,
//! [`World::tick`] is the schedule's next minute.
//!
//! Every log line of every test in the process is kept, at TRACE; when a world ends, it looks for anything that must never
//! be in a log: keys, phones, names, e-mails, codes, cryptograms.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "for tests: a world that cannot be built is a failed test, and `json!` is handed over"
)]

mod lambda;
mod meter;
mod story;
mod tap;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::types::AttributeValue as Stored;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Request, Service as _, service_fn};
use lambda_runtime::{Context as LambdaContext, LambdaEvent};
use serde_json::{Value, json};
use shared::clock::{Clock, Random};
use shared::env::Env;
use shared::metrics::{Metric, Metrics, Sink};
use shared::outbound::Http;
use shared::runtime::{Handler, Worker, World as Outside};
use standins::{Options, StandIns};
use tokio::net::TcpListener;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::dynamodb::{self, Embedded};
use crate::functions::context;
use crate::queue::{self, Poller, Queues};
use crate::s3::{self, Storage};
use crate::schedule::Ticker;
use crate::settings::{AWS_KEY, Addresses, FORMS_QUEUE, SMS_REPORT_SECRET, environment};
use crate::stream::{DeadLetter, Pump, Work};
use crate::template::{Mapping, TEMPLATE, Template};
use crate::world::standin_clock;

pub use lambda::{Program, Seen};
pub use meter::Used;
pub use story::{Placed, Story};

/// Well before the stand-ins' `slow` (30 s) and `timeout` (60 s) end: who has answered by then did not wait for them. The
/// budget itself, 9 s, is the deadline's; here it would only measure how busy the machine is.
pub const TIMELY: Duration = Duration::from_secs(25);

/// The workers' time-out in the template.
const WORKER_TIMEOUT: Duration = Duration::from_mins(1);

/// The customer's data used in tests; none of it may ever be in a log.
pub mod canary {
    /// Phone of orders, as IMSHOP sends it (Mokka's demo prefix: approved).
    pub const PHONE: &str = "+7 (888) 010-02-03";
    /// Phone of forms.
    pub const FORM_PHONE: &str = "+996 770 102 030";
    /// E-mail.
    pub const EMAIL: &str = "canary.customer@example.org";
    /// Name.
    pub const NAME: &str = "Канарейкина Кенарь";
    /// A wallet's cryptogram.
    pub const CRYPTOGRAM: &str = "Q0FOQVJZLUNSWVBUT0dSQU0=";

    pub(super) const FORBIDDEN: [&str; 24] = [
        PHONE,
        FORM_PHONE,
        EMAIL,
        NAME,
        CRYPTOGRAM,
        "78880100203",
        "8880100203",
        "996770102030",
        "770102030",
        "Канарейкина",
        super::super::settings::IMSHOP_KEY,
        super::super::settings::SHOP_KEY,
        super::super::settings::SHOP_FORMS_SECRET,
        super::super::settings::VIEWER_KEY,
        super::super::settings::OPERATOR_KEY,
        super::super::settings::CASHIER_KEY,
        super::super::settings::IMSHOP_PAYMENT_STATUS,
        super::super::settings::IMSHOP_ORDER_STATUS,
        "mokka-demo-secret",
        "smspro-demo-key",
        super::super::settings::SMS_REPORT_SECRET,
        "smspro-demo-login",
        "smspro-demo-password",
        "internal-demo-secret",
    ];
}

/// Everything around the functions, for one test.
pub struct World {
    env: BTreeMap<String, String>,
    clock: Clock,
    standins: StandIns,
    client: aws_sdk_dynamodb::Client,
    tap: tap::Tap,
    store: Embedded,
    storage: Storage,
    queues: Queues,
    template: Template,
    metrics: Sink,
    workers: Mutex<(Changes, Option<Arc<Workers>>)>,
    logs_from: usize,
}

/// Settings that are other than the sandbox's.
type Changes = Vec<(String, String)>;

/// What is not called over HTTP.
struct Workers {
    pump: Pump,
    forms: Poller,
    reconcile: Ticker,
    price_feed: Ticker,
    sms_watch: Ticker,
}

impl World {
    /// Starts a world whose SMS codes are letters, so that they cannot be mistaken for other numbers in a log.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Starts a world with other stand-ins.
    pub async fn start_with(options: Options) -> Self {
        Self::start_at(Clock::system(), options).await
    }

    /// Starts a world in which it is another time.
    pub async fn start_at(clock: Clock, options: Options) -> Self {
        let logs_from = LOGS.len();
        let listen = || async { TcpListener::bind("127.0.0.1:0").await.expect("a free port") };
        let (dynamodb, tap, providers) = (listen().await, listen().await, listen().await);
        let (s3, sqs) = (listen().await, listen().await);
        let options = Options { code_alphabet: "ABCDEFGHJKLMNPQRSTUVWXYZ", code_length: 10, ..options };
        let standins = StandIns::start(providers, options, standin_clock(&clock));
        let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().expect("a bound port"));
        let database = address(&dynamodb);
        let addresses = Addresses {
            // Where Mokka's callbacks would go; tests that want them to arrive start a gateway.
            gateway: "http://127.0.0.1:9".to_owned(),
            dynamodb: address(&tap),
            s3: address(&s3),
            sqs: address(&sqs),
            providers: standins.base_url(),
        };
        let env = environment(&addresses);
        let storage = s3::start(s3, None, AWS_KEY, AWS_KEY).expect("an embedded S3");
        let tap = tap::Tap::start(tap, database.clone());
        // What a test itself looks up does not pass the tap.
        let mut settings = Env::from_map(environment(&Addresses { dynamodb: database, ..addresses }));
        let client = shared::store::client_from_env(&mut settings).expect("the sandbox's own settings");
        // The functions' impatience is not the tests': on a busy machine a table may take a while.
        let patient = client.config().to_builder().timeout_config(TimeoutConfig::disabled());
        let client = aws_sdk_dynamodb::Client::from_conf(patient.build());
        let template = Template::read(TEMPLATE).expect("the template that is deployed");
        let store = dynamodb::start(dynamodb, None, clock.clone(), &client, &template.tables).await;
        let store = store.expect("an embedded DynamoDB");
        let queues = queue::start(sqs, None, clock.clone(), AWS_KEY, &template.queues).expect("queues in memory");
        Self {
            env,
            clock,
            standins,
            client,
            tap,
            store,
            storage,
            queues,
            template,
            metrics: Sink::Memory(Arc::default()),
            workers: Mutex::default(),
            logs_from,
        }
    }

    /// The functions' settings, to be changed at will.
    #[must_use]
    pub fn env(&self) -> BTreeMap<String, String> {
        self.env.clone()
    }

    /// Builds a function's dependencies with some settings changed; an empty value unsets one.
    pub fn build<D, E: std::fmt::Display>(&self, build: fn(Env, Outside) -> Result<D, E>, changes: &[(&str, &str)]) -> D {
        let mut env = self.env();
        env.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        build(Env::from_map(env), self.world()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same of a function that is not called over HTTP, as something that a pump can call.
    pub fn build_worker<D: Send + Sync + 'static, E: std::fmt::Display>(
        &self,
        build: fn(Env, Outside) -> Result<D, E>,
        handle: Worker<D>,
        changes: &[(&str, &str)],
    ) -> Work {
        let deps = Arc::new(self.build(build, changes));
        Arc::new(move |event| {
            let deps = Arc::clone(&deps);
            Box::pin(async move { handle(&deps, LambdaEvent::new(event, context(WORKER_TIMEOUT))).await })
        })
    }

    /// Changes settings of the workers for [`pump`](Self::pump), [`deliver_forms`](Self::deliver_forms), [`tick`](Self::tick) and
    /// [`load_prices`](Self::load_prices), which have the sandbox's without this. Stream and queue go on where they were read last.
    pub fn set_workers(&self, changes: &[(&str, &str)]) {
        let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        *self.lock_workers() = (changes, None);
    }

    fn lock_workers(&self) -> MutexGuard<'_, (Changes, Option<Arc<Workers>>)> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Built when they are first asked for: most tests need none.
    fn workers(&self) -> Arc<Workers> {
        let mut workers = self.lock_workers();
        let (changes, ready) = &mut *workers;
        let ready = ready.get_or_insert_with(|| {
            let changes: Vec<_> = changes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let build = payment_events::Deps::from_env;
            let events = self.build_worker(build, |deps, event| Box::pin(payment_events::handle(deps, event)), &changes);
            let build = form_delivery::Deps::from_env;
            let forms = self.build_worker(build, |deps, event| Box::pin(form_delivery::handle(deps, event)), &changes);
            let build = reconcile::Deps::from_env;
            let reconcile = self.build_worker(build, |deps, event| Box::pin(reconcile::handle(deps, event)), &changes);
            let build = price_feed::Deps::from_env;
            let price_feed = self.build_worker(build, |deps, event| Box::pin(price_feed::handle(deps, event)), &changes);
            let build = sms_watch::Deps::from_env;
            let sms_watch = self.build_worker(build, |deps, event| Box::pin(sms_watch::handle(deps, event)), &changes);
            let ticker = |name: &str, work| {
                let schedule = self.template.schedules.iter().find(|schedule| schedule.function == name);
                Ticker::new(schedule.expect("a function with a schedule").clone(), self.clock.clone(), work)
            };
            let (reconcile, price_feed) = (ticker("reconcile", reconcile), ticker("price-feed", price_feed));
            let (pump, forms) = (self.stream(events), self.poller(forms));
            Arc::new(Workers { pump, forms, reconcile, price_feed, sms_watch: ticker("sms-watch", sms_watch) })
        });
        Arc::clone(ready)
    }

    /// A reader of the stream of `order-holds` as the template maps it, that gives its records to `work`.
    #[must_use]
    pub fn stream(&self, work: Work) -> Pump {
        self.stream_as(|_| (), work)
    }

    /// The same with the mapping changed.
    pub fn stream_as(&self, change: impl FnOnce(&mut Mapping), work: Work) -> Pump {
        let mut mapping = self.template.mappings.first().expect("payment-events reads a stream").clone();
        change(&mut mapping);
        Pump::new(&self.store, mapping, work).expect("a stream")
    }

    /// Gives payment-events what has changed since it was last asked, and what it changes itself; how many records it was
    /// given. Mind the clock: records older than the template's limit (an hour) are given up.
    pub async fn pump(&self) -> usize {
        self.workers().pump.drain().await.expect("the embedded DynamoDB has streams")
    }

    /// What payment-events could not even take note of.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.workers().pump.dead_letters()
    }

    /// A reader of the queue of forms as the template maps it, that gives its messages to `work`.
    #[must_use]
    pub fn poller(&self, work: Work) -> Poller {
        let consumer = self.template.consumers.iter().find(|consumer| consumer.queue == FORMS_QUEUE);
        let consumer = consumer.expect("form-delivery is given the queue's messages").clone();
        Poller::new(self.queues.clone(), consumer, work).expect("the queue of forms")
    }

    /// Gives form-delivery the messages that are due; how many it was given.
    pub async fn deliver_forms(&self) -> usize {
        self.workers().forms.drain().await.expect("queues in memory")
    }

    /// Lets `time` go by for the queue of forms: the clock moves to each moment at which a message is due, and form-delivery is
    /// given it; how many times it was given one.
    pub async fn deliver_forms_for(&self, time: Duration) -> usize {
        let end = self.clock.now().plus(time);
        let mut given = self.deliver_forms().await;
        while let Some(due) = self.queues.next_due(FORMS_QUEUE).filter(|due| *due <= end) {
            self.clock.advance(due.since(self.clock.now()));
            given += self.deliver_forms().await;
        }
        self.clock.advance(end.since(self.clock.now()));
        given
    }

    /// Lets everything go away whose time is over, as DynamoDB does sooner or later.
    pub fn sweep(&self) {
        self.store.database.sweep_ttl().expect("the embedded DynamoDB sweeps");
    }

    /// Runs reconcile once; what it answers.
    pub async fn tick(&self) -> Value {
        self.workers().reconcile.tick().await.unwrap_or_else(|error| panic!("reconcile failed: {error}"))
    }

    /// Runs price-feed once; what it answers. Without this there are no prices.
    pub async fn load_prices(&self) -> Value {
        self.workers().price_feed.tick().await.unwrap_or_else(|error| panic!("price-feed failed: {error}"))
    }

    /// Runs sms-watch once; what it answers.
    pub async fn watch_sms(&self) -> Value {
        self.workers().sms_watch.tick().await.unwrap_or_else(|error| panic!("sms-watch failed: {error}"))
    }

    /// Brings the delivery reports that SMSPRO has to push to sms-reports; how each was answered.
    pub async fn push_sms_reports(&self) -> Vec<u16> {
        let deps = self.build(sms_reports::Deps::from_env, &[]);
        let path = format!("/v1/sms/reports/{SMS_REPORT_SECRET}");
        let mut statuses = Vec::new();
        for push in self.standins.take_sms_reports() {
            let event = Event::post(&path).text(&push.body).rest();
            let answer = invoke(&deps, |deps, request| Box::pin(sms_reports::handle(deps, request)), event).await;
            self.standins.sms_report_pushed(push, answer.status);
            statuses.push(answer.status);
        }
        statuses
    }

    /// The objects in S3.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The queues of SQS.
    #[must_use]
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// Clock, randomness and HTTP client for a function's dependencies.
    #[must_use]
    pub fn world(&self) -> Outside {
        let metrics = Metrics::from_env(&Env::from_map(self.env()), self.clock.clone(), self.metrics.clone());
        let http = Http::new(metrics.clone()).expect("an HTTP client");
        Outside { clock: self.clock.clone(), random: Random::System, http, metrics }
    }

    /// The outside systems.
    #[must_use]
    pub fn standins(&self) -> &StandIns {
        &self.standins
    }

    /// Moves the time of everything in this world.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// The world's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A stored item as plain JSON (numbers as numbers), for looking at what a request left behind. Read inside the database:
    /// some tests look very often.
    #[expect(clippy::unused_async, reason = "whether the database is inside or outside is nothing to the tests")]
    pub async fn item(&self, table: &str, key: &str) -> Option<Value> {
        let key = HashMap::from([("pk".to_owned(), Stored::S(key.to_owned()))]);
        let request =
            GetItemRequest { table_name: table.to_owned(), key, consistent_read: Some(true), ..GetItemRequest::default() };
        let item = self.store.database.get_item(request).expect("the embedded DynamoDB answers").item?;
        Some(Value::Object(item.into_iter().map(|(name, value)| (name, stored(value))).collect()))
    }

    /// Every stored item of a table whose key begins with `prefix`.
    pub async fn items(&self, table: &str, prefix: &str) -> Vec<Value> {
        let output = self.client.scan().table_name(table).send().await.expect("the embedded DynamoDB answers");
        let items = output.items.unwrap_or_default().into_iter();
        let items = items.map(|item| Value::Object(item.into_iter().map(|(name, value)| (name, plain(value))).collect()));
        items.filter(|item: &Value| item["pk"].as_str().is_some_and(|key| key.starts_with(prefix))).collect()
    }

    /// The functions' round trips to DynamoDB since this was last asked: `GetItem`, `UpdateItem`, …
    #[must_use]
    pub fn store_calls(&self) -> Vec<String> {
        self.tap.take_calls()
    }

    /// Loses the answer of the `index`-th round trip to DynamoDB from now. Its effect happens, so the SDK repeats it.
    pub fn lose_store_answer(&self, index: usize) {
        self.tap.lose(index);
    }

    /// Lets the table be short of capacity: all that the next `times` batches ask for is left undone.
    pub fn leave_undone(&self, times: usize) {
        self.tap.leave_undone(times);
    }

    /// What the functions have measured, oldest first: the lines that have a value of this metric.
    #[must_use]
    pub fn measured(&self, metric: Metric) -> Vec<Value> {
        self.metrics.lines().into_iter().filter(|line| line.get(metric.name).is_some()).collect()
    }

    /// The same as a sum, of the lines that have these fields.
    #[must_use]
    pub fn total(&self, metric: Metric, fields: &[(&str, &str)]) -> i64 {
        let lines = self.measured(metric);
        let lines = lines.iter().filter(|line| fields.iter().all(|(name, value)| line[*name] == *value));
        lines.map(|line| line[metric.name].as_i64().expect("a whole number")).sum()
    }

    /// The embedded DynamoDB, for what a test has to arrange there itself.
    #[must_use]
    pub fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        &self.client
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.look_through_logs();
        }
    }
}

impl World {
    fn look_through_logs(&self) {
        let codes = self.standins.codes();
        let forbidden = canary::FORBIDDEN.iter().copied().chain(codes.iter().map(String::as_str));
        let mut lines = LOGS.since(self.logs_from);
        lines.extend(self.metrics.lines().iter().map(|line| format!("{line}\n")));
        for word in forbidden {
            if let Some(line) = lines.lines().find(|line| line.contains(word)) {
                panic!("a log line contains {word:?}: {line}");
            }
        }
    }

    /// Looks through the log and what was measured now as the end of the world does, and forgets them, for worlds that live long.
    /// The lines of every world in the process are looked through and forgotten, but for other worlds' codes.
    pub fn sift_logs(&self) {
        self.look_through_logs();
        LOGS.forget();
        self.metrics.forget();
    }
}

fn stored(value: Stored) -> Value {
    match value {
        Stored::S(text) => text.into(),
        Stored::N(number) => serde_json::from_str(&number).unwrap_or(Value::String(number)),
        Stored::BOOL(flag) => flag.into(),
        Stored::L(list) => list.into_iter().map(stored).collect(),
        Stored::M(map) => Value::Object(map.into_iter().map(|(name, value)| (name, stored(value))).collect()),
        Stored::NULL(_) => Value::Null,
        other => format!("{other:?}").into(),
    }
}

fn plain(value: AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => text.into(),
        AttributeValue::N(number) => serde_json::from_str(&number).unwrap_or(Value::String(number)),
        AttributeValue::Bool(flag) => flag.into(),
        AttributeValue::L(list) => list.into_iter().map(plain).collect(),
        AttributeValue::M(map) => Value::Object(map.into_iter().map(|(name, value)| (name, plain(value))).collect()),
        AttributeValue::Null(_) => Value::Null,
        other => format!("{other:?}").into(),
    }
}

/// The log lines of the process: the production layer at TRACE, into memory.
static LOGS: LazyLock<Logs> = LazyLock::new(|| {
    let logs = Logs::default();
    let writer = logs.clone();
    let layer = shared::telemetry::layer(LevelFilter::TRACE, move || writer.clone());
    tracing_subscriber::registry().with(layer).try_init().expect("no other subscriber in a test process");
    logs
});

#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    text: String,
    /// How much was forgotten before it.
    forgotten: usize,
}

impl Logs {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn len(&self) -> usize {
        let lines = self.lines();
        lines.forgotten + lines.text.len()
    }

    fn since(&self, from: usize) -> String {
        let lines = self.lines();
        lines.text[from.saturating_sub(lines.forgotten)..].to_owned()
    }

    fn forget(&self) {
        let mut lines = self.lines();
        lines.forgotten += lines.text.len();
        lines.text.clear();
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines().text.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl World {
    /// The log lines written since this world began, of every test in the process.
    #[must_use]
    pub fn logs(&self) -> String {
        LOGS.since(self.logs_from)
    }
}

/// A request as API Gateway describes it.
#[derive(Clone, Debug)]
pub struct Event {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    base64: bool,
}

impl Event {
    /// A request without body and key.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self { method: method.to_owned(), path: path.to_owned(), query: Vec::new(), headers, body: None, base64: false }
    }

    /// A POST.
    #[must_use]
    pub fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    /// With `Authorization: Bearer {key}`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("Authorization", &format!("Bearer {key}"))
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: Value) -> Self {
        self.text(&body.to_string())
    }

    /// With any text as body.
    #[must_use]
    pub fn text(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    /// With any bytes as body, encoded as the gateway does it.
    #[must_use]
    pub fn bytes(mut self, body: &[u8]) -> Self {
        self.body = Some(base64::engine::general_purpose::STANDARD.encode(body));
        self.base64 = true;
        self
    }

    /// As the REST API (payload 1.0) sends it.
    #[must_use]
    pub fn rest(&self) -> Value {
        crate::gateway::rest_event(&crate::gateway::Incoming {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: self.body.as_deref(),
            base64: self.base64,
            domain: "api.shop.example",
            stage: "prod",
        })
    }

    /// As an HTTP API (payload 2.0) sends it.
    #[must_use]
    pub fn v2(&self) -> Value {
        let query: Vec<_> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers: serde_json::Map<_, _> =
            self.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone().into())).collect();
        json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": self.path,
            "rawQueryString": query.join("&"),
            "headers": headers,
            "queryStringParameters": self.query.iter().cloned().collect::<BTreeMap<_, _>>(),
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api",
                "domainName": "api.shop.example",
                "domainPrefix": "api",
                "http": {"method": self.method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
                "requestId": "test",
                "routeKey": "$default",
                "stage": "$default",
                "time": "22/Nov/2026:00:00:00 +0000",
                "timeEpoch": 1_795_305_600_000_u64
            },
            "body": self.body,
            "isBase64Encoded": self.base64
        })
    }
}

/// A file of `events/`, as `cargo lambda invoke` sends it.
#[must_use]
pub fn event_file(name: &str) -> Value {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A function's answer as the gateway gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body))
    }
}

/// Gives an event to a handler through `lambda_http`'s own adapter.
pub async fn invoke<D: Send + Sync>(deps: &D, handle: Handler<D>, event: Value) -> Answer {
    let request: LambdaRequest = serde_json::from_value(event).expect("an event that lambda_http knows");
    let service = service_fn(move |request: Request| async move { Ok::<_, lambda_http::Error>(handle(deps, request).await) });
    let mut adapter = Adapter::from(service);
    let event = LambdaEvent::new(request, LambdaContext::default());
    let response = adapter.call(event).await.expect("a handler never fails");
    let response = serde_json::to_value(response).expect("a response is JSON");
    let mut headers = BTreeMap::new();
    for (name, value) in response["headers"].as_object().into_iter().flatten() {
        headers.insert(name.to_lowercase(), value.as_str().unwrap_or_default().to_owned());
    }
    for (name, values) in response["multiValueHeaders"].as_object().into_iter().flatten() {
        headers.insert(name.to_lowercase(), values[0].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(response["isBase64Encoded"].as_bool(), Some(false), "answers are text");
    Answer {
        status: response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status"),
        headers,
        body: response["body"].as_str().unwrap_or_default().to_owned(),
    }
}

/// Gives an event to a function that is not called over HTTP.
pub async fn work<D: Send + Sync>(deps: &D, handle: Worker<D>, event: Value) -> Result<Value, lambda_http::Error> {
    handle(deps, LambdaEvent::new(event, context(WORKER_TIMEOUT))).await
}

/// Runs a future until it has been pending `points` times, then drops it: what happens when a process dies at that await.
/// Gives the result if it came before.
pub async fn drop_after<F: Future>(points: usize, future: F) -> Option<F::Output> {
    struct Counting<F> {
        future: Pin<Box<F>>,
        left: usize,
    }
    impl<F: Future> Future for Counting<F> {
        type Output = Option<F::Output>;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            match self.future.as_mut().poll(context) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if self.left == 0 => Poll::Ready(None),
                Poll::Pending => {
                    self.left -= 1;
                    Poll::Pending
                }
            }
        }
    }
    Counting { future: Box::pin(future), left: points }.await
}
