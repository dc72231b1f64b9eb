//! A submission: a form as a customer handed it in. It is stored before anything else is done with it, and what became of it is written
//! down beside it until its time is over. No I/O here.
//!
//! `Kept` is where it stays that goes nowhere else. What goes to the shop is `Waiting` until the shop has said `Delivered`, which
//! is the end, or `Refused`, which is the end unless the customer insists and the shop takes it after all. States only move
//! forward, so a repeated or late answer changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::platform::clock::Timestamp;
use crate::platform::ids::{FormName, InstallId, SubmissionId};
use crate::platform::phone::Phone;
use crate::platform::secret::{InternalSecret, Purpose};

/// A phone as it is stored: a keyed digest, so that a person's forms are found and the number is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneDigest(String);

impl PhoneDigest {
    /// The digest of a phone.
    #[must_use]
    pub fn new(secret: &InternalSecret, phone: &Phone) -> Self {
        Self(secret.digest(Purpose::Phone, &[phone.digits()]))
    }

    /// The digests under which a phone's forms may be stored: today's, while the internal secret is new the one before, and those
    /// of what earlier releases took the number for.
    #[must_use]
    pub fn all(secret: &InternalSecret, phone: &Phone) -> Vec<Self> {
        let spellings = [Some(phone.digits()), phone.earlier_digits()].into_iter().flatten();
        spellings.flat_map(|digits| secret.digests(Purpose::Phone, &[digits]).collect::<Vec<_>>()).map(Self).collect()
    }

    /// A digest as it was stored.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The digest's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a submission is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It goes nowhere else.
    Kept,
    /// The shop has not said yet what becomes of it.
    Waiting,
    /// The shop has it.
    Delivered,
    /// The shop does not want it like this.
    Refused,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Kept, Self::Waiting, Self::Delivered, Self::Refused];

    /// Its name in the store and in the back office.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Refused => "refused",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// For how many days a form can be kept: the template's bucket deletes photos by the same.
pub const RETENTION_DAYS: [u32; 10] = [1, 7, 14, 30, 60, 90, 180, 365, 730, 1095];

/// The least of them for a form that goes to the shop: the queue tries for a day, and its dead letters wait for two weeks.
pub const RETENTION_OF_DELIVERIES: u32 = 30;

/// A photo that was in a form as base64 and is an object in S3 since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// Where it was among the fields, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// `image/jpeg`, …, by its content.
    pub media_type: String,
    /// Its size.
    pub bytes: u64,
    /// It came as a `data:` URL, and not as bare base64.
    pub data_url: bool,
    /// The object's key.
    pub key: String,
}

/// A form's fields as JSON text. They stay text where they are only passed on: in memory they take up to a hundred times as much.
#[derive(Clone)]
pub struct Fields(Box<RawValue>);

impl Fields {
    /// Takes the text of a JSON object.
    pub fn parse(text: String) -> Result<Self, serde_json::Error> {
        let raw = RawValue::from_string(text)?;
        if raw.get().starts_with('{') { Ok(Self(raw)) } else { Err(serde::de::Error::custom("must be an object")) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The text, to be a part of another one.
    #[must_use]
    pub fn raw(&self) -> &RawValue {
        &self.0
    }

    /// The fields.
    pub fn read(&self) -> Result<Map<String, Value>, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }

    /// The fields' names.
    pub fn names(&self) -> Result<BTreeSet<String>, serde_json::Error> {
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(self.as_str())?;
        Ok(fields.into_keys().collect())
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fields(…)")
    }
}

/// What the shop gets.
#[derive(Serialize)]
struct Message<'a, T> {
    data: T,
    #[serde(rename = "formName")]
    form: &'a str,
    #[serde(rename = "installId", skip_serializing_if = "Option::is_none")]
    installation: Option<&'a str>,
}

/// That a form is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The name of the key.
    pub by: String,
    pub at: Timestamp,
}

/// A form as it is stored.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Its id; the shop is given it as the id of the message.
    pub id: SubmissionId,
    pub form: FormName,
    /// The installation it came from, if it says one.
    pub installation: Option<InstallId>,
    /// Its fields, with null where a photo was. Nothing once they were given to the shop and are not to be kept.
    pub data: Option<Fields>,
    pub photos: Vec<Photo>,
    pub phone: Option<PhoneDigest>,
    /// When it was handed in.
    pub at: Timestamp,
    /// It stays after the shop has it.
    pub keep: bool,
    /// When its time is over.
    pub keep_until: Timestamp,
    /// Where it is.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// What the shop told the customer.
    pub message: Option<String>,
    /// Who of the shop's people has seen to it, if somebody has.
    pub done: Option<Done>,
    /// The stored version; 0 if it is not stored yet.
    pub version: u64,
}

