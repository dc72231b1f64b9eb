//! A write as DynamoDB is told of it: what a record has is set, what it knows and has not is removed, and what only newer
//! functions know stays as it is.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use serde::de::value::Error as Unread;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::{Serialize, forward_to_deserialize_any};

use super::error::{StoreError, incomplete};
use super::item::Item;
use super::schema::SCHEMA;

/// What every item has beside its key and its own attributes.
#[derive(Serialize)]
struct Envelope<'a, T> {
    /// The schema's version, so that newer code can read older items, and older code leaves newer ones alone.
    schema: u32,
    version: u64,
    write_mark: &'a str,
    #[serde(flatten)]
    record: &'a T,
}

/// One item's write.
pub(super) struct Write {
    pub(super) expression: String,
    /// What must stand in the item's place before it.
    pub(super) condition: &'static str,
    pub(super) names: HashMap<String, String>,
    pub(super) values: Item,
}

impl Write {
    /// The write that makes an item version `version`, replacing exactly the version before it (none, for version 1).
    pub(super) fn new<T: Serialize + DeserializeOwned>(
        key: &str,
        version: u64,
        mark: &str,
        record: &T,
    ) -> Result<Self, StoreError> {
        let envelope = Envelope { schema: SCHEMA, version, write_mark: mark, record };
        let item: Item = serde_dynamo::to_item(envelope)
            .map_err(|error| StoreError::Unreadable { key: key.to_owned(), cause: error.to_string() })?;
        let mut write = Self {
            expression: String::new(),
            condition: if version == 1 { "attribute_not_exists(pk)" } else { "#version = :before" },
            names: HashMap::new(),
            values: HashMap::new(),
        };
        let gone = attributes::<T>().iter().filter(|name| version > 1 && !item.contains_key(**name));
        let removed: Vec<_> = gone.enumerate().map(|(index, name)| write.name(&format!("#r{index}"), name)).collect();
        let set: Vec<_> = item.into_iter().enumerate().map(|(index, (name, value))| write.set(index, &name, value)).collect();
        write.expression = format!("SET {}", set.join(", "));
        if !removed.is_empty() {
            write.expression = format!("{} REMOVE {}", write.expression, removed.join(", "));
        }
        if version > 1 {
            write.name("#version", "version");
            write.values.insert(":before".to_owned(), AttributeValue::N((version - 1).to_string()));
        }
        Ok(write)
    }

    /// The same as a part of a transaction.
    pub(super) fn in_transaction(self, table: &str, key: &str) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(table)
            .key("pk", AttributeValue::S(key.to_owned()))
            .update_expression(self.expression)
            .condition_expression(self.condition)
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values(Some(self.values));
        Ok(TransactWriteItem::builder().update(update.build().map_err(|error| incomplete(&error))?).build())
    }

    /// Every attribute has a placeholder: many names are words of DynamoDB's own.
    fn name(&mut self, placeholder: &str, name: &str) -> String {
        self.names.insert(placeholder.to_owned(), name.to_owned());
        placeholder.to_owned()
    }

    fn set(&mut self, index: usize, name: &str, value: AttributeValue) -> String {
        let placeholder = self.name(&format!("#s{index}"), name);
        self.values.insert(format!(":s{index}"), value);
        format!("{placeholder} = :s{index}")
    }
}

/// The attributes that a record knows, whether it has them or not: the names of its fields, as serde has them.
fn attributes<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // Nothing is read: being asked for the fields is enough.
    drop(T::deserialize(Fields(&mut fields)));
    fields
}

/// Reads nothing and notes what is asked for.
struct Fields<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Unread;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unread> {
        Err(Unread::custom("there is nothing to read"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Record {
        state: String,
        #[serde(rename = "check", skip_serializing_if = "Option::is_none")]
        receipt: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refunds: Vec<u32>,
    }

    fn write(version: u64) -> Write {
        let record = Record { state: "held".to_owned(), receipt: None, refunds: Vec::new() };
        Write::new("payment#1", version, "mark", &record).unwrap()
    }

    /// The attributes that an expression names after a word.
    fn named(write: &Write, from: &str, to: &str) -> Vec<String> {
        let part = write.expression.split(from).nth(1).unwrap_or_default().split(to).next().unwrap_or_default();
        let places = part.split(", ").map(|each| each.split(' ').next().unwrap_or_default());
        let mut names: Vec<_> = places.filter_map(|place| write.names.get(place).cloned()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn write_removes_known_empty_attributes_and_no_others() {
        let write = write(7);
        assert_eq!(named(&write, "SET ", " REMOVE"), ["schema", "state", "version", "write_mark"]);
        assert_eq!(named(&write, "REMOVE ", ";"), ["check", "refunds"]);
        assert_eq!(write.condition, "#version = :before");
        assert_eq!(write.values[":before"], AttributeValue::N("6".to_owned()));
    }

    #[test]
    fn a_new_item_has_nothing_to_remove_and_replaces_none() {
        let write = write(1);
        assert!(!write.expression.contains("REMOVE"), "{}", write.expression);
        assert_eq!(write.condition, "attribute_not_exists(pk)");
    }
}
