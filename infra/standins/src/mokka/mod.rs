//! Mokka API Factoring: orders that a customer decides on a form, and the shop finalises or cancels.
//!
//! One file per method ([`checkout`], [`status`], [`cancel`], [`finish`]); the others answer 404 until they exist. What
//! every method checks first is in [`envelope`], how fields are read in [`fields`], the error table in [`code`].
//!
//! Where the document leaves a choice:
//! - a wrong content type or an unreadable multipart body is 10, a wrong optional field or an unknown field is 100 (the
//!   header `x-stand-in-note` says which);
//! - Checkout of an order whose hold has expired is 23, of any other decided and not held order 22;
//! - Finish of a `pending` order is 100: nobody has agreed to pay yet; Cancel of anything but a hold is 81.

mod callback;
mod cancel;
mod checkout;
pub(crate) mod code;
mod envelope;
mod fields;
mod finish;
pub(crate) mod form;
mod order;
mod page;
mod status;

use std::collections::BTreeMap;
use std::sync::Mutex;

use hyper::StatusCode;
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;

use crate::answer::Answer;
use crate::error::ControlError;
use crate::options::Options;
use crate::request::Request;
use crate::system::System;
use crate::world::{World, locked};

pub use order::{Decision, MokkaOrder, MokkaStatus};

/// A business error: HTTP 200 with a status other than 0 (Mokka, "Коды ошибок").
#[derive(Debug)]
pub(crate) struct Refusal {
    code: u16,
    note: String,
}

impl Refusal {
    fn new(code: u16, note: impl Into<String>) -> Self {
        Self { code, note: note.into() }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        business(refusal.code).noted(refusal.note)
    }
}

/// What a decision on the form came to, and what our callback URL said to it.
#[derive(Clone, Debug, Serialize)]
pub struct Decided {
    /// The order.
    pub order_id: String,
    /// Its status now.
    pub status: MokkaStatus,
    /// The HTTP statuses of the callbacks sent, in order; 0 where no answer came.
    pub callbacks: Vec<u16>,
}

/// Mokka's orders by id.
#[derive(Default)]
pub(crate) struct Mokka {
    orders: Mutex<BTreeMap<String, MokkaOrder>>,
}

/// Answers one of the nine methods.
pub(crate) fn handle(world: &World, method: &str, request: &Request) -> Answer {
    let answer = match method {
        "checkout" => checkout::handle(world, request),
        "status" => status::handle(world, request),
        "cancel" => cancel::handle(world, request),
        "finish" => finish::handle(world, request),
        _ => {
            let problem = format!("the simulated Mokka does not speak `{method}` yet");
            return Answer::error(StatusCode::NOT_FOUND, problem);
        }
    };
    answer.unwrap_or_else(Answer::from)
}

/// A failure in the shape of `method`: Limit nests its status (Mokka, "Limit").
pub(crate) fn fail(method: &str, status: u16) -> Answer {
    if method == "limit" {
        let meta = json!({ "status": status, "message": code::message(status) });
        return Answer::ok(&json!({ "meta": meta, "client": null }));
    }
    business(status)
}

fn business(status: u16) -> Answer {
    Answer::ok(&json!({ "status": status, "message": code::message(status) }))
}

impl Mokka {
    /// Runs `change` on an order as it stands now; `None` if there is no such order.
    fn with<T>(&self, order_id: &str, now: OffsetDateTime, change: impl FnOnce(&mut MokkaOrder) -> T) -> Option<T> {
        let mut orders = locked(&self.orders);
        let order = orders.get_mut(order_id)?;
        order.refresh(now);
        Some(change(order))
    }

    /// The id of the order whose form has this token.
    fn order_of_form(&self, token: &str) -> Option<String> {
        locked(&self.orders).values().find(|order| order.form_token == token).map(|order| order.order_id.clone())
    }

    pub(crate) fn order(&self, order_id: &str, now: OffsetDateTime) -> Option<MokkaOrder> {
        self.with(order_id, now, |order| order.clone())
    }

    pub(crate) fn orders(&self, now: OffsetDateTime) -> Vec<MokkaOrder> {
        let mut orders = locked(&self.orders);
        orders.values_mut().for_each(|order| order.refresh(now));
        orders.values().cloned().collect()
    }

    pub(crate) fn set_status(&self, order_id: &str, status: MokkaStatus) -> Result<(), ControlError> {
        self.known(order_id, |order| order.put(status))
    }

