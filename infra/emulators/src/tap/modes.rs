//! What the embedded DynamoDB does not do and the real one does: transactions that take their time and lock their items, indexes
//! that are a moment behind, batches that are left half done, a table that is short of capacity.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How DynamoDB behaves beside its answers; as it is embedded without any of them. They go together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Modes {
    /// So many milliseconds a transaction takes. No other request writes its items meanwhile, nor reads them in a transaction.
    pub transactions_ms: Option<u64>,
    /// So many milliseconds, by the environment's clock, an index is behind its table.
    pub index_behind_ms: Option<u64>,
    /// The first entry of each page of an index is there twice, as one that moves while it is read.
    pub index_doubles: bool,
    /// A batch of more than one thing leaves half of it.
    pub batches_halved: bool,
    /// Of a hundred requests, so many are refused for want of capacity.
    pub throttled_percent: u8,
    /// Which ones: the same seed, the same requests.
    pub seed: u64,
    /// Refusals of the next requests, without any effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuse: Option<StoreRefusal>,
}

/// Which operation is refused, why, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreRefusal {
    /// `TransactWriteItems`, …
    pub operation: String,
    /// A reason of a transaction's cancellation, or the name of an exception.
    pub reason: String,
    /// How often.
    #[serde(default = "once")]
    pub times: usize,
}

fn once() -> usize {
    1
}

impl Modes {
    /// How the real one is, one thing at a time: its name and what it does. An index that is behind is not among them: who looks for
    /// something there that was just written has to know.
    #[must_use]
    pub fn realities() -> [(&'static str, Self); 4] {
        [
            ("locked", Self { transactions_ms: Some(50), ..Self::default() }),
            ("halved", Self { batches_halved: true, ..Self::default() }),
            ("throttled", Self { throttled_percent: 30, seed: 7, ..Self::default() }),
            ("doubled", Self { index_doubles: true, ..Self::default() }),
        ]
    }

    /// One of them.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::realities().into_iter().find(|(known, _)| *known == name).map(|(_, modes)| modes)
    }
}

/// An item: its table and its key.
pub(super) type Place = (String, String);

fn text(value: &Value) -> Option<String> {
    Some(value["pk"]["S"].as_str()?.to_owned())
}

fn place(request: &Value, key: Option<&Value>) -> Option<Place> {
    Some((request["TableName"].as_str()?.to_owned(), text(key?)?))
}

/// The parts of a transaction.
fn parts(request: &Value) -> impl Iterator<Item = Option<Place>> + '_ {
    request["TransactItems"].as_array().into_iter().flatten().map(|part| {
        let (kind, part) = part.as_object()?.iter().next()?;
        place(part, if kind == "Put" { part.get("Item") } else { part.get("Key") })
    })
}

/// What a request writes.
pub(super) fn written(operation: &str, request: &Value) -> Vec<Place> {
    match operation {
        "PutItem" => place(request, request.get("Item")).into_iter().collect(),
        "UpdateItem" | "DeleteItem" => place(request, request.get("Key")).into_iter().collect(),
        "TransactWriteItems" => parts(request).flatten().collect(),
        "BatchWriteItem" => {
            let tables = request["RequestItems"].as_object().into_iter().flatten();
            let items =
                tables.flat_map(|(table, writes)| writes.as_array().into_iter().flatten().map(move |write| (table, write)));
            let keys = items.filter_map(|(table, write)| {
                let key = text(&write["PutRequest"]["Item"]).or_else(|| text(&write["DeleteRequest"]["Key"]))?;
                Some((table.clone(), key))
            });
            keys.collect()
        }
        _ => Vec::new(),
    }
}

/// The items of transactions that are under way.
#[derive(Debug, Default)]
pub(super) struct Locks {
    items: HashSet<Place>,
    /// By the clients' tokens.
    under_way: HashSet<String>,
}

impl Locks {
    /// Why a request has to wait: the reason of each part of a transaction, or one of a single write; nothing if it need not.
    pub(super) fn refuse(&self, operation: &str, request: &Value) -> Option<Blocked> {
        let is_locked = |place: &Option<Place>| place.as_ref().is_some_and(|place| self.items.contains(place));
        match operation {
            "TransactWriteItems"
                if request["ClientRequestToken"].as_str().is_some_and(|token| self.under_way.contains(token)) =>
            {
                Some(Blocked::Repeated)
            }
            "TransactWriteItems" | "TransactGetItems" => {
                let parts: Vec<_> = parts(request).map(|place| is_locked(&place)).collect();
                parts.contains(&true).then_some(Blocked::Parts(parts))
            }
            "PutItem" | "UpdateItem" | "DeleteItem" => {
                written(operation, request).into_iter().any(|place| is_locked(&Some(place))).then_some(Blocked::Write)
            }
            _ => None,
        }
    }

    pub(super) fn begin(&mut self, request: &Value) {
        self.items.extend(parts(request).flatten());
        self.under_way.extend(request["ClientRequestToken"].as_str().map(str::to_owned));
    }

    pub(super) fn end(&mut self, request: &Value) {
        for place in parts(request).flatten() {
            self.items.remove(&place);
        }
        if let Some(token) = request["ClientRequestToken"].as_str() {
            self.under_way.remove(token);
        }
    }
}

/// What stands in a request's way.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Blocked {
    /// The same transaction.
    Repeated,
    /// A transaction, at these parts of the other.
    Parts(Vec<bool>),
    /// A transaction, at the item of a write.
    Write,
}

