//! Messages to the shop, signed as Standard Webhooks 1.0 says: the same id is the same message, however often it comes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::RequestBuilder;
use reqwest::header::HeaderName;
use sha2::Sha256;

use crate::platform::clock::Timestamp;
use crate::platform::env::Env;
use crate::platform::secret::Secret;

/// The message's id.
pub const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

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

/// The keys of one kind of message: the one in force and, while it is changed, the next. A message carries a signature by each, and the
/// shop may know either.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    current: SigningKey,
    next: Option<SigningKey>,
}

impl SigningKeys {
    /// Reads `{name}`, which must be there, and `{name}_NEXT`.
    pub fn from_env(env: &mut Env, name: &str) -> Option<Self> {
        let current = env.parsed(name, SigningKey::parse);
        let next = env.parsed_or(&next_of(name), None, |text| SigningKey::parse(text).map(Some));
        Some(Self { current: current?, next: next? })
    }

    /// The same of messages that may go unsigned: nothing without either variable. A wrong one is a problem of the settings.
    pub fn optional(env: &mut Env, name: &str) -> Option<Self> {
        let is_wanted = [env.optional(name), env.optional(&next_of(name))].iter().any(Option::is_some);
        is_wanted.then(|| Self::from_env(env, name)).flatten()
    }

    /// The three headers of a message. `machine_time` is [`Clock::machine_now`](crate::platform::clock::Clock::machine_now): the receiver
    /// compares it with its own clock, which no sandbox moves.
    #[must_use]
    pub fn headers(&self, id: &str, machine_time: Timestamp, body: &str) -> [(HeaderName, String); 3] {
        let signatures = std::iter::once(&self.current).chain(&self.next).map(|key| key.sign(id, machine_time, body));
        let signatures = signatures.collect::<Vec<_>>().join(" ");
        [(ID, id.to_owned()), (TIMESTAMP, machine_time.seconds().to_string()), (SIGNATURE, signatures)]
    }

    /// A request with these headers; its body must be this one, to the letter.
    pub fn sign(&self, request: RequestBuilder, id: &str, machine_time: Timestamp, body: &str) -> RequestBuilder {
        let headers = self.headers(id, machine_time, body);
        headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
    }
}

fn next_of(name: &str) -> String {
    format!("{name}_NEXT")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::HeaderMap;
    use standardwebhooks::Webhook;

    use super::*;
    use crate::platform::clock::Clock;
    use crate::platform::env::ConfigError;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEXT: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const BODY: &str = r#"{"type":"payment.paid","data":{"name":"Айгуль"}}"#;

    fn read<T>(values: &[(&str, &str)], read: impl FnOnce(&mut Env) -> Option<T>) -> Result<Option<T>, ConfigError> {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut env = Env::from_map(values.collect::<BTreeMap<_, _>>());
        let read = read(&mut env);
        env.finish(Some(()))?;
        Ok(read)
    }

    fn keys(values: &[(&str, &str)]) -> SigningKeys {
        read(values, |env| SigningKeys::from_env(env, "SECRET")).unwrap().unwrap()
    }

    fn headers(keys: &SigningKeys) -> HeaderMap {
        let headers = keys.headers("1001-1-2", Clock::system().machine_now(), BODY);
        headers.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect()
    }

    #[test]
    fn a_message_is_signed_as_standard_webhooks_says() {
        let at = Timestamp::from_millis(1_614_265_330_000);
        let signature = SigningKey::parse(KEY).unwrap().sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        // The specification's own example.
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_published_library_verifies_a_message_by_either_key() {
        let verifies = |headers: &HeaderMap, key: &str| Webhook::new(key).unwrap().verify(BODY.as_bytes(), headers).is_ok();
        let alone = headers(&keys(&[("SECRET", KEY)]));
        assert!(verifies(&alone, KEY) && !verifies(&alone, NEXT));
        let both = headers(&keys(&[("SECRET", KEY), ("SECRET_NEXT", NEXT)]));
        assert!(verifies(&both, KEY) && verifies(&both, NEXT));
        assert!(Webhook::new(KEY).unwrap().verify(b"{}", &both).is_err(), "another body");
    }

    #[test]
    fn what_is_no_signing_key_is_refused_and_never_printed() {
        for wrong in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64 at all, not at all"] {
            assert_eq!(SigningKey::parse(wrong).unwrap_err(), SigningKeyError, "{wrong}");
        }
        let printed = format!("{:?}", keys(&[("SECRET", KEY), ("SECRET_NEXT", NEXT)]));
        assert!(!printed.contains("MfKQ") && !printed.contains("C2FV"), "{printed}");
    }

    #[test]
    fn a_wrong_key_names_its_variable() {
        for (wrong, named) in [
            (vec![], "SECRET: must be set"),
            (vec![("SECRET", "short")], "SECRET: must be whsec_"),
            (vec![("SECRET", KEY), ("SECRET_NEXT", "short")], "SECRET_NEXT: must be whsec_"),
        ] {
            let error = read(&wrong, |env| SigningKeys::from_env(env, "SECRET")).unwrap_err().to_string();
            assert!(error.contains(named) && !error.contains("short"), "{error}");
        }
    }

    #[test]
    fn optional_keys_are_none_without_variables_and_never_the_next_alone() {
        let optional = |values: &[(&str, &str)]| read(values, |env| SigningKeys::optional(env, "SECRET"));
        assert!(optional(&[]).unwrap().is_none());
        assert!(optional(&[("SECRET", KEY)]).unwrap().is_some());
        for wrong in [("SECRET", "short"), ("SECRET_NEXT", NEXT)] {
            assert!(optional(&[wrong]).is_err(), "{wrong:?}");
        }
    }
}
