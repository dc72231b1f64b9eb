//! Looks after every SMS whose code's time is over: counts what came of it, asks SMSPRO for a report if nothing shows that it
//! arrived, and tells a person when the codes of an operator or of a range of numbers are hardly ever entered, which is how
//! pumping shows. Runs on a schedule, one run at a time ([`shared::platform::dynamodb::Turn`]); two at once would do no harm.
//!
//! A function of its own and no part of reconcile: payments must not wait for SMS, nor SMSPRO's password lie beside their keys.
//!
//! The sparse index `due` holds only the SMS that are to be looked at; at rest they leave it. Counted is before SMSPRO is asked, so
//! that an SMSPRO that is down delays nothing, and what it says later is added when it says it ([`shared::forms::sms`]). SMS are looked at one after
//! the other, since those of one operator add to the same counter.
//!
//! Round trips of a run: two writes for its turn; one Query for every fifty SMS that are due; for each of them one read, one transaction if there is something
//! to count, one question to SMSPRO if a report is lacking, one write or transaction if it is looked at again or said something new.
//! Then one `BatchGetItem` for each operator and range that was counted, and one write for each alarm.

mod conversion;
mod deps;
mod run;

use std::time::Duration;

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::platform::clock::Deadline;
use shared::platform::runtime::{left, remaining};

pub use run::Report;
use run::Run;

pub use deps::Deps;

/// How long a run may take; Lambda gives the function a minute.
const BUDGET: Duration = Duration::from_secs(50);

/// How long a run has its turn if it cannot give it back: a little longer than it may take.
const TURN: Duration = Duration::from_secs(55);

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
