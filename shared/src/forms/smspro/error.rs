//! How a call to SMSPRO can fail.

use std::fmt;

/// The document's table of codes (section 4, "Коды ошибок"; 9 comes from the XML API), and anything else as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// 1: the request has a wrong format.
    BadFormat,
    /// 2: the key is wrong.
    BadKey,
    /// 3: called from an address that is not allowed in the cabinet.
    BadAddress,
    /// 4: no money on the account.
    NoMoney,
    /// 5: sender or text are not set in the cabinet.
    SenderNotSet,
    /// 7: the customer's phone is wrong.
    PhoneWrong,
    /// 9: busy; the same transaction id may be sent again after 5 to 10 seconds.
    TryLater,
    /// 10: this transaction id was sent before; nothing was sent now.
    Duplicate,
    /// 12: no such token.
    TokenUnknown,
    /// 13: the code's lifetime is over.
    Expired,
    /// 14: the code is wrong.
    WrongCode,
    /// A code that the document does not know.
    Other(i64),
}

impl Code {
    /// Every code of the document but 0, which is no failure.
    pub const DOCUMENTED: [Self; 11] = [
        Self::BadFormat,
        Self::BadKey,
        Self::BadAddress,
        Self::NoMoney,
        Self::SenderNotSet,
        Self::PhoneWrong,
        Self::TryLater,
        Self::Duplicate,
        Self::TokenUnknown,
        Self::Expired,
        Self::WrongCode,
    ];

    /// The code on the wire.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::BadFormat => 1,
            Self::BadKey => 2,
            Self::BadAddress => 3,
            Self::NoMoney => 4,
            Self::SenderNotSet => 5,
            Self::PhoneWrong => 7,
            Self::TryLater => 9,
            Self::Duplicate => 10,
            Self::TokenUnknown => 12,
            Self::Expired => 13,
            Self::WrongCode => 14,
            Self::Other(number) => number,
        }
    }

    /// Whether it is about this customer's phone or code; anything else is SMSPRO's trouble or the settings'.
    #[must_use]
    pub fn is_customers(self) -> bool {
        match self {
            Self::PhoneWrong | Self::Duplicate | Self::TokenUnknown | Self::Expired | Self::WrongCode => true,
            Self::BadFormat
            | Self::BadKey
            | Self::BadAddress
            | Self::NoMoney
            | Self::SenderNotSet
            | Self::TryLater
            | Self::Other(_) => false,
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

/// How a call can fail. SMSPRO's own words are not kept: they say no more than the code, and might quote the customer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SMSPRO read the request and refused it. Permanent for this request, but for 9.
    #[error("SMSPRO refused with {0}")]
    Refused(Code),
    /// The request never reached SMSPRO: nothing was sent or checked. Temporary.
    #[error("SMSPRO was not reached: {0}")]
    NotSent(String),
    /// No usable answer: time-out, reset, HTML, truncated JSON. An SMS may have been sent. Temporary.
    #[error("SMSPRO is unavailable: {0}")]
    Unavailable(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_reads_back_and_unknown_ones_are_kept() {
        for code in Code::DOCUMENTED {
            assert_eq!(Code::from_number(code.number()), code);
            assert_ne!(code, Code::Other(code.number()));
        }
        assert_eq!(Code::from_number(777), Code::Other(777));
        assert_eq!(Code::Other(777).to_string(), "777");
    }
}
