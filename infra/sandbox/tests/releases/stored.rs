//! Everything that an environment has stored, as files: the tables in DynamoDB's own JSON, the queue, the photos; and what the outside
//! systems know of it, from which they are made again.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use testkit::settings::{FORMS_QUEUE, PHOTOS};

use crate::deployment::Deployment;

pub(crate) const TABLES: [&str; 4] = ["order-holds", "otp-tokens", "forms", "quotes"];

/// A release's folder.
pub(crate) fn folder(version: &str) -> PathBuf {
    fixtures().join(version)
}

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/releases/fixtures")
}

/// The kept releases, the oldest first.
pub(crate) fn releases() -> Vec<String> {
    let entries = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap());
    let mut releases: Vec<_> = folders.collect();
    releases.sort_by_key(|version| version.split('.').map(|part| part.parse::<u32>().unwrap()).collect::<Vec<_>>());
    releases
}

/// What is stored, by the names of the files.
pub(crate) type Files = BTreeMap<String, Value>;

pub(crate) fn read(version: &str) -> Files {
    let files = fs::read_dir(folder(version)).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap())
        })
        .collect()
}

pub(crate) fn write(version: &str, files: &Files) {
    fs::create_dir_all(folder(version)).unwrap();
    for (name, value) in files {
        let text = serde_json::to_string_pretty(value).unwrap();
        fs::write(folder(version).join(format!("{name}.json")), text + "\n").unwrap();
    }
}

/// A value in DynamoDB's JSON.
fn to_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        AttributeValue::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(to_json).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": item_to_json(map) }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        other @ (AttributeValue::Bs(_) | AttributeValue::Ns(_) | _) => {
            panic!("nothing of ours is stored as {other:?}")
        }
    }
}

fn item_to_json(item: &HashMap<String, AttributeValue>) -> Value {
    let sorted: BTreeMap<_, _> = item.iter().map(|(name, value)| (name.clone(), to_json(value))).collect();
    Value::Object(sorted.into_iter().collect())
}

fn from_json(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "S" => AttributeValue::S(value.as_str().unwrap().to_owned()),
        "N" => AttributeValue::N(value.as_str().unwrap().to_owned()),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "NULL" => AttributeValue::Null(true),
        "B" => AttributeValue::B(STANDARD.decode(value.as_str().unwrap()).unwrap().into()),
        "L" => AttributeValue::L(value.as_array().unwrap().iter().map(from_json).collect()),
        "SS" => AttributeValue::Ss(serde_json::from_value(value.clone()).unwrap()),
        "M" => AttributeValue::M(item_from_json(value.as_object().unwrap())),
        other => panic!("{other} is no type of DynamoDB"),
    }
}

fn item_from_json(item: &Map<String, Value>) -> HashMap<String, AttributeValue> {
    item.iter().map(|(name, value)| (name.clone(), from_json(value))).collect()
}

/// Whether it is a turn of the schedules: no data, and over within minutes, whichever release has it.
pub(crate) fn is_turn(key: &str) -> bool {
    key.starts_with("turn#")
}

/// Everything that a deployment has stored.
pub(crate) async fn dump(deployment: &Deployment) -> Files {
    let mut files = Files::new();
    for table in TABLES {
        let found = deployment.environment.dynamodb().scan().table_name(table).send().await.unwrap();
        let mut items: Vec<_> = found.items().iter().map(item_to_json).collect();
        items.retain(|item| !is_turn(item["pk"]["S"].as_str().unwrap()));
        items.sort_by_key(|item| item["pk"]["S"].as_str().unwrap().to_owned());
        files.insert(table.to_owned(), items.into());
    }
    let messages = deployment.environment.queues().messages(FORMS_QUEUE);
    files.insert("queue".to_owned(), messages.iter().map(|message| message.body.clone()).collect());
    let photos = keys(&files["forms"], "key").map(|key| {
        let bytes = deployment.environment.storage().get(PHOTOS, &key).unwrap();
        (key, Value::String(STANDARD.encode(bytes)))
    });
    files.insert("photos".to_owned(), Value::Object(photos.collect()));
    files.insert("outside".to_owned(), outside(deployment, &files));
    files
}

/// The texts that an attribute of this name has, wherever it is.
fn keys(value: &Value, name: &str) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    collect(value, name, &mut found);
    found.into_iter()
}

fn collect(value: &Value, name: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value["S"].as_str() {
                    Some(text) if key == name => found.push(text.to_owned()),
                    _ => collect(value, name, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, name, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What Mokka and SMSPRO know.
fn outside(deployment: &Deployment, files: &Files) -> Value {
    let standins = deployment.environment.standins();
    let orders: Vec<_> = keys(&files["order-holds"], "payment_id").filter_map(|id| standins.mokka_order(&id)).collect();
    let registrations = files["order-holds"].as_array().unwrap().iter();
    let registrations = registrations.filter_map(|item| item["pk"]["S"].as_str().unwrap().strip_prefix("registration#"));
    let registrations: Vec<_> = registrations.filter_map(|id| standins.mokka_registration(id)).collect();
    let at = deployment.environment.clock().now().millis();
    json!({"at": at, "orders": orders, "registrations": registrations, "inbox": standins.inbox(None)})
}

/// Puts the tables, the queue and the photos into a deployment.
pub(crate) async fn restore(deployment: &Deployment, files: &Files) {
    for table in TABLES {
        for item in files[table].as_array().unwrap() {
            let item = item_from_json(item.as_object().unwrap());
            deployment.environment.dynamodb().put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
        }
    }
    for body in files["queue"].as_array().unwrap() {
        deployment.environment.queues().put(FORMS_QUEUE, body.as_str().unwrap()).unwrap();
    }
    for (key, bytes) in files["photos"].as_object().unwrap() {
        deployment.environment.storage().put(PHOTOS, key, &STANDARD.decode(bytes.as_str().unwrap()).unwrap()).unwrap();
    }
}
