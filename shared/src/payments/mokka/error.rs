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

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The customer's: this order cannot be paid like this by this customer.
    Customer,
    /// The shop's: what it told us, or when.
    Shop,
    /// The settings': they do not fit what Mokka has.
    Configuration,
    /// Ours: the request should never have been sent like this.
    Ours,
    Mokka,
}

/// The calls that change something at Mokka.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Registers an order, or registers it again.
    Checkout,
    /// Captures a hold.
    Finish,
    /// Lets a hold go.
    Cancel,
    /// Changes a hold.
    Change,
    /// Gives money back.
    Return,
}

impl Method {
    /// The name used in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Finish => "finish",
            Self::Cancel => "cancel",
            Self::Change => "change",
            Self::Return => "return",
        }
    }

    /// What a call that was answered with this code has come to: what is not surely refused may have been done (reference
    /// "Mokka", wire).
    #[must_use]
    pub fn outcome(self, code: Code) -> MokkaOutcome {
        match (self, code) {
            // As answers to a registration they make no sense, so nothing follows from them.
            (Self::Checkout, Code::OrderNotFound | Code::AmountDiffers) => MokkaOutcome::AskStatus,
            _ => code.outcome(),
        }
    }
}

/// What a call that did not succeed has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MokkaOutcome {
    /// Surely nothing was done.
    NothingDone,
    /// It may have been done, now or earlier: Status knows.
    AskStatus,
}

