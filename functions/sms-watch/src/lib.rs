//! Looks after every SMS whose code's time is over: counts what came of it, asks SMSPRO for a report if nothing shows that it
//! arrived, and tells a person when the codes of an operator or of a range of numbers are hardly ever entered, which is how
//! pumping shows. Runs on a schedule, one run at a time ([`shared::store::Turn`]); two at once would do no harm.
//!
//! A function of its own and no part of reconcile: payments must not wait for SMS, nor SMSPRO's password lie beside their keys.
//!
//! The sparse index `due` holds only the SMS that are to be looked at; at rest they leave it. Counted is before SMSPRO is asked, so
//! that an SMSPRO that is down delays nothing, and what it says later is added when it says it ([`shared::sms`]). SMS are looked at one after
//! the other, since those of one operator add to the same counter.
//!
//! Round trips of a run: two writes for its turn; one Query for every fifty SMS that are due; for each of them one read, one transaction if there is something
//! to count, one question to SMSPRO if a report is lacking, one write or transaction if it is looked at again or said something new.
//! Then one `BatchGetItem` for each operator and range that was counted, and one write for each alarm.

mod conversion;
mod run;

use std::time::Duration;

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::clock::{Clock, Deadline};
use shared::config::Forms;
use shared::env::{ConfigError, Env};
use shared::metrics::Metrics;
use shared::runtime::{World, left, remaining};
use shared::sms::Thresholds;
use shared::smspro::Reports;
use shared::store::client_from_env;
use shared::store::otp::Otp;

pub use run::Report;
use run::Run;

/// How long a run may take; Lambda gives the function a minute.
const BUDGET: Duration = Duration::from_secs(50);

/// How long a run has its turn if it cannot give it back: a little longer than it may take.
const TURN: Duration = Duration::from_secs(55);

/// What the function needs.
#[derive(Debug)]
pub struct Deps {
    otp: Otp,
    /// Nobody is asked without them.
    reports: Option<Reports>,
    thresholds: Thresholds,
    metrics: Metrics,
    clock: Clock,
}

impl Deps {
    /// Reads `FORMS_CONFIG` (default `/opt/forms.toml`), `SMSPRO_LOGIN` and `SMSPRO_PASSWORD` (both or neither),
    /// `SMSPRO_BASE_URL` (with them), `OTP_TABLE` and the store's settings.
    pub fn from_env(mut env: Env, world: World) -> Result<Self, ConfigError> {
        let thresholds = env.file("FORMS_CONFIG", "/opt/forms.toml", Forms::parse).map(|forms| forms.conversion);
        let client = client_from_env(&mut env);
        let otp = client.and_then(|client| Otp::from_env(&mut env, client, world.random));
        let can_ask = env.wanted("SMSPRO_PULL", "SMSPRO_LOGIN");
        let asked = can_ask.then(|| (env.url("SMSPRO_BASE_URL"), env.secret("SMSPRO_LOGIN"), env.secret("SMSPRO_PASSWORD")));
        let build = || {
            let reports = match asked {
                Some((base_url, login, password)) => Some(Reports::new(world.http, base_url?, login?, password?)),
                None => None,
            };
            Some(Self { otp: otp?, reports, thresholds: thresholds?, metrics: world.metrics, clock: world.clock })
        };
        let deps = build();
        env.finish(deps)
    }

    /// Opens the connection to the store.
    pub async fn warm(&self) {
        self.otp.warm_up().await;
    }
}

/// Runs once.
pub async fn handle(deps: &Deps, event: LambdaEvent<Value>) -> Result<Value, lambda_http::Error> {
    let Some(turn) = deps.otp.turn("sms-watch", deps.clock.now(), TURN).await? else {
        tracing::info!("another run is at it");
        return Ok(serde_json::to_value(Report::default())?);
    };
    let mut run = Run::new(deps, Deadline::within(remaining(&event.context, BUDGET)));
    let looked = run.look_after_all().await;
    // What was counted is looked at whatever came after it: the next run would not come back to it.
    let judged = conversion::judge(deps, run.counted()).await;
    turn.give_back(left(&event.context, BUDGET)).await;
    let alarms = looked.and(judged)?;
    let report = Report { alarms, ..run.report() };
    let Report { due, counted, asked, reported, failed, alarms, left } = report;
    tracing::info!(due, counted, asked, reported, failed, alarms, left, "SMS looked after");
    Ok(serde_json::to_value(report)?)
}
