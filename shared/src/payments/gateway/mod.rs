//! What a payment needs of its provider. A new kind of gateway is a file here and an arm where [`Gateways`] are read.

mod configured;
mod contract;
mod missing;
pub mod mokka;
pub mod yookassa;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::payments::methods::GatewayKind;
use crate::payments::payment::{GatewayName, Payment, Policy};
use crate::platform::clock::Clock;
use crate::platform::env::Env;
use crate::platform::outbound::Http;

pub use configured::Configured;
pub use contract::{
    Abilities, Call, CardGateway, Delivered, Gateway, News, Notification, OwnPayment, Registration, Unknown, Urls,
};
use missing::Missing;

/// The configured gateways, by their names.
#[derive(Clone, Debug)]
pub struct Gateways {
    mokka: Arc<mokka::MokkaGateway>,
    others: BTreeMap<GatewayName, Arc<dyn CardGateway>>,
}

impl Gateways {
    /// Reads Mokka's settings and those of the gateways in `payments.toml`.
    pub fn from_env(env: &mut Env, http: Http, clock: &Clock) -> Option<Self> {
        let configured = configured::configured(env);
        let others =
            configured.map(|all| all.into_iter().map(|one| (one.name.clone(), card_gateway(one, &http, clock))).collect());
        let mokka = mokka::MokkaGateway::from_env(env, http, clock.clone());
        Some(Self { mokka: Arc::new(mokka?), others: others? })
    }

    /// The gateway of that name. A payment may outlive its gateway's configuration: then nothing can be asked or done at its provider, and
    /// the payment goes to manual review.
    #[must_use]
    pub fn get(&self, name: &GatewayName) -> &dyn Gateway {
        if name.is_mokka() {
            return self.mokka.as_ref();
        }
        match self.others.get(name) {
            Some(gateway) => gateway.as_ref(),
            None => &Missing,
        }
    }

    /// Whether there is a gateway of that name.
    #[must_use]
    pub fn has(&self, name: &GatewayName) -> bool {
        name.is_mokka() || self.others.contains_key(name)
    }

    /// The card gateway of that name.
    #[must_use]
    pub fn card(&self, name: &GatewayName) -> Option<&dyn CardGateway> {
        self.others.get(name).map(Arc::as_ref)
    }

    /// When a hold of this payment is captured. One whose customer is still to pay the shop a part waits for the shop's `finish`.
    #[must_use]
    pub fn policy(&self, payment: &Payment) -> Policy {
        if payment.is_prepaid_afterwards() {
            Policy::OnShipment
        } else if payment.two_stage {
            self.get(&payment.provider).policy()
        } else {
            // It should not be held at all.
            Policy::OnHold
        }
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

fn card_gateway(configured: Configured, http: &Http, clock: &Clock) -> Arc<dyn CardGateway> {
    match configured.section.kind {
        GatewayKind::Yookassa => Arc::new(yookassa::YookassaGateway::new(configured, http.clone(), clock.clone())),
    }
}
