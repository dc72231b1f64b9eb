//! The JSON Schema of `payments.toml`: it is what the types say, takes every shipped file, and is what editors show.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;
use shared::payments::methods::Methods;
use toml::Value as Toml;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/config/payments.schema.json");

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&Methods::schema()).unwrap());

/// A file as a JSON Schema sees it: TOML's dates and times are strings.
fn json(value: Toml) -> Value {
    match value {
        Toml::String(text) => text.into(),
        Toml::Integer(number) => number.into(),
        Toml::Float(number) => number.into(),
        Toml::Boolean(flag) => flag.into(),
        Toml::Datetime(datetime) => datetime.to_string().into(),
        Toml::Array(values) => values.into_iter().map(json).collect(),
        Toml::Table(table) => Value::Object(table.into_iter().map(|(name, value)| (name, json(value))).collect()),
    }
}

/// What the schema says against a file.
pub(crate) fn complaints(text: &str) -> Vec<String> {
    let file = json(Toml::Table(text.parse().unwrap()));
    VALIDATOR.iter_errors(&file).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

pub(crate) fn refuses(text: &str) -> bool {
    !complaints(text).is_empty()
}

#[test]
fn the_schema_beside_the_file_is_the_one_of_the_types() {
    let schema = format!("{}\n", serde_json::to_string_pretty(&Methods::schema()).unwrap());
    if std::env::var("INSTA_UPDATE").is_ok_and(|wanted| wanted == "always") {
        std::fs::write(SCHEMA, &schema).unwrap();
    }
    let stored = std::fs::read_to_string(SCHEMA).unwrap_or_default();
    assert!(stored == schema, "write it anew with INSTA_UPDATE=always cargo test -p shared --test methods, then read the diff");
}

#[test]
fn every_key_is_explained_to_editors() {
    let schema = Methods::schema();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    let definitions = schema["definitions"].as_object().unwrap();
    assert!(definitions["Condition"]["properties"]["everyWarehouse"]["description"].is_string());
    for (name, definition) in definitions.iter().chain([(&"the file".to_owned(), &schema)]) {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}: {key} has no description");
        }
    }
    assert!(!schema.to_string().contains("null"), "TOML has no null");
}

#[test]
fn every_key_of_a_condition_is_documented() {
    let document = include_str!("../../../infra/docs/WAYS-TO-PAY.md");
    let table = document.split_once("| key of a condition |").unwrap().1.split_once("\n\n").unwrap().0;
    for key in Methods::schema()["definitions"]["Condition"]["properties"].as_object().unwrap().keys() {
        assert!(table.contains(&format!("`{key} = ")) || table.contains(&format!(" `{key}` = ")), "{key}");
    }
}
