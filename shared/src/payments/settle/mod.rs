//! `settle`: asks the provider what became of a payment and drives it forward. The only logic behind `capture`, the
//! provider's callback, the customer's return and the scheduled reconciliation. [`Settler::operate`] does what the shop's
//! people ask for, by the same steps.
//!
//! Round trips when nothing is in the way: one Status; on a new hold one write, one read of the order, one Finish, one write (a
//! Change instead of the Finish, where the hold waits for the goods); on any other news one write. Of a payment that is over none,
//! unless the provider itself or a person asks, another attempt is to be opened after one that failed, or one of its audit looks is
//! due: then one Status.

mod approval;
mod close;
mod execute;
mod operate;
mod scheduled;

use std::time::Duration;

use crate::payments::gateway::Gateways;
use crate::payments::payment::{Change, Next, Order, Payment, Policy, ProviderReport, ReportedState, State, Trigger, next};
use crate::payments::store::Orders;
use crate::platform::clock::{Clock, Deadline, Random, Timestamp};
use crate::platform::dynamodb::{RECORDING, StoreError, client_from_env};
use crate::platform::env::Env;
use crate::platform::ids::PaymentId;
use crate::platform::metrics::Metrics;
use crate::platform::outbound::Http;

pub use operate::CommandOutcome;

/// How often another request's call is looked at again.
const LEASE_POLL: Duration = Duration::from_millis(120);
/// How long another request's call is waited for.
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
    /// This is how the payment stands: the provider has just said so, or it is final.
    Known(Payment),
    /// The provider does not have the attempt, or we do not have its page: only `create` can do something about it.
    Unregistered(Payment),
    /// The provider could not be asked, or another request has the lease: this is how the payment stood last.
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

    /// The same, for keeps.
    #[must_use]
    pub fn into_payment(self) -> Payment {
        match self {
            Self::Known(payment) | Self::Unregistered(payment) | Self::InDoubt(payment) => payment,
        }
    }
}

impl Settler {
    /// Reads the store's settings and every provider's.
    pub fn from_env(env: &mut Env, clock: Clock, random: Random, http: Http, metrics: Metrics) -> Option<Self> {
        let client = client_from_env(env);
        let orders = client.and_then(|client| Orders::from_env(env, client, random, clock.clone(), metrics));
        let gateways = Gateways::from_env(env, http, &clock);
        Some(Self { orders: orders?, gateways: gateways?, clock })
    }

    /// A payment read again until no other request is calling the provider for it, or patience runs out.
    pub async fn wait_for_lease(&self, payment: Payment, deadline: Deadline) -> Result<Payment, StoreError> {
        let patience = Deadline::within(deadline.allows(PATIENCE).unwrap_or_default());
        let mut payment = payment;
        while payment.is_leased(self.clock.now()) && patience.allows(LEASE_POLL).is_some() {
            tokio::time::sleep(LEASE_POLL).await;
            payment = self.reread(payment).await?;
        }
        Ok(payment)
    }

    async fn reread(&self, payment: Payment) -> Result<Payment, StoreError> {
        let id: &PaymentId = &payment.id;
        Ok(self.orders.payment(id).await?.unwrap_or(payment))
    }

    /// Asks the provider and drives the payment forward, at most one call that changes something a run.
    pub async fn settle(&self, payment: Payment, by: Trigger<'_>, deadline: Deadline) -> Result<Settled, StoreError> {
        let mut payment = payment;
        let mut acted = false;
        for _ in 0..ROUNDS {
            payment = self.wait_for_lease(payment, deadline).await?;
            // A run makes one call that changes something: what is over after it is returned, not asked about again.
            if is_over(&payment, by, self.clock.now()) || acted && payment.is_over() {
                return Ok(Settled::Known(payment));
            }
            if payment.is_leased(self.clock.now()) {
                return Ok(Settled::InDoubt(payment));
            }
            let Some(report) = self.ask(&payment, deadline).await else { return Ok(Settled::InDoubt(payment)) };
            payment = payment.with_report(&report, self.clock.now());
            payment.poll.unreachable_since = None;
            let policy = self.gateways.policy(&payment);
            let now = self.clock.now();
            let next = next(&payment, &report, policy, now);
            let due_refund = payment.due_refund(now).filter(|_| next == Next::Wait && report.state.is_captured());
            let calls = matches!(next, Next::Capture | Next::Extend | Next::Repeat | Next::Release) || due_refund.is_some();
            if calls && acted {
                if let Some(reason) = payment.reason.as_ref().filter(|_| !payment.unknown) {
                    tracing::error!(?reason, "the provider refuses what is to be done: needs manual review");
                }
                return Ok(Settled::InDoubt(payment));
            }
            acted |= calls;
            let saved = match next {
                Next::Wait if let Some(index) = due_refund => {
                    Box::pin(self.make_scheduled(payment.clone(), index, by, deadline)).await?
                }
                Next::Wait if payment.has_news_for_people() && by.is_explicit() => {
                    // The back office asks, and by name.
                    let seen = self.orders.save_payment(payment.clone().acknowledged(by, now)).await?;
                    return Ok(Settled::Known(seen.unwrap_or(payment)));
                }
                // The provider's state is not recognised, and no other attempt may be opened on that.
                Next::Wait if by == Trigger::Create && matches!(report.state, ReportedState::Unrecognised(_)) => {
                    return Ok(Settled::InDoubt(payment));
                }
                Next::Wait => return Ok(Settled::Known(payment)),
                Next::Register => return Ok(Settled::Unregistered(payment)),
                Next::Mismatch(what) if payment.mismatch.as_ref() == Some(&what) => return Ok(Settled::Known(payment)),
                // The repeat is not due yet.
                Next::Capture | Next::Repeat if is_tried(&payment) && !payment.may_repeat(by, now) => {
                    return Ok(Settled::Known(payment));
                }
                Next::Release if !payment.may_repeat(by, now) => return Ok(Settled::Known(payment)),
                Next::Capture => Box::pin(self.lease_and_execute(payment.clone().finishing(by, now), by, deadline)).await?,
                Next::Extend => Box::pin(self.extend(payment.clone(), by, deadline)).await?,
                Next::Repeat => Box::pin(self.lease_and_execute(payment.clone().repeating(now), by, deadline)).await?,
                Next::Release => Box::pin(self.lease_and_execute(payment.clone().releasing(by, now), by, deadline)).await?,
                news @ (Next::Move(_)
                | Next::Done
                | Next::Dropped(_)
                | Next::GivenBack(_)
                | Next::Closed
                | Next::Mismatch(_)
                | Next::MatchesAgain) => Box::pin(self.record(payment.clone(), news, by)).await?,
            };
            if let Some(saved) = saved.as_ref().filter(|saved| says_all(saved, &report, self.gateways.policy(saved), now)) {
                return Ok(Settled::Known(saved.clone()));
            }
            payment = match saved {
                Some(saved) => saved,
                // Another request wrote first, and its write counts.
                None => self.reread(payment).await?,
            };
        }
        Ok(Settled::InDoubt(payment))
    }

