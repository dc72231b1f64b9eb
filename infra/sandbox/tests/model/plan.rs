//! What may happen. The model knows only what people did: enough to choose what is likely to matter next. Whether it was
//! possible, and what became of it, is read from Mokka afterwards.

use proptest::prelude::*;
use proptest::strategy::Union;
use proptest_state_machine::ReferenceStateMachine;
use standins::{Decision, Fault, System};

/// Something happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Somebody asks something of our functions.
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
    /// Somebody acts in Mokka's cabinet.
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
    Settle,
    /// The table's stream.
    Pump,
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

/// How much is to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// So many kopecks.
    Of(i64),
    /// All that is left, without naming it.
    Rest,
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

/// What people did so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    asked: bool,
    decided: Option<Decision>,
    over: bool,
}

impl ReferenceStateMachine for Plan {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(plan: &Self) -> BoxedStrategy<Step> {
        let call = plan.call();
        Union::new_weighted(vec![
            (plan.weight(45), call.clone().prop_map(Step::Ask).boxed()),
            (6, (call.clone(), call.clone()).prop_map(|(one, other)| Step::Both(one, other)).boxed()),
            (4, call.clone().prop_map(|call| Step::Both(call, call)).boxed()),
            (
                9,
                (call.clone(), 0_u8..28, proptest::bool::weighted(0.1))
                    .prop_map(|(call, after, soon)| Step::Dies { call, after, soon })
                    .boxed(),
            ),
            (1, (call, 0_u8..6).prop_map(|(call, index)| Step::Unheard { call, index }).boxed()),
            (plan.customer(), decision().prop_map(Step::Customer).boxed()),
            (2, prop_oneof![Just(Cabinet::Finish), Just(Cabinet::Cancel), Just(Cabinet::Refund)].prop_map(Step::Cabinet).boxed()),
            (12, breaks()),
            (7, Just(Step::Mended).boxed()),
            (14, span().prop_map(Step::Passes).boxed()),
        ])
        .boxed()
    }

    fn apply(plan: Self, step: &Step) -> Self {
        match step {
            Step::Ask(call) | Step::Dies { call, .. } | Step::Unheard { call, .. } => plan.after(call.action),
            Step::Both(one, other) => plan.after(one.action).after(other.action),
            Step::Customer(decision) if plan.asked => Self { decided: plan.decided.or(Some(*decision)), ..plan },
            Step::Cabinet(Cabinet::Cancel) | Step::Passes(Span::End | Span::AfterGrace) => Self { over: true, ..plan },
            Step::Customer(_) | Step::Cabinet(_) | Step::Breaks { .. } | Step::Mended | Step::Passes(_) => plan,
        }
    }
}

impl Plan {
    fn after(self, action: Action) -> Self {
        match action {
            Action::Create if self.over || self.decided == Some(Decision::Declined) => Self { asked: true, ..Self::default() },
            Action::Create => Self { asked: true, ..self },
            Action::Cancel if self.decided.is_some() => Self { over: true, ..self },
            _ => self,
        }
    }

    fn weight(&self, usual: u32) -> u32 {
        if self.asked { usual } else { 4 * usual }
    }

    /// How likely it is that the customer decides now.
    fn customer(&self) -> u32 {
        match (self.asked, self.decided) {
            (true, None) => 30,
            _ => 1,
        }
    }

    fn call(&self) -> BoxedStrategy<Call> {
        let is_held = self.decided == Some(Decision::Approved);
        let money = if is_held { 6 } else { 1 };
        let actions = Union::new_weighted(vec![
            (if self.asked && !self.over { 6 } else { 60 }, Just(Action::Create).boxed()),
            (3 * money, Just(Action::Capture).boxed()),
            (money, Just(Action::Return).boxed()),
            (2 * money, decision().prop_map(Action::Callback).boxed()),
            (2 * money, Just(Action::Finish).boxed()),
            (money, Just(Action::Cancel).boxed()),
            (2 * money, change().prop_map(Action::Change).boxed()),
            (4 * money, refund().boxed()),
            (money, Just(Action::Settle).boxed()),
            (8, Just(Action::Pump).boxed()),
            (10, Just(Action::Tick).boxed()),
        ]);
        (actions, proptest::bool::weighted(0.06)).prop_map(|(action, first)| Call { action, first }).boxed()
    }
}

fn decision() -> impl Strategy<Value = Decision> + Clone {
    prop_oneof![4 => Just(Decision::Approved), 1 => Just(Decision::Declined)]
}

/// 900.00 is less than any tariff takes; 3250.00 is what the order costs.
fn change() -> impl Strategy<Value = Change> {
    let amounts = prop_oneof![Just(325_000), Just(150_000), Just(400_000), Just(90_000)];
    (amounts, prop_oneof![Just(1_u64), Just(24), Just(72)]).prop_map(|(amount, hours)| Change { amount, hours })
}

fn refund() -> impl Strategy<Value = Action> {
    let part = prop_oneof![
        3 => Just(Part::Of(100_000)),
        3 => Just(Part::Of(50_000)),
        1 => Just(Part::Of(325_000)),
        1 => Just(Part::Of(900_000)),
        3 => Just(Part::Rest),
    ];
    (part, 0_u8..6).prop_map(|(part, key)| Action::Refund { part, key })
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        3 => Just(Span::Seconds(20)),
        3 => Just(Span::Seconds(16 * 60)),
        2 => Just(Span::Seconds(65 * 60)),
        5 => Just(Span::Seconds(25 * 60 * 60)),
        2 => Just(Span::BeforeEnd),
        1 => Just(Span::End),
        1 => Just(Span::AfterGrace),
    ]
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

fn breaks() -> BoxedStrategy<Step> {
    let mokka = prop_oneof![
        2 => Just("checkout"),
        4 => Just("status"),
        4 => Just("finish"),
        2 => Just("cancel"),
        3 => Just("change"),
        4 => Just("return"),
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
    let imshop = prop_oneof![Just("payment_status"), Just("order_status")].prop_flat_map(|method| {
        let fault = prop_oneof![
            Just(Fault::Reset),
            Just(Fault::Http500),
            Just(Fault::Html),
            Just(Fault::AnswerLost),
            Just(Fault::Refused),
            Just(Fault::Status(404)),
        ];
        (Just((System::Imshop, method)), fault)
    });
    prop_oneof![3 => mokka, 1 => imshop]
        .prop_flat_map(|((system, method), fault)| {
            (1_u32..4).prop_map(move |times| Step::Breaks { system, method, fault, times })
        })
        .boxed()
}
