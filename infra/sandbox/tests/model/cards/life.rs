//! Lets a sequence happen to an order that is paid by card, and looks at everything after each step.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::time::Duration;

use proptest_state_machine::StateMachineTest;
use sandbox::functions::Story;
use serde_json::{Value, json};
use standins::{CabinetAct, CardDecision, CardOutcome, Decision, System};
use testkit::settings::{CASHIER_KEY, OPERATOR_KEY};
use testkit::{Placed, drop_after};
use tokio::runtime::Runtime;

use super::Cards;
use super::agreement::in_a_line;
use super::calls::{self, CARD, Notified};
use super::plan::{Action, Cabinet, Call, Plan, Plans, Step};
use super::side::{Side, Standing};
use crate::books::Books;
use crate::kept::{KeptEnvironment, Policy, Simulated};
use crate::life::{LEASE_OVER, Said, key_text, patient, short};
use crate::office::{Office, Part, Verdict, rubles};
use crate::truth::imshop_says_paid;

/// YooKassa's methods that change something.
const CHANGES: [&str; 4] = ["create", "capture", "cancel", "refund"];
/// A hold that ends within it is a person's.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The sequences of one way to charge cards.
pub(crate) struct CardLives<A>(PhantomData<A>);

impl<A: Cards> StateMachineTest for CardLives<A> {
    type SystemUnderTest = CardLife;
    type Reference = Plans<A>;

    fn init_test(plan: &Plan) -> CardLife {
        CardLife::begin(A::enter(), A::TWO_STAGE, plan)
    }

    fn apply(mut life: CardLife, _: &Plan, step: Step) -> CardLife {
        life.step(&step);
        life
    }

    fn teardown(life: CardLife, _: Plan) {
        A::leave(life.end());
    }
}

/// The life of an order that is paid by card.
pub(crate) struct CardLife {
    runtime: Runtime,
    order: CardOrder,
}

