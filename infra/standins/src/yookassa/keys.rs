//! `Idempotence-Key`: what was answered under a key is answered again for a day.

use std::collections::HashMap;

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::refusal::{Outcome, Refusal};
use crate::request::Request;

const LIFETIME: Duration = Duration::hours(24);
const MAX_LENGTH: usize = 64;

/// A call under its key.
pub(super) struct Keyed {
    key: String,
    path: String,
    body: Value,
}

impl Keyed {
    /// Reads the key and the body of a POST; an empty body is an empty object, as clients cancel.
    pub(super) fn read(request: &Request) -> Result<Self, Refusal> {
        let key = request.header("idempotence-key").map(str::trim).unwrap_or_default();
        if key.is_empty() {
            return Err(Refusal::at("Idempotence-Key", "Idempotence key is missing"));
        }
        if key.chars().count() > MAX_LENGTH {
            return Err(Refusal::at("Idempotence-Key", "Idempotence key is longer than 64 characters"));
        }
        let body = if request.body.is_empty() {
            Value::Object(serde_json::Map::new())
        } else if request.is_json() {
            serde_json::from_slice(&request.body)
                .map_err(|error| Refusal::invalid(format!("Request body is not a valid JSON: {error}")))?
        } else {
            return Err(Refusal::media_type());
        };
        Ok(Self { key: key.to_owned(), path: request.path.clone(), body })
    }

    pub(super) fn body(&self) -> &Value {
        &self.body
    }
}

struct Kept {
    at: OffsetDateTime,
    path: String,
    body: Value,
    outcome: Outcome,
}

/// What was answered under each key.
#[derive(Default)]
pub(super) struct Keys(HashMap<String, Kept>);

impl Keys {
    /// The first answer to this very call, if its key was used in the last 24 hours.
    pub(super) fn answered(&self, call: &Keyed, now: OffsetDateTime) -> Result<Option<Outcome>, Refusal> {
        let Some(kept) = self.0.get(&call.key).filter(|kept| now < kept.at + LIFETIME) else { return Ok(None) };
        if kept.path == call.path && kept.body == call.body {
            return Ok(Some(kept.outcome.clone()));
        }
        Err(Refusal::at("Idempotence-Key", "Idempotence key duplicated"))
    }

    pub(super) fn keep(&mut self, call: Keyed, outcome: Outcome, now: OffsetDateTime) {
        let Keyed { key, path, body } = call;
        self.0.insert(key, Kept { at: now, path, body, outcome });
    }
}
