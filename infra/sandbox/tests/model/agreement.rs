//! Whether our books, Mokka's, the shop's and what IMSHOP was told say the same of a payment.

use sandbox::functions::Story;
use serde_json::Value;
use standins::MokkaStatus;

use crate::books::Books;
use crate::truth::{Truth, imshop_order, imshop_says_paid};

/// Whether our state says what Mokka's status says.
pub(crate) fn agree(state: &str, status: &MokkaStatus) -> bool {
    match status {
        MokkaStatus::Pending => state == "pending",
        MokkaStatus::Hold => state == "held",
        MokkaStatus::Finished => matches!(state, "captured" | "partially_refunded"),
        MokkaStatus::Refunded => state == "refunded",
        MokkaStatus::Canceled => state == "canceled",
        MokkaStatus::Declined => state == "declined",
        MokkaStatus::Expired => state == "expired",
        MokkaStatus::Other(_) => false,
    }
}

/// What holds when both sides are in the same state.
pub(crate) const SAME_STATE: &str = "our state is Mokka's";

/// What must hold once nothing is left to be done or found out; those that do not.
pub(crate) fn open_ends(books: &Books) -> Vec<&'static str> {
    let all = [
        (!books.is_unknown() && books.intent().is_none() && !books.has_mismatch() && !books.is_withdrawn(), "nothing is open"),
        (books.moment("lease_until").is_none() && books.moment("tell_lease_until").is_none(), "nobody has a lease"),
        (!books.is_untold(), "IMSHOP knows"),
        (!books.is_untold_to_shop(), "the shop knows"),
        (!books.needs_attention() && books.moment("troubled_since").is_none(), "no person is needed"),
        (books.refunds("pending") + books.refunds("waiting") == 0, "every refund is decided"),
    ];
    broken(&all)
}

pub(crate) const IMSHOP_AGREES: &str = "IMSHOP's last word on the payment is the truth";
pub(crate) const SHOP_AGREES: &str = "the shop's books, from events alone, are ours";

/// Whether IMSHOP's last word on a payment is the truth. `later` are the attempts after it.
pub(crate) fn imshop_agrees(story: &Story, books: &Books, later: &[Books]) -> bool {
    // Of an attempt that failed and that another followed, IMSHOP may hear nothing more, if it was not called paid before or one of
    // the others has been paid: of the order it then hears what became of that one.
    let said = imshop_says_paid(story, &books.id);
    let may_be_silent = books.has_failed() && !later.is_empty();
    let silent = may_be_silent && (said.is_none() || said == Some(true) && later.iter().any(Books::has_been_paid));
    silent || said == Some(books.is_paid())
}

/// What must hold once our books, Mokka's and what IMSHOP heard are the same; those that do not. `later` are the attempts after it.
pub(crate) fn differences(story: &Story, books: &Books, later: &[Books]) -> Vec<&'static str> {
    let failed = books.has_failed();
    let told = (imshop_agrees(story, books, later), IMSHOP_AGREES);
    let shop = (shop_agrees(story, books), SHOP_AGREES);
    let all = match Truth::of(story, &books.id) {
        Some(truth) if truth.decision.is_some() => vec![
            // Given up here before Mokka decided.
            (agree(&books.state, &truth.status) || gave_up(books, &truth), SAME_STATE),
            (failed || books.amount() == truth.amount, "our amount is Mokka's"),
            (books.refunds("made") == truth.returned, "our refunds are Mokka's"),
            ((books.state == "partially_refunded") <= (truth.returned > 0), "a part was given back"),
            ((books.state == "captured") <= (truth.returned == 0), "nothing was given back"),
            told,
            shop,
        ],
        // No decision was ever made on it: there is no money.
        _ => vec![(failed, "without a decision it has failed"), told, shop],
    };
    broken(&all)
}

/// Whether the shop, which hears nothing but events, has a payment as we have it, and was never led back.
pub(crate) fn shop_agrees(story: &Story, books: &Books) -> bool {
    let Some(entry) = in_shops_books(story, books) else { return false };
    let state = match books.state.as_str() {
        "captured" => "paid",
        "declined" | "expired" => "failed",
        same => same,
    };
    let refunded = match state {
        "refunded" => books.amount(),
        // What was paid after it had failed, and was given back, was never the shop's.
        _ if books.has_failed() => 0,
        _ => books.refunds("made"),
    };
    let in_text = |kopecks: i64| format!("{}.{:02}", kopecks / 100, kopecks % 100);
    entry["state"] == state
        && entry["refunded"] == in_text(refunded).as_str()
        && (!books.is_paid() || entry["amount"] == in_text(books.amount()).as_str())
        && (entry["attention"] == false || books.needs_attention())
        && story.environment.standins().shop_books()["step_backs"].as_array().is_some_and(Vec::is_empty)
}

/// How a payment stands in the shop's books.
pub(crate) fn in_shops_books(story: &Story, books: &Books) -> Option<Value> {
    let order = story.environment.standins().shop_book(books.item["order_id"].as_str().expect("an order's id"))?;
    order["payments"].as_array()?.iter().find(|entry| entry["payment_id"] == books.id.as_str()).cloned()
}

fn gave_up(books: &Books, truth: &Truth) -> bool {
    books.state == "canceled" && matches!(truth.status, MokkaStatus::Declined | MokkaStatus::Expired)
}

pub(crate) fn broken(all: &[(bool, &'static str)]) -> Vec<&'static str> {
    all.iter().filter(|(holds, _)| !holds).map(|(_, what)| *what).collect()
}

/// Whether IMSHOP's last word on an order is that of its newest attempt, and the truth.
pub(crate) fn heard_of_order(story: &Story, order: &str, newest: &Books) -> bool {
    imshop_order(story, order) == Some((newest.is_paid(), newest.id.clone()))
}

/// How a payment stands by our store, in a line.
pub(crate) fn in_words(books: &Books) -> String {
    let mut words = vec![format!("{}: {} {}", books.id, books.state, books.amount())];
    for flag in ["unknown", "untold"] {
        if books.item[flag] == Value::Bool(true) {
            words.push(flag.to_owned());
        }
    }
    for field in ["mismatch", "intent", "refunds", "lease_until", "tell_lease_until", "check_at", "attention", "reason_code"] {
        if !books.item[field].is_null() {
            words.push(format!("{field}={}", books.item[field]));
        }
    }
    words.join(" ")
}

/// Both sides in a line.
pub(crate) fn describe(books: &Books, truth: Option<&Truth>) -> String {
    let mut words = vec![in_words(books)];
    match truth {
        Some(truth) => words.push(format!(
            "| Mokka: {} {} returned {} f{} c{} ch{}",
            truth.status.as_str(),
            truth.amount,
            truth.returned,
            truth.finishes,
            truth.cancels,
            truth.changes
        )),
        None => words.push("| Mokka: nothing".to_owned()),
    }
    words.join(" ")
}
