//! The record of every call: what was really sent.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::locked::locked;
use crate::request::{Part, Request};
use crate::system::System;

/// A call that one of the systems has received.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// The system that was called.
    pub system: System,
    /// Its method, one of [`System::methods`]; `unknown` for a path that the system does not have.
    pub method: &'static str,
    /// The path on this listener.
    pub path: String,
    /// The query's parameters, decoded.
    pub query: BTreeMap<String, String>,
    /// The headers; names in lower case, several values of one name joined by a comma.
    pub headers: BTreeMap<String, String>,
    /// The parsed body if it is JSON, otherwise its text; for Finish `{"body":…,"check":{…}}`.
    pub body: Value,
    /// The exact text of the body, for Finish of its part `body`; bytes that are not UTF-8 are replaced.
    pub raw: String,
    /// The file of Finish's part `check`.
    #[serde(skip)]
    pub check: Option<FiscalDocument>,
    /// When it came, by the stand-ins' clock.
    #[serde(serialize_with = "crate::json::moment")]
    pub at: OffsetDateTime,
}

/// The fiscal document sent with a Finish (Mokka, "Finish").
#[derive(Clone, Debug)]
pub struct FiscalDocument {
    /// The file's name, if the part has one.
    pub filename: Option<String>,
    /// The part's content type, if it has one.
    pub content_type: Option<String>,
    /// The file.
    pub bytes: Bytes,
}

impl Call {
    pub(crate) fn of(system: System, method: &'static str, request: &Request, at: OffsetDateTime) -> Self {
        let (body, raw) = match &request.parts {
            Some(parts) => multipart(parts),
            None => (parsed(&request.body), text(&request.body)),
        };
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in &request.headers {
            let value = text(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|all| {
                    all.push_str(", ");
                    all.push_str(&value);
                })
                .or_insert(value);
        }
        Self {
            system,
            method,
            path: request.path.clone(),
            query: request.query.clone(),
            headers,
            body,
            raw,
            check: request.part("check").map(|part| FiscalDocument {
                filename: part.filename.clone(),
                content_type: part.content_type.clone(),
                bytes: part.bytes.clone(),
            }),
            at,
        }
    }
}

/// The parts by name; files are described, not shown.
fn multipart(parts: &[Part]) -> (Value, String) {
    let mut shown = serde_json::Map::new();
    let mut raw = String::new();
    for part in parts {
        let value = if part.filename.is_some() {
            json!({ "filename": part.filename, "content_type": part.content_type, "size": part.bytes.len() })
        } else {
            parsed(&part.bytes)
        };
        if part.name == "body" {
            raw = text(&part.bytes);
        }
        shown.insert(part.name.clone(), value);
    }
    (Value::Object(shown), raw)
}

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(text(bytes)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// All calls since they were last forgotten.
pub(crate) struct Calls {
    /// Whether they are kept, or only counted.
    keep: bool,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    /// Oldest first.
    calls: Vec<Call>,
    counts: BTreeMap<(System, &'static str), u64>,
}

impl Calls {
    pub(crate) fn new(keep: bool) -> Self {
        Self { keep, record: Mutex::default() }
    }

    /// Counts a call, and keeps it if calls are kept.
    pub(crate) fn record(&self, system: System, method: &'static str, call: impl FnOnce() -> Call) {
        let call = self.keep.then(call);
        let mut record = locked(&self.record);
        *record.counts.entry((system, method)).or_default() += 1;
        record.calls.extend(call);
    }

    pub(crate) fn list(&self, wanted: impl Fn(&Call) -> bool) -> Vec<Call> {
        locked(&self.record).calls.iter().filter(|call| wanted(call)).cloned().collect()
    }

    pub(crate) fn count(&self, system: System, wanted: &str) -> u64 {
        let record = locked(&self.record);
        let counts = record.counts.iter().filter(|((of, method), _)| *of == system && *method == wanted);
        counts.map(|(_, count)| count).sum()
    }

    pub(crate) fn forget(&self) {
        *locked(&self.record) = Record::default();
    }
}
