//! The cards of a test shop, and what becomes of a payment by each.

use serde_json::{Value, json};

/// The reason where nothing says another.
pub(super) const GENERAL: &str = "general_decline";
/// The customer did not pass the bank's check.
pub(super) const FAILED_3DS: &str = "3d_secure_failed";

const PAYING: [&str; 3] = ["5555555555554444", "4111111111111111", "2202474301322987"];
const WITH_3DS: [&str; 2] = ["5555555555554477", "2200000000000004"];
const DECLINED: [(&str, &str); 12] = [
    ("5555555555554592", FAILED_3DS),
    ("5555555555554535", "call_issuer"),
    ("5555555555554543", "card_expired"),
    ("5555555555554568", "fraud_suspected"),
    ("5555555555554527", GENERAL),
    ("5555555555554600", "insufficient_funds"),
    ("5555555555554618", "invalid_card_number"),
    ("5555555555554626", "invalid_csc"),
    ("5555555555554501", "issuer_unavailable"),
    ("5555555555554576", "payment_method_limit_exceeded"),
    ("5555555555554550", "payment_method_restricted"),
    ("5555555555554584", "country_forbidden"),
];

/// What the bank makes of a payment by a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CardOutcome {
    Pays,
    Asks3ds,
    Declines(&'static str),
}

/// Every test card, for the page that lists them.
pub(super) fn all() -> impl Iterator<Item = (&'static str, CardOutcome)> {
    let paying = PAYING.into_iter().map(|number| (number, CardOutcome::Pays));
    let asking = WITH_3DS.into_iter().map(|number| (number, CardOutcome::Asks3ds));
    paying.chain(asking).chain(DECLINED.into_iter().map(|(number, reason)| (number, CardOutcome::Declines(reason))))
}

/// A card as the payment shows it.
#[derive(Clone, Debug)]
pub(super) struct Card {
    first6: String,
    last4: String,
    month: String,
    year: String,
}

impl Card {
    /// `number` and `month` of two and `year` of four digits are checked by the page.
    pub(super) fn new(number: &str, month: &str, year: &str) -> Option<Self> {
        let (first6, last4) = (number.get(..6)?, number.get(number.len().checked_sub(4)?..)?);
        Some(Self { first6: first6.to_owned(), last4: last4.to_owned(), month: month.to_owned(), year: year.to_owned() })
    }

    /// The card that a payment is decided with where no customer names one.
    pub(super) fn usual() -> Self {
        let part = |text: &str| text.to_owned();
        Self { first6: part("555555"), last4: part("4444"), month: part("12"), year: part("2030") }
    }

    pub(super) fn title(&self) -> String {
        format!("Bank card *{}", self.last4)
    }

    pub(super) fn shown(&self) -> Value {
        let kind = match self.first6.as_bytes().first() {
            Some(b'2') => "Mir",
            Some(b'4') => "Visa",
            _ => "MasterCard",
        };
        json!({
            "first6": self.first6,
            "last4": self.last4,
            "expiry_month": self.month,
            "expiry_year": self.year,
            "card_type": kind,
            "issuer_country": "RU",
        })
    }
}

/// Who canceled a payment, by the reason.
pub(super) fn party(reason: &str) -> &'static str {
    match reason {
        "canceled_by_merchant" => "merchant",
        "country_forbidden"
        | "deal_expired"
        | "expired_on_capture"
        | "expired_on_confirmation"
        | "fraud_suspected"
        | "identification_required"
        | "internal_timeout"
        | "rejected_by_timeout" => "yoo_money",
        _ => "payment_network",
    }
}
