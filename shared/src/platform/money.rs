//! Money: an exact amount in minor units with its currency. Never a float, at any step.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

/// The currencies that a shop can trade in here. All have two decimals, which every provider assumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Currency {
    /// Armenian dram.
    Amd,
    /// Belarusian rouble.
    Byn,
    /// Euro.
    Eur,
    /// Kyrgyz som.
    Kgs,
    /// Kazakh tenge.
    Kzt,
    /// Russian rouble.
    Rub,
    /// US dollar.
    Usd,
    /// Uzbek sum.
    Uzs,
}

impl Currency {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Amd, "AMD"),
        (Self::Byn, "BYN"),
        (Self::Eur, "EUR"),
        (Self::Kgs, "KGS"),
        (Self::Kzt, "KZT"),
        (Self::Rub, "RUB"),
        (Self::Usd, "USD"),
        (Self::Uzs, "UZS"),
    ];

    /// Reads an ISO 4217 code, whatever its case.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        Self::ALL
            .into_iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(code.trim()))
            .map(|(currency, _)| currency)
            .ok_or(MoneyError::Currency)
    }

    /// How people write it beside an amount.
    fn signs(self) -> &'static [&'static str] {
        match self {
            Self::Amd => &["AMD", "֏", "драм", "др."],
            Self::Byn => &["BYN", "Br", "руб.", "руб", "р.", "р"],
            Self::Eur => &["EUR", "€", "евро"],
            Self::Kgs => &["KGS", "сом", "сомов", "с"],
            Self::Kzt => &["KZT", "₸", "тенге", "тг.", "тг"],
            Self::Rub => &["RUB", "RUR", "₽", "рублей", "руб.", "руб", "р.", "р"],
            Self::Usd => &["USD", "$", "долл."],
            Self::Uzs => &["UZS", "сум", "so'm"],
        }
    }

    /// The ISO 4217 code, upper case.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Amd => "AMD",
            Self::Byn => "BYN",
            Self::Eur => "EUR",
            Self::Kgs => "KGS",
            Self::Kzt => "KZT",
            Self::Rub => "RUB",
            Self::Usd => "USD",
            Self::Uzs => "UZS",
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why a text is not an amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a decimal number.
    #[error("must be a decimal number like 1500.00")]
    NotDecimal,
    /// `1.500` is one and a half to some and fifteen hundred to others.
    #[error("must have two decimals or none: three digits behind its only mark may be decimals, or thousands")]
    Ambiguous,
    /// More than two decimals that are not zero.
    #[error("must have at most two decimals")]
    TooPrecise,
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// Above [`Money::MAX_MINOR`].
    #[error("must be at most 100000000000.00")]
    TooLarge,
    /// Not one of the supported currencies.
    #[error("must be one of AMD, BYN, EUR, KGS, KZT, RUB, USD, UZS")]
    Currency,
    /// Two amounts in different currencies met.
    #[error("amounts in different currencies cannot be added")]
    Mixed,
}

/// A non-negative decimal number with at most two decimals, counted in hundredths: an amount whose currency is known
/// from elsewhere. Reads JSON numbers and strings alike by their text, so that no float ever touches it; but of a string that may be read in two
/// ways, `"1.500"`, nothing is guessed, while the number `1.500` can only be one and a half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i64);

impl Decimal {
    /// The number in hundredths.
    #[must_use]
    pub fn hundredths(self) -> i64 {
        self.0
    }

    /// Reads `1500`, `1500.5`, `1500.00`, `1.5e3`, and `1500.4999999999998` as 1500.50; refuses signs other than a minus on zero, spaces and the rest.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        if may_be_thousands(text) {
            return Err(MoneyError::Ambiguous);
        }
        Self::of_number(text)
    }

    /// Reads a number that a program has written, whose point is one before decimals.
    pub fn of_number(text: &str) -> Result<Self, MoneyError> {
        fixed_point(text, 2, Money::MAX_MINOR).map(Self)
    }
}

