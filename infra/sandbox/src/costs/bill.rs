//! A month: what was counted, as often as it happens, and what is there without it.

use std::collections::BTreeMap;

use shared::platform::metrics;

use super::deployed::Deployed;
use super::error::CostsError;
use super::life::Life;
use super::play::Counted;
use super::prices::{Item, Prices};
use super::usage::{Calls, Usage};

/// A month as AWS counts it.
const HOURS: f64 = 730.0;
const SECONDS: f64 = HOURS * 3600.0;
/// A running copy of a function looks at the secrets as often as this in an hour, and its use of a table's key is remembered
/// for as long. One that is not called for such a time may have to start anew.
const RENEWALS_AN_HOUR: f64 = 12.0;
/// The memory at which a function has a whole core, in megabytes (Lambda, "Configure Lambda function memory").
const WHOLE_CORE_MB: f64 = 1769.0;
/// How long an idle queue lets a poller of Lambda wait, in seconds.
const POLL: f64 = 20.0;
const DAYS_OF_A_MONTH: f64 = 30.0;

/// What a month is worked out from.
#[derive(Clone, Copy)]
pub struct Bill<'a> {
    /// AWS's prices, and how the shop is used.
    pub prices: &'a Prices,
    pub deployed: &'a Deployed,
    /// What everything uses.
    pub counted: &'a Counted,
}

impl Bill<'_> {
    /// What a month with so many paid orders uses.
    pub fn month(&self, orders: f64) -> Result<Usage, CostsError> {
        let mut month = Usage::default();
        for (life, usage) in &self.counted.lives {
            month.add_times(usage, self.share(*life) * orders);
        }
        for (function, every) in &self.deployed.schedules {
            let idle = self.counted.idle.get(function).ok_or_else(|| CostsError::story(function, "was not counted"))?;
            month.add_times(idle, SECONDS / every.as_secs_f64());
        }
        self.add_standing(&mut month);
        self.add_metrics(&mut month, orders)?;
        self.add_time(&mut month)?;
        self.add_renewals(&mut month)?;
        self.keep_logs(&mut month);
        Ok(month)
    }

    /// What a thousand of something use by themselves.
    pub fn thousand(&self, life: Life) -> Result<Usage, CostsError> {
        let mut usage = Usage::default();
        if let Some(once) = self.counted.lives.get(&life) {
            usage.add_times(once, 1000.0);
        }
        self.add_time(&mut usage)?;
        self.keep_logs(&mut usage);
        Ok(usage)
    }

    /// How often it happens for one paid order.
    #[must_use]
    pub fn share(&self, life: Life) -> f64 {
        self.prices.for_each_order.get(&life).copied().unwrap_or_default()
    }

    /// What it costs, in USD, by the lines of AWS's bill.
    #[must_use]
    pub fn by_service(&self, usage: &Usage) -> BTreeMap<String, f64> {
        let mut lines = BTreeMap::new();
        for (item, price) in self.prices.all() {
            *lines.entry(price.service.clone()).or_default() += price.of(usage.of(item));
        }
        lines
    }

    /// All of it.
    #[must_use]
    pub fn total(&self, usage: &Usage) -> f64 {
        self.by_service(usage).values().sum()
    }

    /// What costs something because it is there.
    fn add_standing(&self, month: &mut Usage) {
        let Deployed { polled, alarms, log_metrics, dashboards, secrets, .. } = self.deployed;
        month.add(Item::Metrics, f64::from(*log_metrics));
        month.add(Item::Alarms, f64::from(*alarms));
        month.add(Item::Dashboards, f64::from(*dashboards));
        month.add(Item::Secrets, f64::from(*secrets));
        month.add(Item::QueueRequests, f64::from(*polled) * SECONDS / POLL * self.prices.assumptions.pollers);
    }

    /// A metric is paid for by the hour in which it is measured. In an hour with an order all of them are, at most.
    fn add_metrics(&self, month: &mut Usage, orders: f64) -> Result<(), CostsError> {
        let sets = metrics::ALL.iter().flat_map(|metric| metric.dimensions).filter(|_| self.deployed.keeps_every_metric);
        let by_dimensions: u32 = sets.map(|set| self.prices.metrics(set)).sum::<Result<_, _>>()?;
        let watched = u32::try_from(metrics::WATCHED.len()).unwrap_or(u32::MAX);
        month.add(Item::Metrics, f64::from(watched + by_dimensions) * orders.min(HOURS) / HOURS);
        Ok(())
    }

    /// How long all calls of a function take together, in seconds.
    fn seconds(&self, function: &str, calls: Calls) -> Result<f64, CostsError> {
        let own_ms = self.slowed_ms(function, self.prices.processor_ms(function)?);
        Ok((calls.count * own_ms + calls.waited_ms) / 1000.0)
    }

    /// How long work of a whole core takes with the function's part of one.
    fn slowed_ms(&self, function: &str, processor_ms: f64) -> f64 {
        processor_ms * (WHOLE_CORE_MB / self.memory_mb(function)).max(1.0)
    }

    fn memory_mb(&self, function: &str) -> f64 {
        self.deployed.memory_mb.get(function).copied().unwrap_or(WHOLE_CORE_MB)
    }

    fn add_time(&self, usage: &mut Usage) -> Result<(), CostsError> {
        for (function, calls) in usage.calls.clone() {
            usage.add(Item::GbSeconds, self.seconds(&function, calls)? * self.memory_mb(&function) / 1024.0);
        }
        Ok(())
    }

    /// Cold starts, looks at the secrets, and uses of the tables' key: at most one in five minutes for each copy of a function.
    fn add_renewals(&self, month: &mut Usage) -> Result<(), CostsError> {
        let start_ms = self.prices.processor_ms("start")?;
        for (function, calls) in month.calls.clone() {
            let copies = (self.seconds(&function, calls)? / SECONDS * self.prices.assumptions.busiest_hour).ceil();
            let renewals = calls.count.min(copies * RENEWALS_AN_HOUR * HOURS);
            month.add(Item::SecretRequests, renewals);
            month.add(Item::KeyRequests, renewals);
            let seconds = self.slowed_ms(&function, start_ms) / 1000.0;
            month.add(Item::GbSeconds, renewals * seconds * self.memory_mb(&function) / 1024.0);
        }
        Ok(())
    }

    fn keep_logs(&self, usage: &mut Usage) {
        let months = self.deployed.log_days / DAYS_OF_A_MONTH;
        usage.add(Item::LogGbMonths, usage.of(Item::LogGb) * self.prices.assumptions.log_compression * months);
    }
}
