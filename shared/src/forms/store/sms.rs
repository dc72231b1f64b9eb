//! SMS with codes, and how many of them came to something, in the table `otp-tokens`.
//!
//! - `sms#{transaction_id}`: one SMS ([`Sms`]), written with the challenge whose code it brought. The sparse index `due` holds
//!   those that the schedule has to look at again. All of them are in one partition of it: that takes a thousand writes a
//!   second, ten times what the largest budget of a shop allows.
//! - `conversion#{operator|range}#{name}#{hour}`: how many SMS of that hour were sent, delivered, entered ([`Counts`]). Only ever
//!   added to, in the transaction that notes on the SMS what it has been counted for.
//! - `conversion#{operator|range}#{name}`: when a person was last told that its codes are not entered.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use serde::{Deserialize, Serialize};

use super::challenges::{self, challenge_key};
use super::otp::{Otp, ROUNDS};
use super::otp_records::ChallengeRecord;
use crate::forms::challenge::Challenge;
use crate::forms::sms::{Counts, Group, Sms, hours_before};
use crate::forms::smspro::DeliveryStatus;
use crate::platform::clock::Timestamp;
use crate::platform::dynamodb::{
    Consistency, Cursor, Item, KNOWN, Lookup, Page, READABLE, Reading, SCHEMA, StoreError, Versioned, Written, incomplete, read,
    readable,
};
use crate::platform::ids::FormName;

/// What a key begins with.
const SMS: &str = "sms#";
/// The one partition of the index `due`.
const SHARD: &str = "sms";
/// How long an hour's counter is kept: longer than any SMS that may still be counted in it.
const KEPT: Duration = Duration::from_hours(8 * 24);

/// An SMS's attributes. Not its phone.
#[derive(Serialize, Deserialize)]
struct SmsRecord {
    form_name: String,
    sent_at: i64,
    valid_till: i64,
    range: String,
    operator: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delivery: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reported_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entered_at: Option<i64>,
    counted: CountsRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check_shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check_at: Option<i64>,
    expires_at: i64,
}

#[derive(Default, Serialize, Deserialize)]
struct CountsRecord {
    #[serde(default)]
    sent: u32,
    #[serde(default)]
    delivered: u32,
    #[serde(default)]
    entered: u32,
}

/// When a person was told of a group.
#[derive(Serialize, Deserialize)]
struct AlarmRecord {
    alarmed_at: i64,
    expires_at: i64,
}

/// How a group stands.
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    /// What was counted in the window.
    pub counts: Counts,
    /// When a person was last told of it.
    pub alarmed_at: Option<Timestamp>,
    /// The version of that note; 0 if there is none.
    version: u64,
}

fn sms_key(transaction_id: &str) -> String {
    format!("{SMS}{transaction_id}")
}

fn group_key(group: &Group) -> String {
    format!("conversion#{}", group.key())
}

/// The counter of the hour with this moment: `…#2026-11-22T13`.
fn hour_key(group: &Group, at: Timestamp) -> String {
    let utc = at.utc();
    format!("{}#{}T{:02}", group_key(group), utc.date(), utc.hour())
}

impl From<&Sms> for SmsRecord {
    fn from(sms: &Sms) -> Self {
        let Counts { sent, delivered, entered } = sms.counted;
        Self {
            form_name: sms.form.as_str().to_owned(),
            sent_at: sms.sent_at.millis(),
            valid_till: sms.valid_till.millis(),
            range: sms.range.clone(),
            operator: sms.operator.clone(),
            delivery: sms.delivery.map(|delivery| delivery.name().to_owned()),
            reported_at: sms.reported_at.map(Timestamp::millis),
            entered_at: sms.entered_at.map(Timestamp::millis),
            counted: CountsRecord { sent, delivered, entered },
            check_shard: sms.next_poll_at.map(|_| SHARD.to_owned()),
            check_at: sms.next_poll_at.map(Timestamp::millis),
            expires_at: sms.keep_until().seconds(),
        }
    }
}

