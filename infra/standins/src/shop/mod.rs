//! The shop's own backend: it decides what an order costs, keeps the confirmed forms, and publishes its prices.

mod feed;
mod forms;
mod orders;
mod readings;
mod refusal;

use std::sync::Mutex;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::answer::Answer;
use crate::error::ControlError;
use crate::locked::locked;
use crate::options::Options;
use crate::readings::Readings;
use crate::request::Request;

use refusal::{ShopRefusal, authorized};

pub(crate) use readings::Reading;

/// What the shop has taken in, and what tests make it answer.
#[derive(Default)]
pub(crate) struct Shop {
    orders: Mutex<orders::Book>,
    forms: Mutex<forms::Drawer>,
    overrides: Mutex<Map<String, Value>>,
    feed: Mutex<feed::Feed>,
    pub(crate) readings: Readings<Reading>,
}

impl Shop {
    pub(crate) fn handle(&self, options: &Options, now: OffsetDateTime, method: &str, request: &Request) -> Answer {
        if method == "feed" {
            return locked(&self.feed).serve(request);
        }
        let answer = if method == "orders" {
            authorized(options, request)
                .and_then(|body| locked(&self.orders).accept(&body, &locked(&self.overrides), &self.readings, now))
        } else {
            forms::verified(options, request, now).map(|form| locked(&self.forms).save(form, now))
        };
        answer
            .unwrap_or_else(|ShopRefusal(status, message)| Answer::json(status, &json!({ "success": false, "message": message })))
    }

    pub(crate) fn refuse(method: &str, request: &Request) -> Answer {
        match method {
            "orders" => orders::refuse(&request.body),
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
