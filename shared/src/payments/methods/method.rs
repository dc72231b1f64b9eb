//! One way to pay, as operations configure it, and as one cart sees it.

use schemars::JsonSchema;

use super::condition::Condition;
use super::facts::Facts;
use super::truth::Truth;
use crate::payments::imshop::payments::PaymentType;
use crate::payments::payment::{GatewayName, PaymentMeans};
use crate::platform::config::within;
use crate::platform::ids::MethodId;

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
    /// The gateway that takes the money; none for payment on delivery.
    pub provider: Option<GatewayName>,
    /// What the customer pays with, at a card gateway.
    pub means: PaymentMeans,
    /// The money is held first, and captured or let go later. Never of payment on delivery, always of Mokka.
    pub two_stage: bool,
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
pub(super) enum CustomerPhone {
    /// The shop's ids of customers are their phones.
    #[serde(rename = "externalUserId")]
    ExternalUserId,
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

    pub(super) fn needs_amount(&self, facts: &Facts) -> bool {
        let unknown = |truth| truth == Truth::Unknown;
        unknown(self.holds(facts))
            || self.variants.iter().any(|variant| unknown(variant.when.holds(facts)))
            || self.widget.is_some()
            || self.limit == Limit::Hide
    }

    pub(super) fn offer(&self, facts: &Facts) -> Offer<'_> {
        let variant = self.variants.iter().find(|variant| variant.when.holds(facts) == Truth::Yes);
        let title = variant.and_then(|variant| variant.title.as_deref()).unwrap_or(&self.title);
        let description = variant.and_then(|variant| variant.description.as_deref()).or(self.description.as_deref());
        Offer { method: self, title, description }
    }
}
