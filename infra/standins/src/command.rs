//! What the control API is told to do.

use serde::de::DeserializeOwned;

use crate::error::ControlError;
use crate::request::Request;

/// The body, whatever its content type says: people use curl.
pub(crate) fn body<T: DeserializeOwned>(request: &Request) -> Result<T, ControlError> {
    serde_json::from_slice(&request.body).map_err(|error| ControlError::Request(format!("the body: {error}")))
}
