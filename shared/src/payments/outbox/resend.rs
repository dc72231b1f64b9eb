//! An event is sent to the shop again because a person asks for it.

use super::ROUNDS;
use crate::payments::payment::{Channel, Payment, Receipt};
use crate::payments::shop_events::{self, Answered, Client, EventBody, NotTaken};
use crate::payments::store::Orders;
use crate::platform::clock::{Clock, Deadline};
use crate::platform::dynamodb::StoreError;

/// What came of sending an event again.
#[derive(Debug)]
pub enum Resent {
    /// The payment has no such event.
    Unknown,
    /// What the shop answered, and the payment with that written down.
    Sent(Result<Answered, NotTaken>, Payment),
}

/// Sends event `number` of a payment again, whether the shop has taken it or not. One that was waiting and is taken now is done; the
/// order of the others does not change.
pub async fn resend(
    orders: &Orders,
    shop: &Client,
    clock: &Clock,
    payment: Payment,
    number: usize,
    deadline: Deadline,
) -> Result<Resent, StoreError> {
    let Some(event) = payment.events().into_iter().find(|event| event.number == number) else { return Ok(Resent::Unknown) };
    let order = orders.order(&payment.order_uuid).await?;
    let id = shop_events::id(&payment.id, number);
    let sent = shop.send(&id, &EventBody::of(&payment, order.as_ref(), &event), deadline).await;
    let taken = matches!(&sent, Ok(answered) if answered.is_taken());
    let receipt = Receipt {
        number,
        taken_at: taken.then(|| clock.now()),
        status: sent.as_ref().ok().map(|answered| answered.status),
        error: match &sent {
            Ok(answered) => answered.refusal(),
            Err(NotTaken { cause, .. }) => Some(cause.clone()),
        },
    };
    let mut payment = payment;
    for _ in 0..ROUNDS {
        let mut changed = payment.clone();
        let is_next = changed.next_message(Channel::ShopEvents).is_some_and(|(next, _)| next == number);
        if taken && is_next {
            changed.outbox.shop_events = changed.outbox.shop_events.taken(number);
        }
        changed.outbox.keep(receipt.clone());
        match orders.save_payment(changed).await? {
            Some(saved) => return Ok(Resent::Sent(sent, saved)),
            None => payment = orders.payment(&payment.id).await?.unwrap_or(payment),
        }
    }
    Err(StoreError::Failed { action: "UpdateItem", cause: "others kept writing the payment".to_owned() })
}
