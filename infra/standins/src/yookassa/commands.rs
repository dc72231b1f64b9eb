//! What the shop does with a hold: `POST /payments/{id}/capture` and `/cancel`.

use serde_json::Value;

use super::fields::Fields;
use super::refusal::Refusal;
use super::setting::Setting;
use super::state::Books;
use super::{receipt, shown};

pub(super) fn capture(books: &mut Books, setting: &Setting<'_>, id: &str, body: &Fields<'_>) -> Result<Value, Refusal> {
    body.only(&["amount", "receipt", "airline", "transfers", "deal"])?;
    body.without(&["airline", "transfers", "deal"])?;
    let amount = body.amount("amount")?;
    let receipt = body.object("receipt")?;
    let payment = books.payments.find_mut(id).ok_or_else(|| Refusal::unknown("payment_id", "Payment"))?;
    if let Some(receipt) = &receipt {
        receipt::check(receipt, amount.unwrap_or(payment.amount))?;
    }
    let part = amount.is_some_and(|amount| amount < payment.amount);
    if part && payment.with_receipt && receipt.is_none() {
        return Err(Refusal::at("receipt", "Receipt is required for a partial capture"));
    }
    payment.capture(amount, setting.now)?;
    let shown = shown::payment(payment, setting);
    books.announce(id, setting);
    Ok(shown)
}

pub(super) fn cancel(books: &mut Books, setting: &Setting<'_>, id: &str, body: &Fields<'_>) -> Result<Value, Refusal> {
    body.only(&[])?;
    let payment = books.payments.find_mut(id).ok_or_else(|| Refusal::unknown("payment_id", "Payment"))?;
    payment.release()?;
    let shown = shown::payment(payment, setting);
    books.announce(id, setting);
    Ok(shown)
}
