//! What a command must bring.

use shared::platform::http::Failure;

/// A field that this command cannot do without.
pub(crate) fn required<T>(field: Option<T>, name: &'static str) -> Result<T, Failure> {
    field.ok_or_else(|| Failure::bad_request(format!("field `{name}`: missing, it is mandatory for this command")))
}
