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
    let unknown = || Refusal::unknown("payment_id", "Payment");
    let payment = books.payments.find_mut(id).ok_or_else(unknown)?;
    let content = receipt.map(|receipt| receipt::read(&receipt, amount.unwrap_or(payment.amount), setting)).transpose()?;
    let part = amount.is_some_and(|amount| amount < payment.amount);
    if part && payment.receipt.is_some() && content.is_none() && setting.needs_receipts() {
        return Err(Refusal::no_receipt());
    }
    payment.capture(amount, setting.now)?;
    if let Some(content) = content {
        books.replace_receipt(id, content);
    }
    books.announce(id, setting);
    books.payments.find(id).map(|payment| shown::payment(payment, setting)).ok_or_else(unknown)
}

pub(super) fn cancel(books: &mut Books, setting: &Setting<'_>, id: &str, body: &Fields<'_>) -> Result<Value, Refusal> {
    body.only(&[])?;
    let payment = books.payments.find_mut(id).ok_or_else(|| Refusal::unknown("payment_id", "Payment"))?;
    payment.release()?;
    let shown = shown::payment(payment, setting);
    books.announce(id, setting);
    Ok(shown)
}
