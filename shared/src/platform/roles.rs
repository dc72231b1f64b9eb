//! The back office's keys: each with the name of its holder and what its holder may do.

use std::fmt;

use crate::platform::money::Decimal;
use crate::platform::secret::Secret;

/// What a key's holder may do. Each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look.
    Read,
    /// Act on payments, but give no money back; delete a person's data.
    Operate,
    /// Give money back.
    Refund,
}

impl Role {
    const ALL: [Self; 3] = [Self::Read, Self::Operate, Self::Refund];

    /// The name used in settings and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Refund => "refund",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// The holder of a key: the "who" of logs and of a payment's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The key's name, 1 to 32 of `a` to `z`, digits and dashes.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// How much they may give back by themself in a day, in the shop's currency; as much as there is without it.
    pub limit: Option<Decimal>,
}

/// The keys that open the back office. At least one.
#[derive(Clone, Debug)]
pub struct RoleKeys(Vec<(Holder, Secret)>);

/// What is wrong with the keys, without showing any.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct RoleKeysError(Vec<String>);

impl fmt::Display for RoleKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

/// A key shorter than this could be guessed.
const MIN_KEY: usize = 24;
/// The longest name.
const MAX_NAME: usize = 32;
/// The old key and the new one, while a key is being replaced.
const KEYS_OF_ONE_NAME: usize = 2;

impl RoleKeys {
    /// Reads `name:role:key` and `name:refund:limit:key`, separated by commas or white space. The limit is digits, with two decimals or
    /// without, so a key of the role `refund` cannot begin like one: what would then be too short for a key is refused, not read as the old
    /// key.
    pub fn parse(text: &str) -> Result<Self, RoleKeysError> {
        let mut keys: Vec<(Holder, Secret)> = Vec::new();
        let mut problems = Vec::new();
        let entries = text.split(|character: char| character == ',' || character.is_whitespace());
        for (index, entry) in entries.filter(|entry| !entry.is_empty()).enumerate() {
            match read(entry).and_then(|(holder, key)| beside(&keys, &holder, &key).map(|()| (holder, key))) {
                Ok(entry) => keys.push(entry),
                Err(problem) => problems.push(format!("key {}: {problem}", index + 1)),
            }
        }
        if keys.is_empty() && problems.is_empty() {
            problems.push("must have at least one name:role:key".to_owned());
        }
        if problems.is_empty() { Ok(Self(keys)) } else { Err(RoleKeysError(problems)) }
    }

    /// The names of those who may give back so much by themselves, and how much.
    pub fn limits(&self) -> impl Iterator<Item = (&str, Decimal)> {
        self.0.iter().filter_map(|(holder, _)| Some((holder.name.as_str(), holder.limit?)))
    }

    /// Who presents this key. Every key is compared, each in a time that tells nothing about it.
    #[must_use]
    pub fn holder(&self, candidate: &str) -> Option<&Holder> {
        let compared = self.0.iter().map(|(holder, key)| (holder, key.matches(candidate)));
        compared.fold(None, |found, (holder, matches)| if matches { Some(holder) } else { found })
    }
}

fn read(entry: &str) -> Result<(Holder, Secret), String> {
    let mut parts = entry.splitn(3, ':');
    let (Some(name), Some(role), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("must be name:role:key".to_owned());
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(plain) {
        return Err(format!("the name must be 1 to {MAX_NAME} of a to z, digits and dashes"));
    }
    let role = Role::from_name(role).ok_or_else(|| format!("the role of {name} must be read, operate or refund"))?;
    let (limit, key) = limit(name, role, key)?;
    if key.len() < MIN_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("{name} must have a key of at least {MIN_KEY} visible ASCII characters"));
    }
    let key = Secret::parse(key).map_err(|error| format!("the key of {name} {error}"))?;
    Ok((Holder { name: name.to_owned(), role, limit }, key))
}

/// The limit before a key of the role `refund`, and the key.
fn limit<'a>(name: &str, role: Role, text: &'a str) -> Result<(Option<Decimal>, &'a str), String> {
    let Some((limit, key)) = text.split_once(':').filter(|(limit, _)| role == Role::Refund && is_like_limit(limit)) else {
        return Ok((None, text));
    };
    if key.len() < MIN_KEY {
        return Err(format!(
            "what stands behind refund:{limit}: of {name} is shorter than a key: if {limit} is its limit, write the whole key behind it; if \
             the key begins so, give {name} another key"
        ));
    }
    let limit = Decimal::of_number(limit).map_err(|error| format!("the limit of {name} {error}"))?;
    Ok((Some(limit), key))
}

