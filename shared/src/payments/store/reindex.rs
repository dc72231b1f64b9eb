//! What earlier releases have stored gets what it is found by ([`lookups`]). Everything here may be done twice, in pieces, by several at once
//! and beside every other write: one attribute's condition decides, and no version changes, so that no other write is kept from its own.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;

use super::lookups;
use super::orders::{ORDER, Orders, PAYMENT};
use crate::platform::clock::{Deadline, Timestamp};
use crate::platform::dynamodb::{Attempt, Consistency, Cursor, Item, KNOWN, READABLE, SCHEMA, StoreError, Written};
use crate::platform::ids::{OrderId, OrderUuid};

/// What its cursors are given out for.
const LIST: &str = "reindex";
/// How many items are looked at in one piece.
const AT_ONCE: u16 = 50;
/// How many of them are written at the same time.
const WRITTEN: usize = 10;
/// How many items are looked at in one call.
const MOST: u32 = 1_000;
/// How long before the end of the request a last piece may begin.
const RESERVE: Duration = Duration::from_secs(4);
/// What is read of an item. Of the first release's orders only the cart says when it was recorded.
const ATTRIBUTES: [&str; 12] = [
    "pk",
    "schema",
    "phone",
    "lookup",
    "state",
    "moved_at",
    "said_at",
    "cart",
    "public_id",
    "found_as",
    "provider_id",
    "created_at",
];
/// The key of the item that is there once everything was seen to its end.
const OVER: &str = "reindex";

/// What a call has done.
#[derive(Debug, Default)]
pub struct Indexed {
    /// How many items it has looked at, of whatever kind.
    pub seen: u32,
    /// How many of them are found by more than before.
    pub indexed: u32,
    /// The keys of those that cannot be read.
    pub unreadable: Vec<String>,
    /// Where it goes on, unless everything was seen.
    pub next: Option<Cursor>,
}

/// What an item lacks.
enum Lack {
    Order {
        uuid: OrderUuid,
        recorded_at: Option<Timestamp>,
        /// Its digits.
        phone: Option<String>,
        public_id: Option<OrderId>,
    },
    Payment {
        provider_id: String,
        lookup: String,
        created_at: i64,
    },
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

impl Lack {
    /// What the item with this key lacks; nothing if it lacks nothing. The error names no more than the attribute.
    fn of(key: &str, item: &Item) -> Result<Option<Self>, &'static str> {
        if number(item, "schema").is_some_and(|schema| schema > i64::from(READABLE)) {
            return Ok(None);
        }
        if let Some(uuid) = key.strip_prefix(ORDER) {
            let public_id = text(item, "public_id").filter(|id| text(item, "found_as") != Some(id));
            let cart = item.get("cart").and_then(|cart| cart.as_m().ok()).and_then(|cart| number(cart, "at"));
            let said_at = number(item, "said_at").max(cart).filter(|at| *at > 0);
            let recorded_at = number(item, "moved_at").or(said_at).map(Timestamp::from_millis);
            let phone = text(item, "phone").filter(|digits| text(item, "lookup") != Some(&lookups::phone(digits)));
            let has_day = text(item, "state").is_some() || recorded_at.is_none();
            if public_id.is_none() && phone.is_none() && has_day {
                return Ok(None);
            }
            let uuid = OrderUuid::parse(uuid).map_err(|_| "order_uuid")?;
            let public_id = public_id.map(OrderId::parse).transpose().map_err(|_| "public_id")?;
            Ok(Some(Self::Order { uuid, recorded_at, phone: phone.map(str::to_owned), public_id }))
        } else if key.starts_with(PAYMENT) {
            let Some(provider_id) = text(item, "provider_id") else { return Ok(None) };
            let Some(lookup) = lookups::provider(provider_id).filter(|name| text(item, "lookup") != Some(name)) else {
                return Ok(None);
            };
            let created_at = number(item, "created_at").ok_or("created_at")?;
            Ok(Some(Self::Payment { provider_id: provider_id.to_owned(), lookup, created_at }))
        } else {
            Ok(None)
        }
    }
}

