//! How far each channel is, as it is stored. Releases before 0.2 know two channels, which share their failures and their lease: both are
//! still written for them, and read where they have written after us.

use serde::{Deserialize, Serialize};

use crate::payments::payment::{Channel, ChannelState, EventReceipt, Outbox, Step};
use crate::platform::clock::Timestamp;

/// What releases before 0.2 know of IMSHOP's two addresses.
pub(super) struct Shared {
    pub(super) payment_status: usize,
    pub(super) order_status: usize,
    pub(super) failures: u32,
    pub(super) lease_until: Option<i64>,
}

/// What each channel has of its own.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct ChannelsRecord {
    #[serde(default)]
    payment_status: ChannelRecord,
    #[serde(default)]
    order_status: ChannelRecord,
    #[serde(default)]
    shop_events: ChannelRecord,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct ChannelRecord {
    /// Only the shop's: IMSHOP's two have attributes of their own, which are older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    done: Option<usize>,
    #[serde(default, skip_serializing_if = "is_zero")]
    failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_until: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failing_since: Option<i64>,
}

/// What became of an event.
#[derive(Serialize, Deserialize)]
pub(super) struct EventReceiptRecord {
    number: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    taken_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Shared {
    /// What an earlier release is to know.
    pub(super) fn of(outbox: &Outbox) -> Self {
        let imshop = Channel::IMSHOP.map(|channel| outbox.of(channel));
        Self {
            payment_status: outbox.payment_status.done,
            order_status: outbox.order_status.done,
            failures: imshop.iter().map(|delivery| delivery.failures).max().unwrap_or_default(),
            lease_until: imshop.iter().filter_map(|delivery| delivery.lease_until).max().map(Timestamp::millis),
        }
    }

    /// How far each channel is, given what a release that knows the channels has written of them, if one has.
    pub(super) fn outbox(self, channels: Option<ChannelsRecord>, receipts: Vec<EventReceiptRecord>, history: &[Step]) -> Outbox {
        let known = channels.unwrap_or_default();
        let own = [known.payment_status, known.order_status];
        let lease_until = own.iter().filter_map(|record| record.lease_until).max();
        let failures = own.iter().map(|record| record.failures).max().unwrap_or_default();
        // An earlier release that has written since knows neither apart.
        let is_ours = (self.lease_until, self.failures) == (lease_until, failures);
        let shared = ChannelRecord { failures: self.failures, lease_until: self.lease_until, ..ChannelRecord::default() };
        let waits = |done: usize| history.iter().any(|step| step.number > done && step.event.is_some());
        let imshop = |record: ChannelRecord, done| {
            let delivery = (if is_ours { record } else { shared }).delivery(done);
            // Failures of a message that the other release has delivered are over.
            if waits(done) { delivery } else { ChannelState { failures: 0, next_at: None, failing_since: None, ..delivery } }
        };
        // What IMSHOP knew before there were events is no news for the shop, and neither is what was none for IMSHOP.
        let known_to_imshop = || {
            let told = self.payment_status.min(self.order_status);
            if waits(told) { told } else { history.last().map_or(told, |step| step.number) }
        };
        let shop = known.shop_events;
        Outbox {
            payment_status: imshop(known.payment_status, self.payment_status),
            order_status: imshop(known.order_status, self.order_status),
            shop_events: shop.delivery(shop.done.unwrap_or_else(known_to_imshop)),
            receipts: receipts.into_iter().map(EventReceipt::from).collect(),
        }
    }
}

impl ChannelsRecord {
    pub(super) fn of(outbox: &Outbox) -> Self {
        Self {
            payment_status: ChannelRecord::of(outbox.payment_status),
            order_status: ChannelRecord::of(outbox.order_status),
            shop_events: ChannelRecord { done: Some(outbox.shop_events.done), ..ChannelRecord::of(outbox.shop_events) },
        }
    }
}

impl ChannelRecord {
    fn of(delivery: ChannelState) -> Self {
        let millis = |at: Option<Timestamp>| at.map(Timestamp::millis);
        Self {
            done: None,
            failures: delivery.failures,
            lease_until: millis(delivery.lease_until),
            next_at: millis(delivery.next_at),
            failing_since: millis(delivery.failing_since),
        }
    }

    fn delivery(self, done: usize) -> ChannelState {
        let at = |millis: Option<i64>| millis.map(Timestamp::from_millis);
        ChannelState {
            done,
            failures: self.failures,
            lease_until: at(self.lease_until),
            next_at: at(self.next_at),
            failing_since: at(self.failing_since),
        }
    }
}

impl From<&EventReceipt> for EventReceiptRecord {
    fn from(receipt: &EventReceipt) -> Self {
        let EventReceipt { number, taken_at, status, error } = receipt.clone();
        Self { number, taken_at: taken_at.map(Timestamp::millis), status, error }
    }
}

impl From<EventReceiptRecord> for EventReceipt {
    fn from(record: EventReceiptRecord) -> Self {
        let EventReceiptRecord { number, taken_at, status, error } = record;
        Self { number, taken_at: taken_at.map(Timestamp::from_millis), status, error }
    }
}