impl Decimal {
    /// Reads an amount as people write it: `1 299,00`, `1,299.00`, `1'299`, `1299 руб.`, with any kind of space, and with a sign of `currency`
    /// or none. What could be two amounts (`1,299`) is none.
    pub fn parse_written(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let number = without_sign(text.trim(), currency)?;
        match Self::parse(number) {
            Err(MoneyError::NotDecimal | MoneyError::TooPrecise) => {}
            read => return read,
        }
        // The last of the two marks is the one before the decimals, if it is there once.
        let mark = number.rfind(['.', ',']).filter(|at| number.matches(&number[*at..=*at]).count() == 1);
        let (whole, decimals) = mark.map_or((number, ""), |at| (&number[..at], &number[at + 1..]));
        // `1,5` and `1,50`, but `1,299` may be more than a thousand.
        if mark.is_some() && !(1..=2).contains(&decimals.len()) {
            return Err(MoneyError::NotDecimal);
        }
        let digits = ungrouped(whole).ok_or(MoneyError::NotDecimal)?;
        Self::parse(&if decimals.is_empty() { digits } else { format!("{digits}.{decimals}") })
    }
}

/// Whether a text may be read in two ways: one to three digits, a mark, and three digits more. `0.500` and `1500.000` have no groups of three.
fn may_be_thousands(text: &str) -> bool {
    let Some((whole, behind)) = text.split_once(['.', ',']) else { return false };
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    (1..=3).contains(&whole.len()) && behind.len() == 3 && !whole.starts_with('0') && are_digits(whole) && are_digits(behind)
}

/// What people put between groups of three digits.
fn is_between_groups(mark: char) -> bool {
    mark.is_whitespace() || matches!(mark, '.' | ',' | '\'' | '\u{2019}')
}

