//! What Mokka's form need not ask, since the shop knows it. Only what is certain: a wrong word in a form is worse than an empty field.

use super::prepayment::Prepayment;

/// What an order knows beside phone, e-mail and name. Its `Debug` would show personal data, so it has none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Where it is delivered to.
    pub address: Option<String>,
    /// The customer has bought here before.
    pub returning: Option<bool>,
    /// For how many months the customer wants to pay.
    pub term: Option<u32>,
    /// How a part of the order is paid beside the instalments.
    pub prepayment: Option<Prepayment>,
}

impl Known {
    /// The months for which instalments can be asked for.
    pub const TERMS: std::ops::RangeInclusive<u32> = 1..=60;
}

/// A customer's names, told apart.
#[derive(Clone, PartialEq, Eq)]
pub struct FullName {
    pub surname: Option<String>,
    /// The first name.
    pub first: String,
    pub patronymic: String,
}

/// Ends of patronymics that no surname has.
const DAUGHTERS: [&str; 4] = ["овна", "евна", "ична", "инична"];
/// Ends of patronymics that surnames may have, too.
const SONS: [&str; 3] = ["ович", "евич", "ьич"];

impl FullName {
    /// Tells the parts of a name apart, by the patronymic, which is the only part that can be known by its end. Nothing for names that
    /// have none, are not in Cyrillic, which Mokka demands, or could be read in two ways.
    #[must_use]
    pub fn told_apart(name: &str) -> Option<Self> {
        let words: Vec<&str> = name.split_whitespace().collect();
        if !words.iter().all(|word| is_cyrillic(word)) {
            return None;
        }
        let full = |surname: Option<&str>, first: &str, patronymic: &str| {
            Some(Self { surname: surname.map(str::to_owned), first: first.to_owned(), patronymic: patronymic.to_owned() })
        };
        let ends = |word: &str, ends: &[&str]| ends.iter().any(|end| word.to_lowercase().ends_with(end));
        let is_patronymic = |word: &str| ends(word, &DAUGHTERS) || ends(word, &SONS);
        match words.as_slice() {
            [first, patronymic] if ends(patronymic, &DAUGHTERS) && !is_patronymic(first) => full(None, first, patronymic),
            // In the middle it can be nothing else: the first name is never behind it.
            [first, patronymic, surname] if is_patronymic(patronymic) && !is_patronymic(first) => {
                full(Some(surname), first, patronymic)
            }
            [surname, first, patronymic] if is_patronymic(patronymic) && !is_patronymic(first) => {
                full(Some(surname), first, patronymic)
            }
            _ => None,
        }
    }
}

/// Letters of the Cyrillic alphabets, with a hyphen within.
fn is_cyrillic(word: &str) -> bool {
    let is_letter = |letter: char| matches!(letter, '\u{400}'..='\u{52f}') && letter.is_alphabetic();
    word.chars().count() > 1 && word.split('-').all(|part| !part.is_empty() && part.chars().all(is_letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_with_certainty_or_not_at_all() {
        for (name, parts) in [
            ("Чернышев Петр Александрович", Some(("Чернышев", "Петр", "Александрович"))),
            ("Петр Александрович Чернышев", Some(("Чернышев", "Петр", "Александрович"))),
            ("  Анна   Ильинична\u{a0}Петрова ", Some(("Петрова", "Анна", "Ильинична"))),
            ("Абрамович Роман Аркадьевич", Some(("Абрамович", "Роман", "Аркадьевич"))),
            ("Роман Аркадьевич Абрамович", Some(("Абрамович", "Роман", "Аркадьевич"))),
            ("Римский-Корсаков Николай Андреевич", Some(("Римский-Корсаков", "Николай", "Андреевич"))),
            ("ИВАНОВА МАРИЯ ИВАНОВНА", Some(("ИВАНОВА", "МАРИЯ", "ИВАНОВНА"))),
            ("Асанова Айгүл Өмүрбековна", Some(("Асанова", "Айгүл", "Өмүрбековна"))),
            ("Ильин Илья Ильич", Some(("Ильин", "Илья", "Ильич"))),
            ("Мария Ивановна", Some(("", "Мария", "Ивановна"))),
            ("Иван Рабинович", None),
            ("Канарейкина Кенарь", None),
            ("Айгуль", None),
            ("Асан уулу Үсөн", None),
            ("Иванов Иван", None),
            ("Иванов И. И.", None),
            ("Ivanov Ivan Ivanovich", None),
            ("Иванов Иван Ivanovich", None),
            ("Иванович Иванович Иванович", None),
            ("ООО Ромашка Петровна Плюс", None),
            ("Мама 8999 Петровна", None),
            ("", None),
        ] {
            let read = FullName::told_apart(name);
            let read = read
                .as_ref()
                .map(|name| (name.surname.as_deref().unwrap_or_default(), name.first.as_str(), name.patronymic.as_str()));
            assert_eq!(read, parts, "{name}");
        }
    }
}