/// What follows from a code.
struct Row(Fault, MokkaOutcome, &'static str);

impl Code {
    /// Whose fault it is.
    #[must_use]
    pub fn fault(self) -> Fault {
        let Row(fault, ..) = self.row();
        fault
    }

    /// What the refused call has come to.
    #[must_use]
    pub fn outcome(self) -> MokkaOutcome {
        let Row(_, outcome, _) = self.row();
        outcome
    }

    /// What to do about it: a sentence for the log, the back office and OPERATIONS.md.
    #[must_use]
    pub fn advice(self) -> &'static str {
        let Row(.., advice) = self.row();
        advice
    }

    fn row(self) -> Row {
        use Fault::{Configuration, Customer, Mokka, Ours, Shop};
        use MokkaOutcome::{AskStatus, NothingDone};
        match self {
            Self::JsonDecode => Row(Ours, NothingDone, "Mokka could not read our JSON: report a defect of this software."),
            Self::OrderIdMissing => Row(Ours, NothingDone, "The order id was not sent: report a defect of this software."),
            Self::OrderIdFormat => {
                Row(Ours, NothingDone, "The order id is not of Mokka's format: report a defect of this software.")
            }
            // Before it is finalised an order may be registered again, so a final state was missed here.
            Self::OrderExists => Row(Ours, AskStatus, "The order is finalised at Mokka already: ask for its status."),
            // A Finish that is too late makes Mokka cancel the order.
            Self::OrderExpired => {
                Row(Shop, AskStatus, "The hold ran out before it was captured: ask for the status, capture sooner.")
            }
            Self::OrderNotFound => Row(
                Ours,
                NothingDone,
                "Mokka has no such order: it was never registered, or with another store; check MOKKA_STORE_ID and MOKKA_BASE_URL.",
            ),
            Self::AmountFormat => {
                Row(Ours, NothingDone, "The amount is not of Mokka's format: report a defect of this software.")
            }
            Self::PrepaymentFormat => {
                Row(Ours, NothingDone, "The prepayment is not of Mokka's format: report a defect of this software.")
            }
            Self::AmountDiffers => Row(
                Shop,
                NothingDone,
                "The amount is not the one the customer agreed to: compare it with Mokka's cabinet, change the order first.",
            ),
            Self::AmountOutsideTariff => Row(
                Customer,
                NothingDone,
                "The amount is outside the store's tariff: offer another way to pay, or adjust the limits of the payment method.",
            ),
            Self::TermWrong => {
                Row(Configuration, NothingDone, "The store's tariff has no such term: ask Mokka which terms it has.")
            }
            Self::PrepaymentWrong => {
                Row(Shop, NothingDone, "The prepayment exceeds the amount: check what the shop says of the order.")
            }
            Self::CallbackUrlMissing => {
                Row(Ours, NothingDone, "The callback URL was not sent: report a defect of this software.")
            }
            Self::RedirectUrlMissing => Row(Ours, NothingDone, "The return URL was not sent: report a defect of this software."),
            Self::StoreIdMissing => Row(Ours, NothingDone, "The store's number was not sent: report a defect of this software."),
            Self::StoreNotFound => Row(
                Configuration,
                NothingDone,
                "Mokka has no such store: check MOKKA_STORE_ID or MOKKA_LIMIT_STORE_ID, and MOKKA_BASE_URL.",
            ),
            Self::SignatureMissing => Row(Ours, NothingDone, "The signature was not sent: report a defect of this software."),
            Self::SignatureWrong => Row(
                Configuration,
                NothingDone,
                "The signature is wrong: check MOKKA_SECRET or MOKKA_LIMIT_SECRET, and MOKKA_SIGNATURE_ORDER.",
            ),
            Self::FileNotSaved => {
                Row(Mokka, AskStatus, "Mokka could not save the sales document: ask for the status, then capture again.")
            }
            Self::PhoneDiffers => Row(
                Customer,
                NothingDone,
                "The customer gave another phone than the order's: pay with the order's phone, or order again.",
            ),
            Self::LimitTooLow => {
                Row(Customer, NothingDone, "The customer's limit does not suffice: offer another way to pay, or a smaller order.")
            }
            Self::FinishImpossible => {
                Row(Ours, AskStatus, "The order is finished or canceled already: ask for its status instead of capturing.")
            }
            Self::CancelImpossible => Row(
                Ours,
                AskStatus,
                "The order is finished or canceled already: ask for its status; what is finished is refunded.",
            ),
            Self::ChangeImpossible => Row(
                Ours,
                AskStatus,
                "The order is finished or canceled already: ask for its status; a finished one is refunded in part instead.",
            ),
            Self::CartMissing => {
                Row(Ours, NothingDone, "A change needs the cart, which was not sent: report a defect of this software.")
            }
            Self::CannotProcess => Row(
                Mokka,
                AskStatus,
                "Mokka cannot process it now: ask for the status, try again later, then ask Mokka's support.",
            ),
            Self::TimeFormat => {
                Row(Ours, NothingDone, "The term of validity is not of Mokka's format: report a defect of this software.")
            }
            Self::Other(_) => Row(
                Mokka,
                AskStatus,
                "Mokka's document has no such code: ask for the status, and ask Mokka's support what it means.",
            ),
        }
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
    /// Mokka asks for fewer calls (HTTP 429). What answers so may stand before Mokka or behind it, so that nothing is known of the call.
    #[error("Mokka asks for fewer calls")]
    Throttled,
}

/// As much of Mokka's words as a log needs, in characters.
const MAX_MESSAGE: usize = 200;

impl Error {
    /// What the call has come to.
    #[must_use]
    pub fn outcome(&self) -> MokkaOutcome {
        match self {
            Self::Refused { code, .. } => code.outcome(),
            Self::NotSent(_) => MokkaOutcome::NothingDone,
            Self::Unavailable(_) | Self::Throttled => MokkaOutcome::AskStatus,
        }
    }

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

    /// The document's table without 0, with what follows from each row.
    const TABLE: [(i64, Fault, MokkaOutcome); 27] = {
        use Fault::{Configuration, Customer, Mokka, Ours, Shop};
        use MokkaOutcome::{AskStatus, NothingDone};
        [
            (10, Ours, NothingDone),
            (20, Ours, NothingDone),
            (21, Ours, NothingDone),
            (22, Ours, AskStatus),
            (23, Shop, AskStatus),
            (24, Ours, NothingDone),
            (30, Ours, NothingDone),
            (31, Ours, NothingDone),
            (32, Shop, NothingDone),
            (33, Customer, NothingDone),
            (34, Configuration, NothingDone),
            (35, Shop, NothingDone),
            (40, Ours, NothingDone),
            (41, Ours, NothingDone),
            (50, Ours, NothingDone),
            (51, Configuration, NothingDone),
            (60, Ours, NothingDone),
            (61, Configuration, NothingDone),
            (62, Mokka, AskStatus),
            (70, Customer, NothingDone),
            (71, Customer, NothingDone),
            (80, Ours, AskStatus),
            (81, Ours, AskStatus),
            (82, Ours, AskStatus),
            (90, Ours, NothingDone),
            (100, Mokka, AskStatus),
            (110, Ours, NothingDone),
        ]
    };

    #[test]
    fn every_documented_code_has_its_consequences_and_no_other() {
        let ours = Code::DOCUMENTED.map(|code| (code.number(), code.fault(), code.outcome()));
        assert_eq!(ours, TABLE);
        for (number, ..) in TABLE {
            assert_ne!(Code::from_number(number), Code::Other(number));
        }
    }

    #[test]
    fn every_number_reads_back_and_unknown_ones_are_kept() {
        for code in Code::DOCUMENTED {
            assert_eq!(Code::from_number(code.number()), code);
        }
        for number in [777, 0, -1, i64::MAX] {
            let unknown = Code::from_number(number);
            assert_eq!((unknown, unknown.number()), (Code::Other(number), number));
            assert_eq!((unknown.fault(), unknown.outcome()), (Fault::Mokka, MokkaOutcome::AskStatus));
        }
        assert_eq!(Code::Other(777).to_string(), "777");
    }

    #[test]
    fn advice_is_one_printable_line_and_names_only_our_own_defects() {
        for code in Code::DOCUMENTED.into_iter().chain([Code::Other(777)]) {
            let advice = code.advice();
            assert!(advice.ends_with('.') && (30..=130).contains(&advice.len()), "{code}: {advice}");
            assert!(!advice.contains("defect") || code.fault() == Fault::Ours, "{code}: {advice}");
            assert_eq!(advice.contains("status"), code.outcome() == MokkaOutcome::AskStatus, "{code}: {advice}");
        }
    }

    #[test]
    fn only_an_answer_that_is_missing_leaves_the_outcome_open() {
        assert_eq!(Error::NotSent("no route".to_owned()).outcome(), MokkaOutcome::NothingDone);
        assert_eq!(Error::Unavailable("time-out".to_owned()).outcome(), MokkaOutcome::AskStatus);
        assert_eq!(Error::refused(33, "").outcome(), MokkaOutcome::NothingDone);
        assert_eq!(Error::refused(777, "").outcome(), MokkaOutcome::AskStatus);
    }

    #[test]
    fn the_providers_words_are_kept_without_the_customers() {
        let kept = |message: &str| Error::refused(70, message).to_string();
        assert_eq!(kept("Phone number is different"), "Mokka refused with 70: Phone number is different");
        assert_eq!(kept("Phone 9268180621 (ivan@shop.example)\nis\tdifferent"), "Mokka refused with 70: Phone … … is different");
        assert_eq!(kept("+7(926)818-06-21"), "Mokka refused with 70: …");
        assert_eq!(kept(&"щ".repeat(5000)).chars().count(), "Mokka refused with 70: ".len() + MAX_MESSAGE);
    }
}
