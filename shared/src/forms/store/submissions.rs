//! The table `forms`: what customers handed in, `form#{submission}`, each until its time is over ([`Submission`]).
//!
//! `expires_at` (seconds) is the table's TTL attribute. DynamoDB deletes late, so whatever is over is not there for this code.

use serde::{Deserialize, Serialize};

use crate::forms::submission::{Done, Fields, PhoneDigest, Photo, State, Submission};
use crate::platform::clock::{Random, Timestamp};
use crate::platform::dynamodb::{
    Consistency, Cursor, Item, Lookup, Page, Reading, StoreError, Table, Versioned, Written, passed_over, read,
};
use crate::platform::env::Env;
use crate::platform::ids::{FormName, InstallId, SubmissionId};

/// What a form's key begins with.
const FORM: &str = "form#";
/// What is stored for a form that came without an installation: earlier releases read a text there.
const NO_INSTALLATION: &str = "-";
/// What is stored in place of a phone's digest when none could be read: no digest looks so.
const NO_PHONE: &str = "-";
/// What every list is sorted by.
const RANGE: &str = "created_at";
/// Later than any moment of a form: the year 2286.
const NEVER: i64 = 9_999_999_999_999;
/// How many forms are read at once: 400 KB each at most.
const AT_ONCE: usize = 25;
/// A page ends behind so many bytes of what customers wrote: what an answer can carry.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How many keys are counted at once.
const COUNTED_AT_ONCE: u16 = 1000;
/// How much of a person's is read at once.
const OF_PERSON_AT_ONCE: u16 = 100;

/// What customers handed in.
#[derive(Clone, Debug)]
pub struct Submissions {
    table: Table,
}

