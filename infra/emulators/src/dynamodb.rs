//! An embedded DynamoDB, spoken to by the real SDK over HTTP, with the tables of the template.
//!
//! The emulator keeps the records of every stream for ever and looks through all of them at each write. So its SQLite gets
//! an index over them, and a trigger that forgets those that have been read: a [`StreamPoller`](crate::stream::StreamPoller) notes how far
//! it came in a table of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::platform::clock::Clock;
use tokio::net::TcpListener;

use crate::template::{Attribute, Index, Kind, Table};

/// The table in which the readers of streams note how far they came: `pk` (the function), `table`, `position`.
pub(crate) const POSITIONS: &str = "sandbox-positions";

/// What the emulator's SQLite gets in addition. The last record read stays: the next one's number is counted from it.
const STREAM_UPKEEP: &str = r#"
    CREATE INDEX IF NOT EXISTS sandbox_stream_order ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
    CREATE TRIGGER IF NOT EXISTS sandbox_stream_trim AFTER INSERT ON "sandbox-positions" BEGIN
        DELETE FROM _stream_records
        WHERE table_name = json_extract(NEW.item_json, '$.table.S')
            AND CAST(sequence_number AS INTEGER) < CAST(substr(json_extract(NEW.item_json, '$.position.S'), 2) AS INTEGER);
    END;
"#;

/// How often items past their time are swept away; DynamoDB itself takes up to days.
const SWEEP: Duration = Duration::from_secs(5);

/// The database could not be started.
#[derive(Debug, thiserror::Error)]
pub enum DynamoDbError {
    /// The file cannot be opened, or memory is short.
    #[error("the embedded DynamoDB could not be opened: {0}")]
    Open(String),
    /// A table could not be made.
    #[error("the table {table} could not be created: {cause}")]
    Table {
        /// Which.
        table: String,
        /// Why not.
        cause: String,
    },
}

/// The running database, for what looks at it from inside.
#[derive(Clone)]
pub struct Embedded {
    pub database: Database,
    /// The time of its records: on a folder the machine's, which nothing moves.
    pub clock: Clock,
}

struct Time(Clock);

impl dynoxide::storage_backend::Clock for Time {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now().seconds()).unwrap_or(0)
    }

    #[expect(clippy::cast_precision_loss, reason = "the emulator wants seconds as a float; milliseconds fit it for ages")]
    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().millis() as f64 / 1000.0
    }
}

/// Serves a database, in memory or in a folder, on the current runtime, and makes what is missing of the tables.
pub fn start(listener: TcpListener, data: Option<&Path>, clock: Clock, tables: &[Table]) -> Result<Embedded, DynamoDbError> {
    let (database, clock) = match data {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| opening(&error))?;
            (open(&folder.join("dynamodb.sqlite").to_string_lossy(), tables)?, Clock::system())
        }
        None => (in_memory(clock.clone(), tables)?, clock),
    };
    tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
    let swept = database.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(SWEEP).await;
            if let Err(error) = swept.sweep_ttl() {
                tracing::warn!(cause = %error, "the sweep of expired items failed");
            }
        }
    });
    Ok(Embedded { database, clock })
}

fn opening(error: &dyn std::fmt::Display) -> DynamoDbError {
    DynamoDbError::Open(error.to_string())
}

/// Opens a file, or a name of SQLite's shared memory, with its tables and the upkeep of its streams.
fn open(path: &str, tables: &[Table]) -> Result<Database, DynamoDbError> {
    let database = Database::new(path).map_err(|error| opening(&error))?;
    let positions = Table { name: POSITIONS.to_owned(), ttl_attribute: None, stream: None, indexes: Vec::new() };
    for table in std::iter::once(&positions).chain(tables) {
        let made = make(&database, table);
        made.map_err(|cause| DynamoDbError::Table { table: table.name.clone(), cause })?;
    }
    let sqlite = rusqlite::Connection::open(path).map_err(|error| opening(&error))?;
    sqlite.execute_batch(STREAM_UPKEEP).map_err(|error| opening(&error))?;
    Ok(database)
}

