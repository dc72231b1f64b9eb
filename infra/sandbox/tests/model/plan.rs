//! What may happen. The model knows only what people did: enough to choose what is likely to matter next. Whether it was
//! possible, and what became of it, is read from Mokka afterwards.

use std::marker::PhantomData;

use proptest::prelude::*;
use proptest::strategy::Union;
use proptest_state_machine::ReferenceStateMachine;
use standins::{Decision, Fault, System};

use crate::kept::{Address, Policy};
use crate::office::Part;
use crate::prepaid::{Prepaying, Way};

/// In seconds.
const DAY: u64 = 24 * 60 * 60;

/// Something happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A request to our functions.
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
    /// The customer decides on the form that was shown; no callback comes of it by itself.
    Customer(Decision),
    /// An act in Mokka's cabinet.
    Cabinet(Cabinet),
    /// The next calls go wrong.
    Breaks {
        system: System,
        method: &'static str,
        fault: Fault,
        times: u32,
    },
    /// Everything works again.
    Mended,
    Passes(Span),
}

/// Something that runs our functions, about the order's newest attempt or its first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) action: Action,
    pub(crate) first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// IMSHOP.
    Create,
    Capture,
    /// The customer's browser comes back.
    Return,
    /// Mokka's callback, which may come when it wants and say what it wants.
    Callback(Decision),
    /// The shop's people.
    Finish,
    Cancel,
    Change(Change),
    Refund {
        part: Part,
        key: u8,
    },
    /// A refund as soon as Mokka takes it.
    Schedule {
        part: Part,
        key: u8,
    },
    /// A refund by a person who may give back only so much alone.
    Ask {
        part: Part,
        key: u8,
    },
    /// Another person approves the refund of that number, or the same one tries to.
    Approve {
        refund: u8,
        by_another: bool,
    },
    /// Gives up the refund of that number.
    Withdraw(u8),
    Settle,
    /// The table's stream.
    PollStream,
    /// The schedule.
    Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Kopecks.
    pub(crate) amount: i64,
    /// How many hours from now the hold ends.
    pub(crate) hours: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cabinet {
    Finish,
    Cancel,
    Refund,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Seconds(u64),
    /// Until two seconds before the newest attempt ends.
    BeforeEnd,
    /// Until it has ended.
    End,
    /// Until it must have ended for everybody.
    AfterGrace,
}

/// Where a sequence begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With an order whose payment has not begun.
    Order,
    /// With a hold.
    Held,
    /// With a payment captured just now.
    Captured,
    /// With one captured the day before, of which parts can be given back.
    CapturedYesterday,
}

/// How far people must have come, if everything went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Shown,
    Approved,
    Captured,
    Over,
}

/// What Mokka's document leaves open, as it is drawn for a life: whether each is in the other way than we assume
/// (infra/docs/READINGS.md). Those of prepaid orders are [`Prepaying`]'s. The rest of the list makes manual reviews of what needs none
/// otherwise, and has tests of its own; so has a Checkout that is carried out late, after which the page of the one that followed it may
/// be dead.
pub(crate) const READINGS: [(&str, [&str; 2]); 6] = [
    ("cannot_process", ["nothing_done", "done"]),
    ("status_past_end", ["expired", "pending"]),
    ("phone_on_form", ["same", "another"]),
    ("optional_fields", ["given", "null"]),
    ("amounts", ["text", "number"]),
    ("content_type", ["application/json", "text/html"]),
];
/// Which of them are read in the other way.
pub(crate) type Readings = [bool; READINGS.len()];

/// What people did so far.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) start: Start,
    policy: Policy,
    phase: Phase,
    pub(crate) readings: Readings,
    pub(crate) prepaying: Prepaying,
}

/// The plans for one policy.
pub(crate) struct Plans<A>(PhantomData<A>);

impl<A: Address> ReferenceStateMachine for Plans<A> {
    type State = Plan;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Plan> {
        let start = prop_oneof![
            4 => Just(Start::Order),
            4 => Just(Start::Held),
            2 => Just(Start::Captured),
            5 => Just(Start::CapturedYesterday),
        ];
        let readings = proptest::array::uniform(proptest::bool::weighted(0.3));
        (start, readings, prepaying(A::POLICY)).prop_map(|drawn| Plan::new(drawn.0, A::POLICY, drawn.1, drawn.2)).boxed()
    }

