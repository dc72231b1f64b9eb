//! Small helpers for JSON: moments, and values that have a text form.

use std::fmt::Display;

use serde::Serializer;
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
