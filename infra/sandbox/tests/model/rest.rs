//! How everything must stand once no more time can bring anything new: as Mokka has it, nothing open, IMSHOP told. The one thing
//! that only a person can decide is on the list for people, and the person tells it.

use std::time::Duration;

use standins::MokkaStatus;

use crate::agreement::{describe, differences, heard_of_order, open_ends};
use crate::books::Books;
use crate::explained::untruths;
use crate::life::Sequence;
use crate::office::{Office, Verdict};
use crate::truth::{Truth, imshop_order};

/// After so many rounds of waiting, pumping and ticking everything must be at rest.
const ROUNDS: u32 = 40;
/// The schedule runs every minute; the lease of a run that died has expired by then.
const BETWEEN_TICKS: Duration = Duration::from_mins(1);

impl Sequence {
    /// Nothing is broken any more; time passes.
    pub(crate) async fn come_to_rest(&mut self) {
        self.mend();
        self.story().environment.lose_store_answer(usize::MAX);
        self.note("everything works, and time passes");
        for round in 0..ROUNDS {
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
                self.hear_of_the_prepayment(books).await;
                self.play_the_person(books).await;
            }
            self.wait(&all);
            self.story().environment.tick().await;
        }
        self.broke("it never comes to rest");
    }

    /// Until something is to be looked at; what waits for the customer or the goods waits in vain, and what only a person can
    /// tell waits until it is on the list.
    fn wait(&self, all: &[Books]) {
        let moments = all.iter().filter_map(|books| {
            let check_at = books.moment("check_at")?;
            let waits = books.is_waiting() && books.intent().is_none() && !books.is_untold();
            let waits = waits || books.is_withdrawn() && books.intent().is_none();
            let end = books.moment("valid_till").max(self.end_at_mokka(&books.id)).filter(|_| waits).unwrap_or_default();
            let troubled = books.moment("troubled_since").filter(|_| books.undecided_refund().is_some() && !books.is_untold());
            let listed = troubled.unwrap_or_default() + 60 * 60 * 1000;
            Some(check_at.max(end + 6_000).max(listed))
        });
        let next = moments.min().expect("something is to be looked at");
        let wait = Duration::from_millis(u64::try_from(next - self.now()).unwrap_or(0) + 1_000);
        self.story().environment.advance(wait.max(BETWEEN_TICKS));
    }

    /// When a hold ends by Mokka: later than by our books after a change that was made, went unanswered, and was followed by another.
    fn end_at_mokka(&self, payment: &str) -> Option<i64> {
        Truth::of(self.story(), payment).filter(|truth| truth.status == MokkaStatus::Hold).map(|truth| truth.valid_till)
    }

    /// Mokka sends the callback that nobody has heard.
    async fn hear_of_the_prepayment(&mut self, books: &Books) {
        let was_held = Truth::of(self.story(), &books.id).is_some_and(|truth| truth.was_held());
        if was_held && self.prepaying.is_unsaid(&books.item) {
            let answer = self.story().callback(&books.id, "approved").await;
            self.note(format!("  Mokka's callback about {} comes at last: {}", books.id, answer.status));
        }
    }

    async fn play_the_person(&mut self, books: &Books) {
        Office(self.story()).see(books).await;
        let Some((refund, made, said)) = Office(self.story()).clear_up(books).await else { return };
        self.note(format!("  a person says of refund {refund} that it was {}made: {said:?}", if made { "" } else { "not " }));
        // Mokka's people may have given everything back since the last poll: then nothing is left to be said.
        if said == Verdict::Forbidden("refund_decided".to_owned()) {
            let seen = self.look().await;
            self.note(seen);
            if self.seen.get(&books.id).is_some_and(|books| books.undecided_refund().is_none()) {
                return;
            }
        }
        if said != Verdict::Done {
            self.broke("the person was not believed");
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
            let wrong = [open_ends(books), differences(self.story(), books, &all[index + 1..])].concat();
            if !wrong.is_empty() {
                let truth = Truth::of(self.story(), &books.id);
                self.broke(&format!("at rest, {wrong:?} does not hold\n{}", describe(books, truth.as_ref())));
            }
        }
        if let Some(newest) = all.last()
            && !heard_of_order(self.story(), &self.order.id, newest)
        {
            self.broke(&format!("at rest, IMSHOP's last word on the order is {:?}", imshop_order(self.story(), &self.order.id)));
        }
    }
}
