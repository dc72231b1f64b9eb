//! How everything must stand once no more time can bring anything new: as Mokka has it, nothing open, IMSHOP told. The one thing
//! that nobody but a person can tell is on the list for people, and the person tells it.

use std::time::Duration;

use standins::MokkaStatus;

use crate::books::Books;
use crate::life::{Sequence, agree, describe};
use crate::office::{Office, Verdict};
use crate::truth::{Truth, imshop_order, imshop_says_paid};

/// After so many rounds of waiting, pumping and ticking everything must be at rest.
const ROUNDS: u32 = 40;

impl Sequence {
    /// Nothing is broken any more; time passes.
    pub(crate) async fn come_to_rest(&mut self) {
        self.mend();
        self.story().world.lose_store_answer(usize::MAX);
        self.note("everything works, and time passes");
        for _ in 0..ROUNDS {
            self.story().world.pump().await;
            let seen = self.look().await;
            self.note(seen);
            let all: Vec<Books> = self.seen.values().cloned().collect();
            if all.iter().all(|books| books.moment("check_at").is_none()) {
                self.is_at_rest(&all);
                drop(self.story().world.store_calls());
                self.story().world.sift_logs();
                return;
            }
            for books in &all {
                self.play_the_person(books).await;
            }
            self.wait(&all);
            self.story().world.tick().await;
        }
        self.broke("it never comes to rest");
    }

    /// Until something is to be looked at; what waits for the customer or the goods waits in vain, and what only a person can
    /// tell waits until it is on the list.
    fn wait(&self, all: &[Books]) {
        let moments = all.iter().filter_map(|books| {
            let check_at = books.moment("check_at")?;
            let waits =
                matches!(books.state.as_str(), "creating" | "pending" | "held") && books.intent().is_none() && !books.is_untold();
            let waits = waits || books.is_withdrawn() && books.intent().is_none();
            let end = books.moment("valid_till").filter(|_| waits).unwrap_or_default();
            let troubled = books.moment("troubled_since").filter(|_| books.undecided_refund().is_some() && !books.is_untold());
            let listed = troubled.unwrap_or_default() + 60 * 60 * 1000;
            Some(check_at.max(end + 6_000).max(listed))
        });
        let next = moments.min().expect("something is to be looked at");
        self.story().world.advance(Duration::from_millis(u64::try_from(next - self.now()).unwrap_or(0) + 1_000));
    }

    /// Looks into Mokka's cabinet for what is on the list, and says what is there.
    async fn play_the_person(&mut self, books: &Books) {
        if !books.needs_attention() {
            return;
        }
        if books.is_lost() {
            Office(self.story()).settle(&books.id).await;
            return;
        }
        let Some(truth) = Truth::of(self.story(), &books.id) else { return };
        let Some(refund) = books.undecided_refund().filter(|_| truth.status == MokkaStatus::Finished) else { return };
        let made = truth.returned > books.refunds("made");
        let said = Office(self.story()).outcome(&books.id, refund, made).await;
        self.note(format!("  a person says of refund {refund} that it was {}made: {said:?}", if made { "" } else { "not " }));
        if said != Verdict::Done {
            self.broke("the person was not believed");
        }
    }

    fn is_at_rest(&self, all: &[Books]) {
        for books in all {
            let truth = Truth::of(self.story(), &books.id);
            let must = |holds: bool, what: &str| {
                if !holds {
                    self.broke(&format!("at rest, {what}\n{}", describe(books, truth.as_ref())));
                }
            };
            let is_open = books.is_unknown() || books.intent().is_some() || books.has_mismatch() || books.is_withdrawn();
            must(!is_open, "nothing is open");
            must(books.moment("lease_until").is_none() && books.moment("tell_lease_until").is_none(), "nobody has a lease");
            must(!books.is_untold(), "IMSHOP knows");
            must(!books.needs_attention() && books.moment("troubled_since").is_none(), "no person is needed");
            must(books.refunds("pending") + books.refunds("waiting") == 0, "every refund is decided");
            let failed = matches!(books.state.as_str(), "declined" | "canceled" | "expired");
            match &truth {
                Some(truth) if truth.decision.is_some() => {
                    // Given up here before Mokka decided.
                    let gave_up =
                        books.state == "canceled" && matches!(truth.status, MokkaStatus::Declined | MokkaStatus::Expired);
                    must(gave_up || agree(&books.state, &truth.status), "our state is Mokka's");
                    must(failed || books.amount() == truth.amount, "our amount is Mokka's");
                    must(books.refunds("made") == truth.returned, "our refunds are Mokka's");
                    must((books.state == "partially_refunded") <= (truth.returned > 0), "a part was given back");
                    must((books.state == "captured") <= (truth.returned == 0), "nothing was given back");
                }
                // Nobody has ever decided on it: there is no money.
                _ => must(failed, "without a decision it has failed"),
            }
            let paid = matches!(books.state.as_str(), "captured" | "partially_refunded");
            // Of an attempt that failed and that another followed, IMSHOP may hear nothing more, if it was not called paid before or
            // the other one is paid.
            let silent = match imshop_says_paid(self.story(), &books.id) {
                None => true,
                Some(true) => all.last().is_some_and(|newest| matches!(newest.state.as_str(), "captured" | "partially_refunded")),
                Some(false) => false,
            };
            let silent = silent && failed && all.last().is_some_and(|newest| newest.id != books.id);
            let is_true = silent || imshop_says_paid(self.story(), &books.id) == Some(paid);
            must(is_true, "IMSHOP's last word on the payment is the truth");
        }
        if let Some(newest) = all.last() {
            let paid = matches!(newest.state.as_str(), "captured" | "partially_refunded");
            let word = imshop_order(self.story(), &self.order.id);
            if word != Some((paid, newest.id.clone())) {
                self.broke(&format!("at rest, IMSHOP's last word on the order is {word:?}"));
            }
        }
    }
}
