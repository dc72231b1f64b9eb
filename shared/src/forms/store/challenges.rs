//! Challenges and send logs, of the table `otp-tokens`.

use super::otp::{Otp, ROUNDS};
use std::collections::HashMap;

use super::otp_records::{ChallengeRecord, SendLogRecord};
use super::quota_counters;
use crate::forms::challenge::{Challenge, ChallengeKey, Quota, SendLog, Used};
use crate::platform::clock::Timestamp;
use crate::platform::dynamodb::{Consistency, Item, Reading, StoreError, Versioned, Written, read, recorded};

/// What a request for a code finds.
#[derive(Clone, Debug)]
pub struct Found {
    pub challenge: Challenge,
    /// When codes were sent to the phone.
    pub by_phone: SendLog,
    /// When codes were asked for from the installation.
    pub by_installation: SendLog,
    /// How much of each quota is used, in the quotas' order.
    pub used: Vec<Used>,
}

pub(super) fn challenge_key(key: &ChallengeKey) -> String {
    format!("challenge#{}", key.as_str())
}

fn log_key(key: &str) -> String {
    format!("sends#{key}")
}

pub(super) fn challenge(key: &ChallengeKey, item: Option<Item>) -> Result<Challenge, StoreError> {
    let Some(item) = item else { return Ok(Challenge::new(key.clone())) };
    let stored_as = challenge_key(key);
    let found: Versioned<ChallengeRecord> = read(&stored_as, item)?;
    found.into_challenge(key.clone()).map_err(|cause| StoreError::Unreadable { key: stored_as, cause })
}

fn send_log(key: &str, item: Option<Item>) -> Result<SendLog, StoreError> {
    let Some(item) = item else { return Ok(SendLog::new(key.to_owned())) };
    let Versioned { version, record }: Versioned<SendLogRecord> = read(&log_key(key), item)?;
    Ok(record.into_log(key.to_owned(), version))
}

fn used(quotas: &[Quota], items: &HashMap<String, Item>) -> Result<Vec<Used>, StoreError> {
    quotas.iter().map(|quota| quota_counters::read(quota, items.get(&quota_counters::key(quota)))).collect()
}

impl Otp {
    /// A challenge; a new one if none is stored.
    pub async fn challenge(&self, key: &ChallengeKey) -> Result<Challenge, StoreError> {
        challenge(key, self.table.get_item(&challenge_key(key), Consistency::Strong).await?)
    }

    /// Writes a challenge as the version after the one it was read with, and gives it back as it now stands; nothing if
    /// another request wrote first.
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
            if let Some(saved) = recorded(self.save(changed).await)? {
                return Ok(Some(saved));
            }
            current = self.challenge(&key).await?;
        }
        Err(StoreError::Failed { action: "UpdateItem", cause: "others keep writing the same item".to_owned() })
    }

    /// A send log; an empty one if none is stored.
    pub async fn send_log(&self, key: &str) -> Result<SendLog, StoreError> {
        send_log(key, self.table.get_item(&log_key(key), Consistency::Strong).await?)
    }

    /// Writes a send log as the version after the one it was read with.
    pub async fn save_send_log(&self, log: &SendLog, now: Timestamp) -> Result<Written, StoreError> {
        self.table.put(&log_key(&log.key), log.version + 1, &SendLogRecord::new(log, now)).await
    }

    /// Takes what limits somebody out of a send log; how many sends of the last day that were.
    pub async fn lift_sends(&self, key: &str, now: Timestamp) -> Result<usize, StoreError> {
        for _ in 0..ROUNDS {
            let log = self.send_log(key).await?;
            let sends = log.times.iter().filter(|at| now.since(**at) < SendLog::REMEMBERED).count();
            if log.times.is_empty() || self.save_send_log(&log.lifted(), now).await? == Written::Yes {
                return Ok(sends);
            }
        }
        Err(StoreError::Failed { action: "UpdateItem", cause: "others keep writing the same item".to_owned() })
    }

    /// Deletes a challenge; whether it was there.
    pub async fn forget_challenge(&self, key: &ChallengeKey) -> Result<bool, StoreError> {
        self.table.delete(&challenge_key(key)).await
    }

    /// Deletes a send log; whether it was there.
    pub async fn forget_sends(&self, key: &str) -> Result<bool, StoreError> {
        self.table.delete(&log_key(key)).await
    }

    /// A challenge with both send logs and how much of each quota is used, in one round trip.
    pub async fn read_for_send(&self, key: &ChallengeKey, logs: [&str; 2], quotas: &[Quota]) -> Result<Found, StoreError> {
        let mut keys = vec![challenge_key(key)];
        keys.extend(logs.map(log_key));
        keys.extend(quotas.iter().map(quota_counters::key));
        let mut items = self.table.get_all(keys, Consistency::Strong, Reading::few()).await?;
        let [by_phone, by_installation] = logs.map(|log| send_log(log, items.remove(&log_key(log))));
        Ok(Found {
            by_phone: by_phone?,
            by_installation: by_installation?,
            used: used(quotas, &items)?,
            challenge: challenge(key, items.remove(&challenge_key(key)))?,
        })
    }

    /// A challenge and how much of each quota is used, in one round trip.
    pub async fn read_for_check(&self, key: &ChallengeKey, quotas: &[Quota]) -> Result<(Challenge, Vec<Used>), StoreError> {
        let keys = std::iter::once(challenge_key(key)).chain(quotas.iter().map(quota_counters::key));
        let mut items = self.table.get_all(keys.collect(), Consistency::Strong, Reading::few()).await?;
        let used = used(quotas, &items)?;
        Ok((challenge(key, items.remove(&challenge_key(key)))?, used))
    }

    /// Begins a send that was started `at`: the challenge with its intent and both logs, together or not at all. All three are
    /// given as they were read, changed, and come back as they now stand; nothing if another request wrote first.
    pub async fn begin_send(&self, mut found: Found, at: Timestamp) -> Result<Option<Found>, StoreError> {
        if self.transact(&found, at).await? == Written::Conflict {
            return Ok(None);
        }
        for version in [&mut found.challenge.version, &mut found.by_phone.version, &mut found.by_installation.version] {
            *version += 1;
        }
        Ok(Some(found))
    }

    /// Takes a send back that was started `at` and did not happen: the same items, together or not at all.
    pub async fn cancel_send(&self, found: &Found, at: Timestamp) -> Result<Written, StoreError> {
        self.transact(found, at).await
    }

    async fn transact(&self, found: &Found, at: Timestamp) -> Result<Written, StoreError> {
        let mark = self.table.random.hex32()?;
        let Found { challenge, by_phone, by_installation, .. } = found;
        let mut items = vec![self.table.put_in_transaction(
            &challenge_key(&challenge.key),
            challenge.version + 1,
            &mark,
            &ChallengeRecord::from(challenge),
        )?];
        for log in [by_phone, by_installation] {
            items.push(self.table.put_in_transaction(
                &log_key(&log.key),
                log.version + 1,
                &mark,
                &SendLogRecord::new(log, at),
            )?);
        }
        self.table.transact(&mark, items).await
    }
}
