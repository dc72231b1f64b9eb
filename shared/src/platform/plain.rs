//! Text as people paste it: with invisible marks, with spaces and dashes of every kind, in digits of any script. One place
//! says what of it counts, for phones, codes, photos and whatever else must equal another text.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{Dash, DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Adjacent sets of ten digits are counted together at most: the mathematical ones are five.
const MOST_DIGITS_IN_A_ROW: u32 = 50;

/// Invisible characters: marks of direction, joiners, byte order marks, soft hyphens, variation selectors, control characters.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control() && !character.is_ascii_whitespace();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
        || category == GeneralCategory::Format
        || category == GeneralCategory::Control && !character.is_whitespace()
        || character == BLANK
}

/// A cell of braille without a dot, which messengers take for text and people use as a space.
const BLANK: char = '\u{2800}';

/// A hyphen, a dash or a minus of any width.
#[must_use]
pub fn is_dash(character: char) -> bool {
    character == '-' || !character.is_ascii() && CodePointSetData::new::<Dash>().contains(character)
}

/// What puts a frame around the digit before it, as keyboards of phones offer.
const KEYCAP: char = '\u{20e3}';

/// The digit that a character is in the script that it belongs to.
#[must_use]
pub fn digit(character: char) -> Option<char> {
    if character.is_ascii() {
        return Some(character).filter(char::is_ascii_digit);
    }
    // Unicode keeps the digits of a script together and in their order, from zero on (core specification, 4.6).
    let categories = CodePointMapData::<GeneralCategory>::new();
    let is_digit = |code: u32| categories.get32(code) == GeneralCategory::DecimalNumber;
    let code = u32::from(character);
    let before = (0..=MOST_DIGITS_IN_A_ROW).take_while(|back| is_digit(code - back)).count();
    let value = u32::try_from(before.checked_sub(1)?).ok()? % 10;
    char::from_digit(value, 10)
}

/// So many characters of a text are looked at: no number, code or word is longer, and some characters stand for eighteen others.
const MOST_SEEN: usize = 4096;

/// The text with plain digits, dashes and spaces, letters and signs of their usual width, and without invisible characters. What comes
/// behind the first 4,096 characters is left away.
#[must_use]
pub fn plain(text: &str) -> String {
    let seen = text.chars().filter(|character| !is_invisible(*character) && *character != KEYCAP);
    let seen: String = seen.take(MOST_SEEN).collect();
    let usual = ComposingNormalizerBorrowed::new_nfkc().normalize(&seen).into_owned();
    let character = |character: char| match digit(character) {
        Some(digit) => digit,
        None if is_dash(character) => '-',
        None if character.is_whitespace() => ' ',
        None => character,
    };
    usual.chars().take(MOST_SEEN).map(character).collect::<String>().trim().to_owned()
}

/// A code as it was sent: nothing counts but letters and digits, as the punctuation around a code comes along when it is
/// pasted.
#[must_use]
pub fn code(text: &str) -> String {
    plain(text).chars().filter(|character| character.is_alphanumeric()).collect()
}

