//! Whether our books, the provider's, the shop's and what IMSHOP was told say the same of a payment that may be one by card.

use sandbox::functions::Story;

use super::side::{Side, Standing};
use crate::agreement::{IMSHOP_AGREES, SAME_STATE, SHOP_AGREES, broken, imshop_agrees, in_words, shop_agrees};
use crate::books::Books;

/// What must hold once nothing is left to be done or found out; what does not. `later` are the attempts after it.
pub(crate) fn card_differences(story: &Story, books: &Books, side: Option<&Side>, later: &[Books]) -> Vec<&'static str> {
    let failed = books.has_failed();
    let told = (imshop_agrees(story, books, later), IMSHOP_AGREES);
    let shop = (shop_agrees(story, books), SHOP_AGREES);
    let Some(side) = side else { return broken(&[(failed, "what the provider never heard of has failed"), told, shop]) };
    let is_over = failed && (side.standing == Standing::Failed || side.is_captured() && !side.has_money());
    broken(&[
        (side.agrees(&books.state) || is_over, SAME_STATE),
        (failed || books.amount() == side.amount, "our amount is the provider's"),
        (failed || books.refunds("made") == side.refunded, "our refunds are the provider's"),
        (
            failed || books.receipted().is_none_or(|receipted| receipted == books.amount() - books.refunds("made")),
            "the lines for receipts cost what is not given back",
        ),
        (
            failed || side.receipted.is_none_or(|receipted| receipted == (side.amount - side.refunded) * 1000),
            "the provider's receipts say what was captured and not given back",
        ),
        (side.second_receipts <= 1, "there is one second receipt"),
        told,
        shop,
    ])
}

/// Both sides in a line.
pub(crate) fn in_a_line(books: &Books, side: Option<&Side>) -> String {
    let Some(side) = side else { return format!("{} | the provider: nothing", in_words(books)) };
    let Side { standing, amount, refunded, refunds, .. } = side;
    format!("{} | the provider: {standing:?} {amount}, given back {refunded} in {refunds}", in_words(books))
}
