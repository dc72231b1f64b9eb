//! The channel to the shop's own system: its next event, and when one is given up.

use std::time::Duration;

use super::{ChannelHealth, OutboxRelay, Progress};
use crate::payments::payment::{Channel, EventReceipt, Message, Payment, ShopEvent};
use crate::payments::shop_events::{self, Answered, EventBody, NotTaken};
use crate::platform::clock::{self, Deadline};
use crate::platform::metrics;

/// After so long an event that the shop has not taken is given up.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(14 * 24);
/// After so long an event that the shop has not taken is late.
const LATE_AFTER: Duration = Duration::from_hours(1);

impl OutboxRelay {
    /// Sends its next event to the shop, if that channel is open.
    pub(super) async fn send_event(
        &self,
        payment: &Payment,
        open: &[Channel],
        health: &ChannelHealth,
        deadline: Deadline,
    ) -> Progress {
        let channel = Channel::ShopEvents;
        let mut progress = Progress::default();
        let Some(shop) = self.shop.as_ref().filter(|_| open.contains(&channel)) else { return progress };
        let Some((step, Message::Event(event))) = payment.next_message(channel) else { return progress };
        let is_tried = !health.is_down(channel);
        let result = if is_tried {
            let result = self.event(shop, payment, &event, deadline).await;
            // A server that only says that something is wrong with it is down as well, and may take its time to say so.
            let is_answered = result.as_ref().map_or_else(NotTaken::is_about_the_event, |_| true);
            health.note(channel, is_answered);
            result
        } else {
            Err(NotTaken { status: None, cause: "it has not answered before".to_owned() })
        };
        let now = self.clock.now();
        let (delivery, kind) = (payment.outbox.of(channel), event.kind.name());
        match result {
            Ok(answered) => {
                tracing::info!(payment_id = %payment.id, event = step, kind, "event published to the shop");
                let fields = [(metrics::EVENT, kind), (metrics::PAYMENT, payment.id.as_str())];
                self.metrics.emit(&[(metrics::SHOP_EVENTS, 1)], &fields);
                progress.receipts.push(EventReceipt {
                    number: step,
                    taken_at: Some(now),
                    status: Some(answered.status),
                    error: None,
                });
                progress.channels.push((channel, delivery.taken(step)));
            }
            Err(NotTaken { status, cause }) => {
                let tried_for = delivery.failing_since.map_or(Duration::ZERO, |since| now.since(since));
                let is_given_up = is_tried && tried_for >= GIVEN_UP_AFTER;
                self.measure_waiting(payment, kind, now.since(event.at), is_given_up);
                let error = if is_given_up {
                    tracing::error!(payment_id = %payment.id, event = step, kind, %cause, "an event for the shop is given up");
                    progress.channels.push((channel, delivery.taken(step)));
                    format!("given up after 14 days: {cause}")
                } else {
                    let delivery = delivery.failed(now);
                    let failures = delivery.failures;
                    tracing::warn!(payment_id = %payment.id, event = step, kind, %cause, failures, "the shop did not take an event");
                    progress.channels.push((channel, delivery));
                    progress.closed.push(channel);
                    cause
                };
                // What it answered when it was asked says more than that it was not asked now.
                let known = payment.outbox.receipt(step).filter(|_| !is_tried).cloned();
                progress.receipts.push(known.unwrap_or(EventReceipt {
                    number: step,
                    taken_at: None,
                    status,
                    error: Some(error),
                }));
            }
        }
        progress
    }

    fn measure_waiting(&self, payment: &Payment, kind: &'static str, age: Duration, is_given_up: bool) {
        let values = [
            (metrics::SHOP_EVENT_AGE, clock::seconds(age)),
            (metrics::SHOP_EVENTS_LATE, i64::from(age >= LATE_AFTER)),
            (metrics::SHOP_EVENTS_GIVEN_UP, i64::from(is_given_up)),
        ];
        let values: Vec<_> = values.into_iter().filter(|(_, value)| *value > 0).collect();
        self.metrics.emit(&values, &[(metrics::EVENT, kind), (metrics::PAYMENT, payment.id.as_str())]);
    }

    async fn event(
        &self,
        shop: &shop_events::Client,
        payment: &Payment,
        event: &ShopEvent,
        deadline: Deadline,
    ) -> Result<Answered, NotTaken> {
        let order = self.orders.order(&payment.order_uuid).await.map_err(|error| {
            tracing::error!(payment_id = %payment.id, cause = %error, "the order of an event cannot be read");
            NotTaken { status: None, cause: "the order cannot be read".to_owned() }
        })?;
        let id = shop_events::id(&payment.id, event.number);
        let answered = shop.send(&id, &EventBody::of(payment, order.as_ref(), event), deadline).await?;
        match answered.refusal() {
            None => Ok(answered),
            Some(cause) => Err(NotTaken { status: Some(answered.status), cause }),
        }
    }
}
