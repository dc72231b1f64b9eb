//! Something that YooKassa is to do once, however often it is asked.

use serde::Serialize;

use crate::platform::secret::sha256_hex;

/// An idempotence key, and the body that it stands for. Both are to be stored before the first call and sent as they are stored in each
/// repetition: a key with another body is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The `Idempotence-Key`: 64 hexadecimal digits.
    pub key: String,
    /// The body, JSON.
    pub body: String,
}

impl Operation {
    /// The `number`th operation of this name (`create`, `capture`, …) on a payment of ours. The number stays while an outcome is unknown
    /// and grows after a refusal, whose key would be answered with it again. `installation` tells two installations apart that share a
    /// shop at YooKassa.
    ///
    /// # Errors
    /// If the request cannot be written as JSON.
    pub fn new<T: Serialize>(
        installation: &str,
        payment: &str,
        name: &str,
        number: u32,
        request: &T,
    ) -> Result<Self, serde_json::Error> {
        // A line break is in none of them.
        let key = sha256_hex(&format!("{installation}\n{payment}\n{name}\n{number}"));
        Ok(Self { key, body: serde_json::to_string(request)? })
    }
}
