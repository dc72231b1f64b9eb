//! What may happen to an order that is paid by card. The model knows only how far people must have come, for choosing what is likely to
//! matter next.

use std::marker::PhantomData;

use proptest::prelude::*;
use proptest::strategy::Union;
use proptest_state_machine::ReferenceStateMachine;
use standins::{CardDecision, Fault, System};

use super::Cards;
use super::calls::Notified;
use crate::kept::Policy;
use crate::office::Part;

/// Something happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Ask(Call),
    /// Two ask at once.
    Both(Call, Call),
    /// The process dies at its `after`-th await. What is asked next comes before the lease it held is over, or after.
    Dies {
        call: Call,
        after: u8,
        soon: bool,
    },
    /// The answer of its `index`-th round trip to the store is lost.
    Unheard {
        call: Call,
        index: u8,
    },
    /// The customer and the bank, on the newest page that is open or the oldest. No notification comes of it by itself.
    Customer {
        decision: CardDecision,
        oldest: bool,
    },
    /// An act in YooKassa's cabinet.
    Cabinet(Cabinet),
    /// The next calls go wrong.
    Breaks {
        system: System,
        method: &'static str,
        fault: Fault,
        times: u32,
    },
    Mended,
    /// Seconds.
    Passes(u64),
}

/// Something that runs our functions, about the order's newest attempt or its first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) action: Action,
    pub(crate) first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// IMSHOP, by card.
    Create,
    /// By instalments.
    CreateAtMokka,
    Capture,
    /// The customer's browser comes back.
    Return,
    Notify(Notified),
    /// The shop's people.
    Finish,
    /// So many kopecks of the hold.
    FinishPart(i64),
    Cancel,
    /// In kopecks, what the order is to cost.
    Change(i64),
    Refund {
        part: Part,
        key: u8,
    },
    /// A piece of the first line.
    RefundLine {
        key: u8,
    },
    /// The goods ship.
    Receipt,
    Settle,
    PollStream,
    Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cabinet {
    Capture,
    Cancel,
    /// So many kopecks; all that is left without them.
    Refund(Option<i64>),
}

/// How far people must have come, if everything went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Shown,
    Paid,
    Captured,
    Over,
}

/// What people did so far.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub(crate) struct Plan {
    phase: Phase,
    captures_at_once: bool,
    /// How the life begins: with a payment that was captured, or with an order.
    pub(crate) begins_captured: bool,
    /// Refunds are accepted first and made later.
    pub(crate) late_refunds: bool,
    /// What the bank makes of a payment whose answer is late, and of a refund that was accepted.
    pub(crate) bank_pays: bool,
}

/// The plans for one way to charge cards.
pub(crate) struct Plans<A>(PhantomData<A>);

impl<A: Cards> ReferenceStateMachine for Plans<A> {
    type State = Plan;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Plan> {
        (proptest::bool::weighted(0.3), proptest::bool::weighted(0.3), proptest::bool::weighted(0.7))
            .prop_map(|(begins_captured, late_refunds, bank_pays)| {
                let phase = if begins_captured { Phase::Captured } else { Phase::New };
                Plan { phase, begins_captured, late_refunds, bank_pays, ..Plan::new::<A>() }
            })
            .boxed()
    }

    fn transitions(plan: &Plan) -> BoxedStrategy<Step> {
        let call = plan.call();
        let customer = if plan.phase == Phase::Shown { 40 } else { 2 };
        Union::new_weighted(vec![
            (45, call.clone().prop_map(Step::Ask).boxed()),
            (7, (call.clone(), call.clone()).prop_map(|(one, other)| Step::Both(one, other)).boxed()),
            (4, call.clone().prop_map(|call| Step::Both(call, call)).boxed()),
            (
                12,
                (call.clone(), 0_u8..28, proptest::bool::weighted(0.1))
                    .prop_map(|(call, after, soon)| Step::Dies { call, after, soon })
                    .boxed(),
            ),
            (1, (call, 0_u8..6).prop_map(|(call, index)| Step::Unheard { call, index }).boxed()),
            (customer, customer_does().boxed()),
            (3, in_cabinet().prop_map(Step::Cabinet).boxed()),
            (15, plan.breaks()),
            (7, Just(Step::Mended).boxed()),
            (11, span().prop_map(Step::Passes).boxed()),
        ])
        .boxed()
    }

    fn apply(plan: Plan, step: &Step) -> Plan {
        match step {
            Step::Ask(call) | Step::Dies { call, .. } | Step::Unheard { call, .. } => plan.after(call.action),
            Step::Both(one, other) => plan.after(one.action).after(other.action),
            Step::Customer { decision, .. } => match (plan.phase, decision) {
                (Phase::Shown, CardDecision::Paid | CardDecision::Held) => plan.at(Phase::Paid),
                (Phase::Shown, CardDecision::Declined | CardDecision::Abandoned) => plan.at(Phase::Over),
                _ => plan,
            },
            Step::Cabinet(Cabinet::Cancel) if plan.phase == Phase::Paid => plan.at(Phase::Over),
            Step::Cabinet(Cabinet::Capture) if plan.phase == Phase::Paid => plan.at(Phase::Captured),
            Step::Passes(3_600..) if plan.phase == Phase::Shown => plan.at(Phase::Over),
            Step::Cabinet(_) | Step::Breaks { .. } | Step::Mended | Step::Passes(_) => plan,
        }
    }
}

