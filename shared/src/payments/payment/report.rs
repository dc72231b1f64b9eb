//! What a provider says of a payment, and what came of a call to it.

use super::data::{Intent, Payment, Reason};
use super::receipt::{ReceiptRejection, ReceiptStatus, SecondReceipt};
use super::state::State;
use crate::platform::clock::Timestamp;
use crate::platform::money::Money;

/// What the provider's status says of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderReport {
    /// What it says happened.
    pub state: ReportedState,
    /// The payment that it is about, which must be ours.
    pub payment_id: String,
    /// The amount where the provider names only one; unknown if it did not say a readable one.
    pub amount: Option<Money>,
    /// The amounts where the provider names each by itself; then `amount` is none.
    pub sums: Option<Sums>,
    /// The provider's own id of the payment, if it has one.
    pub provider_id: Option<String>,
    /// Until when it holds the money, if it says so: then it needs no call to hold it for that long.
    pub hold_until: Option<Timestamp>,
    /// Why it ended without money, if it says so.
    pub reason: Option<Reason>,
    /// How the refund under way stands, where the provider keeps a record of each.
    pub refund: Option<ReportedRefund>,
    /// How the fiscal receipts of the payment and its refunds stand: rejected if one of them is.
    pub receipt: Option<ReceiptStatus>,
    /// The second receipt, if it is known.
    pub second_receipt: Option<SecondReceipt>,
    /// Why this is not our money although it has our id: another account, a test payment.
    pub conflict: Option<String>,
}

impl ProviderReport {
    /// A report that says nothing but this.
    #[must_use]
    pub fn new(state: ReportedState, payment_id: impl Into<String>) -> Self {
        Self {
            state,
            payment_id: payment_id.into(),
            amount: None,
            sums: None,
            provider_id: None,
            hold_until: None,
            reason: None,
            refund: None,
            receipt: None,
            second_receipt: None,
            conflict: None,
        }
    }

    /// Whether it is about this payment.
    pub(super) fn is_of(&self, payment: &Payment) -> bool {
        self.payment_id == payment.id.as_str()
    }
}

/// A provider's status, every one mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportedState {
    /// The provider has no such order.
    Unregistered,
    /// The customer has not finished.
    Pending,
    /// The customer has finished and the bank has not: it may become money at any time, whatever our clock says.
    Processing,
    /// The money is held.
    Held,
    /// The money was captured.
    Captured,
    /// All of it was given back.
    Refunded,
    /// No.
    Declined,
    Canceled,
    /// Out of time.
    Expired,
    /// A status that we do not know, kept as it came.
    Unrecognised(String),
}

impl ReportedState {
    /// The money was captured, whatever of it was given back since.
    #[must_use]
    pub fn is_captured(&self) -> bool {
        matches!(self, Self::Captured | Self::Refunded)
    }
}

/// The amounts of a payment at a provider that names each by itself. What is unknown could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// What was registered, and once it is paid held.
    pub held: Option<Money>,
    /// What was captured.
    pub captured: Option<Money>,
    /// What was given back of it so far.
    pub refunded: Option<Money>,
}

/// How a refund stands at a provider that keeps a record of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportedRefund {
    /// There is none.
    Absent,
    /// Accepted under this id of the provider's, and not made yet.
    Accepted(String),
    /// The money is given back.
    Made,
    /// It will not be given back.
    Refused(Reason),
}

/// The outcome of a call that changes something at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderOutcome {
    Done,
    /// A refund that will be made later, or refused; the provider's id of it.
    Accepted(String),
    /// Refused; nothing changed.
    Refused(Reason),
    /// The call never reached the provider, or was not looked at, for this reason; nothing changed.
    NotSent(String),
}

impl Sums {
    /// How much more was given back than we know of, or what contradicts our books.
    pub(super) fn refunded_beside(&self, payment: &Payment) -> Result<Money, String> {
        let ours = payment.refunded();
        let said = self.refunded.ok_or_else(|| "the provider said no readable sum of refunds".to_owned())?;
        said.minus(ours).map_err(|_| format!("the provider says that {said} was given back, and {ours} is by our books"))
    }

