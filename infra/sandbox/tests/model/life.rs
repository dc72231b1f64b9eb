//! Lets a sequence happen to an order, and looks at everything after each step: what Mokka has, what our store has, what IMSHOP
//! was told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::time::Duration;

use proptest_state_machine::StateMachineTest;
use sandbox::functions::Story;
use serde_json::Value;
use standins::{Decision, MokkaStatus, System};
use testkit::settings::{CASHIER_KEY, TRAINEE_KEY};
use testkit::{Answer, Event, Placed, drop_after};
use tokio::runtime::Runtime;

use crate::agreement::{agree, describe};
use crate::books::Books;
use crate::kept::{Address, KeptEnvironment, Policy, Simulated};
use crate::office::{Office, Part, Verdict};
use crate::plan::{Action, Cabinet, Call, Change, Plan, Plans, READINGS, Readings, Span, Start, Step};
use crate::prepaid::{PREPAID, Prepaying};
use crate::truth::{Truth, imshop_says_paid};

/// Longer than any lease.
pub(crate) const LEASE_OVER: Duration = Duration::from_secs(13);

/// The sequences of one policy.
pub(crate) struct Lives<A>(PhantomData<A>);

impl<A: Address> StateMachineTest for Lives<A> {
    type SystemUnderTest = Life;
    type Reference = Plans<A>;

    fn init_test(plan: &Plan) -> Life {
        Life::begin(A::enter(), Beginning { start: plan.start, readings: plan.readings, prepaying: plan.prepaying })
    }

    fn apply(mut life: Life, _: &Plan, step: Step) -> Life {
        life.step(&step);
        life
    }

    fn teardown(life: Life, _: Plan) {
        A::leave(life.end());
    }
}

/// An order's life.
pub(crate) struct Life {
    runtime: Runtime,
    order: Sequence,
}

/// How a life begins.
pub(crate) struct Beginning {
    pub(crate) start: Start,
    pub(crate) readings: Readings,
    pub(crate) prepaying: Prepaying,
}

impl From<Start> for Beginning {
    fn from(start: Start) -> Self {
        Self { start, readings: Readings::default(), prepaying: Prepaying::default() }
    }
}

impl Life {
    pub(crate) fn begin(kept_environment: KeptEnvironment, beginning: impl Into<Beginning>) -> Self {
        let KeptEnvironment { runtime, rooms } = kept_environment;
        let Beginning { start, readings, prepaying } = beginning.into();
        read(&rooms, readings);
        prepaying.begins(&rooms.story);
        let order = runtime.block_on(Sequence::begin(rooms, prepaying));
        let mut life = Self { runtime, order };
        let ask = |action| Step::Ask(Call { action, first: false });
        let (create, approved) = (ask(Action::Create), Step::Customer(Decision::Approved));
        let heard = if prepaying.needs_callback() { Action::Callback(Decision::Approved) } else { Action::Capture };
        let day = Step::Passes(Span::Seconds(24 * 60 * 60));
        let steps = match start {
            Start::Order => vec![],
            Start::Held => vec![create, approved],
            Start::Captured => vec![create, approved, ask(heard), ask(Action::Finish)],
            Start::CapturedYesterday => vec![create, approved, ask(heard), ask(Action::Finish), day],
        };
        for step in &steps {
            life.step(step);
        }
        life
    }

    pub(crate) fn step(&mut self, step: &Step) {
        self.runtime.block_on(self.order.step(step));
    }

    /// Lets everything come to rest, and gives the environment back.
    pub(crate) fn end(mut self) -> KeptEnvironment {
        self.runtime.block_on(self.order.come_to_rest());
        KeptEnvironment { runtime: self.runtime, rooms: self.order.rooms }
    }
}

/// Lets the simulated Mokka be read so.
fn read(rooms: &Simulated, readings: Readings) {
    for ((name, values), other) in READINGS.into_iter().zip(readings) {
        let standins = rooms.story.environment.standins();
        standins.set_reading(name, values[usize::from(other)]).expect("a reading of the stand-in");
    }
}

/// What an asker was told.
#[derive(Debug)]
pub(crate) enum Said {
    /// By a function of the API gateway.
    Http(Answer),
    /// By the back office.
    Office(Verdict),
    /// A function that is not asked was run, or there was nothing to ask.
    Nothing,
}

