//! Whatever a payment's flags and its provider's answer are, what is said of it is true.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::payments::payment::samples::{payment, rub};
use crate::payments::payment::{
    Change, ProviderReport, Reason, ReceiptLines, ReceiptPart, ReceiptRejection, Receipts, Refund, ReportedState, State,
};
use crate::platform::money::Currency;

/// Far from the end of what [`payment`] makes, which is at 100 ms.
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const DAYS: Duration = Duration::from_hours(10 * 24);

fn no_lines() -> ReceiptLines {
    ReceiptLines::stored(Vec::new(), Currency::Rub)
}

fn reason() -> Reason {
    Reason { code: "mokka:20".to_owned(), text: "В оплате отказано.".to_owned() }
}

fn refund(status: RefundStatus, accepted_at: Option<Timestamp>) -> Refund {
    Refund {
        key_hash: "key".to_owned(),
        amount: rub(100_000),
        status,
        repeats: 0,
        by: "back-office:cashier".to_owned(),
        at: NOW.minus(DAYS),
        ended_at: None,
        provider_id: accepted_at.map(|_| "refund-1".to_owned()),
        accepted_at,
        part: ReceiptPart::default(),
        lines_hash: None,
        grounds: RefundGrounds::default(),
        scheduled_for: None,
        is_refusal_unseen: false,
        approval: None,
    }
}

fn open(state: State) -> Payment {
    Payment { valid_till: NOW.plus(DAYS), ..payment(state) }
}

fn refunding(status: RefundStatus, accepted_at: Option<Timestamp>) -> Payment {
    Payment { intent: Some(Intent::Refund(0)), refunds: vec![refund(status, accepted_at)], ..open(State::Captured) }
}

fn says(state: ReportedState) -> ProviderReport {
    ProviderReport { amount: Some(rub(500_000)), ..ProviderReport::new(state, "1001-1") }
}

fn situation(payment: &Payment) -> Situation {
    explain(payment, ProviderView::NotAsked, NOW).situation
}

