//! Mokka's signature: lower-hex SHA-1 over the raw UTF-8 bytes of the JSON body as sent, and the secret key.
//!
//! The document's code puts the secret first, its prose last, and its own digests disagree (reference "Mokka", signature),
//! so both orders are known and the right one is found out.

use std::sync::atomic::{AtomicBool, Ordering};

use sha1::{Digest, Sha1};

use crate::platform::secret::{Secret, same};

/// Where the secret goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// After the body: what every known client does.
    BodySecret,
    /// Before the body.
    SecretBody,
}

impl Order {
    /// The other order.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::BodySecret => Self::SecretBody,
            Self::SecretBody => Self::BodySecret,
        }
    }
}

/// The setting `MOKKA_SIGNATURE_ORDER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderSetting {
    /// This order, always.
    Fixed(Order),
    /// Body first; if Mokka says that the signature is wrong, the other order, once, and what worked from then on.
    Auto,
}

impl OrderSetting {
    /// Reads `auto`, `body_secret` or `secret_body`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "auto" => Ok(Self::Auto),
            "body_secret" => Ok(Self::Fixed(Order::BodySecret)),
            "secret_body" => Ok(Self::Fixed(Order::SecretBody)),
            _ => Err("must be auto, body_secret or secret_body"),
        }
    }
}

/// Signs and verifies bodies, and remembers for the process which order Mokka accepts.
#[derive(Debug)]
pub struct Signer {
    secret: Secret,
    setting: OrderSetting,
    secret_first: AtomicBool,
}

impl Signer {
    /// A signer with the store's secret.
    #[must_use]
    pub fn new(secret: Secret, setting: OrderSetting) -> Self {
        let secret_first = setting == OrderSetting::Fixed(Order::SecretBody);
        Self { secret, setting, secret_first: AtomicBool::new(secret_first) }
    }

    /// The order to sign with now.
    #[must_use]
    pub fn order(&self) -> Order {
        if self.secret_first.load(Ordering::Relaxed) { Order::SecretBody } else { Order::BodySecret }
    }

    /// The order to try after `refused` was called wrong; none if the order is fixed.
    #[must_use]
    pub fn alternative(&self, refused: Order) -> Option<Order> {
        (self.setting == OrderSetting::Auto).then(|| refused.other())
    }

    /// Remembers the order that Mokka accepted.
    pub fn remember(&self, order: Order) {
        self.secret_first.store(order == Order::SecretBody, Ordering::Relaxed);
    }

    /// The signature of a body.
    #[must_use]
    pub fn sign(&self, body: &[u8], order: Order) -> String {
        let secret = self.secret.expose().as_bytes();
        let (first, second) = match order {
            Order::BodySecret => (body, secret),
            Order::SecretBody => (secret, body),
        };
        hex::encode(Sha1::new().chain_update(first).chain_update(second).finalize())
    }

    /// Whether `signature` is right for `body`: in the fixed order, or in either order in `auto`. Hexadecimal digits of either case.
    /// Constant time.
    #[must_use]
    pub fn verify(&self, body: &[u8], signature: &str) -> bool {
        let signature = signature.to_ascii_lowercase();
        let right = |order| same(self.sign(body, order).as_bytes(), signature.as_bytes());
        match self.setting {
            OrderSetting::Fixed(order) => right(order),
            OrderSetting::Auto => right(Order::BodySecret) | right(Order::SecretBody),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACED: &str = r#"{"order_id": "FACTPRECHR152632", "amount": "8300.00"}"#;
    const REGISTRATION: &str = r#"{"callback_url":"https://shop.ru/revo/decision","redirect_url":"https://shop.ru/revo/redirect","primary_phone":"9268180621","primary_email":"ivan@gmail.com","current_order":{"order_id":"R001233"}}"#;
    const FINISH: &str = r#"{"order_id":"FACTPRECHR00005384","amount":4999.0,"check_number":"sdfhk"}"#;
    const LIMIT: &str = r#"{"client":{"mobile_phone":"9031234567"}}"#;
    const KEY: &str = "9fff8c602b08b00323567be0001480f6";

    fn signer(secret: &str, setting: OrderSetting) -> Signer {
        Signer::new(Secret::parse(secret).unwrap(), setting)
    }

    #[test]
    fn the_five_known_digests() {
        for (body, secret, order, digest) in [
            (SPACED, KEY, Order::BodySecret, "cbfb21630cd585f59c3a50fc3365d8c26b97cd4e"),
            (REGISTRATION, KEY, Order::SecretBody, "347e8cff27d30b5200c8b32def4365ebbf4270d0"),
            (FINISH, KEY, Order::BodySecret, "70189f8a4f413fcb01c8933cae50f4341fe8fdee"),
            (SPACED, "e662c46b5bef24a96c3128e25f43beaa05e3bd13", Order::BodySecret, "36d0433a9e0f063748f88e903c74f2b65443ac3d"),
            (LIMIT, "secret", Order::BodySecret, "f184c3de30ca2772b13b804a69db58fb3a5da588"),
        ] {
            assert_eq!(signer(secret, OrderSetting::Auto).sign(body.as_bytes(), order), digest, "{body}");
        }
    }

    #[test]
    fn auto_verifies_either_order_and_a_fixed_order_only_its_own() {
        let body = LIMIT.as_bytes();
        let first = signer(KEY, OrderSetting::Auto).sign(body, Order::BodySecret);
        let second = signer(KEY, OrderSetting::Auto).sign(body, Order::SecretBody);
        let auto = signer(KEY, OrderSetting::Auto);
        assert!(auto.verify(body, &first) && auto.verify(body, &second));
        let fixed = signer(KEY, OrderSetting::Fixed(Order::SecretBody));
        assert!(!fixed.verify(body, &first) && fixed.verify(body, &second));
    }

    #[test]
    fn malformed_signature_is_refused_and_either_case_accepted() {
        let auto = signer(KEY, OrderSetting::Auto);
        let right = auto.sign(LIMIT.as_bytes(), Order::BodySecret);
        let changed = format!("{LIMIT} ");
        assert!(!auto.verify(changed.as_bytes(), &right));
        assert!(auto.verify(LIMIT.as_bytes(), &right.to_uppercase()));
        for wrong in ["", &right[..39], &format!("{right}0"), &"0".repeat(40)] {
            assert!(!auto.verify(LIMIT.as_bytes(), wrong), "{wrong}");
        }
    }

    #[test]
    fn the_order_that_worked_is_remembered() {
        let auto = signer(KEY, OrderSetting::Auto);
        assert_eq!(auto.order(), Order::BodySecret);
        auto.remember(Order::SecretBody);
        assert_eq!(auto.order(), Order::SecretBody);
        assert_eq!(signer(KEY, OrderSetting::Fixed(Order::BodySecret)).alternative(Order::BodySecret), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_signed_verifies(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), secret in "[!-~]{1,40}") {
            let auto = signer(&secret, OrderSetting::Auto);
            for order in [Order::BodySecret, Order::SecretBody] {
                proptest::prop_assert!(auto.verify(&body, &auto.sign(&body, order)));
            }
        }
    }
}
