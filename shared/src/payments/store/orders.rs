//! The table `order-holds`: orders and the attempts to pay them.

use std::time::Duration;

use super::lookups;
use super::records::{OrderRecord, PaymentRecord};
use crate::payments::payment::{News, Order, Payment};
use crate::platform::clock::{Clock, Random, Timestamp};
use crate::platform::dynamodb::{Attempt, KNOWN, LastRun, READABLE, RunLease, SCHEMA, StoreError, Table, Versioned, Written};
use crate::platform::env::Env;
use crate::platform::ids::{OrderId, OrderUuid, PaymentId};
use crate::platform::metrics::{self, Metrics};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

/// Orders and payments.
#[derive(Clone, Debug)]
pub struct Orders {
    pub(super) table: Table,
    pub(super) clock: Clock,
    metrics: Metrics,
}

pub(super) const ORDER: &str = "order#";
pub(super) const PAYMENT: &str = "payment#";

/// An order in a message.
#[derive(Serialize)]
struct Parcel {
    schema: u32,
    version: u64,
    #[serde(flatten)]
    record: OrderRecord,
}

#[derive(Deserialize)]
struct Schema {
    schema: u32,
}

fn unreadable(key: &str, cause: String) -> StoreError {
    StoreError::Unreadable { key: key.to_owned(), cause }
}

pub(super) fn order_key(uuid: &OrderUuid) -> String {
    format!("{ORDER}{uuid}")
}

pub(super) fn payment_key(id: &PaymentId) -> String {
    format!("{PAYMENT}{id}")
}

impl Orders {
    /// Reads `ORDERS_TABLE`.
    pub fn from_env(
        env: &mut Env,
        client: aws_sdk_dynamodb::Client,
        random: Random,
        clock: Clock,
        metrics: Metrics,
    ) -> Option<Self> {
        let name = env.required("ORDERS_TABLE")?;
        Some(Self { table: Table { client, name, random }, clock, metrics })
    }

    /// The client, for other tables over the same connection.
    #[must_use]
    pub fn client(&self) -> aws_sdk_dynamodb::Client {
        self.table.client.clone()
    }

    /// Opens the connection.
    pub async fn warm_up(&self) {
        self.table.warm_up().await;
    }

    /// The run lease of the function `name` for `length` from `now` on; nothing if another run has it.
    pub async fn acquire_run_lease(&self, name: &str, now: Timestamp, length: Duration) -> Result<Option<RunLease>, StoreError> {
        self.table.acquire_run_lease(name, now, length).await
    }

    /// The last runs of functions by their names.
    pub async fn last_runs(&self, names: &[String]) -> Result<Vec<LastRun>, StoreError> {
        self.table.last_runs(names).await
    }

    pub async fn order(&self, uuid: &OrderUuid) -> Result<Option<Order>, StoreError> {
        let key = order_key(uuid);
        let found: Option<Versioned<OrderRecord>> = self.table.get(&key).await?;
        found.map(|record| Order::try_from(record).map_err(|cause| StoreError::Unreadable { key, cause })).transpose()
    }

    /// An order as a message of a queue: all that would be stored of it.
    pub fn packed(order: &Order) -> Result<String, StoreError> {
        let parcel = Parcel { schema: SCHEMA, version: order.version, record: OrderRecord::from(order) };
        serde_json::to_string(&parcel).map_err(|error| unreadable(&order_key(&order.uuid), error.to_string()))
    }

    /// The order in a message. The error quotes nothing of it.
    pub fn unpacked(message: &str) -> Result<Order, StoreError> {
        let key = "of the queue";
        let at = |error: serde_json::Error| unreadable(key, format!("at column {}", error.column()));
        let Schema { schema } = serde_json::from_str(message).map_err(at)?;
        if schema > READABLE {
            return Err(StoreError::Newer { key: key.to_owned(), schema });
        }
        let found: Versioned<OrderRecord> = serde_json::from_str(message).map_err(at)?;
        Order::try_from(found).map_err(|cause| unreadable(key, cause))
    }

    pub async fn payment(&self, id: &PaymentId) -> Result<Option<Payment>, StoreError> {
        let key = payment_key(id);
        let found: Option<Versioned<PaymentRecord>> = self.table.get(&key).await?;
        found.map(|record| Payment::try_from(record).map_err(|cause| StoreError::Unreadable { key, cause })).transpose()
    }

    /// Writes an order as the version after the one it was read with; before it, if its public id is new, the alias by which that finds it.
    pub async fn save_order(&self, order: &Order) -> Result<Written, StoreError> {
        let mut order = order.clone().kept(self.clock.now());
        if let Some(public_id) = order.public_id.clone().filter(|id| order.found_as.as_ref() != Some(id)) {
            match self.write_alias(&order.uuid, &public_id, order.recorded_at.unwrap_or(order.said_at)).await {
                Ok(()) => order.found_as = Some(public_id),
                // The order is worth more than being found by that id; its next write tries again.
                Err(error) => {
                    tracing::warn!(order_uuid = %order.uuid, cause = %error, "an order is not found by its public id for now");
                }
            }
        }
        let order = &order;
        self.table.put(&order_key(&order.uuid), order.version + 1, &OrderRecord::from(order)).await
    }

