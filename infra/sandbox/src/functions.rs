//! The functions as they are deployed: the same libraries, built from the same settings, called with the same events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Error, Request, Service as _, service_fn};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;
use shared::env::{ConfigError, Env};
use shared::runtime::{Handler, Worker, World};

use crate::stream::Work;

type Invoke = Arc<dyn Fn(LambdaEvent<LambdaRequest>) -> BoxFuture<'static, Result<Value, Error>> + Send + Sync>;

type Run = Arc<dyn Fn(LambdaEvent<Value>) -> BoxFuture<'static, Result<Value, Error>> + Send + Sync>;

/// The functions by the names of their binaries.
#[derive(Clone)]
pub struct Functions {
    /// Those that are called over HTTP.
    http: BTreeMap<&'static str, Invoke>,
    /// Those that are called by a stream, a queue or the clock.
    workers: BTreeMap<&'static str, Run>,
}

impl Functions {
    /// Builds them all.
    pub fn build(settings: &BTreeMap<String, String>, world: &World) -> Result<Self, ConfigError> {
        let env = || Env::from_map(settings.clone());
        let world = || world.clone();
        let mut functions = BTreeMap::new();
        functions.insert(
            "orders",
            function(orders::Deps::from_env(env(), world())?, |deps, request| Box::pin(orders::handle(deps, request))),
        );
        functions.insert(
            "payments",
            function(payments::Deps::from_env(env(), world())?, |deps, request| Box::pin(payments::handle(deps, request))),
        );
        functions.insert(
            "acquiring",
            function(acquiring::Deps::from_env(env(), world())?, |deps, request| Box::pin(acquiring::handle(deps, request))),
        );
        functions.insert(
            "form-otp",
            function(form_otp::Deps::from_env(env(), world())?, |deps, request| Box::pin(form_otp::handle(deps, request))),
        );
        functions.insert(
            "mokka-callback",
            function(mokka_callback::Deps::from_env(env(), world())?, |deps, request| {
                Box::pin(mokka_callback::handle(deps, request))
            }),
        );
        functions.insert(
            "back-office",
            function(back_office::Deps::from_env(env(), world())?, |deps, request| Box::pin(back_office::handle(deps, request))),
        );
        functions.insert(
            "sms-reports",
            function(sms_reports::Deps::from_env(env(), world())?, |deps, request| Box::pin(sms_reports::handle(deps, request))),
        );
        let mut workers = BTreeMap::new();
        workers.insert(
            "payment-events",
            worker(payment_events::Deps::from_env(env(), world())?, |deps, event| Box::pin(payment_events::handle(deps, event))),
        );
        workers.insert(
            "form-delivery",
            worker(form_delivery::Deps::from_env(env(), world())?, |deps, event| Box::pin(form_delivery::handle(deps, event))),
        );
        workers.insert(
            "reconcile",
            worker(reconcile::Deps::from_env(env(), world())?, |deps, event| Box::pin(reconcile::handle(deps, event))),
        );
        workers.insert(
            "price-feed",
            worker(price_feed::Deps::from_env(env(), world())?, |deps, event| Box::pin(price_feed::handle(deps, event))),
        );
        workers.insert(
            "sms-watch",
            worker(sms_watch::Deps::from_env(env(), world())?, |deps, event| Box::pin(sms_watch::handle(deps, event))),
        );
        Ok(Self { http: functions, workers })
    }

    /// Gives an event to a function.
    pub async fn invoke(&self, name: &str, event: Value, context: Context) -> Result<Value, Error> {
        let invoke = self.http.get(name).ok_or_else(|| unknown(name))?;
        let request: LambdaRequest = serde_json::from_value(event)?;
        invoke(LambdaEvent::new(request, context)).await
    }

    /// Gives an event to a function that is not called over HTTP, and says how long it has.
    pub async fn work(&self, name: &str, event: Value, timeout: Duration) -> Result<Value, Error> {
        let run = self.workers.get(name).ok_or_else(|| unknown(name))?;
        run(LambdaEvent::new(event, context(timeout))).await
    }

    /// The same as something to be called: by a stream, a queue or the clock.
    #[must_use]
    pub fn worker(&self, name: &str, timeout: Duration) -> Work {
        let (functions, name) = (self.clone(), name.to_owned());
        Arc::new(move |event| {
            let (functions, name) = (functions.clone(), name.clone());
            Box::pin(async move { functions.work(&name, event, timeout).await })
        })
    }
}

fn unknown(name: &str) -> String {
    format!("the template names a function that is not here: {name}")
}

/// What Lambda says of a call beside its event: its id, and until when, by the machine's clock, it must be answered.
#[must_use]
pub fn context(timeout: Duration) -> Context {
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + timeout;
    let mut context = Context::default();
    context.request_id = shared::clock::Random::System.hex32().unwrap_or_default();
    context.deadline = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
    context
}

fn worker<D: Send + Sync + 'static>(deps: D, handle: Worker<D>) -> Run {
    let deps = Arc::new(deps);
    Arc::new(move |event| {
        let deps = Arc::clone(&deps);
        Box::pin(async move { handle(&deps, event).await })
    })
}

fn function<D: Send + Sync + 'static>(deps: D, handle: Handler<D>) -> Invoke {
    let deps = Arc::new(deps);
    Arc::new(move |event| {
        let deps = Arc::clone(&deps);
        Box::pin(async move {
            let deps = deps.as_ref();
            let service = service_fn(move |request: Request| async move { Ok::<_, Error>(handle(deps, request).await) });
            let response = Adapter::from(service).call(event).await?;
            Ok(serde_json::to_value(response)?)
        })
    })
}