impl Orders {
    /// Since when everything that earlier releases have stored is in the indexes; nothing if it is not. What this release stores is there from
    /// its first write on.
    pub async fn indexed_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let over = self.table.get_item(OVER, Consistency::Eventual).await?;
        Ok(over.and_then(|item| number(&item, "over_at")).map(Timestamp::from_millis))
    }

    /// Remembers that everything was seen.
    async fn write_over(&self) -> Result<(), StoreError> {
        let number = |number: String| AttributeValue::N(number);
        let update = self
            .table
            .update(OVER)
            .update_expression("SET #schema = :schema, over_at = :at")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":schema", number(SCHEMA.to_string()))
            .expression_attribute_values(":at", number(self.clock.now().millis().to_string()));
        let attempt = || async { Attempt::of("UpdateItem", update.clone().send().await.map(drop)) };
        self.table.patiently("UpdateItem", attempt).await
    }

    /// Goes on indexing what is stored, for at most 1,000 items and as long as the request has time for another piece.
    pub async fn reindex(&self, from: Option<&Cursor>, deadline: Deadline) -> Result<Indexed, StoreError> {
        let mut done = Indexed { next: from.cloned(), ..Indexed::default() };
        loop {
            let page = self.table.everything(LIST, &ATTRIBUTES, done.next.as_ref(), AT_ONCE).await?;
            let mut lacks = Vec::new();
            for item in &page.entries {
                let Some(key) = text(item, "pk") else { continue };
                match Lack::of(key, item) {
                    Ok(lack) => lacks.extend(lack.map(|lack| (key, lack))),
                    Err(attribute) => {
                        tracing::error!(key, attribute, "an item cannot be indexed");
                        done.unreadable.push(key.to_owned());
                    }
                }
            }
            for some in lacks.chunks(WRITTEN) {
                let written = try_join_all(some.iter().map(|(key, lack)| self.supply(key, lack))).await?;
                done.indexed += written.into_iter().map(|written| u32::from(written == Written::Yes)).sum::<u32>();
            }
            done.seen += u32::try_from(page.entries.len()).unwrap_or(u32::MAX);
            done.next = page.next;
            if done.next.is_none() {
                self.write_over().await?;
                return Ok(done);
            }
            if done.seen >= MOST || deadline.before(RESERVE).allows(RESERVE).is_none() {
                return Ok(done);
            }
        }
    }

    /// Gives an item what it lacks, unless it was deleted or says something else by now: then whoever wrote it has seen to that, or the next
    /// run does.
    async fn supply(&self, key: &str, lack: &Lack) -> Result<Written, StoreError> {
        let number = |number: i64| AttributeValue::N(number.to_string());
        let update = self
            .table
            .update(key)
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":readable", AttributeValue::N(READABLE.to_string()));
        let (mut sets, mut conditions) = (Vec::new(), vec!["attribute_exists(pk)", KNOWN]);
        let update = match lack {
            Lack::Order { uuid, recorded_at, phone, public_id } => {
                let mut update = update;
                let at = recorded_at.unwrap_or(Timestamp::from_millis(0));
                if recorded_at.is_some() {
                    sets.extend(["#state = if_not_exists(#state, :day)", "moved_at = if_not_exists(moved_at, :at)"]);
                    update = update
                        .expression_attribute_names("#state", "state")
                        .expression_attribute_values(":day", AttributeValue::S(lookups::day_of(at)));
                }
                if let Some(phone) = phone {
                    sets.extend(["#lookup = :lookup", "lookup_at = :at"]);
                    // An order that forgets its customer meanwhile is not found by them again.
                    conditions.push("phone = :phone");
                    update = update
                        .expression_attribute_names("#lookup", lookups::HASH)
                        .expression_attribute_values(":lookup", AttributeValue::S(lookups::phone(phone)))
                        .expression_attribute_values(":phone", AttributeValue::S(phone.clone()));
                }
                if recorded_at.is_some() || phone.is_some() {
                    update = update.expression_attribute_values(":at", number(at.millis()));
                }
                if let Some(public_id) = public_id {
                    self.write_alias(uuid, public_id, at).await?;
                    sets.push("found_as = :public_id");
                    conditions.push("public_id = :public_id");
                    update = update.expression_attribute_values(":public_id", AttributeValue::S(public_id.as_str().to_owned()));
                }
                update
            }
            Lack::Payment { provider_id, lookup, created_at } => {
                sets.extend(["#lookup = :lookup", "lookup_at = :at"]);
                conditions.push("provider_id = :provider_id");
                update
                    .expression_attribute_names("#lookup", lookups::HASH)
                    .expression_attribute_values(":lookup", AttributeValue::S(lookup.clone()))
                    .expression_attribute_values(":at", number(*created_at))
                    .expression_attribute_values(":provider_id", AttributeValue::S(provider_id.clone()))
            }
        };
        let update = update.update_expression(format!("SET {}", sets.join(", "))).condition_expression(conditions.join(" AND "));
        let attempt = || async { Attempt::of("UpdateItem", update.clone().send().await.map(|_| Written::Yes)) };
        self.table.written("UpdateItem", attempt).await
    }
}
