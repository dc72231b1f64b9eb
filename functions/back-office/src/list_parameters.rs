//! What the lists take in their address. Phones are never among it: addresses end up in the logs of proxies.

use shared::platform::clock::Timestamp;
use shared::platform::dynamodb::{Cursor, StoreError};
use shared::platform::http::{Failure, Inbound};
use shared::platform::money::Decimal;

/// The length of a list that is not said.
pub(crate) const DEFAULT_LIMIT: u16 = 50;
/// The longest list.
pub(crate) const MAX_LIMIT: u16 = 100;

/// A parameter's mistake.
pub(crate) fn wrong(parameter: &str, problem: &str) -> Failure {
    Failure::bad_request(format!("query parameter `{parameter}`: {problem}"))
}

/// How many at most.
pub(crate) fn limit(inbound: &Inbound, default: u16, most: u16) -> Result<u16, Failure> {
    let Some(text) = inbound.query("limit") else { return Ok(default) };
    let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
    limit.ok_or_else(|| wrong("limit", &format!("must be a whole number from 1 to {most}")))
}

/// Where the list goes on.
pub(crate) fn cursor(inbound: &Inbound) -> Result<Option<Cursor>, Failure> {
    inbound.query("cursor").map(Cursor::parse).transpose().map_err(|error| wrong("cursor", &error.to_string()))
}

/// A moment, or the beginning of a day, UTC; the beginning of all days without it.
pub(crate) fn moment(inbound: &Inbound, parameter: &str) -> Result<Timestamp, Failure> {
    let Some(text) = inbound.query(parameter) else { return Ok(Timestamp::from_millis(0)) };
    let at = Timestamp::from_rfc3339(text).or_else(|| Timestamp::from_rfc3339(&format!("{text}T00:00:00Z")));
    at.ok_or_else(|| {
        wrong(parameter, "must be a moment like 2026-11-22T08:00:00Z (a plus in it as %2B) or a day like 2026-11-22")
    })
}

/// An amount with two decimals, in hundredths.
pub(crate) fn amount(inbound: &Inbound, parameter: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = inbound.query(parameter) else { return Ok(None) };
    let plain = text.split_once('.').is_some_and(|(whole, part)| {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        !whole.is_empty() && part.len() == 2 && digits(whole) && digits(part)
    });
    let amount = Some(text).filter(|_| plain).and_then(|text| Decimal::parse(text).ok()).map(Decimal::hundredths);
    amount.map(Some).ok_or_else(|| wrong(parameter, "must be an amount with two decimals, like 1500.00"))
}

/// A list that could not be read.
pub(crate) fn unlisted(error: StoreError) -> Failure {
    match error {
        StoreError::Cursor(error) => wrong("cursor", &error.to_string()),
        StoreError::Failed { .. }
        | StoreError::InDoubt { .. }
        | StoreError::Unreadable { .. }
        | StoreError::Newer { .. }
        | StoreError::Random(_) => Failure::internal(error),
    }
}
