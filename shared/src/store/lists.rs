//! Lists, by the tables' indexes. An index is read a moment late and holds keys only, so what a list says is
//! looked up again before anything is decided.

use aws_sdk_dynamodb::types::AttributeValue;

use super::orders::{ORDER, Orders, PAYMENT};
use super::records::{OPEN, OrderRecord, PaymentRecord, SHARDS, Versioned};
use super::{Consistency, Item, StoreError, Table, failed, read};
use crate::clock::Timestamp;
use crate::ids::{OrderId, PaymentId};
use crate::payment::{Order, Payment, State};

/// Where a list goes on: opaque to whoever passes it back.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor(Item);

/// A piece of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// Where it goes on, if it does.
    pub next: Option<Cursor>,
}

/// A cursor that was not given out by this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the cursor of an earlier answer")]
pub struct CursorError;

impl Cursor {
    /// As a text of hexadecimal digits.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut fields: Vec<_> = self.0.iter().filter_map(|(name, value)| Some(format!("{name}\t{}", plain(value)?))).collect();
        fields.sort_unstable();
        hex::encode(fields.join("\n"))
    }

    /// Reads [`Cursor::to_text`].
    pub fn parse(text: &str) -> Result<Self, CursorError> {
        let bytes = hex::decode(text).map_err(|_| CursorError)?;
        let fields = String::from_utf8(bytes).map_err(|_| CursorError)?;
        let fields = fields.lines().map(|line| {
            let (name, value) = line.split_once('\t')?;
            let (kind, value) = value.split_at_checked(1)?;
            let value = match kind {
                "S" => AttributeValue::S(value.to_owned()),
                "N" => AttributeValue::N(value.parse::<i64>().ok()?.to_string()),
                _ => return None,
            };
            Some((name.to_owned(), value))
        });
        let item: Option<Item> = fields.collect();
        item.filter(|item| item.contains_key("pk")).map(Self).ok_or(CursorError)
    }
}

fn plain(value: &AttributeValue) -> Option<String> {
    let text = value.as_s().ok().map(|text| format!("S{text}"));
    text.or_else(|| value.as_n().ok().map(|number| format!("N{number}")))
}

/// An index and what is looked for in it.
pub(super) struct Lookup<'a> {
    pub(super) index: &'a str,
    pub(super) hash: (&'a str, &'a str),
    pub(super) range: &'a str,
    /// A comparison with the range key.
    pub(super) bound: Option<(&'a str, i64)>,
    pub(super) newest_first: bool,
}

impl Lookup<'_> {
    /// Whether a cursor was given out by this list.
    fn goes_on_from(&self, cursor: &Cursor) -> bool {
        let (hash, value) = self.hash;
        cursor.0.len() == if self.range == "pk" { 2 } else { 3 }
            && cursor.0.get(hash) == Some(&AttributeValue::S(value.to_owned()))
            && cursor.0.contains_key(self.range)
    }
}

impl Orders {
    /// The partitions of the index `due`.
    pub fn shards() -> impl Iterator<Item = String> {
        (0..SHARDS).map(|shard| shard.to_string())
    }

    /// Payments of one partition whose next look is due, the longest due first.
    pub async fn due(
        &self,
        shard: &str,
        now: Timestamp,
        from: Option<&Cursor>,
        limit: u16,
    ) -> Result<Page<PaymentId>, StoreError> {
        let bound = Some(("<=", now.millis()));
        let lookup = Lookup { index: "due", hash: ("check_shard", shard), range: "check_at", bound, newest_first: false };
        let page = self.table.keys(lookup, from, limit).await?;
        let ids = page.entries.iter().filter_map(|key| PaymentId::parse(key.strip_prefix(PAYMENT)?).ok());
        Ok(Page { entries: ids.collect(), next: page.next })
    }

    /// Payments in a state, into which they came at `since` or later; the newest first.
    pub async fn in_state(
        &self,
        state: State,
        since: Timestamp,
        from: Option<&Cursor>,
        limit: u16,
    ) -> Result<Page<Payment>, StoreError> {
        let bound = Some((">=", since.millis()));
        let lookup = Lookup { index: "by-state", hash: ("state", state.name()), range: "moved_at", bound, newest_first: true };
        self.payments(lookup, from, limit).await
    }

    /// Payments that a person must look at, the longest troubled first.
    pub async fn in_need_of_a_person(&self, from: Option<&Cursor>, limit: u16) -> Result<Page<Payment>, StoreError> {
        let lookup =
            Lookup { index: "attention", hash: ("attention", OPEN), range: "troubled_since", bound: None, newest_first: false };
        self.payments(lookup, from, limit).await
    }

