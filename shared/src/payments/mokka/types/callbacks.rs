//! What Mokka calls us back with. Only hints: the truth is a Status call. So everything in them is optional, and what cannot
//! be read is as if it were absent. They hold a customer's data, so they cannot be printed.

use serde::Deserialize;

use super::values::{Decision, ScheduledPayment, optional_number};
use crate::platform::money::Decimal;
use crate::platform::wire::Lenient;

/// Checkout's callback (document "Checkout", "Callback parameters"; its sample, corrected to valid JSON).
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CheckoutCallback {
    /// Ours, hopefully.
    pub order_id: Lenient<String>,
    /// Whether the instalments are granted.
    pub decision: Lenient<Decision>,
    /// What is paid in instalments, in roubles; zero if declined.
    pub amount: Lenient<Decimal>,
    /// What was paid before, in roubles.
    pub prepayment_amount: Lenient<Decimal>,
    /// Both together, in roubles.
    pub total_amount: Lenient<Decimal>,
    /// For how many months.
    #[serde(deserialize_with = "optional_number")]
    pub term: Option<u32>,
    /// The customer.
    pub client: Lenient<CallbackClient>,
    /// What the customer pays when; empty if declined.
    pub schedule: Lenient<Vec<ScheduledPayment>>,
    /// Mokka's price, each month, in roubles.
    pub monthly_overpayment: Lenient<Decimal>,
    /// Where some deployments put the e-mail; read it by [`CheckoutCallback::email`].
    pub email: Lenient<String>,
}

impl CheckoutCallback {
    /// The customer's e-mail: `client.primary_email` (the document's table), else `client.email` (its sample), else `email`.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        let client = self.client.0.as_ref();
        let places = [client.map(|client| &client.primary_email), client.map(|client| &client.email), Some(&self.email)];
        places.into_iter().flatten().find_map(|place| place.0.as_deref().map(str::trim).filter(|email| !email.is_empty()))
    }
}

/// The customer of a [`CheckoutCallback`].
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CallbackClient {
    /// Ten digits.
    pub primary_phone: Lenient<String>,
    /// The e-mail's place in the document's table.
    pub primary_email: Lenient<String>,
    /// The e-mail's place in the document's sample.
    pub email: Lenient<String>,
    /// Surname, first name and patronymic.
    pub full_name: Lenient<String>,
    pub first_name: Lenient<String>,
    pub surname: Lenient<String>,
    pub patronymic: Lenient<String>,
}

/// Registration's callback (document "Registration", "callback parameters"). It never finalises anything.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RegistrationCallback {
    /// Ours, hopefully.
    pub order_id: Lenient<String>,
    /// Whether the customer has a limit.
    pub decision: Lenient<Decision>,
    /// The limit, in roubles; zero if declined.
    pub amount: Lenient<Decimal>,
    /// The customer's phone: ten digits in the document's table, eleven in its sample.
    pub mobile_phone: Lenient<String>,
    /// The customer's e-mail.
    pub email: Lenient<String>,
}
