//! What a payment needs of its provider. A new kind of gateway is a file here and an arm where [`Gateways`] are read.

mod configured;
mod contract;
mod missing;
pub mod mokka;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::payments::payment::{GatewayName, Payment, Policy};

pub use configured::Configured;
pub(crate) use configured::configured;
pub use contract::{Gateway, Registration, Unknown, Urls};
use missing::Missing;

/// The configured gateways, by their names.
#[derive(Clone, Debug)]
pub struct Gateways {
    mokka: Arc<mokka::MokkaGateway>,
    others: BTreeMap<GatewayName, Arc<dyn Gateway>>,
}

impl Gateways {
    /// Mokka, which each installation has, and the others that this one has.
    #[must_use]
    pub fn new(mokka: mokka::MokkaGateway, others: BTreeMap<GatewayName, Arc<dyn Gateway>>) -> Self {
        Self { mokka: Arc::new(mokka), others }
    }

    /// The gateway of that name. A payment may outlive its gateway's configuration: then nothing can be asked or done at its provider, and
    /// the payment goes to manual review.
    #[must_use]
    pub fn get(&self, name: &GatewayName) -> &dyn Gateway {
        if name.is_mokka() {
            return self.mokka.as_ref();
        }
        self.others.get(name).map_or(&Missing, Arc::as_ref)
    }

    /// When a hold of this payment is captured. One whose customer is still to pay the shop a part waits for the shop's `finish`.
    #[must_use]
    pub fn policy(&self, payment: &Payment) -> Policy {
        if payment.is_prepaid_afterwards() { Policy::OnShipment } else { self.get(&payment.provider).policy() }
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
