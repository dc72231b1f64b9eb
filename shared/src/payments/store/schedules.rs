//! Plans of instalments as Mokka gave them, so that one instance's question answers all of them for the rest of the day:
//! `schedule#{store}#{day}#{amount}` in the table `quotes`. Anything there can be asked for again.

use serde::{Deserialize, Serialize};
use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::Quotes;
use crate::payments::instalments::{Due, Plan};
use crate::platform::clock::{Clock, MOSCOW, Timestamp};
use crate::platform::dynamodb::{Consistency, StoreError, Written};
use crate::platform::money::{Currency, Money};

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// The plans of today.
#[derive(Clone, Debug)]
pub struct Schedules {
    quotes: Quotes,
    clock: Clock,
    /// Mokka's number of the shop: another one has other tariffs.
    store: u64,
}

#[derive(Serialize, Deserialize)]
struct ScheduleRecord {
    plans: Vec<PlanRecord>,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct PlanRecord {
    term: u32,
    overpayment_minor: i64,
    payments: Vec<DueRecord>,
}

#[derive(Serialize, Deserialize)]
struct DueRecord {
    date: String,
    amount_minor: i64,
}

impl Schedules {
    /// The plans that this store of Mokka's has.
    #[must_use]
    pub fn new(quotes: Quotes, clock: Clock, store: u64) -> Self {
        Self { quotes, clock, store }
    }

    /// The day that it is at Mokka's.
    #[must_use]
    pub fn today(&self) -> Date {
        self.clock.now().utc().to_offset(MOSCOW).date()
    }

    /// What Mokka offered for this amount that day; nothing if it has not been asked.
    pub async fn get(&self, day: Date, amount: Money) -> Result<Option<Vec<Plan>>, StoreError> {
        let key = self.key(day, amount);
        let Some(record) = self.quotes.table.get_as::<ScheduleRecord>(&key, Consistency::Eventual).await? else {
            return Ok(None);
        };
        let plans: Option<_> = record.plans.into_iter().map(|plan| plan.read(amount.currency())).collect();
        plans.map(Some).ok_or_else(|| StoreError::Unreadable { key, cause: "an amount or a date in it".to_owned() })
    }

    /// Keeps what Mokka offered until the day is over. Who writes first is right.
    pub async fn save(&self, day: Date, amount: Money, plans: &[Plan]) -> Result<(), StoreError> {
        let midnight = day.midnight().assume_offset(MOSCOW).unix_timestamp();
        let expires_at = Timestamp::from_millis(midnight.saturating_mul(1000)).next_day(MOSCOW).seconds();
        let record = ScheduleRecord { plans: plans.iter().map(PlanRecord::of).collect(), expires_at };
        match self.quotes.table.put(&self.key(day, amount), 1, &record).await? {
            Written::Yes | Written::Conflict => Ok(()),
        }
    }

    fn key(&self, day: Date, amount: Money) -> String {
        format!("schedule#{}#{}#{amount}", self.store, iso(day))
    }
}

impl PlanRecord {
    fn of(plan: &Plan) -> Self {
        let payments = plan.payments.iter().map(|due| DueRecord { date: iso(due.date), amount_minor: due.amount.minor() });
        Self { term: plan.term, overpayment_minor: plan.overpayment.minor(), payments: payments.collect() }
    }

    fn read(self, currency: Currency) -> Option<Plan> {
        let money = |minor| Money::from_minor(minor, currency).ok();
        let due = |due: DueRecord| Some(Due { date: Date::parse(&due.date, DAY).ok()?, amount: money(due.amount_minor)? });
        let payments: Option<_> = self.payments.into_iter().map(due).collect();
        Some(Plan { term: self.term, overpayment: money(self.overpayment_minor)?, payments: payments? })
    }
}

fn iso(day: Date) -> String {
    day.format(DAY).unwrap_or_default()
}
