//! Identifiers, each its own type. They are opaque text: `001` is not `1`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::platform::decoding::LOST;

/// The text cannot be used as an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing in it.
    #[error("must not be empty")]
    Empty,
    /// Longer than 200 bytes.
    #[error("must be at most 200 bytes long")]
    TooLong,
    /// Control characters in it.
    #[error("must not contain control characters")]
    Control,
    /// U+FFFD in it.
    #[error("must not contain U+FFFD, which stands for what could not be read")]
    Lost,
    /// JSON of another kind.
    #[error("must be a string (a whole number is accepted too)")]
    NotText,
    /// Not an id that was given out here.
    #[error("must be an id that was given out here")]
    NotOurs,
}

const MAX_BYTES: usize = 200;

fn check(text: &str) -> Result<String, IdError> {
    let text = text.trim();
    if text.is_empty() {
        Err(IdError::Empty)
    } else if text.len() > MAX_BYTES {
        Err(IdError::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(IdError::Control)
    } else {
        Ok(text.to_owned())
    }
}

/// Reads an identifier of a request, from JSON: a string, or a whole number by its digits. One that an earlier program could not
/// read is none: two of them would be the same. (Earlier releases have stored such ones, so [`check`] takes them.)
fn from_json(raw: &RawValue) -> Result<String, IdError> {
    let json = raw.get();
    if json.starts_with('"') {
        let text = serde_json::from_str::<String>(json).map_err(|_| IdError::NotText)?;
        if text.contains(LOST) { Err(IdError::Lost) } else { check(&text) }
    } else if json.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        check(json)
    } else {
        Err(IdError::NotText)
    }
}

/// An identifier is its text.
macro_rules! shown {
    ($name:ident) => {
        impl $name {
            /// The identifier's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes a text of 1 to 200 bytes without control characters; surrounding white space is dropped.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text).map(Self)
            }
        }

        shown! { $name }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                from_json(&Box::<RawValue>::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
            }
        }
    };
}

identifier! {
    /// IMSHOP's id of an order (`orderUuid`, in order creation `uuid`): the key of everything about it.
    OrderUuid
}
identifier! {
    /// The shop's id of an order (`orderId`; the shop's answer to order creation calls it `id`), or its public id.
    OrderId
}
identifier! {
    /// The id of a product or an offer (`configurationId`, `privateId`, IMSHOP's `id`).
    ItemId
}
identifier! {
    /// The id of a way to pay, as configured (`paymentMethodId`).
    MethodId
}
identifier! {
    /// The random id of one installation of the app.
    InstallId
}
identifier! {
    /// The name of a form (`formName`, on export sometimes `formId`).
    FormName
}

impl MethodId {
    /// The id without IMSHOP's `webhook/` prefix, if it has one.
    #[must_use]
    pub fn without_prefix(&self) -> Option<&str> {
        self.0.strip_prefix("webhook/")
    }
}

/// The id of one attempt to pay an order: ours, and the provider's order id too, so that support staff find it there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PaymentId(String);

impl PaymentId {
    /// 32 characters: the shortest limit among the providers (Sberbank's `orderNumber`).
    const MAX_LENGTH: usize = 32;
    /// What remains for the order's part when the attempt takes a dash and four digits.
    const MAX_ORDER_PART: usize = Self::MAX_LENGTH - 5;

    /// `{orderId}-{attempt}`; an order id that does not fit `[A-Za-z0-9_-]{1,27}` is represented by its hash.
    #[must_use]
    pub fn new(order: &OrderId, attempt: u32) -> Self {
        let text = order.as_str();
        let fits = text.len() <= Self::MAX_ORDER_PART && text.bytes().all(is_plain);
        if fits {
            Self(format!("{text}-{attempt}"))
        } else {
            let digest = hex::encode(Sha256::digest(text));
            Self(format!("h{}-{attempt}", &digest[..24]))
        }
    }

    /// Takes an id that came back from outside; anything that cannot be one of ours is refused.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let id = check(text)?;
        if id.len() > Self::MAX_LENGTH {
            Err(IdError::TooLong)
        } else if id.bytes().all(is_plain) {
            Ok(Self(id))
        } else {
            Err(IdError::Control)
        }
    }
}

shown! { PaymentId }

macro_rules! given_out_here {
    ($(#[$doc:meta])* $name:ident of $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("Takes an id of our making: ", $digits, " lower-case hexadecimal digits.")]
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let ours = text.len() == $digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                if ours { Ok(Self(text.to_owned())) } else { Err(IdError::NotOurs) }
            }
        }

        shown! { $name }
    };
}

given_out_here! {
    /// The id of one customer's request for a limit: ours, as [`crate::platform::clock::Random::hex32`] gives it, and the provider's order
    /// id of its callback.
    RegistrationId of 32
}
given_out_here! {
    /// The id under which a form is kept once: a digest of the form, its sender and, if it has one, its code.
    SubmissionId of 64
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_text_and_numbers_are_taken_by_their_digits() {
        let read = |json| serde_json::from_str::<OrderId>(json).map(|id| id.0);
        assert_eq!(read(r#""001""#).unwrap(), "001");
        assert_eq!(read("12345").unwrap(), "12345");
        assert_eq!(read("123456789012345678901234567890").unwrap(), "123456789012345678901234567890");
        for wrong in [r#""""#, r#"" ""#, "1.5", "1e3", "true", "null", "{}", "[]", r#""a\u0000b""#, r#""a\ufffdb""#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(OrderId::parse(&"x".repeat(201)), Err(IdError::TooLong));
        assert!(OrderId::parse("a\u{fffd}b").is_ok(), "as it was stored before such ones were refused");
    }

    #[test]
    fn a_payment_id_shows_the_order_where_it_can() {
        let id = |order, attempt| PaymentId::new(&OrderId::parse(order).unwrap(), attempt).0;
        assert_eq!(id("12345", 1), "12345-1");
        assert_eq!(id("A-12_b", 12), "A-12_b-12");
        assert_eq!(id("заказ 7", 2), format!("h{}-2", &hex::encode(Sha256::digest("заказ 7"))[..24]));
        assert_ne!(id("a/1", 1), id("a.1", 1));
    }

    proptest! {
        #[test]
        fn every_payment_id_fits_every_provider_and_reads_back(order in "\\PC{1,60}", attempt in 1_u32..9999) {
            prop_assume!(OrderId::parse(&order).is_ok());
            let id = PaymentId::new(&OrderId::parse(&order).unwrap(), attempt);
            prop_assert!(id.as_str().len() <= 32 && id.as_str().bytes().all(is_plain));
            prop_assert_eq!(PaymentId::parse(id.as_str()), Ok(id));
        }

        #[test]
        fn different_attempts_have_different_ids(a in "[A-Za-z0-9_-]{1,30}", b in "[A-Za-z0-9_-]{1,30}", m in 1_u32..200, n in 1_u32..200) {
            prop_assume!(a != b || m != n);
            prop_assert_ne!(PaymentId::new(&OrderId::parse(&a).unwrap(), m), PaymentId::new(&OrderId::parse(&b).unwrap(), n));
        }
    }
}
