//! A customer's phone number, as international digits.

use std::fmt;

/// A phone number: 10 to 15 international digits without a plus (`996770123456`). Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

/// Which numbers of a country are mobile: its code, all digits of a number, and the beginnings after the code.
struct Plan {
    country: &'static str,
    length: usize,
    mobile: &'static [&'static str],
}

/// The numbering plans that codes are mostly sent under, as libphonenumber 9.0.33 has them (the types `mobile` of KG, RU and
/// KZ; the last two share a code). A new mobile range is a word here.
const PLANS: [Plan; 2] = [
    Plan {
        country: "996",
        length: 12,
        mobile: &[
            "20", "22", "50", "51", "52", "54", "55", "56", "57", "600", "70", "755", "77", "880", "888", "912", "990", "995",
            "996", "997", "998", "999",
        ],
    },
    Plan {
        country: "7",
        length: 11,
        mobile: &[
            "9", "700", "701", "702", "705", "706", "707", "708", "747", "760", "761", "762", "763", "764", "771", "775", "776",
            "777", "778", "785",
        ],
    },
];

/// Whom the ranges of mobile numbers were given to: the beginning of the international number, and the operator as customers
/// know it (Kyrgyzstan: the carriers of libphonenumber 9.0.33). A number may have moved to another operator since.
const OPERATORS: [(&str, &str); 16] = [
    ("99620", "aktel"),
    ("99622", "beeline"),
    ("99650", "o"),
    ("99651", "katel"),
    ("99654", "aktel"),
    ("99655", "megacom"),
    ("99656", "winline"),
    ("99657", "sotel"),
    ("996600", "beeline"),
    ("99670", "o"),
    ("99675", "megacom"),
    ("99677", "beeline"),
    ("99688", "megacom"),
    ("99691", "smart-connect"),
    ("99699", "megacom"),
    ("996", "other-kg"),
];

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

    /// Whether the country's numbering plan has it as a mobile number; nothing if that plan is not known here.
    #[must_use]
    pub fn is_mobile(&self) -> Option<bool> {
        let plan = PLANS.iter().find(|plan| self.0.starts_with(plan.country))?;
        let national = &self.0[plan.country.len()..];
        Some(self.0.len() == plan.length && plan.mobile.iter().any(|range| national.starts_with(range)))
    }

    /// Its first digits: the range of numbers that it is bought with.
    #[must_use]
    pub fn prefix(&self, digits: usize) -> &str {
        self.0.get(..digits).unwrap_or(&self.0)
    }

    /// The operator whose range it is, or its country where operators are not told apart: `beeline`, `other-kg`, `kz`, `ru`,
    /// `other`. One of a few, whatever the number.
    #[must_use]
    pub fn operator(&self) -> &'static str {
        let found = OPERATORS.iter().find(|(range, _)| self.0.starts_with(range));
        match found {
            Some((_, operator)) => operator,
            None if self.0.starts_with("76") || self.0.starts_with("77") => "kz",
            None if self.0.starts_with('7') => "ru",
            None => "other",
        }
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
    fn the_numbering_plan_tells_mobiles_from_landlines() {
        for (mobile, texts) in [
            (Some(true), ["+996 770 123456", "+996 555 123456", "+996 990 123456", "0700 123456"]),
            (Some(false), ["+996 312 123456", "+996 3222 12345", "+996 800 123456", "+996 77012345"]),
            (Some(true), ["+7 999 888-77-66", "8 (900) 000-00-00", "+7 701 123 45 67", "+7 777 123 45 67"]),
            (Some(false), ["+7 495 123-45-67", "8 800 555-35-35", "+7 727 250 00 00", "+7 99988877665"]),
            (None, ["+86 138 0013 8000", "+1 555 123 4567", "+49 30 1234567", "+44 20 7946 0958"]),
        ] {
            for text in texts {
                assert_eq!(Phone::parse(text).unwrap().is_mobile(), mobile, "{text}");
            }
        }
    }

    #[test]
    fn a_prefix_is_the_first_digits_or_all_there_are() {
        let phone = Phone::parse("+996 770 123456").unwrap();
        assert_eq!((phone.prefix(7), phone.prefix(20)), ("9967701", "996770123456"));
    }

    #[test]
    fn a_number_has_its_ranges_operator_or_its_country() {
        for (text, operator) in [
            ("0770 123456", "beeline"),
            ("0222 123456", "beeline"),
            ("0555 123456", "megacom"),
            ("0997 123456", "megacom"),
            ("0700 123456", "o"),
            ("0507 123456", "o"),
            ("0312 123456", "other-kg"),
            ("+7 701 123 45 67", "kz"),
            ("+7 999 888-77-66", "ru"),
            ("+86 138 0013 8000", "other"),
        ] {
            assert_eq!(Phone::parse(text).unwrap().operator(), operator, "{text}");
        }
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