/// The digits of a whole number, whose groups of three are divided by one and the same mark, or not at all.
fn ungrouped(whole: &str) -> Option<String> {
    let mut groups = whole.split(is_between_groups);
    let first = groups.next().filter(|first| !first.is_empty())?;
    let rest: Vec<&str> = groups.collect();
    let mut marks =
        whole.chars().filter(|letter| is_between_groups(*letter)).map(|mark| if mark.is_whitespace() { ' ' } else { mark });
    let one = marks.next();
    let right =
        rest.is_empty() || first.len() <= 3 && rest.iter().all(|group| group.len() == 3) && marks.all(|mark| Some(mark) == one);
    let digits = whole.replace(is_between_groups, "");
    (right && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// What is left without the sign of a currency before or after it; refuses another one's.
fn without_sign(text: &str, currency: Currency) -> Result<&str, MoneyError> {
    let number = text.trim_matches(|letter: char| !letter.is_ascii_digit() && letter != '-');
    let (before, after) = text.split_once(number).unwrap_or((text, ""));
    let (before, after) = (before.trim(), after.trim());
    let is_a_sign =
        |currency: Currency, sign: &str| currency.signs().iter().any(|known| known.to_lowercase() == sign.to_lowercase());
    match (before, after) {
        ("", "") => Ok(number),
        (sign, "") | ("", sign) if is_a_sign(currency, sign) => Ok(number),
        (sign, "") | ("", sign) if Currency::ALL.into_iter().any(|(other, _)| is_a_sign(other, sign)) => {
            Err(MoneyError::Currency)
        }
        _ => Err(MoneyError::NotDecimal),
    }
}

/// How many of something: a non-negative number with at most three decimals (kilograms, metres), counted in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i64);

impl Quantity {
    /// One piece.
    pub const ONE: Self = Self(1000);

    /// Reads a decimal number of at most a million.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        fixed_point(text, 3, 1_000_000_000).map(Self)
    }

    /// So many thousandths; none below zero.
    #[must_use]
    pub fn of_thousandths(thousandths: i64) -> Self {
        Self(thousandths.max(0))
    }

    /// None at all.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The number in thousandths.
    #[must_use]
    pub fn thousandths(self) -> i64 {
        self.0
    }

    /// The number if it is whole.
    #[must_use]
    pub fn whole(self) -> Option<i64> {
        (self.0 % 1000 == 0).then_some(self.0 / 1000)
    }

    /// The price of this many at `unit_price`, rounded half up to the minor unit.
    pub fn times(self, unit_price: Money) -> Result<Money, MoneyError> {
        let product = i128::from(self.0) * i128::from(unit_price.minor) + 500;
        Money::from_minor(i64::try_from(product / 1000).map_err(|_| MoneyError::TooLarge)?, unit_price.currency)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1000, self.0 % 1000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Within this part of the smallest unit a number is meant to be whole: `5240.1000000000004` is what binary arithmetic makes of 5240.10.
const DUST: u128 = 1_000_000;

/// Reads a non-negative decimal number as a count of `10^-places`: exactly, but for binary dust.
fn fixed_point(text: &str, places: i64, max: i64) -> Result<i64, MoneyError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fraction_missing = mantissa.contains('.') && fraction.is_empty();
    if whole.is_empty() || fraction_missing || !all_digits(whole) || !all_digits(fraction) {
        return Err(MoneyError::NotDecimal);
    }
    // value = significand × 10^scale, counted in 10^-places
    let significand = format!("{whole}{fraction}");
    let significand = significand.trim_start_matches('0');
    if significand.is_empty() {
        return Ok(0);
    }
    if negative {
        return Err(MoneyError::Negative);
    }
    let length = |text: &str| i64::try_from(text.len()).map_err(|_| MoneyError::TooLarge);
    let trimmed = significand.trim_end_matches('0');
    let scale = exponent + places - length(fraction)? + length(significand)? - length(trimmed)?;
    if scale < 0 {
        return without_dust(trimmed, scale.unsigned_abs()).filter(|number| *number <= max).ok_or(MoneyError::TooPrecise);
    }
    if length(trimmed)? + scale > 15 {
        return Err(MoneyError::TooLarge);
    }
    let power = u32::try_from(scale).map_err(|_| MoneyError::TooLarge)?;
    let number = trimmed.parse::<i64>().map_err(|_| MoneyError::NotDecimal)? * 10_i64.pow(power);
    if number > max { Err(MoneyError::TooLarge) } else { Ok(number) }
}

/// `digits` × 10^-`excess`, if that is a whole number but for dust.
fn without_dust(digits: &str, excess: u64) -> Option<i64> {
    // Longer ones have no whole number near them that an amount could be, or are no amounts.
    if digits.len() > 30 || excess > 30 {
        return None;
    }
    let unit = 10_u128.pow(u32::try_from(excess).ok()?);
    let number: u128 = digits.parse().ok()?;
    let (whole, rest) = (number / unit, number % unit);
    let whole = match () {
        () if rest * DUST <= unit => whole,
        () if (unit - rest) * DUST <= unit => whole + 1,
        () => return None,
    };
    i64::try_from(whole).ok()
}

fn parse_exponent(text: &str) -> Result<i64, MoneyError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(MoneyError::NotDecimal);
    }
    // Beyond three digits the number is absurd whichever way it points; what remains cannot overflow.
    if digits.trim_start_matches('0').len() > 3 {
        return Err(if text.starts_with('-') { MoneyError::TooPrecise } else { MoneyError::TooLarge });
    }
    text.parse().map_err(|_| MoneyError::NotDecimal)
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (text, is_number) = number_text(deserializer)?;
        if is_number { Self::of_number(&text) } else { Self::parse(&text) }.map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number_text(deserializer).and_then(|(text, _)| Self::parse(&text).map_err(D::Error::custom))
    }
}

/// A JSON number or string by its text, and whether it is a number.
fn number_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(String, bool), D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    if raw.get().starts_with('"') {
        serde_json::from_str::<String>(raw.get()).map(|text| (text.trim().to_owned(), false)).map_err(D::Error::custom)
    } else {
        Ok((raw.get().to_owned(), true))
    }
}

