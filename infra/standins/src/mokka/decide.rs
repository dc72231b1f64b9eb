//! What the customer decides on an order, and the callback that says so.

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::callback::{self, Callback};
use super::key::Key;
use super::order::{Decision, MokkaOrder, MokkaStatus, PREPAYMENT_ON_FORM};
use super::readings::Reading;
use super::state::Mokka;
use crate::error::ControlError;
use crate::json::put_nulls;

/// What a decision on the form came to, and what our callback URL said to it.
#[derive(Clone, Debug, Serialize)]
pub struct Decided {
    pub order_id: String,
    /// Its status now.
    pub status: MokkaStatus,
    /// The HTTP statuses of the callbacks sent, in order; 0 where no answer came.
    pub callbacks: Vec<u16>,
}

/// What Checkout's callback has no need to say.
const OPTIONAL_IN_CALLBACK: [&str; 6] =
    ["prepayment_amount", "total_amount", "term", "client", "schedule", "monthly_overpayment"];
/// The phone of the person who confirms on a form that was made for another, with the reading `phone_on_form` = `another`.
const ANOTHER_PHONE: &str = "8880777777";

impl Mokka {
    /// The customer decides. An order decided before stays as it is; a limit that was set is honoured.
    fn decide_order(&self, order_id: &str, now: OffsetDateTime, decision: Decision) -> Result<MokkaOrder, ControlError> {
        let (late, another) = (self.readings.is_other(Reading::LateForm), self.readings.is_other(Reading::PhoneOnForm));
        let prepaying = self.readings.is_other(Reading::PrepaymentOnForm);
        let decided = self.with(order_id, now, |order| {
            if late && decision == Decision::Approved {
                order.reopen(now);
            }
            match (&order.status, order.decision) {
                (MokkaStatus::Pending, _) => match decision {
                    Decision::Declined => order.decline(Decision::Declined),
                    Decision::Approved => {
                        if another {
                            order.primary_phone = Some(ANOTHER_PHONE.to_owned());
                        }
                        if prepaying {
                            order.prepay(PREPAYMENT_ON_FORM);
                        }
                        let term = order.term_or_usual(&self.options.mokka_tariffs);
                        match order.primary_phone.as_deref().and_then(|phone| self.limits.set_for(phone)) {
                            Some(limit) => order.judge(limit, term),
                            None => order.hold(term),
                        }
                    }
                },
                (_, Some(_)) => {}
                (status, None) => {
                    return Err(ControlError::Undecidable { order_id: order_id.to_owned(), status: status.as_str().to_owned() });
                }
            }
            Ok(order.clone())
        });
        decided.unwrap_or_else(|| Err(ControlError::UnknownOrder(order_id.to_owned())))
    }

    /// See [`crate::StandIns::decide`].
    pub(crate) async fn decide(
        &self,
        order_id: &str,
        decision: Decision,
        callback: bool,
        times: u32,
    ) -> Result<Decided, ControlError> {
        check_times(times)?;
        let order = self.decide_order(order_id, self.clock.now(), decision)?;
        let times = if callback { times } else { 0 };
        let said = order.granted();
        self.call_back(order, said, times).await
    }

    /// See [`crate::StandIns::send_callback`].
    pub(crate) async fn contradict(&self, order_id: &str, decision: Decision, times: u32) -> Result<Decided, ControlError> {
        check_times(times)?;
        let order = self.order(order_id, self.clock.now()).ok_or_else(|| ControlError::UnknownOrder(order_id.to_owned()))?;
        self.call_back(order, decision, times).await
    }

    /// See [`crate::StandIns::mokka_callback`].
    pub(crate) fn callback(&self, order_id: &str, said: Decision) -> Option<Value> {
        let order = self.order(order_id, self.clock.now())?;
        self.body(&order, said).ok()
    }

    /// A callback with what Mokka says in it, and nothing in the place of what it has no need to say.
    fn body(&self, order: &MokkaOrder, said: Decision) -> serde_json::Result<Value> {
        let mut content = serde_json::to_value(self.content(order, said))?;
        if self.readings.is_other(Reading::OptionalFields) {
            put_nulls(&mut content, &OPTIONAL_IN_CALLBACK);
        }
        Ok(content)
    }

    fn content<'a>(&self, order: &'a MokkaOrder, said: Decision) -> Callback<'a> {
        let with_prepayment = self.readings.is_other(Reading::PrepaidAmount);
        callback::content(order, said, with_prepayment, &self.options.mokka_tariffs, self.clock.now())
    }

    /// Sends the Checkout callback one after the other, and notes the answers with the order.
    pub(super) async fn call_back(&self, order: MokkaOrder, said: Decision, times: u32) -> Result<Decided, ControlError> {
        let key = self.options.sign_callbacks.then(|| Key::of_orders(&self.options));
        let mut callbacks = Vec::new();
        for _ in 0..times {
            let answer = if self.readings.is_other(Reading::OptionalFields) {
                let body = self.body(&order, said).map_err(|error| ControlError::Request(error.to_string()))?;
                self.caller.post(&order.callback_url, &body, key).await?
            } else {
                self.caller.post(&order.callback_url, &self.content(&order, said), key).await?
            };
            self.known(&order.order_id, |order| order.callbacks.push(answer))?;
            callbacks.push(answer);
        }
        Ok(Decided { order_id: order.order_id, status: order.status, callbacks })
    }
}

pub(super) fn check_times(times: u32) -> Result<(), ControlError> {
    if (1..=100).contains(&times) { Ok(()) } else { Err(ControlError::field("times", "must be 1 to 100")) }
}
