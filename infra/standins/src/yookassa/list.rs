//! Lists: newest first, filtered, a page at a time.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::refusal::Refusal;
use super::shown::moment;
use crate::request::Request;

const USUAL: usize = 10;
const MOST: usize = 100;
const COMPARISONS: [&str; 4] = ["gte", "gt", "lte", "lt"];

/// One page of these objects, the newest first; `fields` are those that a query may name, `moments` those that it may compare.
pub(super) fn page(newest_first: Vec<Value>, request: &Request, fields: &[&str], moments: &[&str]) -> Result<Value, Refusal> {
    let mut items = newest_first;
    let filters = request.query.iter().filter(|(name, _)| *name != "limit" && *name != "cursor");
    for (name, wanted) in filters {
        let (field, comparison) = name.split_once('.').unwrap_or((name, ""));
        if moments.contains(&field) && COMPARISONS.contains(&comparison) {
            let wanted =
                OffsetDateTime::parse(wanted, &Rfc3339).map_err(|_| Refusal::at(name, "Must be a moment as ISO 8601 has it"))?;
            let wanted = moment(wanted);
            // In one form and one zone, moments sort as texts.
            items.retain(|item| item[field].as_str().is_some_and(|at| compare(at, comparison, &wanted)));
        } else if fields.contains(&name.as_str()) {
            items.retain(|item| {
                let value = if name == "payment_method" { &item[name]["type"] } else { &item[name] };
                value == wanted.as_str()
            });
        } else {
            return Err(Refusal::at(name, "Unknown parameter"));
        }
    }
    let limit = match request.query.get("limit") {
        Some(limit) => limit.parse().ok().filter(|limit| (1..=MOST).contains(limit)),
        None => Some(USUAL),
    };
    let limit = limit.ok_or_else(|| Refusal::at("limit", format!("Must be a number of 1 to {MOST}")))?;
    let first = match request.query.get("cursor") {
        Some(cursor) => items.iter().position(|item| item["id"] == cursor.as_str()),
        None => Some(0),
    };
    let first = first.ok_or_else(|| Refusal::at("cursor", "Cursor is not valid"))?;
    let mut items = items.split_off(first);
    let rest = items.split_off(limit.min(items.len()));
    let mut list = json!({ "type": "list", "items": items });
    if let Some(next) = rest.first() {
        list["next_cursor"] = next["id"].clone();
    }
    Ok(list)
}

fn compare(at: &str, comparison: &str, wanted: &str) -> bool {
    match comparison {
        "gte" => at >= wanted,
        "gt" => at > wanted,
        "lte" => at <= wanted,
        _ => at < wanted,
    }
}