    /// Has the provider hold the same for as long as a hold may wait for the goods: so far it ends with the form. Nothing if somebody
    /// else wrote first.
    async fn extend(&self, payment: Payment, by: Trigger<'_>, deadline: Deadline) -> Result<Option<Payment>, StoreError> {
        let now = self.clock.now();
        let valid_till = payment.valid_till.max(now.plus(self.gateways.get(&payment.provider).hold_for()));
        let lines = match self.order_of(&payment).await {
            Ok(Order { lines, .. }) => lines,
            // The hold is worth more than the list of its goods.
            Err(StoreError::Unreadable { key, cause }) => {
                tracing::error!(key, cause, "a hold is extended without its goods: its order cannot be read");
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        tracing::info!(from = payment.state.name(), by = %by, until = valid_till.rfc3339(), "payment held; its hold is being extended");
        let change = Change { amount: payment.amount, valid_till, lines };
        Box::pin(self.lease_and_execute(payment.extending(change, by, now), by, deadline)).await
    }

    /// The provider's Status; nothing if it cannot be asked.
    pub async fn ask(&self, payment: &Payment, deadline: Deadline) -> Option<ProviderReport> {
        match self.gateways.get(&payment.provider).status(payment, deadline.before(RECORDING)).await {
            Ok(report) => {
                tracing::debug!(reported = ?report.state, state = payment.state.name(), "the provider's status");
                Some(report)
            }
            Err(cause) => {
                tracing::warn!(cause = %cause, "the provider's status could not be asked");
                None
            }
        }
    }

    /// Writes down what the provider said. Nothing if another request wrote first.
    async fn record(&self, payment: Payment, news: Next, by: Trigger<'_>) -> Result<Option<Payment>, StoreError> {
        let now = self.clock.now();
        match news {
            Next::Move(state) => {
                tracing::info!(from = payment.state.name(), to = state.name(), by = %by, "payment moved");
                self.orders.save_payment(payment.moved(state, by, now)).await
            }
            Next::Done => self.save_done(payment, by).await,
            Next::Dropped(reason) => {
                tracing::warn!(reason = reason.code, "the provider has refused what it had accepted");
                self.orders.save_payment(payment.intent_dropped(&reason, by, now)).await
            }
            Next::GivenBack(amount) => {
                tracing::warn!(amount_minor = amount.minor(), by = %by, "money was given back in the provider's cabinet");
                self.orders.save_payment(payment.given_back(amount, by, now)).await
            }
            Next::Mismatch(what) => {
                tracing::error!(what, "a payment does not match its order: needs manual review");
                self.orders.save_payment(Payment { mismatch: Some(what), ..payment }).await
            }
            Next::MatchesAgain => {
                tracing::info!(by = %by, "a payment matches its order again");
                self.orders.save_payment(Payment { mismatch: None, ..payment }).await
            }
            Next::Closed => {
                tracing::info!(by = %by, "a withdrawn payment can no longer be paid");
                self.orders.save_payment(payment.closed()).await
            }
            Next::Wait | Next::Register | Next::Capture | Next::Repeat | Next::Release | Next::Extend => Ok(Some(payment)),
        }
    }
}

/// Nothing is left to ask the provider. A caller that asks for it by name gets the provider's word all the same; so does the provider
/// itself, which has something to say; before another attempt is opened, the one that failed is asked for once more; and an audit look
/// finds what was done in the provider's own cabinet.
fn is_over(payment: &Payment, by: Trigger<'_>, now: Timestamp) -> bool {
    let asks_again = match by {
        Trigger::BackOffice(_) | Trigger::Callback => true,
        Trigger::Create => payment.state.is_failed(),
        Trigger::Schedule => payment.is_audit_due(now) || payment.due_refund(now).is_some(),
        Trigger::Capture | Trigger::Return => false,
    };
    payment.is_over() && !asks_again
}

/// What a card gateway has said leaves nothing to be done or asked about a payment as it has been written down.
fn says_all(saved: &Payment, report: &ProviderReport, policy: Policy, now: Timestamp) -> bool {
    report.sums.is_some() && !saved.is_leased(now) && next(saved, report, policy, now) == Next::Wait
}

/// The provider was asked already to do what is to be done.
fn is_tried(payment: &Payment) -> bool {
    payment.state == State::Finishing || payment.intent.is_some()
}