/// Each situation, and a payment that is in it.
fn one_of_each() -> Vec<(Situation, Payment, Option<ProviderReport>)> {
    let pending = || open(State::Pending);
    let held = || open(State::Held);
    let given_up = || Payment { withdrawn: true, ..open(State::Canceled) };
    let change = Change { amount: rub(500_000), valid_till: NOW, lines: Vec::new() };
    let hinted = |mut payment: Payment| {
        payment.poll.hinted = true;
        payment
    };
    let unreachable = |mut payment: Payment| {
        payment.poll.unreachable_since = Some(NOW);
        payment
    };
    let untold = |mut payment: Payment| {
        payment.outbox.order_status = payment.outbox.order_status.failed(NOW);
        payment
    };
    let rejected = Receipts { rejection: Some(ReceiptRejection::New), ..Receipts::new(no_lines()) };
    let scheduled = Refund { scheduled_for: Some(NOW.plus(DAYS)), ..refund(RefundStatus::Scheduled, None) };
    let unseen = Refund { is_refusal_unseen: true, ..refund(RefundStatus::Refused(reason()), None) };
    let given_back = Refund { amount: rub(500_000), status: RefundStatus::Made, ..refund(RefundStatus::Made, None) };
    vec![
        (Situation::CallUnderWay, Payment { lease_until: Some(NOW.plus(DAYS)), ..held() }, None),
        (Situation::SecondPayment, Payment { second_payment: Some("2d8e".to_owned()), ..open(State::Captured) }, None),
        (Situation::ProviderAhead, pending(), Some(says(ReportedState::Held))),
        (Situation::ProviderAhead, held(), Some(says(ReportedState::Captured))),
        (Situation::ProviderAhead, open(State::Captured), Some(says(ReportedState::Refunded))),
        (Situation::Mismatch, Payment { mismatch: Some("another amount".to_owned()), ..held() }, None),
        (Situation::Mismatch, open(State::Expired), Some(says(ReportedState::Captured))),
        (Situation::Mismatch, given_up(), Some(says(ReportedState::Captured))),
        (Situation::Mismatch, open(State::Captured), Some(says(ReportedState::Canceled))),
        (Situation::Mismatch, held(), Some(ProviderReport { amount: Some(rub(1)), ..says(ReportedState::Held) })),
        (Situation::HoldLost, Payment { lost: true, ..open(State::Expired) }, None),
        (Situation::ScheduledRefundRefused, Payment { refunds: vec![unseen], ..open(State::Captured) }, None),
        (
            Situation::RefundAwaitsApproval,
            Payment { refunds: vec![refund(RefundStatus::AwaitsApproval, None)], ..open(State::Captured) },
            None,
        ),
        (Situation::RefundScheduled, Payment { refunds: vec![scheduled], ..open(State::Captured) }, None),
        (Situation::RefundWaiting, refunding(RefundStatus::Waiting, None), None),
        (Situation::RefundUnclear, refunding(RefundStatus::Pending, None), None),
        (Situation::RefundAccepted, refunding(RefundStatus::Pending, Some(NOW)), None),
        (Situation::RefundOverdue, refunding(RefundStatus::Pending, Some(NOW.minus(DAYS))), None),
        (Situation::CancelRefused, Payment { intent: Some(Intent::Cancel), reason: Some(reason()), ..held() }, None),
        (Situation::CancelUnclear, Payment { intent: Some(Intent::Cancel), ..held() }, None),
        (Situation::ChangeUnclear, Payment { intent: Some(Intent::Change(change)), ..held() }, None),
        (Situation::ReceiptUnclear, Payment { intent: Some(Intent::Receipt), ..open(State::Captured) }, None),
        (Situation::Announced, hinted(pending()), None),
        (Situation::ProviderUnavailable, unreachable(pending()), None),
        (Situation::CallUnclear, Payment { unknown: true, ..held() }, None),
        (Situation::GivenUpHeld, Payment { reason: Some(reason()), ..given_up() }, None),
        (Situation::GivenUpOpen, Payment { valid_till: NOW.minus(DAYS), ..given_up() }, None),
        (Situation::GivenUp, given_up(), None),
        (Situation::GivenUp, given_up(), Some(says(ReportedState::Held))),
        (Situation::ReceiptRejected, Payment { receipts: Some(rejected), ..open(State::Captured) }, None),
        (Situation::CaptureRefused, Payment { reason: Some(reason()), ..open(State::Finishing) }, None),
        (Situation::CaptureUnderWay, open(State::Finishing), None),
        (Situation::BankDecides, Payment { processing: true, ..pending() }, None),
        (Situation::BankDecides, pending(), Some(says(ReportedState::Processing))),
        (Situation::Overdue, payment(State::Pending), None),
        (Situation::Overdue, payment(State::Pending), Some(says(ReportedState::Pending))),
        (Situation::Opening, open(State::Creating), None),
        (Situation::WaitsForCustomer, pending(), None),
        (Situation::WaitsForCustomer, pending(), Some(says(ReportedState::Pending))),
        (Situation::HoldEndsSoon, Payment { valid_till: NOW.plus(Duration::from_hours(1)), ..held() }, None),
        (Situation::Untold, untold(open(State::Captured)), None),
        (Situation::Held, held(), Some(says(ReportedState::Held))),
        (Situation::Captured, open(State::Captured), Some(says(ReportedState::Captured))),
        (Situation::PartiallyRefunded, open(State::PartiallyRefunded), None),
        (Situation::Refunded, open(State::Refunded), None),
        (Situation::Refunded, Payment { refunds: vec![given_back], ..open(State::Declined) }, None),
        (Situation::Refunded, open(State::Canceled), Some(says(ReportedState::Refunded))),
        (Situation::ProviderAhead, given_up(), Some(says(ReportedState::Refunded))),
        (Situation::Declined, Payment { reason: Some(reason()), ..open(State::Declined) }, None),
        (Situation::Canceled, open(State::Canceled), None),
        (Situation::Expired, open(State::Expired), None),
    ]
}

#[test]
fn each_situation_is_known_by_its_signs() {
    for (expected, payment, report) in one_of_each() {
        let view = report.as_ref().map_or(ProviderView::NotAsked, ProviderView::Said);
        assert_eq!(explain(&payment, view, NOW).situation, expected, "{payment:#?} {report:?}");
    }
    let shown: BTreeSet<_> = one_of_each().into_iter().map(|(situation, ..)| situation).collect();
    assert_eq!(shown, Situation::ALL.iter().copied().collect());
}

