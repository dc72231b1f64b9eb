//! What a system's document leaves open, as switches: each has the reading that we assume, and the other that the real one may have.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::error::{ControlError, list};
use crate::locked::locked;
use crate::system::System;

/// What a system leaves open.
pub(crate) trait Open: Copy + Ord + 'static {
    const SYSTEM: System;
    const ALL: &[Self];

    fn name(self) -> &'static str;

    /// What it can be: the one that we assume first.
    fn values(self) -> [&'static str; 2];

    fn meaning(self) -> &'static str;
}

/// A system's readings in force.
pub(crate) struct Readings<R>(Mutex<BTreeMap<R, &'static str>>);

impl<R> Default for Readings<R> {
    fn default() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl<R: Open> Readings<R> {
    pub(crate) fn has(name: &str) -> bool {
        R::ALL.iter().any(|reading| reading.name() == name)
    }

    /// Lets one be read in another way.
    pub(crate) fn set(&self, name: &str, value: &str) -> Result<(), ControlError> {
        let reading = R::ALL.iter().copied().find(|reading| reading.name() == name).ok_or_else(|| {
            let names = list(R::ALL.iter().map(|reading| reading.name()));
            ControlError::field("name", format!("`{name}` is none of {names}"))
        })?;
        let value = reading.values().into_iter().find(|known| *known == value).ok_or_else(|| {
            ControlError::field("value", format!("`{value}` is none of {}", list(reading.values().into_iter())))
        })?;
        locked(&self.0).insert(reading, value);
        Ok(())
    }

    /// Whether it is read in the other way than we assume.
    pub(crate) fn is_other(&self, reading: R) -> bool {
        let [assumed, _] = reading.values();
        locked(&self.0).get(&reading).is_some_and(|value| *value != assumed)
    }

    /// All of them, with what they can be and what it means.
    pub(crate) fn list(&self) -> Vec<Value> {
        let readings = R::ALL.iter().map(|reading| {
            let values = reading.values();
            let value = values[usize::from(self.is_other(*reading))];
            let system = R::SYSTEM.name();
            json!({"system": system, "name": reading.name(), "value": value, "values": values, "meaning": reading.meaning()})
        });
        readings.collect()
    }
}
