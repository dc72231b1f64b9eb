//! Stores, their secrets, and what is signed with them (Mokka, "Авторизация").

use sha1::{Digest as _, Sha1};

use crate::options::{Options, SignatureOrder};

/// The store that a method knows, and how its requests are signed.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    store_id: u64,
    secret: &'a str,
    pub(super) order: SignatureOrder,
    /// See [`Options::exact_requests`].
    pub(super) exact: bool,
}

impl<'a> Key<'a> {
    /// The store of orders.
    pub(super) fn of_orders(options: &'a Options) -> Self {
        Self {
            store_id: options.mokka_store_id,
            secret: &options.mokka_secret,
            order: options.mokka_signature,
            exact: options.exact_requests,
        }
    }

    /// The store of Registration and Limit, where they have their own.
    pub(super) fn of_limits(options: &'a Options) -> Self {
        let orders = Self::of_orders(options);
        options.mokka_limit_store.as_ref().map_or(orders, |store| Self { store_id: store.id, secret: &store.secret, ..orders })
    }

    /// Whether a `store_id` means this store.
    pub(super) fn is_store(&self, store_id: &str) -> bool {
        store_id == self.store_id.to_string()
    }

    /// The signature over `body` in the configured order (Mokka, "Принцип формирования цифровой подписи").
    pub(super) fn signature(&self, body: &[u8]) -> String {
        let secret = self.secret.as_bytes();
        let (first, second) = match self.order {
            SignatureOrder::BodySecret => (body, secret),
            SignatureOrder::SecretBody => (secret, body),
        };
        hex::encode(Sha1::new().chain_update(first).chain_update(second).finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two digests of the document itself, one in each order.
    #[test]
    fn signs_as_the_document_does() {
        let key =
            Key { store_id: 72, secret: "9fff8c602b08b00323567be0001480f6", order: SignatureOrder::BodySecret, exact: true };
        let body = br#"{"order_id": "FACTPRECHR152632", "amount": "8300.00"}"#;
        assert_eq!(key.signature(body), "cbfb21630cd585f59c3a50fc3365d8c26b97cd4e");
        let key = Key { order: SignatureOrder::SecretBody, ..key };
        let body = br#"{"callback_url":"https://shop.ru/revo/decision","redirect_url":"https://shop.ru/revo/redirect","primary_phone":"9268180621","primary_email":"ivan@gmail.com","current_order":{"order_id":"R001233"}}"#;
        assert_eq!(key.signature(body), "347e8cff27d30b5200c8b32def4365ebbf4270d0");
    }
}
