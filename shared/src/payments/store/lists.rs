//! Lists, by the tables' indexes. An index is read a moment late and holds keys only, so what a list says is
//! looked up again before anything is decided.

use std::collections::HashSet;

use futures_util::future::try_join_all;

use super::lookups;
use super::orders::{ORDER, Orders, PAYMENT};
use super::records::{OPEN, OrderRecord, PaymentRecord, SHARDS, order_shard};
use crate::payments::payment::{Order, Payment, State};
use crate::platform::clock::Timestamp;
use crate::platform::dynamodb::{
    Consistency, Cursor, CursorError, Item, Lookup, Page, Reading, StoreError, Versioned, passed_over, read,
};
use crate::platform::ids::{OrderId, OrderUuid, PaymentId};

/// What the index `due` names: a payment to be polled, an order to forget its customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    Payment(PaymentId),
    /// An order whose customer is to go.
    Order(OrderUuid),
}

impl Due {
    fn of(key: &str) -> Option<Self> {
        let payment = || Some(Self::Payment(PaymentId::parse(key.strip_prefix(PAYMENT)?).ok()?));
        let order = || Some(Self::Order(OrderUuid::parse(key.strip_prefix(ORDER)?).ok()?));
        payment().or_else(order)
    }
}

/// How many of a customer's orders are taken from the index at once.
const OF_PHONE_AT_ONCE: u16 = 100;

impl Orders {
    /// The partitions of the index `due` that payments are in.
    pub fn shards() -> impl Iterator<Item = String> {
        (0..SHARDS).map(|shard| shard.to_string())
    }

    /// The partition for orders that stands beside one for payments.
    #[must_use]
    pub fn order_shard(shard: &str) -> String {
        order_shard(shard)
    }

    /// Payments or orders of one partition that are due, the longest due first.
    pub async fn due(&self, shard: &str, now: Timestamp, from: Option<&Cursor>, limit: u16) -> Result<Page<Due>, StoreError> {
        let bound = Some(("<=", now.millis()));
        let lookup = Lookup { index: "due", hash: ("check_shard", shard), range: "check_at", bound, newest_first: false };
        let page = self.table.keys(&lookup, from, limit).await?;
        let due = page.entries.iter().filter_map(|key| Due::of(key));
        Ok(Page { entries: due.collect(), next: page.next, unreadable: Vec::new() })
    }

    /// Orders of the customer with a phone, by its digits. Orders have them in clear, so they are found under whatever internal secret; what an
    /// earlier release has recorded is found once it is [indexed](Orders::indexed_at).
    pub async fn of_phone(&self, digits: &str, from: Option<&Cursor>) -> Result<Page<OrderUuid>, StoreError> {
        let name = lookups::phone(digits);
        let lookup =
            Lookup { index: "lookup", hash: (lookups::HASH, &name), range: lookups::RANGE, bound: None, newest_first: false };
        let page = self.table.keys(&lookup, from, OF_PHONE_AT_ONCE).await?;
        let orders = page.entries.iter().filter_map(|key| OrderUuid::parse(key.strip_prefix(ORDER)?).ok());
        Ok(Page { entries: orders.collect(), next: page.next, unreadable: Vec::new() })
    }

    /// Payments in a state, into which they came at `since` or later and, if that is said, before `until`, which is later; the newest first.
    pub async fn in_state(
        &self,
        state: State,
        since: Timestamp,
        until: Option<Timestamp>,
        from: Option<&Cursor>,
        limit: u16,
    ) -> Result<Page<Payment>, StoreError> {
        let bound = Some((">=", since.millis()));
        let lookup = Lookup { index: "by-state", hash: ("state", state.name()), range: "moved_at", bound, newest_first: true };
        self.of_keys(self.table.keys_before(&lookup, until.map(Timestamp::millis), from, limit).await?).await
    }

    /// Payments that came into their state, or of which more was given back, at `since` or later; the longest ago first. One that changes
    /// while the list is read comes again.
    pub async fn changed(&self, since: Timestamp, from: Option<&Cursor>, limit: u16) -> Result<Page<Payment>, StoreError> {
        let after = match from {
            None => None,
            Some(cursor) => Some(cursor_of_changes(cursor, since).ok_or(CursorError)?),
        };
        let after = after.as_ref();
        let at = after.map_or(since.millis(), |(at, _)| *at);
        let states = try_join_all(State::ALL.into_iter().map(|state| async move {
            let bound = Some((">=", at));
            let lookup =
                Lookup { index: "by-state", hash: ("state", state.name()), range: "moved_at", bound, newest_first: false };
            self.table.ranged_keys(&lookup, after, limit.saturating_add(1)).await
        }))
        .await?;
        let mut found: Vec<_> = states.into_iter().flatten().collect();
        found.sort();
        // One that moves on while the states are read may be in two of them.
        let mut seen = HashSet::new();
        found.retain(|(_, key)| seen.insert(key.clone()));
        let more = found.len() > usize::from(limit);
        found.truncate(usize::from(limit));
        let next = found.last().filter(|_| more).map(|(at, key)| Cursor::after(CHANGES, ("moved_at", *at), key.clone()));
        let keys = found.into_iter().map(|(_, key)| key).collect();
        self.of_keys(Page { entries: keys, next, unreadable: Vec::new() }).await
    }

