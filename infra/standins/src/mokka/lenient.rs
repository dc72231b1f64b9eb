//! What real clients send beside the document, brought into the document's form; each such thing is remarked, for the answer's
//! note. [`Options::exact_requests`](crate::Options::exact_requests) refuses it instead.
//!
//! Nulls and empty texts count as absent. Amounts come as numbers, or without their two decimals; prices and terms as texts; phones
//! as people write them; flags as 0 and 1; ids as numbers. What cannot be brought into the form stays, and is refused as ever.

use serde_json::{Map, Number, Value};

use super::limits::is_phone;
use crate::money::Kopecks;
use crate::request::Remarks;

/// Brings a body into the document's form.
pub(super) fn bring_into_form(body: &mut Map<String, Value>, remarks: &Remarks) {
    object(body, "", remarks);
}

fn object(map: &mut Map<String, Value>, prefix: &str, remarks: &Remarks) {
    map.retain(|name, value| {
        let is_empty = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
        if is_empty {
            remarks.add(format!("{prefix}{name} says nothing"));
        }
        !is_empty
    });
    for (name, value) in map {
        let path = format!("{prefix}{name}");
        match value {
            Value::Object(inner) => object(inner, &format!("{path}."), remarks),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    if let Value::Object(inner) = item {
                        object(inner, &format!("{path}[{index}]."), remarks);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                if let Some(meant) = meant(name, value).filter(|meant| meant != value) {
                    remarks.add(format!("{path} is not written as in the document"));
                    *value = meant;
                }
            }
        }
    }
}

/// The value as the document writes this field, if it can be told.
fn meant(name: &str, value: &Value) -> Option<Value> {
    match name {
        "amount" | "prepayment_amount" => money(value).map(|amount| amount.to_string().into()),
        "price" | "sale_price" => match value {
            Value::String(_) => serde_json::from_str(money(value)?.to_number().get()).ok(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        },
        "primary_phone" | "mobile_phone" | "phone" => phone(&text(value)?).map(Value::String),
        "skip_result_page" | "returning_customer" | "bank_card" | "same_address" => match text(value)?.as_str() {
            "1" | "true" => Some(true.into()),
            "0" | "false" => Some(false.into()),
            _ => None,
        },
        "term" | "quantity" => match value {
            Value::String(said) => said.trim().parse().ok().map(Value::Number),
            Value::Number(number) => whole(number).map(Value::from),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        },
        _ => text(value).map(Value::String),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `3.0` is 3.
fn whole(number: &Number) -> Option<u64> {
    number.to_string().strip_suffix(".0")?.parse().ok()
}

fn money(value: &Value) -> Option<Kopecks> {
    Kopecks::lenient(&text(value)?.trim().replace(',', "."))
}

/// Ten digits, without what people put between them, and without the country.
fn phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let national = match digits.strip_prefix(['7', '8']) {
        Some(rest) if digits.len() == 11 => rest.to_owned(),
        _ => digits,
    };
    is_phone(&national).then_some(national)
}
