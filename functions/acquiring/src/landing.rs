//! Where the customer's browser ends, and the expressions by which the app recognises it.

use shared::payments::gateway::Urls;
use shared::payments::payment::Payment;
use url::Url;

/// The addresses of one payment.
pub(crate) struct Landing {
    callback: String,
    page: String,
}

impl Landing {
    /// The addresses of a payment below our own base address.
    pub(crate) fn new(base: &Url, payment: &Payment) -> Self {
        let base = base.as_str().trim_end_matches('/');
        let id = &payment.id;
        let page = match &payment.return_token {
            Some(token) => format!("{base}/v1/return/{id}/{token}"),
            // The provider knows this page from the release that opened the attempt.
            None => format!("{base}/v1/mokka/return/{id}"),
        };
        Self { callback: format!("{base}/v1/mokka/callback/{id}"), page }
    }

    /// What the provider is told.
    pub(crate) fn urls(&self, token: &str) -> Urls {
        Urls { callback: format!("{}/{token}", self.callback), redirect: self.page.clone() }
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
        format!("{}/{result}{REST}", escape(&self.page))
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
