//! What to do next with a payment, given what the provider says of it. Pure: every case is in one `match`.

use std::time::Duration;

use super::data::{Change, Intent, Payment, Reason, RefundStatus};
use super::report::{ProviderReport, ReportedRefund, ReportedState, Sums};
use super::state::State;
use crate::platform::clock::Timestamp;
use crate::platform::money::Money;

/// How long after its end an attempt may still be open at the provider before it counts as expired. Mokka lets no customer pay
/// after the end, so nothing can be held by then (document "Checkout", `valid_till`).
const GRACE: Duration = Duration::from_hours(1);

/// When a hold is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// As soon as it is confirmed.
    OnHold,
    /// When the goods ship, by the back office; a hold counts as paid.
    OnShipment,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: wait for the customer or for another request.
    Wait,
    /// The provider does not have the attempt (or we do not have its page): register it, which only `create` does.
    Register,
    /// Record this state.
    Move(State),
    /// Record the hold if it is new, take the lease, capture.
    Capture,
    /// Record the hold if it is new, take the lease, move its end to where holds end.
    Extend,
    /// Take the lease, do what is intended: the provider has not done it.
    Repeat,
    /// Let go the hold of a payment that was withdrawn.
    Release,
    /// Record that what was withdrawn cannot be paid any more.
    Closed,
    /// Record that the provider has done what was intended.
    Done,
    /// Record that the provider will not do what was intended, after it had accepted it.
    Dropped(Reason),
    /// Record that so much was given back in the provider's own cabinet.
    GivenBack(Money),
    /// The provider speaks of another amount or order, or takes back what was final: stop, for manual review.
    Mismatch(String),
    /// Record that the provider's data match again.
    MatchesAgain,
}

/// Whatever is said of another order moves nothing.
const OTHER_ORDER: &str = "the provider answered about another order";
/// How often a refund is repeated whose outcome is unknown and that the status does not show: then it needs manual review.
const REPEATS: u32 = 1;

/// Decides. Whatever the provider says of money counts only if it is our order and our amount.
#[must_use]
pub fn next(payment: &Payment, report: &ProviderReport, policy: Policy, now: Timestamp) -> Next {
    if !report.is_of(payment) {
        return Next::Mismatch(OTHER_ORDER.to_owned());
    }
    if let Some(conflict) = &report.conflict {
        return Next::Mismatch(conflict.clone());
    }
    let next = intended(payment, report, policy, now);
    if next == Next::Wait && payment.mismatch.is_some() && agrees(payment, report) { Next::MatchesAgain } else { next }
}

/// Whether the provider says what we have.
fn agrees(payment: &Payment, report: &ProviderReport) -> bool {
    use ReportedState::{Canceled, Captured, Declined, Expired, Held, Pending, Refunded, Unregistered};
    let ours = match payment.state {
        State::Creating | State::Pending => Pending,
        State::Held | State::Finishing => Held,
        State::Captured | State::PartiallyRefunded => Captured,
        State::Refunded => Refunded,
        // There is no money, so no amount either.
        State::Declined | State::Canceled | State::Expired => {
            let without_money = [Declined, Canceled, Expired, Refunded, Unregistered];
            return without_money.contains(&report.state) || report.state == Captured && payment.was_given_back_after_all();
        }
    };
    report.state == ours && mismatch_of_money(payment, report).is_none()
}

fn intended(payment: &Payment, report: &ProviderReport, policy: Policy, now: Timestamp) -> Next {
    match &payment.intent {
        Some(Intent::Cancel) if report.state == ReportedState::Held && payment.withdrawn => Next::Repeat,
        Some(Intent::Cancel) if report.state == ReportedState::Held => sure(payment, report, payment.amount, Next::Repeat),
        Some(Intent::Change(change)) if report.state == ReportedState::Held => change_of(payment, change, report),
        // It was changed before whatever else became of it: first the one, then the other.
        Some(Intent::Change(change))
            if report.amount.is_some_and(|said| payment.is_called(change.amount, said)) && change.amount != payment.amount =>
        {
            Next::Done
        }
        Some(Intent::Refund(_)) => match &report.sums {
            Some(sums) => recorded_refund_of(payment, report, sums),
            None => refund_of(payment, report),
        },
        Some(Intent::Receipt) => second_receipt_of(payment, report),
        Some(Intent::Cancel | Intent::Change(_)) | None => unchanged(payment, report, policy, now),
    }
}

