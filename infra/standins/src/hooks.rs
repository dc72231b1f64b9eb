//! What the house around the stand-ins adds to their control API.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::world::locked;

/// Answers a request.
pub(crate) type Hook = Arc<dyn Fn() -> BoxFuture<'static, Result<Value, String>> + Send + Sync>;

/// By method and name.
#[derive(Default)]
pub(crate) struct Hooks(Mutex<BTreeMap<(&'static str, &'static str), Hook>>);

impl Hooks {
    pub(crate) fn add(&self, method: &'static str, name: &'static str, hook: Hook) {
        locked(&self.0).insert((method, name), hook);
    }

    pub(crate) fn find(&self, method: &str, name: &str) -> Option<Hook> {
        locked(&self.0).iter().find(|((on, at), _)| *on == method && *at == name).map(|(_, hook)| Arc::clone(hook))
    }

    /// `POST /control/tick`, …
    pub(crate) fn paths(&self) -> Vec<String> {
        locked(&self.0).keys().map(|(method, name)| format!("{method} /control/{name}")).collect()
    }
}
