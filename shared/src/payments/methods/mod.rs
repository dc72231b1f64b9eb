//! The ways to pay that a shop offers, and the rules by which it offers them: `infra/config/payments.toml`.
//!
//! - `file`: the file as it is written, and its JSON Schema; `values` and `window`: what it is made of.
//! - `condition`: when something holds; `truth`: what "unknown" does to that.
//! - `facts`: what is known of a cart.

mod condition;
mod facts;
mod file;
mod truth;
mod values;
mod window;

use std::fmt;

use schemars::JsonSchema;
use time::UtcOffset;

use crate::payments::imshop::payments::{PaymentType, Request};
use crate::payments::payment::Provider;
use crate::platform::config::{Mistake, read, within};
use crate::platform::ids::MethodId;
use crate::platform::phone::Phone;

pub use condition::Condition;
pub use facts::Facts;
pub use truth::Truth;

/// One way to pay, as operations configure it (`infra/config/payments.toml`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The id that IMSHOP sends back as `paymentMethodId`.
    pub id: MethodId,
    /// The name that the customer reads.
    pub title: String,
    /// A line below the name.
    pub description: Option<String>,
    /// What kind of payment the app shows.
    pub kind: PaymentType,
    /// Who takes the money; none for payment on delivery.
    pub provider: Option<Provider>,
    /// Percent off the delivery, 0 to 100.
    pub delivery_discount: Option<u8>,
    /// IMSHOP's `autoVerification`.
    pub auto_verification: Option<bool>,
    /// The picture beside the name.
    pub icon: Option<Icon>,
    /// When it is offered; always, if there is none.
    pub when: Option<Condition>,
    /// Other texts under a condition.
    pub variants: Vec<Variant>,
    /// The plan of instalments below it.
    pub widget: Option<Widget>,
    /// What Mokka's limit does to it.
    pub limit: Limit,
}

/// The picture beside a way to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Icon {
    /// The address of a picture.
    Url(String),
    /// A picture built into the app.
    BuiltIn(String),
}

/// Other texts for a way to pay; at least one of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// When.
    pub when: Condition,
    /// The name instead of the method's.
    pub title: Option<String>,
    /// The line below it instead of the method's.
    pub description: Option<String>,
}

/// The plan of instalments below a way to pay.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Widget {
    /// The plan with so many months; the shortest of those that cost least, if left out or not to be had.
    #[serde(default, deserialize_with = "term")]
    #[schemars(range(min = 1, max = 36))]
    pub term: Option<u32>,
}

fn term<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    within::<D, 1, 36>(deserializer).map(Some)
}

/// What Mokka's limit of a customer whose phone is known does to a way to pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    /// Nothing: it is not asked.
    #[default]
    Off,
    /// Hides it if the limit is too small.
    Hide,
    /// Says what is available.
    Say,
}

/// Where the customer's phone is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
enum CustomerPhone {
    /// The shop's ids of customers are their phones.
    #[serde(rename = "externalUserId")]
    ExternalUserId,
}

/// The ways to pay, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Methods {
    list: Vec<Method>,
    utc_offset: UtcOffset,
    customer_phone: Option<CustomerPhone>,
}

/// A way to pay as one cart sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer<'a> {
    /// The way to pay.
    pub method: &'a Method,
    /// The name that the customer reads.
    pub title: &'a str,
    /// A line below the name.
    pub description: Option<&'a str>,
}

impl Methods {
    /// Reads `payments.toml`.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let file::File { method: list, utc_offset, customer_phone } = read(text)?;
        if list.is_empty() {
            let problem = "no [[method]] in it; a shop needs at least one way to pay".to_owned();
            return Err(Mistake { line: 1, column: 1, problem });
        }
        Ok(Self { list, utc_offset, customer_phone })
    }

    /// The file's JSON Schema, for editors.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        file::schema().to_value()
    }

    /// The ways to pay, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Method> {
        self.list.iter()
    }

    /// The method that IMSHOP means: its exact id, else without a leading `webhook/`.
    #[must_use]
    pub fn find(&self, id: &MethodId) -> Option<&Method> {
        let by = |wanted: &str| self.iter().find(|method| method.id.as_str() == wanted);
        by(id.as_str()).or_else(|| by(id.without_prefix()?))
    }

    /// How far the shop's clocks are ahead of UTC.
    #[must_use]
    pub fn utc_offset(&self) -> UtcOffset {
        self.utc_offset
    }

    /// The ways to pay that a cart has, in order.
    #[must_use]
    pub fn offered(&self, facts: &Facts) -> Vec<Offer<'_>> {
        self.iter().filter(|method| method.could_be_offered(facts)).map(|method| method.offer(facts)).collect()
    }

    /// Whether what a cart is offered can depend on its amount, which is not known.
    #[must_use]
    pub fn needs_amount(&self, facts: &Facts) -> bool {
        facts.amount.is_unknown() && self.iter().any(|method| method.could_be_offered(facts) && method.needs_amount(facts))
    }

    /// The customer's phone, if a request says it.
    #[must_use]
    pub fn customer_phone(&self, request: &Request) -> Option<Phone> {
        let id = self.customer_phone.and(request.external_user_id.as_ref()).and_then(|id| id.0.as_ref());
        id.and_then(|id| Phone::parse(id.as_str()).ok()).or_else(|| request.phone.clone())
    }
}

impl Method {
    /// Whether a cart like that may have it: what is not known may be as it must be.
    #[must_use]
    pub fn could_be_offered(&self, facts: &Facts) -> bool {
        self.holds(facts) != Truth::No
    }

    /// Whether showing it takes a question to Mokka.
    #[must_use]
    pub fn asks_mokka(&self) -> bool {
        self.widget.is_some() || self.limit != Limit::Off
    }

    fn holds(&self, facts: &Facts) -> Truth {
        self.when.as_ref().map_or(Truth::Yes, |when| when.holds(facts))
    }

    fn needs_amount(&self, facts: &Facts) -> bool {
        let unknown = |truth| truth == Truth::Unknown;
        unknown(self.holds(facts))
            || self.variants.iter().any(|variant| unknown(variant.when.holds(facts)))
            || self.widget.is_some()
            || self.limit == Limit::Hide
    }

    fn offer(&self, facts: &Facts) -> Offer<'_> {
        let variant = self.variants.iter().find(|variant| variant.when.holds(facts) == Truth::Yes);
        let title = variant.and_then(|variant| variant.title.as_deref()).unwrap_or(&self.title);
        let description = variant.and_then(|variant| variant.description.as_deref()).or(self.description.as_deref());
        Offer { method: self, title, description }
    }
}

/// The methods in order, each with the condition under which it is offered, for a person to read.
impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, method) in self.iter().enumerate() {
            let provider = method.provider.map_or("on delivery", Provider::name);
            write!(f, "{}. {} «{}», {provider}: ", index + 1, method.id, method.title)?;
            match &method.when {
                Some(when) => writeln!(f, "when {when}")?,
                None => writeln!(f, "always")?,
            }
            for variant in &method.variants {
                let texts = [variant.title.as_deref(), variant.description.as_deref()].into_iter().flatten();
                writeln!(f, "   says «{}» when {}", texts.collect::<Vec<_>>().join("», «"), variant.when)?;
            }
        }
        Ok(())
    }
}
