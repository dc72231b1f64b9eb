//! What an index holds under a value, a page at a time.

use std::collections::HashSet;

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::AttributeValue;

use super::error::{CursorError, StoreError};
use super::item::Item;
use super::refusals::Attempt;
use super::table::Table;

/// What a key may have, in bytes (DynamoDB, "Partition keys").
const LONGEST_KEY: usize = 2048;

/// Where a list goes on: opaque to the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor(Item);

/// A piece of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub entries: Vec<T>,
    /// Where it goes on, if it does.
    pub next: Option<Cursor>,
    /// The ids of entries that are there and cannot be read. They hide no others.
    pub unreadable: Vec<String>,
}

/// The id of an entry that cannot be read. What is wrong with it is in the log. What a newer release has written is no such entry: it is
/// left alone until the release is there.
pub(crate) fn passed_over(id: &str, cause: StoreError) -> Result<String, StoreError> {
    if !matches!(cause, StoreError::Unreadable { .. }) {
        return Err(cause);
    }
    tracing::error!(id, cause = %cause, "an item of a list cannot be read");
    Ok(id.to_owned())
}

impl Cursor {
    /// As a text of hexadecimal digits.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut fields: Vec<_> = self.0.iter().filter_map(|(name, value)| Some(format!("{name}\t{}", plain(value)?))).collect();
        fields.sort_unstable();
        hex::encode(fields.join("\n"))
    }

    /// Whether it was given out by a list by `hash`.
    pub(crate) fn is_of(&self, hash: (&str, &str)) -> bool {
        self.0.get(hash.0) == Some(&AttributeValue::S(hash.1.to_owned()))
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    /// Behind the item `pk` of a whole table, in what is called so.
    fn of_table(list: &str, pk: String) -> Self {
        let text = |text: String| AttributeValue::S(text);
        Self(Item::from([("list".to_owned(), text(list.to_owned())), ("pk".to_owned(), text(pk))]))
    }

    /// The key of the item that it is behind.
    pub(crate) fn key(&self) -> Option<&str> {
        self.0.get("pk")?.as_s().ok().map(String::as_str)
    }

    /// Behind the item `pk` in a list by `hash`, sorted by `range`.
    pub(crate) fn after(hash: (&str, &str), range: (&str, i64), pk: String) -> Self {
        Self(Item::from([
            (hash.0.to_owned(), AttributeValue::S(hash.1.to_owned())),
            (range.0.to_owned(), AttributeValue::N(range.1.to_string())),
            ("pk".to_owned(), AttributeValue::S(pk)),
        ]))
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
pub(crate) struct Lookup<'a> {
    pub(crate) index: &'a str,
    pub(crate) hash: (&'a str, &'a str),
    pub(crate) range: &'a str,
    /// A comparison with the range key.
    pub(crate) bound: Option<(&'a str, i64)>,
    pub(crate) newest_first: bool,
}

impl Lookup<'_> {
    /// Whether a cursor was given out by this list.
    fn goes_on_from(&self, cursor: &Cursor) -> bool {
        let (hash, value) = self.hash;
        let attributes = if self.range == "pk" { 2 } else { 3 };
        cursor.0.len() == attributes
            && cursor.is_of((hash, value))
            && cursor.0.get("pk").and_then(|key| key.as_s().ok()).is_some_and(|key| (1..=LONGEST_KEY).contains(&key.len()))
            && (self.range == "pk" || cursor.number(self.range).is_some_and(|at| self.reaches(at)))
    }

    /// Whether a value of the range key is within the bound; DynamoDB refuses to go on from elsewhere.
    fn reaches(&self, at: i64) -> bool {
        self.bound.is_none_or(|(compare, value)| if compare == ">=" { at >= value } else { at <= value })
    }
}

impl Table {
    /// The keys of what an index holds under a value, piece by piece. An item that moves within its index while it is read may be
    /// there twice, and is said once.
    pub(crate) async fn keys(&self, lookup: &Lookup<'_>, from: Option<&Cursor>, limit: u16) -> Result<Page<String>, StoreError> {
        self.keys_before(lookup, None, from, limit).await
    }

    /// The same of range keys below `before`, which is above the bound if that is `>=`; the lookup has no other bound then.
    pub(crate) async fn keys_before(
        &self,
        lookup: &Lookup<'_>,
        before: Option<i64>,
        from: Option<&Cursor>,
        limit: u16,
    ) -> Result<Page<String>, StoreError> {
        let page = self.entries(lookup, before, from, limit).await?;
        let mut seen = HashSet::new();
        let keys = page.entries.into_iter().filter_map(|mut item| match item.remove("pk") {
            Some(AttributeValue::S(key)) => seen.insert(key.clone()).then_some(key),
            _ => None,
        });
        Ok(Page { entries: keys.collect(), next: page.next, unreadable: page.unreadable })
    }

    /// Keys of an index under a value with their range keys, those behind `after` only; at least `enough` of them if there are as many, and
    /// then all with the range key of the last one of these: among equal ones the index has no order.
    pub(crate) async fn ranged_keys(
        &self,
        lookup: &Lookup<'_>,
        after: Option<&(i64, String)>,
        enough: u16,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let mut found: Vec<(i64, String)> = Vec::new();
        let mut from = None;
        loop {
            let page = self.entries(lookup, None, from.as_ref(), enough).await?;
            found.extend(page.entries.iter().filter_map(|item| {
                let at = item.get(lookup.range)?.as_n().ok()?.parse().ok()?;
                let entry = (at, item.get("pk")?.as_s().ok()?.clone());
                after.is_none_or(|after| entry > *after).then_some(entry)
            }));
            from = page.next;
            let last_enough = found.get(usize::from(enough.saturating_sub(1))).map(|(at, _)| *at);
            let is_whole = last_enough.is_some() && found.last().map(|(at, _)| *at) != last_enough;
            if from.is_none() || is_whole {
                return Ok(found);
            }
        }
    }

    /// A piece of what an index holds under a value.
    async fn entries(
        &self,
        lookup: &Lookup<'_>,
        before: Option<i64>,
        from: Option<&Cursor>,
        limit: u16,
    ) -> Result<Page<Item>, StoreError> {
        let is_behind = |cursor: &Cursor| before.is_some_and(|before| cursor.number(lookup.range).is_none_or(|at| at >= before));
        if from.is_some_and(|cursor| !lookup.goes_on_from(cursor) || is_behind(cursor)) {
            return Err(CursorError.into());
        }
        let &Lookup { index, hash: (hash, value), range, bound, newest_first } = lookup;
        // A condition names the range key once, and takes both ends of a span in.
        let condition = match (bound, before) {
            (None, None) => "#hash = :hash".to_owned(),
            (None, Some(_)) => "#hash = :hash AND #range < :before".to_owned(),
            (Some((compare, _)), None) => format!("#hash = :hash AND #range {compare} :range"),
            (Some(_), Some(_)) => "#hash = :hash AND #range BETWEEN :range AND :before".to_owned(),
        };
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
        if bound.is_some() || before.is_some() {
            query = query.expression_attribute_names("#range", range);
        }
        if let Some((_, value)) = bound {
            query = query.expression_attribute_values(":range", AttributeValue::N(value.to_string()));
        }
        if let Some(before) = before {
            let last = if bound.is_some() { before.saturating_sub(1) } else { before };
            query = query.expression_attribute_values(":before", AttributeValue::N(last.to_string()));
        }
        let attempt = || async {
            match query.clone().send().await {
                // All of the question is ours but for where it begins.
                Err(error) if from.is_some() && error.code() == Some("ValidationException") => {
                    // It may be a defect of the question all the same.
                    tracing::warn!(index, cause = error.message(), "DynamoDB does not go on from a cursor");
                    Err(CursorError.into())
                }
                outcome => Attempt::of("Query", outcome),
            }
        };
        let output = self.patiently("Query", attempt).await?;
        let entries = output.items.unwrap_or_default();
        Ok(Page { entries, next: output.last_evaluated_key.map(Cursor), unreadable: Vec::new() })
    }
}

impl Table {
    /// Some attributes of whatever the table holds, at most `limit` items at once, in no order. `list` is what its cursors are given out for.
    /// For what goes through everything once: it costs what is stored.
    pub(crate) async fn everything(
        &self,
        list: &str,
        attributes: &[&str],
        from: Option<&Cursor>,
        limit: u16,
    ) -> Result<Page<Item>, StoreError> {
        let is_ours = |cursor: &&Cursor| cursor.0.len() == 2 && cursor.is_of(("list", list));
        let behind = match from {
            None => None,
            Some(cursor) => {
                let key = Some(cursor).filter(is_ours).and_then(Cursor::key);
                Some(key.filter(|key| (1..=LONGEST_KEY).contains(&key.len())).ok_or(CursorError)?)
            }
        };
        let names: Vec<_> = (0..attributes.len()).map(|index| format!("#{index}")).collect();
        let mut scan = self
            .client
            .scan()
            .table_name(&self.name)
            .projection_expression(names.join(", "))
            .limit(i32::from(limit))
            .set_exclusive_start_key(behind.map(|key| Item::from([("pk".to_owned(), AttributeValue::S(key.to_owned()))])));
        for (name, attribute) in names.iter().zip(attributes) {
            scan = scan.expression_attribute_names(name, *attribute);
        }
        let attempt = || async { Attempt::of("Scan", scan.clone().send().await) };
        let output = self.patiently("Scan", attempt).await?;
        let end = output.last_evaluated_key.and_then(|key| key.get("pk")?.as_s().ok().cloned());
        let next = end.map(|key| Cursor::of_table(list, key));
        Ok(Page { entries: output.items.unwrap_or_default(), next, unreadable: Vec::new() })
    }
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
