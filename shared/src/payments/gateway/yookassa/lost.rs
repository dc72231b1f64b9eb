//! A payment whose id at YooKassa is not known, because the call that made it was not answered.

use std::time::Duration;

use super::{MAX_PAGES, VALID_FOR, YookassaGateway, unknown};
use crate::payments::gateway::contract::Unknown;
use crate::payments::payment::{Payment, ProviderReport, ReportedState};
use crate::platform::clock::{Deadline, Timestamp};

/// How far YooKassa's clock may be from ours when a payment is looked for by the time of its creation.
const CLOCKS_APART: Duration = Duration::from_mins(10);
/// How far from our clock's time of the first call a payment is created as a rule.
const NEAR: Duration = Duration::from_mins(1);
/// The length of the other parts in which a busy hour is looked through.
const SLICE: Duration = Duration::from_mins(10);

/// What a look through a list brought.
enum Looked {
    Found(Box<ProviderReport>),
    Absent,
    /// The list has more pages than were to be read.
    NotThrough,
}

/// The time from `from` to `before` in slices: first the minutes of the first call, then those after it, then those before it, in which
/// it is only if the clocks differ.
fn slices(created_at: Timestamp, from: Timestamp, before: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let (near, after) = (created_at.minus(NEAR), created_at.plus(NEAR));
    let mut slices = vec![(near, after)];
    let mut next = after;
    while next < before {
        let end = next.plus(SLICE).min(before);
        slices.push((next, end));
        next = end;
    }
    slices.push((from, near));
    slices
}

impl YookassaGateway {
    /// The report of an attempt whose id at YooKassa we do not know. As long as it may be registered again, with the same key, nothing needs
    /// to be asked; then it is looked for among the payments of its time.
    pub(super) async fn lost(&self, payment: &Payment, deadline: Deadline) -> Result<ProviderReport, Unknown> {
        let unregistered = || ProviderReport::new(ReportedState::Unregistered, payment.id.as_str());
        if self.clock.now() < payment.valid_till && !payment.state.is_settled() {
            return Ok(unregistered());
        }
        let from = payment.created_at.minus(CLOCKS_APART);
        let before = payment.valid_till.max(payment.created_at.plus(VALID_FOR)).plus(CLOCKS_APART);
        match self.look_for(payment, (from, before), 1, deadline).await? {
            Looked::Found(report) => return Ok(*report),
            Looked::Absent => return Ok(unregistered()),
            Looked::NotThrough => {}
        }
        // A busy hour: first where the payment is if its first call arrived, then the rest, so that each list is a short one.
        let mut is_through = true;
        for slice in slices(payment.created_at, from, before) {
            match self.look_for(payment, slice, MAX_PAGES, deadline).await? {
                Looked::Found(report) => return Ok(*report),
                Looked::Absent => {}
                Looked::NotThrough => is_through = false,
            }
        }
        if is_through {
            return Ok(unregistered());
        }
        Err(Unknown("YooKassa has too many payments of that time to look for one of unknown id".to_owned()))
    }

    /// Looks for a payment among those of YooKassa that were created in this time, on so many pages of the list.
    async fn look_for(
        &self,
        payment: &Payment,
        (from, before): (Timestamp, Timestamp),
        pages: u32,
        deadline: Deadline,
    ) -> Result<Looked, Unknown> {
        let mut cursor = None;
        for _ in 0..pages {
            let page = self.client.payments(from, before, cursor.as_deref(), deadline).await;
            let page = page.map_err(|error| unknown("list", &error))?;
            if let Some(found) = page.items.iter().find(|found| self.payment_id(found) == Some(payment.id.as_str())) {
                return Ok(Looked::Found(Box::new(self.report_of(found, payment))));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(Looked::Absent);
            }
        }
        Ok(Looked::NotThrough)
    }
}
