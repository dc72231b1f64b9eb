//! Orders by whatever a person has of them: the customer's phone, an id of the order, of a payment, of the provider.

use std::collections::{HashMap, HashSet, VecDeque};

use super::lists::{order, payment};
use super::lookups;
use super::orders::{ORDER, Orders, PAYMENT, order_key, payment_key};
use crate::payments::payment::{Order, Payment};
use crate::platform::clock::MOSCOW;
use crate::platform::dynamodb::{Consistency, Cursor, CursorError, Item, Lookup, Page, Reading, StoreError, passed_over};
use crate::platform::ids::{OrderId, OrderUuid, PaymentId};
use crate::platform::phone::Phone;

/// How many attempts are read for one answer: what DynamoDB reads at once.
const ATTEMPTS: usize = 100;

/// What orders are looked for by.
#[derive(Clone, Copy)]
pub enum Wanted<'a> {
    /// The customer's phone. Orders have it in clear as long as they know the customer, so that it is found under whatever internal secret.
    Phone(&'a Phone),
    Order(&'a OrderUuid),
    /// The id that the customer sees.
    Public(&'a OrderId),
    Payment(&'a PaymentId),
    /// The provider's id of a payment.
    Provider(&'a str),
    /// The shop's day on which it was recorded, as [`Timestamp::day`](crate::platform::clock::Timestamp::day) writes it. The newest come first.
    Day(&'a str),
}

/// An order with attempts to pay it: all of them, or the newest ones that an answer has room for, and the one it was found by.
pub struct FoundOrder {
    pub order: Order,
    /// By their numbers.
    pub payments: Vec<Payment>,
}

impl Wanted<'_> {
    /// Whether an order is what was looked for: an index is read a moment late, and an alias may be older than its order.
    fn is(&self, order: &Order) -> bool {
        match self {
            Self::Phone(phone) => order.phone.as_ref().is_some_and(|own| digits(phone).any(|digits| digits == own.digits())),
            Self::Public(id) => order.public_id.as_ref() == Some(id),
            Self::Day(day) => order.recorded_at.is_some_and(|at| at.day(MOSCOW) == *day),
            Self::Order(_) | Self::Payment(_) | Self::Provider(_) => true,
        }
    }

    fn is_payment(&self, payment: &Payment) -> bool {
        match self {
            Self::Provider(id) => payment.provider_id.as_deref() == Some(id),
            Self::Phone(_) | Self::Order(_) | Self::Public(_) | Self::Payment(_) | Self::Day(_) => true,
        }
    }
}

impl Orders {
    /// A page of the orders that are looked for, at most `limit` (1 to 100). It takes one query at most (by phone one for each spelling
    /// that was stored, at most two), and at most one reading each of the payments that lead there, of orders and of attempts, however much is stored.
    pub async fn search(&self, wanted: Wanted<'_>, from: Option<&Cursor>, limit: u16) -> Result<Page<FoundOrder>, StoreError> {
        let Page { entries: keys, next, mut unreadable } = self.leads(wanted, from, limit).await?;
        let (payment_keys, mut order_keys): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.starts_with(PAYMENT));
        let mut named = HashSet::new();
        for (key, item) in self.items(&payment_keys).await? {
            match payment(&key, item) {
                Ok(payment) if wanted.is_payment(&payment) => {
                    order_keys.push(order_key(&payment.order_uuid));
                    named.insert(payment.id);
                }
                Ok(_) => {}
                Err(cause) => unreadable.push(passed_over(key.strip_prefix(PAYMENT).unwrap_or(&key), cause)?),
            }
        }
        let mut orders = Vec::new();
        for (key, item) in self.items(&order_keys).await? {
            match order(&key, item) {
                Ok(order) if wanted.is(&order) => orders.push(order),
                Ok(_) => {}
                Err(cause) => unreadable.push(passed_over(key.strip_prefix(ORDER).unwrap_or(&key), cause)?),
            }
        }
        let room = ATTEMPTS / orders.len().max(1);
        let attempts: Vec<Vec<String>> = orders.iter().map(|order| attempts(order, &named, room)).collect();
        let all: Vec<String> = attempts.iter().flatten().cloned().collect();
        let mut found: HashMap<_, Vec<Payment>> = HashMap::new();
        for (key, item) in self.items(&all).await? {
            match payment(&key, item) {
                Ok(payment) => found.entry(payment.order_uuid.clone()).or_default().push(payment),
                Err(cause) => unreadable.push(passed_over(key.strip_prefix(PAYMENT).unwrap_or(&key), cause)?),
            }
        }
        let entries = orders.into_iter().map(|order| {
            let mut payments = found.remove(&order.uuid).unwrap_or_default();
            payments.sort_by_key(|payment| payment.attempt);
            FoundOrder { order, payments }
        });
        unreadable.sort_unstable();
        unreadable.dedup();
        Ok(Page { entries: entries.collect(), next, unreadable })
    }

    /// The keys of orders, or of payments, that lead to what is looked for.
    async fn leads(&self, wanted: Wanted<'_>, from: Option<&Cursor>, limit: u16) -> Result<Page<String>, StoreError> {
        let one = |key: Option<String>| match from {
            None => Ok(Page { entries: key.into_iter().collect(), next: None, unreadable: Vec::new() }),
            Some(_) => Err(StoreError::from(CursorError)),
        };
        match wanted {
            Wanted::Order(uuid) => one(Some(order_key(uuid))),
            Wanted::Payment(id) => one(Some(payment_key(id))),
            Wanted::Phone(phone) => self.of_customer(phone, from, limit).await,
            Wanted::Public(id) => {
                let page = self.table.keys(&by(&lookups::public(id)), from, limit).await?;
                let keys = page.entries.iter().filter_map(|key| Some(order_key(&lookups::aliased(key, id)?)));
                Ok(Page { entries: keys.collect(), next: page.next, unreadable: Vec::new() })
            }
            Wanted::Day(day) => {
                let name = lookups::day(day);
                let of_day =
                    Lookup { index: "by-state", hash: ("state", &name), range: "moved_at", bound: None, newest_first: true };
                self.table.keys(&of_day, from, limit).await
            }
            Wanted::Provider(id) => match lookups::provider(id) {
                Some(name) => self.table.keys(&by(&name), from, limit).await,
                None => one(None),
            },
        }
    }

    /// The keys of a customer's orders: those under the phone's digits, then those under what earlier releases took them for.
    async fn of_customer(&self, phone: &Phone, mut from: Option<&Cursor>, limit: u16) -> Result<Page<String>, StoreError> {
        let is_behind = |name: &str| from.is_some_and(|cursor| !cursor.is_of((lookups::HASH, name)));
        let mut left: VecDeque<_> = digits(phone).map(lookups::phone).skip_while(|name| is_behind(name)).collect();
        if left.is_empty() {
            return Err(CursorError.into());
        }
        let mut found = Vec::new();
        let mut next = None;
        while let Some(name) = left.pop_front() {
            // DynamoDB takes no 0.
            let room = usize::from(limit).saturating_sub(found.len()).max(1);
            let page = self.table.keys(&by(&name), from.take(), u16::try_from(room).unwrap_or(limit)).await?;
            found.extend(page.entries);
            next = page.next;
            if next.is_some() {
                break;
            }
        }
        Ok(Page { entries: found, next, unreadable: Vec::new() })
    }

    /// What there is under the keys, in their order.
    async fn items(&self, keys: &[String]) -> Result<Vec<(String, Item)>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut items = self.table.get_all(keys.to_vec(), Consistency::Strong, Reading::page()).await?;
        Ok(keys.iter().filter_map(|key| items.remove_entry(key)).collect())
    }
}

/// What has a name in the index `lookup`, the newest first.
fn by(name: &str) -> Lookup<'_> {
    Lookup { index: "lookup", hash: (lookups::HASH, name), range: lookups::RANGE, bound: None, newest_first: true }
}

/// The digits under which orders of a phone may be stored.
fn digits(phone: &Phone) -> impl Iterator<Item = &str> {
    [Some(phone.digits()), phone.earlier_digits()].into_iter().flatten()
}

/// The keys of at most `room` attempts to pay an order: those by which it was found, the newest, and those before it.
fn attempts(order: &Order, named: &HashSet<PaymentId>, room: usize) -> Vec<String> {
    let mut ids = order.payment_ids();
    ids.reverse();
    ids.sort_by_key(|id| (!named.contains(id), order.latest_payment.as_ref() != Some(id)));
    ids.truncate(room);
    ids.iter().map(payment_key).collect()
}