    /// Writes the alias of an order that was recorded at `at`. It stands under both ids and says nothing else, so that it is the same whoever
    /// writes it and how often; one that was written for an order that was not, is passed over by who reads it.
    pub(super) async fn write_alias(&self, uuid: &OrderUuid, public_id: &OrderId, at: Timestamp) -> Result<(), StoreError> {
        let number = |number: i64| AttributeValue::N(number.to_string());
        let update = self
            .table
            .update(lookups::alias_key(uuid, public_id))
            .update_expression("SET #schema = :schema, #lookup = :lookup, lookup_at = if_not_exists(lookup_at, :at)")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_names("#lookup", lookups::HASH)
            .expression_attribute_values(":schema", AttributeValue::N(SCHEMA.to_string()))
            .expression_attribute_values(":lookup", AttributeValue::S(lookups::public(public_id)))
            .expression_attribute_values(":at", number(at.millis()));
        let attempt = || async { Attempt::of("UpdateItem", update.clone().send().await.map(drop)) };
        self.table.patiently("UpdateItem", attempt).await
    }

    /// Has an order that is due at `now` come up later, whatever else stands in it; not if it was planned anew meanwhile. It needs not
    /// be readable.
    pub async fn put_off(&self, uuid: &OrderUuid, now: Timestamp, until: Timestamp) -> Result<Written, StoreError> {
        let number = |number: i64| AttributeValue::N(number.to_string());
        let update = self
            .table
            .update(order_key(uuid))
            .update_expression("SET check_at = :until")
            .condition_expression(format!("check_at <= :now AND {KNOWN}"))
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":until", number(until.millis()))
            .expression_attribute_values(":now", number(now.millis()))
            .expression_attribute_values(":readable", AttributeValue::N(READABLE.to_string()));
        let attempt = || async { Attempt::of("UpdateItem", update.clone().send().await.map(|_| Written::Yes)) };
        self.table.written("UpdateItem", attempt).await
    }

    /// Writes a payment as the version after the one it was read with, and gives it back as it now stands;
    /// nothing if another request wrote first.
    pub async fn save_payment(&self, payment: Payment) -> Result<Option<Payment>, StoreError> {
        let payment = payment.trimmed().scheduled(self.clock.now());
        match self.table.put(&payment_key(&payment.id), payment.version + 1, &PaymentRecord::from(&payment)).await? {
            Written::Yes => Ok(Some(self.written(payment))),
            Written::Conflict => Ok(None),
        }
    }

    /// The same of a payment of which only something was published: when its provider is asked next stays as it was planned.
    pub async fn save_published(&self, payment: Payment) -> Result<Option<Payment>, StoreError> {
        let payment = payment.trimmed().rescheduled(self.clock.now());
        match self.table.put(&payment_key(&payment.id), payment.version + 1, &PaymentRecord::from(&payment)).await? {
            Written::Yes => Ok(Some(self.written(payment))),
            Written::Conflict => Ok(None),
        }
    }

    /// Writes a payment of which something was only taken away. Its next poll stays planned as it is, or unplanned: nothing happened to it.
    pub async fn save_emptied(&self, payment: Payment) -> Result<Written, StoreError> {
        self.table.put(&payment_key(&payment.id), payment.version + 1, &PaymentRecord::from(&payment)).await
    }

    /// Opens an attempt: the new payment and the order that points to it, together or not at all. Nothing if the order was
    /// written since it was read, or the payment's id is taken.
    pub async fn open_payment(&self, order: &Order, payment: Payment) -> Result<Option<Payment>, StoreError> {
        let mut order = order.clone();
        order.latest_payment = Some(payment.id.clone());
        order.attempts = payment.attempt;
        self.save_together(&order, payment).await
    }

    /// Writes a payment and its order, each as the version after the one it was read with, together or not at all.
    pub async fn save_together(&self, order: &Order, payment: Payment) -> Result<Option<Payment>, StoreError> {
        let payment = payment.trimmed().scheduled(self.clock.now());
        let order = &order.clone().kept(self.clock.now());
        let mark = self.table.random.hex32()?;
        let (order_key, payment_key) = (order_key(&order.uuid), payment_key(&payment.id));
        let items = vec![
            self.table.put_in_transaction(&order_key, order.version + 1, &mark, &OrderRecord::from(order))?,
            self.table.put_in_transaction(&payment_key, payment.version + 1, &mark, &PaymentRecord::from(&payment))?,
        ];
        Ok(match self.table.transact(&mark, items).await? {
            Written::Yes => Some(self.written(payment)),
            Written::Conflict => None,
        })
    }

    /// A payment as it now stands. The writer measures what was new, since no other request can have written the same.
    fn written(&self, payment: Payment) -> Payment {
        self.measure(&payment);
        Payment { version: payment.version + 1, ..payment }.in_store()
    }

    fn measure(&self, payment: &Payment) {
        let News { reached, captured, refunded, unknown, mismatch, manual_review } = payment.news();
        let (provider, id) = (payment.provider.as_str(), payment.id.as_str());
        let fields = [(metrics::PROVIDER, provider), (metrics::PAYMENT, id)];
        for (state, by) in &reached {
            // A person's name follows the colon.
            let trigger = by.split(':').next().unwrap_or_default();
            let how = [(metrics::STATE, state.name()), (metrics::TRIGGER, trigger)];
            self.metrics.emit(&[(metrics::PAYMENTS, 1)], &[&fields[..], &how[..]].concat());
        }
        for (metric, amount) in [(metrics::CAPTURED_AMOUNT, captured), (metrics::REFUNDED_AMOUNT, refunded)] {
            if let Some(amount) = amount {
                let currency = [(metrics::CURRENCY, amount.currency().code())];
                self.metrics.emit(&[(metric, amount.minor())], &[&fields[..], &currency[..]].concat());
            }
        }
        let troubles = [
            (metrics::UNKNOWN_OUTCOMES, unknown),
            (metrics::MISMATCHES, mismatch),
            (metrics::PAYMENTS_NEEDING_ATTENTION, manual_review),
        ];
        for (metric, _) in troubles.into_iter().filter(|(_, is_new)| *is_new) {
            self.metrics.emit(&[(metric, 1)], &fields);
        }
    }
}