    /// The orders that the shop knows by this id (one, unless the shop gave it out twice), and every attempt to pay them.
    pub async fn by_order_id(&self, id: &OrderId) -> Result<(Vec<Order>, Vec<Payment>), StoreError> {
        let mut keys = Vec::new();
        let mut from = None;
        loop {
            let lookup =
                Lookup { index: "by-order", hash: ("order_id", id.as_str()), range: "pk", bound: None, newest_first: false };
            let page = self.table.keys(lookup, from.as_ref(), 100).await?;
            keys.extend(page.entries);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        let items = self.table.get_all(keys.clone(), Consistency::Strong).await?;
        let orders = keys.iter().filter(|key| key.starts_with(ORDER)).filter_map(|key| Some((key, items.get(key)?.clone())));
        let orders = orders.map(|(key, item)| order(key, item)).collect::<Result<Vec<_>, _>>()?;
        let payments = keys.iter().filter(|key| key.starts_with(PAYMENT)).filter_map(|key| Some((key, items.get(key)?.clone())));
        let mut payments = payments.map(|(key, item)| payment(key, item)).collect::<Result<Vec<_>, _>>()?;
        payments.sort_by_key(|payment| payment.attempt);
        Ok((orders, payments))
    }

    async fn payments(&self, lookup: Lookup<'_>, from: Option<&Cursor>, limit: u16) -> Result<Page<Payment>, StoreError> {
        let page = self.table.keys(lookup, from, limit).await?;
        let items = self.table.get_all(page.entries.clone(), Consistency::Strong).await?;
        let found = page.entries.iter().filter_map(|key| Some((key, items.get(key)?.clone())));
        let entries = found.map(|(key, item)| payment(key, item)).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }
}

impl Table {
    /// The keys that an index leads to.
    pub(super) async fn keys(&self, lookup: Lookup<'_>, from: Option<&Cursor>, limit: u16) -> Result<Page<String>, StoreError> {
        if from.is_some_and(|cursor| !lookup.goes_on_from(cursor)) {
            return Err(CursorError.into());
        }
        let Lookup { index, hash: (hash, value), range, bound, newest_first } = lookup;
        let condition =
            bound.map_or("#hash = :hash".to_owned(), |(compare, _)| format!("#hash = :hash AND #range {compare} :range"));
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(index)
            .key_condition_expression(condition)
            .expression_attribute_names("#hash", hash)
            .expression_attribute_values(":hash", AttributeValue::S(value.to_owned()))
            .scan_index_forward(!newest_first)
            .limit(i32::from(limit))
            .set_exclusive_start_key(from.map(|cursor| cursor.0.clone()));
        if let Some((_, value)) = bound {
            query = query
                .expression_attribute_names("#range", range)
                .expression_attribute_values(":range", AttributeValue::N(value.to_string()));
        }
        let output = query.send().await.map_err(|error| failed("Query", &error))?;
        let keys = output.items.unwrap_or_default().into_iter();
        let keys = keys.filter_map(|mut item| match item.remove("pk") {
            Some(AttributeValue::S(key)) => Some(key),
            _ => None,
        });
        Ok(Page { entries: keys.collect(), next: output.last_evaluated_key.map(Cursor) })
    }
}

fn order(key: &str, item: Item) -> Result<Order, StoreError> {
    let record: Versioned<OrderRecord> = read(key, item)?;
    Order::try_from(record).map_err(|cause| StoreError::Unreadable { key: key.to_owned(), cause })
}

fn payment(key: &str, item: Item) -> Result<Payment, StoreError> {
    let record: Versioned<PaymentRecord> = read(key, item)?;
    Payment::try_from(record).map_err(|cause| StoreError::Unreadable { key: key.to_owned(), cause })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        let cursor = Cursor(HashMap::from([
            ("pk".to_owned(), AttributeValue::S("payment#1001-1".to_owned())),
            ("moved_at".to_owned(), AttributeValue::N("1795305600000".to_owned())),
        ]));
        assert_eq!(Cursor::parse(&cursor.to_text()), Ok(cursor));
        for wrong in ["", "zz", "00", &hex::encode("pk"), &hex::encode("pk\tX1"), &hex::encode("state\tSheld")] {
            assert_eq!(Cursor::parse(wrong), Err(CursorError), "{wrong}");
        }
    }
}
