//! Notifications: unsigned, repeated until they are answered with 200, and as old as the event they tell of.

use serde::Serialize;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

/// When a notification is repeated, in seconds after its first try.
const REPEATED_AFTER: [i64; 7] = [10, 42, 84, 168, 672, 5376, 86016];

/// A notification that is to be posted to the shop.
#[derive(Clone, Debug)]
pub struct YookassaNotice {
    /// What it tells: `payment.succeeded`, say.
    pub event: &'static str,
    /// The payment or the refund that it tells of.
    pub object_id: String,
    /// The body to be posted, JSON.
    pub body: String,
    tries: usize,
    first: OffsetDateTime,
    due: OffsetDateTime,
}

pub(super) type Notice = YookassaNotice;

impl YookassaNotice {
    pub(super) fn new(event: &'static str, object: &Value, now: OffsetDateTime) -> Self {
        let body = json!({ "type": "notification", "event": event, "object": object }).to_string();
        let object_id = object["id"].as_str().unwrap_or_default().to_owned();
        Self { event, object_id, body, tries: 0, first: now, due: now }
    }
}

/// A try to post one, as `GET /control/yookassa/notifications` shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Posted {
    event: &'static str,
    object_id: String,
    /// What the shop answered: an HTTP status, 0 for nothing.
    answered: u16,
    #[serde(serialize_with = "crate::json::moment")]
    at: OffsetDateTime,
}

/// What is to be posted, and what was.
#[derive(Default)]
pub(super) struct Notices {
    waiting: Vec<Notice>,
    posted: Vec<Posted>,
    /// How many are on their way.
    taken: usize,
}

impl Notices {
    pub(super) fn queue(&mut self, notice: Notice) {
        self.waiting.push(notice);
    }

    /// Those whose time has come, to be given to [`Self::post`] with what became of each.
    pub(super) fn take_due(&mut self, now: OffsetDateTime) -> Vec<Notice> {
        let due: Vec<_> = self.waiting.extract_if(.., |notice| notice.due <= now).collect();
        self.taken += due.len();
        due
    }

    /// One that is posted without having waited.
    pub(super) fn take(&mut self, notice: Notice) -> Notice {
        self.taken += 1;
        notice
    }

    /// A try has ended: what was not answered with 200 is repeated, seven times in all.
    pub(super) fn post(&mut self, notice: Notice, answered: u16, now: OffsetDateTime) {
        self.taken = self.taken.saturating_sub(1);
        self.posted.push(Posted { event: notice.event, object_id: notice.object_id.clone(), answered, at: now });
        let Some(after) = REPEATED_AFTER.get(notice.tries).filter(|_| answered != 200) else { return };
        let due = notice.first + Duration::seconds(*after);
        self.waiting.push(Notice { tries: notice.tries + 1, due, ..notice });
    }

    /// Whether one is on its way, or about to be.
    pub(super) fn is_busy(&self, now: OffsetDateTime) -> bool {
        self.taken > 0 || self.waiting.iter().any(|notice| notice.due <= now)
    }

    pub(super) fn posted(&self) -> Vec<Posted> {
        self.posted.clone()
    }
}
