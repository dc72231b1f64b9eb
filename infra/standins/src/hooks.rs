//! What the program around the stand-ins adds to their control API.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::locked::locked;

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It is wrong: 400.
    Wrong(String),
    /// It could not be done: 500.
    Failed(String),
}

/// Answers a request, by its body.
pub(crate) type Hook = Arc<dyn Fn(Bytes) -> BoxFuture<'static, Result<Value, Unanswered>> + Send + Sync>;

/// Finishes what belongs to the time that is about to end.
pub(crate) type BeforeLeap = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Answers by method and name, and what happens before the clock is moved.
#[derive(Default)]
pub(crate) struct Hooks {
    answers: Mutex<BTreeMap<(&'static str, String), Hook>>,
    before_leap: OnceLock<BeforeLeap>,
}

impl Hooks {
    pub(crate) fn add(&self, method: &'static str, name: String, hook: Hook) {
        locked(&self.answers).insert((method, name), hook);
    }

    pub(crate) fn find(&self, method: &str, name: &str) -> Option<Hook> {
        locked(&self.answers).iter().find(|((on, at), _)| *on == method && *at == name).map(|(_, hook)| Arc::clone(hook))
    }

    /// The first one stays.
    pub(crate) fn set_before_leap(&self, before_leap: BeforeLeap) {
        drop(self.before_leap.set(before_leap));
    }

    pub(crate) async fn before_leap(&self) {
        if let Some(before_leap) = self.before_leap.get() {
            before_leap().await;
        }
    }

    /// `POST /control/tick`, …
    pub(crate) fn paths(&self) -> Vec<String> {
        locked(&self.answers).keys().map(|(method, name)| format!("{method} /control/{name}")).collect()
    }
}