/// What is known of an order.
pub(crate) struct Sequence {
    pub(crate) rooms: Simulated,
    pub(crate) order: Placed,
    pub(crate) prepaying: Prepaying,
    /// The books as they were after the last step.
    pub(crate) seen: BTreeMap<String, Books>,
    /// What may be held: the price, and every amount that the shop's people asked for.
    amounts: BTreeMap<String, BTreeSet<i64>>,
    /// The payment page that the customer was shown.
    shown: BTreeMap<String, String>,
    /// Payments that were dealt with in Mokka's cabinet.
    pub(crate) cabinet: BTreeSet<String>,
    /// A fault may be waiting for its call.
    broken: bool,
    /// What happened, for the reader of a failed test.
    diary: Vec<String>,
}

/// Both sides of a payment before a step, for saying what the step has to do.
struct Before {
    books: Option<Books>,
    truth: Option<Truth>,
    /// The attempts of which something is open.
    open: BTreeSet<String>,
    calls: [u64; 5],
}

/// Mokka's methods that change something.
/// What the trainee of the sandbox gives back alone, in kopecks.
const TRAINEES_LIMIT: i64 = 50_000;

const CHANGES: [&str; 5] = ["checkout", "finish", "cancel", "change", "return"];

impl Sequence {
    async fn begin(rooms: Simulated, prepaying: Prepaying) -> Self {
        let order = rooms.story.order().await;
        Self {
            rooms,
            order,
            prepaying,
            seen: BTreeMap::new(),
            amounts: BTreeMap::new(),
            shown: BTreeMap::new(),
            cabinet: BTreeSet::new(),
            broken: false,
            diary: Vec::new(),
        }
    }

    pub(crate) fn story(&self) -> &Story {
        &self.rooms.story
    }

    pub(crate) fn now(&self) -> i64 {
        self.story().environment.clock().now().millis()
    }

    pub(crate) fn note(&mut self, what: impl Into<String>) {
        self.diary.push(what.into());
    }

    /// Ends the test with all that happened.
    pub(crate) fn broke(&self, what: &str) -> ! {
        let (policy, diary) = (self.rooms.policy, self.diary.join("\n"));
        panic!("{what}\n{policy:?}, {:?}, order {}:\n{diary}", self.prepaying, self.order.id)
    }

