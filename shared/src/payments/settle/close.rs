//! A person closes a message that IMSHOP refuses for good. The provider has nothing to say about it, so it is not asked.

use super::{CommandOutcome, ROUNDS, Settler};
use crate::payments::payment::{Channel, CommandRefusal, Payment, Trigger};
use crate::platform::dynamodb::StoreError;

impl Settler {
    /// Closes message `number` of a payment's history to one of IMSHOP's addresses, for the holder of the key `who`.
    pub async fn close_message(
        &self,
        payment: Payment,
        channel: Channel,
        number: usize,
        who: &str,
    ) -> Result<CommandOutcome, StoreError> {
        let mut payment = payment;
        for _ in 0..ROUNDS {
            let closed = match payment.clone().message_closed(channel, number, Trigger::BackOffice(who), self.clock.now()) {
                Ok(closed) => closed,
                Err(refusal) => return Ok(CommandOutcome::Forbidden(payment, refusal)),
            };
            match self.orders.save_payment(closed).await? {
                Some(saved) => return Ok(CommandOutcome::Done(saved)),
                None => payment = self.reread(payment).await?,
            }
        }
        Ok(CommandOutcome::Forbidden(payment, CommandRefusal::InProgress("other requests")))
    }
}
