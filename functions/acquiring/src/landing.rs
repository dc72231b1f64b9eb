//! Where the customer's browser ends, and the expressions by which the app recognises it.

use shared::gateway::Urls;
use shared::ids::PaymentId;
use url::Url;

/// The addresses of one payment.
pub(crate) struct Landing {
    base: String,
    payment: PaymentId,
}

impl Landing {
    /// The addresses of a payment below our own base address.
    pub(crate) fn new(base: &Url, payment: PaymentId) -> Self {
        Self { base: base.as_str().trim_end_matches('/').to_owned(), payment }
    }

    /// What the provider is told.
    pub(crate) fn urls(&self, token: &str) -> Urls {
        let Self { base, payment } = self;
        Urls {
            callback: format!("{base}/v1/mokka/callback/{payment}/{token}"),
            redirect: format!("{base}/v1/mokka/return/{payment}"),
        }
    }

    /// Matches the page that says "paid".
    pub(crate) fn success_regex(&self) -> String {
        self.regex("success")
    }

    /// Matches the page that says "not paid", and the app's own address for giving up.
    pub(crate) fn failure_regex(&self, return_url: Option<&str>) -> String {
        match return_url {
            Some(url) => format!("({}|{}{REST})", self.regex("failed"), escape(url)),
            None => self.regex("failed"),
        }
    }

    fn regex(&self, result: &str) -> String {
        format!("{}/v1/mokka/return/{}/{result}{REST}", escape(&self.base), escape(self.payment.as_str()))
    }
}

/// What may follow, so that a whole URL matches as well as a part of it.
const REST: &str = "([/?#].*)?";

/// A text as an expression for itself, in every dialect: no escapes but those that all know.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
