//! Mokka API Factoring: orders that a customer decides on a form, and the shop finalises, changes, cancels or returns.
//!
//! One file per method: [`registration`], [`limit`], [`checkout`], [`schedule`], [`status`], [`change`], [`cancel`],
//! [`finish`], [`refund`] (Return). What every method checks first is in [`envelope`], how fields are read in [`fields`],
//! the error table in [`code`], what an amount costs in [`tariff`], the customer's pages in [`form`] and [`page`].
//!
//! Where the document leaves a choice:
//! - a wrong content type or an unreadable multipart body is 10, a wrong optional field or an unknown field is 100 (the
//!   header `x-stand-in-note` says which), and so is a wrong field that has no code of its own;
//! - Checkout of an order whose hold has expired is 23, of any other decided and not held order 22; of a hold that named
//!   another phone before, 70;
//! - Finish of a `pending` order is 100: nobody has agreed to pay yet; Cancel of anything but a hold is 81; Change of
//!   what has expired is 23, of anything else but a pending order or a hold 82;
//! - Return of anything but a finished order, of more than is left, or of a part on the day of the finalisation is 100;
//! - an amount that the tariff of the wanted term does not take is 33 even if another tariff would;
//! - Registration has order ids of its own: none of the other methods knows them, and once decided one is 22.

mod callback;
mod caller;
mod cancel;
mod cart;
mod change;
mod checkout;
pub(crate) mod code;
mod customer;
mod envelope;
mod fields;
mod finish;
pub(crate) mod form;
mod key;
mod lenient;
mod limit;
mod order;
mod page;
mod readings;
mod refund;
mod registration;
mod schedule;
mod status;
mod tariff;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::answer::Answer;
use crate::error::ControlError;
use crate::money::Kopecks;
use crate::options::Options;
use crate::request::Request;
use crate::system::System;
use crate::world::{World, locked};

use crate::readings::Readings;
use caller::Caller;
use key::Key;
use limit::Limits;

pub use limit::LimitStatus;
pub use order::{Decision, MokkaOrder, MokkaReturn, MokkaStatus};
pub(crate) use readings::Reading;
pub use registration::{DecidedRegistration, MokkaRegistration};

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

/// What Status and Change have no need to say.
const OPTIONAL: [&str; 5] = ["message", "expired", "decision", "term", "schedule"];
/// What Checkout's callback has no need to say.
const OPTIONAL_IN_CALLBACK: [&str; 6] =
    ["prepayment_amount", "total_amount", "term", "client", "schedule", "monthly_overpayment"];
/// The phone of whoever confirms on a form that was made for another, with the reading `phone_on_form` = `another`.
const ANOTHER_PHONE: &str = "8880777777";

/// What customers choose to prepay on the form, with the reading `prepayment_on_form` = `thousand`.
const PREPAYMENT_ON_FORM: Kopecks = Kopecks(100_000);

/// What Mokka knows. Of two locks, that of orders or registrations is taken first.
#[derive(Default)]
pub(crate) struct Mokka {
    orders: Mutex<BTreeMap<String, MokkaOrder>>,
    registrations: Mutex<BTreeMap<String, MokkaRegistration>>,
    forms: Forms,
    limits: Limits,
    caller: Caller,
    pub(crate) readings: Readings<Reading>,
}

/// What a form is for.
#[derive(Clone)]
enum Form {
    /// The order of that id.
    Order(String),
    /// The registration of that id.
    Registration(String),
}

/// The open forms by the token in their address.
#[derive(Default)]
struct Forms(Mutex<HashMap<String, Form>>);

impl Forms {
    fn open(&self, token: &str, form: Form) {
        locked(&self.0).insert(token.to_owned(), form);
    }

    /// The form gets another address; the old one is dead.
    fn replace(&self, old: &str, new: &str) {
        let mut forms = locked(&self.0);
        if let Some(form) = forms.remove(old) {
            forms.insert(new.to_owned(), form);
        }
    }

    fn find(&self, token: &str) -> Option<Form> {
        locked(&self.0).get(token).cloned()
    }
}