    pub(crate) fn set_amount(&self, order_id: &str, amount: String) -> Result<(), ControlError> {
        self.known(order_id, |order| order.amount = amount)
    }

    fn known(&self, order_id: &str, change: impl FnOnce(&mut MokkaOrder)) -> Result<(), ControlError> {
        let mut orders = locked(&self.orders);
        let order = orders.get_mut(order_id).ok_or_else(|| ControlError::UnknownOrder(order_id.to_owned()))?;
        change(order);
        Ok(())
    }

    /// The customer decides. An order decided before stays as it is.
    fn decide(&self, order_id: &str, now: OffsetDateTime, decision: Decision) -> Result<MokkaOrder, ControlError> {
        let decided = self.with(order_id, now, |order| {
            match (&order.status, order.decision) {
                (MokkaStatus::Pending, _) => order.decide(decision, None),
                (_, Some(_)) => {}
                (status, None) => {
                    return Err(ControlError::Undecidable { order_id: order_id.to_owned(), status: status.as_str().to_owned() });
                }
            }
            Ok(order.clone())
        });
        decided.unwrap_or_else(|| Err(ControlError::UnknownOrder(order_id.to_owned())))
    }
}

impl World {
    /// See [`crate::StandIns::decide`].
    pub(crate) async fn decide(
        &self,
        order_id: &str,
        decision: Decision,
        callback: bool,
        times: u32,
    ) -> Result<Decided, ControlError> {
        check_times(times)?;
        let order = self.mokka.decide(order_id, self.clock.now(), decision)?;
        let times = if callback { times } else { 0 };
        let said = order.granted();
        self.call_back(order, said, times).await
    }

    /// See [`crate::StandIns::send_callback`].
    pub(crate) async fn contradict(&self, order_id: &str, decision: Decision, times: u32) -> Result<Decided, ControlError> {
        check_times(times)?;
        let order =
            self.mokka.order(order_id, self.clock.now()).ok_or_else(|| ControlError::UnknownOrder(order_id.to_owned()))?;
        self.call_back(order, decision, times).await
    }

    /// Sends the Checkout callback one after the other, and notes the answers with the order.
    async fn call_back(&self, order: MokkaOrder, said: Decision, times: u32) -> Result<Decided, ControlError> {
        let mut callbacks = Vec::new();
        for _ in 0..times {
            let answer = callback::send(&self.options, &order, said, self.clock.now()).await?;
            self.mokka.known(&order.order_id, |order| order.callbacks.push(answer))?;
            callbacks.push(answer);
        }
        Ok(Decided { order_id: order.order_id, status: order.status, callbacks })
    }
}

fn check_times(times: u32) -> Result<(), ControlError> {
    if (1..=100).contains(&times) { Ok(()) } else { Err(ControlError::field("times", "must be 1 to 100")) }
}

/// The form's address.
fn form_url(world: &World, token: &str) -> String {
    format!("{}/{}/form/{token}", world.base_url(), System::Mokka)
}

/// The signature over `body` in the configured order (Mokka, "Принцип формирования цифровой подписи").
fn signature(options: &Options, body: &[u8]) -> String {
    use sha1::{Digest as _, Sha1};

    let secret = options.mokka_secret.as_bytes();
    let (first, second) = match options.mokka_signature {
        crate::options::SignatureOrder::BodySecret => (body, secret),
        crate::options::SignatureOrder::SecretBody => (secret, body),
    };
    hex::encode(Sha1::new().chain_update(first).chain_update(second).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::SignatureOrder;

    /// Two digests of the document itself, one in each order.
    #[test]
    fn signs_as_the_document_does() {
        let mut options = Options { mokka_secret: "9fff8c602b08b00323567be0001480f6".to_owned(), ..Options::default() };
        let body = br#"{"order_id": "FACTPRECHR152632", "amount": "8300.00"}"#;
        assert_eq!(signature(&options, body), "cbfb21630cd585f59c3a50fc3365d8c26b97cd4e");
        options.mokka_signature = SignatureOrder::SecretBody;
        let body = br#"{"callback_url":"https://shop.ru/revo/decision","redirect_url":"https://shop.ru/revo/redirect","primary_phone":"9268180621","primary_email":"ivan@gmail.com","current_order":{"order_id":"R001233"}}"#;
        assert_eq!(signature(&options, body), "347e8cff27d30b5200c8b32def4365ebbf4270d0");
    }
}
