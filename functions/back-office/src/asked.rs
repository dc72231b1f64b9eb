//! A request of an authorised caller, and what every route needs of it.

use shared::payments::payment::{Limit, Payment};
use shared::platform::clock::Timestamp;
use shared::platform::http::{Failure, Inbound, on_payment};
use shared::platform::ids::PaymentId;
use shared::platform::phone::Phone;
use shared::platform::secret::Purpose;

use crate::Deps;

/// A request of an authorised caller.
pub(crate) struct Asked<'a> {
    pub(crate) deps: &'a Deps,
    pub(crate) inbound: &'a Inbound,
    /// The name of the key.
    pub(crate) who: &'a str,
    /// How much its holder may give back alone in a day.
    pub(crate) limit: Option<Limit>,
    /// What is asked for, as logs have it.
    pub(crate) action: &'static str,
}

impl Asked<'_> {
    /// The line of the audit trail for what is only looked at: who was shown how much of what.
    pub(crate) fn shown(&self, of: &str, entries: usize) {
        tracing::info!(who = self.who, action = self.action, of, entries, "shown");
    }

    /// The time of this answer.
    pub(crate) fn now(&self) -> Timestamp {
        self.deps.settler.clock.now()
    }

    /// Whom it is about, in answers and in the audit trail: who has the number can prove that it is meant, and it is not revealed there.
    pub(crate) fn digest(&self, phone: &Phone) -> String {
        self.deps.internal.digest(Purpose::Audit, &[phone.digits()])
    }

    /// The payment that the path names.
    pub(crate) async fn payment(&self, id: &str) -> Result<Payment, Failure> {
        let id = PaymentId::parse(id).map_err(|_| Failure::not_found())?;
        let payment = self.deps.settler.orders.payment(&id).await.map_err(Failure::internal)?;
        on_payment(&id);
        payment.ok_or_else(Failure::not_found)
    }
}