/// Answers one of the nine methods.
pub(crate) fn handle(world: &World, method: &str, request: &Request) -> Answer {
    let answer = match method {
        "registration" => registration::handle(world, request),
        "limit" => limit::handle(world, request),
        "checkout" => checkout::handle(world, request),
        "schedule" => schedule::handle(world, request),
        "status" => status::handle(world, request),
        "change" => change::handle(world, request),
        "cancel" => cancel::handle(world, request),
        "finish" => finish::handle(world, request),
        "return" => refund::handle(world, request),
        // The routes name no other.
        _ => Err(Refusal::new(code::CANNOT_PROCESS, format!("there is no method `{method}`"))),
    };
    let answer = match answer {
        Ok(answer) => request.remarks.of(answer),
        Err(refusal) => fail(method, refusal.code).noted(refusal.note),
    };
    let answer = if world.mokka.readings.is_other(Reading::OptionalFields) {
        answer.with_nulls(if method == "status" || method == "change" { &OPTIONAL } else { &["message"] })
    } else {
        answer
    };
    if world.mokka.readings.is_other(Reading::ContentType) { answer.called_html() } else { answer }
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

/// The order id is one that Mokka has never seen.
fn unknown_order() -> Refusal {
    Refusal::new(code::ORDER_NOT_FOUND, "no Checkout has created it")
}

impl Mokka {
    /// Whether Finish and Change name the amount of an order with what is prepaid.
    fn commands_with_prepayment(&self) -> bool {
        self.readings.is_other(Reading::PrepaidAmount) != self.readings.is_other(Reading::PrepaidCommands)
    }

    /// Runs `change` on an order as it stands now; `None` if there is no such order.
    fn with<T>(&self, order_id: &str, now: OffsetDateTime, change: impl FnOnce(&mut MokkaOrder) -> T) -> Option<T> {
        let mut orders = locked(&self.orders);
        let order = orders.get_mut(order_id)?;
        order.refresh(now);
        Some(change(order))
    }

    /// See [`crate::StandIns::set_mokka_limit`].
    pub(crate) fn set_limit(&self, phone: &str, limit: &str, status: LimitStatus) -> Result<(), ControlError> {
        self.limits.set(phone, limit, status)
    }

    pub(crate) fn limits(&self) -> Vec<Value> {
        self.limits.shown()
    }

    pub(crate) fn order(&self, order_id: &str, now: OffsetDateTime) -> Option<MokkaOrder> {
        self.with(order_id, now, |order| order.clone())
    }

    pub(crate) fn orders(&self, now: OffsetDateTime) -> Vec<MokkaOrder> {
        let mut orders = locked(&self.orders);
        orders.values_mut().for_each(|order| order.refresh(now));
        orders.values().cloned().collect()
    }

    pub(crate) fn set_status(
        &self,
        order_id: &str,
        status: MokkaStatus,
        options: &Options,
        now: OffsetDateTime,
    ) -> Result<(), ControlError> {
        self.known(order_id, |order| order.put(status, &options.mokka_tariffs, now))
    }

    pub(crate) fn set_amount(&self, order_id: &str, amount: String) -> Result<(), ControlError> {
        self.known(order_id, |order| order.amount = amount)
    }

    /// The shop's people give money back in Mokka's cabinet.
    pub(crate) fn give_back(&self, order_id: &str, amount: &str, now: OffsetDateTime) -> Result<(), ControlError> {
        let amount = Kopecks::lenient(amount).ok_or_else(|| ControlError::field("amount", "must be rubles, such as 300.00"))?;
        let returned = self.with(order_id, now, |order| refund::apply(order, amount, now));
        let returned = returned.ok_or_else(|| ControlError::UnknownOrder(order_id.to_owned()))?;
        returned.map(drop).map_err(|refusal| ControlError::field("amount", refusal.note))
    }

    fn known(&self, order_id: &str, change: impl FnOnce(&mut MokkaOrder)) -> Result<(), ControlError> {
        let mut orders = locked(&self.orders);
        let order = orders.get_mut(order_id).ok_or_else(|| ControlError::UnknownOrder(order_id.to_owned()))?;
        change(order);
        Ok(())
    }

    /// The customer decides. An order decided before stays as it is; a limit that was set is honoured.
    fn decide(
        &self,
        order_id: &str,
        options: &Options,
        now: OffsetDateTime,
        decision: Decision,
    ) -> Result<MokkaOrder, ControlError> {
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
                        let term = order.term_or_usual(&options.mokka_tariffs);
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
        let order = self.mokka.decide(order_id, &self.options, self.clock.now(), decision)?;
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
        let key = self.options.sign_callbacks.then(|| Key::of_orders(&self.options));
        let mut callbacks = Vec::new();
        for _ in 0..times {
            let with_prepayment = self.mokka.readings.is_other(Reading::PrepaidAmount);
            let content = callback::content(&order, said, with_prepayment, &self.options.mokka_tariffs, self.clock.now());
            let answer = if self.mokka.readings.is_other(Reading::OptionalFields) {
                let mut content = serde_json::to_value(content).map_err(|error| ControlError::Request(error.to_string()))?;
                crate::json::put_nulls(&mut content, &OPTIONAL_IN_CALLBACK);
                self.mokka.caller.post(&order.callback_url, &content, key).await?
            } else {
                self.mokka.caller.post(&order.callback_url, &content, key).await?
            };
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