    fn transitions(plan: &Plan) -> BoxedStrategy<Step> {
        let call = plan.call();
        let customer = if plan.phase == Phase::Shown { 40 } else { 1 };
        let cabinet = prop_oneof![Just(Cabinet::Finish), Just(Cabinet::Cancel), Just(Cabinet::Refund)];
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
            (customer, decision().prop_map(Step::Customer).boxed()),
            (2, cabinet.prop_map(Step::Cabinet).boxed()),
            (15, plan.breaks()),
            (7, Just(Step::Mended).boxed()),
            (11, plan.span().prop_map(Step::Passes).boxed()),
        ])
        .boxed()
    }

    fn apply(plan: Plan, step: &Step) -> Plan {
        match step {
            Step::Ask(call) | Step::Dies { call, .. } | Step::Unheard { call, .. } => plan.after(call.action),
            Step::Both(one, other) => plan.after(one.action).after(other.action),
            Step::Customer(decision) => match (plan.phase, decision) {
                (Phase::Shown, Decision::Approved) => plan.at(Phase::Approved),
                (Phase::Shown, Decision::Declined) => plan.at(Phase::Over),
                _ => plan,
            },
            Step::Cabinet(Cabinet::Cancel) if plan.phase == Phase::Approved => plan.at(Phase::Over),
            Step::Cabinet(Cabinet::Finish) if plan.phase == Phase::Approved => plan.at(Phase::Captured),
            Step::Passes(Span::Seconds(DAY..) | Span::End | Span::AfterGrace) if plan.phase != Phase::Captured => {
                plan.at(Phase::Over)
            }
            Step::Cabinet(_) | Step::Breaks { .. } | Step::Mended | Step::Passes(_) => plan,
        }
    }
}

impl Plan {
    fn new(start: Start, policy: Policy, mut readings: Readings, prepaying: Prepaying) -> Self {
        // A callback that does not say what is prepaid may leave it to a person.
        for (other, (name, _)) in readings.iter_mut().zip(READINGS) {
            *other &= name != "optional_fields" || !(prepaying.needs_callback() || prepaying.is_chosen());
        }
        let phase = match start {
            Start::Order => Phase::New,
            Start::Held => Phase::Approved,
            Start::Captured | Start::CapturedYesterday => Phase::Captured,
        };
        Self { start, policy, phase, readings, prepaying }
    }

