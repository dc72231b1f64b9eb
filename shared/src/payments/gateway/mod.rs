//! What a payment needs of its provider. A new gateway is a file here and a line in [`Gateways::get`].

mod contract;
pub mod mokka;

use std::sync::Arc;

use crate::payments::payment::{Payment, Policy, Provider};

pub use contract::{Gateway, Registration, Unknown, Urls};

/// The configured gateways.
#[derive(Clone, Debug)]
pub struct Gateways {
    mokka: Arc<mokka::MokkaGateway>,
}

impl Gateways {
    /// The gateways that this installation has.
    #[must_use]
    pub fn new(mokka: mokka::MokkaGateway) -> Self {
        Self { mokka: Arc::new(mokka) }
    }

    #[must_use]
    pub fn get(&self, provider: Provider) -> &dyn Gateway {
        match provider {
            Provider::Mokka => self.mokka.as_ref(),
        }
    }

    /// When a hold of this payment is captured. One whose customer is still to pay the shop a part waits for the shop's `finish`.
    #[must_use]
    pub fn policy(&self, payment: &Payment) -> Policy {
        if payment.is_prepaid_afterwards() { Policy::OnShipment } else { self.get(payment.provider).policy() }
    }

    /// Whether this payment is paid for IMSHOP once it is held. Whether the customer has paid the shop its part, too, is the shop's to say.
    #[must_use]
    pub fn hold_counts_as_paid(&self, payment: &Payment) -> bool {
        self.policy(payment) == Policy::OnShipment && !payment.is_prepaid_afterwards()
    }

    /// Mokka's, for what only Mokka has: signed callbacks, limits, schedules.
    #[must_use]
    pub fn mokka(&self) -> &mokka::MokkaGateway {
        &self.mokka
    }
}
