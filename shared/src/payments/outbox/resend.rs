//! Resends one event to the shop, on a person's command.

use super::ROUNDS;
use crate::payments::payment::{Channel, ChannelState, EventReceipt, Payment};
use crate::payments::shop_events::{self, Answered, Client, EventBody, NotTaken};
use crate::payments::store::Orders;
use crate::platform::clock::{Clock, Deadline};
use crate::platform::dynamodb::StoreError;

/// The outcome of a resend.
#[derive(Debug)]
pub enum Resent {
    /// The payment has no such event.
    Unknown,
    /// The event of this number comes before it, and was not taken yet: the shop hears a payment's events in their order.
    NotItsTurn(usize),
    /// An event of the payment is being sent right now.
    InProgress,
    /// What the shop answered, and the payment with that written down.
    Sent(Result<Answered, NotTaken>, Box<Payment>),
}

/// Sends event `number` of a payment again, whether the shop has taken it or not. One that was waiting and is taken now is done.
pub async fn resend(
    orders: &Orders,
    shop: &Client,
    clock: &Clock,
    payment: Payment,
    number: usize,
    deadline: Deadline,
) -> Result<Resent, StoreError> {
    let channel = Channel::ShopEvents;
    let mut payment = payment;
    let mut rounds = 0;
    // No other request sends an event of this payment meanwhile.
    let leased = loop {
        if !payment.events().iter().any(|event| event.number == number) {
            return Ok(Resent::Unknown);
        }
        if let Some((next, _)) = payment.next_message(channel).filter(|(next, _)| *next < number) {
            return Ok(Resent::NotItsTurn(next));
        }
        let now = clock.now();
        if payment.outbox.of(channel).is_leased(now) || rounds == ROUNDS {
            return Ok(Resent::InProgress);
        }
        match orders.save_published(payment.clone().leased_for_publishing(&[channel], now)).await? {
            Some(leased) => break leased,
            None => payment = orders.payment(&payment.id).await?.unwrap_or(payment),
        }
        rounds += 1;
    };
    let sent = send(orders, shop, &leased, number, deadline).await;
    let taken = matches!(&sent, Ok(answered) if answered.is_taken());
    let receipt = EventReceipt {
        number,
        taken_at: taken.then(|| clock.now()),
        status: sent.as_ref().ok().map(|answered| answered.status),
        error: match &sent {
            Ok(answered) => answered.refusal(),
            Err(NotTaken { cause, .. }) => Some(cause.clone()),
        },
    };
    let mut payment = leased;
    for _ in 0..ROUNDS {
        let mut changed = payment.clone();
        let is_next = changed.next_message(channel).is_some_and(|(next, _)| next == number);
        let delivery = changed.outbox.of_mut(channel);
        *delivery = if taken && is_next { delivery.taken(number) } else { ChannelState { lease_until: None, ..*delivery } };
        changed.outbox.keep(receipt.clone());
        match orders.save_published(changed).await? {
            Some(saved) => return Ok(Resent::Sent(sent, Box::new(saved))),
            None => payment = orders.payment(&payment.id).await?.unwrap_or(payment),
        }
    }
    Err(StoreError::Failed { action: "UpdateItem", cause: "others kept writing the payment".to_owned() })
}

async fn send(
    orders: &Orders,
    shop: &Client,
    payment: &Payment,
    number: usize,
    deadline: Deadline,
) -> Result<Answered, NotTaken> {
    let not_sent = |cause: String| NotTaken { status: None, cause };
    let order = orders.order(&payment.order_uuid).await.map_err(|error| not_sent(error.to_string()))?;
    let event = payment.events().into_iter().find(|event| event.number == number);
    let event = event.ok_or_else(|| not_sent("there is no such event any more".to_owned()))?;
    shop.send(&shop_events::id(&payment.id, number), &EventBody::of(payment, order.as_ref(), &event), deadline).await
}