impl Plan {
    /// The plan of a life that begins with an order.
    pub(crate) fn new<A: Cards>() -> Self {
        let captures_at_once = A::POLICY == Policy::OnHold;
        Self { phase: Phase::New, captures_at_once, begins_captured: false, late_refunds: false, bank_pays: true }
    }

    fn at(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    fn after(self, action: Action) -> Self {
        match (self.phase, action) {
            (Phase::New | Phase::Over, Action::Create | Action::CreateAtMokka) => self.at(Phase::Shown),
            (Phase::Paid, Action::Cancel) => self.at(Phase::Over),
            (Phase::Paid, Action::Finish | Action::FinishPart(_)) => self.at(Phase::Captured),
            (Phase::Paid, Action::Capture | Action::Return | Action::Notify(_) | Action::Settle) if self.captures_at_once => {
                self.at(Phase::Captured)
            }
            _ => self,
        }
    }

    fn call(&self) -> BoxedStrategy<Call> {
        let (new, held, captured) = match self.phase {
            Phase::New | Phase::Over => (40, 1, 1),
            Phase::Shown => (8, 1, 1),
            Phase::Paid => (2, 8, 1),
            Phase::Captured => (1, 1, 9),
        };
        let said = prop_oneof![6 => Just(Notified::AsItIs), 2 => Just(Notified::Paid), 1 => Just(Notified::Stranger)];
        let amount = prop_oneof![Just(200_000), Just(150_000), Just(400_000)];
        let actions = Union::new_weighted(vec![
            (new, Just(Action::Create).boxed()),
            (1 + new / 8, Just(Action::CreateAtMokka).boxed()),
            (6, Just(Action::Capture).boxed()),
            (3, Just(Action::Return).boxed()),
            (6, said.prop_map(Action::Notify).boxed()),
            (held, Just(Action::Finish).boxed()),
            (held, amount.clone().prop_map(Action::FinishPart).boxed()),
            (held, Just(Action::Cancel).boxed()),
            (held, amount.prop_map(Action::Change).boxed()),
            (4 * captured, refund().boxed()),
            (captured, (0_u8..10).prop_map(|key| Action::RefundLine { key }).boxed()),
            (captured, Just(Action::Receipt).boxed()),
            (2, Just(Action::Settle).boxed()),
            (6, Just(Action::PollStream).boxed()),
            (5, Just(Action::Tick).boxed()),
        ]);
        (actions, proptest::bool::weighted(0.08)).prop_map(|(action, first)| Call { action, first }).boxed()
    }

    /// Mostly what is called next.
    fn breaks(&self) -> BoxedStrategy<Step> {
        let (new, held, captured) = match self.phase {
            Phase::New | Phase::Shown | Phase::Over => (6, 1, 1),
            Phase::Paid => (1, 4, 1),
            Phase::Captured => (1, 1, 8),
        };
        let methods = prop_oneof![
            new => Just("create"),
            5 => Just("get"),
            2 * held => Just("capture"),
            held => Just("cancel"),
            captured => Just("refund"),
            captured => Just("receipt"),
        ];
        let faults = prop_oneof![
            2 => Just(Fault::Reset),
            1 => Just(Fault::Http500),
            1 => Just(Fault::Throttled),
            1 => Just(Fault::Html),
            4 => Just(Fault::AnswerLost),
            1 => Just(Fault::EffectLate(20)),
            1 => Just(Fault::Repeated),
            1 => Just(Fault::Status(202)),
            1 => Just(Fault::Status(401)),
        ];
        let cards = (methods, faults).prop_map(|(method, fault)| (System::Yookassa, method, fault));
        let told = prop_oneof![
            Just((System::Imshop, "payment_status", Fault::AnswerLost)),
            Just((System::Imshop, "order_status", Fault::Http500)),
            Just((System::Shop, "events", Fault::AnswerLost)),
        ];
        (prop_oneof![4 => cards, 1 => told], 1_u32..4)
            .prop_map(|((system, method, fault), times)| Step::Breaks { system, method, fault, times })
            .boxed()
    }
}

fn customer_does() -> impl Strategy<Value = Step> {
    let decision = prop_oneof![
        8 => Just(CardDecision::Paid),
        2 => Just(CardDecision::Held),
        2 => Just(CardDecision::Declined),
        1 => Just(CardDecision::FailedTry),
        1 => Just(CardDecision::ThreeDs),
        2 => Just(CardDecision::Processing),
        1 => Just(CardDecision::Abandoned),
    ];
    (decision, proptest::bool::weighted(0.2)).prop_map(|(decision, oldest)| Step::Customer { decision, oldest })
}

fn in_cabinet() -> impl Strategy<Value = Cabinet> {
    prop_oneof![
        1 => Just(Cabinet::Capture),
        1 => Just(Cabinet::Cancel),
        1 => Just(Cabinet::Refund(None)),
        2 => Just(Cabinet::Refund(Some(30_000))),
    ]
}

fn span() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => Just(7),
        3 => Just(20),
        3 => Just(16 * 60),
        2 => Just(65 * 60),
        2 => Just(26 * 60 * 60),
        1 => Just(7 * 24 * 60 * 60 + 5),
    ]
}

fn refund() -> impl Strategy<Value = Action> {
    let part = prop_oneof![
        3 => Just(Part::Of(100_000)),
        4 => Just(Part::Of(50_000)),
        1 => Just(Part::Of(325_000)),
        1 => Just(Part::Of(900_000)),
        1 => Just(Part::Rest),
    ];
    (part, 0_u8..10).prop_map(|(part, key)| Action::Refund { part, key })
}
