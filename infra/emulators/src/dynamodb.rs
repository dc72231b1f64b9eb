//! An embedded DynamoDB, spoken to by the real SDK over HTTP, with the tables of the template.
//!
//! The emulator keeps the records of every stream for ever and looks through all of them at each write. So its SQLite gets
//! an index over them, and a trigger that forgets those that have been read: a [`Pump`](crate::stream::Pump) notes how far it
//! came in a table of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex, GlobalSecondaryIndexUpdate,
    KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
    TableDescription, TimeToLiveSpecification,
};
use dynoxide::Database;
use serde_json::json;
use shared::clock::Clock;
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

/// An empty database with that upkeep, from which those in memory are copied: nobody else can reach into their SQLite.
const SEED: &str = "file:sandbox-seed?mode=memory&cache=shared";

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
    /// The database.
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
pub async fn start(
    listener: TcpListener,
    data: Option<&Path>,
    clock: Clock,
    client: &aws_sdk_dynamodb::Client,
    tables: &[Table],
) -> Result<Embedded, DynamoDbError> {
    let (database, clock) = match data {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| opening(&error))?;
            (open(&folder.join("dynamodb.sqlite").to_string_lossy())?, Clock::system())
        }
        None => (in_memory(clock.clone())?, clock),
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
    for table in tables {
        let made = make(client, table).await;
        made.map_err(|cause| DynamoDbError::Table { table: table.name.clone(), cause })?;
    }
    Ok(Embedded { database, clock })
}

fn opening(error: &dyn std::fmt::Display) -> DynamoDbError {
    DynamoDbError::Open(error.to_string())
}

/// Opens a file, or a name of SQLite's shared memory, with the upkeep of its streams.
fn open(path: &str) -> Result<Database, DynamoDbError> {
    let database = Database::new(path).map_err(|error| opening(&error))?;
    let known = database.get_table_metadata(POSITIONS).map_err(|error| opening(&error))?;
    if known.is_none() {
        let request = serde_json::from_value(json!({
            "TableName": POSITIONS,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        }));
        database.create_table(request.map_err(|error| opening(&error))?).map_err(|error| opening(&error))?;
    }
    let sqlite = rusqlite::Connection::open(path).map_err(|error| opening(&error))?;
    sqlite.execute_batch(STREAM_UPKEEP).map_err(|error| opening(&error))?;
    Ok(database)
}

fn in_memory(clock: Clock) -> Result<Database, DynamoDbError> {
    static KEPT: LazyLock<Result<Database, DynamoDbError>> = LazyLock::new(|| open(SEED));
    if let Err(error) = &*KEPT {
        return Err(opening(error));
    }
    let database = Database::memory_with_clock(Arc::new(Time(clock))).map_err(|error| opening(&error))?;
    database.restore_from(SEED).map_err(|error| opening(&error))?;
    Ok(database)
}

async fn make(client: &aws_sdk_dynamodb::Client, table: &Table) -> Result<(), String> {
    let mut creation = client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(element("pk", KeyType::Hash)?)
        .set_attribute_definitions(Some(definitions(&table.indexes)?))
        .set_stream_specification(table.stream.as_deref().map(stream).transpose()?);
    for index in &table.indexes {
        let index = GlobalSecondaryIndex::builder().index_name(&index.name).set_key_schema(Some(schema(index)?));
        creation = creation.global_secondary_indexes(index.projection(keys_only()).build().map_err(|error| text(&error))?);
    }
    match creation.send().await {
        Ok(_) => {}
        // A folder from an earlier run has its tables already.
        Err(SdkError::ServiceError(error)) if matches!(error.err(), CreateTableError::ResourceInUseException(_)) => {
            complete(client, table).await?;
        }
        Err(error) => return Err(text(&error)),
    }
    if let Some(attribute) = &table.ttl_attribute {
        let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
        let update = client.update_time_to_live().table_name(&table.name);
        let known = client.describe_time_to_live().table_name(&table.name).send().await.map_err(|error| text(&error))?;
        let known = known.time_to_live_description.and_then(|known| known.attribute_name);
        if known.as_ref() != Some(attribute) {
            let update = update.time_to_live_specification(ttl.map_err(|error| text(&error))?);
            update.send().await.map_err(|error| text(&error))?;
        }
    }
    Ok(())
}

/// Gives a table from an earlier run what the template has added since, one thing at a time, as DynamoDB wants it.
async fn complete(client: &aws_sdk_dynamodb::Client, table: &Table) -> Result<(), String> {
    let described = client.describe_table().table_name(&table.name).send().await.map_err(|error| text(&error))?;
    let described = described.table.unwrap_or_else(|| TableDescription::builder().build());
    let known: Vec<_> = described.global_secondary_indexes().iter().filter_map(|index| index.index_name()).collect();
    for index in table.indexes.iter().filter(|index| !known.contains(&index.name.as_str())) {
        let action = CreateGlobalSecondaryIndexAction::builder().index_name(&index.name).set_key_schema(Some(schema(index)?));
        let action = action.projection(keys_only()).build().map_err(|error| text(&error))?;
        let update = client.update_table().table_name(&table.name);
        let update = update.set_attribute_definitions(Some(definitions(std::slice::from_ref(index))?));
        let update = update.global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(action).build());
        update.send().await.map_err(|error| text(&error))?;
    }
    let streams = described.stream_specification().is_some_and(StreamSpecification::stream_enabled);
    if let Some(view) = table.stream.as_deref().filter(|_| !streams) {
        let update = client.update_table().table_name(&table.name).stream_specification(stream(view)?);
        update.send().await.map_err(|error| text(&error))?;
    }
    Ok(())
}

fn text(error: &dyn std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn keys_only() -> Projection {
    Projection::builder().projection_type(ProjectionType::KeysOnly).build()
}

fn stream(view: &str) -> Result<StreamSpecification, String> {
    let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::from(view));
    stream.build().map_err(|error| text(&error))
}

fn element(name: &str, role: KeyType) -> Result<KeySchemaElement, String> {
    KeySchemaElement::builder().attribute_name(name).key_type(role).build().map_err(|error| text(&error))
}

fn schema(index: &Index) -> Result<Vec<KeySchemaElement>, String> {
    let hash = element(&index.hash.name, KeyType::Hash);
    let range = index.range.as_ref().map(|range| element(&range.name, KeyType::Range));
    std::iter::once(hash).chain(range).collect()
}

/// What `pk` and the indexes' attributes are, each said once.
fn definitions(indexes: &[Index]) -> Result<Vec<AttributeDefinition>, String> {
    let attributes = indexes.iter().flat_map(|index| std::iter::once(&index.hash).chain(&index.range));
    let attributes = attributes.map(|attribute: &Attribute| (attribute.name.as_str(), attribute.kind));
    let attributes: BTreeMap<_, _> = attributes.chain([("pk", Kind::Text)]).collect();
    attributes.into_iter().map(|(name, kind)| definition(name, kind)).collect()
}

fn definition(name: &str, kind: Kind) -> Result<AttributeDefinition, String> {
    let kind = match kind {
        Kind::Text => ScalarAttributeType::S,
        Kind::Number => ScalarAttributeType::N,
    };
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().map_err(|error| text(&error))
}
