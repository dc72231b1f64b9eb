//! A person closes a message that IMSHOP refuses for good. The provider has nothing to say about it, so it is not asked.

use super::{Operated, ROUNDS, Settler};
use crate::payments::imshop::status::Channel;
use crate::payments::payment::{Payment, Refusal, Trigger};
use crate::platform::dynamodb::StoreError;

impl Settler {
    /// Closes message `number` of a payment's history to one of IMSHOP's addresses, for whoever holds the key `who`.
    pub async fn close_message(
        &self,
        payment: Payment,
        channel: Channel,
        number: usize,
        who: &str,
    ) -> Result<Operated, StoreError> {
        let mut payment = payment;
        for _ in 0..ROUNDS {
            let closed = match payment.clone().message_closed(channel, number, Trigger::BackOffice(who), self.clock.now()) {
                Ok(closed) => closed,
                Err(refusal) => return Ok(Operated::Forbidden(payment, refusal)),
            };
            match self.orders.save_payment(closed).await? {
                Some(saved) => return Ok(Operated::Done(saved)),
                None => payment = self.reread(payment).await?,
            }
        }
        Ok(Operated::Forbidden(payment, Refusal::InProgress("other requests")))
    }
}
