//! JSON as outside systems write it: whole answers, and pieces of bodies that serde has no word for.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

/// Any JSON value, refusing an object that has one key twice: which of the two is meant is anybody's guess.
pub fn strict_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<serde_json::Value, D::Error> {
    Strict::deserialize(deserializer).map(|strict| strict.0)
}

struct Strict(serde_json::Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> de::Visitor<'de> for StrictVisitor {
    type Value = serde_json::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(serde_json::Value::Null)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = access.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut map = serde_json::Map::new();
        while let Some((key, Strict(value))) = access.next_entry::<String, Strict>()? {
            if map.contains_key(&key) {
                return Err(de::Error::custom(format_args!("the key `{key}` occurs twice")));
            }
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

/// An object. serde alone would take a list of an object's values for the object, too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Visitor(PhantomData))
    }
}

/// Reads an outside system's answer, which must be one JSON object, and notes in the log which lenient fields could not be read.
///
/// # Errors
/// What is wrong with it: the place in the answer, never its content.
pub fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    // serde would take an array as the fields in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err("not the JSON object that was expected".to_owned());
    }
    let read = || {
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let value = serde_path_to_error::deserialize(&mut deserializer)?;
        Ok((value, deserializer.end()))
    };
    let read = noting(read, |error: &serde_path_to_error::Error<serde_json::Error>| error.path().to_string());
    let read = read.map_err(serde_path_to_error::Error::into_inner);
    read.and_then(|(value, end)| end.map(|()| value))
        .map_err(|error| format!("not the JSON that was expected (line {}, column {})", error.line(), error.column()))
}

/// Reads a list of objects, each by itself: one that cannot be read says nothing of the others.
pub fn objects<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Said<Vec<Lenient<T>>>, D::Error> {
    let list: Said<Vec<Lenient<Object<T>>>> = unless_blank(deserializer)?;
    let inner = |Lenient(object): Lenient<Object<T>>| Lenient(object.map(|Object(object)| object));
    Ok(list.map(|Lenient(list)| Lenient(list.map(|list| list.into_iter().map(inner).collect()))))
}

/// Reads a list of objects, and leaves out those that cannot be read.
pub fn readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list: Vec<Lenient<Object<T>>> = Vec::deserialize(deserializer)?;
    Ok(list.into_iter().filter_map(|Lenient(object)| object.map(|Object(object)| object)).collect())
}

/// Yes or no, also in the words of languages that have 1 and 0 for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let said = serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned());
        match said.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(Self(true)),
            "false" | "0" | "" => Ok(Self(false)),
            _ => Err(de::Error::custom("must be true or false")),
        }
    }
}

/// A field that no money depends on: read if it has the right type, otherwise as if it were missing. [`noting`] says which
/// could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lenient<T>(pub Option<T>);

/// A lenient field that knows whether it was there: nothing if it was not, nothing inside if it was and cannot be read.
pub type Said<T> = Option<Lenient<T>>;

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match serde_json::from_str(raw.get()) {
            Ok(value) => Ok(Self(Some(value))),
            Err(_) if is_blank(&raw) => Ok(Self(None)),
            Err(_) => unreadable::<T>(&raw).map(|()| Self(None)).map_err(de::Error::custom),
        }
    }
}

/// Null, or a text without anything in it: how some languages write what they do not have.
fn is_blank(raw: &RawValue) -> bool {
    raw.get() == "null" || serde_json::from_str::<String>(raw.get()).is_ok_and(|text| text.trim().is_empty())
}

/// A field that is there, null included, which an `Option` alone would take for absent.
pub fn said<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Said<T>, D::Error> {
    Lenient::deserialize(deserializer).map(Some)
}

/// A field that is there, unless it is null or blank.
pub fn unless_blank<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Said<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    if is_blank(&raw) { Ok(None) } else { said(&mut serde_json::Deserializer::from_str(raw.get())).map_err(de::Error::custom) }
}

/// A field that has to be right if it is there; null or blank it is not there.
pub fn right_unless_blank<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    if is_blank(&raw) { Ok(None) } else { serde_json::from_str(raw.get()).map(Some).map_err(de::Error::custom) }
}

/// What this thread's reading has come upon.
#[derive(Default)]
struct Reading {
    /// How many lenient fields could not be read.
    unreadable: u32,
    /// They are errors, which know where they are.
    is_strict: bool,
    /// The way from one that is an error into what is in it, the innermost first.
    inside: Vec<String>,
}

thread_local! {
    static READING: RefCell<Reading> = RefCell::default();
}

/// Reads, and notes in the log which lenient fields could not be read: how many, and where the first is. `place` is where an error
/// is. Never what was in the field.
pub fn noting<T, E>(read: impl Fn() -> Result<T, E>, place: impl Fn(&E) -> String) -> Result<T, E> {
    let run = |is_strict| {
        READING.set(Reading { is_strict, ..Reading::default() });
        (read(), READING.take())
    };
    let (result, Reading { unreadable, .. }) = run(false);
    if unreadable > 0
        && result.is_ok()
        && let (Err(first), Reading { inside, .. }) = run(true)
    {
        let steps = std::iter::once(place(&first)).chain(inside.into_iter().rev());
        let field = steps.reduce(|field, step| if step.starts_with('[') { field + &step } else { field + "." + &step });
        tracing::warn!(field, unreadable, "what cannot be read counts as not known");
    }
    result
}

/// Takes note of a field that cannot be read.
fn unreadable<T: DeserializeOwned>(raw: &RawValue) -> Result<(), &'static str> {
    if !READING.with_borrow(|reading| reading.is_strict) {
        READING.with_borrow_mut(|reading| reading.unreadable += 1);
        return Ok(());
    }
    // What was in there has said its way already, and says it again now.
    READING.with_borrow_mut(|reading| reading.inside.clear());
    let read: Result<T, _> = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(raw.get()));
    if let Err(error) = read
        && error.path().iter().next().is_some()
    {
        let step = error.path().to_string();
        READING.with_borrow_mut(|reading| reading.inside.push(step));
    }
    Err("cannot be read")
}
