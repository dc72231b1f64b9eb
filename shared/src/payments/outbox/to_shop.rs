//! What the shop's own system hears of a payment.

use std::time::Duration;

use super::{ChannelHealth, OutboxRelay, Progress};
use crate::payments::payment::{Channel, Message, Order, Payment, Receipt, ShopEvent};
use crate::payments::shop_events::{self, Answered, EventBody, NotTaken};
use crate::platform::clock::{self, Deadline};
use crate::platform::dynamodb::StoreError;
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
        order: Option<&Order>,
        open: &[Channel],
        health: &ChannelHealth,
        deadline: Deadline,
    ) -> Result<Progress, StoreError> {
        let channel = Channel::ShopEvents;
        let mut progress = Progress::default();
        let Some(shop) = self.shop.as_ref().filter(|_| open.contains(&channel)) else { return Ok(progress) };
        let Some((step, Message::Event(event))) = payment.next_message(channel) else { return Ok(progress) };
        let result = if health.is_down(channel) {
            Err(NotTaken { status: None, cause: "it has not answered before".to_owned() })
        } else {
            let result = self.event(shop, payment, order, &event, deadline).await;
            health.note(channel, !matches!(result, Err(NotTaken { status: None, .. })));
            result
        };
        let now = self.clock.now();
        let (delivery, kind) = (payment.outbox.of(channel), event.kind.name());
        match result {
            Ok(answered) => {
                tracing::info!(payment_id = %payment.id, event = step, kind, "the shop was told");
                let fields = [(metrics::EVENT, kind), (metrics::PAYMENT, payment.id.as_str())];
                self.metrics.emit(&[(metrics::SHOP_EVENTS, 1)], &fields);
                progress.receipts.push(Receipt { number: step, taken_at: Some(now), status: Some(answered.status), error: None });
                progress.channels.push((channel, delivery.taken(step)));
            }
            Err(NotTaken { status, cause }) => {
                let age = now.since(event.at);
                // Only an event that was tried just now is given up.
                let is_given_up = age >= GIVEN_UP_AFTER && !health.is_down(channel);
                self.measure_waiting(payment, kind, age, is_given_up);
                if is_given_up {
                    tracing::error!(payment_id = %payment.id, event = step, kind, %cause, "an event for the shop is given up");
                    progress.channels.push((channel, delivery.taken(step)));
                } else {
                    let delivery = delivery.failed(now);
                    let failures = delivery.failures;
                    tracing::warn!(payment_id = %payment.id, event = step, kind, %cause, failures, "the shop was not told");
                    progress.channels.push((channel, delivery));
                    progress.closed.push(channel);
                }
                let error = if is_given_up { format!("given up after 14 days: {cause}") } else { cause };
                progress.receipts.push(Receipt { number: step, taken_at: None, status, error: Some(error) });
            }
        }
        Ok(progress)
    }

    fn measure_waiting(&self, payment: &Payment, kind: &'static str, age: Duration, is_given_up: bool) {
        let late = i64::from(age >= LATE_AFTER);
        let values = [
            (metrics::SHOP_EVENT_AGE, clock::seconds(age)),
            (metrics::SHOP_EVENTS_LATE, late),
            (metrics::SHOP_EVENTS_GIVEN_UP, i64::from(is_given_up)),
        ];
        let values: Vec<_> = values.into_iter().filter(|(_, value)| *value > 0).collect();
        self.metrics.emit(&values, &[(metrics::EVENT, kind), (metrics::PAYMENT, payment.id.as_str())]);
    }

    async fn event(
        &self,
        shop: &shop_events::Client,
        payment: &Payment,
        order: Option<&Order>,
        event: &ShopEvent,
        deadline: Deadline,
    ) -> Result<Answered, NotTaken> {
        let id = shop_events::id(&payment.id, event.number);
        let answered = shop.send(&id, &EventBody::of(payment, order, event), deadline).await?;
        match answered.refusal() {
            None => Ok(answered),
            Some(cause) => Err(NotTaken { status: Some(answered.status), cause }),
        }
    }
}
