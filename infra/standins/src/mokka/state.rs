//! What Mokka knows: orders, registrations, open forms and limits.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use time::OffsetDateTime;

use super::caller::Caller;
use super::limits::{LimitStatus, Limits};
use super::order::{MokkaOrder, MokkaStatus};
use super::readings::Reading;
use super::registered::MokkaRegistration;
use crate::clock::Clock;
use crate::error::ControlError;
use crate::locked::locked;
use crate::options::Options;
use crate::readings::Readings;
use crate::system::System;

/// What Mokka knows. Of two locks, that of orders or registrations is taken first.
pub(crate) struct Mokka {
    pub(super) orders: Mutex<BTreeMap<String, MokkaOrder>>,
    pub(super) registrations: Mutex<BTreeMap<String, MokkaRegistration>>,
    pub(super) forms: Forms,
    pub(super) limits: Limits,
    pub(super) caller: Caller,
    pub(super) options: Arc<Options>,
    pub(super) clock: Clock,
    base_url: String,
    pub(crate) readings: Readings<Reading>,
}

impl Mokka {
    pub(crate) fn new(options: Arc<Options>, clock: Clock, base_url: String) -> Self {
        Self {
            orders: Mutex::default(),
            registrations: Mutex::default(),
            forms: Forms::default(),
            limits: Limits::default(),
            caller: Caller::default(),
            options,
            clock,
            base_url,
            readings: Readings::default(),
        }
    }

    /// The form's address.
    pub(super) fn form_url(&self, token: &str) -> String {
        format!("{}/{}/form/{token}", self.base_url, System::Mokka)
    }

    /// Whether Finish and Change name the amount of an order with what is prepaid.
    pub(super) fn commands_with_prepayment(&self) -> bool {
        self.readings.is_other(Reading::PrepaidAmount) != self.readings.is_other(Reading::PrepaidCommands)
    }

    /// Runs `change` on an order as it stands now; `None` if there is no such order.
    pub(super) fn with<T>(&self, order_id: &str, now: OffsetDateTime, change: impl FnOnce(&mut MokkaOrder) -> T) -> Option<T> {
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

    pub(super) fn known(&self, order_id: &str, change: impl FnOnce(&mut MokkaOrder)) -> Result<(), ControlError> {
        let mut orders = locked(&self.orders);
        let order = orders.get_mut(order_id).ok_or_else(|| ControlError::UnknownOrder(order_id.to_owned()))?;
        change(order);
        Ok(())
    }
}

#[derive(Clone)]
pub(super) enum Form {
    /// The order of that id.
    Order(String),
    /// The registration of that id.
    Registration(String),
}

/// The open forms by the token in their address.
#[derive(Default)]
pub(super) struct Forms(Mutex<HashMap<String, Form>>);

impl Forms {
    pub(super) fn open(&self, token: &str, form: Form) {
        locked(&self.0).insert(token.to_owned(), form);
    }

    /// The form gets another address; the old one is dead.
    pub(super) fn replace(&self, old: &str, new: &str) {
        let mut forms = locked(&self.0);
        if let Some(form) = forms.remove(old) {
            forms.insert(new.to_owned(), form);
        }
    }

    pub(super) fn find(&self, token: &str) -> Option<Form> {
        locked(&self.0).get(token).cloned()
    }
}