fn sms(transaction_id: &str, item: Item) -> Result<Sms, StoreError> {
    let key = sms_key(transaction_id);
    let Versioned { version, record }: Versioned<SmsRecord> = read(&key, item)?;
    let unreadable = |cause: String| StoreError::Unreadable { key: key.clone(), cause };
    let form = FormName::parse(&record.form_name).map_err(|error| unreadable(format!("form_name {error}")))?;
    let word = |name: &String| DeliveryStatus::named(name).ok_or_else(|| unreadable("delivery is no word of it".to_owned()));
    let CountsRecord { sent, delivered, entered } = record.counted;
    Ok(Sms {
        transaction_id: transaction_id.to_owned(),
        form,
        sent_at: Timestamp::from_millis(record.sent_at),
        valid_till: Timestamp::from_millis(record.valid_till),
        range: record.range,
        operator: record.operator,
        delivery: record.delivery.as_ref().map(word).transpose()?,
        reported_at: record.reported_at.map(Timestamp::from_millis),
        entered_at: record.entered_at.map(Timestamp::from_millis),
        counted: Counts { sent, delivered, entered },
        next_poll_at: record.check_at.map(Timestamp::from_millis),
        version,
    })
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

impl Otp {
    /// An SMS, if it is known.
    pub async fn sms(&self, transaction_id: &str) -> Result<Option<Sms>, StoreError> {
        let item = self.table.get_item(&sms_key(transaction_id), Consistency::Strong).await?;
        item.map(|item| sms(transaction_id, item)).transpose()
    }

    /// Writes an SMS as the version after the one it was read with.
    pub async fn save_sms(&self, sms: &Sms) -> Result<Written, StoreError> {
        self.table.put(&sms_key(&sms.transaction_id), sms.version + 1, &SmsRecord::from(sms)).await
    }

    /// The ids of SMS whose poll is due, the longest due first.
    pub async fn due_sms(&self, now: Timestamp, from: Option<&Cursor>, limit: u16) -> Result<Page<String>, StoreError> {
        let bound = Some(("<=", now.millis()));
        let lookup = Lookup { index: "due", hash: ("check_shard", SHARD), range: "check_at", bound, newest_first: false };
        let page = self.table.keys(&lookup, from, limit).await?;
        let ids = page.entries.iter().filter_map(|key| key.strip_prefix(SMS).map(str::to_owned));
        Ok(Page { entries: ids.collect(), next: page.next, unreadable: Vec::new() })
    }

    /// Writes an SMS that has been counted for `added` more, and adds that to its groups' counters, together or not at all.
    pub async fn count_sms(&self, sms: &Sms, added: Counts, groups: &[Group]) -> Result<Written, StoreError> {
        let mark = self.table.random.hex32()?;
        let key = sms_key(&sms.transaction_id);
        let mut items = vec![self.table.put_in_transaction(&key, sms.version + 1, &mark, &SmsRecord::from(sms))?];
        for group in groups {
            items.push(self.add(group, sms.sent_at, added)?);
        }
        self.table.transact(&mark, items).await
    }

    fn add(&self, group: &Group, at: Timestamp, added: Counts) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table.name)
            .key("pk", text(&hour_key(group, at)))
            .update_expression(
                "ADD sent :sent, delivered :delivered, entered :entered, #version :one SET #schema = :schema, expires_at = :end",
            )
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":sent", number(added.sent))
            .expression_attribute_values(":delivered", number(added.delivered))
            .expression_attribute_values(":entered", number(added.entered))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":schema", number(SCHEMA))
            .expression_attribute_values(":readable", number(READABLE))
            .condition_expression(KNOWN)
            .expression_attribute_values(":end", number(at.plus(KEPT).seconds()));
        Ok(TransactWriteItem::builder().update(update.build().map_err(|error| incomplete(&error))?).build())
    }

    /// How a group stands in the last hours, the current one included.
    pub async fn conversion(&self, group: &Group, now: Timestamp, hours: u32) -> Result<Conversion, StoreError> {
        let mut keys: Vec<_> = hours_before(now, hours).map(|hour| hour_key(group, hour)).collect();
        keys.push(group_key(group));
        let mut items = self.table.get_all(keys, Consistency::Strong, Reading::few()).await?;
        let alarm = items.remove(&group_key(group));
        let alarm: Option<Versioned<AlarmRecord>> = alarm.map(|item| read(&group_key(group), item)).transpose()?;
        let mut counts = Counts::default();
        for (key, item) in items {
            let CountsRecord { sent, delivered, entered } = read(&key, item)?;
            counts = counts.with(Counts { sent, delivered, entered });
        }
        let alarmed_at = alarm.as_ref().map(|alarm| Timestamp::from_millis(alarm.record.alarmed_at));
        Ok(Conversion { counts, alarmed_at, version: alarm.map_or(0, |alarm| alarm.version) })
    }

    /// Notes that an alarm is raised for a group; whether this run is the one that raises it.
    pub async fn note_alarm(&self, group: &Group, known: &Conversion, now: Timestamp) -> Result<Written, StoreError> {
        let record = AlarmRecord { alarmed_at: now.millis(), expires_at: now.plus(KEPT).seconds() };
        self.table.put(&group_key(group), known.version + 1, &record).await
    }

    /// Writes a challenge whose code went out together with its SMS, on top of whatever others wrote meanwhile; nothing if it no
    /// longer applies.
    pub async fn record_sent(
        &self,
        challenge: Challenge,
        sms: &Sms,
        change: impl Fn(Challenge) -> Option<Challenge>,
    ) -> Result<Option<Challenge>, StoreError> {
        let (key, stored_as) = (challenge.key.clone(), sms_key(&sms.transaction_id));
        let mut current = challenge;
        for _ in 0..ROUNDS {
            let Some(changed) = change(current) else { return Ok(None) };
            let mark = self.table.random.hex32()?;
            let sms = self.table.put_in_transaction(&stored_as, sms.version + 1, &mark, &SmsRecord::from(sms))?;
            if let Some(saved) = self.save_beside(changed, &mark, sms).await? {
                return Ok(Some(saved));
            }
            current = self.challenge(&key).await?;
        }
        Err(busy())
    }

    /// Writes a challenge whose code was found right together with that on its SMS, in the same way. A code from before there
    /// were records of SMS has none, which does not keep it from being used.
    pub async fn record_entered(
        &self,
        challenge: Challenge,
        transaction_id: &str,
        at: Timestamp,
        change: impl Fn(Challenge) -> Option<Challenge>,
    ) -> Result<Option<Challenge>, StoreError> {
        let (key, stored_as) = (challenge.key.clone(), sms_key(transaction_id));
        let mut current = challenge;
        for _ in 0..ROUNDS {
            let Some(changed) = change(current) else { return Ok(None) };
            let mark = self.table.random.hex32()?;
            if let Some(saved) = self.save_beside(changed, &mark, self.entered(&stored_as, at)?).await? {
                return Ok(Some(saved));
            }
            let mut items =
                self.table.get_all(vec![challenge_key(&key), stored_as.clone()], Consistency::Strong, Reading::few()).await?;
            current = challenges::challenge(&key, items.remove(&challenge_key(&key)))?;
            match items.get(&stored_as) {
                Some(sms) => readable(&stored_as, sms)?,
                None => return self.change(current, change).await,
            }
        }
        Err(busy())
    }

    fn entered(&self, stored_as: &str, at: Timestamp) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table.name)
            .key("pk", text(stored_as))
            .update_expression("SET entered_at = :at ADD #version :one")
            .condition_expression(format!("attribute_exists(pk) AND {KNOWN}"))
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":readable", number(READABLE))
            .expression_attribute_values(":at", number(at.millis()))
            .expression_attribute_values(":one", number(1));
        Ok(TransactWriteItem::builder().update(update.build().map_err(|error| incomplete(&error))?).build())
    }

    /// Like [`Self::save`], with another write beside the challenge's: both or none.
    async fn save_beside(
        &self,
        mut challenge: Challenge,
        mark: &str,
        beside: TransactWriteItem,
    ) -> Result<Option<Challenge>, StoreError> {
        challenge.version += 1;
        let key = challenge_key(&challenge.key);
        let put = self.table.put_in_transaction(&key, challenge.version, mark, &ChallengeRecord::from(&challenge))?;
        let written = self.table.transact(mark, vec![put, beside]).await?;
        Ok(Some(challenge).filter(|_| written == Written::Yes))
    }
}

fn busy() -> StoreError {
    StoreError::Failed { action: "TransactWriteItems", cause: "others keep writing the same item".to_owned() }
}