impl Submission {
    /// Whether its time is over, whatever DynamoDB has deleted by now.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.keep_until <= now
    }

    /// The shop has it. What is not to be kept here goes, and the photos to be deleted are given back.
    #[must_use]
    pub fn delivered(mut self, message: Option<String>, now: Timestamp) -> Option<(Self, Vec<Photo>)> {
        self.ended(&[State::Waiting, State::Refused], State::Delivered, message, now)?;
        if self.keep {
            return Some((self, Vec::new()));
        }
        self.data = None;
        let photos = std::mem::take(&mut self.photos);
        Some((self, photos))
    }

    /// The shop does not want it like this.
    #[must_use]
    pub fn refused(mut self, message: String, now: Timestamp) -> Option<Self> {
        self.ended(&[State::Waiting], State::Refused, Some(message), now)?;
        Some(self)
    }

    fn ended(&mut self, from: &[State], state: State, message: Option<String>, now: Timestamp) -> Option<()> {
        if !from.contains(&self.state) {
            return None;
        }
        self.state = state;
        self.since = now;
        self.message = message;
        Some(())
    }

    /// What the shop gets, with `photos` (base64, in their order) in their places again; nothing if the fields are gone.
    #[must_use]
    pub fn body(&self, photos: Vec<String>) -> Option<String> {
        let fields = self.data.as_ref()?;
        if self.photos.is_empty() {
            return self.message(fields.raw());
        }
        let mut data = Value::Object(fields.read().ok()?);
        for (photo, base64) in self.photos.iter().zip(photos) {
            let text = if photo.data_url { format!("data:{};base64,{base64}", photo.media_type) } else { base64 };
            *data.pointer_mut(&photo.pointer)? = Value::String(text);
        }
        self.message(data)
    }

    fn message(&self, data: impl Serialize) -> Option<String> {
        let installation = self.installation.as_ref().map(InstallId::as_str);
        serde_json::to_string(&Message { data, form: self.form.as_str(), installation }).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn waiting(keep: bool) -> Submission {
        let photo = Photo {
            pointer: "/pictures/0".to_owned(),
            media_type: "image/png".to_owned(),
            bytes: 3,
            data_url: true,
            key: "k".to_owned(),
        };
        let data = Fields::parse(json!({"name": "Айгуль", "pictures": [null]}).to_string()).unwrap();
        Submission {
            id: SubmissionId::parse(&"a".repeat(64)).unwrap(),
            form: FormName::parse("callback").unwrap(),
            installation: Some(InstallId::parse("i").unwrap()),
            data: Some(data),
            photos: vec![photo],
            phone: None,
            at: at(0),
            keep,
            keep_until: at(100),
            state: State::Waiting,
            since: at(0),
            message: None,
            done: None,
            version: 1,
        }
    }

    #[test]
    fn a_delivery_is_the_end_and_a_refusal_is_one_until_then() {
        let (delivered, _) = waiting(true).delivered(Some("спасибо".to_owned()), at(1)).unwrap();
        assert!(delivered.clone().refused("занято".to_owned(), at(2)).is_none());
        assert!(delivered.delivered(None, at(2)).is_none());
        let refused = waiting(true).refused("занято".to_owned(), at(1)).unwrap();
        assert!(refused.clone().refused("занято".to_owned(), at(2)).is_none());
        assert_eq!(refused.clone().delivered(None, at(2)).unwrap().0.state, State::Delivered, "after all");
        assert_eq!((refused.state, refused.since, refused.message.as_deref()), (State::Refused, at(1), Some("занято")));
    }

    #[test]
    fn unkept_form_is_deleted_by_delivery_only() {
        let (delivered, photos) = waiting(false).delivered(None, at(1)).unwrap();
        assert!(delivered.data.is_none() && delivered.photos.is_empty() && photos.len() == 1);
        let (kept, photos) = waiting(true).delivered(None, at(1)).unwrap();
        assert!(kept.data.is_some() && kept.photos.len() == 1 && photos.is_empty());
        assert!(waiting(false).refused("занято".to_owned(), at(1)).unwrap().data.is_some(), "a person may have to look");
    }

    #[test]
    fn the_shop_gets_the_photos_where_they_were() {
        let body: Value = serde_json::from_str(&waiting(true).body(vec!["AAAA".to_owned()]).unwrap()).unwrap();
        let data = json!({"name": "Айгуль", "pictures": ["data:image/png;base64,AAAA"]});
        assert_eq!(body, json!({"formName": "callback", "installId": "i", "data": data}));
    }
}
