//! Registration: a limit without an order, through a form of its own (Mokka, "Registration").
//!
//! Its order ids are its own: they only tell callbacks apart. As long as the customer has not decided, a Registration may
//! be sent again; everything about it is replaced and the old form's address dies.

use serde::Serialize;
use serde_json::json;

use super::callback::SAMPLE_PHONE;
use super::decide::check_times;
use super::fields::Fields;
use super::key::Key;
use super::order::Decision;
use super::refusal::MokkaRefusal;
use super::registered::{DecidedRegistration, MokkaRegistration};
use super::state::{Form, Mokka};
use super::{code, customer, envelope};
use crate::answer::Answer;
use crate::error::ControlError;
use crate::locked::locked;
use crate::money::Kopecks;
use crate::random;
use crate::request::Request;

/// What is sent to `callback_url`. The table says ten digits of the phone, and clients go by it; the sample has eleven.
#[derive(Serialize)]
struct Callback<'a> {
    order_id: &'a str,
    decision: Decision,
    amount: &'a str,
    mobile_phone: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

/// Answers the method.
pub(super) fn handle(mokka: &Mokka, request: &Request) -> Result<Answer, MokkaRefusal> {
    let body = envelope::json(Key::of_limits(&mokka.options), request)?;
    let fields = Fields::root(
        &body,
        &["callback_url", "redirect_url", "primary_phone", "primary_email", "current_order", "person", "additional_data"],
    )?;
    let order = fields
        .object("current_order", &["order_id"])?
        .ok_or_else(|| MokkaRefusal::new(code::ORDER_ID_MISSING, "current_order.order_id"))?;
    let order_id = envelope::order_id(&order)?;
    let callback_url = fields.url("callback_url", code::CALLBACK_URL)?;
    let redirect_url = fields.url("redirect_url", code::REDIRECT_URL)?;
    customer::person(&fields)?;
    customer::check_additional(&fields)?;
    let form_token = random::token();
    let form_url = mokka.form_url(&form_token);
    let wanted = MokkaRegistration {
        order_id: order_id.to_owned(),
        decision: None,
        amount: Kopecks(0).to_string(),
        registrations: 1,
        callbacks: Vec::new(),
        callback_url,
        redirect_url,
        form_token,
        form_url: form_url.clone(),
        primary_phone: fields.phone("primary_phone")?.map(str::to_owned),
        primary_email: fields.email("primary_email")?.map(str::to_owned),
    };
    mokka.register(wanted)?;
    Ok(Answer::ok(&json!({ "status": 0, "message": code::message(0), "iframe_url": form_url })))
}

impl Mokka {
    fn register(&self, mut wanted: MokkaRegistration) -> Result<(), MokkaRefusal> {
        let mut registrations = locked(&self.registrations);
        if let Some(known) = registrations.get_mut(&wanted.order_id) {
            if known.decision.is_some() {
                return Err(MokkaRefusal::new(code::ORDER_EXISTS, "its form has been filled in"));
            }
            wanted.registrations += known.registrations;
            wanted.callbacks = std::mem::take(&mut known.callbacks);
            self.forms.replace(&known.form_token, &wanted.form_token);
            *known = wanted;
        } else {
            self.forms.open(&wanted.form_token, Form::Registration(wanted.order_id.clone()));
            registrations.insert(wanted.order_id.clone(), wanted);
        }
        Ok(())
    }

    /// Runs `change` on a registration; `None` if there is no such one.
    pub(super) fn with_registration<T>(&self, order_id: &str, change: impl FnOnce(&mut MokkaRegistration) -> T) -> Option<T> {
        locked(&self.registrations).get_mut(order_id).map(change)
    }

    pub(crate) fn registration(&self, order_id: &str) -> Option<MokkaRegistration> {
        self.with_registration(order_id, |registration| registration.clone())
    }

    pub(crate) fn registrations(&self) -> Vec<MokkaRegistration> {
        locked(&self.registrations).values().cloned().collect()
    }

    /// The decision of a test. An approval grants the usual limit to a customer who has none; one decided before stays.
    fn judge_registration(&self, order_id: &str, decision: Decision) -> Option<MokkaRegistration> {
        self.with_registration(order_id, |registration| {
            match (registration.decision, decision) {
                (Some(_), _) => {}
                (None, Decision::Declined) => registration.decline(),
                (None, Decision::Approved) => {
                    let phone = registration.primary_phone.as_deref().unwrap_or(SAMPLE_PHONE);
                    let limit = self.limits.admit(&self.options, phone);
                    let limit = if limit.amount == Kopecks(0) { self.limits.grant(&self.options, phone, limit) } else { limit };
                    registration.judge(limit);
                }
            }
            registration.clone()
        })
    }
}

impl Mokka {
    /// See [`crate::StandIns::decide_registration`].
    pub(crate) async fn decide_registration(
        &self,
        order_id: &str,
        decision: Decision,
        callback: bool,
        times: u32,
    ) -> Result<DecidedRegistration, ControlError> {
        check_times(times)?;
        let registration = self.judge_registration(order_id, decision);
        let registration = registration.ok_or_else(|| ControlError::UnknownRegistration(order_id.to_owned()))?;
        self.call_back_registration(registration, if callback { times } else { 0 }).await
    }

    /// Sends the Registration callback one after the other, and notes the answers with the registration.
    pub(super) async fn call_back_registration(
        &self,
        registration: MokkaRegistration,
        times: u32,
    ) -> Result<DecidedRegistration, ControlError> {
        let key = self.options.sign_callbacks.then(|| Key::of_limits(&self.options));
        let content = Callback {
            order_id: &registration.order_id,
            decision: registration.decision.unwrap_or(Decision::Declined),
            amount: &registration.amount,
            mobile_phone: registration.primary_phone.as_deref().unwrap_or(SAMPLE_PHONE),
            email: registration.primary_email.as_deref(),
        };
        let mut callbacks = Vec::new();
        for _ in 0..times {
            let answer = self.caller.post(&registration.callback_url, &content, key).await?;
            self.with_registration(&registration.order_id, |known| known.callbacks.push(answer));
            callbacks.push(answer);
        }
        let MokkaRegistration { order_id, decision, amount, .. } = registration;
        Ok(DecidedRegistration { order_id, decision, amount, callbacks })
    }
}
