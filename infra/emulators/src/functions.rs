//! Functions by the names of their binaries, called as Lambda calls them: with an event, and until when it must be answered.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use lambda_http::Error;
use lambda_http::request::LambdaRequest;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;
use shared::platform::env::{ConfigError, Env};
use shared::platform::runtime::{Build, Handler, Platform, Worker};

use crate::stream::Work;
use crate::template::{TEMPLATE, Template};

/// What is deployed. Without it nothing is held back, and every test of the template says why it cannot be read.
static DEPLOYED: LazyLock<Option<Template>> = LazyLock::new(|| Template::read(TEMPLATE).ok());

/// A function that is called over HTTP: the API gateway's event in, its response out.
pub type Invoke = Arc<dyn Fn(LambdaEvent<LambdaRequest>) -> BoxFuture<'static, Result<Value, Error>> + Send + Sync>;

/// A function that is called by a stream, a queue or the clock.
pub type Run = Arc<dyn Fn(LambdaEvent<Value>) -> BoxFuture<'static, Result<Value, Error>> + Send + Sync>;

/// A function of this project, to be built when it is needed. Made by [`http!`](crate::http) and [`worker!`](crate::worker).
#[derive(Clone)]
pub struct Function {
    name: String,
    make: Make,
}

#[derive(Clone)]
enum Make {
    Http(Arc<dyn Fn(Env, Platform) -> Result<Invoke, ConfigError> + Send + Sync>),
    Worker(Arc<dyn Fn(Env, Platform) -> Result<Run, ConfigError> + Send + Sync>),
}

/// A function that is built.
#[derive(Clone)]
pub enum Built {
    /// It is called over HTTP.
    Http(Invoke),
    /// It is called by a stream, a queue or the clock.
    Worker(Run),
}

impl Function {
    /// One that is called over HTTP; `package` is its crate's name.
    pub fn http<D: Send + Sync + 'static>(package: &str, build: Build<D>, handle: Handler<D>) -> Self {
        let make = move |env, platform| build(env, platform).map(|deps| http(deps, handle));
        Self { name: package.replace('_', "-"), make: Make::Http(Arc::new(make)) }
    }

    /// One that is not.
    pub fn worker<D: Send + Sync + 'static>(package: &str, build: Build<D>, handle: Worker<D>) -> Self {
        let make = move |env, platform| build(env, platform).map(|deps| worker(deps, handle));
        Self { name: package.replace('_', "-"), make: Make::Worker(Arc::new(make)) }
    }

    /// The name of its binary.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is called over HTTP. One program may take both kinds of events; then it is there twice.
    #[must_use]
    pub fn is_http(&self) -> bool {
        matches!(self.make, Make::Http(_))
    }

    /// Builds it with those of the settings that it has when it is deployed.
    pub fn build(&self, settings: BTreeMap<String, String>, platform: Platform) -> Result<Built, ConfigError> {
        self.build_of(Env::from_map(deployed(&self.name, settings)), platform)
    }

    /// Builds it with exactly these settings.
    pub fn build_of(&self, env: Env, platform: Platform) -> Result<Built, ConfigError> {
        match &self.make {
            Make::Http(make) => make(env, platform).map(Built::Http),
            Make::Worker(make) => make(env, platform).map(Built::Worker),
        }
    }
}

/// The settings that a function has when it is deployed.
#[must_use]
pub fn deployed(function: &str, settings: BTreeMap<String, String>) -> BTreeMap<String, String> {
    match DEPLOYED.as_ref() {
        Some(template) => template.environment(function, settings),
        None => settings,
    }
}

/// The function of that crate, which is called over HTTP.
#[macro_export]
macro_rules! http {
    ($package:ident) => {
        $crate::functions::Function::http(stringify!($package), ::$package::Deps::from_env, |deps, request| {
            ::std::boxed::Box::pin(::$package::handle(deps, request))
        })
    };
}

/// The function of that crate, which is called by a stream, a queue or the clock; what takes such an event is its `handle`, or named.
#[macro_export]
macro_rules! worker {
    ($package:ident) => {
        $crate::worker!($package, handle)
    };
    ($package:ident, $handle:ident) => {
        $crate::functions::Function::worker(stringify!($package), ::$package::Deps::from_env, |deps, event| {
            ::std::boxed::Box::pin(::$package::$handle(deps, event))
        })
    };
}

/// The functions of a system, built.
#[derive(Clone, Default)]
pub struct Functions {
    called: BTreeMap<String, Invoke>,
    workers: BTreeMap<String, Run>,
}

impl Functions {
    /// Builds them all with the same settings.
    pub fn build(functions: &[Function], settings: &BTreeMap<String, String>, platform: &Platform) -> Result<Self, ConfigError> {
        let mut all = Self::default();
        for function in functions {
            let name = function.name.clone();
            match function.build(settings.clone(), platform.clone())? {
                Built::Http(invoke) => drop(all.called.insert(name, invoke)),
                Built::Worker(run) => drop(all.workers.insert(name, run)),
            }
        }
        Ok(all)
    }

    /// Gives an event to a function that is called over HTTP.
    pub async fn invoke(&self, name: &str, event: Value, context: Context) -> Result<Value, Error> {
        let Some(invoke) = self.called.get(name) else { return Err(unknown(name).into()) };
        let request: LambdaRequest = serde_json::from_value(event)?;
        invoke(LambdaEvent::new(request, context)).await
    }

    /// Gives an event to a function that is not, and says how long it has.
    pub async fn work(&self, name: &str, event: Value, timeout: Duration) -> Result<Value, Error> {
        let Some(run) = self.workers.get(name) else { return Err(unknown(name).into()) };
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
    context.request_id = shared::platform::clock::Random::System.hex32().unwrap_or_default();
    context.deadline = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
    context
}

/// A handler of HTTP requests with what it needs, behind `lambda_http`'s own adapter.
pub fn http<D: Send + Sync + 'static>(deps: D, handle: Handler<D>) -> Invoke {
    let deps = Arc::new(deps);
    Arc::new(move |event| {
        let deps = Arc::clone(&deps);
        Box::pin(async move { adapted(deps.as_ref(), handle, event).await })
    })
}

/// Gives an API gateway's event to a handler as the functions do it.
pub async fn adapted<D: Send + Sync>(deps: &D, handle: Handler<D>, event: LambdaEvent<LambdaRequest>) -> Result<Value, Error> {
    shared::platform::http::adapted(event, move |request| handle(deps, request)).await
}

/// A handler of other events with what it needs.
pub fn worker<D: Send + Sync + 'static>(deps: D, handle: Worker<D>) -> Run {
    let deps = Arc::new(deps);
    Arc::new(move |event| {
        let deps = Arc::clone(&deps);
        Box::pin(async move { handle(&deps, event).await })
    })
}
