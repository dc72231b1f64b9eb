//! Sequences that once went wrong, shrunk. Each test's name says what must hold.

use standins::{CardDecision, Fault, System};

use super::life::CardLife;
use super::plan::{Action, Cabinet, Call, Plan, Step};
use super::{Cards, OnHold, OnShipment, OneStage};
use crate::kept::KeptEnvironment;
use crate::office::Part;

/// Plays a sequence in an environment of its own, and lets everything come to rest.
fn plays<A: Cards>(plan: &Plan, steps: &[Step]) {
    let mut life = CardLife::begin(A::build(), A::TWO_STAGE, plan);
    for step in steps {
        life.step(step);
    }
    let _: KeptEnvironment = life.end();
}

fn call(action: Action) -> Call {
    Call { action, first: false }
}

/// Two requests for the same refund learned from the provider that it was captured in the cabinet, and both called it.
#[test]
fn refund_of_what_was_captured_in_the_cabinet_is_asked_for_once() {
    let refund = call(Action::Refund { part: Part::Of(50_000), key: 9 });
    plays::<OnShipment>(
        &Plan::new::<OnShipment>(),
        &[
            Step::Ask(call(Action::Create)),
            Step::Customer { decision: CardDecision::Paid, oldest: false },
            Step::Cabinet(Cabinet::Capture),
            Step::Both(refund, refund),
        ],
    );
}

/// All of a hold was captured in the cabinet of which less was to be paid by then, and what a person gave back of it led nowhere.
#[test]
fn whole_capture_of_a_lowered_hold_is_put_right_in_the_cabinet() {
    let steps = [
        Step::Ask(call(Action::Create)),
        Step::Customer { decision: CardDecision::Paid, oldest: false },
        Step::Ask(call(Action::Change(200_000))),
        Step::Cabinet(Cabinet::Capture),
    ];
    plays::<OnShipment>(&Plan::new::<OnShipment>(), &steps);
    plays::<OnHold>(&Plan::new::<OnHold>(), &steps);
}

/// A part of a hold was about to be captured when all of it was captured in the cabinet: that was taken for the part.
#[test]
fn whole_capture_in_the_cabinet_is_not_the_part_that_was_asked_for() {
    plays::<OnShipment>(
        &Plan::new::<OnShipment>(),
        &[
            Step::Ask(call(Action::Create)),
            Step::Customer { decision: CardDecision::Paid, oldest: false },
            Step::Ask(call(Action::Capture)),
            Step::Breaks { system: System::Yookassa, method: "capture", fault: Fault::Reset, times: 3 },
            Step::Ask(call(Action::FinishPart(200_000))),
            Step::Cabinet(Cabinet::Capture),
        ],
    );
}

/// A refund was asked for, its call was lost, and a week later it was repeated and accepted: it counted as open for a week, and a person
/// was called at once.
#[test]
fn refund_that_is_accepted_late_is_not_overdue() {
    let mut plan = Plan::new::<OneStage>();
    plan.late_refunds = true;
    plays::<OneStage>(
        &plan,
        &[
            Step::Ask(call(Action::Create)),
            Step::Customer { decision: CardDecision::Paid, oldest: false },
            Step::Ask(call(Action::Capture)),
            Step::Breaks { system: System::Yookassa, method: "refund", fault: Fault::Reset, times: 1 },
            Step::Ask(call(Action::Refund { part: Part::Of(100_000), key: 0 })),
            Step::Passes(7 * 24 * 60 * 60),
        ],
    );
}
