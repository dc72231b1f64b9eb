//! The shop's own backend: it decides what an order costs, keeps books of payments and the confirmed forms, and publishes its prices.

mod books;
mod event;
mod events;
mod feed;
mod forms;
mod orders;
mod readings;
mod refusal;
mod samples;
mod sender;
mod signed;

use std::sync::Mutex;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::answer::Answer;
use crate::error::ControlError;
use crate::locked::locked;
use crate::options::Options;
use crate::readings::Readings;
use crate::request::Request;

use events::Copy;
use refusal::ShopRefusal;

pub(crate) use readings::Reading;
pub(crate) use sender::Destination;

/// What the shop has taken in, and what tests make it answer.
#[derive(Default)]
pub(crate) struct Shop {
    orders: Mutex<orders::Book>,
    forms: Mutex<forms::Drawer>,
    events: Mutex<events::Post>,
    sender: sender::Sender,
    overrides: Mutex<Map<String, Value>>,
    feed: Mutex<feed::Feed>,
    pub(crate) readings: Readings<Reading>,
}

impl Shop {
    pub(crate) fn handle(&self, options: &Options, now: OffsetDateTime, method: &str, request: &Request) -> Answer {
        let answer = match method {
            "feed" => return locked(&self.feed).serve(request),
            "orders" => signed::authorized(options, request)
                .and_then(|body| locked(&self.orders).accept(&body, &locked(&self.overrides), &self.readings, now)),
            "events" => self.take_event(options, now, request),
            _ => forms::verified(options, request, now).map(|form| locked(&self.forms).save(form, now)),
        };
        answer
            .unwrap_or_else(|ShopRefusal(status, message)| Answer::json(status, &json!({ "success": false, "message": message })))
    }

    fn take_event(&self, options: &Options, now: OffsetDateTime, request: &Request) -> Result<Answer, ShopRefusal> {
        let (answer, copy) = locked(&self.events).take(options, request, now);
        if let Some(copy) = copy {
            self.sender.hand_on(copy);
        }
        answer
    }

    pub(crate) fn refuse(method: &str, request: &Request) -> Answer {
        match method {
            "orders" => orders::refuse(&request.body),
            "events" => events::refuse(),
            "feed" => Answer::error(StatusCode::FORBIDDEN, "the feed is for others"),
            _ => forms::refuse(),
        }
    }

    pub(crate) fn set_feed(&self, feed: Bytes, content_type: &'static str) {
        locked(&self.feed).set(feed, content_type);
    }

    pub(crate) fn orders(&self) -> Vec<Value> {
        locked(&self.orders).accepted()
    }

    pub(crate) fn forms(&self) -> Vec<Value> {
        locked(&self.forms).saved()
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        locked(&self.events).shown()
    }

    pub(crate) fn books(&self) -> Value {
        locked(&self.events).books().shown()
    }

    pub(crate) fn book_of(&self, order_id: &str) -> Option<Value> {
        locked(&self.events).books().order(order_id)
    }

    /// Samples go there from now on, as the functions' events do.
    pub(crate) fn send_events_to(&self, destination: Destination) {
        self.sender.send_to(destination);
    }

    /// Copies of the events that are taken from now on.
    pub(crate) fn copies(&self) -> UnboundedReceiver<Copy> {
        self.sender.copy()
    }

    /// Brings copies to another shop, one after the other, so that they come in their order.
    pub(crate) async fn forward(&self, url: &str, mut copies: UnboundedReceiver<Copy>) {
        while let Some(copy) = copies.recv().await {
            let place = copy.place;
            let status = self.sender.post_copy(url, copy).await;
            locked(&self.events).forwarded(place, status);
        }
    }

    /// Sends samples to where events go; that is here, unless it was said otherwise.
    pub(crate) async fn trigger(
        &self,
        here: Destination,
        now: OffsetDateTime,
        named: Option<&str>,
    ) -> Result<Value, ControlError> {
        self.sender.trigger(here, now, named).await
    }

    pub(crate) fn set_overrides(&self, overrides: Value) -> Result<(), ControlError> {
        let Value::Object(overrides) = overrides else {
            return Err(ControlError::field("order", "must be an object; its fields replace those of the answer"));
        };
        *locked(&self.overrides) = overrides;
        Ok(())
    }

    pub(crate) fn clear_overrides(&self) {
        locked(&self.overrides).clear();
    }

    pub(crate) fn overrides(&self) -> Map<String, Value> {
        locked(&self.overrides).clone()
    }
}
