//! How a call to Mokka can fail.

use std::fmt;

/// The document's error table ("Коды ошибок"), and anything else kept as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// 10: the request is not JSON.
    JsonDecode,
    /// 20: no `order_id`.
    OrderIdMissing,
    /// 21: `order_id` has a wrong format.
    OrderIdFormat,
    /// 22: the order exists and is finalised.
    OrderExists,
    /// 23: the hold has expired.
    OrderExpired,
    /// 24: no such order.
    OrderNotFound,
    /// 30: `amount` has a wrong format.
    AmountFormat,
    /// 31: `prepayment_amount` has a wrong format.
    PrepaymentFormat,
    /// 32: the amount is not the order's; nothing was finalised.
    AmountDiffers,
    /// 33: the amount is outside the tariff; nothing was created.
    AmountOutsideTariff,
    /// 34: no tariff with this term.
    TermWrong,
    /// 35: the prepayment exceeds the amount.
    PrepaymentWrong,
    /// 40: no `callback_url`.
    CallbackUrlMissing,
    /// 41: no `redirect_url`.
    RedirectUrlMissing,
    /// 50: no `store_id`.
    StoreIdMissing,
    /// 51: no such store.
    StoreNotFound,
    /// 60: no signature.
    SignatureMissing,
    /// 61: the signature is wrong; nothing was done.
    SignatureWrong,
    /// 62: the file could not be saved.
    FileNotSaved,
    /// 70: another phone than the order's.
    PhoneDiffers,
    /// 71: the customer's limit does not suffice.
    LimitTooLow,
    /// 80: cannot finish, already finished or canceled.
    FinishImpossible,
    /// 81: cannot cancel, already finished or canceled.
    CancelImpossible,
    /// 82: cannot change, already finished or canceled.
    ChangeImpossible,
    /// 90: no cart items.
    CartMissing,
    /// 100: everything else.
    CannotProcess,
    /// 110: `valid_till` has a wrong format.
    TimeFormat,
    /// A code that the document does not know.
    Other(i64),
}

impl Code {
    /// Every code of the document.
    pub const DOCUMENTED: [Self; 27] = [
        Self::JsonDecode,
        Self::OrderIdMissing,
        Self::OrderIdFormat,
        Self::OrderExists,
        Self::OrderExpired,
        Self::OrderNotFound,
        Self::AmountFormat,
        Self::PrepaymentFormat,
        Self::AmountDiffers,
        Self::AmountOutsideTariff,
        Self::TermWrong,
        Self::PrepaymentWrong,
        Self::CallbackUrlMissing,
        Self::RedirectUrlMissing,
        Self::StoreIdMissing,
        Self::StoreNotFound,
        Self::SignatureMissing,
        Self::SignatureWrong,
        Self::FileNotSaved,
        Self::PhoneDiffers,
        Self::LimitTooLow,
        Self::FinishImpossible,
        Self::CancelImpossible,
        Self::ChangeImpossible,
        Self::CartMissing,
        Self::CannotProcess,
        Self::TimeFormat,
    ];

    /// The code on the wire.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::JsonDecode => 10,
            Self::OrderIdMissing => 20,
            Self::OrderIdFormat => 21,
            Self::OrderExists => 22,
            Self::OrderExpired => 23,
            Self::OrderNotFound => 24,
            Self::AmountFormat => 30,
            Self::PrepaymentFormat => 31,
            Self::AmountDiffers => 32,
            Self::AmountOutsideTariff => 33,
            Self::TermWrong => 34,
            Self::PrepaymentWrong => 35,
            Self::CallbackUrlMissing => 40,
            Self::RedirectUrlMissing => 41,
            Self::StoreIdMissing => 50,
            Self::StoreNotFound => 51,
            Self::SignatureMissing => 60,
            Self::SignatureWrong => 61,
            Self::FileNotSaved => 62,
            Self::PhoneDiffers => 70,
            Self::LimitTooLow => 71,
            Self::FinishImpossible => 80,
            Self::CancelImpossible => 81,
            Self::ChangeImpossible => 82,
            Self::CartMissing => 90,
            Self::CannotProcess => 100,
            Self::TimeFormat => 110,
            Self::Other(number) => number,
        }
    }

    /// The code of that number.
    #[must_use]
    pub fn from_number(number: i64) -> Self {
        Self::DOCUMENTED.into_iter().find(|code| code.number() == number).unwrap_or(Self::Other(number))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

/// How a call can fail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Mokka read the request and refused it with a code of its table.
    #[error("Mokka refused with {code}: {message}")]
    Refused {
        /// The code.
        code: Code,
        /// Mokka's words, for the log.
        message: String,
    },
    /// The request never reached Mokka: nothing was done.
    #[error("Mokka was not reached: {0}")]
    NotSent(String),
    /// No usable answer: time-out, reset, 3xx, 4xx, 5xx, HTML, truncated JSON. A call that changes something may have been done.
    #[error("Mokka is unavailable: {0}")]
    Unavailable(String),
}

/// As much of Mokka's words as a log needs, in characters.
const MAX_MESSAGE: usize = 200;

impl Error {
    /// A refusal with that status and those words, in which nothing is left that could be a phone or an e-mail.
    pub(super) fn refused(status: i64, message: &str) -> Self {
        Self::Refused { code: Code::from_number(status), message: masked(message) }
    }
}

/// One line of at most [`MAX_MESSAGE`] characters, each word with `@` or seven digits masked.
fn masked(message: &str) -> String {
    let personal = |word: &str| word.contains('@') || word.chars().filter(char::is_ascii_digit).count() >= 7;
    let words: Vec<&str> = message.split_whitespace().map(|word| if personal(word) { "…" } else { word }).collect();
    words.join(" ").chars().take(MAX_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_reads_back_and_unknown_ones_are_kept() {
        for code in Code::DOCUMENTED {
            assert_eq!(Code::from_number(code.number()), code);
        }
        assert_eq!(Code::from_number(777), Code::Other(777));
        assert_eq!(Code::Other(777).to_string(), "777");
    }
}
