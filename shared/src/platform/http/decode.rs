//! Bodies: JSON of a size that can be held, the right types; an error names the field and says what would be right.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::failure::Failure;
use crate::platform::wire;

/// The longest number whose digits a double always keeps (IEEE 754: 17 significant ones).
const MOST_DIGITS: usize = 17;
/// How many values and names a body may have together. A value in memory takes up to a hundred times its text, so that bytes alone
/// bound nothing; an order of a hundred lines has some thousand.
const MOST_VALUES: usize = 50_000;

/// The JSON text with its numbers' digits: what no number of this program keeps becomes a text of the same digits. Nothing if there
/// are too many values in it, which is found out before any of them is built.
fn measured(text: &str) -> Option<Cow<'_, str>> {
    let bytes = text.as_bytes();
    let (mut values, mut copied, mut at) = (0, 0, 0);
    let mut kept = String::new();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_text(bytes, at),
            b',' | b':' | b'[' | b'{' => {
                values += 1;
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let end = end_of_number(bytes, at);
                let number = &text[at..end];
                if !keeps_its_digits(number) {
                    kept.push_str(&text[copied..at]);
                    kept.push('"');
                    kept.push_str(number);
                    kept.push('"');
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
        if values > MOST_VALUES {
            return None;
        }
    }
    if copied == 0 {
        return Some(Cow::Borrowed(text));
    }
    kept.push_str(&text[copied..]);
    Some(Cow::Owned(kept))
}

/// Behind the text that begins at `at`.
fn end_of_text(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))) {
        if bytes[at + found] == b'"' {
            return at + found + 1;
        }
        at += found + 2;
    }
    bytes.len()
}

fn end_of_number(bytes: &[u8], at: usize) -> usize {
    let of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    at + bytes[at..].iter().take_while(|byte| of_number(byte)).count()
}

/// Whether a number is read with all its digits; also if it is none, which serde says better.
fn keeps_its_digits(number: &str) -> bool {
    let is_whole = number.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    if number.len() <= MOST_DIGITS && is_whole || serde_json::from_str::<&RawValue>(number).is_err() {
        return true;
    }
    if is_whole {
        return number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
    }
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_start_matches('0').trim_end_matches('0').len();
    significant <= MOST_DIGITS && number.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Reads a JSON body. The error names the path of the field; the value itself is the caller's, not the log's.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    if text.trim_ascii().is_empty() {
        return Err(Failure::bad_request("the body is empty, a JSON object is expected"));
    }
    let text = &*measured(text).ok_or_else(|| Failure::too_many(MOST_VALUES))?;
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Body {
        value: Value,
    }

    fn value(text: &str) -> Value {
        decode::<Body>(&format!("{{\"value\":{text}}}")).unwrap().value
    }

    #[test]
    fn a_number_keeps_its_digits() {
        for (text, read) in [
            ("5", json!(5)),
            ("-5", json!(-5)),
            ("996770123456", json!(996_770_123_456_u64)),
            ("9223372036854775807", json!(i64::MAX)),
            ("18446744073709551615", json!(u64::MAX)),
            ("18446744073709551616", json!("18446744073709551616")),
            ("-9223372036854775809", json!("-9223372036854775809")),
            ("123456789012345678901234567890", json!("123456789012345678901234567890")),
            ("389.70000000000005", json!(389.700_000_000_000_05)),
            ("42.874621000000003", json!(42.874_621_000_000_003)),
            ("0.1234567890123456789", json!("0.1234567890123456789")),
            ("12345678901234567890.12", json!("12345678901234567890.12")),
            ("1.50000000000000000000000000", json!(1.5)),
            ("1e400", json!("1e400")),
            ("1e5", json!(1e5)),
            (
                r#"["1234567890123456789012", "\\\"", 1234567890123456789012]"#,
                json!(["1234567890123456789012", "\\\"", "1234567890123456789012"]),
            ),
        ] {
            assert_eq!(value(text), read, "{text}");
        }
    }

    #[test]
    fn too_many_values_are_refused_whatever_they_are() {
        let status = |text: String| {
            decode::<Body>(&text).err().map(|failure| failure.into_response(super::super::Shape::Error).status().as_u16())
        };
        let many = |piece: &str| format!("{{\"value\":[{}{piece}]}}", format!("{piece},").repeat(MOST_VALUES));
        for piece in ["0", "{}", "[]", "\"\"", "null", "{\"\":0}", "[0,0]", "{\"a\":{\"b\":{}}}", " 1 ", "true", "\"[\\\"\""] {
            assert_eq!(status(many(piece)), Some(413), "{piece}");
        }
        let names: Vec<_> = (0..MOST_VALUES).map(|number| format!("\"{number}\":0")).collect();
        assert_eq!(status(format!("{{\"value\":{{{}}}}}", names.join(","))), Some(413), "names");
        assert_eq!(status(format!("{{\"value\":\"{}\"}}", "[{:,".repeat(MOST_VALUES))), None, "a text is one value");
        assert_eq!(status(format!("{{\"value\":[{}0]}}", "0,".repeat(MOST_VALUES - 10))), None);
    }
}
