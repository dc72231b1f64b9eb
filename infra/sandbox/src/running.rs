//! The sandbox as a person runs it: everything started, on fixed or free ports.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::platform::clock::{Clock, Random, Timestamp};
use shared::platform::env::{ConfigError, Env};
use shared::platform::metrics::{Metrics, Sink};
use shared::platform::outbound::Http;
use shared::platform::runtime::Platform;
use standins::{Options, StandIns, Unanswered};
use tokio::net::TcpListener;

use emulators::api_gateway;
use emulators::dynamodb::{self, DynamoDbError, Embedded};
use emulators::functions::Functions;
use emulators::queue::{self, Poller, Queues, QueuesError};
use emulators::s3::{self, S3Error, Storage};
use emulators::scheduler::Scheduler;
use emulators::stream::{StreamPoller, StreamPollerError};
use emulators::tap::{Modes, Tap};
use emulators::template::{TEMPLATE, Template, TemplateError};
use testkit::clock::for_standins;
use testkit::settings::{AWS_KEY, Addresses, PHOTOS, SMS_REPORT_SECRET, WITH_CARDS, environment};

/// Where `cargo lambda watch` serves the functions when the sandbox does not.
pub const CARGO_LAMBDA: &str = "http://127.0.0.1:9000";

/// How long a leap of the clock waits for the streams.
const SOON: Duration = Duration::from_secs(10);

/// The ports; 0 is any free one.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The functions' API gateway; none with `--providers-only`.
    pub api_gateway: Option<u16>,
    /// DynamoDB.
    pub dynamodb: u16,
    /// The stand-ins.
    pub providers: u16,
}

/// How to start.
#[derive(Clone, Debug)]
pub struct Setup {
    pub ports: Ports,
    /// The folder that keeps the data; in memory without it.
    pub data: Option<PathBuf>,
    /// The base address of stand-ins that run elsewhere and outlive this sandbox. Its own then serve only its control API:
    /// its schedule, its dead letters and its clock.
    pub providers: Option<String>,
    /// Settings of the functions that are other than the sandbox's.
    pub settings: Vec<(String, String)>,
    /// The moment at which its clock starts; the machine's time without it.
    pub at: Option<Timestamp>,
    /// The address of a shop that gets each event of payments as it came, beside the stand-in's shop.
    pub forward_shop_events: Option<String>,
    /// How far its clock is ahead of that, so that a sandbox with a folder goes on in the time it had come to.
    pub ahead: Duration,
}

impl Setup {
    /// Everything here, in memory, with the sandbox's settings, now.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self {
            ports,
            data: None,
            providers: None,
            settings: Vec::new(),
            at: None,
            forward_shop_events: None,
            ahead: Duration::ZERO,
        }
    }
}

/// What runs.
pub struct Sandbox {
    /// Where its parts listen.
    pub addresses: Addresses,
    /// Where this sandbox is controlled: at its stand-ins, wherever the functions look for theirs.
    pub control: String,
    /// Whether the functions run here.
    pub serves_functions: bool,
    /// The objects in S3, as long as this lives.
    pub storage: Storage,
}