impl CardLife {
    pub(crate) fn begin(kept_environment: KeptEnvironment, two_stage: bool, plan: &Plan) -> Self {
        let KeptEnvironment { runtime, rooms } = kept_environment;
        let order = runtime.block_on(async {
            let refunds = if plan.late_refunds { "pending" } else { "at_once" };
            rooms.story.environment.standins().set_reading("refunds", refunds).expect("a reading of the stand-in");
            let order = rooms.story.order().await;
            CardOrder::of(rooms, order, two_stage, plan)
        });
        let mut life = Self { runtime, order };
        if plan.begins_captured {
            let ask = |action| Step::Ask(Call { action, first: false });
            let paid = Step::Customer { decision: CardDecision::Paid, oldest: false };
            for step in [ask(Action::Create), paid, ask(Action::Capture), ask(Action::Finish)] {
                life.step(&step);
            }
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

/// What is known of an order.
pub(crate) struct CardOrder {
    rooms: Simulated,
    pub(super) order: Placed,
    pub(super) two_stage: bool,
    /// What the bank makes of what waits for it.
    pub(super) bank: CardDecision,
    /// The books as they were after the last step.
    pub(super) seen: BTreeMap<String, Books>,
    /// Payments that were dealt with in the cabinet.
    pub(super) cabinet: BTreeSet<String>,
    /// Payments whose bank has not answered.
    processing: BTreeSet<String>,
    /// A fault may be waiting for its call.
    broken: bool,
    /// What happened, for the reader of a failed test.
    diary: Vec<String>,
}

/// How a payment stood before a step.
struct Before {
    books: Option<Books>,
    side: Option<Side>,
    calls: [u64; 4],
}

impl CardOrder {
    fn of(rooms: Simulated, order: Placed, two_stage: bool, plan: &Plan) -> Self {
        Self {
            rooms,
            order,
            two_stage,
            bank: if plan.bank_pays { CardDecision::Paid } else { CardDecision::Declined },
            seen: BTreeMap::new(),
            cabinet: BTreeSet::new(),
            processing: BTreeSet::new(),
            broken: false,
            diary: Vec::new(),
        }
    }

    pub(super) fn story(&self) -> &Story {
        &self.rooms.story
    }

    pub(super) fn now(&self) -> i64 {
        self.story().environment.clock().now().millis()
    }

    pub(super) fn note(&mut self, what: impl Into<String>) {
        self.diary.push(what.into());
    }

    /// Ends the test with all that happened.
    pub(super) fn broke(&self, what: &str) -> ! {
        let (policy, stages, diary) = (self.rooms.policy, if self.two_stage { "two" } else { "one" }, self.diary.join("\n"));
        panic!("{what}\n{policy:?}, stages: {stages}, bank: {:?}, order {}:\n{diary}", self.bank, self.order.id)
    }

    fn must(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broke(&what());
        }
    }

    fn target(&self, call: Call) -> String {
        let newest = u32::try_from(self.seen.len()).expect("few attempts").max(1);
        self.order.payment(if call.first { 1 } else { newest })
    }

    pub(super) fn side(&self, books: &Books) -> Option<Side> {
        Side::of(self.story(), books)
    }

    async fn step(&mut self, step: &Step) {
        self.note(format!("{step:?}"));
        match step {
            Step::Ask(call) => {
                let before = self.before(*call);
                let said = self.patient(self.act(*call)).await;
                self.note(format!("  {}", short(&said)));
                let seen = self.look().await;
                self.hears(*call, &said);
                self.compare(*call, &before, &said);
                return self.note(seen);
            }
            Step::Both(one, other) => {
                let before = self.before(*one);
                let (first, second) = self.patient(async { tokio::join!(self.act(*one), self.act(*other)) }).await;
                self.note(format!("  {} and {}", short(&first), short(&second)));
                let seen = self.look().await;
                self.hears(*one, &first);
                self.hears(*other, &second);
                if one.action == other.action && one.first == other.first {
                    self.asked_once(&before);
                }
                return self.note(seen);
            }
            Step::Dies { call, after, soon } => {
                let said = drop_after(usize::from(*after), self.patient(self.act(*call))).await;
                if let Some(said) = said {
                    self.note(format!("  in time: {}", short(&said)));
                    self.look().await;
                    self.hears(*call, &said);
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
                self.hears(*call, &said);
            }
            // What runs none of our functions leaves our books as they are.
            Step::Customer { decision, oldest } => return self.customer(decision, *oldest).await,
            Step::Cabinet(act) => return self.in_cabinet(*act),
            Step::Breaks { system, method, fault, times } => {
                self.story().environment.standins().fault(*system, method, *fault, *times).expect("a fault");
                self.broken = true;
                return;
            }
            Step::Mended => return self.mend(),
            Step::Passes(seconds) => {
                // A bank answers within minutes; what it says after the page's hour has a test of its own.
                if *seconds > 1_000 {
                    self.bank_answers().await;
                }
                return self.story().environment.advance(Duration::from_secs(*seconds));
            }
        }
        let seen = self.look().await;
        self.note(seen);
    }

    pub(super) fn mend(&mut self) {
        self.story().environment.standins().clear_faults();
        self.broken = false;
    }

    async fn patient<T>(&self, call: impl Future<Output = T>) -> T {
        let now = self.now();
        patient(self.story(), self.seen.values().any(|books| books.is_leased(now)), call).await
    }

    async fn act(&self, call: Call) -> Said {
        let payment = self.target(call);
        let (story, office) = (self.story(), Office(self.story()));
        match call.action {
            Action::Create => Said::Http(calls::create(story, &self.order, CARD).await),
            Action::CreateAtMokka => Said::Http(calls::create(story, &self.order, "mokka").await),
            Action::Capture => {
                let method = if self.is_card(&payment) { CARD } else { "mokka" };
                Said::Http(calls::capture(story, &payment, method).await)
            }
            Action::Return => {
                let Some(books) = self.seen.get(&payment) else { return Said::Nothing };
                // While the page is open it waits some seconds for the bank, which has a test of its own.
                if self.side(books).is_some_and(|side| side.standing == Standing::Open) {
                    return Said::Nothing;
                }
                calls::come_back(story, &books.item).await.map_or(Said::Nothing, Said::Http)
            }
            Action::Notify(said) => self.notify(&payment, said).await,
            Action::Finish => Said::Office(office.ask(&payment, "finish", OPERATOR_KEY, json!({}), &[]).await),
            Action::FinishPart(amount) => {
                Said::Office(office.ask(&payment, "finish", OPERATOR_KEY, json!({"amount": rubles(amount)}), &[]).await)
            }
            Action::Cancel => Said::Office(office.cancel(&payment).await),
            Action::Change(amount) if self.is_card(&payment) => Said::Office(calls::change(story, &payment, amount).await),
            Action::Change(_) => Said::Nothing,
            Action::Refund { part, key } => Said::Office(office.refund(&payment, part, &key_text(key)).await),
            Action::RefundLine { key } => {
                let sku = self.seen.get(&payment).and_then(Books::sku_left).unwrap_or_else(|| "nothing".to_owned());
                Said::Office(refund_line(story, &payment, &sku, &key_text(key)).await)
            }
            Action::Receipt => Said::Office(office.ask(&payment, "receipts", OPERATOR_KEY, json!({}), &[]).await),
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

    fn is_card(&self, payment: &str) -> bool {
        self.seen.get(payment).is_none_or(|books| books.item["provider"] == "yookassa")
    }

    async fn notify(&self, payment: &str, said: Notified) -> Said {
        let Some(side) = self.seen.get(payment).and_then(|books| self.side(books)) else { return Said::Nothing };
        calls::notify(self.story(), &side, said).await.map_or(Said::Nothing, Said::Http)
    }

    async fn customer(&mut self, decision: &CardDecision, oldest: bool) {
        let open = |books: &Books| self.side(books).filter(|side| side.standing == Standing::Open);
        let mut pages: Vec<(String, Side)> =
            self.seen.values().filter_map(|books| Some((books.id.clone(), open(books)?))).collect();
        if oldest {
            pages.reverse();
        }
        let Some((payment, side)) = pages.pop() else { return self.note("  has no page") };
        if side.shown.is_null() {
            let approved = matches!(decision, CardDecision::Paid | CardDecision::Held);
            let decision = if approved { Decision::Approved } else { Decision::Declined };
            return self.story().decide(&payment, decision).await;
        }
        if *decision == CardDecision::Processing {
            self.processing.insert(side.id.clone());
        } else {
            self.processing.remove(&side.id);
        }
        self.decide(&side.id, decision.clone()).await;
    }

    async fn decide(&self, id: &str, decision: CardDecision) {
        let wish = CardOutcome { notify: false, ..CardOutcome::new(decision) };
        self.story().environment.standins().decide_yookassa(id, &wish).await.expect("YooKassa knows it");
    }

    /// The bank says what it makes of the payments and refunds that wait for it.
    pub(super) async fn bank_answers(&mut self) {
        for id in std::mem::take(&mut self.processing) {
            self.decide(&id, self.bank.clone()).await;
        }
        self.bank_makes_refunds(&self.bank).await;
    }

    /// It makes the refunds that wait for it.
    pub(super) async fn bank_answers_kindly(&self) {
        self.bank_makes_refunds(&CardDecision::Paid).await;
    }

    async fn bank_makes_refunds(&self, decision: &CardDecision) {
        let theirs = self.seen.values().filter_map(|books| books.item["provider_id"].as_str());
        for refund in theirs.flat_map(|id| self.story().environment.standins().yookassa_refunds_of(id)) {
            if refund["status"] == "pending" {
                self.decide(refund["id"].as_str().expect("an id"), decision.clone()).await;
            }
        }
    }

    fn in_cabinet(&mut self, act: Cabinet) {
        let Some(books) = self.seen.values().next_back().cloned() else { return };
        let side = self.side(&books).filter(|side| side.shown.is_object());
        let Some(side) = side else { return self.note("  not there") };
        // The shop captures nothing there that it has given up; if it did, a person would be called.
        if act == Cabinet::Capture && books.is_withdrawn() {
            return self.note("  given up");
        }
        let act = match act {
            Cabinet::Capture => CabinetAct::Capture {},
            Cabinet::Cancel => CabinetAct::Cancel {},
            Cabinet::Refund(amount) => CabinetAct::Refund { amount: amount.map(rubles) },
        };
        match self.story().environment.standins().in_yookassa_cabinet(&side.id, &act) {
            Ok(_) => _ = self.cabinet.insert(books.id),
            Err(refusal) => self.note(format!("  {refusal}")),
        }
    }

    /// Reads everything again, and checks what must hold at every moment. What it saw, for the diary.
    pub(super) async fn look(&mut self) -> String {
        let all = Books::of(self.story(), &self.order).await;
        let mut saw = Vec::new();
        for books in &all {
            let side = self.side(books);
            self.books_only_go_forward(books);
            self.books_fit(books, side.as_ref());
            self.nobody_is_called_for_nothing(books, side.as_ref());
            saw.push(format!("  {}", in_a_line(books, side.as_ref())));
        }
        self.must(all.len() >= self.seen.len(), || "an attempt vanished".to_owned());
        let with_money =
            |books: &&Books| matches!(books.state.as_str(), "held" | "finishing" | "captured" | "partially_refunded");
        let paid: Vec<&Books> = all.iter().filter(with_money).collect();
        self.must(paid.len() <= 1, || format!("two attempts have money: {paid:?}"));
        self.seen = all.into_iter().map(|books| (books.id.clone(), books)).collect();
        saw.join("\n")
    }

    fn books_only_go_forward(&self, books: &Books) {
        if let Some(back) = self.seen.get(&books.id).and_then(|before| books.step_back(before)) {
            self.broke(&back);
        }
    }

    /// What our books say must be so at the provider, and what was done there must have been written down before.
    fn books_fit(&self, books: &Books, side: Option<&Side>) {
        let must = |holds: bool, what: &str| {
            self.must(holds, || format!("{}: {what}\n{}", books.id, in_a_line(books, side)));
        };
        let state = books.state.as_str();
        let is_ours = matches!(state, "captured" | "partially_refunded" | "refunded");
        let Some(side) = side else {
            return must(matches!(state, "creating" | "declined" | "canceled" | "expired"), "the provider has never heard of it");
        };
        let in_cabinet = self.cabinet.contains(&books.id);
        // YooKassa takes what is paid in one stage by itself.
        let takes_itself = !self.two_stage && self.is_card(&books.id) || in_cabinet;
        must(!is_ours || side.is_captured(), "captured in our books only");
        must(takes_itself || state != "canceled" || !side.is_captured(), "canceled in our books, captured there");
        must(takes_itself || !side.is_captured() || is_ours || state == "finishing", "captured before it was written down");
        let (made, sent) = (books.refunds("made"), books.refunds("pending"));
        must(made <= side.refunded, "a refund counts as made that was not");
        must(in_cabinet || books.is_withdrawn() || side.refunded <= made + sent, "money given back that nobody asked for");
        let told = imshop_says_paid(self.story(), &books.id);
        must(told != Some(true) || self.counts_as_paid(side) || in_cabinet, "IMSHOP was told that it is paid");
        // A hold that comes after the attempt was given up is let go by the first request that sees it.
        must(
            told != Some(false) || !side.has_money() || books.is_withdrawn() || takes_itself,
            "IMSHOP was told that it is not paid",
        );
        if let Some(page) = books.item["action"]["page"].as_str() {
            must(side.page.as_deref().is_none_or(|shown| shown == page), "the page is that of the payment");
        }
    }

    /// When IMSHOP takes a payment for paid. One that is over by now was paid before.
    fn counts_as_paid(&self, side: &Side) -> bool {
        match self.rooms.policy {
            Policy::OnShipment => matches!(side.standing, Standing::Held | Standing::Captured | Standing::Failed),
            Policy::OnHold => side.is_captured(),
        }
    }

    /// With nothing in the way, a person is needed only for what only a person can decide.
    fn nobody_is_called_for_nothing(&self, books: &Books, side: Option<&Side>) {
        let before = self.seen.get(&books.id).is_some_and(Books::needs_attention);
        let is_called = books.needs_attention() && !before && !self.broken;
        let ends_soon = books.state == "held" && books.moment("valid_till") <= Some(self.now() + DAY);
        // Paid in one stage after it had been given up.
        let has_failed_with_money = books.has_failed() && side.is_some_and(Side::has_money);
        // All of a hold was captured in the cabinet of which less was to be paid by then.
        let is_open = books.is_waiting() || books.state == "finishing";
        let is_too_much = is_open && side.is_some_and(|side| side.is_captured() && side.amount > books.amount());
        let is_known = is_too_much || books.item["hinted"] == true || ends_soon || books.is_lost() || has_failed_with_money;
        self.must(!is_called || is_known, || format!("a person is called for nothing\n{}", in_a_line(books, side)));
    }

    /// What every answer must be, whatever went wrong on the way.
    fn hears(&self, call: Call, said: &Said) {
        let payment = self.target(call);
        let side = self.seen.get(&payment).and_then(|books| self.side(books));
        let fits = |holds: bool, what: &str| self.must(holds, || format!("{what}: {call:?} was answered {}", short(said)));
        match (call.action, said) {
            (Action::Create | Action::CreateAtMokka, Said::Http(answer)) => {
                fits(answer.status == 200, "an answer in IMSHOP's shape");
                let answer = answer.json();
                if answer["success"] == Value::Bool(true) {
                    let books = answer["paymentId"].as_str().and_then(|id| self.seen.get(id)).expect("a payment");
                    let page = self.side(books).and_then(|side| side.page);
                    fits(page.is_none() || page.as_deref() == answer["paymentUrl"].as_str(), "a page that lives");
                }
            }
            (Action::Capture, Said::Http(answer)) => {
                fits(answer.status == 200, "an answer in IMSHOP's shape");
                if answer.json()["paymentCaptured"] == Value::Bool(true) {
                    let in_cabinet = self.cabinet.contains(&payment);
                    fits(in_cabinet || side.is_some_and(|side| self.counts_as_paid(&side)), "paid is what is paid");
                }
            }
            (Action::Notify(Notified::Stranger), Said::Http(answer)) => fits(answer.status == 403, "a stranger is refused"),
            (Action::Notify(_), Said::Http(answer)) => fits([200, 503].contains(&answer.status), "taken, or to come again"),
            (Action::Refund { part, key }, Said::Office(Verdict::Done)) => {
                let made = self.seen[&payment].refund_with_key(&key_text(key)).expect("a refund with that key");
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
        let books = self.seen.get(&self.target(call)).cloned();
        let side = books.as_ref().and_then(|books| self.side(books));
        Before { books, side, calls: self.calls() }
    }

    fn calls(&self) -> [u64; 4] {
        CHANGES.map(|method| self.story().environment.standins().call_count(System::Yookassa, method))
    }

    /// With nothing in the way, each method that changes something is called once at most.
    fn asked_once(&self, before: &Before) {
        if self.broken || before.books.as_ref().is_some_and(|books| !books.is_calm(self.now())) {
            return;
        }
        for ((method, before), calls) in CHANGES.into_iter().zip(before.calls).zip(self.calls()) {
            self.must(calls - before <= 1, || format!("{method} was called {} times", calls - before));
        }
    }

    /// What one call must do: nothing if it was refused; and with nothing in the way, just what the state of things allows.
    fn compare(&self, call: Call, before: &Before, said: &Said) {
        let payment = self.target(call);
        let is_calm = |books: &Books| books.is_calm(self.now()) && books.state != "finishing";
        let was_calm = before.books.as_ref().is_none_or(is_calm);
        let after = self.seen.get(&payment).and_then(|books| self.side(books));
        let must = |holds: bool, what: &str| {
            self.must(holds, || format!("{what}: {call:?} was answered {}\n{:?}\n{after:?}", short(said), before.side));
        };
        if let (true, Said::Office(Verdict::Forbidden(_) | Verdict::Refused(_) | Verdict::Unavailable)) = (was_calm, said)
            && call.action != Action::Settle
        {
            must(before.side.as_ref().map(Side::effects) == after.as_ref().map(Side::effects), "refused and done");
        }
        self.asked_once(before);
        let (Some(books), Some(was), Some(is)) = (&before.books, &before.side, &after) else { return };
        let is_over = was.ends_at.is_some_and(|at| at <= self.now());
        if self.broken || !was_calm || is_over || !was.agrees(&books.state) || !self.is_card(&payment) {
            return;
        }
        let (held, captured) = (was.standing == Standing::Held, was.is_captured());
        let at_once = self.rooms.policy == Policy::OnHold;
        match (call.action, said) {
            (Action::Capture, Said::Http(answer)) => {
                let paid = answer.json()["paymentCaptured"] == Value::Bool(true);
                must(paid == (held || captured && was.refunded < was.amount), "capture says what is");
                must(!(held && at_once) || is.is_captured(), "a hold is captured at once");
            }
            (Action::Return, Said::Http(answer)) => {
                must((200..400).contains(&answer.status), "the browser is sent on");
                must(!(held && at_once) || is.is_captured(), "a hold is captured at once");
            }
            (Action::Finish, Said::Office(verdict)) => {
                must((*verdict == Verdict::Done) == held, "what is held can be captured");
                must(!held || is.is_captured() && is.amount == books.amount(), "captured, as much as it costs");
            }
            (Action::FinishPart(amount), Said::Office(verdict)) => {
                must((*verdict == Verdict::Done) == (held && amount <= books.amount()), "a part of what is held can be captured");
                must(*verdict != Verdict::Done || is.is_captured() && is.amount == amount, "captured, as much as was asked for");
            }
            (Action::Receipt, Said::Office(verdict)) => {
                let possible = captured && was.refunded < was.amount && books.item["receipts"]["second_id"].is_null();
                // A refund in the cabinet has a receipt of the cabinet's.
                let in_cabinet = self.cabinet.contains(&books.id);
                must(in_cabinet || (*verdict == Verdict::Done) == possible, "a second receipt is made of what was captured");
            }
            (Action::Cancel, Said::Office(verdict)) => {
                let open = held || was.standing == Standing::Open;
                must((*verdict == Verdict::Done) == open, "what is held can be canceled, and what nobody has paid given up");
                must(!held || is.standing == Standing::Failed, "canceled");
                must(held || is.effects() == was.effects(), "given up without a call");
            }
            (Action::Change(amount), Said::Office(verdict)) => {
                let possible = held && amount <= was.amount && !at_once;
                must((*verdict == Verdict::Done) == possible, "what is held can be made less");
                must(is.effects() == was.effects() || at_once, "the hold stays as it is");
            }
            // Which lines the cabinet has given back is not known here: a receipt of the rest may name others.
            (Action::Refund { .. }, Said::Office(Verdict::Refused(_))) if self.cabinet.contains(&books.id) => {
                must(is.effects() == was.effects(), "refused, and nothing given back");
            }
            (Action::Refund { part, key }, Said::Office(verdict)) => {
                refund_does(books, was, is, (part, &key_text(key)), verdict, &must);
            }
            _ => {}
        }
    }
}

/// The shop's people give back one piece of an offer.
async fn refund_line(story: &Story, payment: &str, sku: &str, key: &str) -> Verdict {
    let body = json!({"lines": [{"sku": sku, "quantity": 1}]});
    Office(story).ask(payment, "refunds", CASHIER_KEY, body, &[("Idempotency-Key", key)]).await
}

fn refund_does(books: &Books, was: &Side, is: &Side, (part, key): (Part, &str), verdict: &Verdict, must: &dyn Fn(bool, &str)) {
    let rest = was.amount - was.refunded;
    let amount = match part {
        Part::Of(amount) => amount,
        Part::Rest => rest,
    };
    if !was.is_captured() {
        must(*verdict != Verdict::Done || books.refund_with_key(key).is_some(), "only what was captured is given back");
    } else if books.refund_with_key(key).is_some() {
        must(is.refunds == was.refunds, "a key is good for one refund");
    } else if was.under_way > 0 {
        // Our people know only of their own refunds, and YooKassa takes no more than is left of all.
        must(is.refunds <= was.refunds + 1 && is.refunded + is.under_way <= is.amount, "no more than was captured");
    } else if amount > rest {
        must(matches!(verdict, Verdict::Forbidden(_) | Verdict::Refused(_)), "no more than is left");
        must(is.refunds == was.refunds, "nothing is given back");
    } else if rest > 0 {
        must(matches!(verdict, Verdict::Done | Verdict::Unknown), "given back, or accepted");
        must(is.refunds == was.refunds + 1, "one refund");
        must(*verdict != Verdict::Done || is.refunded == was.refunded + amount, "given back");
    }
}
