//! A prepayment: as the shop says it, and as a payment keeps it.

use crate::platform::money::Money;

/// How an order is prepaid, as the shop says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepayment {
    /// It is paid already.
    Made(Money),
    /// The customer chooses it on the provider's form and pays it afterwards on this page of the shop's.
    After(String),
    /// The shop has said something of it that cannot be read: the order is not paid before it says it anew.
    Unclear,
}

/// A payment's prepayment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepaid {
    /// How much; nothing as long as only the customer knows, who chooses it on the provider's form.
    pub amount: Option<Money>,
    /// The shop's page on which it is paid after the form.
    pub page: Option<String>,
    /// An authentic callback has said that so much is prepaid: only then may an amount of the provider's contain it.
    pub confirmed: bool,
    /// How the provider names the payment's amounts, once it has named one.
    pub named: Option<Named>,
}

/// How the provider names the amount of an order that is prepaid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// What it takes.
    Rest,
    /// That and the prepayment.
    Whole,
}

impl Named {
    /// Both ways.
    pub const ALL: [Self; 2] = [Self::Rest, Self::Whole];

    /// The name used in storage.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Whole => "whole",
        }
    }

    /// The way of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|named| named.name() == name)
    }

    /// The other way.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Rest => Self::Whole,
            Self::Whole => Self::Rest,
        }
    }
}

impl Prepaid {
    /// The prepayment of a new attempt to pay an order that costs `whole`, and what is left for the provider.
    pub(super) fn of(prepayment: Option<&Prepayment>, whole: Money) -> (Option<Self>, Money) {
        match prepayment {
            // What is unclear leaves the order without an amount.
            None | Some(Prepayment::Unclear) => (None, whole),
            Some(Prepayment::After(page)) => {
                (Some(Self { amount: None, page: Some(page.clone()), confirmed: false, named: None }), whole)
            }
            Some(Prepayment::Made(prepaid)) => match minus(whole, *prepaid) {
                Some(rest) => (Some(Self { amount: Some(*prepaid), page: None, confirmed: false, named: None }), rest),
                // It is checked when the order is recorded.
                None => (None, whole),
            },
        }
    }
}

/// What is left of `whole`; nothing if nothing is.
pub(super) fn minus(whole: Money, part: Money) -> Option<Money> {
    let is_part = whole.currency() == part.currency() && part.minor() < whole.minor();
    is_part.then(|| Money::from_minor(whole.minor() - part.minor(), whole.currency()).ok()).flatten()
}