/// The decision on a payment with which nothing else is intended.
fn unchanged(payment: &Payment, report: &ProviderReport, policy: Policy, now: Timestamp) -> Next {
    if payment.withdrawn {
        return withdrawn(payment, report, now);
    }
    if payment.state.is_settled() {
        return match &report.sums {
            Some(sums) => settled_with_sums(payment, report, sums),
            None => settled(payment, report),
        };
    }
    match &report.state {
        ReportedState::Unregistered => match payment.state {
            State::Creating | State::Pending if now >= payment.valid_till => Next::Move(State::Expired),
            State::Creating | State::Pending => Next::Register,
            // It held money a moment ago, so the provider will find it again.
            State::Held
            | State::Finishing
            | State::Captured
            | State::PartiallyRefunded
            | State::Refunded
            | State::Declined
            | State::Canceled
            | State::Expired => Next::Wait,
        },
        ReportedState::Pending if matches!(payment.state, State::Creating | State::Pending) => {
            if now >= payment.valid_till.plus(GRACE) {
                Next::Move(State::Expired)
            } else if payment.action.is_none() {
                // Registered, but the answer with the page was lost.
                Next::Register
            } else {
                Next::Wait
            }
        }
        ReportedState::Pending | ReportedState::Processing | ReportedState::Unrecognised(_) => Next::Wait,
        ReportedState::Declined => Next::Move(State::Declined),
        ReportedState::Canceled => Next::Move(State::Canceled),
        ReportedState::Expired => Next::Move(State::Expired),
        ReportedState::Held | ReportedState::Captured | ReportedState::Refunded => {
            sure(payment, report, payment.amount, money(payment, report, policy))
        }
    }
}

/// The customer may still pay what was withdrawn, on a page that is open: then the money is let go, whatever the amount.
fn withdrawn(payment: &Payment, report: &ProviderReport, now: Timestamp) -> Next {
    match &report.state {
        ReportedState::Held => Next::Release,
        ReportedState::Captured if payment.was_given_back_after_all() => Next::Closed,
        ReportedState::Captured => has_money(payment),
        ReportedState::Canceled | ReportedState::Expired | ReportedState::Refunded => Next::Closed,
        ReportedState::Unregistered | ReportedState::Pending | ReportedState::Declined
            if now >= payment.valid_till.plus(GRACE) =>
        {
            Next::Closed
        }
        ReportedState::Unregistered
        | ReportedState::Pending
        | ReportedState::Processing
        | ReportedState::Declined
        | ReportedState::Unrecognised(_) => Next::Wait,
    }
}

impl Payment {
    /// Whether the provider has captured all the money of this payment, which failed here, and has given nothing of it back.
    #[must_use]
    pub fn is_captured_beside(&self, report: &ProviderReport) -> bool {
        let is_whole = mismatch(self, report, self.amount).is_none();
        let is_untouched = report.sums.as_ref().is_none_or(|sums| sums.refunded == Some(self.refunded()));
        let is_ours = report.is_of(self) && report.conflict.is_none();
        self.state.is_failed() && report.state == ReportedState::Captured && is_ours && is_whole && is_untouched
    }

    /// It failed here, was paid all the same, and was given back whole by us: the provider may go on saying that it was captured.
    #[must_use]
    pub fn was_given_back_after_all(&self) -> bool {
        self.state.is_failed() && self.refunded() == self.amount
    }
}

fn has_money(payment: &Payment) -> Next {
    Next::Mismatch(format!("the provider has money for a payment that is {}", payment.state.name()))
}

