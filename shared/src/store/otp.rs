//! The table `otp-tokens`: challenges, send logs, the shop's daily counter, and forms that have no other home.
//!
//! - `challenge#{digest}`: a code being sent and the code in force ([`Challenge`]).
//! - `sends#{digest}`: when codes were sent to a phone or asked for from an installation ([`SendLog`]).
//! - `sends#shop#{date}`: how many codes the shop sent that day (UTC).
//! - `form#{submission}`: a form, once.
//!
//! `expires_at` (seconds) is the table's TTL attribute. DynamoDB deletes late, so no decision is made by it.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};

use super::otp_records::{ChallengeRecord, FormRecord, SendLogRecord};
use super::records::Versioned;
use super::{SCHEMA, StoreError, Table, Transacted, Written, incomplete};
use crate::challenge::{Challenge, ChallengeKey, SendLog};
use crate::clock::{Random, Timestamp};
use crate::env::Env;
use crate::ids::{FormName, InstallId};

/// How often a change is tried anew after somebody else wrote first.
const ROUNDS: u32 = 8;

/// How long a day's counter is kept.
const COUNTER_KEPT: std::time::Duration = std::time::Duration::from_hours(72);

/// Challenges, send limits and stored forms.
#[derive(Clone, Debug)]
pub struct Otp {
    table: Table,
}

/// How the attempt to begin a send came out.
#[derive(Clone, Debug)]
pub enum Begun {
    /// The intent is stored and every limit is counted.
    Yes(Box<Challenge>),
    /// Somebody else wrote first: read again.
    Conflict,
    /// The shop has sent as many codes today as it may.
    ShopLimit,
}

/// A form to be kept here.
#[derive(Debug)]
pub struct StoredForm<'a> {
    /// The id under which it is stored once.
    pub submission: &'a str,
    /// Its name.
    pub form: &'a FormName,
    /// The installation it came from.
    pub installation: &'a InstallId,
    /// Its fields, as JSON text.
    pub data: &'a str,
    /// Now.
    pub at: Timestamp,
    /// When it may be deleted.
    pub expires_at: Timestamp,
}

fn challenge_key(key: &ChallengeKey) -> String {
    format!("challenge#{}", key.as_str())
}

fn log_key(key: &str) -> String {
    format!("sends#{key}")
}

fn shop_key(day: Timestamp) -> String {
    format!("sends#shop#{}", day.utc().date())
}

fn form_key(submission: &str) -> String {
    format!("form#{submission}")
}

impl Otp {
    /// Reads `OTP_TABLE`.
    pub fn from_env(env: &mut Env, client: aws_sdk_dynamodb::Client, random: Random) -> Option<Self> {
        let name = env.required("OTP_TABLE")?;
        Some(Self { table: Table { client, name, random } })
    }

    /// Opens the connection.
    pub async fn warm_up(&self) {
        self.table.warm_up().await;
    }

    /// A challenge; a new one if none is stored.
    pub async fn challenge(&self, key: &ChallengeKey) -> Result<Challenge, StoreError> {
        let stored_as = challenge_key(key);
        let found: Option<Versioned<ChallengeRecord>> = self.table.get(&stored_as).await?;
        match found {
            Some(found) => found.into_challenge(key.clone()).map_err(|cause| StoreError::Unreadable { key: stored_as, cause }),
            None => Ok(Challenge::new(key.clone())),
        }
    }

    /// Writes a challenge as the version after the one it was read with, and gives it back as it now stands; nothing if
    /// somebody else wrote first.
    pub async fn save(&self, mut challenge: Challenge) -> Result<Option<Challenge>, StoreError> {
        let record = ChallengeRecord::from(&challenge);
        Ok(match self.table.put(&challenge_key(&challenge.key), challenge.version + 1, &record).await? {
            Written::Yes => {
                challenge.version += 1;
                Some(challenge)
            }
            Written::Conflict => None,
        })
    }

    /// Writes a change, on top of whatever others wrote meanwhile; nothing if it no longer applies.
    pub async fn change(
        &self,
        challenge: Challenge,
        change: impl Fn(Challenge) -> Option<Challenge>,
    ) -> Result<Option<Challenge>, StoreError> {
        let key = challenge.key.clone();
        let mut current = challenge;
        for _ in 0..ROUNDS {
            let Some(changed) = change(current) else { return Ok(None) };
            if let Some(saved) = self.save(changed).await? {
                return Ok(Some(saved));
            }
            current = self.challenge(&key).await?;
        }
        Err(StoreError::Failed { action: "PutItem", cause: "others keep writing the same item".to_owned() })
    }

    /// A send log; an empty one if none is stored.
    pub async fn send_log(&self, key: String) -> Result<SendLog, StoreError> {
        let found: Option<Versioned<SendLogRecord>> = self.table.get(&log_key(&key)).await?;
        Ok(match found {
            Some(Versioned { version, record }) => SendLog { key, times: record.times(), version },
            None => SendLog::new(key),
        })
    }

