//! Looks after every SMS whose code's time is over: counts what came of it, asks SMSPRO for a report if nothing shows that it
//! arrived, and tells a person when the codes of an operator or of a range of numbers are hardly ever entered, which is how
//! pumping shows. Runs on a schedule, one run at a time ([`shared::platform::dynamodb::RunLease`]); two at once would do no harm.
//!
//! A function of its own and no part of reconcile: payments must not wait for SMS, nor SMSPRO's password lie beside their keys.
//!
//! The sparse index `due` holds only the SMS that are to be looked at; at rest they leave it. Counted is before SMSPRO is asked, so
//! that an SMSPRO that is down delays nothing, and what it says later is added when it says it ([`shared::forms::sms`]). SMS are looked at one after
//! the other, since those of one operator add to the same counter.
//!
//! Round trips of a run: two writes for its lease; one Query for every fifty SMS that are due; for each of them one read, one transaction
//! if there is something to count, one question to SMSPRO if a report is lacking, one write or transaction if it is looked at again or said
//! something new. Then one `BatchGetItem` for each operator and range that was counted, and one write for each alarm.

mod conversion;
mod deps;
mod run;

use std::time::Duration;

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::platform::clock::Deadline;
use shared::platform::dynamodb::EndedRun;
use shared::platform::runtime::{left, remaining};

use run::Run;
pub use run::SmsWatchReport;

pub use deps::Deps;

/// How long a run may take; Lambda gives the function a minute.
const BUDGET: Duration = Duration::from_secs(50);

/// How long a run holds its lease if it cannot release it: a little longer than it may take.
const RUN_LEASE: Duration = Duration::from_secs(55);

/// Runs once.
pub async fn handle(deps: &Deps, event: LambdaEvent<Value>) -> Result<Value, lambda_http::Error> {
    let Some(lease) = deps.otp.acquire_run_lease("sms-watch", deps.clock.now(), RUN_LEASE).await? else {
        tracing::info!("another run holds the run lease");
        return Ok(serde_json::to_value(SmsWatchReport::default())?);
    };
    let mut run = Run::new(deps, Deadline::within(remaining(&event.context, BUDGET)));
    let polled = run.poll_due().await;
    // What was counted is looked at whatever came after it: the next run would not come back to it.
    let judged = conversion::judge(deps, run.counted()).await;
    let alarms = polled.and(judged);
    let ended = EndedRun { at: deps.clock.now(), failed: alarms.is_err() };
    lease.release(left(&event.context, BUDGET), ended).await;
    let alarms = alarms?;
    let report = SmsWatchReport { alarms, ..run.report() };
    let SmsWatchReport { due, counted, asked, reported, failed, alarms, left } = report;
    tracing::info!(due, counted, asked, reported, failed, alarms, left, "SMS polled");
    Ok(serde_json::to_value(report)?)
}