/// A non-negative amount: minor units (kopecks, tyiyn, cents) of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// The largest amount taken: 100 billion, far above any cart and far below an overflow.
    pub const MAX_MINOR: i64 = 10_000_000_000_000;

    /// An amount of `minor` units.
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        match minor {
            i64::MIN..0 => Err(MoneyError::Negative),
            0..=Self::MAX_MINOR => Ok(Self { minor, currency }),
            _ => Err(MoneyError::TooLarge),
        }
    }

    /// No money.
    #[must_use]
    pub const fn nothing(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// An amount read from the wire, in the currency known from elsewhere.
    #[must_use]
    pub fn new(amount: Decimal, currency: Currency) -> Self {
        Self { minor: amount.0, currency }
    }

    /// Minor units.
    #[must_use]
    pub fn minor(self) -> i64 {
        self.minor
    }

    #[must_use]
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Nothing to pay.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum, if both are of one currency and it is not absurd.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed);
        }
        Self::from_minor(self.minor.saturating_add(other.minor), self.currency)
    }

    /// The rest, if both are of one currency and there is one.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed);
        }
        Self::from_minor(self.minor.saturating_sub(other.minor), self.currency)
    }

    /// The amount with exactly two decimals and a point: `1500.00`. What Mokka takes.
    #[must_use]
    pub fn decimal(self) -> String {
        Decimal(self.minor).to_string()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        for (text, minor) in [
            ("0", 0),
            ("-0", 0),
            ("0e999", 0),
            ("1500", 150_000),
            ("4999.0", 499_900),
            ("7700.00", 770_000),
            ("0.01", 1),
            ("0.29", 29),
            ("1.5e3", 150_000),
            ("150E-1", 1_500),
            ("10.100000", 1_010),
            ("100000000000.00", Money::MAX_MINOR),
        ] {
            assert_eq!(Decimal::parse(text), Ok(Decimal(minor)), "{text}");
        }
    }

    #[test]
    fn absurd_money_is_refused_with_its_reason() {
        for (text, error) in [
            ("", MoneyError::NotDecimal),
            ("abc", MoneyError::NotDecimal),
            ("1 500", MoneyError::NotDecimal),
            ("1,50", MoneyError::NotDecimal),
            ("1.", MoneyError::NotDecimal),
            (".5", MoneyError::NotDecimal),
            ("+1", MoneyError::NotDecimal),
            ("--1", MoneyError::NotDecimal),
            ("0x10", MoneyError::NotDecimal),
            ("١٢", MoneyError::NotDecimal),
            ("NaN", MoneyError::NotDecimal),
            ("1e", MoneyError::NotDecimal),
            ("-1", MoneyError::Negative),
            ("-0.01", MoneyError::Negative),
            ("0.001", MoneyError::TooPrecise),
            ("1e-3", MoneyError::TooPrecise),
            ("1e-9999999999999999999", MoneyError::TooPrecise),
            ("1e400", MoneyError::TooLarge),
            ("1e99999999999999999999", MoneyError::TooLarge),
            ("100000000000.01", MoneyError::TooLarge),
            ("99999999999999999999999999", MoneyError::TooLarge),
        ] {
            assert_eq!(Decimal::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn amounts_are_read_as_people_write_them_and_never_guessed() {
        for (text, minor) in [
            ("1299", 129_900),
            ("1 299,00", 129_900),
            ("1 299.00", 129_900),
            ("1\u{a0}299,00", 129_900),
            ("1\u{202f}299\u{2009}000,5", 129_900_050),
            ("1,299.00", 129_900),
            ("1.299,00", 129_900),
            ("1,299,000", 129_900_000),
            ("1.299.000", 129_900_000),
            ("1'299.50", 129_950),
            ("1’299", 129_900),
            ("1299,5", 129_950),
            ("0,99", 99),
            ("12 345 678,90 ₽", 1_234_567_890),
            ("1299 руб.", 129_900),
            ("1 299,00 РУБ", 129_900),
            ("1299р", 129_900),
            ("RUB 1299", 129_900),
            ("\u{feff} 5000\u{a0}", 500_000),
            ("0.500", 50),
            ("0,99", 99),
            ("1500.000", 150_000),
            ("4.0000", 400),
        ] {
            let text = text.trim_start_matches('\u{feff}');
            assert_eq!(Decimal::parse_written(text, Currency::Rub), Ok(Decimal(minor)), "{text}");
        }
        for (text, error) in [
            ("1,299", MoneyError::Ambiguous),
            ("1.299", MoneyError::Ambiguous),
            ("1.500", MoneyError::Ambiguous),
            ("999.000 руб.", MoneyError::Ambiguous),
            ("4.000", MoneyError::Ambiguous),
            ("12 99", MoneyError::NotDecimal),
            ("1 29 900", MoneyError::NotDecimal),
            ("1 299'000", MoneyError::NotDecimal),
            ("1234 567", MoneyError::NotDecimal),
            ("1299,", MoneyError::NotDecimal),
            (",50", MoneyError::NotDecimal),
            ("1,2,3", MoneyError::NotDecimal),
            ("1299-1500", MoneyError::NotDecimal),
            ("-1", MoneyError::Negative),
            ("-1 299,00", MoneyError::NotDecimal),
            ("от 1299", MoneyError::NotDecimal),
            ("1299 $", MoneyError::Currency),
            ("1299 сом", MoneyError::Currency),
            ("$1299 руб", MoneyError::NotDecimal),
            ("цена", MoneyError::NotDecimal),
            ("", MoneyError::NotDecimal),
        ] {
            assert_eq!(Decimal::parse_written(text, Currency::Rub), Err(error), "{text}");
        }
        assert_eq!(Decimal::parse_written("1 299 сом", Currency::Kgs), Ok(Decimal(129_900)));
        assert_eq!(Decimal::parse_written("$1,299.00", Currency::Usd), Ok(Decimal(129_900)));
    }

    #[test]
    fn json_numbers_and_strings_are_the_same_amount() {
        #[derive(serde::Deserialize)]
        struct Wire {
            amount: Decimal,
        }
        for json in [r#"{"amount":6700.10}"#, r#"{"amount":"6700.10"}"#, r#"{"amount":67001e-1}"#] {
            let wire: Wire = serde_json::from_str(json).unwrap();
            assert_eq!(wire.amount, Decimal(670_010), "{json}");
        }
        let exact: Wire = serde_json::from_str(r#"{"amount":1.500}"#).unwrap();
        assert_eq!(exact.amount, Decimal(150), "the point of a JSON number is one before decimals");
        for json in [r#"{"amount":"1.500"}"#, r#"{"amount":"12,500"}"#, r#"{"amount":" 125.000 "}"#] {
            assert!(serde_json::from_str::<Wire>(json).is_err(), "{json} may be thousands");
        }
        for json in [r#"{"amount":true}"#, r#"{"amount":{}}"#, r#"{"amount":null}"#, r#"{"amount":"6 700"}"#] {
            assert!(serde_json::from_str::<Wire>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn quantities_may_be_weights() {
        let price = Money::from_minor(10_001, Currency::Rub).unwrap();
        for (text, shown, minor) in
            [("1", "1", 10_001), ("3.000", "3", 30_003), ("0.125", "0.125", 1_250), ("1.5", "1.5", 15_002)]
        {
            let quantity = Quantity::parse(text).unwrap();
            assert_eq!((quantity.to_string().as_str(), quantity.times(price).unwrap().minor()), (shown, minor));
        }
        assert_eq!(Quantity::parse("1.0001"), Err(MoneyError::TooPrecise));
    }

    proptest! {
        #[test]
        fn every_amount_survives_its_text(minor in 0..=Money::MAX_MINOR) {
            let money = Money::from_minor(minor, Currency::Rub).unwrap();
            prop_assert_eq!(Decimal::parse(&money.decimal()), Ok(Decimal(minor)));
        }

        #[test]
        fn no_text_panics_or_goes_out_of_bounds(text in "\\PC{0,40}|[0-9.eE+-]{0,40}|[0-9., '\u{a0}₽р-]{0,20}") {
            if let Ok(amount) = Decimal::parse_written(&text, Currency::Rub) {
                prop_assert!((0..=Money::MAX_MINOR).contains(&amount.hundredths()));
            }
            if let Ok(amount) = Decimal::parse(&text) {
                prop_assert!((0..=Money::MAX_MINOR).contains(&amount.hundredths()));
            }
        }
    }
}