#[test]
fn everybody_reads_their_language_and_no_code_is_said_twice() {
    let codes: BTreeSet<_> = Situation::ALL.iter().map(|situation| situation.code()).collect();
    assert_eq!(codes.len(), Situation::ALL.len());
    for (situation, payment, report) in one_of_each() {
        let view = report.as_ref().map_or(ProviderView::NotAsked, ProviderView::Said);
        let said = explain(&payment, view, NOW);
        assert!(!said.text.is_empty() && said.text.is_ascii(), "{situation:?}: {}", said.text);
        let is_russian = said.customer_text.chars().all(|letter| !letter.is_ascii_alphabetic());
        assert!(is_russian && said.customer_text.ends_with('.'), "{situation:?}: {}", said.customer_text);
    }
}

#[test]
fn a_provider_that_does_not_answer_hides_nothing_that_is_over() {
    let captured = open(State::Captured);
    assert_eq!(explain(&captured, ProviderView::Unavailable, NOW).situation, Situation::Captured);
    assert_eq!(explain(&open(State::Pending), ProviderView::Unavailable, NOW).situation, Situation::ProviderUnavailable);
}

#[test]
fn actions_are_those_that_are_not_refused() {
    let actions = |payment: &Payment| explain(payment, ProviderView::NotAsked, NOW).actions;
    assert_eq!(actions(&open(State::Held)), [Action::Finish, Action::Cancel, Action::Change, Action::Settle]);
    assert_eq!(actions(&open(State::Pending)), [Action::Cancel, Action::Settle]);
    assert_eq!(actions(&open(State::Captured)), [Action::Refund, Action::Settle]);
    assert_eq!(actions(&open(State::Refunded)), [Action::Settle]);
    assert_eq!(actions(&refunding(RefundStatus::Pending, None)), [Action::Outcome, Action::Settle]);
    assert_eq!(actions(&refunding(RefundStatus::Pending, Some(NOW))), [Action::Settle], "its provider will tell");
    assert_eq!(actions(&Payment { lease_until: Some(NOW.plus(DAYS)), ..open(State::Held) }), []);
    // Paid after its end: all of it, once that was seen.
    let seen = Payment { mismatch: Some("the provider has money".to_owned()), ..open(State::Expired) };
    assert_eq!(actions(&seen), [Action::Refund, Action::Settle]);
}

/// Whether it can be intended in that state.
fn fits(intent: &Intent, state: State) -> bool {
    match intent {
        Intent::Refund(_) => {
            !matches!(state, State::Creating | State::Pending | State::Held | State::Finishing | State::Refunded)
        }
        Intent::Receipt => matches!(state, State::Captured | State::PartiallyRefunded),
        Intent::Change(_) => state == State::Held,
        Intent::Cancel => matches!(state, State::Held | State::Finishing | State::Canceled),
    }
}

fn any_intent() -> impl Strategy<Value = Option<Intent>> {
    let change = Change { amount: rub(500_000), valid_till: NOW, lines: Vec::new() };
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(Intent::Cancel)),
        1 => Just(Some(Intent::Change(change))),
        2 => Just(Some(Intent::Refund(0))),
        1 => Just(Some(Intent::Receipt)),
    ]
}

prop_compose! {
    fn any_payment()(
        state in proptest::sample::select(State::ALL.to_vec()),
        intent in any_intent(),
        [unknown, processing, withdrawn, lost, leased, refused, mismatched, doubled] in proptest::array::uniform8(proptest::bool::weighted(0.15)),
        [hinted, unreachable, untold, rejected, accepted] in proptest::array::uniform5(proptest::bool::weighted(0.15)),
        ends_in in proptest::sample::select(vec![-240_i64, -3, -1, 1, 23, 25, 240]),
        status in proptest::sample::select(vec![RefundStatus::Waiting, RefundStatus::Pending, RefundStatus::Made]),
        age in proptest::sample::select(vec![0_u64, 95, 97]),
    ) -> Payment {
        let intent = intent.filter(|intent| fits(intent, state));
        let hours = |hours: u64| Duration::from_hours(hours);
        let valid_till = if ends_in < 0 { NOW.minus(hours(ends_in.unsigned_abs())) } else { NOW.plus(hours(ends_in.unsigned_abs())) };
        let accepted_at = accepted.then(|| NOW.minus(hours(age)));
        let receipts = rejected.then(|| Receipts { rejection: Some(ReceiptRejection::New), ..Receipts::new(no_lines()) });
        let mut payment = Payment {
            refunds: intent.iter().filter(|intent| matches!(intent, Intent::Refund(_))).map(|_| refund(status.clone(), accepted_at)).collect(),
            intent,
            unknown,
            processing,
            // Only what was given up is.
            withdrawn: withdrawn && state == State::Canceled,
            lost,
            lease_until: leased.then(|| NOW.plus(hours(1))),
            reason: refused.then(reason),
            mismatch: mismatched.then(|| "another amount".to_owned()),
            second_payment: doubled.then(|| "2d8e".to_owned()),
            receipts,
            valid_till,
            ..payment(state)
        };
        payment.poll.hinted = hinted;
        payment.poll.unreachable_since = unreachable.then_some(NOW);
        if untold {
            payment.outbox.payment_status = payment.outbox.payment_status.failed(NOW);
        }
        payment
    }
}

