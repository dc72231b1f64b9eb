//! A gateway that the configuration has lost while payments of it are live.

use std::time::Duration;

use async_trait::async_trait;

use super::contract::{Abilities, Call, Delivered, Gateway, Registration, Unknown, Urls};
use crate::payments::payment::{Change, KeyedRequest, Order, Payment, Policy, ProviderOutcome, ProviderReport};
use crate::platform::clock::{Deadline, Timestamp};
use crate::platform::money::{Currency, Money};
use crate::platform::outbound::System;

/// Answers that nothing can be asked or done, and logs an error each time.
#[derive(Debug)]
pub(super) struct Missing;

fn cause(payment: &Payment) -> String {
    let gateway = payment.provider.as_str();
    tracing::error!(
        gateway,
        "no gateway of this name is configured, and a payment needs it: put its section back into payments.toml"
    );
    format!("gateway {gateway} is not configured")
}

#[async_trait]
impl Gateway for Missing {
    async fn register(&self, _: &Order, payment: &Payment, _: &Urls, _: Deadline) -> Result<Registration, Unknown> {
        Err(Unknown(cause(payment)))
    }

    async fn status(&self, payment: &Payment, _: Deadline) -> Result<ProviderReport, Unknown> {
        Err(Unknown(cause(payment)))
    }

    fn keyed(&self, _: &Payment, _: &Call<'_>, _: u32) -> Option<KeyedRequest> {
        None
    }

    async fn capture(&self, payment: &Payment, _: Option<Delivered>, _: Deadline) -> Result<ProviderOutcome, Unknown> {
        Ok(ProviderOutcome::NotSent(cause(payment)))
    }

    async fn cancel(&self, payment: &Payment, _: Deadline) -> Result<ProviderOutcome, Unknown> {
        Ok(ProviderOutcome::NotSent(cause(payment)))
    }

    async fn change(&self, payment: &Payment, _: &Change, _: Deadline) -> Result<ProviderOutcome, Unknown> {
        Ok(ProviderOutcome::NotSent(cause(payment)))
    }

    async fn refund(&self, payment: &Payment, _: Money, _: Deadline) -> Result<ProviderOutcome, Unknown> {
        Ok(ProviderOutcome::NotSent(cause(payment)))
    }

    fn partial_refund_from(&self, captured_at: Timestamp) -> Timestamp {
        captured_at
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            changes_hold: false,
            captures_parts: false,
            least_rest: None,
            takes_documents: false,
            one_way_back: true,
            ends_exactly: false,
        }
    }

    fn valid_for(&self) -> Option<Duration> {
        None
    }

    fn policy(&self) -> Policy {
        Policy::OnShipment
    }

    fn hold_for(&self) -> Duration {
        Duration::ZERO
    }

    fn system(&self) -> Option<System> {
        None
    }

    fn currency(&self) -> Currency {
        Currency::Rub
    }
}
