//! Sequences that once went wrong, shrunk. Each test's name says what must hold.

use standins::{Decision, Fault, System};

use crate::kept::{KeptEnvironment, Policy};
use crate::life::{Beginning, Life};
use crate::office::Part;
use crate::plan::{Action, Cabinet, Call, Change, Readings, Span, Start, Step};
use crate::prepaid::{Prepaying, Way};

/// Plays a sequence in an environment of its own, and lets everything come to rest.
fn plays(policy: Policy, steps: &[Step]) {
    let mut life = Life::begin(KeptEnvironment::build(policy), Start::Order);
    for step in steps {
        life.step(step);
    }
    drop(life.end());
}

fn ask(action: Action) -> Step {
    Step::Ask(Call { action, first: false })
}

fn breaks(system: System, method: &'static str, fault: Fault, times: u32) -> Step {
    Step::Breaks { system, method, fault, times }
}

/// An attempt whose registration had no clear answer, and which was not repeated, was put on the list for people after an hour.
#[test]
fn withdrawn_attempt_needs_no_manual_review() {
    plays(
        Policy::OnHold,
        &[
            breaks(System::Mokka, "checkout", Fault::Reset, 1),
            ask(Action::Create),
            Step::Mended,
            Step::Passes(Span::Seconds(30 * 60)),
            ask(Action::Tick),
            Step::Passes(Span::Seconds(35 * 60)),
            ask(Action::Tick),
        ],
    );
}

/// A hold counted as paid, was canceled before IMSHOP could be told, and a second attempt failed: told late, the first attempt's
/// "paid" became the last word on the order.
#[test]
fn late_event_of_earlier_attempt_does_not_override_the_order() {
    plays(
        Policy::OnShipment,
        &[
            ask(Action::Create),
            Step::Customer(Decision::Approved),
            ask(Action::Capture),
            ask(Action::Cancel),
            breaks(System::Imshop, "payment_status", Fault::Reset, 1),
            breaks(System::Imshop, "order_status", Fault::Reset, 1),
            ask(Action::PollStream),
            ask(Action::Create),
            Step::Customer(Decision::Declined),
            ask(Action::Capture),
            ask(Action::PollStream),
        ],
    );
}

/// A change had reached Mokka when its request died, and the hold ran out before anybody looked: the order kept the old amount,
/// so that a new attempt would have been for it.
#[test]
fn a_change_that_was_made_is_written_down_although_the_hold_ran_out() {
    let change = |amount| Call { action: Action::Change(Change { amount, hours: 1 }), first: false };
    plays(
        Policy::OnShipment,
        &[
            ask(Action::Create),
            Step::Customer(Decision::Approved),
            Step::Ask(change(325_000)),
            Step::Dies { call: change(150_000), after: 4, soon: false },
            Step::Passes(Span::Seconds(65 * 60)),
        ],
    );
}

/// Mokka's word on a canceled attempt was expected to settle the next one, whose registration had no clear answer. Only the test
/// was wrong: the schedule looks after the other attempt.
#[test]
fn event_of_one_attempt_settles_no_other() {
    plays(
        Policy::OnShipment,
        &[
            ask(Action::Create),
            Step::Customer(Decision::Approved),
            ask(Action::Cancel),
            breaks(System::Mokka, "checkout", Fault::Status(100), 2),
            ask(Action::Create),
            Step::Mended,
            Step::Ask(Call { action: Action::Callback(Decision::Approved), first: true }),
        ],
    );
}

/// A capture without an answer was to be repeated in half a minute; a look that was only due for IMSHOP called a person before that.
#[test]
fn poll_due_only_for_the_outbox_needs_no_review() {
    plays(
        Policy::OnShipment,
        &[
            ask(Action::Create),
            Step::Customer(Decision::Approved),
            breaks(System::Mokka, "finish", Fault::Reset, 3),
            breaks(System::Imshop, "payment_status", Fault::Reset, 1),
            ask(Action::Finish),
            Step::Passes(Span::Seconds(3900)),
            ask(Action::Create),
            ask(Action::PollStream),
        ],
    );
}

/// A part's refund was on the list for people, Mokka's people gave everything back, and a person said what had become of the part before the
/// payment was polled.
#[test]
fn refund_decided_in_the_cabinet_needs_no_word_of_a_person() {
    let mut life = Life::begin(KeptEnvironment::build(Policy::OnShipment), Start::Held);
    for step in [
        breaks(System::Mokka, "return", Fault::AnswerLost, 1),
        ask(Action::Finish),
        Step::Passes(Span::Seconds(24 * 60 * 60)),
        ask(Action::Refund { part: Part::Of(50_000), key: 2 }),
        ask(Action::Tick),
        Step::Passes(Span::Seconds(65 * 60)),
        ask(Action::Tick),
        Step::Cabinet(Cabinet::Refund),
    ] {
        life.step(&step);
    }
    drop(life.end());
}

/// The extension of a hold was made without an answer, and a change that Mokka refused took its place. Only the test was wrong: it expected
/// everything to be at rest by the end in our books, while Mokka holds for two weeks and a person is on call.
#[test]
fn hold_extended_unheard_rests_at_mokkas_end() {
    let mut life = Life::begin(KeptEnvironment::build(Policy::OnShipment), Start::Order);
    let call = |action| Call { action, first: false };
    for step in [
        ask(Action::Create),
        Step::Customer(Decision::Approved),
        breaks(System::Mokka, "change", Fault::AnswerLost, 2),
        Step::Dies { call: call(Action::Capture), after: 7, soon: false },
        Step::Unheard { call: call(Action::Change(Change { amount: 90_000, hours: 24 })), index: 0 },
    ] {
        life.step(&step);
    }
    drop(life.end());
}

/// What a customer had prepaid on the form was captured in Mokka's cabinet before anybody here had heard of the hold: less than the order
/// costs may then have been given back, and only the callback tells. Only the test was wrong: Mokka sends that callback.
#[test]
fn prepayment_captured_in_the_cabinet_unheard_is_told_by_the_callback() {
    for whole in [false, true] {
        let prepaying = Prepaying { way: Way::After, whole, otherwise: false, on_form: true };
        let beginning = Beginning { start: Start::Order, readings: Readings::default(), prepaying };
        let mut life = Life::begin(KeptEnvironment::build(Policy::OnShipment), beginning);
        for step in [ask(Action::Create), Step::Customer(Decision::Approved), Step::Cabinet(Cabinet::Finish)] {
            life.step(&step);
        }
        drop(life.end());
    }
}
