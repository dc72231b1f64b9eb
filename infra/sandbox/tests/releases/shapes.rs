//! The shape of what is stored changes knowingly: what is other than in the last kept release is noted, and the rules of
//! `shared/src/platform/dynamodb/mod.rs` were kept.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::stored::{self, Files, TABLES};
use crate::stories;

/// Maps whose keys are data.
const BY_DATA: [&str; 3] = ["offers", "products", "bad"];

/// The kind of item that a key belongs to.
fn kind(key: &str) -> &str {
    let parts = key.split('#').count();
    match key.split('#').next().unwrap_or_default() {
        "conversion" if parts == 3 => "conversion (alarm)",
        "prices" if parts == 1 => "prices (list)",
        kind => kind,
    }
}

/// The attributes of a value, wherever they are, with their types.
fn walk(path: &str, value: &Value, shapes: &mut BTreeSet<String>) {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    shapes.insert(format!("{path}: {kind}"));
    match kind.as_str() {
        "L" => value.as_array().unwrap().iter().for_each(|value| walk(&format!("{path}[]"), value, shapes)),
        "M" if BY_DATA.iter().any(|name| path.ends_with(name)) => {
            value.as_object().unwrap().values().for_each(|value| walk(&format!("{path}.*"), value, shapes));
        }
        "M" => value.as_object().unwrap().iter().for_each(|(name, value)| walk(&format!("{path}.{name}"), value, shapes)),
        _ => {}
    }
}

/// One line for each attribute of each kind of item.
fn shapes(files: &Files) -> BTreeSet<String> {
    let mut shapes = BTreeSet::new();
    for item in TABLES.iter().flat_map(|table| files[*table].as_array().unwrap()) {
        let kind = kind(item["pk"]["S"].as_str().unwrap());
        for (name, value) in item.as_object().unwrap() {
            // Counters have one for each hour in which they count.
            let name = if name.starts_with("used_") { "used_HH" } else { name };
            walk(&format!("{kind}.{name}"), value, &mut shapes);
        }
    }
    for body in files["queue"].as_array().unwrap() {
        let message: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
        shapes.extend(message.as_object().unwrap().keys().map(|name| format!("(queue of forms).{name}")));
    }
    shapes
}

#[tokio::test]
async fn a_stored_shape_changes_only_with_a_note_or_a_new_release() {
    let today = shapes(&stored::dump(&stories::told().await).await);
    let kept = shapes(&stored::read(stored::releases().last().unwrap()));
    let added = today.difference(&kept).map(|shape| format!("+ {shape}"));
    let mut changes: Vec<_> = added.chain(kept.difference(&today).map(|shape| format!("- {shape}"))).collect();
    changes.sort_unstable();
    let file = fs::read_to_string(stored::fixtures().join("unreleased.txt")).unwrap();
    let mut noted: Vec<_> = file.lines().filter(|line| line.starts_with(['+', '-'])).map(str::to_owned).collect();
    noted.sort_unstable();
    assert_eq!(
        changes.join("\n"),
        noted.join("\n"),
        "what is stored has changed: keep to the rules of shared/src/platform/dynamodb/mod.rs, then note it in fixtures/unreleased.txt"
    );
}

#[tokio::test]
async fn every_item_says_its_schema() {
    let files = stored::dump(&stories::told().await).await;
    let mut kinds = BTreeSet::new();
    for item in TABLES.iter().flat_map(|table| files[*table].as_array().unwrap()) {
        assert_eq!(item["schema"]["N"], "1", "{}", item["pk"]);
        kinds.insert(kind(item["pk"]["S"].as_str().unwrap()));
    }
    let all = [
        "alias",
        "challenge",
        "conversion",
        "conversion (alarm)",
        "count",
        "document",
        "form",
        "order",
        "payment",
        "prices",
        "prices (list)",
        "registration",
        "schedule",
        "sends",
        "sms",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all);
}
