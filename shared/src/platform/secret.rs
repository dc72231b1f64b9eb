//! Secrets: never empty, never printed, compared in constant time.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A key or password. Cannot be empty, so that a missing setting never means "let everyone in".
#[derive(Clone)]
pub struct Secret(SecretString);

/// The text cannot be used as a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Empty or only white space.
    #[error("must not be empty")]
    Empty,
    /// Shorter than its use allows.
    #[error("must have at least 32 characters")]
    TooShort,
}

impl Secret {
    /// Takes a secret as configured; surrounding white space, the usual slip of the clipboard, is dropped.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        if text.is_empty() { Err(SecretError::Empty) } else { Ok(Self(text.to_owned().into())) }
    }

    /// The secret itself, for the one place that sends or hashes it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether `candidate` is this secret, in a time that tells nothing about either, not even the length.
    #[must_use]
    pub fn matches(&self, candidate: &str) -> bool {
        same(&Sha256::digest(self.expose()), &Sha256::digest(candidate))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The keys that open an endpoint: one, or two while a key is being replaced.
#[derive(Clone, Debug)]
pub struct Keys {
    current: Secret,
    next: Option<Secret>,
}

impl Keys {
    /// The valid key and, during a rotation, the other valid key.
    #[must_use]
    pub fn new(current: Secret, next: Option<Secret>) -> Self {
        Self { current, next }
    }

    /// The key that counts.
    #[must_use]
    pub fn current(&self) -> &Secret {
        &self.current
    }

    /// The other key, while there is one.
    #[must_use]
    pub fn next(&self) -> Option<&Secret> {
        self.next.as_ref()
    }

    /// Whether `candidate` is one of the keys; both are always compared.
    #[must_use]
    pub fn accept(&self, candidate: &str) -> bool {
        let current = self.current.matches(candidate);
        let next = self.next.as_ref().is_some_and(|next| next.matches(candidate));
        current | next
    }
}

impl From<Secret> for Keys {
    fn from(current: Secret) -> Self {
        Self::new(current, None)
    }
}

/// The installation's own key, from which tokens and lookup keys are derived. Never leaves the process. Everything new is made
/// with it; what is kept for long is also looked for under the key before it, if that is given.
#[derive(Clone, Debug)]
pub struct InternalSecret {
    current: Secret,
    previous: Option<Secret>,
}

/// What a digest of [`InternalSecret`] is for. Digests for different purposes never collide.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// The token in the path of a payment's callback.
    CallbackToken,
    /// The token in the path of the page to which the customer comes back.
    ReturnToken,
    /// The token in the path of a registration's callback.
    RegistrationToken,
    /// The key of an OTP challenge: form, installation and phone.
    Challenge,
    /// The key of a send limit.
    Limit,
    /// A right code, remembered so that it can be submitted again.
    VerifiedCode,
    /// The id under which a form is kept once.
    Submission,
    /// A phone, where only equality is needed.
    Phone,
    /// Whom an erasure or a search was about, in answers and logs.
    Audit,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::CallbackToken => "callback-token",
            Self::ReturnToken => "return-token",
            Self::RegistrationToken => "registration-token",
            Self::Challenge => "challenge",
            Self::Limit => "limit",
            Self::VerifiedCode => "verified-code",
            Self::Submission => "submission",
            Self::Phone => "phone",
            Self::Audit => "audit",
        }
    }
}

impl InternalSecret {
    /// Takes the key as configured: at least 32 characters.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        Ok(Self { current: long_enough(text)?, previous: None })
    }

    /// With the key before it.
    pub fn after(self, previous: &str) -> Result<Self, SecretError> {
        Ok(Self { previous: Some(long_enough(previous)?), ..self })
    }

    /// Lower-hex HMAC-SHA-256 over the purpose and the parts, each with its length, so that ("ab", "c") is not ("a", "bc").
    #[must_use]
    pub fn digest(&self, purpose: Purpose, parts: &[&str]) -> String {
        digest(&self.current, purpose, parts)
    }

    /// The digests under which something may have been stored, the one of today first.
    pub fn digests(&self, purpose: Purpose, parts: &[&str]) -> impl Iterator<Item = String> {
        std::iter::once(&self.current).chain(&self.previous).map(move |secret| digest(secret, purpose, parts))
    }
}

fn long_enough(text: &str) -> Result<Secret, SecretError> {
    let secret = Secret::parse(text)?;
    if secret.expose().chars().count() < 32 { Err(SecretError::TooShort) } else { Ok(secret) }
}

fn digest(secret: &Secret, purpose: Purpose, parts: &[&str]) -> String {
    // HMAC takes keys of any length; the error type exists for other algorithms.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        unreachable!("HMAC takes keys of any length")
    };
    for part in std::iter::once(purpose.label()).chain(parts.iter().copied()) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    hex::encode(mac.finalize().into_bytes())
}

/// Lower-hex SHA-256 of a text: how a token is stored.
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// Whether two byte strings are equal, in constant time for equal lengths.
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_secrets_do_not_exist() {
        for text in ["", " ", "\n\t"] {
            assert_eq!(Secret::parse(text).unwrap_err(), SecretError::Empty);
        }
        assert_eq!(InternalSecret::parse("short").unwrap_err(), SecretError::TooShort);
    }

    #[test]
    fn nothing_prints_a_secret() {
        let secret = Secret::parse("very-secret").unwrap();
        let internal = InternalSecret::parse("0123456789abcdef0123456789abcdef").unwrap();
        let printed = format!("{secret:?} {:?} {internal:?}", Keys::new(secret.clone(), Some(secret.clone())));
        assert!(!printed.contains("very-secret") && !printed.contains("0123456789abcdef"), "{printed}");
    }

    #[test]
    fn either_key_opens_during_a_rotation_and_nothing_else_does() {
        let keys = Keys::new(Secret::parse("old").unwrap(), Some(Secret::parse("new").unwrap()));
        assert!(keys.accept("old") && keys.accept("new"));
        for wrong in ["", "ol", "oldnew", "OLD", "old ", "старый"] {
            assert!(!keys.accept(wrong), "{wrong}");
        }
    }

    #[test]
    fn digests_depend_on_purpose_parts_and_where_parts_end() {
        let secret = InternalSecret::parse("0123456789abcdef0123456789abcdef").unwrap();
        let other = InternalSecret::parse("0123456789abcdef0123456789abcdeF").unwrap();
        let digests = [
            secret.digest(Purpose::Challenge, &["ab", "c"]),
            secret.digest(Purpose::Challenge, &["a", "bc"]),
            secret.digest(Purpose::Challenge, &["abc"]),
            secret.digest(Purpose::Limit, &["ab", "c"]),
            other.digest(Purpose::Challenge, &["ab", "c"]),
        ];
        for (index, digest) in digests.iter().enumerate() {
            assert_eq!(digest.len(), 64);
            assert!(!digests[index + 1..].contains(digest));
        }
    }
}