    fn at(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    fn after(self, action: Action) -> Self {
        match (self.phase, action) {
            (Phase::New | Phase::Over, Action::Create) => self.at(Phase::Shown),
            (Phase::Approved, Action::Cancel) => self.at(Phase::Over),
            (Phase::Approved, Action::Finish) => self.at(Phase::Captured),
            (Phase::Approved, Action::Capture | Action::Return | Action::Callback(_) | Action::Settle)
                if self.policy == Policy::OnHold && !self.prepaying.waits() =>
            {
                self.at(Phase::Captured)
            }
            _ => self,
        }
    }

    fn call(&self) -> BoxedStrategy<Call> {
        let (new, held, captured) = match self.phase {
            Phase::New | Phase::Over => (40, 1, 1),
            Phase::Shown => (8, 1, 1),
            Phase::Approved => (2, 8, 1),
            Phase::Captured => (1, 1, 9),
        };
        let actions = Union::new_weighted(vec![
            (new, Just(Action::Create).boxed()),
            (6, Just(Action::Capture).boxed()),
            (2, Just(Action::Return).boxed()),
            (4, decision().prop_map(Action::Callback).boxed()),
            (held, Just(Action::Finish).boxed()),
            (held, Just(Action::Cancel).boxed()),
            (2 * held, change().prop_map(Action::Change).boxed()),
            (3 * captured, refund().boxed()),
            (2 * captured, schedule().boxed()),
            (captured, (1_u8..4).prop_map(Action::Withdraw).boxed()),
            (2 * captured, (part(), 0_u8..10).prop_map(|(part, key)| Action::Ask { part, key }).boxed()),
            (2 * captured, approval().boxed()),
            (2, Just(Action::Settle).boxed()),
            (6, Just(Action::PollStream).boxed()),
            (5, Just(Action::Tick).boxed()),
        ]);
        (actions, proptest::bool::weighted(0.05)).prop_map(|(action, first)| Call { action, first }).boxed()
    }

    fn span(&self) -> impl Strategy<Value = Span> + use<> {
        let (day, end) = if self.phase == Phase::Captured { (6, 1) } else { (1, 2) };
        prop_oneof![
            3 => Just(Span::Seconds(20)),
            3 => Just(Span::Seconds(16 * 60)),
            2 => Just(Span::Seconds(65 * 60)),
            day => Just(Span::Seconds(DAY + 60)),
            end => Just(Span::BeforeEnd),
            end => Just(Span::End),
            1 => Just(Span::AfterGrace),
        ]
    }

    /// Mostly what is called next.
    fn breaks(&self) -> BoxedStrategy<Step> {
        let (new, held, captured) = match self.phase {
            Phase::New | Phase::Shown | Phase::Over => (6, 1, 1),
            Phase::Approved => (1, 4, 1),
            Phase::Captured => (1, 1, 8),
        };
        let mokka = prop_oneof![
            new => Just("checkout"),
            4 => Just("status"),
            2 * held => Just("finish"),
            held => Just("cancel"),
            held => Just("change"),
            captured => Just("return"),
        ];
        let mokka = mokka.prop_flat_map(|method| {
            let fault = prop_oneof![
                2 => Just(Fault::Reset),
                1 => Just(Fault::Http500),
                1 => Just(Fault::Html),
                4 => Just(Fault::AnswerLost),
                1 => Just(Fault::Refused),
                2 => proptest::sample::select(codes(method)).prop_map(Fault::Status),
            ];
            (Just((System::Mokka, method)), fault)
        });
        let told = prop_oneof![
            Just((System::Imshop, "payment_status")),
            Just((System::Imshop, "order_status")),
            Just((System::Shop, "events")),
        ];
        let told = told.prop_flat_map(|target| {
            let fault = prop_oneof![
                Just(Fault::Reset),
                Just(Fault::Http500),
                // Any 2xx says that the shop has the event, also one with a page of HTML.
                Just(if target.0 == System::Shop { Fault::Reset } else { Fault::Html }),
                Just(Fault::AnswerLost),
                Just(Fault::Refused),
                Just(Fault::Status(404)),
            ];
            (Just(target), fault)
        });
        prop_oneof![3 => mokka, 1 => told]
            .prop_flat_map(|((system, method), fault)| {
                (1_u32..4).prop_map(move |times| Step::Breaks { system, method, fault, times })
            })
            .boxed()
    }
}

/// What calls a person by itself has tests of its own: a prepayment on the form that the shop knows nothing of, and a Change of which Status
/// shows another amount than was sent.
fn prepaying(policy: Policy) -> impl Strategy<Value = Prepaying> {
    let way = prop_oneof![5 => Just(Way::None), 2 => Just(Way::Before), 3 => Just(Way::After)];
    let readings = (proptest::bool::ANY, proptest::bool::ANY, proptest::bool::weighted(0.7));
    (way, readings).prop_map(move |(way, (whole, otherwise, on_form))| Prepaying {
        way,
        whole,
        otherwise: otherwise && (way == Way::None || way == Way::Before && policy == Policy::OnHold),
        on_form: on_form && way != Way::None,
    })
}

fn decision() -> impl Strategy<Value = Decision> + Clone {
    prop_oneof![4 => Just(Decision::Approved), 1 => Just(Decision::Declined)]
}

/// 900.00 is less than any tariff takes; 3250.00 is what the order costs.
fn change() -> impl Strategy<Value = Change> {
    let amounts = prop_oneof![Just(325_000), Just(150_000), Just(400_000), Just(90_000)];
    (amounts, prop_oneof![Just(1_u64), Just(24), Just(72)]).prop_map(|(amount, hours)| Change { amount, hours })
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        3 => Just(Part::Of(100_000)),
        4 => Just(Part::Of(50_000)),
        1 => Just(Part::Of(325_000)),
        1 => Just(Part::Of(900_000)),
        1 => Just(Part::Rest),
    ]
}

fn schedule() -> impl Strategy<Value = Action> {
    (part(), 0_u8..10).prop_map(|(part, key)| Action::Schedule { part, key })
}

fn approval() -> impl Strategy<Value = Action> {
    (1_u8..4, proptest::bool::weighted(0.8)).prop_map(|(refund, by_another)| Action::Approve { refund, by_another })
}

fn refund() -> impl Strategy<Value = Action> {
    (part(), 0_u8..10).prop_map(|(part, key)| Action::Refund { part, key })
}

/// Codes that the method answers although the request is right, whatever the order's state (document "Коды ошибок").
fn codes(method: &str) -> Vec<u16> {
    match method {
        "checkout" => vec![33, 100],
        "finish" => vec![62, 80],
        "cancel" => vec![81],
        "change" => vec![82, 33],
        _ => vec![100],
    }
}