    fn must(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broke(&what());
        }
    }

    /// The payment that a call is about: the newest attempt, or the first; that which is about to be opened, if there is none.
    fn target(&self, call: Call) -> String {
        let newest = u32::try_from(self.seen.len()).expect("few attempts").max(1);
        // IMSHOP's `create` names an order.
        self.order.payment(if call.first && call.action != Action::Create { 1 } else { newest })
    }

    async fn step(&mut self, step: &Step) {
        self.note(format!("{step:?}"));
        self.amounts_asked_for(step);
        match step {
            Step::Ask(call) => {
                let before = self.before(*call);
                let said = self.patient(self.act(*call)).await;
                self.note(format!("  {}", short(&said)));
                let seen = self.look().await;
                self.hears(*call, &said, true);
                self.compare(*call, &before, &said);
                self.note(seen);
                return;
            }
            Step::Both(one, other) => {
                let before = self.before(*one);
                let (first, second) = self.patient(async { tokio::join!(self.act(*one), self.act(*other)) }).await;
                self.note(format!("  {} and {}", short(&first), short(&second)));
                let seen = self.look().await;
                self.hears(*one, &first, false);
                self.hears(*other, &second, false);
                // A change has no key to know it again by: the second is another one.
                let is_same = one.action == other.action && one.first == other.first;
                if is_same && !matches!(one.action, Action::Change(_)) {
                    self.asked_once(&before);
                }
                self.note(seen);
                return;
            }
            Step::Dies { call, after, soon } => {
                let said = drop_after(usize::from(*after), self.patient(self.act(*call))).await;
                if let Some(said) = said {
                    self.note(format!("  in time: {}", short(&said)));
                    self.look().await;
                    self.hears(*call, &said, false);
                } else {
                    // What it had sent arrives.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    if !soon {
                        self.story().environment.advance(LEASE_OVER);
                    }
                }
            }
            Step::Unheard { call, index } => {
                self.story().environment.lose_store_answer(usize::from(*index));
                let said = self.patient(self.act(*call)).await;
                self.note(format!("  {}", short(&said)));
                self.story().environment.lose_store_answer(usize::MAX);
                self.look().await;
                self.hears(*call, &said, false);
            }
            // What runs none of our functions leaves our books as they are.
            Step::Customer(decision) => return self.customer(*decision).await,
            Step::Cabinet(action) => return self.in_cabinet(*action),
            Step::Breaks { system, method, fault, times } => {
                self.story().environment.standins().fault(*system, method, *fault, *times).expect("a fault");
                self.broken = true;
                return;
            }
            Step::Mended => return self.mend(),
            Step::Passes(span) => return self.pass(*span),
        }
        let seen = self.look().await;
        self.note(seen);
    }

    pub(crate) fn mend(&mut self) {
        self.story().environment.standins().clear_faults();
        self.broken = false;
    }

    async fn patient<T>(&self, call: impl Future<Output = T>) -> T {
        let now = self.now();
        patient(self.story(), self.seen.values().any(|books| books.is_leased(now)), call).await
    }

    async fn act(&self, call: Call) -> Said {
        let payment = self.target(call);
        let story = self.story();
        let office = Office(story);
        let known = story.environment.standins().mokka_order(&payment).is_some();
        match call.action {
            Action::Create => Said::Http(story.create(&self.order).await),
            Action::Capture => Said::Http(story.capture(&payment).await),
            Action::Return if known => Said::Http(story.come_back(&payment).await),
            Action::Callback(decision) if known => {
                let decision = if decision == Decision::Approved { "approved" } else { "declined" };
                Said::Http(story.callback(&payment, decision).await)
            }
            Action::Return | Action::Callback(_) => Said::Nothing,
            // What people ask for is an amount of what they know, and what was captured is in the shop's books.
            Action::Finish | Action::Change(_) | Action::Refund { .. } | Action::Schedule { .. } | Action::Ask { .. }
                if self.is_unheard(&payment) =>
            {
                Said::Nothing
            }
            Action::Change(_) if self.prepaying.otherwise => Said::Nothing,
            Action::Finish => Said::Office(office.finish(&payment).await),
            Action::Cancel => Said::Office(office.cancel(&payment).await),
            Action::Change(Change { amount, hours }) => {
                let valid_till = (self.now() / 1000 + i64::try_from(hours * 3600).expect("hours")) * 1000;
                Said::Office(office.change(&payment, amount, valid_till).await)
            }
            Action::Refund { part, key } => Said::Office(office.refund(&payment, part, &key_text(key)).await),
            Action::Schedule { part, key } => Said::Office(office.schedule(&payment, part, &key_text(key)).await),
            Action::Withdraw(refund) => Said::Office(office.withdraw(&payment, refund).await),
            Action::Ask { part, key } => Said::Office(office.refund_by(TRAINEE_KEY, &payment, part, &key_text(key), "now").await),
            Action::Approve { refund, by_another } => {
                let who = if by_another { CASHIER_KEY } else { TRAINEE_KEY };
                Said::Office(office.approve(&payment, refund.into(), who).await)
            }
            Action::Settle => Said::Office(office.settle(&payment).await),
            Action::PollStream => {
                story.environment.poll_stream().await;
                Said::Nothing
            }
            Action::Tick => {
                story.environment.tick().await;
                Said::Nothing
            }
        }
    }

    /// Only Mokka's callback can tell how much of it is prepaid, and has not told.
    fn is_unheard(&self, payment: &str) -> bool {
        self.seen.get(payment).is_some_and(|books| self.prepaying.is_unheard(&books.item))
    }

    /// When IMSHOP takes a payment for paid.
    fn is_paid_at_mokka(&self, truth: &Truth) -> bool {
        match self.rooms.policy {
            Policy::OnShipment if !self.prepaying.waits() => truth.was_held(),
            Policy::OnHold | Policy::OnShipment => truth.is_captured(),
        }
    }

    fn amounts_asked_for(&mut self, step: &Step) {
        let calls = match step {
            Step::Ask(call) | Step::Dies { call, .. } | Step::Unheard { call, .. } => vec![*call],
            Step::Both(one, other) => vec![*one, *other],
            Step::Customer(_) | Step::Cabinet(_) | Step::Breaks { .. } | Step::Mended | Step::Passes(_) => Vec::new(),
        };
        for call in calls {
            if let Action::Change(change) = call.action {
                let payment = self.target(call);
                self.amounts.entry(payment).or_default().insert(change.amount);
            }
        }
    }

    async fn customer(&mut self, decision: Decision) {
        let payments: Vec<String> = self.seen.keys().rev().cloned().collect();
        for payment in payments {
            let Some(truth) = Truth::of(self.story(), &payment) else { continue };
            if truth.status == MokkaStatus::Pending && self.shown.get(&payment) == Some(&truth.form_url) {
                self.story().decide(&payment, decision).await;
                return;
            }
        }
        self.note("  has no form");
    }

    fn in_cabinet(&mut self, action: Cabinet) {
        let Some(payment) = self.seen.keys().next_back().cloned() else { return };
        let Some(truth) = Truth::of(self.story(), &payment) else { return };
        let becomes = match (action, truth.status) {
            // The shop captures nothing there that it has given up; if it did, a person would be called.
            (Cabinet::Finish, MokkaStatus::Hold) if self.seen[&payment].is_withdrawn() => return self.note("  given up"),
            (Cabinet::Finish, MokkaStatus::Hold) if self.is_unheard(&payment) => return self.note("  not known how much"),
            (Cabinet::Finish, MokkaStatus::Hold) => MokkaStatus::Finished,
            (Cabinet::Cancel, MokkaStatus::Hold) => MokkaStatus::Canceled,
            (Cabinet::Refund, MokkaStatus::Finished) => MokkaStatus::Refunded,
            _ => return self.note("  cannot"),
        };
        self.story().environment.standins().set_mokka_status(&payment, becomes).expect("Mokka knows it");
        self.cabinet.insert(payment);
    }

    fn pass(&self, span: Span) {
        let end = self.seen.values().next_back().and_then(|books| books.moment("valid_till"));
        let left = |extra: i64| {
            let end = end.unwrap_or_else(|| self.now());
            Duration::from_millis(u64::try_from(end + extra - self.now()).unwrap_or(0))
        };
        self.story().environment.advance(match span {
            Span::Seconds(seconds) => Duration::from_secs(seconds),
            Span::BeforeEnd => left(-2_000),
            Span::End => left(2_000),
            Span::AfterGrace => left(60 * 60 * 1000 + 2_000),
        });
    }

    /// Reads everything again, and checks what must hold at every moment. What it saw, for the diary.
    pub(crate) async fn look(&mut self) -> String {
        let all = Books::of(self.story(), &self.order).await;
        let mut saw = Vec::new();
        for books in &all {
            let truth = Truth::of(self.story(), &books.id);
            // What a new attempt is to be paid with is the order's amount, which an earlier attempt may have changed.
            if !self.seen.contains_key(&books.id) {
                let amounts = self.amounts.entry(books.id.clone()).or_default();
                amounts.insert(books.amount());
                if self.prepaying.is_chosen() {
                    amounts.insert(books.amount() - PREPAID);
                }
            }
            self.books_only_go_forward(books);
            self.books_fit(books, truth.as_ref());
            self.nobody_is_called_for_nothing(books);
            saw.push(format!("  {}", describe(books, truth.as_ref())));
        }
        self.must(all.len() >= self.seen.len(), || "an attempt vanished".to_owned());
        self.seen = all.into_iter().map(|books| (books.id.clone(), books)).collect();
        saw.join("\n")
    }

    fn books_only_go_forward(&self, books: &Books) {
        if let Some(back) = self.seen.get(&books.id).and_then(|before| books.step_back(before)) {
            self.broke(&back);
        }
    }

    /// What our books say must be so at Mokka, and what was done at Mokka must have been written down before.
    fn books_fit(&self, books: &Books, truth: Option<&Truth>) {
        let must = |holds: bool, what: &str| {
            self.must(holds, || format!("{}: {what}\n{}", books.id, describe(books, truth)));
        };
        must(books.given_back_alone("trainee") <= TRAINEES_LIMIT, "nobody gives back more than their limit alone");
        must(!books.has_own_approval(), "nobody approves what they have asked for");
        let state = books.state.as_str();
        let is_ours = matches!(state, "captured" | "partially_refunded" | "refunded");
        let Some(truth) = truth else {
            must(matches!(state, "creating" | "declined" | "canceled" | "expired"), "Mokka has never heard of it");
            return;
        };
        let told = imshop_says_paid(self.story(), &books.id);
        let in_cabinet = self.cabinet.contains(&books.id);
        must(truth.finishes + truth.cancels <= 1, "captured and canceled, or one of them twice");
        must(!is_ours || truth.is_captured(), "captured in our books only");
        must(state != "canceled" || !truth.is_captured(), "canceled in our books, captured at Mokka");
        must(truth.finishes == 0 || is_ours || state == "finishing", "captured before it was written down");
        let canceling = state == "canceled" || books.intent() == Some("cancel");
        must(truth.cancels == 0 || canceling, "canceled before it was written down");
        let allowed = &self.amounts[&books.id];
        must(allowed.contains(&truth.amount), "an amount is held that nobody asked for");
        let changing = books.item["intent"]["amount"].as_i64();
        let is_chosen = self.prepaying.is_chosen() && books.item["prepaid"]["amount"].is_null();
        let is_as_written = truth.amount == books.amount() || is_chosen && truth.amount == books.amount() - PREPAID;
        must(is_as_written || changing == Some(truth.amount), "changed before it was written down");
        must(truth.returned <= truth.amount, "more given back than was captured");
        let (made, sent) = (books.refunds("made"), books.refunds("pending"));
        must(made <= truth.returned, "a refund counts as made that was not");
        must(in_cabinet || truth.returned <= made + sent, "money given back that nobody asked for");
        must((state == "refunded") <= (truth.status == MokkaStatus::Refunded), "given back in our books only");
        must(told != Some(true) || self.is_paid_at_mokka(truth), "IMSHOP was told that it is paid");
        let has_money = matches!(truth.status, MokkaStatus::Hold | MokkaStatus::Finished);
        // A hold that comes after the attempt was given up is let go by the first request that sees it.
        must(told != Some(false) || !has_money || books.is_withdrawn(), "IMSHOP was told that it is not paid");
    }

    /// With nothing in the way, a person is needed only for what only a person can decide.
    fn nobody_is_called_for_nothing(&self, books: &Books) {
        let before = self.seen.get(&books.id).is_some_and(Books::needs_attention);
        let is_called = books.needs_attention() && !before && !self.broken;
        // Mokka itself has said that something happened, and its status never shows it.
        let is_hinted = books.item["hinted"] == true;
        // A hold that ends within a day, and one that was paid for IMSHOP and is no more.
        let ends_soon = books.state == "held" && books.moment("valid_till") <= Some(self.now() + 24 * 60 * 60 * 1000);
        let is_known = is_hinted
            || ends_soon
            || books.is_lost()
            || books.is_approval_overdue(self.now())
            || books.undecided_refund().is_some()
            || self.prepaying.is_unsaid(&books.item);
        self.must(!is_called || is_known, || format!("{}: a person is called for nothing\n{}", books.id, describe(books, None)));
    }

    /// What every answer must be, whatever went wrong on the way.
    fn hears(&mut self, call: Call, said: &Said, alone: bool) {
        let payment = self.target(call);
        let truth = Truth::of(self.story(), &payment);
        let fits = |holds: bool, what: &str| {
            self.must(holds, || format!("{what}: {call:?} was answered {}", short(said)));
        };
        match (call.action, said) {
            (Action::Create, Said::Http(answer)) => {
                fits(answer.status == 200, "an answer in IMSHOP's shape");
                let answer = answer.json();
                if answer["success"] == Value::Bool(true) {
                    let id = answer["paymentId"].as_str().expect("a payment").to_owned();
                    let url = answer["paymentUrl"].as_str().expect("a page").to_owned();
                    let form = Truth::of(self.story(), &id).map(|truth| truth.form_url);
                    fits(!alone || form.as_ref() == Some(&url), "a page that lives");
                    self.shown.insert(id, url);
                }
            }
            (Action::Capture, Said::Http(answer)) => {
                fits(answer.status == 200, "an answer in IMSHOP's shape");
                if answer.json()["paymentCaptured"] == Value::Bool(true) {
                    let paid = truth.is_some_and(|truth| self.is_paid_at_mokka(&truth));
                    fits(paid, "paid is what is paid");
                }
            }
            (
                Action::Refund { part, key } | Action::Schedule { part, key } | Action::Ask { part, key },
                Said::Office(Verdict::Done),
            ) => {
                let made = self.seen[&payment].refund_with_key(&key_text(key));
                let made = made.expect("a refund with that key");
                fits(made["status"] == "made", "done is what is made");
                if let Part::Of(amount) = part {
                    fits(made["amount"].as_i64() == Some(amount), "as much as was asked for");
                }
            }
            (_, Said::Office(verdict)) => fits(*verdict != Verdict::Failed, "no fault of ours"),
            _ => {}
        }
    }

    fn before(&self, call: Call) -> Before {
        let payment = self.target(call);
        let calls = CHANGES.map(|method| self.story().environment.standins().call_count(System::Mokka, method));
        Before { books: self.seen.get(&payment).cloned(), truth: Truth::of(self.story(), &payment), open: self.open(), calls }
    }

    fn open(&self) -> BTreeSet<String> {
        let now = self.now();
        self.seen.values().filter(|books| !books.is_calm(now)).map(|books| books.id.clone()).collect()
    }

    /// With nothing in the way, each method that changes something is called once at most.
    fn asked_once(&self, before: &Before) {
        if self.broken || before.books.as_ref().is_some_and(|books| !books.is_calm(self.now())) {
            return;
        }
        for (method, before) in CHANGES.into_iter().zip(before.calls) {
            let calls = self.story().environment.standins().call_count(System::Mokka, method) - before;
            // A Finish that was refused for its amount names it in the other way.
            let tries = if method == "finish" && self.prepaying.otherwise { 2 } else { 1 };
            self.must(calls <= tries, || format!("{method} was called {calls} times"));
        }
    }

    /// What one call must do: nothing if it was refused; and with nothing in the way, just what the state of things allows.
    fn compare(&self, call: Call, before: &Before, said: &Said) {
        let payment = self.target(call);
        let after = Truth::of(self.story(), &payment);
        let was_calm = before.books.as_ref().is_none_or(|books| books.is_calm(self.now()) && books.state != "finishing");
        let must = |holds: bool, what: &str| {
            self.must(holds, || format!("{what}: {call:?} was answered {}\n{:?}\n{after:?}", short(said), before.truth));
        };
        if let (true, Said::Office(Verdict::Forbidden(_) | Verdict::Refused(_) | Verdict::Unavailable)) = (was_calm, said)
            && call.action != Action::Settle
        {
            must(before.truth.as_ref().map(Truth::effects) == after.as_ref().map(Truth::effects), "refused and done");
        }
        self.asked_once(before);
        let (Some(books), Some(was), Some(is)) = (&before.books, &before.truth, &after) else { return };
        if self.broken || !was_calm || !agree(&books.state, &was.status) || !agree(&books.state, &status_now(was, self.now())) {
            return;
        }
        // A word about one attempt settles nothing of another.
        must(self.open().is_subset(&before.open), "something opens with nothing in the way");
        let held = was.status == MokkaStatus::Hold;
        match (call.action, said) {
            (Action::Capture, Said::Http(answer)) => {
                let paid = answer.json()["paymentCaptured"] == Value::Bool(true);
                must(paid == (held && !self.prepaying.waits() || was.status == MokkaStatus::Finished), "capture says what is");
            }
            (Action::Callback(_), Said::Http(answer)) => must(answer.status == 200, "a callback is taken"),
            (Action::Return, Said::Http(answer)) => must(answer.status == 303, "the browser is sent on"),
            (Action::Create, Said::Http(answer)) => {
                let open = matches!(
                    was.status,
                    MokkaStatus::Pending | MokkaStatus::Declined | MokkaStatus::Canceled | MokkaStatus::Expired
                );
                let newest = self.order.payment(u32::try_from(self.seen.len()).expect("few"));
                if payment == newest || was.status == MokkaStatus::Pending {
                    let opens = answer.json()["success"] == Value::Bool(true);
                    // Mokka has said that it was approved after all: for a while that is unknown.
                    let is_uncertain = books.item["hinted"] == Value::Bool(true) && !opens;
                    must(is_uncertain || opens == open, "create opens what can be paid");
                }
            }
            (Action::Finish, Said::Office(verdict)) => {
                must((*verdict == Verdict::Done) == held, "what is held can be captured");
                must(!held || is.status == MokkaStatus::Finished, "captured");
            }
            (Action::Cancel, Said::Office(verdict)) => {
                let open = held || was.status == MokkaStatus::Pending;
                must((*verdict == Verdict::Done) == open, "what is held can be canceled, and what nobody has paid given up");
                must(!held || is.status == MokkaStatus::Canceled, "canceled");
                must(held || is.effects() == was.effects(), "given up without a call");
            }
            (Action::Change(change), Said::Office(verdict)) => {
                let possible = held && change.amount >= 100_000;
                must((*verdict == Verdict::Done) == possible, "what is held can be changed");
                must(!possible || (is.amount == change.amount && is.changes == was.changes + 1), "changed");
            }
            (
                Action::Refund { part, key } | Action::Schedule { part, key } | Action::Ask { part, key },
                Said::Office(verdict),
            ) => {
                self.refund_does(books, was, is, (part, &key_text(key)), verdict, &must);
            }
            _ => {}
        }
        let captures = matches!(call.action, Action::Capture | Action::Return | Action::Callback(_) | Action::Settle);
        if captures && held && self.rooms.policy == Policy::OnHold && !self.prepaying.waits() {
            must(is.status == MokkaStatus::Finished, "a hold is captured at once");
        }
    }

    fn refund_does(
        &self,
        books: &Books,
        was: &Truth,
        is: &Truth,
        (part, key): (Part, &str),
        verdict: &Verdict,
        must: &dyn Fn(bool, &str),
    ) {
        let rest = was.amount - was.returned - books.planned();
        let amount = match part {
            Part::Of(amount) => amount,
            Part::Rest => rest,
        };
        if was.status != MokkaStatus::Finished {
            must(*verdict != Verdict::Done || books.refund_with_key(key).is_some(), "only what was captured is given back");
        } else if books.refund_with_key(key).is_some() {
            must(is.returned == was.returned, "a key is good for one refund");
        } else if amount > rest || rest == 0 && books.planned() > 0 {
            must(*verdict == Verdict::Forbidden("above_rest".to_owned()), "no more than is left");
        } else if matches!(verdict, Verdict::Forbidden(code) if code == "partial_too_early") || *verdict == Verdict::Scheduled {
            let captured_at = books.moment("captured_at").expect("a moment");
            must(amount < was.amount && self.now() - captured_at <= 24 * 60 * 60 * 1000, "a part from the next day on");
            must(is.returned == was.returned, "nothing is given back before its time");
        } else if *verdict == Verdict::AwaitsApproval {
            must(is.returned == was.returned, "nothing is given back unapproved");
        } else {
            must(*verdict == Verdict::Done && is.returned == was.returned + amount, "given back");
        }
    }
}

