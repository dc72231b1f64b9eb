//! The names under which the indexes `lookup` and `by-state` find what they lead to. In each of them an item has one; what an order is found
//! by beside its own item is an item of its own, its alias.
//!
//! Orders stand in `by-state` by their days, since one deployment can add only one index to a table
//! (`AWS::DynamoDB::Table`, `GlobalSecondaryIndexes`), and the one that is new is `lookup`.

use crate::platform::clock::{MOSCOW, Timestamp};
use crate::platform::ids::{OrderId, OrderUuid};

/// The hash key of the index `lookup`.
pub(super) const HASH: &str = "lookup";
/// Its range key: a moment in milliseconds since 1970 UTC.
pub(super) const RANGE: &str = "lookup_at";
/// The longest id of a provider that is looked up, in bytes.
const LONGEST: usize = 200;

/// The name of a payment: the provider's id of it; nothing if that is longer than any that is known.
pub(super) fn provider(id: &str) -> Option<String> {
    (1..=LONGEST).contains(&id.len()).then(|| format!("provider#{id}"))
}

/// The name of an order in `lookup` while it knows its customer: the digits of their phone.
pub(super) fn phone(digits: &str) -> String {
    format!("phone#{digits}")
}

/// The name of an order in `by-state`: the shop's day on which it was recorded.
pub(super) fn day_of(recorded_at: Timestamp) -> String {
    day(&recorded_at.day(MOSCOW))
}

/// The same of a day as [`Timestamp::day`] writes it.
pub(super) fn day(day: &str) -> String {
    format!("day#{day}")
}

/// The name of an order's alias: the id that the customer sees.
pub(super) fn public(id: &OrderId) -> String {
    format!("public#{id}")
}

/// The key of an order's alias.
pub(super) fn alias_key(uuid: &OrderUuid, public_id: &OrderId) -> String {
    format!("alias#{uuid}#{public_id}")
}

/// The order of the alias with this key and that public id.
pub(super) fn aliased(key: &str, public_id: &OrderId) -> Option<OrderUuid> {
    let uuid = key.strip_prefix("alias#")?.strip_suffix(public_id.as_str())?.strip_suffix('#')?;
    OrderUuid::parse(uuid).ok()
}
