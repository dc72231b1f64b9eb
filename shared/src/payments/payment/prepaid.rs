//! What a customer pays the shop beside what the provider takes (document "Checkout", the two ways of a prepayment).
//!
//! A payment's amount is what the provider takes, and what it gives back. By the document Status and the callback name that; whether Finish and
//! Change do is open. A Status that names the whole order is taken for one that names the prepayment with it only after an authentic callback
//! has said the prepayment: a provider that knows of none has lent the customer everything. The first amount that is so named tells which way it
//! is; from then on only this way of naming is one.

use super::data::Payment;
use super::events::AMOUNT_CORRECTED;
use super::prepayment::{Named, Prepaid, minus};
use super::report::{ProviderReport, ReportedState};
use super::state::{State, Trigger};
use crate::platform::clock::Timestamp;
use crate::platform::money::Money;

/// What a callback says of the amounts. Only the split of what is known to be paid is taken from it.
#[derive(Clone, Copy, Debug)]
pub struct Split {
    /// What is paid in instalments, or all.
    pub amount: Option<Money>,
    /// What is prepaid.
    pub prepayment: Option<Money>,
    /// All.
    pub total: Option<Money>,
}

impl Payment {
    /// What is prepaid, as far as it is known.
    #[must_use]
    pub fn prepayment(&self) -> Option<Money> {
        self.prepaid.as_ref().and_then(|prepaid| prepaid.amount)
    }

    /// What the order costs of which `part` is this payment's: with what is prepaid.
    #[must_use]
    pub fn with_prepayment(&self, part: Money) -> Money {
        self.prepayment().and_then(|prepaid| part.plus(prepaid).ok()).unwrap_or(part)
    }

    /// The customer is still to pay the shop a part of the order on the shop's own page: only the shop knows when that is done, and what
    /// the provider holds is captured when the shop says so.
    #[must_use]
    pub fn is_prepaid_afterwards(&self) -> bool {
        self.prepaid.as_ref().is_some_and(|prepaid| prepaid.page.is_some())
    }

    /// What the provider calls `amount` of this payment, or would call it in the `other` way.
    #[must_use]
    pub fn named(&self, amount: Money, other: bool) -> Money {
        let named = self.prepaid.as_ref().and_then(|prepaid| prepaid.named).unwrap_or(Named::Rest);
        match if other { named.other() } else { named } {
            Named::Rest => amount,
            Named::Whole => self.with_prepayment(amount),
        }
    }

    /// Whether the provider means `amount` of this payment by `said`.
    #[must_use]
    pub fn is_called(&self, amount: Money, said: Money) -> bool {
        match &self.prepaid {
            Some(Prepaid { named: None, confirmed: true, .. }) => said == amount || said == self.with_prepayment(amount),
            Some(_) | None => said == self.named(amount, false),
        }
    }

    /// This payment after the provider has named its amount for the first time: when the money is held, and nothing was given back yet.
    #[must_use]
    pub(super) fn with_reported_amount(mut self, report: &ProviderReport) -> Self {
        if !report.is_of(&self) {
            return self;
        }
        let is_money = matches!(report.state, ReportedState::Held | ReportedState::Captured | ReportedState::Refunded);
        let is_new = self.refunds.is_empty() && !self.withdrawn && !self.state.is_failed();
        let (Some(prepaid), Some(said), true) = (&mut self.prepaid, report.amount, is_money && is_new) else { return self };
        if prepaid.named.is_some() || said.is_zero() {
            return self;
        }
        match prepaid.amount {
            Some(_) if said == self.amount => prepaid.named = Some(Named::Rest),
            Some(part) if prepaid.confirmed && self.amount.plus(part) == Ok(said) => prepaid.named = Some(Named::Whole),
            // The customer has chosen it, and what is left is what is held.
            None if report.state == ReportedState::Held && matches!(self.state, State::Creating | State::Pending) => {
                if let Some(part) = minus(self.amount, said) {
                    (prepaid.amount, prepaid.named, self.amount) = (Some(part), Some(Named::Rest), said);
                }
            }
            Some(_) | None => {}
        }
        self
    }

    /// This payment after an authentic callback has said what is prepaid: what the customer chose on the form, or what we said ourselves.
    /// Nothing if that was known, is nothing, or does not add up to what the order costs: then the provider's status alone decides.
    #[must_use]
    pub fn split(&self, split: Split, by: Trigger<'_>, now: Timestamp) -> Option<Self> {
        let mut next = self.split_at_rest(split).filter(|_| self.intent.is_none())?;
        if next.state.is_settled() && next.amount != self.amount {
            // The shop has heard of another amount.
            next.push(Some(AMOUNT_CORRECTED.to_owned()), None, by, now);
        }
        Some(next)
    }

    /// The callback says what is prepaid, and it can only be noted once what is under way is over.
    #[must_use]
    pub fn must_wait_for_split(&self, split: Split) -> bool {
        self.intent.is_some() && self.split_at_rest(split).is_some()
    }

    fn split_at_rest(&self, split: Split) -> Option<Self> {
        let prepaid = self.prepaid.as_ref().filter(|prepaid| !prepaid.confirmed)?;
        let part = split.prepayment.filter(|part| !part.is_zero())?;
        let (whole, rest) = match prepaid.amount {
            Some(known) if known == part => (self.with_prepayment(self.amount), self.amount),
            // What Status has told before counts.
            Some(_) => return None,
            None => (self.amount, minus(self.amount, part)?),
        };
        let adds_up =
            split.total.is_none_or(|total| total == whole) && split.amount.is_none_or(|amount| amount == rest || amount == whole);
        let is_open = self.refunds.is_empty() && !self.withdrawn && !self.state.is_failed();
        // Of what was heard of before the part was known, the amount was the whole.
        let named = if prepaid.amount.is_none() && self.state.is_settled() { Some(Named::Whole) } else { prepaid.named };
        let prepaid = Prepaid { amount: Some(part), confirmed: true, named, ..prepaid.clone() };
        (adds_up && is_open).then(|| Self { amount: rest, prepaid: Some(prepaid), ..self.clone() })
    }
}
