//! YooKassa's objects as reports: every status mapped (reference "Card gateways", 1.3).

use std::time::Duration;

use super::reasons;
use crate::payments::payment::{Payment, ProviderReport, Reason, ReportedRefund, ReportedState, Sums};
use crate::payments::yookassa::types::{self, Amount, PaymentStatus, RefundStatus};
use crate::platform::money::Money;

/// How long a hold lives if YooKassa does not say it.
const HOLD: Duration = Duration::from_hours(7 * 24);

/// What a payment of YooKassa's says of ours, which it calls `payment_id`.
pub(super) fn report(found: &types::Payment, payment: &Payment, payment_id: &str) -> ProviderReport {
    let amount = found.amount.money();
    let nothing = Money::from_minor(0, payment.amount.currency()).ok();
    // A payment in which nothing was given back may say no sum of it.
    let refunded = found.refunded_amount.as_ref().map_or(nothing, Amount::money);
    let reason = found.cancellation_details.0.as_ref().map(|details| details.reason.as_str());
    let state = match &found.status {
        PaymentStatus::Pending => ReportedState::Pending,
        PaymentStatus::WaitingForCapture => ReportedState::Held,
        PaymentStatus::Succeeded if refunded.is_some() && refunded == amount => ReportedState::Refunded,
        // Of a payment that was captured in part, the amount may be what was held: all is given back when that is.
        PaymentStatus::Succeeded if refunded == Some(payment.amount) => ReportedState::Refunded,
        PaymentStatus::Succeeded => ReportedState::Captured,
        PaymentStatus::Canceled => reasons::state(reason),
        PaymentStatus::Other(status) => ReportedState::Unrecognised(status.clone()),
    };
    let hold_until = found.expires_at.0.map(|at| at.0).or_else(|| found.created_at.0.map(|at| at.0.plus(HOLD)));
    ProviderReport {
        sums: Some(Sums { held: amount, captured: amount.filter(|_| state.is_captured()), refunded }),
        provider_id: Some(found.id.clone()),
        hold_until: hold_until.filter(|_| state == ReportedState::Held),
        reason: reason.map(|reason| Reason { code: format!("yookassa:{reason}"), text: reasons::text(reason).to_owned() }),
        ..ProviderReport::new(state, payment_id)
    }
}

/// How a refund stands; nothing for a status that we do not know.
pub(super) fn refund_record(found: &types::Refund) -> Option<ReportedRefund> {
    match &found.status {
        RefundStatus::Pending => Some(ReportedRefund::Accepted(found.id.clone())),
        RefundStatus::Succeeded => Some(ReportedRefund::Made),
        RefundStatus::Canceled => {
            let reason = found.cancellation_details.0.as_ref().map_or("canceled", |details| details.reason.as_str());
            Some(ReportedRefund::Refused(Reason { code: format!("yookassa:{reason}"), text: String::new() }))
        }
        RefundStatus::Other(_) => None,
    }
}
