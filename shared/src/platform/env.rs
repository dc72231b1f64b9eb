//! Settings from the environment: every one named, validated at start, each error naming the variable.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use url::{Host, Url};

use crate::platform::money::Currency;
use crate::platform::secret::{InternalSecret, Keys, Secret};

/// What a key has at least that everybody may try.
const MIN_PUBLIC_KEY: usize = 24;

/// Where settings are read from: the process's environment, or a map in the sandbox and the tests.
/// Collects what is wrong, so that one start shows every mistake.
#[derive(Clone, Debug, Default)]
pub struct Env {
    values: BTreeMap<String, String>,
    problems: Vec<(String, String)>,
    reads: Reads,
}

/// The names of the settings that were read, there or not: what the template is held against.
#[derive(Clone, Debug, Default)]
pub struct Reads(Arc<Mutex<BTreeSet<String>>>);

impl Reads {
    /// So far.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }
}

/// What is wrong with the settings, one line for each variable.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError {
    problems: Vec<(String, String)>,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::from("cannot start, the settings are not right:");
        for (name, problem) in &self.problems {
            write!(text, "\n  {name}: {problem}")?;
        }
        f.write_str(&text)
    }
}

impl Env {
    /// The process's environment.
    #[must_use]
    pub fn process() -> Self {
        let values = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::from_map(values.collect())
    }

    /// Settings from a map.
    #[must_use]
    pub fn from_map(values: BTreeMap<String, String>) -> Self {
        Self { values, problems: Vec::new(), reads: Reads::default() }
    }

    /// What is read of these settings, now and later.
    #[must_use]
    pub fn reads(&self) -> Reads {
        self.reads.clone()
    }

    /// The same settings, and these secrets among them.
    #[must_use]
    pub fn with(mut self, secrets: &BTreeMap<String, String>) -> Self {
        self.values.extend(secrets.clone());
        self
    }

    /// Done reading: what was built, or everything that was wrong. `None` can only come from a recorded problem.
    pub fn finish<T>(self, built: Option<T>) -> Result<T, ConfigError> {
        match built {
            Some(built) if self.problems.is_empty() => Ok(built),
            _ => Err(ConfigError { problems: self.problems }),
        }
    }

    /// Records that a variable is wrong; once, however many read it.
    pub fn problem(&mut self, name: &str, problem: impl std::fmt::Display) {
        let problem = (name.to_owned(), problem.to_string());
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// A setting that may be absent; an empty one counts as absent.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        self.reads.note(name);
        self.values.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// A setting that must be there.
    pub fn required(&mut self, name: &str) -> Option<String> {
        let value = self.optional(name);
        if value.is_none() {
            self.problem(name, "must be set and not empty");
        }
        value
    }

    /// A setting that must be there and is read by `parse`.
    pub fn parsed<T, E: std::fmt::Display>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let value = self.required(name)?;
        self.checked(name, parse(&value))
    }

    /// A setting with a default.
    pub fn parsed_or<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.optional(name) {
            Some(value) => self.checked(name, parse(&value)),
            None => Some(default),
        }
    }

    fn checked<T, E: std::fmt::Display>(&mut self, name: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(name, error);
                None
            }
        }
    }

    pub fn secret(&mut self, name: &str) -> Option<Secret> {
        self.parsed(name, Secret::parse)
    }

    /// A key that opens an endpoint to the whole world, as [`keys`](Self::keys): at least 24 characters, so that no guess comes upon it by
    /// trying. `WEAK_KEYS=allowed`, which only the sandbox says, takes shorter ones.
    pub fn public_keys(&mut self, name: &str) -> Option<Keys> {
        let weak = self
            .parsed_or("WEAK_KEYS", false, |said| if said == "allowed" { Ok(true) } else { Err("must be allowed, or absent") })?;
        for name in [name.to_owned(), format!("{name}_NEXT")] {
            let length = self.optional(&name).map(|key| key.trim().chars().count());
            if !weak && length.is_some_and(|length| (1..MIN_PUBLIC_KEY).contains(&length)) {
                self.problem(&name, format!("must have at least {MIN_PUBLIC_KEY} characters"));
            }
        }
        self.keys(name)
    }

    /// A key that opens an endpoint: `{name}`, and during a rotation `{name}_NEXT`.
    pub fn keys(&mut self, name: &str) -> Option<Keys> {
        let next = self.optional(&format!("{name}_NEXT")).and_then(|next| Secret::parse(&next).ok());
        Some(Keys::new(self.secret(name)?, next))
    }

    /// `INTERNAL_SECRET`: at least 32 characters, from which tokens and lookup keys are derived; `INTERNAL_SECRET_PREVIOUS`: the one
    /// before it, under which older things are found.
    pub fn internal_secret(&mut self) -> Option<InternalSecret> {
        let secret = self.parsed("INTERNAL_SECRET", InternalSecret::parse)?;
        match self.optional("INTERNAL_SECRET_PREVIOUS") {
            None => Some(secret),
            Some(_) => self.parsed("INTERNAL_SECRET_PREVIOUS", |previous| secret.after(previous)),
        }
    }

    /// The address of an outside system: https, or http on this machine.
    pub fn url(&mut self, name: &str) -> Option<Url> {
        self.parsed(name, parse_url)
    }

    /// The address of an outside system that may be absent.
    pub fn optional_url(&mut self, name: &str) -> Option<Url> {
        let value = self.optional(name)?;
        self.checked(name, parse_url(&value))
    }

    /// Whether something is wanted: if its `switch` is on, not if it is off, and without a switch if its setting `name` is there.
    /// The switch stands in the template, so that a setting that gets lost among the secrets is missed, not taken for a wish.
    pub fn wanted(&mut self, switch: &str, name: &str) -> bool {
        match self.optional(switch).as_deref() {
            None => self.optional(name).is_some(),
            Some("on") => true,
            Some("off") => false,
            Some(_) => {
                self.problem(switch, "must be on or off");
                false
            }
        }
    }

    pub fn currency_or(&mut self, name: &str, default: Currency) -> Option<Currency> {
        self.parsed_or(name, default, Currency::parse)
    }

    /// Yes or no, with a default.
    pub fn flag_or(&mut self, name: &str, default: bool) -> Option<bool> {
        self.parsed_or(name, default, |text| text.parse().map_err(|_| "must be true or false"))
    }

    /// A whole number within bounds, with a default.
    pub fn number_or(&mut self, name: &str, default: u32, bounds: std::ops::RangeInclusive<u32>) -> Option<u32> {
        self.parsed_or(name, default, |text| match text.parse::<u32>() {
            Ok(number) if bounds.contains(&number) => Ok(number),
            _ => Err(format!("must be a whole number from {} to {}", bounds.start(), bounds.end())),
        })
    }

    /// A TOML file read by `parse`, whose errors begin with line and column.
    pub fn file<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let path = self.optional(name).unwrap_or_else(|| default.to_owned());
        let result = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read the file {path}: {error}"))
            .and_then(|text| parse(&text).map_err(|error| format!("{path}:{error}")));
        self.checked(name, result)
    }
}

/// Reads the address of an outside system: https with a host, or http on this machine (for the sandbox).
pub fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("must be a URL: {error}"))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err("must have a host".to_owned()),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err("must begin with https:// (http:// only on this machine)".to_owned()),
    }
}