    /// What contradicts our books, if the provider says of the money that it is in `state`, and `expected` is what was captured by them.
    pub(super) fn mismatch(&self, payment: &Payment, state: &ReportedState, expected: Money) -> Option<String> {
        let is_captured = state.is_captured();
        let (said, ours) = if is_captured { (self.captured, expected) } else { (self.held, payment.registered()) };
        match said {
            Some(said) if said == ours => None,
            // Whether the amount of a payment that was captured in part is the part is left open by the documents.
            Some(said) if is_captured && payment.may_be_captured_in_part() && said == payment.registered() => None,
            Some(said) => Some(format!("the provider says {said}, the order says {ours}")),
            None => Some("the provider said no readable amount".to_owned()),
        }
    }
}

impl Payment {
    /// What was registered with the provider, and is held by it: a change of the hold that needs no call leaves it as it is.
    #[must_use]
    pub fn registered(&self) -> Money {
        self.registered.unwrap_or(self.amount)
    }

    fn with_reported_receipts(mut self, report: &ProviderReport) -> Self {
        let is_asked = self.intent == Some(Intent::Receipt);
        let was_new = self.has_new_receipt_rejection();
        let Some(receipts) = &mut self.receipts else { return self };
        let rejected = report.receipt == Some(ReceiptStatus::Rejected);
        if let Some(found) = &report.second_receipt
            && (is_asked || receipts.second.as_ref().is_some_and(|second| second.provider_id == found.provider_id))
        {
            if found.status == ReceiptStatus::Rejected && receipts.second.as_ref() != Some(found) {
                // Another one than those that were seen.
                receipts.rejection = Some(ReceiptRejection::New);
            }
            receipts.second = Some(found.clone());
        }
        let is_second_rejected = receipts.second.as_ref().is_some_and(|second| second.status == ReceiptStatus::Rejected);
        if rejected {
            receipts.rejection = receipts.rejection.or(Some(ReceiptRejection::New));
        } else if report.receipt == Some(ReceiptStatus::Registered) && !is_second_rejected {
            receipts.rejection = None;
        }
        if let Some(status) = report.receipt {
            receipts.is_pending = status == ReceiptStatus::Pending;
        }
        // Nobody polls what is over, so that it cannot wait to be overdue.
        self.poll.manual_review |= self.has_new_receipt_rejection() && !was_new;
        self
    }

    /// Our capture of less than is held is known to be made: while it is not, a provider that says the whole may have captured just that.
    fn may_be_captured_in_part(&self) -> bool {
        let is_made = matches!(self.state, State::Captured | State::PartiallyRefunded | State::Refunded);
        is_made && self.registered() != self.amount
    }

    /// This payment after its whole hold was captured in the provider's cabinet although less was to be paid, and the difference was given
    /// back there: then the books take the provider's sums.
    fn with_whole_hold_captured(mut self, report: &ProviderReport) -> Self {
        let is_waiting =
            matches!(self.state, State::Creating | State::Pending | State::Held | State::Finishing) && self.intent.is_none();
        let (Some(sums), Some(registered), true) = (&report.sums, self.registered, is_waiting) else { return self };
        let is_whole = report.state == ReportedState::Captured && sums.captured == Some(registered);
        if is_whole && sums.refunded.is_some_and(|back| !back.is_zero() && registered.minus(self.amount) == Ok(back)) {
            (self.amount, self.registered) = (registered, None);
        }
        self
    }

    /// This payment with what a report says beside how it stands: the provider's id, the end of the hold, why it ended.
    #[must_use]
    pub fn with_report(self, report: &ProviderReport, now: Timestamp) -> Self {
        if !report.is_of(&self) || report.conflict.is_some() {
            return self;
        }
        let mut payment = self.with_reported_amount(report).with_whole_hold_captured(report);
        payment.processing = report.state == ReportedState::Processing;
        if payment.provider_id.is_none() {
            payment.provider_id.clone_from(&report.provider_id);
        }
        if !payment.state.is_settled() {
            match report.state {
                ReportedState::Held => {
                    if let Some(until) = report.hold_until {
                        (payment.hold_until, payment.valid_till) = (Some(until), until);
                    }
                }
                ReportedState::Declined | ReportedState::Canceled | ReportedState::Expired => {
                    payment.reason = report.reason.clone().or(payment.reason);
                }
                ReportedState::Unregistered
                | ReportedState::Pending
                | ReportedState::Processing
                | ReportedState::Captured
                | ReportedState::Refunded
                | ReportedState::Unrecognised(_) => {}
            }
        }
        if let Some(ReportedRefund::Accepted(id)) = &report.refund {
            payment.note_acceptance(id, now);
        }
        payment.with_reported_receipts(report)
    }
}
