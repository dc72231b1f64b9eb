//! A customer's phone number, as international digits.

use std::fmt;

use crate::platform::plain::plain;

/// What people put between the digits of a number, and around it.
const BETWEEN: [char; 21] =
    [' ', '-', '.', '(', ')', '[', ']', '{', '}', '<', '>', '~', '·', '•', '\'', '"', '`', '«', '»', '“', '”'];
/// How many digits are read: the longest number behind the longest way to dial out of a country.
const MOST_WRITTEN: usize = 18;

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
    /// Reads a number as people, forms and phone books write it: `tel:` and what comes behind it after a semicolon, marks that
    /// invisible characters, spaces, dots, dashes, brackets and quotation marks are dropped, digits are digits in any script. `00` and the Russian `8 10`
    /// are a plus. Without one, Kyrgyz national forms (0 and 9 digits, or 9 digits) become `996…`, and Russian ones (8 and 10 digits,
    /// or 10 digits that begin with 9) `7…` (reference "SMSPRO", phone). A national 0 or 8 behind the country's code is dropped.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let text = plain(text);
        let scheme = text.split_at_checked("tel:".len()).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("tel:"));
        let text = scheme.map_or(text.as_str(), |(_, number)| number.split(';').next().unwrap_or(number));
        let text = text.trim_start_matches(BETWEEN);
        let (has_plus, rest) = match text.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut digits = String::with_capacity(MOST_WRITTEN);
        for character in rest.chars() {
            match character {
                '0'..='9' if digits.len() < MOST_WRITTEN => digits.push(character),
                _ if BETWEEN.contains(&character) => {}
                _ => return Err(PhoneError),
            }
        }
        let exit_code = match digits.as_str() {
            _ if has_plus => "",
            digits if digits.starts_with("00") => "00",
            // From Russia abroad; no national number is that long.
            digits if digits.starts_with("810") && digits.len() >= 14 => "810",
            _ => "",
        };
        let is_international = has_plus || !exit_code.is_empty();
        digits.replace_range(..exit_code.len(), "");
        match (digits.len(), digits.as_bytes()) {
            (10, [b'0', ..]) if !is_international => digits.replace_range(..1, "996"),
            (9, [b'1'..=b'9', ..]) if !is_international => digits.insert_str(0, "996"),
            (10, [b'9', ..]) if !is_international => digits.insert(0, '7'),
            (11, [b'8', ..]) if !is_international => digits.replace_range(..1, "7"),
            // No country has a code that begins with 89.
            (11, [b'8', b'9', ..]) => digits.replace_range(..1, "7"),
            (12, [b'7', b'8', ..]) => digits.replace_range(1..2, ""),
            (13, [b'9', b'9', b'6', b'0', ..]) => digits.replace_range(3..4, ""),
            _ if is_international && rest.contains("(0)") => {
                // The first zero in brackets is not dialled from abroad: +44 (0)20.
                let before = rest.split("(0)").next().unwrap_or_default();
                let place = before.bytes().filter(u8::is_ascii_digit).count().saturating_sub(exit_code.len());
                if digits.get(place..=place) == Some("0") {
                    digits.replace_range(place..=place, "");
                }
            }
            _ => {}
        }
        if (10..=15).contains(&digits.len()) && !digits.starts_with('0') { Ok(Self(digits)) } else { Err(PhoneError) }
    }

    /// The first number that can be read in a field in which people write what they like: several of them, words around them.
    #[must_use]
    pub fn first_in(text: &str) -> Option<Self> {
        let whole = Self::parse(text).ok();
        let between =
            |character: char| matches!(character, ',' | ';' | '/' | '|' | '\n' | '\r' | ':') || character.is_alphabetic();
        // A plus begins the next number.
        let in_piece = |piece: &str| {
            let parts = piece.split(['+', '\u{ff0b}']).enumerate();
            parts.map(|(index, part)| if index == 0 { part.to_owned() } else { format!("+{part}") }).find_map(|part| {
                let part = part.trim_matches(['.', ' ']);
                Self::parse(part).ok()
            })
        };
        whole.or_else(|| text.split(between).find_map(in_piece))
    }

    /// What earlier releases took the same number for if it was written without +7.
    #[must_use]
    pub fn earlier_digits(&self) -> Option<&str> {
        self.0.strip_prefix('7').filter(|national| national.len() == 10 && national.starts_with('9'))
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
    fn a_pasted_number_is_the_number() {
        for (text, digits) in [
            ("\u{202a}+996 770 00 11 02\u{202c}", "996770001102"),
            ("\u{2068}+996770001104\u{2069}", "996770001104"),
            ("+996\u{fe0f}770\u{200b}00\u{ad}11\u{2060}08", "996770001108"),
            ("\u{feff}+996\u{2009}770\u{202f}00\u{a0}11\u{3000}10", "996770001110"),
            ("+996 770\u{2012}00\u{2013}11\u{2212}12", "996770001112"),
            ("+996\t770\n001113", "996770001113"),
            ("tel:+996770001116", "996770001116"),
            ("TEL:+7-926-818-06-42;ext=12;phone-context=x", "79268180642"),
            ("00996770001119", "996770001119"),
            ("00 7 926 818-06-42", "79268180642"),
            ("8 10 996 770 00 11 19", "996770001119"),
            (
                "\u{ff0b}\u{ff19}\u{ff19}\u{ff16}\u{ff08}\u{ff17}\u{ff17}\u{ff10}\u{ff09}\u{ff10}\u{ff10}\u{ff11}\u{ff11}\u{ff11}\u{ff17}",
                "996770001117",
            ),
            ("\u{660}\u{667}\u{667}\u{660}\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}", "996770123456"),
            ("8 (926) 818-06-42", "79268180642"),
            ("+8 (926) 818-06-42", "79268180642"),
            ("+7 8 (926) 818-06-42", "79268180642"),
            ("926 818 06 42", "79268180642"),
            ("(+996) 770 00 11 19", "996770001119"),
            ("+996 (0) 770 00 11 19", "996770001119"),
            ("+44 (0)20 7946 0958", "442079460958"),
            ("00 44 (0)20 7946 0958", "442079460958"),
            ("\u{2800}+996\u{2800}770 00 11 20", "996770001120"),
            ("[+996] 770 00 11 21", "996770001121"),
            ("<+996 770 00 11 22>", "996770001122"),
            ("'+996770001123", "996770001123"),
            ("\u{ab}0770 00 11 24\u{bb}", "996770001124"),
            ("+996·770·001125", "996770001125"),
            ("+996~770~001126", "996770001126"),
            ("\u{201c}8 926 818 06 42\u{201d}", "79268180642"),
        ] {
            let read = Phone::parse(text).map_or_else(|_| String::new(), |phone| phone.digits().to_owned());
            assert_eq!(read, digits, "{text:?}");
        }
    }

    #[test]
    fn a_number_is_found_among_what_people_write_around_it() {
        for (text, digits) in [
            ("0770 123456, 0555 654321", "996770123456"),
            ("0770123456/0555654321", "996770123456"),
            ("+996 770 123456 +996 555 654321", "996770123456"),
            ("тел. 8 (926) 818-06-42 (вечером)", "79268180642"),
            ("Айгуль: +996 770 12-34-56", "996770123456"),
            ("+7 495 123-45-67 доб. 12", "74951234567"),
            ("0770 123456 или 0555 654321", "996770123456"),
            ("нет; 0555 654321", "996555654321"),
            ("WhatsApp +996770123456", "996770123456"),
            ("дом\n0770123456", "996770123456"),
            ("потом", ""),
            ("+996 312 +996 770 123456", "996770123456"),
            ("", ""),
        ] {
            let read = Phone::first_in(text).map_or_else(String::new, |phone| phone.digits().to_owned());
            assert_eq!(read, digits, "{text:?}");
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
            "+00996770123456",
            "0000996770123456",
            "00 0770 123456",
            "+7 99988877665544332211",
            "0(0)",
            "00(0)",
            "+(0)",
            "+0(0)",
            "+(0)(0)",
            "mail:+996770123456",
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
        assert_eq!(mokka("8880001122").as_deref(), Some("8880001122"));
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
    fn a_long_field_is_searched_without_end_of_the_stack() {
        for piece in ["+", "+7", "(0)", ",", "+,", "0 ", "\u{200b}+"] {
            assert_eq!(Phone::first_in(&piece.repeat(100_000)), None, "{piece}");
        }
    }

    #[test]
    fn debug_hides_the_number() {
        assert_eq!(format!("{:?}", Phone::parse("996770123456").unwrap()), "Phone(…)");
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_or_refused(text in "(\\(0\\)|00|810|\\+|tel:|[0-9 ().;/-]|\\PC){0,24}") {
            let _ = (Phone::parse(&text), Phone::first_in(&text));
        }

        #[test]
        fn parsing_is_idempotent(text in "[+0-9 ()-]{0,20}") {
            if let Ok(phone) = Phone::parse(&text) {
                let again = Phone::parse(&format!("+{}", phone.digits())).unwrap();
                prop_assert_eq!(again, phone);
            }
        }
    }
}
