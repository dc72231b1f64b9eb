//! Everything around the functions, for one test.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::types::AttributeValue as Stored;
use emulators::dynamodb::{self, Embedded};
use emulators::functions::{Built, Function, Invoke, Run, context};
use emulators::queue::{self, Poller, Queues};
use emulators::s3::{self, Storage};
use emulators::scheduler::Scheduler;
use emulators::stream::{DeadLetter, StreamPoller, Work};
use emulators::tap::{Modes, StoreFault, StoreRequest, Tap};
use emulators::template::{Consumer, Mapping, TEMPLATE, Template};
use lambda_runtime::{Context as LambdaContext, LambdaEvent};
use serde_json::Value;
use shared::platform::clock::{Clock, Random, Timestamp};
use shared::platform::env::Env;
use shared::platform::metrics::{Metric, Metrics, Sink};
use shared::platform::outbound::Http;
use shared::platform::runtime::{Build, Platform, Worker};
use standins::{Options, StandIns};
use tokio::net::TcpListener;

use crate::event::{Answer, Event, WORKER_TIMEOUT};
use crate::logs::Log;
use crate::settings::{AWS_KEY, Addresses, FORMS_QUEUE, ORDERS_QUEUE, PHOTOS, SMS_REPORT_SECRET, environment};
use crate::{canary, clock};

/// The variable that names how DynamoDB behaves in every environment of a run, one of [`Modes::realities`]: for suites that are played
/// again under each.
const REALITY: &str = "REALITY";

/// What `template.yaml` says.
static DEPLOYED: LazyLock<Template> = LazyLock::new(|| Template::read(TEMPLATE).expect("the template that is deployed"));

fn owned(changes: &[(&str, &str)]) -> Changes {
    changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A worker that is given its time.
fn timed(run: Run) -> Work {
    Arc::new(move |event| run(LambdaEvent::new(event, context(WORKER_TIMEOUT))))
}

/// Everything around the functions, for one test.
pub struct TestEnvironment {
    env: BTreeMap<String, String>,
    clock: Clock,
    pub(crate) standins: StandIns,
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) tap: Tap,
    store: Embedded,
    pub(crate) storage: Storage,
    pub(crate) queues: Queues,
    pub(crate) template: Template,
    pub(crate) metrics: Sink,
    lazy_functions: Mutex<LazyFunctions>,
    pub(crate) log: Log,
}

/// Settings that are other than the sandbox's.
type Changes = Vec<(String, String)>;

/// The functions in an environment, each built when it is first called: most tests need few.
#[derive(Default)]
struct LazyFunctions {
    /// By name, and whether they are called over HTTP.
    functions: BTreeMap<(String, bool), Function>,
    /// Settings of what is called over HTTP.
    changes: Changes,
    called: BTreeMap<String, Invoke>,
    /// Settings of what is not.
    worker_changes: Changes,
    stream_poller: Option<Arc<StreamPoller>>,
    /// By the queue's name.
    pollers: BTreeMap<&'static str, Arc<Poller>>,
    schedulers: BTreeMap<String, Arc<Scheduler>>,
}

impl LazyFunctions {
    /// The function of that name, and whether it was in the environment at all.
    fn function(&self, name: &str, is_http: bool) -> Function {
        let known = self.functions.get(&(name.to_owned(), is_http)).cloned();
        known.unwrap_or_else(|| panic!("{name} is not in this environment: give it to TestEnvironment::with or Cast::functions"))
    }
}

impl TestEnvironment {
    /// Starts an environment whose SMS codes are letters, so that they cannot be mistaken for other numbers in a log.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Starts an environment with other stand-ins.
    pub async fn start_with(options: Options) -> Self {
        Self::start_at(clock::beginning(), options).await
    }

    /// Starts an environment in which it is another time, and stays so until it is moved.
    pub async fn start_at(moment: Timestamp, options: Options) -> Self {
        Self::start_by(Clock::standing_at(moment), options).await
    }

    /// Starts an environment in which it is the machine's time, for programs, which know no other.
    pub async fn start_now() -> Self {
        Self::start_by(Clock::system(), Options::default()).await
    }

