//! Which situation a payment is in. The first that is true of it counts: what people have to see to comes before what goes by itself.

use super::view::ProviderView;
use crate::payments::payment::{Intent, Next, Payment, Policy, RefundStatus, ReportedState, State, next};
use crate::platform::clock::Timestamp;

macro_rules! situations {
    ($($(#[$meta:meta])* $name:ident = $code:literal,)*) => {
        /// What a payment's state, flags and provider come to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Situation {
            $($(#[$meta])* $name,)*
        }

        impl Situation {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name used in answers and in the runbook.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }
        }
    };
}

situations! {
    /// A request is calling the provider just now.
    CallUnderWay = "call_under_way",
    /// The provider has another payment with money under this number.
    SecondPayment = "second_payment",
    /// The provider is further than our books.
    ProviderAhead = "provider_ahead",
    /// The provider and our books contradict each other.
    Mismatch = "mismatch",
    /// It counted as paid, and its hold has ended since.
    HoldLost = "hold_lost",
    /// A refund that was scheduled and refused.
    ScheduledRefundRefused = "scheduled_refund_refused",
    /// A refund above what the person may give back alone who asked for it.
    RefundAwaitsApproval = "refund_awaits_approval",
    /// A refund that was surely not sent yet.
    RefundWaiting = "refund_waiting",
    /// A refund whose call had no clear answer.
    RefundUnclear = "refund_unclear",
    /// A refund that the provider has accepted and not made yet.
    RefundAccepted = "refund_accepted",
    /// The same for longer than banks usually take.
    RefundOverdue = "refund_overdue",
    /// A refund that is made as soon as the provider takes it.
    RefundScheduled = "refund_scheduled",
    /// The provider refused to let a hold go.
    CancelRefused = "cancel_refused",
    /// A hold is about to be let go.
    CancelUnclear = "cancel_unclear",
    /// A hold is about to be changed.
    ChangeUnclear = "change_unclear",
    /// The second receipt is about to be made.
    ReceiptUnclear = "receipt_unclear",
    /// The provider has said that something happened, and its status does not show it yet.
    Announced = "announced",
    /// The provider did not answer when it was asked.
    ProviderUnavailable = "provider_unavailable",
    /// A call that changes something had no clear answer.
    CallUnclear = "call_unclear",
    /// It was given up, its customer paid it all the same, and the provider does not let the hold go.
    GivenUpHeld = "given_up_held",
    /// It was given up, and long after its end the provider does not say that it is over.
    GivenUpOpen = "given_up_open",
    /// It was given up; nobody expects money of it.
    GivenUp = "given_up",
    /// The cash register has not taken a receipt.
    ReceiptRejected = "receipt_rejected",
    /// The provider refuses to capture the hold.
    CaptureRefused = "capture_refused",
    /// The hold is about to be captured.
    CaptureUnderWay = "capture_under_way",
    /// The customer has finished, and the bank has not.
    BankDecides = "bank_decides",
    /// Its time is over, and the provider still has it open.
    Overdue = "overdue",
    /// It is being registered with the provider.
    Opening = "opening",
    /// The customer has not paid yet.
    WaitsForCustomer = "waits_for_customer",
    /// Money is held, and goes back within a day.
    HoldEndsSoon = "hold_ends_soon",
    /// IMSHOP does not take what it should hear.
    Untold = "untold",
    /// Money is held.
    Held = "held",
    /// The money is the shop's.
    Captured = "captured",
    /// A part is given back.
    PartiallyRefunded = "partially_refunded",
    /// All of it is given back.
    Refunded = "refunded",
    /// The provider or the bank said no.
    Declined = "declined",
    /// The customer or the shop gave it up.
    Canceled = "canceled",
    /// Nobody paid in time.
    Expired = "expired",
}

impl Situation {
    /// The situation of a payment.
    pub(super) fn of(payment: &Payment, view: ProviderView<'_>, now: Timestamp) -> Self {
        seen(payment, view, now)
            .or_else(|| for_people(payment))
            .or_else(|| intended(payment, now))
            .or_else(|| unanswered(payment, view))
            .or_else(|| given_up_in_vain(payment, now))
            .or_else(|| payment.has_unseen_refusal().then_some(Self::ScheduledRefundRefused))
            .or_else(|| payment.unapproved_refund().map(|_| Self::RefundAwaitsApproval))
            .or_else(|| payment.has_new_receipt_rejection().then_some(Self::ReceiptRejected))
            .or_else(|| under_way(payment, view, now))
            .unwrap_or_else(|| at_rest(payment, view))
    }

    /// Whether nothing is wrong with it: it goes on by itself, or is over.
    #[must_use]
    pub fn is_calm(self) -> bool {
        match self {
            Self::RefundAccepted
            | Self::RefundScheduled
            | Self::GivenUp
            | Self::Opening
            | Self::WaitsForCustomer
            | Self::Held
            | Self::Captured
            | Self::PartiallyRefunded
            | Self::Refunded
            | Self::Declined
            | Self::Canceled
            | Self::Expired => true,
            Self::SecondPayment
            | Self::Mismatch
            | Self::HoldLost
            | Self::CallUnderWay
            | Self::ScheduledRefundRefused
            | Self::RefundAwaitsApproval
            | Self::RefundWaiting
            | Self::RefundUnclear
            | Self::RefundOverdue
            | Self::CancelRefused
            | Self::CancelUnclear
            | Self::ChangeUnclear
            | Self::ReceiptUnclear
            | Self::Announced
            | Self::ProviderUnavailable
            | Self::CallUnclear
            | Self::GivenUpHeld
            | Self::GivenUpOpen
            | Self::ProviderAhead
            | Self::ReceiptRejected
            | Self::CaptureRefused
            | Self::CaptureUnderWay
            | Self::BankDecides
            | Self::Overdue
            | Self::HoldEndsSoon
            | Self::Untold => false,
        }
    }
}

/// What the provider's view is news of, by the rules by which it is taken over.
pub(super) fn news(payment: &Payment, view: ProviderView<'_>, now: Timestamp) -> Option<Next> {
    let ProviderView::Said(report) = view else { return None };
    // When a hold is captured makes no difference to what is news.
    let next = next(&payment.clone().with_report(report, now), report, Policy::OnShipment, now);
    match next {
        // An attempt that nobody has paid ends by our clock, whatever it is called there.
        Next::Move(State::Expired) if matches!(report.state, ReportedState::Pending | ReportedState::Unregistered) => None,
        Next::Mismatch(_) | Next::MatchesAgain | Next::Move(_) | Next::Done | Next::Dropped(_) | Next::GivenBack(_) => Some(next),
        // What is done about a hold begins with its being recorded.
        Next::Capture | Next::Extend if matches!(payment.state, State::Creating | State::Pending) => Some(next),
        // Paid after it was given up, and given back.
        Next::Closed if report.state.is_captured() => Some(next),
        Next::Wait | Next::Register | Next::Capture | Next::Extend | Next::Repeat | Next::Release | Next::Closed => None,
    }
}

/// What can be seen at once: a call, or what the provider says that our books do not have.
fn seen(payment: &Payment, view: ProviderView<'_>, now: Timestamp) -> Option<Situation> {
    if payment.is_leased(now) {
        return Some(Situation::CallUnderWay);
    }
    if payment.second_payment.is_some() {
        return Some(Situation::SecondPayment);
    }
    let is_contradiction = matches!(news(payment, view, now)?, Next::Mismatch(_));
    Some(if is_contradiction { Situation::Mismatch } else { Situation::ProviderAhead })
}

/// What only people can see to.
fn for_people(payment: &Payment) -> Option<Situation> {
    if payment.mismatch.is_some() { Some(Situation::Mismatch) } else { payment.lost.then_some(Situation::HoldLost) }
}

/// What was asked for and is not known to be done.
fn intended(payment: &Payment, now: Timestamp) -> Option<Situation> {
    Some(match payment.intent.as_ref()? {
        Intent::Refund(index) => match payment.refunds.get(*index) {
            Some(refund) if refund.is_overdue(now) => Situation::RefundOverdue,
            // Calm, so that whatever else is the matter comes first.
            Some(refund) if refund.provider_id.is_some() => return None,
            Some(refund) if refund.status == RefundStatus::Waiting => Situation::RefundWaiting,
            Some(_) | None => Situation::RefundUnclear,
        },
        Intent::Cancel if payment.reason.is_some() => Situation::CancelRefused,
        Intent::Cancel => Situation::CancelUnclear,
        Intent::Change(_) => Situation::ChangeUnclear,
        Intent::Receipt => Situation::ReceiptUnclear,
    })
}

/// What the provider has not answered, or not yet.
fn unanswered(payment: &Payment, view: ProviderView<'_>) -> Option<Situation> {
    let is_asked_in_vain = matches!(view, ProviderView::Unavailable) && !payment.is_over();
    if payment.poll.hinted {
        Some(Situation::Announced)
    } else if payment.poll.unreachable_since.is_some() || is_asked_in_vain {
        Some(Situation::ProviderUnavailable)
    } else {
        // A page that was never shown cannot have been paid, and a capture under way says more of itself.
        let is_told_apart = matches!(payment.state, State::Creating | State::Pending | State::Finishing);
        (payment.unknown && !is_told_apart).then_some(Situation::CallUnclear)
    }
}

fn given_up_in_vain(payment: &Payment, now: Timestamp) -> Option<Situation> {
    if !payment.withdrawn {
        None
    } else if payment.reason.is_some() {
        Some(Situation::GivenUpHeld)
    } else {
        payment.is_given_up_for_long(now).then_some(Situation::GivenUpOpen)
    }
}

/// What goes on, by the state, and what goes on beside it.
fn under_way(payment: &Payment, view: ProviderView<'_>, now: Timestamp) -> Option<Situation> {
    let is_processing = matches!(view, ProviderView::Said(report) if report.state == ReportedState::Processing);
    match payment.state {
        State::Creating | State::Pending if payment.processing || is_processing => return Some(Situation::BankDecides),
        State::Creating | State::Pending if now > payment.valid_till => return Some(Situation::Overdue),
        State::Held if payment.ends_soon(now) => return Some(Situation::HoldEndsSoon),
        State::Finishing if payment.reason.is_some() => return Some(Situation::CaptureRefused),
        State::Finishing => return Some(Situation::CaptureUnderWay),
        State::Creating
        | State::Pending
        | State::Held
        | State::Captured
        | State::PartiallyRefunded
        | State::Refunded
        | State::Declined
        | State::Canceled
        | State::Expired => {}
    }
    if payment.awaits_refund().is_some() {
        return Some(Situation::RefundAccepted);
    }
    if payment.is_told_in_vain() {
        return Some(Situation::Untold);
    }
    payment.next_scheduled_refund().map(|_| Situation::RefundScheduled)
}

fn at_rest(payment: &Payment, view: ProviderView<'_>) -> Situation {
    let is_given_back = match view {
        ProviderView::Said(report) if report.state == ReportedState::Refunded => true,
        ProviderView::Said(_) | ProviderView::NotAsked | ProviderView::Unavailable => payment.was_given_back_after_all(),
    };
    match payment.state {
        State::Creating => Situation::Opening,
        State::Pending => Situation::WaitsForCustomer,
        State::Held => Situation::Held,
        State::Finishing => Situation::CaptureUnderWay,
        State::Captured => Situation::Captured,
        State::PartiallyRefunded => Situation::PartiallyRefunded,
        State::Refunded => Situation::Refunded,
        // Paid after its end.
        State::Declined | State::Canceled | State::Expired if is_given_back => Situation::Refunded,
        State::Declined => Situation::Declined,
        State::Canceled if payment.withdrawn => Situation::GivenUp,
        State::Canceled => Situation::Canceled,
        State::Expired => Situation::Expired,
    }
}
