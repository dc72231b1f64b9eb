//! `POST /shop/events`: what became of payments, as Standard Webhooks 1.0 sends messages. The same id is the same event.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use hyper::header::HeaderMap;
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::books::Books;
use super::event::Event;
use super::refusal::{ShopRefusal, object};
use super::signed;
use crate::answer::Answer;
use crate::options::Options;
use crate::request::Request;

/// The headers that matter of a message.
const HEADERS: [&str; 5] = ["content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature"];

/// A message as it came, for another shop.
pub(crate) struct Copy {
    /// Where it is in the post.
    pub(super) place: usize,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The messages that came, oldest first, and the books that are kept from those that were taken.
#[derive(Default)]
pub(super) struct Post {
    messages: Vec<Message>,
    /// Where each id that was taken is.
    taken: HashMap<String, usize>,
    books: Books,
}

/// A message, however often it came; one that was refused stands for itself.
#[derive(Serialize)]
struct Message {
    webhook_id: Option<String>,
    #[serde(rename = "type")]
    kind: Value,
    body: Value,
    headers: BTreeMap<&'static str, String>,
    times: u32,
    verified: bool,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    /// Whether a repetition said something else.
    changed: bool,
    /// What the shop that it was forwarded to answered last, 0 for nothing.
    forwarded: Option<u16>,
    #[serde(serialize_with = "crate::json::moment")]
    at: OffsetDateTime,
    #[serde(skip)]
    raw: Bytes,
}

impl Post {
    /// Takes a message, or refuses it; with what is to be forwarded of it.
    pub(super) fn take(
        &mut self,
        options: &Options,
        request: &Request,
        now: OffsetDateTime,
    ) -> (Result<Answer, ShopRefusal>, Option<Copy>) {
        let verified = signed::verified(&options.shop_events_secret, request);
        let is_verified = verified.is_ok();
        let read = verified.and_then(|id| {
            let event = Event::read(&id, &object(request)?)?;
            Ok((id, event))
        });
        match read {
            Ok((id, event)) => {
                let place = self.keep(&id, &event, request, now);
                let copy = Copy { place, headers: request.headers.clone(), body: request.body.clone() };
                (Ok(Answer::ok(&json!({ "success": true }))), Some(copy))
            }
            Err(refusal) => {
                let refused = Some(refusal.1.clone());
                self.messages.push(Message { refused, verified: is_verified, ..Message::of(request, now) });
                (Err(refusal), None)
            }
        }
    }

    /// A repeated id is not entered again.
    fn keep(&mut self, id: &str, event: &Event, request: &Request, now: OffsetDateTime) -> usize {
        let next = self.messages.len();
        let place = *self.taken.entry(id.to_owned()).or_insert(next);
        if let Some(known) = self.messages.get_mut(place) {
            known.times += 1;
            known.changed |= known.raw != request.body;
        } else {
            self.messages.push(Message::of(request, now));
            self.books.enter(id, event);
        }
        place
    }

    pub(super) fn forwarded(&mut self, place: usize, status: u16) {
        if let Some(message) = self.messages.get_mut(place) {
            message.forwarded = Some(status);
        }
    }

    pub(super) fn shown(&self) -> Vec<Value> {
        self.messages.iter().map(|message| json!(message)).collect()
    }

    pub(super) fn books(&self) -> &Books {
        &self.books
    }
}

impl Message {
    fn of(request: &Request, now: OffsetDateTime) -> Self {
        let header = |name: &'static str| request.header(name).map(|value| (name, value.to_owned()));
        let body: Value = serde_json::from_slice(&request.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&request.body).into_owned()));
        Self {
            webhook_id: request.header("webhook-id").map(str::to_owned),
            kind: body["type"].clone(),
            body,
            headers: HEADERS.into_iter().filter_map(header).collect(),
            times: 1,
            verified: true,
            refused: None,
            changed: false,
            forwarded: None,
            at: now,
            raw: request.body.clone(),
        }
    }
}

/// As when the shop's code cannot read it.
pub(super) fn refuse() -> Answer {
    Answer::json(hyper::StatusCode::UNPROCESSABLE_ENTITY, &json!({ "success": false, "message": "the event is not understood" }))
}
