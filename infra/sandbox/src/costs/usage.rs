//! What was used, in the units of the bill.

use std::collections::BTreeMap;

use super::prices::{Assumptions, Item};
use testkit::Used;

/// What was used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// How much of each.
    pub items: BTreeMap<Item, f64>,
    /// The functions' calls, by the names of their binaries.
    pub calls: BTreeMap<String, Calls>,
}

/// Calls of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calls {
    /// How many.
    pub count: f64,
    /// How long they waited for others, in milliseconds.
    pub waited_ms: f64,
}

/// One gigabyte as it is billed: of transfer, storage and logs.
const GB: f64 = 1024.0 * 1024.0 * 1024.0;

impl Usage {
    /// So much more of something.
    pub fn add(&mut self, item: Item, amount: f64) {
        *self.items.entry(item).or_default() += amount;
    }

    /// So many bytes more.
    pub fn add_bytes(&mut self, item: Item, bytes: f64) {
        self.add(item, bytes / GB);
    }

    /// So many times what `other` is; with -1 without it.
    pub fn add_times(&mut self, other: &Self, times: f64) {
        for (item, amount) in &other.items {
            self.add(*item, amount * times);
        }
        for (function, calls) in &other.calls {
            let sum = self.calls.entry(function.clone()).or_default();
            sum.count += calls.count * times;
            sum.waited_ms += calls.waited_ms * times;
        }
    }

    /// How much of something.
    #[must_use]
    pub fn of(&self, item: Item) -> f64 {
        self.items.get(&item).copied().unwrap_or_default()
    }

    /// What `calls` calls of a function have used, each with Lambda's own log lines.
    #[must_use]
    pub fn of_calls(function: &str, calls: f64, used: &Used, assumptions: &Assumptions) -> Self {
        let mut usage = Self::default();
        usage.add(Item::Invocations, calls);
        usage.add(Item::TableReads, used.reads);
        usage.add(Item::TableWrites, used.writes);
        usage.add(Item::QueueRequests, count(used.queue_requests));
        usage.add(Item::ObjectPuts, count(used.objects_put));
        usage.add(Item::ObjectGets, count(used.objects_got));
        usage.add_bytes(Item::LogGb, bytes(used.logged) + calls * assumptions.platform_log_bytes);
        usage.add_bytes(Item::TransferGb, bytes(used.sent));
        usage.calls.insert(function.to_owned(), Calls { count: calls, waited_ms: waited_ms(used, assumptions) });
        usage
    }
}

/// How long a function waited, if for one after the other.
fn waited_ms(used: &Used, assumptions: &Assumptions) -> f64 {
    let of = |system: &str| count(used.called.get(system).copied().unwrap_or_default());
    count(used.store_calls) * assumptions.dynamodb_ms
        + count(used.objects_put + used.objects_got) * assumptions.s3_ms
        + count(used.queue_requests) * assumptions.sqs_ms
        + of("mokka") * assumptions.mokka_ms
        + of("yookassa") * assumptions.yookassa_ms
        + of("smspro") * assumptions.smspro_ms
        + of("shop") * assumptions.shop_ms
        + of("imshop") * assumptions.imshop_ms
}

/// A number of requests: far below what a float counts exactly.
fn count(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

/// The same of bytes.
pub(super) fn bytes(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
