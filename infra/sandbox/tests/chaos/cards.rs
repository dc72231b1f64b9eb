//! Payments by card as the model sees them, and what their customers do.

#[path = "../model/cards/agreement.rs"]
mod agreement;
#[path = "../model/cards/calls.rs"]
mod calls;
#[path = "../model/cards/side.rs"]
#[expect(dead_code, reason = "the model asks more of it")]
mod side;

use sandbox::functions::Story;
use standins::{CabinetAct, CardDecision, CardOutcome};

use crate::books::Books;
use crate::weather::Dice;

pub(crate) use agreement::{card_differences, in_a_line};
pub(crate) use calls::{CARD, Notified, capture, change, come_back, create, notify};
pub(crate) use side::{Side, Standing};

/// What the customer does on the page of a payment that is open.
pub(crate) async fn customer(story: &Story, side: &Side, dice: &mut Dice) -> CardDecision {
    let decision = match dice.below(20) {
        0 | 1 => CardDecision::Declined,
        2 => CardDecision::Held,
        3 => CardDecision::FailedTry,
        4 => CardDecision::Abandoned,
        _ => CardDecision::Paid,
    };
    let wish = CardOutcome { notify: false, ..CardOutcome::new(decision.clone()) };
    story.environment.standins().decide_yookassa(&side.id, &wish).await.expect("YooKassa knows it");
    decision
}

/// A person gives back in the cabinet what was paid after it had been given up.
pub(crate) fn give_back_what_is_not_ours(story: &Story, books: &Books) -> bool {
    let side = Side::of(story, books).filter(|side| side.is_captured() && side.has_money() && side.shown.is_object());
    let Some(side) = side.filter(|_| books.needs_attention() && books.has_failed()) else { return false };
    let all = CabinetAct::Refund { amount: None };
    story.environment.standins().in_yookassa_cabinet(&side.id, &all).expect("it can be given back");
    true
}