    async fn start_by(clock: Clock, options: Options) -> Self {
        let log = Log::begin();
        let listen = || async { TcpListener::bind("127.0.0.1:0").await.expect("a free port") };
        let (dynamodb, tap, providers) = (listen().await, listen().await, listen().await);
        let (s3, sqs) = (listen().await, listen().await);
        let options = Options { code_alphabet: "ABCDEFGHJKLMNPQRSTUVWXYZ", code_length: 10, exact_requests: true, ..options };
        let standins = StandIns::start(providers, options, clock::for_standins(&clock));
        let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().expect("a bound port"));
        let database = address(&dynamodb);
        let addresses = Addresses {
            // Where Mokka's callbacks would go; tests that want them to arrive start an API gateway.
            api_gateway: "http://127.0.0.1:9".to_owned(),
            dynamodb: address(&tap),
            s3: address(&s3),
            sqs: address(&sqs),
            providers: standins.base_url(),
        };
        let env = environment(&addresses);
        let storage = s3::start(s3, None, AWS_KEY, PHOTOS).expect("an embedded S3");
        // What a test itself looks up does not pass the tap.
        let mut settings = Env::from_map(environment(&Addresses { dynamodb: database.clone(), ..addresses }));
        let client = shared::platform::dynamodb::client_from_env(&mut settings).expect("the sandbox's own settings");
        // The functions' impatience is not the tests': on a busy machine a table may take a while.
        let patient = client.config().to_builder().timeout_config(TimeoutConfig::disabled());
        let client = aws_sdk_dynamodb::Client::from_conf(patient.build());
        let template = DEPLOYED.clone();
        let store = dynamodb::start(dynamodb, None, clock.clone(), &template.tables);
        let store = store.expect("an embedded DynamoDB");
        let tap = Tap::start(tap, database, store.clone(), &template.tables).expect("an HTTP client");
        if let Ok(name) = std::env::var(REALITY) {
            let modes = Modes::named(&name).unwrap_or_else(|| panic!("{REALITY} is none of Modes::realities: {name}"));
            tap.behave(modes).await.expect("a mode without a copy");
        }
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
            lazy_functions: Mutex::default(),
            log,
        }
    }

    /// The functions' settings, to be changed at will.
    #[must_use]
    pub fn env(&self) -> BTreeMap<String, String> {
        self.env.clone()
    }

    /// Builds a function's dependencies with some settings changed; an empty value unsets one. It has those that it has when it is
    /// deployed: `D` is the `Deps` of the function's crate.
    pub fn build<D>(&self, build: Build<D>, changes: &[(&str, &str)]) -> D {
        let mut env = self.env();
        env.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let function = std::any::type_name::<D>().split("::").next().unwrap_or_default().replace('_', "-");
        let env = emulators::functions::deployed(&function, env);
        build(Env::from_map(env), self.platform()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same of a function that is not called over HTTP, as something that a stream poller can call.
    pub fn build_worker<D: Send + Sync + 'static>(&self, build: Build<D>, handle: Worker<D>, changes: &[(&str, &str)]) -> Work {
        let deps = self.build(build, changes);
        timed(emulators::functions::worker(deps, handle))
    }

    /// With these functions, and some settings changed for all of them; an empty value unsets one.
    #[must_use]
    pub fn with(self, functions: Vec<Function>, changes: &[(&str, &str)]) -> Self {
        {
            let mut lazy_functions = self.lazy_functions();
            let named = functions.into_iter().map(|function| ((function.name().to_owned(), function.is_http()), function));
            lazy_functions.functions.extend(named);
            lazy_functions.changes = owned(changes);
            lazy_functions.worker_changes = owned(changes);
        }
        self
    }

    /// Gives an event of the API gateway to a function.
    pub async fn call(&self, function: &str, event: Value) -> Answer {
        let request = serde_json::from_value(event).expect("an event that lambda_http knows");
        let response = self.called(function)(LambdaEvent::new(request, LambdaContext::default())).await;
        Answer::read(&response.expect("a handler never fails"))
    }

    /// Changes settings of the workers for [`poll_stream`](Self::poll_stream), [`deliver_forms`](Self::deliver_forms), [`tick`](Self::tick)
    /// and [`load_prices`](Self::load_prices), which have the environment's without this. Stream and queue go on where they were read last.
    pub fn set_workers(&self, changes: &[(&str, &str)]) {
        let mut lazy_functions = self.lazy_functions();
        lazy_functions.worker_changes = owned(changes);
        lazy_functions.stream_poller = None;
        lazy_functions.pollers.clear();
        lazy_functions.schedulers.clear();
    }

    fn lazy_functions(&self) -> MutexGuard<'_, LazyFunctions> {
        self.lazy_functions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn called(&self, name: &str) -> Invoke {
        let mut lazy_functions = self.lazy_functions();
        if let Some(called) = lazy_functions.called.get(name) {
            return Arc::clone(called);
        }
        let Built::Http(called) = self.made(&lazy_functions.function(name, true), &lazy_functions.changes) else {
            panic!("{name} is not called over HTTP");
        };
        lazy_functions.called.insert(name.to_owned(), Arc::clone(&called));
        called
    }

    fn employed(&self, lazy_functions: &LazyFunctions, name: &str) -> Work {
        let Built::Worker(run) = self.made(&lazy_functions.function(name, false), &lazy_functions.worker_changes) else {
            panic!("{name} is called over HTTP");
        };
        timed(run)
    }

    fn made(&self, function: &Function, changes: &Changes) -> Built {
        let mut env = self.env();
        env.extend(changes.iter().cloned());
        function.build(env, self.platform()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn events(&self) -> Arc<StreamPoller> {
        let mut lazy_functions = self.lazy_functions();
        if lazy_functions.stream_poller.is_none() {
            lazy_functions.stream_poller = Some(Arc::new(self.stream(self.employed(&lazy_functions, "payment-events"))));
        }
        lazy_functions.stream_poller.clone().expect("it was just made")
    }

    fn poller_of(&self, queue: &'static str) -> Arc<Poller> {
        let mut lazy_functions = self.lazy_functions();
        if let Some(known) = lazy_functions.pollers.get(queue) {
            return Arc::clone(known);
        }
        let work = self.employed(&lazy_functions, &self.consumer(queue).function);
        let poller = Poller::new(self.queues.clone(), self.consumer(queue).clone(), work).expect("a queue of the template");
        Arc::clone(lazy_functions.pollers.entry(queue).or_insert(Arc::new(poller)))
    }

    fn consumer(&self, queue: &str) -> &Consumer {
        let consumer = self.template.consumers.iter().find(|consumer| consumer.queue == queue);
        consumer.expect("a function is given the queue's messages")
    }

    /// Runs once what runs by the clock; what it answers.
    async fn run(&self, name: &str) -> Value {
        let scheduler = {
            let mut lazy_functions = self.lazy_functions();
            let known = lazy_functions.schedulers.get(name).cloned();
            known.unwrap_or_else(|| {
                let schedule = self.template.schedules.iter().find(|schedule| schedule.function == name && schedule.enabled);
                let schedule = schedule.expect("a function with a schedule").clone();
                let scheduler = Arc::new(Scheduler::new(schedule, self.clock.clone(), self.employed(&lazy_functions, name)));
                lazy_functions.schedulers.insert(name.to_owned(), Arc::clone(&scheduler));
                scheduler
            })
        };
        scheduler.tick().await.unwrap_or_else(|error| panic!("{name} failed: {error}"))
    }

    /// A reader of the stream of `order-holds` as the template maps it, that gives its records to `work`.
    #[must_use]
    pub fn stream(&self, work: Work) -> StreamPoller {
        self.stream_as(|_| (), work)
    }

    /// The same with the mapping changed.
    pub fn stream_as(&self, change: impl FnOnce(&mut Mapping), work: Work) -> StreamPoller {
        let mut mapping = self.template.mappings.first().expect("payment-events reads a stream").clone();
        change(&mut mapping);
        StreamPoller::new(&self.store, mapping, work).expect("a stream")
    }

    /// Gives payment-events what has changed since it was last asked, and what it changes itself; how many records it was
    /// given. Mind the clock: records older than the template's limit (an hour) are given up.
    pub async fn poll_stream(&self) -> usize {
        self.events().drain().await.expect("the embedded DynamoDB has streams")
    }

    /// What payment-events could not even take note of.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.events().dead_letters()
    }

    /// A reader of the queue of forms as the template maps it, that gives its messages to `work`.
    #[must_use]
    pub fn poller(&self, work: Work) -> Poller {
        Poller::new(self.queues.clone(), self.consumer(FORMS_QUEUE).clone(), work).expect("the queue of forms")
    }

    /// Gives form-delivery the messages that are due; how many it was given.
    pub async fn deliver_forms(&self) -> usize {
        self.poller_of(FORMS_QUEUE).drain().await.expect("queues in memory")
    }

    /// Gives orders the accepted orders of its queue that are due; how many it was given.
    pub async fn record_orders(&self) -> usize {
        self.poller_of(ORDERS_QUEUE).drain().await.expect("queues in memory")
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
        self.run("reconcile").await
    }

    /// Runs price-feed once; what it answers. Without this there are no prices.
    pub async fn load_prices(&self) -> Value {
        self.run("price-feed").await
    }

    /// Runs sms-watch once; what it answers.
    pub async fn watch_sms(&self) -> Value {
        self.run("sms-watch").await
    }

    /// Brings the delivery reports that SMSPRO has to push to sms-reports; how each was answered.
    pub async fn push_sms_reports(&self) -> Vec<u16> {
        let path = format!("/v1/sms/reports/{SMS_REPORT_SECRET}");
        let mut statuses = Vec::new();
        for push in self.standins.take_sms_reports() {
            let event = Event::post(&path).text(&push.body).rest();
            let answer = self.call("sms-reports", event).await;
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
    pub fn platform(&self) -> Platform {
        let metrics = Metrics::from_env(&Env::from_map(self.env()), self.clock.clone(), self.metrics.clone());
        let http = Http::new(metrics.clone()).expect("an HTTP client");
        Platform { clock: self.clock.clone(), random: Random::System, http, metrics }
    }

    /// The outside systems.
    #[must_use]
    pub fn standins(&self) -> &StandIns {
        &self.standins
    }

    /// Moves the time of everything in this environment.
    pub fn advance(&self, by: Duration) {
        let mut left = by;
        while let Some(wait) = self.standins.until_late_call().filter(|wait| *wait <= left) {
            self.clock.advance(wait);
            left -= wait;
        }
        self.clock.advance(left);
    }

    /// The environment's clock.
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

    /// Makes a stored item what a release of another day, or a long life, would have left.
    pub async fn edit(&self, table: &str, key: &str, edit: impl FnOnce(&mut HashMap<String, AttributeValue>)) {
        let get = self.client.get_item().table_name(table).key("pk", AttributeValue::S(key.to_owned())).consistent_read(true);
        let found = get.send().await.expect("the embedded DynamoDB answers");
        let mut item = found.item.expect("the item is there");
        edit(&mut item);
        self.client.put_item().table_name(table).set_item(Some(item)).send().await.expect("the embedded DynamoDB answers");
    }

    /// Takes an attribute from a stored item, as if a release that did not know it had written it.
    pub async fn forget(&self, table: &str, key: &str, attribute: &str) {
        let update = self.client.update_item().table_name(table).key("pk", AttributeValue::S(key.to_owned()));
        let update = update.update_expression("REMOVE #attribute").expression_attribute_names("#attribute", attribute);
        update.send().await.expect("the embedded DynamoDB answers");
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

    /// Lets each of the functions' round trips to DynamoDB meet the fault that `choose` says, until [`Self::spare_the_store`].
    pub fn choose_store_faults<F>(&self, choose: F)
    where
        F: Fn(&StoreRequest<'_>) -> Option<StoreFault> + Send + Sync + 'static,
    {
        self.tap.choose_by(choose);
    }

    /// DynamoDB works again.
    pub fn spare_the_store(&self) {
        self.tap.spare();
    }

    /// Lets the table be short of capacity: all that the next `times` batches ask for is left undone.
    pub fn leave_undone(&self, times: usize) {
        self.tap.leave_undone(times);
    }

    /// Lets DynamoDB refuse the next `times` of an operation: a transaction for a reason of its `CancellationReasons`
    /// (`ConditionalCheckFailed`, `TransactionConflict`, `ThrottlingError`, `ProvisionedThroughputExceeded`, `ValidationError`, …),
    /// anything by the name of an exception (`TransactionConflictException`, `ThrottlingException`, …).
    pub fn refuse_store(&self, operation: &str, reason: &str, times: usize) {
        self.tap.refuse(operation, reason, times);
    }

    /// Lets DynamoDB behave as the real one does. An index that is behind is so by the environment's clock, and of what the test itself
    /// writes later it does not hear.
    pub async fn let_store(&self, modes: Modes) {
        self.tap.behave(modes).await.expect("the embedded DynamoDB is copied");
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

impl Drop for TestEnvironment {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.look_through_logs();
        }
    }
}

impl TestEnvironment {
    fn look_through_logs(&self) {
        let codes = self.standins.codes();
        let forbidden = canary::FORBIDDEN.iter().copied().chain(codes.iter().map(String::as_str));
        let mut lines = self.log.text();
        lines.extend(self.metrics.lines().iter().map(|line| format!("{line}\n")));
        for word in forbidden {
            if let Some(line) = lines.lines().find(|line| line.contains(word)) {
                panic!("a log line contains {word:?}: {line}");
            }
        }
    }

    /// Looks through the log and what was measured now as the end of the environment does, and forgets them, for environments that live
    /// long. What threads wrote that serve several environments is forgotten for all of them.
    pub fn sift_logs(&self) {
        self.look_through_logs();
        self.log.forget();
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
        AttributeValue::Ss(texts) => texts.into(),
        AttributeValue::L(list) => list.into_iter().map(plain).collect(),
        AttributeValue::M(map) => Value::Object(map.into_iter().map(|(name, value)| (name, plain(value))).collect()),
        AttributeValue::Null(_) => Value::Null,
        other => format!("{other:?}").into(),
    }
}

impl TestEnvironment {
    /// The log lines written since this environment began: its test's, and what threads wrote that serve several.
    #[must_use]
    pub fn logs(&self) -> String {
        self.log.text()
    }
}