/// Waits for an answer. A request that meets the lease of a dead one, if it may, waits until it is over.
pub(crate) async fn patient<T>(story: &Story, may_meet_a_lease: bool, call: impl Future<Output = T>) -> T {
    if !may_meet_a_lease {
        return call.await;
    }
    let wait = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        story.environment.advance(LEASE_OVER);
    };
    tokio::join!(call, wait).0
}

/// The status as it will be at the next look: what is over by now has ended.
fn status_now(truth: &Truth, now: i64) -> MokkaStatus {
    let is_open = matches!(truth.status, MokkaStatus::Pending | MokkaStatus::Hold);
    if is_open && now >= truth.valid_till { MokkaStatus::Expired } else { truth.status.clone() }
}

/// An idempotency key.
pub(crate) fn key_text(key: u8) -> String {
    format!("key-{key}")
}

pub(crate) fn short(said: &Said) -> String {
    match said {
        Said::Http(answer) => format!("{} {}", answer.status, answer.body.chars().take(160).collect::<String>()),
        Said::Office(verdict) => format!("{verdict:?}"),
        Said::Nothing => "-".to_owned(),
    }
}

impl Office<'_> {
    pub(crate) async fn schedule(&self, payment: &str, part: Part, key: &str) -> Verdict {
        self.refund_at(payment, part, key, "earliest").await
    }

    pub(crate) async fn withdraw(&self, payment: &str, refund: u8) -> Verdict {
        let event = Event::new("DELETE", &format!("/v1/back-office/payments/{payment}/refunds/{refund}")).key(CASHIER_KEY);
        self.send("withdraw", event).await
    }
}