    /// Payments in manual review, the longest troubled first.
    pub async fn in_manual_review(&self, from: Option<&Cursor>, limit: u16) -> Result<Page<Payment>, StoreError> {
        let lookup =
            Lookup { index: "attention", hash: ("attention", OPEN), range: "troubled_since", bound: None, newest_first: false };
        self.payments(lookup, from, limit).await
    }

    /// The orders that the shop knows by this id (one, unless the shop gave it out twice), every attempt to pay them, and the ids of what is
    /// there and cannot be read.
    pub async fn by_order_id(&self, id: &OrderId) -> Result<(Vec<Order>, Vec<Payment>, Vec<String>), StoreError> {
        let mut keys = Vec::new();
        let mut from = None;
        loop {
            let lookup =
                Lookup { index: "by-order", hash: ("order_id", id.as_str()), range: "pk", bound: None, newest_first: false };
            let page = self.table.keys(&lookup, from.as_ref(), 100).await?;
            keys.extend(page.entries);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        let reading = Reading::page();
        let mut items = self.table.get_all(keys.clone(), Consistency::Strong, reading).await?;
        // The index may not show the newest attempt yet; its order names it.
        let latest = items.values().filter_map(|item| item.get("latest_payment")?.as_s().ok());
        let latest: Vec<_> = latest.map(|id| format!("{PAYMENT}{id}")).filter(|key| !items.contains_key(key)).collect();
        if !latest.is_empty() {
            items.extend(self.table.get_all(latest.clone(), Consistency::Strong, reading).await?);
            keys.extend(latest);
        }
        let (mut orders, mut payments, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
        for (key, item) in keys.iter().filter_map(|key| Some((key, items.remove(key)?))) {
            let found = if let Some(id) = key.strip_prefix(PAYMENT) {
                payment(key, item)
                    .map(|found| payments.push(found))
                    .or_else(|cause| passed_over(id, cause).map(|id| unreadable.push(id)))
            } else if let Some(id) = key.strip_prefix(ORDER) {
                order(key, item)
                    .map(|found| orders.push(found))
                    .or_else(|cause| passed_over(id, cause).map(|id| unreadable.push(id)))
            } else {
                Ok(())
            };
            found?;
        }
        payments.sort_by_key(|payment| payment.attempt);
        Ok((orders, payments, unreadable))
    }

    async fn payments(&self, lookup: Lookup<'_>, from: Option<&Cursor>, limit: u16) -> Result<Page<Payment>, StoreError> {
        self.of_keys(self.table.keys(&lookup, from, limit).await?).await
    }

    async fn of_keys(&self, page: Page<String>) -> Result<Page<Payment>, StoreError> {
        let items = self.table.get_all(page.entries.clone(), Consistency::Strong, Reading::page()).await?;
        let found = page.entries.iter().filter_map(|key| Some((key, items.get(key)?.clone())));
        let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
        for (key, item) in found {
            match payment(key, item) {
                Ok(found) => entries.push(found),
                Err(cause) => unreadable.push(passed_over(key.strip_prefix(PAYMENT).unwrap_or(key), cause)?),
            }
        }
        Ok(Page { entries, next: page.next, unreadable })
    }
}

/// What the cursor of [`Orders::changed`] says that it belongs to.
const CHANGES: (&str, &str) = ("list", "changes");

/// Behind which entry a list of changes since then goes on, if it is its cursor.
fn cursor_of_changes(cursor: &Cursor, since: Timestamp) -> Option<(i64, String)> {
    let at = cursor.number("moved_at").filter(|at| cursor.is_of(CHANGES) && *at >= since.millis())?;
    Some((at, cursor.key()?.to_owned()))
}

pub(super) fn order(key: &str, item: Item) -> Result<Order, StoreError> {
    let record: Versioned<OrderRecord> = read(key, item)?;
    Order::try_from(record).map_err(|cause| StoreError::Unreadable { key: key.to_owned(), cause })
}

pub(super) fn payment(key: &str, item: Item) -> Result<Payment, StoreError> {
    let record: Versioned<PaymentRecord> = read(key, item)?;
    Payment::try_from(record).map_err(|cause| StoreError::Unreadable { key: key.to_owned(), cause })
}
