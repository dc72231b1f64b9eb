//! Customers' requests for a limit (document "Registration"), so that their callback is known again. Of the customer nothing is
//! stored. They go away by themselves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::orders::Orders;
use crate::platform::clock::Timestamp;
use crate::platform::dynamodb::{StoreError, Versioned, Written};
use crate::platform::ids::RegistrationId;
use crate::platform::money::{Currency, Money};
use crate::platform::secret::sha256_hex;

/// How long a request is kept after it was last written.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// A request for a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Ours, and the provider's order id of it.
    pub id: RegistrationId,
    /// When it was made.
    pub created_at: Timestamp,
    /// SHA-256 of the token in the callback's path.
    pub callback_token_hash: String,
    /// What the provider decided last, if it has.
    pub decided: Option<Decided>,
    /// Counts the writes; every write names the version it replaces.
    pub version: u64,
}

/// A decision about a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Granted or not.
    pub approved: bool,
    /// The limit, if it was said.
    pub limit: Option<Money>,
    /// When we learned it.
    pub at: Timestamp,
}

impl Registration {
    /// A request that is about to be made.
    #[must_use]
    pub fn new(id: RegistrationId, token: &str, now: Timestamp) -> Self {
        Self { id, created_at: now, callback_token_hash: sha256_hex(token), decided: None, version: 0 }
    }
}

/// A request's attributes. Amounts are minor units, moments milliseconds since 1970 UTC.
#[derive(Serialize, Deserialize)]
struct RegistrationRecord {
    created_at: i64,
    callback_token_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approved: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided_at: Option<i64>,
    /// The table's TTL attribute, in seconds.
    expires_at: i64,
}

impl RegistrationRecord {
    fn new(registration: &Registration, now: Timestamp) -> Self {
        let decided = registration.decided.as_ref();
        let limit = decided.and_then(|decided| decided.limit);
        Self {
            created_at: registration.created_at.millis(),
            callback_token_hash: registration.callback_token_hash.clone(),
            approved: decided.map(|decided| decided.approved),
            limit: limit.map(Money::minor),
            currency: limit.map(|limit| limit.currency().code().to_owned()),
            decided_at: decided.map(|decided| decided.at.millis()),
            expires_at: now.plus(KEPT).seconds(),
        }
    }

    fn read(self, id: RegistrationId, version: u64) -> Result<Registration, String> {
        let limit = match (self.limit, self.currency) {
            (Some(minor), Some(currency)) => {
                let currency = Currency::parse(&currency).map_err(|error| format!("currency {error}"))?;
                Some(Money::from_minor(minor, currency).map_err(|error| format!("limit {error}"))?)
            }
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err("limit and currency must be there together".to_owned()),
        };
        let decided = match (self.approved, self.decided_at) {
            (Some(approved), Some(at)) => Some(Decided { approved, limit, at: Timestamp::from_millis(at) }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err("approved and decided_at must be there together".to_owned()),
        };
        let created_at = Timestamp::from_millis(self.created_at);
        Ok(Registration { id, created_at, callback_token_hash: self.callback_token_hash, decided, version })
    }
}

fn key(id: &RegistrationId) -> String {
    format!("registration#{id}")
}

impl Orders {
    /// A request for a limit; nothing if its time is over, whether DynamoDB has swept it away yet or not.
    pub async fn registration(&self, id: &RegistrationId) -> Result<Option<Registration>, StoreError> {
        let key = key(id);
        let found: Option<Versioned<RegistrationRecord>> = self.table.get(&key).await?;
        let Some(Versioned { version, record }) = found else { return Ok(None) };
        if record.expires_at <= self.clock.now().seconds() {
            return Ok(None);
        }
        record.read(id.clone(), version).map(Some).map_err(|cause| StoreError::Unreadable { key, cause })
    }

    /// Writes a request as the version after the one it was read with.
    pub async fn save_registration(&self, registration: &Registration) -> Result<Written, StoreError> {
        let record = RegistrationRecord::new(registration, self.clock.now());
        self.table.put(&key(&registration.id), registration.version + 1, &record).await
    }
}
