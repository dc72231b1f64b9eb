//! The processor time of the functions' programs, as Linux counts it, while the same stories are played many times.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::callee::{Callee, Programs};
use super::deployed::Deployed;
use super::error::CostsError;
use super::life::Life;
use super::play::{MeteredFunctions, SCHEDULED, settings};
use super::prices::Prices;
use emulators::template::TEMPLATE;
use testkit::{Program, Seen, TestEnvironment};

/// How often: Linux counts in hundredths of a second.
const ROUNDS: u32 = 50;
/// What can be played by the machine's clock, which the programs have: nothing in it waits for minutes.
const LIVES: [Life; 9] = [
    Life::List,
    Life::ListAgain,
    Life::Paid,
    Life::CaptureAgain,
    Life::BackOfficeLook,
    Life::Refund,
    Life::PaidBySbp,
    Life::RefundOfSbp,
    Life::Form,
];

/// Measures the programs in a folder and prints the section `[processor_ms]` of prices.toml.
pub async fn measure(folder: &Path, out: &mut impl Write) -> Result<(), CostsError> {
    let prices = Prices::read()?;
    let mut started = (Programs::default(), Duration::ZERO);
    let begin = async |environment: &TestEnvironment| {
        started = start(environment, folder).await?;
        Ok(Callee::Programs(Arc::clone(&started.0)))
    };
    let mut metered = MeteredFunctions::start(&prices, TestEnvironment::start_now().await, begin).await?;
    let (programs, starting) = started;
    // Connections are open, code is in memory: what a first call has to do belongs to the start.
    round(&mut metered).await?;
    let before = times(&programs).await;
    let mut calls: BTreeMap<String, f64> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for (function, count) in round(&mut metered).await? {
            *calls.entry(function).or_default() += count;
        }
    }
    writeln!(out, "[processor_ms]\nstart = {:.0}", starting.as_secs_f64() * 1000.0 / each(programs.len()))?;
    for (function, after) in times(&programs).await {
        let own = after.saturating_sub(before.get(&function).copied().unwrap_or_default());
        let count = calls.get(&function).copied().unwrap_or_default();
        writeln!(out, "{function} = {:.1}", own.as_secs_f64() * 1000.0 / count.max(1.0))?;
    }
    Ok(())
}

/// Starts every function; with the time that all took to ask for their first events.
async fn start(environment: &TestEnvironment, folder: &Path) -> Result<(Programs, Duration), CostsError> {
    let mut programs = BTreeMap::new();
    let mut starting = Duration::ZERO;
    for function in Deployed::read(TEMPLATE)?.memory_mb.into_keys() {
        let binary = folder.join(&function);
        if !binary.is_file() {
            return Err(CostsError::story(&function, format!("there is no program {}", binary.display())));
        }
        let mut program = Program::start(&binary.to_string_lossy(), settings(environment), Vec::new()).await;
        while !matches!(program.next().await, Seen::Asked) {}
        starting += program.processor_time();
        programs.insert(function, Mutex::new(program));
    }
    Ok((Arc::new(programs), starting))
}

/// Plays everything once; how often each function was called.
async fn round(metered: &mut MeteredFunctions<'_>) -> Result<BTreeMap<String, f64>, CostsError> {
    let mut calls: BTreeMap<String, f64> = BTreeMap::new();
    for life in LIVES {
        for (function, each) in metered.live(life).await?.calls {
            *calls.entry(function).or_default() += each.count;
        }
    }
    for function in SCHEDULED {
        metered.run(function).await?;
        *calls.entry(function.to_owned()).or_default() += 1.0;
    }
    Ok(calls)
}

async fn times(programs: &Programs) -> BTreeMap<String, Duration> {
    let mut times = BTreeMap::new();
    for (function, program) in programs.iter() {
        times.insert(function.clone(), program.lock().await.processor_time());
    }
    times
}

fn each(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
