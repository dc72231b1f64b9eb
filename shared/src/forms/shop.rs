//! Where the shop takes its forms. It knows our messages by their signature.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use sha2::Sha256;
use url::Url;

use crate::platform::clock::{Deadline, Timestamp};
use crate::platform::env::Env;
use crate::platform::outbound::{Answer, CallError, Http, System, Target};
use crate::platform::secret::Secret;

/// How long the shop may take.
const LIMIT: Duration = Duration::from_secs(7);

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A key that messages are signed with, as Standard Webhooks 1.0 writes it: `whsec_` and the base64 of 24 to 64 bytes.
#[derive(Clone, Debug)]
pub struct SigningKey(Secret);

/// The text is no such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be whsec_ followed by the base64 of 24 to 64 bytes, as `echo whsec_$(openssl rand -base64 32)` makes it")]
pub struct SigningKeyError;

impl SigningKey {
    /// Reads a key.
    pub fn parse(text: &str) -> Result<Self, SigningKeyError> {
        let key = Self(Secret::parse(text).map_err(|_| SigningKeyError)?);
        let right = key.bytes().is_some_and(|bytes| (24..=64).contains(&bytes.len()));
        if right { Ok(key) } else { Err(SigningKeyError) }
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        BASE64.decode(self.0.expose().strip_prefix("whsec_")?).ok()
    }

    /// `v1,` and the base64 of HMAC-SHA-256 over `{id}.{seconds}.{body}`.
    #[must_use]
    pub fn sign(&self, id: &str, at: Timestamp, body: &str) -> String {
        // HMAC takes keys of any length; the error type exists for other algorithms.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.bytes().unwrap_or_default()) else {
            unreachable!("HMAC takes keys of any length")
        };
        for part in [id, ".", &at.seconds().to_string(), ".", body] {
            mac.update(part.as_bytes());
        }
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}

/// Where the shop takes messages that are signed (Standard Webhooks 1.0). The same id is the same message, however often it
/// comes.
#[derive(Debug)]
pub struct Webhook {
    http: Http,
    url: Url,
    keys: Vec<SigningKey>,
}

impl Webhook {
    /// Reads `SHOP_FORMS_URL` and `SHOP_FORMS_SECRET`; while keys are changed also `SHOP_FORMS_SECRET_NEXT`, and messages carry both
    /// signatures.
    pub fn from_env(env: &mut Env, http: Http) -> Option<Self> {
        let url = env.url("SHOP_FORMS_URL");
        let current = env.parsed("SHOP_FORMS_SECRET", SigningKey::parse);
        let next = env.optional("SHOP_FORMS_SECRET_NEXT");
        let next = next.and_then(|_| env.parsed("SHOP_FORMS_SECRET_NEXT", SigningKey::parse));
        Some(Self { http, url: url?, keys: current.into_iter().chain(next).collect() })
    }

    /// Sends JSON under an id and gives the shop's answer as it is.
    pub async fn post(&self, id: &str, body: String, now: Timestamp, deadline: Deadline) -> Result<Answer, CallError> {
        let signatures: Vec<_> = self.keys.iter().map(|key| key.sign(id, now, &body)).collect();
        let request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, JSON)
            .header(HeaderName::from_static("webhook-id"), id)
            .header(HeaderName::from_static("webhook-timestamp"), now.seconds())
            .header(HeaderName::from_static("webhook-signature"), signatures.join(" "));
        let target = Target { system: System::Shop, method: "forms" };
        self.http.send(target, request.body(body), LIMIT, deadline).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn a_message_is_signed_as_standard_webhooks_says() {
        let at = Timestamp::from_millis(1_614_265_330_000);
        let signature = SigningKey::parse(KEY).unwrap().sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        // The specification's own example.
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_signing_key_is_refused_and_never_printed() {
        for wrong in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64 at all, not at all"] {
            assert_eq!(SigningKey::parse(wrong).unwrap_err(), SigningKeyError, "{wrong}");
        }
        assert!(!format!("{:?}", SigningKey::parse(KEY).unwrap()).contains("MfKQ"));
    }
}