/// A database with empty tables. All with the same tables are copies of one, which is kept in SQLite's shared memory: to make
/// tables takes as long as a small test.
pub(crate) fn in_memory(clock: Clock, tables: &[Table]) -> Result<Database, DynamoDbError> {
    static KEPT: Mutex<Vec<(Vec<Table>, Database)>> = Mutex::new(Vec::new());
    let seed = {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().position(|(known, _)| known == tables);
        let name = |number: usize| format!("file:sandbox-seed-{number}?mode=memory&cache=shared");
        let seed = name(known.unwrap_or(kept.len()));
        if known.is_none() {
            kept.push((tables.to_vec(), open(&seed, tables)?));
        }
        seed
    };
    let database = Database::memory_with_clock(Arc::new(Time(clock))).map_err(|error| opening(&error))?;
    database.restore_from(&seed).map_err(|error| opening(&error))?;
    Ok(database)
}

/// Makes a table, or gives one from an earlier run what the template has added since, one thing at a time, as DynamoDB wants it.
fn make(database: &Database, table: &Table) -> Result<(), String> {
    let name = &table.name;
    match database.get_table_metadata(name).map_err(text)? {
        None => {
            let mut creation = json!({
                "TableName": name,
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "AttributeDefinitions": definitions(&table.indexes),
            });
            if let Some(view) = &table.stream {
                creation["StreamSpecification"] = stream(view);
            }
            if !table.indexes.is_empty() {
                creation["GlobalSecondaryIndexes"] = table.indexes.iter().map(index).collect();
            }
            ask(|request| database.create_table(request), creation)?;
        }
        Some(_) => complete(database, table)?,
    }
    if let Some(attribute) = &table.ttl_attribute {
        let known = ask(|request| database.describe_time_to_live(request), json!({"TableName": name}))?;
        if known["TimeToLiveDescription"]["AttributeName"] != **attribute {
            let ttl = json!({"Enabled": true, "AttributeName": attribute});
            ask(|request| database.update_time_to_live(request), json!({"TableName": name, "TimeToLiveSpecification": ttl}))?;
        }
    }
    Ok(())
}

fn complete(database: &Database, table: &Table) -> Result<(), String> {
    let name = &table.name;
    let described = ask(|request| database.describe_table(request), json!({"TableName": name}))?;
    let described = &described["Table"];
    let known: Vec<_> =
        described["GlobalSecondaryIndexes"].as_array().into_iter().flatten().map(|index| &index["IndexName"]).collect();
    for added in table.indexes.iter().filter(|index| !known.iter().any(|known| **known == *index.name)) {
        let update = json!({
            "TableName": name,
            "AttributeDefinitions": definitions(std::slice::from_ref(added)),
            "GlobalSecondaryIndexUpdates": [{"Create": index(added)}],
        });
        ask(|request| database.update_table(request), update)?;
    }
    let streams = described["StreamSpecification"]["StreamEnabled"] == true;
    if let Some(view) = table.stream.as_deref().filter(|_| !streams) {
        let update = json!({"TableName": name, "StreamSpecification": stream(view)});
        ask(|request| database.update_table(request), update)?;
    }
    Ok(())
}

/// A request as DynamoDB's API writes it, and its answer.
pub(crate) fn ask<Q: DeserializeOwned, A: Serialize>(
    call: impl FnOnce(Q) -> Result<A, DynoxideError>,
    request: Value,
) -> Result<Value, String> {
    let request = serde_json::from_value(request).map_err(text)?;
    serde_json::to_value(call(request).map_err(text)?).map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn stream(view: &str) -> Value {
    json!({"StreamEnabled": true, "StreamViewType": view})
}

fn index(index: &Index) -> Value {
    let hash = json!({"AttributeName": index.hash.name, "KeyType": "HASH"});
    let range = index.range.as_ref().map(|range| json!({"AttributeName": range.name, "KeyType": "RANGE"}));
    json!({
        "IndexName": index.name,
        "KeySchema": std::iter::once(hash).chain(range).collect::<Vec<_>>(),
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    })
}

/// What `pk` and the indexes' attributes are, each said once.
fn definitions(indexes: &[Index]) -> Value {
    let attributes = indexes.iter().flat_map(|index| std::iter::once(&index.hash).chain(&index.range));
    let attributes = attributes.map(|attribute: &Attribute| (attribute.name.as_str(), attribute.kind));
    let attributes: BTreeMap<_, _> = attributes.chain([("pk", Kind::Text)]).collect();
    attributes.into_iter().map(|(name, kind)| json!({"AttributeName": name, "AttributeType": letter(kind)})).collect()
}

fn letter(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "S",
        Kind::Number => "N",
    }
}
