//! Refunds: money of a captured payment that goes back, whole or in parts.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::fields::Fields;
use super::notices::Notice;
use super::payment::Payment;
use super::readings::Reading;
use super::receipt::Content;
use super::records::{Receipt, Refund, RefundState};
use super::refusal::Refusal;
use super::setting::Setting;
use super::state::Books;
use super::{receipt, shown};
use crate::money::Kopecks;
use crate::random;

/// `POST /refunds`.
pub(super) fn create(books: &mut Books, setting: &Setting<'_>, body: &Fields<'_>) -> Result<Value, Refusal> {
    body.only(&["payment_id", "amount", "description", "receipt", "metadata", "sources", "deal", "refund_method_data"])?;
    body.without(&["sources", "deal", "refund_method_data"])?;
    let payment_id = body.required("payment_id", body.text("payment_id", 36)?)?;
    let amount = body.required("amount", body.amount("amount")?)?;
    let description = body.text("description", 250)?.map(str::to_owned);
    let metadata = body.metadata()?;
    let receipt = body.object("receipt")?;
    let content = receipt.map(|receipt| receipt::read(&receipt, amount, setting)).transpose()?;
    let payment = books.payments.find(payment_id).ok_or_else(|| Refusal::unknown("payment_id", "Payment"))?;
    payment.check_refund(amount, setting.now)?;
    let content = match content {
        Some(content) => {
            books.check_back(payment, &content, "receipt.items")?;
            Some(content)
        }
        None if is_whole(payment, amount) => books.whole_content(payment),
        None if payment.receipt.is_some() && setting.needs_receipts() => return Err(Refusal::no_receipt()),
        None => None,
    };
    let id = give_back(books, setting, payment_id, Wanted { amount, description, metadata, content })?;
    books.refunds.find(&id).map(shown::refund).ok_or_else(|| Refusal::unknown("refund_id", "Refund"))
}

/// A refund as it is asked for.
pub(super) struct Wanted {
    pub(super) amount: Kopecks,
    pub(super) description: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) content: Option<Content>,
}

/// Whether this is all that was captured.
pub(super) fn is_whole(payment: &Payment, amount: Kopecks) -> bool {
    payment.captured == Some(amount) && payment.rest() == amount
}

/// Takes up a refund, and makes it at once if that is how refunds are read. Its id.
pub(super) fn give_back(books: &mut Books, setting: &Setting<'_>, payment_id: &str, wanted: Wanted) -> Result<String, Refusal> {
    let payment = books.payments.find_mut(payment_id).ok_or_else(|| Refusal::unknown("payment_id", "Payment"))?;
    payment.check_refund(wanted.amount, setting.now)?;
    let refund = Refund {
        id: random::uuid(),
        payment_id: payment_id.to_owned(),
        amount: wanted.amount,
        state: RefundState::Pending,
        description: wanted.description,
        metadata: wanted.metadata,
        receipt: None,
        created_at: setting.now,
    };
    payment.refunding = payment.refunding.plus(wanted.amount).unwrap_or(wanted.amount);
    let id = refund.id.clone();
    books.refunds.add(id.clone(), refund);
    if let Some(content) = wanted.content {
        books.add_own_receipt(Receipt::of_money(payment_id, Some(&id), content));
    }
    if !setting.readings.is_other(Reading::Refunds)
        && let Some(notice) = finish(books, setting, &id, RefundState::Succeeded)
    {
        books.notices.queue(notice);
    }
    Ok(id)
}

/// The same as the shop's people do it in the cabinet, which makes a receipt of what goes back. The refund's id.
pub(super) fn give_back_in_cabinet(
    books: &mut Books,
    setting: &Setting<'_>,
    payment_id: &str,
    amount: Kopecks,
) -> Result<String, Refusal> {
    let payment = books.payments.find(payment_id).ok_or_else(|| Refusal::unknown("payment_id", "Payment"))?;
    let whole = is_whole(payment, amount);
    let content = if whole { books.whole_content(payment) } else { books.part_content(payment, amount) };
    give_back(books, setting, payment_id, Wanted { amount, description: None, metadata: Map::new(), content })
}

/// A refund that is pending comes to its end; what is announced of it. Of a canceled one nothing is.
pub(super) fn finish(books: &mut Books, setting: &Setting<'_>, id: &str, state: RefundState) -> Option<Notice> {
    let refund = books.refunds.find_mut(id).filter(|refund| refund.state == RefundState::Pending)?;
    refund.state = state;
    let payment = books.payments.find_mut(&refund.payment_id)?;
    payment.refunding = payment.refunding.minus(refund.amount).unwrap_or(Kopecks(0));
    if refund.state != RefundState::Succeeded {
        return None;
    }
    payment.refunded = payment.refunded.plus(refund.amount).unwrap_or(refund.amount);
    notice(refund, setting.now)
}

/// What is announced of a refund that was made.
pub(super) fn notice(refund: &Refund, now: OffsetDateTime) -> Option<Notice> {
    (refund.state == RefundState::Succeeded).then(|| Notice::new("refund.succeeded", &shown::refund(refund), now))
}
