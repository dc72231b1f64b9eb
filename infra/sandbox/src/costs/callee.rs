//! The functions, in this process as the sandbox has them, or as the programs that are deployed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lambda_http::Error;
use serde_json::Value;
use tokio::sync::Mutex;

use emulators::functions::{Functions, context};
use emulators::stream::Work;
use testkit::Program;

/// What the template gives a function that answers, and one whose caller does not wait.
const PATIENCE: Duration = Duration::from_secs(15);
const WORK_PATIENCE: Duration = Duration::from_mins(1);

/// The programs by their names.
pub(super) type Programs = Arc<BTreeMap<String, Mutex<Program>>>;

/// What is called.
#[derive(Clone)]
pub(super) enum Callee {
    /// The functions' libraries.
    Here(Functions),
    /// Their programs.
    Programs(Programs),
}

impl Callee {
    /// Gives an event of the API gateway to a function.
    pub(super) async fn invoke(&self, function: &str, event: Value) -> Result<Value, Error> {
        match self {
            Self::Here(functions) => functions.invoke(function, event, context(PATIENCE)).await,
            Self::Programs(programs) => give(programs, function, event).await,
        }
    }

    /// Gives an event to a function that is not called over HTTP.
    pub(super) async fn work(&self, function: &str, event: Value) -> Result<Value, Error> {
        match self {
            Self::Here(functions) => functions.work(function, event, WORK_PATIENCE).await,
            Self::Programs(programs) => give(programs, function, event).await,
        }
    }

    /// The same as something to be called.
    pub(super) fn worker(&self, function: &'static str) -> Work {
        let callee = self.clone();
        Arc::new(move |event| {
            let callee = callee.clone();
            Box::pin(async move { callee.work(function, event).await })
        })
    }
}

async fn give(programs: &Programs, function: &str, event: Value) -> Result<Value, Error> {
    let program = programs.get(function).ok_or_else(|| format!("there is no program {function}"))?;
    let mut program = program.lock().await;
    program.give(event);
    Ok(program.answer().await)
}