/// A batch as it is done: the half of each table's, and what is left, in the shape of the answer.
pub(super) fn halved(operation: &str, request: &Value) -> Option<(Value, &'static str, Value)> {
    let left_as = match operation {
        "BatchWriteItem" => "UnprocessedItems",
        "BatchGetItem" => "UnprocessedKeys",
        _ => return None,
    };
    let (mut done, mut left) = (request.clone(), json!({}));
    for (table, wanted) in done["RequestItems"].as_object_mut()? {
        let things = if operation == "BatchGetItem" { wanted["Keys"].as_array_mut()? } else { wanted.as_array_mut()? };
        let rest = things.split_off(things.len().div_ceil(2));
        if !rest.is_empty() {
            let mut rest = Value::Array(rest);
            if operation == "BatchGetItem" {
                let mut keys = wanted.clone();
                keys["Keys"] = rest;
                rest = keys;
            }
            left[table] = rest;
        }
    }
    (left.as_object().is_some_and(|left| !left.is_empty())).then_some((done, left_as, left))
}

/// A page of an index with its first entry twice.
pub(super) fn doubled(mut answer: Value) -> Value {
    if let Some(items) = answer["Items"].as_array_mut()
        && let Some(first) = items.first().cloned()
    {
        items.insert(0, first);
        let count = items.len();
        answer["Count"] = count.into();
        answer["ScannedCount"] = count.into();
    }
    answer
}

/// Which requests find the table short of capacity: by the seed, what a request is about, and the how manieth of its like it is.
#[derive(Debug, Default)]
pub(super) struct Shortage {
    seen: HashMap<String, u32>,
}

impl Shortage {
    /// Whether this one does; then which of the two things that DynamoDB says, on a whim.
    pub(super) fn meets(&mut self, modes: &Modes, operation: &str, request: &Value) -> Option<bool> {
        if modes.throttled_percent == 0 {
            return None;
        }
        let about = written(operation, request).into_iter().next().map(|(table, key)| format!("{table} {key}"));
        let about = about.or_else(|| text(&request["Key"])).unwrap_or_default();
        let values: BTreeMap<_, _> =
            request["ExpressionAttributeValues"].as_object().filter(|_| operation == "Query").into_iter().flatten().collect();
        let like = format!("{operation} {about} {}", json!(values));
        let times = self.seen.entry(like.clone()).or_default();
        *times += 1;
        let mut dice = DefaultHasher::new();
        (modes.seed, like, *times).hash(&mut dice);
        let drawn = dice.finish();
        (drawn % 100 < u64::from(modes.throttled_percent)).then_some((drawn / 100).is_multiple_of(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(token: &str, keys: &[&str]) -> Value {
        let part = |key: &&str| json!({"Update": {"TableName": "t", "Key": {"pk": {"S": key}}}});
        json!({"ClientRequestToken": token, "TransactItems": keys.iter().map(part).collect::<Vec<_>>()})
    }

    #[test]
    fn transaction_blocks_writes_to_its_items_until_it_ends() {
        let mut locks = Locks::default();
        let first = transaction("one", &["a", "b"]);
        locks.begin(&first);
        let write = json!({"TableName": "t", "Key": {"pk": {"S": "b"}}});
        let get = json!({"TransactItems": [{"Get": {"TableName": "t", "Key": {"pk": {"S": "a"}}}}]});
        assert_eq!(locks.refuse("TransactWriteItems", &first), Some(Blocked::Repeated));
        assert_eq!(locks.refuse("TransactWriteItems", &transaction("two", &["c", "b"])), Some(Blocked::Parts(vec![false, true])));
        assert_eq!(locks.refuse("TransactGetItems", &get), Some(Blocked::Parts(vec![true])));
        for operation in ["UpdateItem", "DeleteItem"] {
            assert_eq!(locks.refuse(operation, &write), Some(Blocked::Write));
        }
        assert_eq!(locks.refuse("GetItem", &write), None, "a single read does not wait");
        locks.end(&first);
        assert_eq!(locks.refuse("UpdateItem", &write), None);
    }

    #[test]
    fn a_batch_of_one_is_done_and_of_more_the_first_half() {
        let batch = |keys: &[&str]| json!({"RequestItems": {"t": {"ConsistentRead": true, "Keys": keys}}});
        assert_eq!(halved("BatchGetItem", &batch(&["a"])), None);
        let (done, left_as, left) = halved("BatchGetItem", &batch(&["a", "b", "c"])).unwrap();
        assert_eq!((done, left_as), (batch(&["a", "b"]), "UnprocessedKeys"));
        assert_eq!(left, batch(&["c"])["RequestItems"]);
    }

    #[test]
    fn same_seed_throttles_the_same_share_of_requests() {
        let modes = Modes { throttled_percent: 20, seed: 3, ..Modes::default() };
        let draw = |modes: &Modes| {
            let mut shortage = Shortage::default();
            (0..1000).map(|_| shortage.meets(modes, "GetItem", &json!({})).is_some()).collect::<Vec<_>>()
        };
        let drawn = draw(&modes);
        assert_eq!(drawn, draw(&modes));
        assert_ne!(drawn, draw(&Modes { seed: 4, ..modes.clone() }));
        assert!((150..250).contains(&drawn.iter().filter(|met| **met).count()));
    }
}
