//! What a customer pays with at a gateway that takes several means.

use schemars::JsonSchema;
use serde::Deserialize;

/// A means of payment at a card gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMeans {
    /// A bank card, on the provider's page.
    #[default]
    Card,
    /// The Faster Payments System (СБП): the app opens the customer's bank by a link.
    Sbp,
    /// The same, on the provider's page.
    SbpPage,
    /// SberPay, on the provider's page.
    Sberpay,
    /// What the customer chooses on the provider's page.
    Any,
}

impl PaymentMeans {
    const ALL: [Self; 5] = [Self::Card, Self::Sbp, Self::SbpPage, Self::Sberpay, Self::Any];

    /// The name used in configuration and storage.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Sbp => "sbp",
            Self::SbpPage => "sbp_page",
            Self::Sberpay => "sberpay",
            Self::Any => "any",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|means| means.name() == name)
    }

    /// Whether money can be held by it, and captured later.
    #[must_use]
    pub fn holds(self) -> bool {
        match self {
            Self::Card | Self::Sberpay | Self::Any => true,
            Self::Sbp | Self::SbpPage => false,
        }
    }
}
