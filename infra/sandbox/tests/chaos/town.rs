//! Everybody together, the days afterwards, and the comparison at the end.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use lambda_runtime::{Context, LambdaEvent};
use sandbox::functions::Story;
use serde_json::json;
use standins::Options;
use testkit::settings::WITH_CARDS;
use testkit::written;

use crate::agreement::{SAME_STATE, describe, differences, heard_of_order, in_shops_books, open_ends};
use crate::books::Books;
use crate::cards::{Side, card_differences, give_back_what_is_not_ours, in_a_line};
use crate::office::{Office, Verdict};
use crate::people::Life;
use crate::prepaid::{ON_FORM, Prepaying, Way};
use crate::truth::Truth;
use crate::weather::{Dice, Weather};

/// How many rounds everything goes wrong.
const ROUNDS: u32 = 14;
/// How many orders' people act together.
const AT_ONCE: usize = 64;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// What Mokka's document leaves open, with what it is otherwise than we assume: drawn for a seed.
const READINGS: [(&str, &str); 14] = [
    ("cannot_process", "done"),
    ("lost_call", "later"),
    (BEHIND, "behind"),
    ("status_after_return", "finished"),
    ("amount_after_return", "rest"),
    ("status_past_end", "pending"),
    ("late_form", "approved"),
    ("phone_on_form", "another"),
    ("optional_fields", "null"),
    ("amounts", "number"),
    ("content_type", "text/html"),
    (WHOLE, "whole"),
    ("prepaid_commands", "otherwise"),
    (ON_FORM, "thousand"),
];
/// The one that comes and goes: Mokka catches up with what it is behind with.
const BEHIND: &str = "status_after_decision";
/// With this one only Mokka's callback tells what is prepaid.
const WHOLE: &str = "prepaid_amount";

/// When a hold is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    OnHold,
    OnShipment,
}

impl Policy {
    /// As the setting has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OnHold => "on_hold",
            Self::OnShipment => "on_shipment",
        }
    }
}

/// An environment and what happens in it.
pub(crate) struct Town {
    pub(crate) story: Story,
    pub(crate) policy: Policy,
    pub(crate) seed: u64,
    pub(crate) weather: Arc<Weather>,
    /// Whether Mokka lets a customer go on after a decline.
    pub(crate) late_forms: bool,
    /// How Mokka is read where a part is prepaid, for an order that is prepaid afterwards.
    pub(crate) prepaying: Prepaying,
    /// Two schedules at once, as in a deployment that is being replaced.
    reconciles: [reconcile::Deps; 2],
}

impl Town {
    /// Lives through a seed; a line about it. Panics with what went wrong.
    pub(crate) async fn live(policy: Policy, seed: u64, orders: u32) -> String {
        let options = Options { record_calls: false, ..Options::default() };
        let settings = [("MOKKA_FINISH", policy.name()), ("PAYMENTS_CONFIG", &ways_to_pay(policy))];
        let story = Story::start_with(options, &settings).await;
        let weather = Arc::new(Weather::new(seed));
        let reconciles = [0, 1].map(|_| story.environment.build(reconcile::Deps::from_env, &settings));
        let mut town = Self { story, policy, seed, weather, late_forms: false, prepaying: Prepaying::default(), reconciles };
        let others = town.read();
        let (here, there) = (Arc::clone(&town.weather), Arc::clone(&town.weather));
        town.story.environment.standins().choose_faults(move |system, method, body| here.outside(system, method, body));
        town.story.environment.choose_store_faults(move |request| there.store(request));
        let mut lives: Vec<_> = (0..orders).map(Life::new).collect();
        for round in 0..ROUNDS {
            town.weather.begin(round);
            town.way(round).said_by_the_shop(&town.story);
            town.catch_up(!(others.contains(&BEHIND) && Dice::new(seed, format!("behind {round}")).happens(500)));
            let people = stream::iter(lives.iter_mut()).map(|life| life.round(&town, round)).buffer_unordered(AT_ONCE);
            tokio::join!(people.collect::<()>(), town.schedules());
            let span = match round {
                6 | 10 => DAY + HOUR,
                _ => Dice::new(seed, format!("span {round}")).one(&[20, 20, MINUTE, 5 * MINUTE, 20 * MINUTE, 70 * MINUTE]),
            };
            town.story.environment.advance(Duration::from_secs(span));
        }
        town.days(&mut lives).await;
        town.compare(&lives, &others).await
    }

