//! How everything must stand once no more time can bring anything new: as the provider has it, nothing open, IMSHOP and the shop told.

use std::time::Duration;

use standins::CabinetAct;

use super::agreement::{card_differences, in_a_line};
use super::life::CardOrder;
use crate::agreement::{heard_of_order, open_ends};
use crate::books::Books;
use crate::explained::untruths;
use crate::office::{Office, Part, Verdict, rubles};
use crate::truth::imshop_order;

/// After so many rounds of waiting, pumping and ticking everything must be at rest.
const ROUNDS: u32 = 60;
/// The schedule runs every minute; the lease of a run that died has expired by then.
const BETWEEN_TICKS: Duration = Duration::from_mins(1);
/// The idempotency key of a refund of what was paid after it had been given up.
const AFTER_ALL: &str = "paid-after-all";

impl CardOrder {
    /// Nothing is broken any more; time passes.
    pub(crate) async fn come_to_rest(&mut self) {
        self.mend();
        self.story().environment.lose_store_answer(usize::MAX);
        self.note("everything works, and time passes");
        for round in 0..ROUNDS {
            self.bank_answers().await;
            self.story().environment.poll_stream().await;
            let seen = self.look().await;
            self.note(seen);
            let all: Vec<Books> = self.seen.values().cloned().collect();
            let is_at_rest = all.iter().all(|books| books.moment("check_at").is_none());
            if round == 0 || is_at_rest {
                self.are_explained(&all).await;
            }
            if is_at_rest {
                self.is_at_rest(&all);
                drop(self.story().environment.store_calls());
                self.story().environment.sift_logs();
                return;
            }
            for books in &all {
                self.play_the_person(books).await;
            }
            self.wait(&all);
            self.story().environment.tick().await;
        }
        self.broke("it never comes to rest");
    }

    /// Until something is to be looked at; what waits for the customer or the goods waits in vain.
    fn wait(&self, all: &[Books]) {
        let moments = all.iter().filter_map(|books| {
            let check_at = books.moment("check_at")?;
            let waits = books.is_waiting() && books.intent().is_none() && !books.is_untold();
            let waits = waits || books.is_withdrawn() && books.intent().is_none();
            let end = books.moment("valid_till").max(self.side(books).and_then(|side| side.ends_at));
            Some(check_at.max(end.filter(|_| waits).unwrap_or_default() + 6_000))
        });
        let next = moments.min().expect("something is to be looked at");
        let wait = Duration::from_millis(u64::try_from(next - self.now()).unwrap_or(0) + 1_000);
        self.story().environment.advance(wait.max(BETWEEN_TICKS));
    }

    /// A person sees what was paid and is not any more, and gives back what was paid after it had been given up.
    async fn play_the_person(&mut self, books: &Books) {
        let office = Office(self.story());
        office.see(books).await;
        let side = self.side(books).filter(|side| side.is_captured() && side.has_money() && side.shown.is_object());
        if let Some(side) =
            side.as_ref().filter(|side| (books.is_waiting() || books.state == "finishing") && side.amount > books.amount())
            && books.needs_attention()
            && side.refunded == 0
        {
            // All of the hold was captured in the cabinet although the order costs less by now.
            self.note("  a person gives back in the cabinet what was captured too much");
            self.cabinet.insert(books.id.clone());
            let too_much = CabinetAct::Refund { amount: Some(rubles(side.amount - books.amount())) };
            self.story().environment.standins().in_yookassa_cabinet(&side.id, &too_much).expect("it can be given back");
            return self.bank_answers_kindly().await;
        }
        if side.is_none() || !books.needs_attention() || !books.has_failed() || books.intent().is_some() {
            return;
        }
        let said = office.refund(&books.id, Part::Rest, AFTER_ALL).await;
        self.note(format!("  a person gives {} back: {said:?}", books.id));
        if !matches!(said, Verdict::Done | Verdict::Unknown) {
            // The bank has refused it before, under this key: then it is asked for in the cabinet.
            let id = side.map(|side| side.id).unwrap_or_default();
            let all = CabinetAct::Refund { amount: None };
            self.cabinet.insert(books.id.clone());
            self.story().environment.standins().in_yookassa_cabinet(&id, &all).expect("it can be given back");
            self.bank_answers_kindly().await;
        }
    }

    /// What people read of the payments is true.
    async fn are_explained(&self, all: &[Books]) {
        let untruths = untruths(self.story(), &self.order.id, all).await;
        if !untruths.is_empty() {
            self.broke(&untruths.join("\n"));
        }
    }

    fn is_at_rest(&self, all: &[Books]) {
        for (index, books) in all.iter().enumerate() {
            let side = self.side(books);
            let wrong = [open_ends(books), card_differences(self.story(), books, side.as_ref(), &all[index + 1..])].concat();
            if !wrong.is_empty() {
                self.broke(&format!("at rest, {wrong:?} does not hold\n{}", in_a_line(books, side.as_ref())));
            }
        }
        if let Some(newest) = all.last()
            && !heard_of_order(self.story(), &self.order.id, newest)
        {
            self.broke(&format!("at rest, IMSHOP's last word on the order is {:?}", imshop_order(self.story(), &self.order.id)));
        }
    }
}
