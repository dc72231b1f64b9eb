//! The filter of an event source mapping: which records of a stream a function is given (AWS Lambda, "Lambda event
//! filtering"; the rules are EventBridge's).

use serde_json::{Map, Value};

/// Patterns, of which one must fit; everything fits none at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Vec<Pattern>);

/// What a place of a record must be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    /// An object in which these fit.
    Object(Vec<(String, Pattern)>),
    /// Something that one of these fits.
    OneOf(Vec<Rule>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Equals(Value),
    Prefix(String),
}

/// A filter that the sandbox does not understand.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FilterError(String);

impl FilterError {
    /// What is wrong with it.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl Filter {
    /// Reads the JSON texts of the patterns.
    pub fn read(patterns: &[&str]) -> Result<Self, FilterError> {
        let read = |text: &&str| {
            let pattern: Map<String, Value> =
                serde_json::from_str(text).map_err(|error| FilterError::new(format!("the filter {text}: {error}")))?;
            object(&pattern)
        };
        patterns.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the function is given this record.
    #[must_use]
    pub fn fits(&self, record: &Value) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| fits(pattern, record))
    }
}

fn object(pattern: &Map<String, Value>) -> Result<Pattern, FilterError> {
    let fields = pattern.iter().map(|(name, pattern)| {
        let pattern = match pattern {
            Value::Object(inner) => object(inner)?,
            Value::Array(rules) => Pattern::OneOf(rules.iter().map(rule).collect::<Result<_, _>>()?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(FilterError::new(format!("the filter's {name} must be an object or a list")));
            }
        };
        Ok((name.clone(), pattern))
    });
    fields.collect::<Result<_, _>>().map(Pattern::Object)
}

fn rule(rule: &Value) -> Result<Rule, FilterError> {
    match rule {
        Value::Object(operator) => match (operator.len(), operator.get("prefix")) {
            (1, Some(Value::String(prefix))) => Ok(Rule::Prefix(prefix.clone())),
            _ => Err(FilterError::new(format!("the filter's rule {rule} is not one that the sandbox has"))),
        },
        Value::Array(_) => Err(FilterError::new(format!("the filter's rule {rule} is not one that the sandbox has"))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(Rule::Equals(rule.clone())),
    }
}

fn fits(pattern: &Pattern, value: &Value) -> bool {
    match pattern {
        Pattern::Object(fields) => fields.iter().all(|(name, pattern)| value.get(name).is_some_and(|value| fits(pattern, value))),
        Pattern::OneOf(rules) => rules.iter().any(|rule| match rule {
            Rule::Equals(wanted) => wanted == value,
            Rule::Prefix(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PAYMENTS: &str = r#"{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"payment#"}]}},"NewImage":{"untold":{"BOOL":[true]}}}}"#;

    fn record(key: &str, image: &Value) -> Value {
        json!({"eventName": "MODIFY", "dynamodb": {"Keys": {"pk": {"S": key}}, "NewImage": image}})
    }

    #[test]
    fn only_what_every_part_of_a_pattern_fits_gets_through() {
        let filter = Filter::read(&[PAYMENTS]).unwrap();
        assert!(filter.fits(&record("payment#1-1", &json!({"untold": {"BOOL": true}, "x": {"S": "y"}}))));
        assert!(!filter.fits(&record("order#1", &json!({"untold": {"BOOL": true}}))));
        assert!(!filter.fits(&record("payment#1-1", &json!({"untold": {"BOOL": false}}))));
        assert!(!filter.fits(&record("payment#1-1", &json!({"untold": {"S": "true"}}))));
        assert!(!filter.fits(&record("payment#1-1", &json!({}))));
        assert!(!filter.fits(&json!({"dynamodb": {"Keys": {"pk": {"S": "payment#1-1"}}}})));
    }

    #[test]
    fn one_pattern_is_enough_and_none_lets_everything_through() {
        let two = Filter::read(&[PAYMENTS, r#"{"eventName":["REMOVE"]}"#]).unwrap();
        assert!(two.fits(&json!({"eventName": "REMOVE"})));
        assert!(!two.fits(&json!({"eventName": "INSERT"})));
        assert!(Filter::read(&[]).unwrap().fits(&json!({})));
    }

    #[test]
    fn a_rule_that_is_not_known_is_refused() {
        for pattern in [r#"{"a":"b"}"#, r#"{"a":[{"suffix":"b"}]}"#, r#"{"a":[{"prefix":1}]}"#, r#"{"a":[["b"]]}"#, "[]", "{"] {
            assert!(Filter::read(&[pattern]).is_err(), "{pattern}");
        }
    }
}