/// What was final stays final. Only money given back in the provider's own cabinet is still news.
fn settled(payment: &Payment, report: &ProviderReport) -> Next {
    match (payment.state, &report.state) {
        (State::Captured | State::PartiallyRefunded, ReportedState::Refunded) => {
            sure_of_money(payment, report, Next::Move(State::Refunded))
        }
        (State::Declined | State::Canceled | State::Expired, ReportedState::Captured) if payment.was_given_back_after_all() => {
            Next::Wait
        }
        (State::Declined | State::Canceled | State::Expired, ReportedState::Held | ReportedState::Captured) => has_money(payment),
        // A part was given back in the provider's cabinet: how much for which goods only a manual review can find out.
        (State::Captured | State::PartiallyRefunded, ReportedState::Captured) if report.amount.is_some() => {
            sure_of_money(payment, report, Next::Wait)
        }
        (State::Captured | State::PartiallyRefunded, ReportedState::Held | ReportedState::Canceled | ReportedState::Expired) => {
            Next::Mismatch(format!("the provider has no captured money for a payment that is {}", payment.state.name()))
        }
        _ => Next::Wait,
    }
}

/// The same where the provider says how much was given back: a part that its own people gave back is seen, and money that is given back
/// twice or taken back from the customer is a contradiction.
fn settled_with_sums(payment: &Payment, report: &ProviderReport, sums: &Sums) -> Next {
    let has_money = matches!(payment.state, State::Captured | State::PartiallyRefunded);
    match &report.state {
        ReportedState::Captured if has_money => sure(payment, report, payment.amount, refunded_beside_us(payment, sums)),
        ReportedState::Refunded if has_money => sure(payment, report, payment.amount, Next::Move(State::Refunded)),
        ReportedState::Unregistered
        | ReportedState::Pending
        | ReportedState::Processing
        | ReportedState::Held
        | ReportedState::Captured
        | ReportedState::Refunded
        | ReportedState::Declined
        | ReportedState::Canceled
        | ReportedState::Expired
        | ReportedState::Unrecognised(_) => settled(payment, report),
    }
}

fn refunded_beside_us(payment: &Payment, sums: &Sums) -> Next {
    match sums.refunded_beside(payment) {
        Ok(more) if more.is_zero() => Next::Wait,
        Ok(more) => Next::GivenBack(more),
        Err(what) => Next::Mismatch(what),
    }
}

/// A change is visible in the amount; one that leaves the amount alone can be made again without harm.
fn change_of(payment: &Payment, change: &Change, report: &ProviderReport) -> Next {
    if report.sums.is_some() {
        // The hold stays as it is: only how much of it is to be captured changes, and that is in our books.
        return sure(payment, report, payment.amount, Next::Repeat);
    }
    if report.amount.is_some_and(|said| payment.is_called(payment.amount, said)) {
        Next::Repeat
    } else {
        sure(payment, report, change.amount, Next::Done)
    }
}

/// A refund of the whole rest should be visible in the status, and is repeated once if it is not. Of a partial one that was sent the
/// provider says nothing, so that a person has to look: asking again could give the money back twice.
fn refund_of(payment: &Payment, report: &ProviderReport) -> Next {
    let under_way = payment.refund_under_way();
    let again = under_way.is_some_and(|(refund, whole_rest)| match refund.status {
        RefundStatus::Waiting => true,
        RefundStatus::AwaitsApproval
        | RefundStatus::Scheduled
        | RefundStatus::Pending
        | RefundStatus::Made
        | RefundStatus::Refused(_)
        | RefundStatus::Withdrawn => whole_rest && refund.repeats < REPEATS,
    });
    match &report.state {
        ReportedState::Refunded if under_way.is_some_and(|(_, whole_rest)| whole_rest) => {
            sure_of_money(payment, report, Next::Done)
        }
        ReportedState::Refunded => sure_of_money(payment, report, Next::Move(State::Refunded)),
        ReportedState::Captured if again => sure_of_money(payment, report, Next::Repeat),
        ReportedState::Captured
        | ReportedState::Unregistered
        | ReportedState::Pending
        | ReportedState::Processing
        | ReportedState::Held
        | ReportedState::Declined
        | ReportedState::Canceled
        | ReportedState::Expired
        | ReportedState::Unrecognised(_) => Next::Wait,
    }
}

