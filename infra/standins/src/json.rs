//! Small helpers for JSON: moments, and values that have a text form.

use std::fmt::Display;

use serde::Serializer;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// RFC 3339, as every `at` is written.
pub(crate) fn rfc3339(at: OffsetDateTime) -> String {
    // Fails only for years that no clock here reaches.
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

/// For `#[serde(serialize_with)]` on moments.
pub(crate) fn moment<S: Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

/// For `#[serde(serialize_with)]` on moments that may not have come yet; null until then.
#[expect(clippy::ref_option, reason = "the shape that serde calls")]
pub(crate) fn maybe_moment<S: Serializer>(at: &Option<OffsetDateTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => moment(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// For `#[serde(serialize_with)]` on values that are their text.
pub(crate) fn display<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Puts null for every field of these names, at any depth.
pub(crate) fn put_nulls(value: &mut Value, fields: &[&str]) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if fields.contains(&name.as_str()) {
                    *value = Value::Null;
                } else {
                    put_nulls(value, fields);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| put_nulls(item, fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