fn any_report() -> impl Strategy<Value = Option<ProviderReport>> {
    let states = vec![
        ReportedState::Unregistered,
        ReportedState::Pending,
        ReportedState::Processing,
        ReportedState::Held,
        ReportedState::Captured,
        ReportedState::Refunded,
        ReportedState::Declined,
        ReportedState::Canceled,
        ReportedState::Expired,
        ReportedState::Unrecognised("odd".to_owned()),
    ];
    proptest::option::of(proptest::sample::select(states).prop_map(says))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What goes to manual review if it lasts is never called calm.
    #[test]
    fn what_is_in_doubt_is_never_explained_as_calm(payment in any_payment(), report in any_report()) {
        for view in [ProviderView::NotAsked, ProviderView::of(report.as_ref())] {
            let said = explain(&payment, view, NOW);
            prop_assert!(!said.situation.is_calm() || !payment.is_in_doubt(NOW), "{:?}", said);
        }
    }

    /// Nobody reads that no money was taken while the provider says that it has it, nor that it is paid while the provider has none.
    #[test]
    fn what_is_said_of_money_is_what_the_provider_says(payment in any_payment(), report in any_report()) {
        let Some(report) = report else { return Ok(()) };
        let situation = explain(&payment, ProviderView::Said(&report), NOW).situation;
        let is_without_money = matches!(
            situation,
            Situation::Opening | Situation::WaitsForCustomer | Situation::Declined | Situation::Canceled | Situation::Expired | Situation::GivenUpOpen
        );
        prop_assert!(!is_without_money || !report.state.is_captured(), "{situation:?} {report:?}");
        let is_open = matches!(situation, Situation::Opening | Situation::WaitsForCustomer | Situation::Overdue);
        prop_assert!(!is_open || report.state != ReportedState::Held, "{situation:?} {report:?}");
        let is_paid = matches!(situation, Situation::Captured | Situation::PartiallyRefunded);
        let has_none = matches!(
            report.state,
            ReportedState::Held | ReportedState::Canceled | ReportedState::Expired | ReportedState::Refunded
        );
        prop_assert!(!is_paid || !has_none, "{situation:?} {report:?}");
    }

    /// What is offered is not refused, and what is not offered is.
    #[test]
    fn what_is_offered_is_permitted(payment in any_payment()) {
        let said = explain(&payment, ProviderView::NotAsked, NOW);
        let offers = |action| said.actions.contains(&action);
        prop_assert_eq!(offers(Action::Settle), !payment.is_leased(NOW));
        prop_assert_eq!(offers(Action::Cancel), payment.permits(&Command::Cancel, NOW, NOW).is_ok());
        prop_assert!(!offers(Action::Refund) || !payment.rest().is_zero());
        prop_assert!(!offers(Action::Outcome) || matches!(payment.intent, Some(Intent::Refund(_))));
        prop_assert_eq!(said.next_look, payment.poll.next_at);
    }
}

#[test]
fn a_view_of_another_order_is_a_contradiction() {
    let report = ProviderReport::new(ReportedState::Held, "1002-1");
    let said = explain(&open(State::Pending), ProviderView::Said(&report), NOW);
    assert_eq!((said.situation, situation(&open(State::Pending))), (Situation::Mismatch, Situation::WaitsForCustomer));
}