/// A refund at a provider that keeps a record of each. Until the record is known the call is repeated: with its key it makes one refund,
/// however often it is asked for. After the key's time a list without it is the proof that it was not made.
fn recorded_refund_of(payment: &Payment, report: &ProviderReport, sums: &Sums) -> Next {
    if !report.state.is_captured() {
        return Next::Wait;
    }
    let Some((refund, _)) = payment.refund_under_way() else { return Next::Wait };
    let next = match &report.refund {
        Some(ReportedRefund::Made) => Next::Done,
        Some(ReportedRefund::Refused(reason)) => Next::Dropped(reason.clone()),
        Some(ReportedRefund::Accepted(_)) => Next::Wait,
        // It was accepted, so that nothing may be asked for a second time.
        Some(ReportedRefund::Absent) | None if refund.provider_id.is_some() => Next::Wait,
        Some(ReportedRefund::Absent) if sums.refunded != Some(payment.refunded()) => {
            let text = "the provider has no such refund".to_owned();
            Next::Dropped(Reason { code: "not_made".to_owned(), text })
        }
        Some(ReportedRefund::Absent) | None => Next::Repeat,
    };
    sure(payment, report, payment.amount, next)
}

/// The second receipt of a payment. Until the provider's id of it is known the call is repeated: with its key it makes one receipt.
fn second_receipt_of(payment: &Payment, report: &ProviderReport) -> Next {
    let is_made = payment.receipts.as_ref().is_some_and(|receipts| receipts.second.is_some());
    match &report.state {
        ReportedState::Captured if is_made => Next::Done,
        ReportedState::Captured => Next::Repeat,
        ReportedState::Refunded => {
            Next::Dropped(Reason { code: "refunded".to_owned(), text: "everything is given back".to_owned() })
        }
        ReportedState::Unregistered
        | ReportedState::Pending
        | ReportedState::Processing
        | ReportedState::Held
        | ReportedState::Declined
        | ReportedState::Canceled
        | ReportedState::Expired
        | ReportedState::Unrecognised(_) => Next::Wait,
    }
}

fn money(payment: &Payment, report: &ProviderReport, policy: Policy) -> Next {
    match (&report.state, policy) {
        (ReportedState::Captured, _) => Next::Move(State::Captured),
        (ReportedState::Refunded, _) => Next::Move(State::Refunded),
        // A capture under way is finished whatever the policy says by now.
        (_, Policy::OnShipment) if payment.state != State::Finishing => {
            match (payment.state == State::Held, payment.hold_until.is_some()) {
                (true, true) => Next::Wait,
                (false, true) if report.hold_until.is_some() => Next::Move(State::Held),
                (true | false, _) => Next::Extend,
            }
        }
        _ => Next::Capture,
    }
}

/// `then`, if the provider speaks of our order and of `amount`.
fn sure(payment: &Payment, report: &ProviderReport, amount: Money, then: Next) -> Next {
    match mismatch(payment, report, amount) {
        Some(what) => Next::Mismatch(what),
        None => then,
    }
}

/// `then`, if the provider speaks of our order and of its money, of which something may have been given back.
fn sure_of_money(payment: &Payment, report: &ProviderReport, then: Next) -> Next {
    match mismatch_of_money(payment, report) {
        Some(what) => Next::Mismatch(what),
        None => then,
    }
}

/// The provider may go on naming the whole amount, or what we have not given back, or nothing once everything is: its document does not
/// say which.
fn mismatch_of_money(payment: &Payment, report: &ProviderReport) -> Option<String> {
    if let Some(sums) = &report.sums {
        let captured = sums.mismatch(payment, &report.state, payment.amount);
        return captured.or_else(|| sums.refunded_beside(payment).err().filter(|_| report.state.is_captured()));
    }
    let rest = Money::from_minor(payment.amount.minor() - payment.refunded().minor(), payment.amount.currency());
    let is_left = report.amount.is_some_and(|said| {
        rest.is_ok_and(|rest| payment.is_called(rest, said)) || report.state == ReportedState::Refunded && said.is_zero()
    });
    if is_left { None } else { mismatch(payment, report, payment.amount) }
}