    /// Draws how Mokka is read; what is otherwise than we assume.
    fn read(&mut self) -> Vec<&'static str> {
        let mut others = Vec::new();
        for (name, other) in READINGS {
            if Dice::new(self.seed, format!("reading {name}")).happens(350) {
                self.story.environment.standins().set_reading(name, other).expect("a reading of the stand-in");
                others.push(name);
            }
        }
        self.late_forms = others.contains(&"late_form");
        let [whole, on_form] = [WHOLE, ON_FORM].map(|name| others.contains(&name));
        self.prepaying = Prepaying { way: Way::After, whole, otherwise: false, on_form };
        others
    }

    /// How the orders are prepaid that the shop accepts in this round. What customers prepay on the form of a shop that knows nothing of it
    /// is a person's, so that there are few of them.
    pub(crate) fn way(&self, round: u32) -> Way {
        let ways: &[Way] = if self.prepaying.on_form {
            &[Way::None, Way::Before, Way::Before, Way::After, Way::After, Way::After]
        } else {
            &[Way::None, Way::None, Way::None, Way::Before, Way::Before, Way::After]
        };
        Dice::new(self.seed, format!("way {round}")).one(ways)
    }

    fn catch_up(&self, whole: bool) {
        let value = if whole { "at_once" } else { "behind" };
        self.story.environment.standins().set_reading(BEHIND, value).expect("a reading of the stand-in");
    }

    /// The stream and the schedule, while people act.
    async fn schedules(&self) {
        for _ in 0..2 {
            let [one, two] = &self.reconciles;
            tokio::join!(run(one), run(two), self.story.environment.poll_stream());
        }
    }

    /// Everything works, and time passes: minutes, hours, weeks. Who is on the list is looked after.
    async fn days(&self, lives: &mut [Life]) {
        self.weather.clear_up();
        self.story.environment.standins().clear_faults();
        self.story.environment.spare_the_store();
        self.catch_up(true);
        let minutes = [1; 10].into_iter().chain([10; 12]).map(|minutes| minutes * MINUTE);
        let hours = [1; 30].map(|hours| hours * HOUR).into_iter().chain([6 * HOUR; 12]);
        for span in minutes.chain(hours).chain([DAY; 40]) {
            self.story.environment.advance(Duration::from_secs(span));
            self.story.environment.poll_stream().await;
            run(&self.reconciles[0]).await;
            if self.look_after(lives).await {
                return;
            }
        }
    }

    /// Has people decide what only a person can; whether nothing is left to be looked at.
    async fn look_after(&self, lives: &mut [Life]) -> bool {
        let mut at_rest = true;
        for life in lives {
            let Some(order) = &life.placed else { continue };
            for books in Books::of(&self.story, order).await {
                at_rest &= books.moment("check_at").is_none();
                let was_held = Truth::of(&self.story, &books.id).is_some_and(|truth| truth.was_held());
                if was_held && self.prepaying.is_unsaid(&books.item) {
                    let answer = self.story.callback(&books.id, "approved").await;
                    life.note(format!("{}: Mokka's callback comes at last: {}", books.id, answer.status));
                }
                Office(&self.story).see(&books).await;
                if give_back_what_is_not_ours(&self.story, &books) {
                    life.told += 1;
                    life.note(format!("{}: a person gives it back in the cabinet", books.id));
                }
                let Some((refund, made, said)) = Office(&self.story).clear_up(&books).await else { continue };
                life.told += 1;
                life.note(format!("{}: a person says of refund {refund} that it was made: {made}: {said:?}", books.id));
                assert_eq!(said, Verdict::Done, "the person was not believed\n{}", life.diary.join("\n"));
            }
        }
        at_rest
    }

    /// Every attempt as it stands: equal, or a person's, and nothing else.
    async fn compare(&self, lives: &[Life], others: &[&str]) -> String {
        let mut wrong = String::new();
        let changes_its_mind = others.iter().any(|name| matches!(*name, "late_form" | BEHIND));
        let (mut attempts, mut money, mut by_cards, mut given_back) = (0, 0, 0, 0);
        let mut called = lives.iter().map(|life| life.told).sum::<u32>();
        for life in lives {
            let Some(order) = &life.placed else { continue };
            let all = Books::of(&self.story, order).await;
            let mut faults = Vec::new();
            let mut with_money = 0;
            for (index, books) in all.iter().enumerate() {
                let later = &all[index + 1..];
                let by_card = books.item["provider"] == "yookassa";
                let truth = Truth::of(&self.story, &books.id);
                let side = Side::of(&self.story, books);
                let open = open_ends(books);
                let mut differences = if by_card {
                    card_differences(&self.story, books, side.as_ref(), later)
                } else {
                    differences(&self.story, books, later)
                };
                // Which of its ends an attempt without money had, is nothing to anybody if Mokka changes its mind about it.
                if changes_its_mind && truth.as_ref().is_some_and(|truth| has_failed(books, truth)) {
                    differences.retain(|what| *what != SAME_STATE);
                }
                let is_called = books.needs_attention();
                attempts += 1;
                called += u32::from(is_called);
                given_back += u32::from(books.refunds("made") > 0);
                let has_money = side.as_ref().is_some_and(Side::has_money);
                by_cards += u32::from(has_money && by_card);
                with_money += u32::from(has_money && !is_called);
                let why = match (differences.is_empty(), is_called) {
                    (true, false) if open.is_empty() => continue,
                    (false, true) => continue,
                    (true, true) => "a person is called for nothing",
                    (true, false) => "something is open for ever",
                    (false, false) => "a difference that nobody knows of",
                };
                let sides = if by_card { in_a_line(books, side.as_ref()) } else { describe(books, truth.as_ref()) };
                let book = in_shops_books(&self.story, books).unwrap_or_default();
                faults.push(format!("{why}: {differences:?} {open:?}\n{sides}\nthe shop: {book}"));
            }
            money += with_money;
            if with_money > 1 {
                faults.push("paid twice".to_owned());
            }
            if let Some(newest) = all.last().filter(|_| all.iter().all(|books| !books.needs_attention()))
                && !heard_of_order(&self.story, &order.id, newest)
            {
                faults.push("IMSHOP's last word on the order is not the truth".to_owned());
            }
            for (payment, key) in &life.made {
                let books = all.iter().find(|books| books.id == *payment);
                let made = books.and_then(|books| books.refund_with_key(key)).is_some_and(|refund| refund["status"] == "made");
                if !made {
                    faults.push(format!("{payment}: a refund that the cashier was told is made ({key}) is not"));
                }
            }
            for fault in faults {
                writeln!(wrong, "order {} ({}): {fault}\n{}\n", life.number, order.id, life.diary.join("\n")).expect("a text");
            }
        }
        assert!(wrong.is_empty(), "readings {others:?}\n{wrong}");
        let faults = self.weather.faults();
        let met: u32 = faults.values().sum();
        // A town in which nothing happens proves nothing.
        let orders = u32::try_from(lives.len()).expect("few");
        let cards = lives.iter().filter(|life| life.card).count();
        let is_lively = met > orders && attempts >= orders / 2 && money > 0 && (by_cards > 0 || cards < 10);
        assert!(is_lively || orders < 20, "too quiet: {met} faults, {attempts} attempts, {money} paid, {by_cards} by card");
        format!(
            "{attempts} attempts, {money} with money ({by_cards} by card), {given_back} with refunds, {called} times a person; {others:?}; {met} faults {faults:?}"
        )
    }
}

/// The sandbox's ways to pay, cards among them, with the policy on their holds.
fn ways_to_pay(policy: Policy) -> String {
    let text = std::fs::read_to_string(WITH_CARDS).expect("the sandbox's ways to pay");
    let finish = format!("finish = \"{}\"", policy.name());
    let changed = text.replace("finish = \"on_hold\"", &finish);
    assert!(changed.contains(&finish), "{text}");
    written(env!("CARGO_TARGET_TMPDIR"), &format!("chaos-{}.toml", policy.name()), &changed)
}

/// Neither here nor at Mokka is there money.
fn has_failed(books: &Books, truth: &Truth) -> bool {
    let failed = ["declined", "canceled", "expired"];
    failed.contains(&books.state.as_str()) && failed.contains(&truth.status.as_str())
}

/// A run of the schedule, which may fail.
async fn run(reconcile: &reconcile::Deps) {
    drop(reconcile::handle(reconcile, LambdaEvent::new(json!({}), Context::default())).await);
}
