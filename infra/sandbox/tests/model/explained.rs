//! What the back office says of a payment in words, held against how it really stands.

use sandbox::functions::Story;
use serde_json::Value;
use shared::payments::explain::Situation;
use testkit::Event;
use testkit::settings::VIEWER_KEY;

use crate::books::Books;
use crate::cards::{Side, Standing};

/// What is said of an order's payments, with their providers asked, and is not true.
pub(crate) async fn untruths(story: &Story, order: &str, all: &[Books]) -> Vec<String> {
    let event = Event::new("GET", &format!("/v1/back-office/orders/{order}")).key(VIEWER_KEY);
    let answer = story.back_office(event.rest()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    let shown = answer["payments"].as_array().expect("payments").iter();
    shown.filter_map(|payment| untruth(story, all, payment)).collect()
}

fn untruth(story: &Story, all: &[Books], payment: &Value) -> Option<String> {
    let books = all.iter().find(|books| books.id == payment["payment_id"])?;
    let code = payment["explain"]["code"].as_str().expect("a code");
    let situation = *Situation::ALL.iter().find(|situation| situation.code() == code).expect("a situation");
    let side = Side::of(story, books);
    let is_captured = side.as_ref().is_some_and(|side| side.standing == Standing::Captured);
    let is_given_back = side.as_ref().is_some_and(|side| side.refunded == side.amount);
    let is_held = side.as_ref().is_some_and(|side| side.standing == Standing::Held);
    // What is said, and whether it is so. Of one that is being opened nothing: its page was never shown, and only the customers of these
    // lives pay on it.
    let claims = [
        (
            matches!(
                situation,
                Situation::WaitsForCustomer | Situation::Overdue | Situation::Declined | Situation::Canceled | Situation::Expired
            ),
            !is_captured && !is_held,
        ),
        (matches!(situation, Situation::GivenUp | Situation::GivenUpOpen), !is_captured),
        (matches!(situation, Situation::Held | Situation::HoldEndsSoon), is_held),
        (matches!(situation, Situation::Captured | Situation::PartiallyRefunded), is_captured && !is_given_back),
        (situation == Situation::Refunded, is_captured && is_given_back),
    ];
    let is_true = claims.into_iter().all(|(is_said, is_so)| !is_said || is_so);
    let is_known = !situation.is_calm() || !books.needs_attention();
    (!is_true || !is_known).then(|| format!("{} is explained as {code}, with {side:?}: {payment}", books.id))
}
