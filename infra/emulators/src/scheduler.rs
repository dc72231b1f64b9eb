//! What runs by the clock: the rule's own event (EventBridge, "Scheduled Event") or the template's, every so often, and at once
//! when asked.

use std::sync::Arc;
use std::time::Duration;

use lambda_http::Error;
use serde_json::{Value, json};
use shared::platform::clock::Clock;
use time::format_description::well_known::Rfc3339;

use crate::stream::Work;
use crate::template::Schedule;

/// A function and when it runs.
pub struct Scheduler {
    schedule: Schedule,
    clock: Clock,
    work: Work,
    /// One run at a time.
    running: tokio::sync::Mutex<()>,
}

impl Scheduler {
    /// A function that runs when it is asked to.
    #[must_use]
    pub fn new(schedule: Schedule, clock: Clock, work: Work) -> Self {
        Self { schedule, clock, work, running: tokio::sync::Mutex::default() }
    }

    /// The name of the function's binary.
    #[must_use]
    pub fn function(&self) -> &str {
        &self.schedule.function
    }

    /// One run, now; what the function answers.
    pub async fn tick(&self) -> Result<Value, Error> {
        let _running = self.running.lock().await;
        let run = (self.work)(self.event());
        let timeout: Duration = self.schedule.timeout;
        tokio::time::timeout(timeout, run).await.map_err(|_| format!("{} took too long", self.schedule.function))?
    }

    fn event(&self) -> Value {
        self.schedule.input.clone().unwrap_or_else(|| event(&self.clock, &self.schedule.function))
    }

    /// Runs it by the machine's clock for as long as the runtime lives.
    pub fn run(self: Arc<Self>) {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(self.schedule.every).await;
                if let Err(error) = self.tick().await {
                    tracing::error!(function = %self.schedule.function, cause = %error, "a function failed");
                }
            }
        });
    }
}

fn event(clock: &Clock, rule: &str) -> Value {
    json!({
        "version": "0",
        "id": shared::platform::clock::Random::System.hex32().unwrap_or_default(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": clock.now().utc().replace_nanosecond(0).unwrap_or_else(|_| clock.now().utc()).format(&Rfc3339).unwrap_or_default(),
        "region": "eu-central-1",
        "resources": [format!("arn:aws:events:eu-central-1:123456789012:rule/{rule}")],
        "detail": {}
    })
}
