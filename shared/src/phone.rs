//! A customer's phone number, as international digits.

use std::fmt;

/// A phone number: 10 to 15 international digits without a plus (`996770123456`). Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

/// The text is not a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a phone number of 10 to 15 digits, like +996770123456")]
pub struct PhoneError;

impl Phone {
    /// Reads a number as people and forms write it: spaces, dots, dashes and brackets are dropped.
    /// Without a leading plus, Kyrgyz national forms (0 and 9 digits, or 9 digits) become `996…`,
    /// and Russian `8` with 10 digits becomes `7…` (reference "SMSPRO", phone).
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let text = text.trim();
        let (international, rest) = match text.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut digits = String::with_capacity(15);
        for character in rest.chars() {
            match character {
                '0'..='9' if digits.len() < 16 => digits.push(character),
                ' ' | '\u{a0}' | '\u{202f}' | '-' | '\u{2011}' | '\u{2013}' | '.' | '(' | ')' => {}
                _ => return Err(PhoneError),
            }
        }
        if !international {
            if digits.len() == 10 && digits.starts_with('0') {
                digits.replace_range(..1, "996");
            } else if digits.len() == 9 && !digits.starts_with('0') {
                digits.insert_str(0, "996");
            } else if digits.len() == 11 && digits.starts_with('8') {
                digits.replace_range(..1, "7");
            }
        }
        if (10..=15).contains(&digits.len()) && !digits.starts_with('0') { Ok(Self(digits)) } else { Err(PhoneError) }
    }

    /// International digits without a plus, what SMSPRO takes.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The ten digits that Mokka takes, or nothing for a number that has no such form (a `996…` one).
    #[must_use]
    pub fn mokka_digits(&self) -> Option<&str> {
        match self.0.len() {
            10 => Some(&self.0),
            11 => self.0.strip_prefix(['7', '8']),
            _ => None,
        }
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_shape_seen_becomes_international_digits() {
        for (text, digits) in [
            ("+7 (111) 111-1111", "71111111111"),
            ("79998887766", "79998887766"),
            ("8 (999) 888-77-66", "79998887766"),
            ("+7931 000 11 22", "79310001122"),
            ("996770123456", "996770123456"),
            ("+996 770 12-34-56", "996770123456"),
            ("0770123456", "996770123456"),
            ("770123456", "996770123456"),
            ("+86 138 0013 8000", "8613800138000"),
        ] {
            assert_eq!(Phone::parse(text).unwrap().digits(), digits, "{text}");
        }
    }

    #[test]
    fn what_is_no_phone_is_refused() {
        for text in [
            "",
            "+",
            "12345",
            "0123",
            "+0770123456",
            "phone",
            "7999888776x",
            "1234567890123456",
            "７９９９８８８７７６６",
            "7+9998887766",
        ] {
            assert_eq!(Phone::parse(text), Err(PhoneError), "{text}");
        }
    }

    #[test]
    fn mokka_takes_ten_digits_or_none() {
        let mokka = |text| Phone::parse(text).unwrap().mokka_digits().map(str::to_owned);
        assert_eq!(mokka("+7 926 818 06 21").as_deref(), Some("9268180621"));
        assert_eq!(mokka("89268180621").as_deref(), Some("9268180621"));
        assert_eq!(mokka("9268180621").as_deref(), Some("9268180621"));
        assert_eq!(mokka("+996770123456"), None);
        assert_eq!(mokka("+15551234567"), None);
    }

    #[test]
    fn debug_hides_the_number() {
        assert_eq!(format!("{:?}", Phone::parse("996770123456").unwrap()), "Phone(…)");
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent(text in "[+0-9 ()-]{0,20}") {
            if let Ok(phone) = Phone::parse(&text) {
                let again = Phone::parse(&format!("+{}", phone.digits())).unwrap();
                prop_assert_eq!(again, phone);
            }
        }
    }
}
