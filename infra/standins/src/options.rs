//! What the stand-ins are told at start: keys, and how strict the providers' cabinets are set.

use crate::yookassa::YookassaMethod;

/// In which order Mokka concatenates the body and the secret (Mokka, "Принцип формирования цифровой подписи": the
/// document's code and its digests disagree).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureOrder {
    /// SHA-1 over the body, then the secret.
    BodySecret,
    /// SHA-1 over the secret, then the body.
    SecretBody,
}

/// A store that Mokka knows (Mokka, "Параметры авторизации").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Its `store_id`.
    pub id: u64,
    /// The secret its requests are signed with.
    pub secret: String,
}

/// A term an order can be paid in: for which amounts, and at what price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tariff {
    /// Months.
    pub term: u32,
    /// Smallest amount, in kopecks.
    pub min_kopecks: u64,
    /// Largest amount, in kopecks.
    pub max_kopecks: u64,
    /// What each month costs beside the amount itself, in hundredths of a percent of the amount.
    pub monthly_overpayment_bp: u64,
}

/// Whether YooKassa takes what should have a receipt without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptRule {
    /// With a register, a payment without a receipt is refused, and so is a part of a capture or a refund without its own.
    Needed,
    /// The shop sends its receipts apart, or forgets them.
    Optional,
}

/// Keys and settings of the stand-ins; `Default` has the documented demo values.
#[derive(Clone)]
pub struct Options {
    /// The store that Mokka knows.
    pub mokka_store_id: u64,
    /// That store's secret.
    pub mokka_secret: String,
    /// The one order of the signature's input that Mokka accepts.
    pub mokka_signature: SignatureOrder,
    /// A store of its own for Registration and Limit; those two then know no other.
    pub mokka_limit_store: Option<Store>,
    /// The tariffs, the usual one first. An amount that fits none of them is 33 in Checkout.
    pub mokka_tariffs: Vec<Tariff>,
    /// Whether Mokka's callbacks carry a `signature` query parameter over their raw body, as some deployments do.
    pub sign_callbacks: bool,
    /// The shop that YooKassa knows.
    pub yookassa_shop_id: String,
    /// That shop's secret key.
    pub yookassa_key: String,
    /// How that shop can be paid, as `/me` shows it, in the order in which the page offers it.
    pub yookassa_methods: Vec<YookassaMethod>,
    /// Where YooKassa posts its notifications, if the shop has said it.
    pub yookassa_notification_url: Option<String>,
    /// The fiscal register that YooKassa makes the shop's receipts with, if it does. `yookassa`, `avanpost` and `yoo_receipt` are its own,
    /// which sends receipts by e-mail only and takes 80 lines of one; others, such as `atol`, take 100.
    pub yookassa_register: Option<String>,
    /// Whether money moves without its receipt where there is a register.
    pub yookassa_receipts: ReceiptRule,
    /// Whether Mokka and YooKassa refuse what real clients send beside the document (numbers for texts, nulls, phones, other fields),
    /// so that our own client's every slip shows. Otherwise it is taken, and the answer's note says so.
    pub exact_requests: bool,
    /// Whether calls are kept with all they said, or only counted, for tests that make very many.
    pub record_calls: bool,
    /// The `X-API-KEY` that SMSPRO accepts.
    pub smspro_key: String,
    /// The login that SMSPRO's XML API accepts.
    pub smspro_login: String,
    /// That login's password.
    pub smspro_password: String,
    /// The bearer key that the shop accepts.
    pub shop_key: String,
    /// The key that orders for the shop are signed with (Standard Webhooks 1.0), if they are.
    pub shop_orders_secret: String,
    /// The key that events for the shop are signed with.
    pub shop_events_secret: String,
    /// The key that forms for the shop are signed with.
    pub shop_forms_secret: String,
    /// What confirmation codes are made of. Letters make codes that no other number in a log can be mistaken for.
    pub code_alphabet: &'static str,
    /// Length of a confirmation code.
    pub code_length: usize,
    /// Lifetime of a confirmation code, in seconds.
    pub code_lifetime_s: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mokka_store_id: 72,
            mokka_secret: "mokka-demo-secret".to_owned(),
            mokka_signature: SignatureOrder::BodySecret,
            mokka_limit_store: None,
            mokka_tariffs: vec![
                Tariff { term: 3, min_kopecks: 100_000, max_kopecks: 10_000_000, monthly_overpayment_bp: 0 },
                Tariff { term: 6, min_kopecks: 300_000, max_kopecks: 15_000_000, monthly_overpayment_bp: 150 },
                Tariff { term: 12, min_kopecks: 500_000, max_kopecks: 15_000_000, monthly_overpayment_bp: 195 },
            ],
            sign_callbacks: false,
            yookassa_shop_id: "506751".to_owned(),
            yookassa_key: "test_demo_key".to_owned(),
            yookassa_methods: vec![
                YookassaMethod::BankCard,
                YookassaMethod::YooMoney,
                YookassaMethod::Sbp,
                YookassaMethod::SberPay,
            ],
            yookassa_notification_url: None,
            yookassa_register: None,
            yookassa_receipts: ReceiptRule::Needed,
            exact_requests: false,
            record_calls: true,
            smspro_key: "smspro-demo-key".to_owned(),
            smspro_login: "smspro-demo-login".to_owned(),
            smspro_password: "smspro-demo-password".to_owned(),
            shop_key: "shop-demo-key".to_owned(),
            shop_orders_secret: "whsec_b3JkZXJzLWRlbW8tc2lnbmluZy1rZXktb2YtdGhlLXNhbmRib3g=".to_owned(),
            shop_events_secret: "whsec_ZXZlbnRzLWRlbW8tc2lnbmluZy1rZXktb2YtdGhlLXNhbmRib3g=".to_owned(),
            shop_forms_secret: "whsec_Zm9ybXMtZGVtby1zaWduaW5nLWtleS1vZi10aGUtc2FuZGJveA==".to_owned(),
            code_alphabet: "0123456789",
            code_length: 6,
            code_lifetime_s: 300,
        }
    }
}
