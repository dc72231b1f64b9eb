//! How a function starts: logs first, then the settings, then requests for ever.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use lambda_http::{Adapter, Body, Error, Request, Response, service_fn};
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::tower::util::MapFutureLayer;
use lambda_runtime::{Context, LambdaEvent, Runtime};
use serde_json::Value;

use crate::clock::{Clock, Random};
use crate::env::{ConfigError, Env};
use crate::{metrics, telemetry};

/// What must remain of an invocation for writing down how it came out.
const RESERVE: Duration = Duration::from_millis(500);

/// What every function gets from outside.
#[derive(Clone, Debug)]
pub struct World {
    /// The time.
    pub clock: Clock,
    /// Unguessable bytes.
    pub random: Random,
    /// The HTTP client that all outside systems share.
    pub http: reqwest::Client,
    /// Where what is measured goes.
    pub metrics: metrics::Sink,
}

impl World {
    /// The real one.
    pub fn real() -> Result<Self, reqwest::Error> {
        let http = crate::outbound::client()?;
        Ok(Self { clock: Clock::system(), random: Random::System, http, metrics: metrics::Sink::Log })
    }
}

/// A handler, with its future boxed: what `main` and the sandbox's gateway call.
pub type Handler<D> = for<'a> fn(&'a D, Request) -> BoxFuture<'a, Response<Body>>;

/// A handler of events that are not HTTP, with its future boxed: a batch of a stream, a tick of the schedule.
/// An error is for Lambda, which then repeats the event as the template says.
pub type Worker<D> = for<'a> fn(&'a D, LambdaEvent<Value>) -> BoxFuture<'a, Result<Value, Error>>;

/// What a function does after an answer, with its future boxed.
pub type Finish<D> = for<'a> fn(&'a D) -> BoxFuture<'a, ()>;

/// Runs a function: `build` makes what its handler needs from the settings, `warm` opens connections while the start still
/// has the full processor, `handle` answers requests.
pub async fn run<D: Sync>(
    build: fn(Env, World) -> Result<D, ConfigError>,
    warm: impl AsyncFnOnce(&D),
    handle: Handler<D>,
) -> Result<(), Error> {
    run_and_finish(build, warm, handle, |_| Box::pin(async {})).await
}

/// The same, with something to `finish` when an answer has been handed over and nobody waits any more. The next request is
/// asked for only then: Lambda freezes a function that waits for one.
pub async fn run_and_finish<D: Sync>(
    build: fn(Env, World) -> Result<D, ConfigError>,
    warm: impl AsyncFnOnce(&D),
    handle: Handler<D>,
    finish: Finish<D>,
) -> Result<(), Error> {
    let deps = start(build, warm).await?;
    let deps = &deps;
    let handler = service_fn(move |request: Request| async move { Ok::<_, Error>(handle(deps, request).await) });
    // The service that is wrapped ends when Lambda has the answer.
    let finishing = MapFutureLayer::new(move |answered| async move {
        let outcome = answered.await;
        finish(deps).await;
        outcome
    });
    Runtime::new(Adapter::from(handler)).layer(TracingLayer::new()).layer(finishing).run().await
}

/// Runs a function that is not called over HTTP, in the same way.
pub async fn work<D: Sync>(
    build: fn(Env, World) -> Result<D, ConfigError>,
    warm: impl AsyncFnOnce(&D),
    handle: Worker<D>,
) -> Result<(), Error> {
    let deps = start(build, warm).await?;
    let deps = &deps;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| handle(deps, event))).await
}

/// How long an invocation may still take: its own time less a reserve, at most `budget`. A local tool that names no deadline
/// gets `budget`.
#[must_use]
pub fn remaining(context: &Context, budget: Duration) -> Duration {
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(context.deadline));
    let left = at.and_then(|at| at.duration_since(SystemTime::now()).ok());
    left.map_or(budget, |left| left.saturating_sub(RESERVE).min(budget))
}

async fn start<D>(build: fn(Env, World) -> Result<D, ConfigError>, warm: impl AsyncFnOnce(&D)) -> Result<D, Error> {
    let env = Env::process();
    telemetry::init(env.optional("LOG_LEVEL").as_deref());
    let world = World::real().map_err(telemetry::refuse_to_start)?;
    let deps = build(env, world).map_err(telemetry::refuse_to_start)?;
    warm(&deps).await;
    Ok(deps)
}
