//! What the stand-ins are told at start: keys, and how strict the providers' cabinets are set.

/// In which order Mokka concatenates the body and the secret (Mokka, "Принцип формирования цифровой подписи": the
/// document's code and its digests disagree).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureOrder {
    /// SHA-1 over the body, then the secret.
    BodySecret,
    /// SHA-1 over the secret, then the body.
    SecretBody,
}

/// Keys and settings of the stand-ins; `Default` has the documented demo values.
#[derive(Clone)]
pub struct Options {
    /// The one store that Mokka knows.
    pub mokka_store_id: u64,
    /// That store's secret.
    pub mokka_secret: String,
    /// The one order of the signature's input that Mokka accepts.
    pub mokka_signature: SignatureOrder,
    /// Smallest order amount of the tariff, in kopecks; below it Checkout answers 33.
    pub mokka_min_kopecks: u64,
    /// Largest order amount of the tariff, in kopecks; above it Checkout answers 33.
    pub mokka_max_kopecks: u64,
    /// Whether Checkout callbacks carry a `signature` query parameter over their raw body, as some deployments do.
    pub sign_callbacks: bool,
    /// The `X-API-KEY` that SMSPRO accepts.
    pub smspro_key: String,
    /// The bearer key that the shop accepts.
    pub shop_key: String,
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
            mokka_min_kopecks: 100_000,
            mokka_max_kopecks: 15_000_000,
            sign_callbacks: false,
            smspro_key: "smspro-demo-key".to_owned(),
            shop_key: "shop-demo-key".to_owned(),
            code_alphabet: "0123456789",
            code_length: 6,
            code_lifetime_s: 300,
        }
    }
}