    /// Writes a send log as the version after the one it was read with.
    pub async fn save_send_log(&self, log: &SendLog, now: Timestamp) -> Result<Written, StoreError> {
        self.table.put(&log_key(&log.key), log.version + 1, &SendLogRecord::new(log, now)).await
    }

    /// Begins a send that was started `at`: the challenge with its intent, both logs and the shop's counter, together or not
    /// at all. All three are given as they were read, changed.
    pub async fn begin_send(
        &self,
        mut challenge: Challenge,
        logs: [&SendLog; 2],
        at: Timestamp,
        shop_limit: u32,
    ) -> Result<Begun, StoreError> {
        let condition = "attribute_not_exists(pk) OR sends < :limit";
        let limit = (":limit", AttributeValue::N(shop_limit.to_string()));
        let mark = self.table.random.hex32()?;
        // First, so that its refusal is the first in the list of reasons.
        let counter = self.count(at, "1", condition, limit)?;
        match self.transact(&mark, counter, &challenge, logs, at).await? {
            Transacted::Yes => {
                challenge.version += 1;
                Ok(Begun::Yes(Box::new(challenge)))
            }
            Transacted::RefusedByFirst => Ok(Begun::ShopLimit),
            Transacted::Refused => Ok(Begun::Conflict),
        }
    }

    /// Takes a send back that was started `at` and did not happen: the same items, together or not at all.
    pub async fn take_send_back(&self, challenge: &Challenge, logs: [&SendLog; 2], at: Timestamp) -> Result<Written, StoreError> {
        let zero = (":zero", AttributeValue::N("0".to_owned()));
        let mark = self.table.random.hex32()?;
        let counter = self.count(at, "-1", "sends > :zero", zero)?;
        Ok(match self.transact(&mark, counter, challenge, logs, at).await? {
            Transacted::Yes => Written::Yes,
            Transacted::Refused | Transacted::RefusedByFirst => Written::Conflict,
        })
    }

    async fn transact(
        &self,
        mark: &str,
        counter: TransactWriteItem,
        challenge: &Challenge,
        logs: [&SendLog; 2],
        at: Timestamp,
    ) -> Result<Transacted, StoreError> {
        let mut items = vec![
            counter,
            self.table.put_in_transaction(
                &challenge_key(&challenge.key),
                challenge.version + 1,
                mark,
                &ChallengeRecord::from(challenge),
            )?,
        ];
        for log in logs {
            items.push(self.table.put_in_transaction(&log_key(&log.key), log.version + 1, mark, &SendLogRecord::new(log, at))?);
        }
        self.table.transact(mark, items).await
    }

    /// Adds to the shop's counter of the day.
    fn count(
        &self,
        day: Timestamp,
        by: &str,
        condition: &str,
        bound: (&str, AttributeValue),
    ) -> Result<TransactWriteItem, StoreError> {
        let number = |number: String| AttributeValue::N(number);
        let update = Update::builder()
            .table_name(&self.table.name)
            .key("pk", AttributeValue::S(shop_key(day)))
            .update_expression("SET #schema = :schema, expires_at = :end ADD sends :by, #version :one")
            .condition_expression(condition)
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":schema", number(SCHEMA.to_string()))
            .expression_attribute_values(":end", number(day.plus(COUNTER_KEPT).seconds().to_string()))
            .expression_attribute_values(":by", number(by.to_owned()))
            .expression_attribute_values(":one", number("1".to_owned()))
            .expression_attribute_values(bound.0, bound.1);
        let update = update.build().map_err(|error| incomplete(&error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Stores a form that needs no code; nothing happens if it is stored already.
    pub async fn store_form(&self, form: &StoredForm<'_>) -> Result<(), StoreError> {
        let (Written::Yes | Written::Conflict) = self.table.put(&form_key(form.submission), 1, &FormRecord::from(form)).await?;
        Ok(())
    }

    /// Stores a form and what its challenge has become, together or not at all.
    pub async fn store_confirmed_form(&self, form: &StoredForm<'_>, challenge: &Challenge) -> Result<Written, StoreError> {
        let mark = self.table.random.hex32()?;
        let items = vec![
            self.table.put_in_transaction(&form_key(form.submission), 1, &mark, &FormRecord::from(form))?,
            self.table.put_in_transaction(
                &challenge_key(&challenge.key),
                challenge.version + 1,
                &mark,
                &ChallengeRecord::from(challenge),
            )?,
        ];
        Ok(match self.table.transact(&mark, items).await? {
            Transacted::Yes => Written::Yes,
            Transacted::Refused | Transacted::RefusedByFirst => Written::Conflict,
        })
    }
}
