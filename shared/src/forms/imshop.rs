//! Forms confirmed by an SMS code: sending the code and exporting the form have one request shape.

use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::platform::ids::{FormName, InstallId};
use crate::platform::wire::{Lenient, right_unless_blank, said, strict_value};

/// A form: with `data.otpCode` it is an export, without it a request for a code.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The form's name when a code is asked for; mandatory, here or in `formId`.
    pub form_name: Option<FormName>,
    /// The form's name on export.
    pub form_id: Option<FormName>,
    /// The installation of the app. The published sample of an export has none.
    #[serde(default, deserialize_with = "right_unless_blank")]
    pub install_id: Option<InstallId>,
    /// A code beside the fields instead of among them, where it does not count.
    #[serde(default, deserialize_with = "said")]
    pub otp_code: Option<Lenient<IgnoredAny>>,
    /// The form's fields as filled in.
    #[serde(default, deserialize_with = "fields")]
    pub data: Option<Map<String, Value>>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("form_name", &self.form_name).field("form_id", &self.form_id).finish_non_exhaustive()
    }
}

fn fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Map<String, Value>>, D::Error> {
    match strict_value(deserializer)? {
        Value::Object(map) => Ok(Some(map)),
        Value::Null => Ok(None),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(serde::de::Error::custom("must be an object with the form's fields"))
        }
    }
}

/// The answer to a form request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Sent, or saved.
    pub success: bool,
    /// The code is wrong or its time is over.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub otp_failed: bool,
    /// What the customer is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Answer {
    /// Sent, or saved; `message` is the shop's own.
    #[must_use]
    pub fn success(message: Option<String>) -> Self {
        Self { success: true, otp_failed: false, message }
    }

    /// Not sent, or not saved.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self { success: false, otp_failed: false, message: Some(message.into()) }
    }

    /// A wrong or expired code. Nothing else is said, whatever the reason.
    #[must_use]
    pub fn otp_failed() -> Self {
        Self { success: false, otp_failed: true, message: None }
    }
}