fn mismatch(payment: &Payment, report: &ProviderReport, expected: Money) -> Option<String> {
    if let Some(sums) = &report.sums {
        return sums.mismatch(payment, &report.state, expected);
    }
    match report.amount {
        Some(amount) if payment.is_called(expected, amount) => None,
        Some(amount) => Some(format!("the provider says {amount}, the order says {expected}")),
        None => Some("the provider said no readable amount".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::payments::payment::RefundGrounds;
    use crate::payments::payment::samples::{payment, rub};
    use crate::payments::payment::{Part, Prepaid, Trigger};

    fn any_state() -> impl Strategy<Value = State> {
        proptest::sample::select(State::ALL.to_vec())
    }

    fn any_report() -> impl Strategy<Value = ProviderReport> {
        let state = prop_oneof![
            Just(ReportedState::Unregistered),
            Just(ReportedState::Pending),
            Just(ReportedState::Processing),
            Just(ReportedState::Held),
            Just(ReportedState::Captured),
            Just(ReportedState::Refunded),
            Just(ReportedState::Declined),
            Just(ReportedState::Canceled),
            Just(ReportedState::Expired),
            "[a-z]{1,8}".prop_map(ReportedState::Unrecognised),
        ];
        let id = prop_oneof![4 => Just("1001-1".to_owned()), 1 => "[0-9-]{1,8}"];
        let amount = prop_oneof![4 => Just(Some(rub(500_000))), 1 => Just(Some(rub(499_999))), 1 => Just(None)];
        (state, id, amount)
            .prop_map(|(state, payment_id, amount)| ProviderReport { amount, ..ProviderReport::new(state, payment_id) })
    }

    fn any_policy() -> impl Strategy<Value = Policy> {
        prop_oneof![Just(Policy::OnHold), Just(Policy::OnShipment)]
    }

    /// The reference's 4.13.
    #[test]
    fn what_a_bank_is_about_to_answer_never_ends_by_our_clock_and_goes_to_a_person() {
        let report = ProviderReport::new(ReportedState::Processing, "1001-1");
        let mut payment = payment(State::Pending);
        let mut now = payment.valid_till;
        for _ in 0..40 {
            payment = payment.with_report(&report, now);
            assert_eq!(next(&payment, &report, Policy::OnHold, now), Next::Wait);
            payment = payment.polled_unchanged().scheduled(now);
            let pause = payment.poll.provider_at.unwrap().since(now);
            assert!(pause <= Duration::from_hours(6), "{pause:?}");
            now = payment.poll.provider_at.unwrap();
        }
        assert!(payment.is_overdue(Duration::from_hours(48), now), "a person hears of it");
        // The bank has answered.
        let declined = payment.with_report(&ProviderReport::new(ReportedState::Declined, "1001-1"), now);
        assert!(
            !declined.processing
                && !declined.moved(State::Declined, Trigger::Schedule, now).scheduled(now).is_overdue(Duration::ZERO, now)
        );
    }

    #[test]
    fn names_read_back_and_steps_never_lead_back() {
        for state in State::ALL {
            assert_eq!(State::from_name(state.name()), Some(state));
            assert!(!state.may_become(state) && !state.may_become(State::Creating));
            for next in State::ALL.into_iter().filter(|next| state.may_become(*next)) {
                assert!(!next.may_become(state), "{state:?} and {next:?} lead to each other");
                assert!(!state.is_settled() || next.is_settled(), "{state:?} to {next:?}");
            }
        }
        for failed in State::ALL.into_iter().filter(|state| state.is_failed()) {
            assert!(State::ALL.into_iter().all(|next| !failed.may_become(next)), "{failed:?} is final");
        }
    }

    #[test]
    fn what_is_said_of_another_order_tells_nothing_of_a_prepayment() {
        let page = Some("https://shop.example/prepay".to_owned());
        let prepaid = Some(Prepaid { amount: None, page, confirmed: false, named: None });
        let payment = Payment { prepaid, ..payment(State::Pending) };
        let report =
            |id: &str| ProviderReport { amount: Some(rub(100_000)), ..ProviderReport::new(ReportedState::Held, id.to_owned()) };
        let now = Timestamp::from_millis(0);
        assert_eq!(payment.clone().with_report(&report("1002-1"), now), payment);
        assert_eq!(payment.with_report(&report("1001-1"), now).amount, rub(100_000), "of this one it is what is left");
    }

    #[test]
    fn the_table_of_decisions() {
        use ReportedState::{Canceled, Captured, Declined, Expired, Held, Pending, Refunded, Unregistered};
        let decide = |state, reported: &ReportedState, policy| {
            let report =
                ProviderReport { amount: Some(rub(500_000)), ..ProviderReport::new(reported.clone(), "1001-1".to_owned()) };
            next(&payment(state), &report, policy, Timestamp::from_millis(99))
        };
        let live = [State::Creating, State::Pending, State::Held, State::Finishing];
        for policy in [Policy::OnHold, Policy::OnShipment] {
            for (reported, state) in [(Declined, State::Declined), (Canceled, State::Canceled), (Expired, State::Expired)] {
                assert!(live.iter().all(|from| decide(*from, &reported, policy) == Next::Move(state)));
            }
            assert!(live.iter().all(|from| decide(*from, &Captured, policy) == Next::Move(State::Captured)));
            assert!(live.iter().all(|from| decide(*from, &Refunded, policy) == Next::Move(State::Refunded)));
            assert_eq!(decide(State::Creating, &Pending, policy), Next::Register);
            assert!(live[1..].iter().all(|from| decide(*from, &Pending, policy) == Next::Wait));
            assert!(live[..2].iter().all(|from| decide(*from, &Unregistered, policy) == Next::Register));
            assert!(live[2..].iter().all(|from| decide(*from, &Unregistered, policy) == Next::Wait));
            assert_eq!(decide(State::Finishing, &Held, policy), Next::Capture);
        }
        assert!(live.iter().all(|from| decide(*from, &Held, Policy::OnHold) == Next::Capture));
        assert_eq!(decide(State::Pending, &Held, Policy::OnShipment), Next::Extend);
        assert_eq!(decide(State::Held, &Held, Policy::OnShipment), Next::Extend, "its end is the form's");
        let report = ProviderReport { amount: Some(rub(500_000)), ..ProviderReport::new(Held, "1001-1".to_owned()) };
        let long = Payment { hold_until: Some(Timestamp::from_millis(900)), ..payment(State::Held) };
        assert_eq!(next(&long, &report, Policy::OnShipment, Timestamp::from_millis(99)), Next::Wait);
    }

    #[test]
    fn attempt_left_open_by_provider_expires_an_hour_after_its_end() {
        let report = ProviderReport { amount: None, ..ProviderReport::new(ReportedState::Pending, "1001-1".to_owned()) };
        let pending = payment(State::Pending);
        let decide = |now: Timestamp| next(&pending, &report, Policy::OnHold, now);
        assert_eq!(decide(pending.valid_till), Next::Wait, "the customer may just be finishing");
        assert_eq!(decide(pending.valid_till.plus(GRACE)), Next::Move(State::Expired));
    }

    #[test]
    fn the_table_of_intents() {
        use ReportedState::{Canceled, Captured, Declined, Expired, Held, Pending, Refunded, Unregistered};
        let decide = |payment: &Payment, state: &ReportedState, amount| {
            let report = ProviderReport { amount: Some(rub(amount)), ..ProviderReport::new(state.clone(), "1001-1".to_owned()) };
            next(payment, &report, Policy::OnHold, Timestamp::from_millis(99))
        };
        let at = Timestamp::from_millis(1);
        let by = Trigger::BackOffice("anna");

        let cancel = payment(State::Held).intending(Intent::Cancel, by, at);
        assert_eq!(decide(&cancel, &Held, 500_000), Next::Repeat, "never captured instead");
        assert!(matches!(decide(&cancel, &Held, 1), Next::Mismatch(_)));
        for (reported, state) in
            [(Canceled, State::Canceled), (Expired, State::Expired), (Declined, State::Declined), (Captured, State::Captured)]
        {
            assert_eq!(decide(&cancel, &reported, 500_000), Next::Move(state));
        }
        assert_eq!(decide(&cancel, &Pending, 500_000), Next::Wait);

        let change = Change { amount: rub(400_000), valid_till: Timestamp::from_millis(900), lines: Vec::new() };
        let change = payment(State::Held).intending(Intent::Change(change), by, at);
        assert_eq!(decide(&change, &Held, 500_000), Next::Repeat);
        assert_eq!(decide(&change, &Held, 400_000), Next::Done);
        assert!(matches!(decide(&change, &Held, 300_000), Next::Mismatch(_)));
        assert_eq!(decide(&change, &Captured, 400_000), Next::Done, "changed, then captured");
        assert_eq!(decide(&change, &Captured, 500_000), Next::Move(State::Captured), "captured as it was");
        assert!(matches!(decide(&change, &Captured, 300_000), Next::Mismatch(_)));
        assert_eq!(decide(&change, &Canceled, 500_000), Next::Move(State::Canceled));
        for over in [Canceled, Expired, Refunded] {
            assert_eq!(decide(&change, &over, 400_000), Next::Done, "changed, then over: a new attempt is for the new amount");
        }

        let refund = |amount| {
            let wanted = payment(State::Captured).wanted(Some(&Part::Amount(rub(amount)))).unwrap();
            payment(State::Captured).refunding("key".to_owned(), wanted, RefundGrounds::default(), by, at)
        };
        assert_eq!(decide(&refund(500_000), &Captured, 500_000), Next::Repeat, "all of it would show");
        assert_eq!(decide(&refund(500_000), &Refunded, 500_000), Next::Done);
        assert_eq!(decide(&refund(100_000), &Captured, 500_000), Next::Wait, "a part does not show: a person must look");
        assert_eq!(decide(&refund(100_000), &Refunded, 500_000), Next::Move(State::Refunded));
        assert_eq!(decide(&refund(100_000).postponed(at), &Captured, 500_000), Next::Repeat, "it was never sent");
        assert_eq!(decide(&refund(100_000).postponed(at).repeating(at), &Captured, 500_000), Next::Wait, "now it may have been");
        assert_eq!(decide(&refund(100_000), &Unregistered, 500_000), Next::Wait);
    }

    #[test]
    fn final_state_stays_and_a_contradiction_is_a_mismatch() {
        use ReportedState::{Canceled, Captured, Held, Pending, Refunded};
        let decide = |state, reported: &ReportedState| {
            let report =
                ProviderReport { amount: Some(rub(500_000)), ..ProviderReport::new(reported.clone(), "1001-1".to_owned()) };
            next(&payment(state), &report, Policy::OnHold, Timestamp::from_millis(99))
        };
        for state in [State::Captured, State::PartiallyRefunded] {
            assert_eq!(decide(state, &Refunded), Next::Move(State::Refunded), "given back in the provider's cabinet");
            assert_eq!(decide(state, &Captured), Next::Wait);
            assert!(matches!(decide(state, &Canceled), Next::Mismatch(_)));
        }
        for state in [State::Declined, State::Canceled, State::Expired] {
            assert!(matches!(decide(state, &Held), Next::Mismatch(_)));
            assert_eq!(decide(state, &Pending), Next::Wait);
        }
        assert_eq!(decide(State::Refunded, &Captured), Next::Wait);
    }

    #[test]
    fn a_mismatch_is_over_once_the_provider_says_what_we_have() {
        let decide = |state, reported: &ReportedState, minor| {
            let report =
                ProviderReport { amount: Some(rub(minor)), ..ProviderReport::new(reported.clone(), "1001-1".to_owned()) };
            let hold_until = Some(Timestamp::from_millis(900));
            let payment = Payment { mismatch: Some("of yesterday".to_owned()), hold_until, ..payment(state) };
            next(&payment, &report, Policy::OnShipment, Timestamp::from_millis(99))
        };
        for (state, reported) in [
            (State::Pending, ReportedState::Pending),
            (State::Held, ReportedState::Held),
            (State::Captured, ReportedState::Captured),
            (State::PartiallyRefunded, ReportedState::Captured),
            (State::Refunded, ReportedState::Refunded),
        ] {
            assert_eq!(decide(state, &reported, 500_000), Next::MatchesAgain, "{state:?}");
            assert_ne!(decide(state, &reported, 500_001), Next::MatchesAgain, "{state:?}: another amount");
        }
        for reported in [ReportedState::Canceled, ReportedState::Expired, ReportedState::Refunded, ReportedState::Unregistered] {
            assert_eq!(decide(State::Canceled, &reported, 1), Next::MatchesAgain, "{reported:?}: no money is left");
        }
        let unclear = ReportedState::Unrecognised("frozen".to_owned());
        assert!(
            [State::Held, State::Captured, State::Canceled].iter().all(|state| decide(*state, &unclear, 500_000) == Next::Wait)
        );
        assert!(matches!(decide(State::Canceled, &ReportedState::Held, 500_000), Next::Mismatch(_)));
    }

    proptest! {
        #[test]
        fn every_decision_is_one_that_the_machine_allows(
            state in any_state(), report in any_report(), policy in any_policy(), now in 0_i64..200,
        ) {
            let now = Timestamp::from_millis(now);
            let payment = payment(state);
            let ours = report.payment_id == "1001-1" && report.amount == Some(payment.amount);
            match next(&payment, &report, policy, now) {
                Next::Wait => {}
                Next::Register => prop_assert!(matches!(state, State::Creating | State::Pending)),
                Next::Move(to) => {
                    prop_assert!(state.may_become(to), "{:?} to {:?}", state, to);
                    prop_assert!(ours || to.is_failed(), "money counted that is not ours");
                    prop_assert!(!state.is_settled() || to == State::Refunded, "a final state changed");
                }
                Next::Capture | Next::Extend => prop_assert!(ours && !state.is_settled()),
                Next::Release | Next::Closed => prop_assert!(false, "nothing was withdrawn"),
                Next::Mismatch(_) => prop_assert!(!ours || state.is_settled()),
                Next::Repeat | Next::Done | Next::Dropped(_) => prop_assert!(false, "nothing was intended"),
                Next::GivenBack(_) => prop_assert!(false, "no sum of refunds was said"),
                Next::MatchesAgain => prop_assert!(false, "nothing was amiss"),
            }
        }

        #[test]
        fn payment_only_moves_forward_in_any_order_of_reports(
            reports in proptest::collection::vec(any_report(), 0..20), policy in any_policy(), now in 0_i64..200,
        ) {
            let now = Timestamp::from_millis(now);
            let mut payment = payment(State::Creating);
            for report in reports {
                let before = payment.clone();
                payment = match next(&payment, &report, policy, now) {
                    Next::Wait
                    | Next::Register
                    | Next::Mismatch(_)
                    | Next::Repeat
                    | Next::Release
                    | Next::Closed
                    | Next::Done
                    | Next::Dropped(_)
                    | Next::GivenBack(_)
                    | Next::MatchesAgain => payment,
                    Next::Extend if payment.state == State::Held => payment,
                    Next::Extend => payment.moved(State::Held, Trigger::Callback, Timestamp::from_millis(1)),
                    Next::Move(to) => payment.moved(to, Trigger::Callback, Timestamp::from_millis(1)),
                    Next::Capture => payment.finishing(Trigger::Callback, Timestamp::from_millis(1)),
                };
                prop_assert!(payment.state == before.state || before.state.may_become(payment.state));
                prop_assert!(!before.state.is_settled() || payment == before || payment.state == State::Refunded);
            }
        }
    }
}
