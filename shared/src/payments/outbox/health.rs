//! Whether the channels answer, in one run over many payments.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::payments::payment::Channel;

/// After so many calls without an answer in a row a channel is taken for down.
const DOWN: u32 = 3;

/// One that is down is not called for the rest of the run, so that waiting for it takes no time from what can be done. A message that is
/// refused was answered.
#[derive(Debug, Default)]
pub struct ChannelHealth([AtomicU32; Channel::ALL.len()]);

impl ChannelHealth {
    fn unanswered(&self, channel: Channel) -> &AtomicU32 {
        let [payment_status, order_status, shop_events] = &self.0;
        match channel {
            Channel::PaymentStatus => payment_status,
            Channel::OrderStatus => order_status,
            Channel::ShopEvents => shop_events,
        }
    }

    /// Whether a channel is not to be called any more.
    #[must_use]
    pub fn is_down(&self, channel: Channel) -> bool {
        self.unanswered(channel).load(Ordering::Relaxed) >= DOWN
    }

    /// Notes whether a call was answered.
    pub(super) fn note(&self, channel: Channel, is_answered: bool) {
        let unanswered = self.unanswered(channel);
        if is_answered {
            unanswered.store(0, Ordering::Relaxed);
        } else {
            unanswered.fetch_add(1, Ordering::Relaxed);
        }
    }
}