/// The sandbox could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken.
    #[error("port {port} is taken ({cause}): end what listens there, or choose another with --{option} (0 = any free one)")]
    Port {
        /// Which.
        port: u16,
        /// The option that sets it.
        option: &'static str,
        /// Why not.
        cause: std::io::Error,
    },
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The database.
    #[error(transparent)]
    DynamoDb(#[from] DynamoDbError),
    /// A table's stream.
    #[error(transparent)]
    Stream(#[from] StreamPollerError),
    /// The storage of objects.
    #[error(transparent)]
    S3(#[from] S3Error),
    #[error(transparent)]
    Queues(#[from] QueuesError),
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client.
    #[error("no HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

impl Sandbox {
    /// Starts everything.
    pub async fn start(setup: Setup) -> Result<Self, StartError> {
        let Setup { ports, data, providers, settings: changes, at, forward_shop_events, ahead } = setup;
        let template = Template::read(TEMPLATE)?;
        let clock = at.map_or_else(Clock::system, Clock::starting_at);
        clock.advance(ahead);
        let api_gateway_listener = match ports.api_gateway {
            Some(port) => Some(listen(port, "gateway-port").await?),
            None => None,
        };
        // Every request to DynamoDB passes the tap.
        let tap_listener = listen(ports.dynamodb, "dynamodb-port").await?;
        let dynamodb_listener = listen(0, "").await?;
        // Only functions speak to them, so any port will do.
        let s3_listener = listen(0, "").await?;
        let sqs_listener = listen(0, "").await?;
        let standins =
            StandIns::start(listen(ports.providers, "providers-port").await?, Options::default(), for_standins(&clock));
        if let Some(url) = forward_shop_events {
            standins.forward_shop_events_to(url);
        }
        let addresses = Addresses {
            api_gateway: api_gateway_listener.as_ref().map_or_else(|| CARGO_LAMBDA.to_owned(), address),
            dynamodb: address(&tap_listener),
            s3: address(&s3_listener),
            sqs: address(&sqs_listener),
            providers: providers.map_or_else(|| standins.base_url(), |elsewhere| elsewhere.trim_end_matches('/').to_owned()),
        };
        let storage = s3::start(s3_listener, data.as_deref(), AWS_KEY, PHOTOS)?;
        let queues = queue::start(sqs_listener, data.as_deref(), clock.clone(), AWS_KEY, &template.queues)?;
        let mut settings = settings(&addresses);
        let database = address(&dynamodb_listener);
        let store = dynamodb::start(dynamodb_listener, data.as_deref(), clock.clone(), &template.tables)?;
        serve_modes(Tap::start(tap_listener, database, store.clone(), &template.tables)?, &standins);
        let serves_functions = api_gateway_listener.is_some();
        if let Some(listener) = api_gateway_listener {
            settings.extend(changes);
            if let (Some(url), Some(secret)) = (settings.get("SHOP_EVENTS_URL"), settings.get("SHOP_EVENTS_SECRET")) {
                let secrets = [Some(secret), settings.get("SHOP_EVENTS_SECRET_NEXT")].into_iter().flatten();
                standins.send_shop_events_to(url.clone(), secrets.cloned().collect());
            }
            let measured = Sink::Memory(Arc::default());
            let metrics = Metrics::from_env(&Env::from_map(settings.clone()), clock.clone(), measured.clone());
            serve_metrics(measured, &standins);
            let platform = Platform { clock, random: Random::System, http: Http::new(metrics.clone())?, metrics };
            let functions = crate::functions::build(&settings, &platform)?;
            let stream_pollers = start_stream_pollers(&store, &template, &functions)?;
            let pollers = poll(&queues, &template, &functions, &standins);
            stand_by(stream_pollers, pollers, queues, &standins);
            tick(&platform.clock, &template, &functions, &standins);
            api_gateway::start(listener, template, functions);
            standins.push_sms_reports_to(format!("{}/v1/sms/reports/{SMS_REPORT_SECRET}", addresses.api_gateway));
            standins.post_yookassa_notices_to(format!("{}/v1/cards/yookassa", addresses.api_gateway));
        }
        Ok(Self { addresses, control: standins.base_url(), serves_functions, storage })
    }

    /// The line that says that it serves, for programs.
    #[must_use]
    pub fn ready_line(&self) -> String {
        let Addresses { api_gateway, dynamodb, s3, sqs, providers } = &self.addresses;
        let mut ready = json!({"dynamodb": dynamodb, "s3": s3, "sqs": sqs, "providers": providers, "control": self.control});
        if self.serves_functions {
            ready["gateway"] = Value::String(api_gateway.clone());
        }
        format!("READY {ready}")
    }

    /// The functions' settings as a file for `cargo lambda watch --env-file`.
    #[must_use]
    pub fn env_file(&self) -> String {
        let lines: Vec<_> = settings(&self.addresses).iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        format!("{}\n", lines.join("\n"))
    }
}

/// The functions' settings: with every way to pay.
fn settings(addresses: &Addresses) -> BTreeMap<String, String> {
    let mut settings = environment(addresses);
    settings.insert("PAYMENTS_CONFIG".to_owned(), WITH_CARDS.to_owned());
    settings
}

/// Gives what changes in the tables to the functions that read their streams.
fn start_stream_pollers(
    store: &Embedded,
    template: &Template,
    functions: &Functions,
) -> Result<Arc<[Arc<StreamPoller>]>, StreamPollerError> {
    let stream_pollers = template.mappings.iter().map(|mapping| {
        let work = functions.worker(&mapping.function, mapping.timeout);
        Ok(Arc::new(StreamPoller::new(store, mapping.clone(), work)?.patient()))
    });
    let stream_pollers: Arc<[Arc<StreamPoller>]> = stream_pollers.collect::<Result<_, StreamPollerError>>()?;
    stream_pollers.iter().for_each(|stream_poller| Arc::clone(stream_poller).run());
    Ok(stream_pollers)
}

/// Gives what is in the queues to the functions that take it, when it is due, and at once what is due when the control API asks
/// for it by the function's name.
fn poll(queues: &Queues, template: &Template, functions: &Functions, standins: &StandIns) -> Arc<[Arc<Poller>]> {
    let pollers = template.consumers.iter().filter_map(|consumer| {
        let work = functions.worker(&consumer.function, consumer.timeout);
        Poller::new(queues.clone(), consumer.clone(), work).map(Arc::new)
    });
    let pollers: Arc<[Arc<Poller>]> = pollers.collect();
    for poller in pollers.iter() {
        Arc::clone(poller).run();
        let asked = Arc::clone(poller);
        standins.serve_control("POST", poller.function().to_owned(), move || {
            let poller = Arc::clone(&asked);
            Box::pin(async move { poller.report().await.map_err(|error| error.to_string()) })
        });
    }
    pollers
}

/// What the control API says and does about everything on its way: `GET /control/dead-letters` lists what no function could
/// take, `POST /control/redrive` gives the messages among it back to their queues, and before a leap of the clock what is due is
/// done.
fn stand_by(stream_pollers: Arc<[Arc<StreamPoller>]>, pollers: Arc<[Arc<Poller>]>, queues: Queues, standins: &StandIns) {
    let running = Arc::clone(&stream_pollers);
    standins.before_leap(move || Box::pin(settle_down(Arc::clone(&running), Arc::clone(&pollers))));
    let dead = queues.clone();
    standins.serve_control("GET", "dead-letters", move || {
        let records = stream_pollers.iter().flat_map(|stream_poller| stream_poller.dead_letters()).map(|letter| letter.json());
        let letters = records.chain(dead.dead_letters().iter().map(queue::Message::json)).collect();
        Box::pin(async move { Ok(letters) })
    });
    standins.serve_control("POST", "redrive", move || {
        let moved = queues.redrive().map(|moved| json!({"moved": moved})).map_err(|error| error.to_string());
        Box::pin(async move { moved })
    });
}

/// Gives the functions what is on its way, if they take it soon: nothing must grow old by a leap of the clock.
async fn settle_down(stream_pollers: Arc<[Arc<StreamPoller>]>, pollers: Arc<[Arc<Poller>]>) {
    for stream_poller in stream_pollers.iter() {
        match tokio::time::timeout(SOON, stream_poller.drain()).await {
            Ok(Ok(_)) => (),
            Ok(Err(error)) => tracing::error!(cause = %error, "a stream could not be read"),
            Err(_) => tracing::warn!("the clock is moved while a function still fails on a stream"),
        }
    }
    for poller in pollers.iter() {
        match tokio::time::timeout(SOON, poller.drain()).await {
            Ok(Ok(_)) => (),
            Ok(Err(error)) => tracing::error!(cause = %error, "a queue could not be read"),
            Err(_) => tracing::warn!("the clock is moved while a function still works on a queue"),
        }
    }
}

/// Runs what the template schedules, every so often, and when the control API asks for it: reconcile by `POST /control/tick`, the
/// others by their own names.
fn tick(clock: &Clock, template: &Template, functions: &Functions, standins: &StandIns) {
    let schedulers = template.schedules.iter().filter(|schedule| schedule.enabled).map(|schedule| {
        let work = functions.worker(&schedule.function, schedule.timeout);
        Arc::new(Scheduler::new(schedule.clone(), clock.clone(), work))
    });
    for scheduler in schedulers {
        Arc::clone(&scheduler).run();
        let name = match scheduler.function() {
            "reconcile" => "tick",
            other => other,
        };
        standins.serve_control("POST", name.to_owned(), move || {
            let scheduler = Arc::clone(&scheduler);
            Box::pin(async move { scheduler.tick().await.map_err(|error| error.to_string()) })
        });
    }
}

/// `GET /control/metrics` lists what the functions have measured.
fn serve_metrics(metrics: Sink, standins: &StandIns) {
    standins.serve_control("GET", "metrics", move || {
        let lines = metrics.lines();
        Box::pin(async move { Ok(lines.into()) })
    });
}

/// `GET /control/store` says how DynamoDB behaves, `POST` changes it, and with `DELETE` it is as it is embedded.
fn serve_modes(tap: Tap, standins: &StandIns) {
    let shown = tap.clone();
    standins.serve_control("GET", "store", move || {
        let modes = json!(shown.modes());
        Box::pin(async move { Ok(modes) })
    });
    let plain = tap.clone();
    standins.serve_control("DELETE", "store", move || {
        let tap = plain.clone();
        Box::pin(async move { tap.behave(Modes::default()).await.map(|()| json!({"done": true})) })
    });
    standins.serve_control_with("POST", "store", move |body| {
        let tap = tap.clone();
        Box::pin(async move {
            let modes: Modes = serde_json::from_slice(&body).map_err(|error| Unanswered::Wrong(error.to_string()))?;
            tap.behave(modes).await.map_err(Unanswered::Failed)?;
            Ok(json!(tap.modes()))
        })
    });
}

async fn listen(port: u16, option: &'static str) -> Result<TcpListener, StartError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|cause| StartError::Port { port, option, cause })
}

fn address(listener: &TcpListener) -> String {
    listener.local_addr().map(|address| format!("http://{address}")).unwrap_or_default()
}
