//! What a customer may pay in instalments, by phone (Mokka, "Limit", "Тестовые Параметры").
//!
//! A phone whose limit was set has that one. Of the others, demo phones go by their prefix: 88821… has nothing, 88822… has
//! a limit that no order can be paid with, any other 888… has the usual limit, which is the largest amount of the tariffs.
//! Any other phone is a new customer, who gets the usual limit by going through a form.
//!
//! A limit is for each order by itself: what is held for one order is not taken off it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::tariff;
use crate::error::ControlError;
use crate::locked::locked;
use crate::money::Kopecks;
use crate::options::Options;

/// What 88822… was granted, although no order can be paid with it.
const LOAN_ONLY: Kopecks = Kopecks(670_000);

/// Whether a customer can pay in instalments (Mokka, "Limit").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitStatus {
    /// Up to the limit.
    #[default]
    Active,
    /// Not at all, whatever the limit.
    Inactive,
    /// Mokka does not know this customer yet.
    New,
}

/// A customer's limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) amount: Kopecks,
    pub(super) status: LimitStatus,
}

impl Limit {
    /// Whether an order of this amount can be paid with it.
    pub(super) fn covers(self, amount: Kopecks) -> bool {
        self.status == LimitStatus::Active && amount <= self.amount
    }
}

/// The limits that were set or granted, by phone.
#[derive(Default)]
pub(super) struct Limits(Mutex<BTreeMap<String, Limit>>);

impl Limits {
    /// The limit of a phone, as Limit answers it.
    pub(super) fn of(&self, options: &Options, phone: &str) -> Limit {
        self.set_for(phone).unwrap_or_else(|| unset(options, phone))
    }

    /// The limit that was set or granted for a phone, if there is one.
    pub(super) fn set_for(&self, phone: &str) -> Option<Limit> {
        locked(&self.0).get(phone).copied()
    }

    /// The limit of a customer who goes through a form: a new one gets the usual limit.
    pub(super) fn admit(&self, options: &Options, phone: &str) -> Limit {
        let limit = self.of(options, phone);
        match limit.status {
            LimitStatus::Active | LimitStatus::Inactive => limit,
            LimitStatus::New => self.grant(options, phone, limit),
        }
    }

    /// Makes a customer active, with the usual limit if there is none.
    pub(super) fn grant(&self, options: &Options, phone: &str, limit: Limit) -> Limit {
        let amount = if limit.amount == Kopecks(0) { tariff::largest(&options.mokka_tariffs) } else { limit.amount };
        let granted = Limit { amount, status: LimitStatus::Active };
        locked(&self.0).insert(phone.to_owned(), granted);
        granted
    }

    /// Those that were set or granted, by phone.
    pub(super) fn shown(&self) -> Vec<Value> {
        let limits = locked(&self.0);
        let shown = |(phone, limit): (&String, &Limit)| json!({ "phone": phone, "limit": limit.amount.to_string(), "status": limit.status });
        limits.iter().map(shown).collect()
    }

    /// See [`crate::StandIns::set_mokka_limit`].
    pub(super) fn set(&self, phone: &str, limit: &str, status: LimitStatus) -> Result<(), ControlError> {
        if !is_phone(phone) {
            return Err(ControlError::field("phone", "must be ten digits, without the country code"));
        }
        let amount = Kopecks::strict(limit).ok_or_else(|| ControlError::field("limit", "must be rubles with two decimals"))?;
        locked(&self.0).insert(phone.to_owned(), Limit { amount, status });
        Ok(())
    }
}

fn unset(options: &Options, phone: &str) -> Limit {
    let (amount, status) = if phone.starts_with("88821") {
        (Kopecks(0), LimitStatus::Inactive)
    } else if phone.starts_with("88822") {
        (LOAN_ONLY, LimitStatus::Inactive)
    } else if phone.starts_with("888") {
        (tariff::largest(&options.mokka_tariffs), LimitStatus::Active)
    } else {
        (Kopecks(0), LimitStatus::New)
    };
    Limit { amount, status }
}

/// Ten digits.
pub(super) fn is_phone(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}
