//! What Mokka grants a customer whose phone is known, remembered for a few minutes and nowhere but in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::payments::mokka::Client;
use shared::payments::mokka::types::LimitStatus;
use shared::platform::clock::{Clock, Deadline, Timestamp};
use shared::platform::money::{Currency, Money};
use shared::platform::phone::Phone;

/// How long an answer counts: a purchase elsewhere changes it.
const FRESH: Duration = Duration::from_mins(5);
/// How many customers are remembered.
const CUSTOMERS: usize = 500;

/// What a customer may spend; zero if nothing.
pub(crate) type MokkaLimit = Money;

/// When Mokka was asked, and what it said; nothing of a customer whom it does not know.
type Known = (Timestamp, Option<MokkaLimit>);

#[derive(Debug)]
pub(crate) struct MokkaLimits {
    mokka: Arc<Client>,
    clock: Clock,
    currency: Currency,
    known: Mutex<HashMap<Phone, Known>>,
}

impl MokkaLimits {
    pub(crate) fn new(mokka: Arc<Client>, clock: Clock, currency: Currency) -> Self {
        Self { mokka, clock, currency, known: Mutex::default() }
    }

    /// What the customer with this phone may spend, if that is known in time.
    pub(crate) async fn limit(&self, phone: &Phone, deadline: Deadline) -> Option<MokkaLimit> {
        let digits = phone.mokka_digits()?;
        let now = self.clock.now();
        if let Some((at, limit)) = self.lock().get(phone).filter(|(at, _)| now.since(*at) < FRESH) {
            tracing::debug!(age_ms = now.since(*at).as_millis(), "a limit is known");
            return *limit;
        }
        let limit = match self.mokka.limit(digits, deadline).await {
            Ok(limit) => {
                if let LimitStatus::Other(status) = &limit.status {
                    tracing::warn!(status, "Mokka has a new status of limits");
                }
                limit.known().map(|amount| Money::new(amount, self.currency))
            }
            Err(error) => {
                tracing::warn!(cause = %error, "Mokka's limit could not be read");
                return None;
            }
        };
        let mut known = self.lock();
        if known.len() >= CUSTOMERS {
            known.clear();
        }
        known.insert(phone.clone(), (now, limit));
        limit
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Phone, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
