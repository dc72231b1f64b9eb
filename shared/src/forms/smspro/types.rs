//! SMSPRO's messages (document, sections 2 and 3).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::platform::wire::Lenient;

/// What stands for a sent code until it is checked. A credential: it never leaves the store, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// The text cannot be a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 200 characters")]
pub struct TokenError;

impl Token {
    /// Takes a token as SMSPRO gave it, as it is.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        if text.trim().is_empty() || text.len() > 200 { Err(TokenError) } else { Ok(Self(text.to_owned())) }
    }

    /// The token itself, for the check and for the store.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Send: makes a code and sends it.
#[derive(Serialize)]
pub(super) struct SendRequest<'a> {
    pub(super) transaction_id: &'a str,
    pub(super) phone: &'a str,
}

/// Verify: checks a code.
#[derive(Serialize)]
pub(super) struct VerifyRequest<'a> {
    pub(super) code: &'a str,
    pub(super) token: &'a str,
}

/// Both answers. The document's samples have `status` as a number at send and as a string at verify: either is taken.
#[derive(Deserialize)]
pub(super) struct Verdict {
    #[serde(deserialize_with = "number")]
    pub(super) status: i64,
    #[serde(default)]
    pub(super) token: Lenient<String>,
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    struct Number;
    impl de::Visitor<'_> for Number {
        type Value = i64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number, or a string with one")
        }

        fn visit_i64<E: de::Error>(self, value: i64) -> Result<i64, E> {
            Ok(value)
        }

        fn visit_u64<E: de::Error>(self, value: u64) -> Result<i64, E> {
            i64::try_from(value).map_err(E::custom)
        }

        fn visit_str<E: de::Error>(self, value: &str) -> Result<i64, E> {
            value.trim().parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_any(Number)
}