/// By what submissions are listed.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// One form's.
    Form(&'a FormName),
    /// Those in a state.
    State(State),
    /// Those with a phone.
    Phone(&'a PhoneDigest),
    /// Those in which no phone could be read.
    Unmatched,
}

impl<'a> By<'a> {
    /// Whether a cursor was given out by this list.
    #[must_use]
    pub fn has(self, cursor: &Cursor) -> bool {
        let (_, hash) = self.index();
        cursor.is_of(hash)
    }

    /// Where this list begins: before its newest entry.
    #[must_use]
    pub fn beginning(self) -> Cursor {
        let (_, hash) = self.index();
        Cursor::after(hash, (RANGE, NEVER), FORM.to_owned())
    }

    fn index(self) -> (&'static str, (&'static str, &'a str)) {
        match self {
            Self::Form(form) => ("by-form", ("form_name", form.as_str())),
            Self::State(state) => ("by-state", ("state", state.name())),
            Self::Phone(phone) => ("by-phone", ("phone", phone.as_str())),
            Self::Unmatched => ("by-phone", ("phone", NO_PHONE)),
        }
    }
}

/// A submission's attributes. Moments are milliseconds since 1970 UTC, but for `expires_at`.
#[derive(Serialize, Deserialize)]
struct SubmissionRecord {
    form_name: String,
    install_id: String,
    /// The fields as JSON text: DynamoDB's own maps know neither all of its numbers nor its order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    photos: Vec<PhotoRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    created_at: i64,
    keep: bool,
    expires_at: i64,
    state: String,
    since: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    done: Option<DoneRecord>,
}

#[derive(Serialize, Deserialize)]
struct DoneRecord {
    by: String,
    at: i64,
}

#[derive(Serialize, Deserialize)]
struct PhotoRecord {
    pointer: String,
    media_type: String,
    bytes: u64,
    data_url: bool,
    key: String,
}

impl From<&Submission> for SubmissionRecord {
    fn from(submission: &Submission) -> Self {
        let photos = submission.photos.iter().map(|photo| PhotoRecord {
            pointer: photo.pointer.clone(),
            media_type: photo.media_type.clone(),
            bytes: photo.bytes,
            data_url: photo.data_url,
            key: photo.key.clone(),
        });
        Self {
            form_name: submission.form.as_str().to_owned(),
            install_id: submission.installation.as_ref().map_or(NO_INSTALLATION, InstallId::as_str).to_owned(),
            data: submission.data.as_ref().map(|data| data.as_str().to_owned()),
            photos: photos.collect(),
            phone: Some(submission.phone.as_ref().map_or(NO_PHONE, PhoneDigest::as_str).to_owned()),
            created_at: submission.at.millis(),
            keep: submission.keep,
            expires_at: submission.keep_until.seconds(),
            state: submission.state.name().to_owned(),
            since: submission.since.millis(),
            message: submission.message.clone(),
            done: submission.done.as_ref().map(|done| DoneRecord { by: done.by.clone(), at: done.at.millis() }),
        }
    }
}

impl Versioned<SubmissionRecord> {
    fn into_submission(self, id: SubmissionId) -> Result<Submission, String> {
        let Self { version, record } = self;
        let data = record.data.map(Fields::parse).transpose().map_err(|error| format!("data {error}"))?;
        let photos = record.photos.into_iter().map(|photo| Photo {
            pointer: photo.pointer,
            media_type: photo.media_type,
            bytes: photo.bytes,
            data_url: photo.data_url,
            key: photo.key,
        });
        Ok(Submission {
            id,
            form: FormName::parse(&record.form_name).map_err(|error| format!("form_name {error}"))?,
            installation: installation(&record.install_id)?,
            data,
            photos: photos.collect(),
            phone: record.phone.filter(|phone| phone != NO_PHONE).map(PhoneDigest::stored),
            at: Timestamp::from_millis(record.created_at),
            keep: record.keep,
            keep_until: Timestamp::from_millis(record.expires_at.saturating_mul(1000)),
            state: State::parse(&record.state).ok_or_else(|| format!("state {} is unknown", record.state))?,
            since: Timestamp::from_millis(record.since),
            message: record.message,
            done: record.done.map(|DoneRecord { by, at }| Done { by, at: Timestamp::from_millis(at) }),
            version,
        })
    }
}

fn installation(stored: &str) -> Result<Option<InstallId>, String> {
    if stored == NO_INSTALLATION {
        return Ok(None);
    }
    InstallId::parse(stored).map(Some).map_err(|error| format!("install_id {error}"))
}

fn key(id: &SubmissionId) -> String {
    format!("{FORM}{id}")
}

fn submission(id: SubmissionId, item: Item) -> Result<Submission, StoreError> {
    let key = key(&id);
    let found: Versioned<SubmissionRecord> = read(&key, item)?;
    found.into_submission(id).map_err(|cause| StoreError::Unreadable { key, cause })
}

impl Submissions {
    /// Reads `FORMS_TABLE`.
    pub fn from_env(env: &mut Env, client: aws_sdk_dynamodb::Client, random: Random) -> Option<Self> {
        let name = env.required("FORMS_TABLE")?;
        Some(Self { table: Table { client, name, random } })
    }

    /// Opens the connection.
    pub async fn warm_up(&self) {
        self.table.warm_up().await;
    }

    /// A submission, unless its time is over.
    pub async fn find(&self, id: &SubmissionId, now: Timestamp) -> Result<Option<Submission>, StoreError> {
        let Some(item) = self.table.get_item(&key(id), Consistency::Strong).await? else { return Ok(None) };
        Ok(Some(submission(id.clone(), item)?).filter(|found| !found.is_over(now)))
    }

    /// Writes a submission as the version after the one it was read with, and gives it back as it now stands; nothing if
    /// another request wrote first. A new one is written once.
    pub async fn save(&self, mut submission: Submission) -> Result<Option<Submission>, StoreError> {
        let record = SubmissionRecord::from(&submission);
        Ok(match self.table.put(&key(&submission.id), submission.version + 1, &record).await? {
            Written::Yes => {
                submission.version += 1;
                Some(submission)
            }
            Written::Conflict => None,
        })
    }

    /// Deletes a submission; whether it was there.
    pub async fn delete(&self, id: &SubmissionId) -> Result<bool, StoreError> {
        self.table.delete(&key(id)).await
    }

    /// Submissions handed in from `since` on, the newest first, without those whose time is over.
    pub async fn list(
        &self,
        by: By<'_>,
        since: Timestamp,
        now: Timestamp,
        from: Option<&Cursor>,
        limit: u16,
    ) -> Result<Page<Submission>, StoreError> {
        let mut page = self.page(by, Some((">=", since.millis())), from, limit).await?;
        page.entries.retain(|found| !found.is_over(now));
        Ok(page)
    }

    /// Everything that is stored of a person, also what DynamoDB has yet to delete.
    pub async fn of_person(&self, phone: &PhoneDigest, from: Option<&Cursor>) -> Result<Page<Submission>, StoreError> {
        self.page(By::Phone(phone), None, from, OF_PERSON_AT_ONCE).await
    }

    /// How many there are in which no phone could be read, at most [`MOST_COUNTED`](Self::MOST_COUNTED): also what DynamoDB has yet to delete,
    /// and not what an earlier release has stored.
    pub async fn count_unmatched(&self) -> Result<usize, StoreError> {
        let (index, hash) = By::Unmatched.index();
        let (mut count, mut from) = (0, None);
        loop {
            let lookup = Lookup { index, hash, range: RANGE, bound: None, newest_first: true };
            let page = self.table.keys(&lookup, from.as_ref(), COUNTED_AT_ONCE).await?;
            count += page.entries.len();
            from = page.next;
            if from.is_none() || count >= Self::MOST_COUNTED {
                return Ok(count.min(Self::MOST_COUNTED));
            }
        }
    }

    /// As far as is counted.
    pub const MOST_COUNTED: usize = 10_000;

    /// Where a list goes on after `last`, for a page that was cut short there.
    #[must_use]
    pub fn after(by: By<'_>, last: &Submission) -> Cursor {
        let (_, hash) = by.index();
        Cursor::after(hash, (RANGE, last.at.millis()), key(&last.id))
    }

    async fn page(
        &self,
        by: By<'_>,
        bound: Option<(&str, i64)>,
        from: Option<&Cursor>,
        limit: u16,
    ) -> Result<Page<Submission>, StoreError> {
        let (index, hash) = by.index();
        let lookup = Lookup { index, hash, range: RANGE, bound, newest_first: true };
        let page = self.table.keys(&lookup, from, limit).await?;
        let (mut entries, mut unreadable, mut bytes) = (Vec::new(), Vec::new(), 0);
        let reading = Reading::page();
        let mut read = 0;
        for keys in page.entries.chunks(AT_ONCE) {
            read += keys.len();
            let mut items = self.table.get_all(keys.to_vec(), Consistency::Strong, reading).await?;
            let mut last = None;
            for key in keys {
                let id = key.strip_prefix(FORM).and_then(|id| SubmissionId::parse(id).ok());
                let Some((id, item)) = id.zip(items.remove(key)) else { continue };
                last = match submission(id.clone(), item) {
                    Ok(found) => {
                        bytes += found.data.as_ref().map_or(0, |data| data.as_str().len());
                        let after = Self::after(by, &found);
                        entries.push(found);
                        Some(after)
                    }
                    Err(cause) => {
                        unreadable.push(passed_over(id.as_str(), cause)?);
                        None
                    }
                };
            }
            if bytes >= MOST_BYTES && read < page.entries.len() && last.is_some() {
                return Ok(Page { entries, next: last, unreadable });
            }
        }
        Ok(Page { entries, next: page.next, unreadable })
    }
}
