//! Who sends: the key, and the signature of a message (Standard Webhooks 1.0, "Verifying webhook authenticity").

use hyper::StatusCode;
use serde_json::{Map, Value};
use standardwebhooks::Webhook;
use time::OffsetDateTime;

use super::refusal::{ShopRefusal, object};
use crate::options::Options;
use crate::request::Request;

/// How far a message's time may be from ours, either way.
const TOLERANCE_S: i64 = 300;

/// The id of a message that was signed with this key within these minutes. The time is the machine's, as the real shop's is: it knows
/// nothing of a clock that a sandbox has moved.
pub(super) fn verified(secret: &str, request: &Request) -> Result<String, ShopRefusal> {
    verified_at(&[OffsetDateTime::now_utc()], secret, request)
}

/// The same within the minutes of any of these moments.
pub(super) fn verified_at(moments: &[OffsetDateTime], secret: &str, request: &Request) -> Result<String, ShopRefusal> {
    let unauthorized = |problem: String| ShopRefusal(StatusCode::UNAUTHORIZED, problem);
    let header = |name: &'static str| request.header(name).ok_or_else(|| unauthorized(format!("`{name}` is missing")));
    let (id, signatures) = (header("webhook-id")?, header("webhook-signature")?);
    let sent_at: i64 = header("webhook-timestamp")?.parse().map_err(|_| unauthorized("`webhook-timestamp`".to_owned()))?;
    if !moments.iter().any(|moment| (moment.unix_timestamp() - sent_at).abs() <= TOLERANCE_S) {
        return Err(unauthorized("`webhook-timestamp` is not of these minutes".to_owned()));
    }
    let signed = Webhook::new(secret).and_then(|webhook| webhook.sign(id, sent_at, &request.body));
    let signed = signed.map_err(|error| unauthorized(error.to_string()))?;
    if !signatures.split(' ').any(|signature| signature == signed) {
        return Err(unauthorized("`webhook-signature` is another".to_owned()));
    }
    Ok(id.to_owned())
}

/// The key, the signature if there is one, and the body as an object.
pub(super) fn authorized(options: &Options, request: &Request) -> Result<Map<String, Value>, ShopRefusal> {
    if request.bearer() != Some(options.shop_key.as_str()) {
        return Err(ShopRefusal(StatusCode::UNAUTHORIZED, "`Authorization: Bearer …` is missing or has another key".to_owned()));
    }
    // A signature is agreed with a shop or it is not; one that is there must be right.
    if request.header("webhook-signature").is_some() {
        verified(&options.shop_orders_secret, request)?;
    }
    object(request)
}