fn is_like_limit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit()) && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Whether an entry goes together with the ones before it.
fn beside(keys: &[(Holder, Secret)], holder: &Holder, key: &Secret) -> Result<(), String> {
    let name = &holder.name;
    if let Some((other, _)) = keys.iter().find(|(_, other)| other.matches(key.expose())) {
        return Err(format!("{name} has the same key as {}", other.name));
    }
    let mut namesakes = keys.iter().map(|(other, _)| other).filter(|other| other.name == *name);
    if namesakes.clone().any(|other| other.role != holder.role) {
        return Err(format!("{name} has two roles"));
    }
    if namesakes.any(|other| other.limit != holder.limit) {
        return Err(format!("{name} has two limits"));
    }
    if keys.iter().filter(|(other, _)| other.name == *name).count() >= KEYS_OF_ONE_NAME {
        return Err(format!("{name} has more than {KEYS_OF_ONE_NAME} keys"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "first-key-of-24-letters-";
    const TWO: &str = "second-key-of-24-letters";

    fn holder(name: &str, role: Role) -> Holder {
        Holder { name: name.to_owned(), role, limit: None }
    }

    #[test]
    fn every_key_names_its_holder_and_nothing_else_does() {
        let keys = RoleKeys::parse(&format!(" viewer:read:{ONE},\n\tcashier-2:refund:{TWO}:with:colons ,")).unwrap();
        assert_eq!(keys.holder(ONE), Some(&holder("viewer", Role::Read)));
        assert_eq!(keys.holder(&format!("{TWO}:with:colons")), Some(&holder("cashier-2", Role::Refund)));
        for wrong in ["", TWO, &ONE[1..], &ONE.to_uppercase(), &format!("{ONE} "), &format!("viewer:read:{ONE}")] {
            assert_eq!(keys.holder(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_that_gives_money_back_may_have_a_limit() {
        let limited = |limit: &str| RoleKeys::parse(&format!("cashier:refund:{limit}:{ONE}")).unwrap();
        for (limit, hundredths) in [("5000", 500_000), ("0", 0), ("99.50", 9_950)] {
            let keys = limited(limit);
            let holder = keys.holder(ONE).unwrap();
            assert_eq!((holder.role, holder.limit.map(Decimal::hundredths)), (Role::Refund, Some(hundredths)));
            assert_eq!(keys.limits().map(|(name, _)| name).collect::<Vec<_>>(), ["cashier"]);
            assert_eq!(keys.holder(&format!("{limit}:{ONE}")), None, "the limit is no part of the key");
        }
        // No other role has one, and no key that begins otherwise.
        for (entry, key) in [
            (format!("viewer:read:5000:{ONE}"), format!("5000:{ONE}")),
            (format!("cashier:refund:5000-{ONE}:x"), format!("5000-{ONE}:x")),
            (format!("cashier:refund:x5000:{ONE}"), format!("x5000:{ONE}")),
        ] {
            let keys = RoleKeys::parse(&entry).unwrap();
            assert_eq!(keys.holder(&key).map(|holder| holder.limit), Some(None), "{entry}");
            assert_eq!(keys.limits().count(), 0);
        }
    }

    #[test]
    fn a_name_may_have_two_keys_while_one_is_replaced() {
        let keys = RoleKeys::parse(&format!("shop:operate:{ONE} shop:operate:{TWO}")).unwrap();
        let shop = holder("shop", Role::Operate);
        assert_eq!((keys.holder(ONE), keys.holder(TWO)), (Some(&shop), Some(&shop)));
    }

    #[test]
    fn each_role_may_do_what_the_ones_before_it_may() {
        assert!(Role::Read < Role::Operate && Role::Operate < Role::Refund);
        assert_eq!(Role::ALL.map(|role| Role::from_name(role.name())), Role::ALL.map(Some));
    }

    #[test]
    fn what_is_wrong_is_named_without_the_keys() {
        for (text, problem) in [
            (String::new(), "at least one"),
            (" , \n".to_owned(), "at least one"),
            ("viewer".to_owned(), "key 1: must be name:role:key"),
            (format!("viewer:{ONE}"), "key 1: must be name:role:key"),
            (format!(":read:{ONE}"), "key 1: the name"),
            (format!("Viewer:read:{ONE}"), "key 1: the name"),
            (format!("{}:read:{ONE}", "v".repeat(33)), "key 1: the name"),
            (format!("viewer:Read:{ONE}"), "key 1: the role of viewer"),
            (format!("viewer::{ONE}"), "key 1: the role of viewer"),
            ("viewer:read:".to_owned(), "key 1: viewer must have a key"),
            ("viewer:read:first-key-of-23-letters".to_owned(), "key 1: viewer must have a key"),
            (format!("viewer:read:{ONE}ключ"), "key 1: viewer must have a key"),
            (format!("a:read:{ONE},b:read:{ONE}"), "key 2: b has the same key as a"),
            (format!("a:read:{ONE},a:operate:{TWO}"), "key 2: a has two roles"),
            (format!("a:refund:50:{ONE},a:refund:60:{TWO}"), "key 2: a has two limits"),
            (format!("a:refund:50:{ONE},a:refund:{TWO}"), "key 2: a has two limits"),
            (
                "a:refund:5000:the-rest-of-an-old-key".to_owned(),
                "key 1: what stands behind refund:5000: of a is shorter than a key",
            ),
            (format!("a:refund:5.001:{ONE}"), "key 1: the limit of a "),
            (format!("a:refund:99999999999999999999:{ONE}"), "key 1: the limit of a "),
            (format!("a:read:{ONE},a:read:{TWO},a:read:{TWO}-3"), "key 3: a has more than 2 keys"),
        ] {
            let error = RoleKeys::parse(&text).unwrap_err().to_string();
            assert!(error.starts_with(problem) || error.contains(problem), "{text}: {error}");
            assert!(!error.contains("key-of-2"), "{error}");
        }
        let both = RoleKeys::parse(&format!("x,y:read:{ONE},z:none:{TWO}")).unwrap_err().to_string();
        assert_eq!(both, "key 1: must be name:role:key; key 3: the role of z must be read, operate or refund");
    }

    #[test]
    fn nothing_prints_a_key() {
        let keys = RoleKeys::parse(&format!("viewer:read:{ONE}")).unwrap();
        assert!(!format!("{keys:?}").contains("key-of-24"));
    }
}
