//! Indexes that are behind their tables: a second database, to which what is written comes later, answers for them.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::types::AttributeValue;
use dynoxide::{Database, DynoxideError};
use serde_json::json;
use shared::platform::clock::{Clock, Timestamp};
use tokio::net::TcpListener;

use super::modes::Place;
use crate::dynamodb::{ask, in_memory};
use crate::template::Table;

type Item = HashMap<String, AttributeValue>;

pub(super) struct Behind {
    by: Duration,
    clock: Clock,
    database: Database,
    copy: Database,
    /// Where the copy is spoken to.
    pub(super) address: String,
    /// What will come to the copy, and when it was written.
    coming: VecDeque<(Timestamp, Place, Option<Item>)>,
}

impl Behind {
    /// Begins with everything that is stored.
    pub(super) async fn start(by: Duration, clock: Clock, database: Database, tables: &[Table]) -> Result<Self, String> {
        let copy = in_memory(clock.clone(), tables).map_err(|error| error.to_string())?;
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let address = format!("http://{}", listener.local_addr().map_err(|error| error.to_string())?);
        tokio::spawn(dynoxide::server::serve_on(listener, copy.clone()));
        let behind = Self { by, clock, database, copy, address, coming: VecDeque::new() };
        for table in tables {
            let mut from = None;
            loop {
                let request = ScanRequest { table_name: table.name.clone(), exclusive_start_key: from, ..ScanRequest::default() };
                let page = behind.database.scan(request).map_err(|error: DynoxideError| error.to_string())?;
                for item in page.items.unwrap_or_default() {
                    behind.put(&table.name, &item)?;
                }
                from = page.last_evaluated_key;
                if from.is_none() {
                    break;
                }
            }
        }
        Ok(behind)
    }

    /// These were written now.
    pub(super) fn note(&mut self, places: Vec<Place>) -> Result<(), String> {
        let now = self.clock.now();
        for (table, key) in places.into_iter().collect::<BTreeSet<_>>() {
            let request = GetItemRequest {
                table_name: table.clone(),
                key: HashMap::from([("pk".to_owned(), AttributeValue::S(key.clone()))]),
                consistent_read: Some(true),
                ..GetItemRequest::default()
            };
            let item = self.database.get_item(request).map_err(|error| error.to_string())?.item;
            self.coming.push_back((now, (table, key), item));
        }
        Ok(())
    }

    /// Lets the copy have what it has by now.
    pub(super) fn catch_up(&mut self) -> Result<(), String> {
        let now = self.clock.now();
        while let Some((_, (table, key), item)) = self.coming.pop_front_if(|(at, ..)| at.plus(self.by) <= now) {
            if let Some(item) = item {
                self.put(&table, &item)?;
            } else {
                let delete = json!({"TableName": table, "Key": {"pk": {"S": key}}});
                ask(|request| self.copy.delete_item(request), delete)?;
            }
        }
        Ok(())
    }

    fn put(&self, table: &str, item: &Item) -> Result<(), String> {
        ask(|request| self.copy.put_item(request), json!({"TableName": table, "Item": item})).map(drop)
    }
}
