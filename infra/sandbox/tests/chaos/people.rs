//! What happens to an order, round by round: IMSHOP and the customer, Mokka's callbacks, the shop's people.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::functions::Story;
use standins::{Decision, MokkaStatus};
use testkit::settings::IMSHOP_KEY;
use testkit::{Answer, Event, Placed, drop_after};

use crate::books::Books;
use crate::cards::{self, CARD, Notified, Side, Standing};
use crate::office::{Office, Part, Verdict};
use crate::prepaid::Way;
use crate::town::{Policy, Town};
use crate::truth::Truth;
use crate::weather::Dice;

/// What a notification of YooKassa says that comes of itself.
const AS_IT_IS: &str = "as it is";

/// An order and what its people know.
pub(crate) struct Life {
    pub(crate) number: u32,
    pub(crate) placed: Option<Placed>,
    uuid: String,
    /// How it is prepaid.
    way: Way,
    /// It is paid by card.
    pub(crate) card: bool,
    /// The payment page that the customer was shown.
    shown: BTreeMap<String, String>,
    decided: BTreeSet<String>,
    /// What Mokka is going to say by itself.
    callbacks: Vec<(String, &'static str)>,
    /// Refunds of which the cashier was told that they are made: payment and key.
    pub(crate) made: Vec<(String, String)>,
    /// How often a person had to decide what only a person can.
    pub(crate) told: u32,
    pub(crate) diary: Vec<String>,
}

/// A request to a function.
#[derive(Clone, Debug)]
enum Act {
    Create,
    Capture,
    Return,
    Callback(&'static str),
    Finish,
    Cancel,
    Change { amount: i64, hours: i64 },
    Refund { part: Part, key: u32 },
    Settle,
}

/// What came of it.
#[derive(Debug)]
enum Said {
    Http(Answer),
    Office(Verdict),
    /// Mokka does not know the payment, or the request died.
    Nothing,
}

impl Life {
    pub(crate) fn new(number: u32) -> Self {
        Self {
            number,
            placed: None,
            uuid: format!("order-of-chaos-{number}"),
            way: Way::None,
            card: false,
            shown: BTreeMap::new(),
            decided: BTreeSet::new(),
            callbacks: Vec::new(),
            made: Vec::new(),
            told: 0,
            diary: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, what: String) {
        self.diary.push(what);
    }

    /// What its people do in this round.
    pub(crate) async fn round(&mut self, town: &Town, round: u32) {
        let mut dice = Dice::new(town.seed, format!("life {} {round}", self.number));
        let story = &town.story;
        let Some(order) = self.placed.clone() else {
            // Not all of them come at once.
            if round >= self.number % 4 {
                self.place(town, round).await;
            }
            return;
        };
        for (payment, decision) in std::mem::take(&mut self.callbacks) {
            self.ask(town, &order, &payment, Act::Callback(decision), &mut dice).await;
        }
        let books = Books::of(story, &order).await;
        let newest = order.payment(u32::try_from(books.len()).expect("few attempts").max(1));
        self.customer(town, &newest, &mut dice).await;
        for (payment, decision) in std::mem::take(&mut self.callbacks) {
            match dice.below(5) {
                // Lost, which the next rounds may or may not make up for.
                0 => {}
                1 => self.callbacks.push((payment, decision)),
                2 => {
                    let act = Act::Callback(decision);
                    drop(tokio::join!(act.done(town, &order, &payment, self.card), act.done(town, &order, &payment, self.card)));
                }
                3 => {
                    let other = if decision == "approved" { "declined" } else { "approved" };
                    self.ask(town, &order, &payment, Act::Callback(other), &mut dice).await;
                    self.callbacks.push((payment, decision));
                }
                _ => self.ask(town, &order, &payment, Act::Callback(decision), &mut dice).await,
            }
        }
        let Some(act) = self.next(town, books.last(), &mut dice) else { return };
        // Now and then about an attempt that is long over.
        let payment = if dice.happens(60) { order.payment(1) } else { newest };
        if dice.happens(200) {
            let other = if dice.happens(500) { Some(act.clone()) } else { self.next(town, books.last(), &mut dice) };
            let other = other.unwrap_or(Act::Capture);
            let (one, two) =
                tokio::join!(act.done(town, &order, &payment, self.card), other.done(town, &order, &payment, self.card));
            self.hear(town, &payment, &act, &one);
            self.hear(town, &payment, &other, &two);
        } else {
            self.ask(town, &order, &payment, act, &mut dice).await;
        }
    }

    async fn place(&mut self, town: &Town, round: u32) {
        let body = Story::order_request(&self.uuid);
        let answer = town.story.orders(Event::post("/v1/orders").key(IMSHOP_KEY).json(body).rest()).await;
        let id = (answer.status == 200).then(|| answer.json()["orders"][0]["id"].as_str().map(str::to_owned)).flatten();
        self.way = town.way(round);
        // What is prepaid before is Mokka's affair; a card pays all, also of an order that may be prepaid afterwards.
        self.card = self.way != Way::Before && Dice::new(town.seed, format!("card {}", self.number)).happens(450);
        let by = if self.card { "card" } else { "Mokka" };
        self.note(format!("placed: {} {id:?}, by {by}, prepaid: {:?}", answer.status, self.way));
        if let Some(id) = id {
            town.weather.is_called(self.number, &id);
            self.placed = Some(Placed { uuid: self.uuid.clone(), id });
        }
    }

    /// The customer decides on the form that was shown, if it still lives; Mokka will say so.
    async fn customer(&mut self, town: &Town, payment: &str, dice: &mut Dice) {
        if self.card {
            return self.customer_with_card(town, payment, dice).await;
        }
        let Some(truth) = Truth::of(&town.story, payment) else { return };
        let is_shown = self.shown.get(payment) == Some(&truth.form_url);
        let again = town.late_forms && truth.status == MokkaStatus::Declined;
        let may = truth.status == MokkaStatus::Pending && !self.decided.contains(payment) || again;
        if !may || !is_shown || !dice.happens(650) {
            return;
        }
        let decision = if again || dice.happens(820) { Decision::Approved } else { Decision::Declined };
        self.decided.insert(payment.to_owned());
        town.story.decide(payment, decision).await;
        self.note(format!("{payment}: the customer's decision is {decision:?}"));
        self.callbacks.push((payment.to_owned(), if decision == Decision::Approved { "approved" } else { "declined" }));
    }

    async fn customer_with_card(&mut self, town: &Town, payment: &str, dice: &mut Dice) {
        let Some(side) = self.side(town, payment).await.filter(|side| side.standing == Standing::Open) else { return };
        if self.shown.get(payment) == side.page.as_ref() && dice.happens(650) {
            let decision = cards::customer(&town.story, &side, dice).await;
            self.note(format!("{payment}: the customer's decision is {decision:?}"));
            self.callbacks.push((payment.to_owned(), AS_IT_IS));
        }
    }

    /// How a payment by card stands.
    async fn side(&self, town: &Town, payment: &str) -> Option<Side> {
        let order = self.placed.as_ref()?;
        let all = Books::of(&town.story, order).await;
        all.iter().find(|books| books.id == payment).and_then(|books| Side::of(&town.story, books))
    }

    /// What is likely to be asked, as things stand.
    fn next(&self, town: &Town, books: Option<&Books>, dice: &mut Dice) -> Option<Act> {
        let change = |dice: &mut Dice| Act::Change {
            amount: dice.one(&[325_000, 150_000, 400_000, 90_000]),
            hours: dice.one(&[1, 24, 72]),
        };
        let refund = |dice: &mut Dice| Act::Refund {
            part: dice.one(&[Part::Of(50_000), Part::Of(50_000), Part::Of(100_000), Part::Of(325_000), Part::Rest]),
            key: dice.below(4),
        };
        let roll = dice.below(100);
        let Some(books) = books else { return (roll < 90).then_some(Act::Create) };
        let is_shown = self.shown.contains_key(&books.id);
        Some(match (books.state.as_str(), roll) {
            (_, ..4) => Act::Settle,
            (_, ..8) => Act::Return,
            (_, ..11) => dice.one(&[Act::Callback("approved"), Act::Callback("declined")].each_ref()).clone(),
            ("pending", ..70) if !is_shown => Act::Create,
            ("creating", ..75) | ("pending", ..25) => Act::Create,
            ("pending", ..55) | ("held" | "finishing", ..30) | ("captured" | "partially_refunded", ..20) => Act::Capture,
            ("held", ..68) if town.policy == Policy::OnShipment => Act::Finish,
            ("held" | "finishing", ..74) => Act::Cancel,
            ("held", ..85) => change(dice),
            ("captured" | "partially_refunded", ..75) => refund(dice),
            ("declined" | "canceled" | "expired", ..55) if books.id.rsplit('-').next() < Some("4") => Act::Create,
            _ => return None,
        })
    }

    /// Asks, and notes what was said; some requests die half-way.
    async fn ask(&mut self, town: &Town, order: &Placed, payment: &str, act: Act, dice: &mut Dice) {
        let said = if dice.happens(50) {
            let after = dice.below(28) as usize;
            drop_after(after, act.done(town, order, payment, self.card)).await.unwrap_or(Said::Nothing)
        } else {
            act.done(town, order, payment, self.card).await
        };
        self.hear(town, payment, &act, &said);
    }

    /// What an answer promises must be so.
    fn hear(&mut self, town: &Town, payment: &str, act: &Act, said: &Said) {
        let short = match said {
            Said::Http(answer) => format!("{} {}", answer.status, answer.body.chars().take(120).collect::<String>()),
            Said::Office(verdict) => format!("{verdict:?}"),
            Said::Nothing => "-".to_owned(),
        };
        self.note(format!("{payment}: {act:?}: {short}"));
        match (act, said) {
            (Act::Create, Said::Http(answer)) if answer.status == 200 && answer.json()["success"] == true => {
                let answer = answer.json();
                let text = |field: &str| answer[field].as_str().expect("a text").to_owned();
                self.shown.insert(text("paymentId"), text("paymentUrl"));
            }
            (Act::Capture, Said::Http(answer)) if answer.status == 200 && answer.json()["paymentCaptured"] == true => {
                // Payments by card are compared in the end: by now it may be given back again.
                let paid = self.card
                    || Truth::of(&town.story, payment).is_some_and(|truth| match town.policy {
                        Policy::OnShipment if self.way != Way::After => truth.was_held(),
                        Policy::OnHold | Policy::OnShipment => truth.is_captured(),
                    });
                assert!(paid, "{payment}: IMSHOP was answered that it is paid\n{}", self.diary.join("\n"));
            }
            (Act::Refund { key, .. }, Said::Office(Verdict::Done)) => self.made.push((payment.to_owned(), key_text(*key))),
            _ => {}
        }
    }
}

fn key_text(key: u32) -> String {
    format!("key-{key}")
}

impl Act {
    async fn done(&self, town: &Town, order: &Placed, payment: &str, card: bool) -> Said {
        let story = &town.story;
        let office = Office(story);
        match self {
            Self::Create | Self::Capture | Self::Return | Self::Callback(_) | Self::Change { .. } if card => {
                self.done_with_card(town, order, payment).await
            }
            // What people ask for is an amount of what they know, and what was captured is in the shop's books.
            Self::Finish | Self::Change { .. } | Self::Refund { .. }
                if town.prepaying.is_unheard(&story.payment(payment).await) =>
            {
                Said::Nothing
            }
            Self::Create => Said::Http(story.create(order).await),
            Self::Capture => Said::Http(story.capture(payment).await),
            Self::Return | Self::Callback(_) if story.environment.standins().mokka_order(payment).is_none() => Said::Nothing,
            Self::Return => Said::Http(story.come_back(payment).await),
            Self::Callback(decision) => Said::Http(story.callback(payment, decision).await),
            Self::Finish => Said::Office(office.finish(payment).await),
            Self::Cancel => Said::Office(office.cancel(payment).await),
            Self::Change { amount, hours } => {
                let end = story.environment.clock().now().seconds() + hours * 3600;
                Said::Office(office.change(payment, *amount, end * 1000).await)
            }
            Self::Refund { part, key } => Said::Office(office.refund(payment, *part, &key_text(*key)).await),
            Self::Settle => Said::Office(office.settle(payment).await),
        }
    }

    /// What is asked in another way for a payment by card.
    async fn done_with_card(&self, town: &Town, order: &Placed, payment: &str) -> Said {
        let story = &town.story;
        let said = match self {
            Self::Create => Some(cards::create(story, order, CARD).await),
            Self::Capture => Some(cards::capture(story, payment, CARD).await),
            Self::Return => cards::come_back(story, &story.payment(payment).await).await,
            Self::Callback(said) => {
                let all = Books::of(story, order).await;
                let books = all.iter().find(|books| books.id == payment);
                let Some(side) = books.and_then(|books| Side::of(story, books)) else { return Said::Nothing };
                let said = if *said == AS_IT_IS { Notified::AsItIs } else { Notified::Paid };
                cards::notify(story, &side, said).await
            }
            Self::Change { amount, .. } => return Said::Office(cards::change(story, payment, *amount).await),
            Self::Finish | Self::Cancel | Self::Refund { .. } | Self::Settle => None,
        };
        said.map_or(Said::Nothing, Said::Http)
    }
}
