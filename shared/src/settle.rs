//! `settle`: asks the provider what became of a payment and drives it forward. The only logic behind `capture`, the
//! provider's callback and the customer's return.
//!
//! Round trips when nothing is in the way: one Status; on a new hold one write, one read of the order, one Finish, one write;
//! on any other news one write.

use std::time::Duration;

use crate::clock::{Clock, Deadline, Random};
use crate::env::Env;
use crate::gateway::mokka::MokkaGateway;
use crate::gateway::{Gateway, Gateways};
use crate::ids::PaymentId;
use crate::payment::{Capture, Next, Payment, State, Trigger, next};
use crate::store::{Orders, RECORDING, StoreError, client_from_env};

/// How often somebody else's call is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(120);
/// How long somebody else's call is waited for.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often one run may lose a conditional write, which only happens when others make progress.
const ROUNDS: u32 = 8;

/// What is needed to settle a payment.
#[derive(Clone, Debug)]
pub struct Settler {
    /// Orders and payments.
    pub orders: Orders,
    /// The providers.
    pub gateways: Gateways,
    /// The time.
    pub clock: Clock,
}

/// How far a payment could be settled.
#[derive(Debug)]
pub enum Settled {
    /// This is how the payment stands, by the provider's word now or because it is final.
    Known(Payment),
    /// The provider does not have the attempt, or we do not have its page: only `create` can do something about it.
    Unregistered(Payment),
    /// The provider could not be asked, or somebody else is at it: this is how the payment stood last.
    InDoubt(Payment),
}

impl Settled {
    /// The payment as far as it is known.
    #[must_use]
    pub fn payment(&self) -> &Payment {
        match self {
            Self::Known(payment) | Self::Unregistered(payment) | Self::InDoubt(payment) => payment,
        }
    }
}

impl Settler {
    /// Reads the store's settings and every provider's.
    pub fn from_env(env: &mut Env, clock: Clock, random: Random, http: reqwest::Client) -> Option<Self> {
        let client = client_from_env(env);
        let orders = client.and_then(|client| Orders::from_env(env, client, random));
        let mokka = MokkaGateway::from_env(env, http, clock.clone());
        Some(Self { orders: orders?, gateways: Gateways::new(mokka?), clock })
    }

    /// A payment read again until nobody else is calling the provider for it, or patience runs out.
    pub async fn wait_for_lease(&self, payment: Payment, deadline: Deadline) -> Result<Payment, StoreError> {
        let patience = Deadline::within(deadline.allows(PATIENCE).unwrap_or_default());
        let mut payment = payment;
        while payment.is_leased(self.clock.now()) && patience.allows(LOOK_AGAIN).is_some() {
            tokio::time::sleep(LOOK_AGAIN).await;
            payment = self.reread(payment).await?;
        }
        Ok(payment)
    }

    async fn reread(&self, payment: Payment) -> Result<Payment, StoreError> {
        let id: &PaymentId = &payment.id;
        Ok(self.orders.payment(id).await?.unwrap_or(payment))
    }

    /// Asks the provider and drives the payment forward, at most one capture a run.
    pub async fn settle(&self, payment: Payment, by: Trigger, deadline: Deadline) -> Result<Settled, StoreError> {
        let mut payment = payment;
        let mut captured = false;
        for _ in 0..ROUNDS {
            payment = self.wait_for_lease(payment, deadline).await?;
            if payment.state.is_settled() {
                return Ok(Settled::Known(payment));
            }
            if payment.is_leased(self.clock.now()) {
                return Ok(Settled::InDoubt(payment));
            }
            let gateway = self.gateways.get(payment.provider);
            let report = match gateway.status(&payment, deadline.before(RECORDING)).await {
                Ok(report) => report,
                Err(cause) => {
                    tracing::warn!(cause = %cause, "the provider's status could not be asked");
                    return Ok(Settled::InDoubt(payment));
                }
            };
            tracing::debug!(reported = ?report.state, state = payment.state.name(), "the provider's status");
            let now = self.clock.now();
            let saved = match next(&payment, &report, gateway.policy(), now) {
                Next::Wait => return Ok(Settled::Known(payment)),
                Next::Register => return Ok(Settled::Unregistered(payment)),
                Next::Mismatch(what) if payment.mismatch.as_ref() == Some(&what) => return Ok(Settled::Known(payment)),
                Next::Mismatch(what) => {
                    tracing::error!(what, "a payment does not match its order; a person must look");
                    self.orders.save_payment(Payment { mismatch: Some(what), ..payment.clone() }).await?
                }
                Next::Move(state) => {
                    tracing::info!(from = payment.state.name(), to = state.name(), by = by.name(), "payment moved");
                    self.orders.save_payment(payment.clone().moved(state, by, now)).await?
                }
                Next::Capture if captured => {
                    tracing::error!(reason = ?payment.reason, "the money is held and its capture is refused; a person must look");
                    return Ok(Settled::InDoubt(payment));
                }
                Next::Capture => {
                    let intent = payment.clone().moved(State::Held, by, now).moved(State::Finishing, by, now).leased(now);
                    match self.orders.save_payment(intent).await? {
                        None => None,
                        Some(leased) => {
                            captured = true;
                            self.capture(gateway, leased, by, deadline).await?
                        }
                    }
                }
            };
            payment = match saved {
                Some(saved) => saved,
                // Somebody else wrote first; what they wrote is what counts.
                None => self.reread(payment).await?,
            };
        }
        Ok(Settled::InDoubt(payment))
    }

    /// Captures under the lease and records how it came out.
    async fn capture(
        &self,
        gateway: &dyn Gateway,
        payment: Payment,
        by: Trigger,
        deadline: Deadline,
    ) -> Result<Option<Payment>, StoreError> {
        let Some(order) = self.orders.order(&payment.order_uuid).await? else {
            return Err(StoreError::Unreadable {
                key: payment.order_uuid.to_string(),
                cause: "the payment's order is gone".to_owned(),
            });
        };
        let outcome = gateway.capture(&order, &payment, deadline.before(RECORDING)).await;
        let after = match outcome {
            Ok(Capture::Done) => {
                tracing::info!(amount_minor = payment.amount.minor(), by = by.name(), "payment captured");
                payment.moved(State::Captured, by, self.clock.now())
            }
            Ok(Capture::Refused(reason)) => payment.refused(reason),
            Err(cause) => {
                tracing::warn!(cause = %cause, "the capture had no clear answer");
                payment.in_doubt()
            }
        };
        self.orders.save_payment(after).await
    }
}
