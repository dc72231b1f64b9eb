//! A registration as Mokka keeps it.

use serde::Serialize;

use super::limits::Limit;
use super::order::Decision;
use crate::money::Kopecks;

/// A registration, with what a test wants to know about it.
#[derive(Clone, Debug, Serialize)]
pub struct MokkaRegistration {
    /// The shop's id of it.
    pub order_id: String,
    /// The decision on the limit; `None` until there is one.
    pub decision: Option<Decision>,
    /// The limit granted, in rubles with two decimals; "0.00" until there is one.
    pub amount: String,
    /// How many Registrations were accepted for it.
    pub registrations: u32,
    /// The answers to the callbacks sent, oldest first; 0 where none came.
    pub callbacks: Vec<u16>,
    /// Where the decision is sent.
    pub callback_url: String,
    /// Where the customer goes back to.
    pub redirect_url: String,
    /// The secret part of the form's address; a repeated Registration makes a new one.
    pub form_token: String,
    /// The form's whole address.
    pub form_url: String,
    /// The customer's phone, once one was named; ten digits.
    pub primary_phone: Option<String>,
    /// The customer's e-mail.
    pub primary_email: Option<String>,
}

/// What a decision on a registration came to, and what our callback URL said to it.
#[derive(Clone, Debug, Serialize)]
pub struct DecidedRegistration {
    /// The registration.
    pub order_id: String,
    /// The decision now.
    pub decision: Option<Decision>,
    /// The limit granted, in rubles with two decimals.
    pub amount: String,
    /// The HTTP statuses of the callbacks sent, in order; 0 where no answer came.
    pub callbacks: Vec<u16>,
}

impl MokkaRegistration {
    /// What comes of it for a customer with this limit.
    pub(super) fn judge(&mut self, limit: Limit) {
        self.decision = Some(if limit.amount == Kopecks(0) { Decision::Declined } else { Decision::Approved });
        self.amount = limit.amount.to_string();
    }

    /// The limit is refused, or the customer refuses it.
    pub(super) fn decline(&mut self) {
        self.decision = Some(Decision::Declined);
    }
}