/// The form in which texts are the same that look the same: composed, without invisible characters, every dash a hyphen, white space
/// one space and none at the ends.
#[must_use]
pub fn normal(text: &str) -> Cow<'_, str> {
    // As ids mostly are. They are compared by the thousand.
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Cow::Borrowed(text);
    }
    let seen: String = text.chars().filter(|character| !is_invisible(*character)).collect();
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&seen).into_owned();
    let mut normal = String::with_capacity(composed.len());
    for word in composed.split_whitespace() {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.extend(word.chars().map(|character| if is_dash(character) { '-' } else { character }));
    }
    Cow::Owned(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_only_the_beginning_is_looked_at() {
        assert_eq!(plain(&"\u{fdfa}".repeat(1_000_000)).chars().count(), 4096);
        assert_eq!(plain(&"7".repeat(1_000_000)).len(), 4096);
    }

    #[test]
    fn a_digit_of_any_script_is_a_digit() {
        for zero in [
            '0',
            '\u{660}',
            '\u{6f0}',
            '\u{966}',
            '\u{9e6}',
            '\u{e50}',
            '\u{ff10}',
            '\u{1d7ce}',
            '\u{1d7d8}',
            '\u{1d7f6}',
            '\u{1fbf0}',
        ] {
            let digits = (0..10).map(|value| digit(char::from_u32(u32::from(zero) + value).unwrap()).unwrap());
            assert_eq!(digits.collect::<String>(), "0123456789", "{zero:?}");
        }
        for none in ['a', '-', 'я', '½', '²', '①', 'Ⅳ', '一', '\u{65f}', '\u{66a}', '\u{ff1a}', '\u{1d7cd}'] {
            assert_eq!(digit(none), None, "{none:?}");
        }
    }

    #[test]
    fn what_a_code_is_pasted_with_does_not_count() {
        for (pasted, code_) in [
            ("123456", "123456"),
            (" 12 34\t56\n", "123456"),
            ("123-456", "123456"),
            ("123\u{2013}456", "123456"),
            ("123\u{2212}456", "123456"),
            ("123\u{a0}456", "123456"),
            ("123\u{202f}456", "123456"),
            ("123\u{2009}456", "123456"),
            ("\u{200e}123456\u{200f}", "123456"),
            ("\u{2068}123456\u{2069}", "123456"),
            ("\u{202a}123456\u{202c}", "123456"),
            ("\u{feff}123456", "123456"),
            ("12\u{ad}34\u{200b}56", "123456"),
            ("12\u{2060}34\u{200d}56\u{fe0f}", "123456"),
            ("\u{661}\u{662}\u{663}\u{664}", "1234"),
            ("\u{6f1}\u{6f2}\u{6f3}\u{6f4}", "1234"),
            ("\u{967}\u{968}\u{969}\u{96a}", "1234"),
            ("\u{ff11}\u{ff12}\u{ff13}\u{ff0d}\u{ff14}", "1234"),
            ("\u{1d7cf}\u{1d7d0}\u{1d7d1}", "123"),
            ("1\u{fe0f}\u{20e3}2\u{fe0f}\u{20e3}3", "123"),
            ("\u{ff21}b\u{ff23}4", "AbC4"),
            ("123456.", "123456"),
            ("\u{ab}123456\u{bb}!", "123456"),
            ("\u{200b}\u{feff} ", ""),
            ("", ""),
        ] {
            assert_eq!(code(pasted), code_, "{pasted:?}");
        }
    }

    #[test]
    fn texts_that_look_the_same_are_the_same() {
        for (one, other) in [
            ("Йошкар-Ола", "И\u{306}ошкар-Ола"),
            ("Йошкар-Ола", "Йошкар\u{2011}Ола"),
            ("Йошкар-Ола", "Йошкар\u{2013}Ола"),
            ("Йошкар-Ола", "Йошкар\u{2212}Ола"),
            ("Нижний Новгород", "Нижний\u{a0}Новгород"),
            ("Нижний Новгород", "  Нижний \t Новгород\n"),
            ("Нижний Новгород", "Нижний\u{202f}Новгород"),
            ("Бишкек", "\u{feff}Бишкек"),
            ("Бишкек", "Биш\u{ad}кек\u{200b}"),
            ("Бишкек", "\u{2068}Бишкек\u{2069}"),
            ("Ёлкино", "Е\u{308}лкино"),
            ("a-1", "a\u{2014}1"),
        ] {
            assert_eq!(normal(one), normal(other), "{other:?}");
        }
        for (one, other) in [("001", "1"), ("a-1", "a1"), ("a b", "ab"), ("１", "1"), ("a", "а"), ("x²", "x2")] {
            assert_ne!(normal(one), normal(other), "{other:?}");
        }
    }
}
