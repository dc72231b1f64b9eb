//! Bodies: UTF-8, JSON, the right types; an error names the field and says what would be right.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::Failure;
use crate::wire;

/// Reads a JSON body. The error names the path of the field; the value itself is the caller's, not the log's.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Failure::bad_request("the body is empty, a JSON object is expected"));
    }
    let text = std::str::from_utf8(body)
        .map_err(|error| Failure::bad_request(format!("the body is not UTF-8 (byte {})", error.valid_up_to())))?;
    let text = text.trim_start_matches('\u{feff}');
    if !matches!(text.trim_ascii_start().as_bytes(), [b'{', ..]) {
        // serde would read an array as the fields in their order.
        let problem = if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() { "not a JSON object" } else { "not JSON" };
        return Err(Failure::bad_request(format!("the body is {problem}")));
    }
    let read = || {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = serde_path_to_error::deserialize(&mut deserializer)?;
        Ok((value, deserializer.end()))
    };
    let read = wire::noting(read, |error: &serde_path_to_error::Error<serde_json::Error>| error.path().to_string());
    let (value, end) = read.map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        Failure::bad_request(match inner.classify() {
            Category::Data if path != "." => format!("field `{path}`: {inner}"),
            Category::Data => format!("the body: {inner}"),
            Category::Io | Category::Syntax | Category::Eof => format!("the body is not JSON: {inner}"),
        })
    })?;
    end.map_err(|error| Failure::bad_request(format!("the body is not JSON: {error}")))?;
    Ok(value)
}
