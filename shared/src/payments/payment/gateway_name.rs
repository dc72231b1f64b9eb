//! The name of a configured payment gateway, which a payment keeps for its whole life.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// The gateway that needs no section in `payments.toml`.
const MOKKA: &str = "mokka";
const MAX_LENGTH: usize = 24;

/// The name of a payment gateway: `mokka`, or that of a `[gateways.NAME]` section of `payments.toml`. Small Latin letters, digits and
/// hyphens, a letter first, at most 24: it is part of an address and of a secret's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GatewayName(Cow<'static, str>);

/// The text cannot be the name of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a gateway's name: at most {MAX_LENGTH} small Latin letters, digits and hyphens, a letter first")]
pub struct GatewayNameError;

impl GatewayName {
    /// Mokka's.
    pub const MOKKA: Self = Self(Cow::Borrowed(MOKKA));

    pub fn parse(text: &str) -> Result<Self, GatewayNameError> {
        let begins = text.starts_with(|first: char| first.is_ascii_lowercase());
        let plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if begins && plain && text.len() <= MAX_LENGTH { Ok(Self(text.to_owned().into())) } else { Err(GatewayNameError) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Mokka, which has more than a card gateway: limits, schedules, signed callbacks.
    #[must_use]
    pub fn is_mokka(&self) -> bool {
        self.0 == MOKKA
    }
}

impl fmt::Display for GatewayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for GatewayName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for GatewayName {
    fn schema_name() -> Cow<'static, str> {
        "GatewayName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[a-z][a-z0-9-]{0,23}$"})
    }
}
