//! Bodies: JSON of a size that can be held, the right types; an error names the field and says what would be right.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::Failure;

/// Reads a JSON body. The error names the path of the field; the value itself is the caller's, not the log's.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    if text.trim_ascii().is_empty() {
        return Err(Failure::bad_request("the body is empty, a JSON object is expected"));
    }
    if !matches!(text.trim_ascii_start().as_bytes(), [b'{', ..]) {
        // serde would read an array as the fields in their order.
        let problem = if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() { "not a JSON object" } else { "not JSON" };
        return Err(Failure::bad_request(format!("the body is {problem}")));
    }
    let deserializer = &mut serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut *deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        Failure::bad_request(match inner.classify() {
            Category::Data if path != "." => format!("field `{path}`: {inner}"),
            Category::Data => format!("the body: {inner}"),
            Category::Io | Category::Syntax | Category::Eof => format!("the body is not JSON: {inner}"),
        })
    })?;
    deserializer.end().map_err(|error| Failure::bad_request(format!("the body is not JSON: {error}")))?;
    Ok(value)
}
