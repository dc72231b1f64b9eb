//! Fiscal documents that wait for their capture: larger than an item may be, so they are stored in parts. They are written
//! before the payment that names them, and go away by themselves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::orders::Orders;
use crate::payments::payment::FiscalDocument;
use crate::platform::dynamodb::{StoreError, Written};
use crate::platform::ids::PaymentId;

/// What fits into one item beside its other attributes; DynamoDB takes 400 KB.
const PART: usize = 350_000;
/// How long a document is kept: far longer than a hold.
const KEPT: Duration = Duration::from_hours(24 * 60);

#[derive(Serialize, Deserialize)]
struct DocumentRecord {
    /// As DynamoDB's binary type; serde alone would make a list of numbers of it.
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    expires_at: i64,
}

fn key(payment: &PaymentId, id: &str, part: usize) -> String {
    format!("document#{payment}#{id}#{part}")
}

impl Orders {
    /// Stores a document and says where it is.
    pub async fn save_document(&self, payment: &PaymentId, bytes: &[u8]) -> Result<FiscalDocument, StoreError> {
        let id = self.table.random.hex32()?;
        let expires_at = self.clock.now().plus(KEPT).seconds();
        let mut parts = 0;
        for (part, chunk) in bytes.chunks(PART).enumerate() {
            let record = DocumentRecord { bytes: chunk.to_vec(), expires_at };
            match self.table.put(&key(payment, &id, part), 1, &record).await? {
                Written::Yes => parts += 1,
                Written::Conflict => {
                    return Err(StoreError::Failed { action: "UpdateItem", cause: "a new document's id is taken".to_owned() });
                }
            }
        }
        Ok(FiscalDocument { id, parts })
    }

    /// Empties a document that is not needed any more; whether anything was in it. What is left of its parts goes by itself.
    pub async fn empty_document(&self, payment: &PaymentId, document: &FiscalDocument) -> Result<bool, StoreError> {
        let mut emptied = false;
        let record = DocumentRecord { bytes: Vec::new(), expires_at: self.clock.now().seconds() };
        for part in 0..document.parts {
            // A part that is gone, or was emptied before, is not of the version that it was stored with.
            emptied |= self.table.put(&key(payment, &document.id, part as usize), 2, &record).await? == Written::Yes;
        }
        Ok(emptied)
    }

    /// A stored document; nothing if any part of it is gone.
    pub async fn document(&self, payment: &PaymentId, document: &FiscalDocument) -> Result<Option<Vec<u8>>, StoreError> {
        let mut bytes = Vec::new();
        for part in 0..document.parts {
            let key = key(payment, &document.id, part as usize);
            let Some(record) = self.table.get::<DocumentRecord>(&key).await? else { return Ok(None) };
            bytes.extend(record.bytes);
        }
        Ok(Some(bytes))
    }
}
