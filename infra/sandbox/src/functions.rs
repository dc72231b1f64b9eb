//! The functions as they are deployed: the same libraries, built from the same settings, called with the same events.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Error, Request, Service as _, service_fn};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;
use shared::env::{ConfigError, Env};
use shared::runtime::{Handler, World};

type Invoke = Arc<dyn Fn(LambdaEvent<LambdaRequest>) -> BoxFuture<'static, Result<Value, Error>> + Send + Sync>;

/// The functions by the names of their binaries.
#[derive(Clone)]
pub struct Functions(BTreeMap<&'static str, Invoke>);

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
        Ok(Self(functions))
    }

    /// Gives an event to a function.
    pub async fn invoke(&self, name: &str, event: Value, context: Context) -> Result<Value, Error> {
        let invoke = self.0.get(name).ok_or_else(|| format!("the template names a function that is not here: {name}"))?;
        let request: LambdaRequest = serde_json::from_value(event)?;
        invoke(LambdaEvent::new(request, context)).await
    }
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
