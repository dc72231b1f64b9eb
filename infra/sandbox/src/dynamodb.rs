//! An embedded DynamoDB, spoken to by the real SDK over HTTP, with the tables of the template.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
};
use dynoxide::Database;
use shared::clock::Clock;
use tokio::net::TcpListener;

use crate::template::Table;

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

/// Serves a database, in memory or in a folder, on the current runtime, and makes the tables that are missing.
pub async fn start(
    listener: TcpListener,
    data: Option<&Path>,
    clock: Clock,
    client: &aws_sdk_dynamodb::Client,
    tables: &[Table],
) -> Result<(), DynamoDbError> {
    let open = |error: &dyn std::fmt::Display| DynamoDbError::Open(error.to_string());
    let database = match data {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| open(&error))?;
            Database::new(&folder.join("dynamodb.sqlite").to_string_lossy()).map_err(|error| open(&error))?
        }
        None => Database::memory_with_clock(Arc::new(Time(clock))).map_err(|error| open(&error))?,
    };
    tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(SWEEP).await;
            if let Err(error) = database.sweep_ttl() {
                tracing::warn!(cause = %error, "the sweep of expired items failed");
            }
        }
    });
    for table in tables {
        create(client, table).await.map_err(|cause| DynamoDbError::Table { table: table.name.clone(), cause })?;
    }
    Ok(())
}

async fn create(client: &aws_sdk_dynamodb::Client, table: &Table) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Debug| format!("{error:?}");
    let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build();
    let attribute = AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::S).build();
    let created = client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key.map_err(|error| text(&error))?)
        .attribute_definitions(attribute.map_err(|error| text(&error))?)
        .send()
        .await;
    if let Err(error) = created {
        // A folder from an earlier run has its tables already.
        return if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) {
            Ok(())
        } else {
            Err(text(&error))
        };
    }
    if let Some(attribute) = &table.ttl_attribute {
        let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
        client
            .update_time_to_live()
            .table_name(&table.name)
            .time_to_live_specification(ttl.map_err(|error| text(&error))?)
            .send()
            .await
            .map_err(|error| text(&error))?;
    }
    Ok(())
}
