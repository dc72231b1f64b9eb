//! Receipts that are sent apart from a payment: the second one of goods that were paid in advance.

use serde_json::Value;

use super::fields::Fields;
use super::payment::{Payment, State};
use super::receipt::{self, Content, Line};
use super::records::{Receipt, Refund, RefundState};
use super::refusal::Refusal;
use super::setting::Setting;
use super::shown;
use super::state::Books;
use crate::money::Kopecks;

const PREPAYMENT: &str = "prepayment";
const SETTLEMENTS: [&str; 4] = ["cashless", PREPAYMENT, "postpayment", "consideration"];
const NOT_NOW: &str = "Receipt can not be created in current status";

/// `POST /receipts`: answered before the register has taken it.
pub(super) fn create(books: &mut Books, setting: &Setting<'_>, body: &Fields<'_>) -> Result<Value, Refusal> {
    body.only(&[
        "type",
        "payment_id",
        "refund_id",
        "customer",
        "items",
        "settlements",
        "send",
        "tax_system_code",
        "internet",
        "timezone",
        "additional_user_props",
        "on_behalf_of",
    ])?;
    let kind = body.required("type", body.one_of("type", &["payment", "refund"])?)?;
    let of = if kind == "payment" { "payment_id" } else { "refund_id" };
    let id = body.required(of, body.text(of, 36)?)?;
    if !body.required("send", body.flag("send")?)? {
        return Err(Refusal::at("send", "Only true is supported"));
    }
    let settled = settled(body)?;
    let content = receipt::content(body, settled.total, setting)?;
    let receipt = if kind == "payment" {
        let payment = books.payments.find(id).ok_or_else(|| Refusal::unknown(of, "Payment"))?;
        check_of_payment(books, payment, &settled, &content)?;
        Receipt::of_money(id, None, content)
    } else {
        let refund = books.refunds.find(id).ok_or_else(|| Refusal::unknown(of, "Refund"))?;
        check_of_refund(books, refund, &content)?;
        Receipt::of_money(&refund.payment_id, Some(id), content)
    };
    let settlements = body.get("settlements")?.cloned().unwrap_or_default();
    let receipt = Receipt { settlements, settles_prepaid: settled.prepaid, ..receipt };
    let shown = shown::receipt(&receipt, receipt.registration);
    books.add_receipt(receipt);
    Ok(shown)
}

/// A receipt of a payment tells of money that none has told of, or of goods that were prepaid: all of them at once.
fn check_of_payment(books: &Books, payment: &Payment, settled: &Settled, content: &Content) -> Result<(), Refusal> {
    if payment.state != State::Succeeded {
        return Err(Refusal::at("payment_id", NOT_NOW));
    }
    if settled.prepaid == Kopecks(0) {
        let captured = payment.captured.unwrap_or(Kopecks(0)).thousandths();
        if books.receipted(payment) + settled.total.thousandths() > captured {
            return Err(Refusal::at("settlements", "Receipts of the payment would tell of more than was captured"));
        }
        return Ok(());
    }
    if settled.prepaid != settled.total {
        return Err(Refusal::at("settlements", "A prepayment is settled by a receipt of its own"));
    }
    if settled.prepaid.thousandths() != books.prepaid(payment) {
        return Err(Refusal::at("settlements", "Must be what the payment's receipts have left prepaid"));
    }
    if content.lines.iter().any(Line::is_said_prepaid) {
        return Err(Refusal::at("items", "What settles a prepayment is not prepaid itself"));
    }
    Ok(())
}

/// A receipt of a refund gives back no more than the refund, and of no line more than was sold.
fn check_of_refund(books: &Books, refund: &Refund, content: &Content) -> Result<(), Refusal> {
    if refund.state != RefundState::Succeeded {
        return Err(Refusal::at("refund_id", NOT_NOW));
    }
    let payment = books.payments.find(&refund.payment_id).ok_or_else(|| Refusal::unknown("refund_id", "Refund"))?;
    if books.receipted_back(payment, &refund.id) + content.total().thousandths() > refund.amount.thousandths() {
        return Err(Refusal::at("settlements", "Receipts of the refund would tell of more than it gave back"));
    }
    books.check_back(payment, content, "items")
}

/// What was settled.
struct Settled {
    total: Kopecks,
    /// Of that, what was paid before, with a receipt of its own.
    prepaid: Kopecks,
}

fn settled(body: &Fields<'_>) -> Result<Settled, Refusal> {
    let settlements = body.required("settlements", body.objects("settlements")?)?;
    let (mut total, mut prepaid) = (Kopecks(0), Kopecks(0));
    for settlement in &settlements {
        settlement.only(&["type", "amount"])?;
        let kind = settlement.required("type", settlement.one_of("type", &SETTLEMENTS)?)?;
        let amount = settlement.required("amount", settlement.amount("amount")?)?;
        total = total.plus(amount).ok_or_else(|| Refusal::at("settlements", "Too much"))?;
        if kind == PREPAYMENT {
            prepaid = prepaid.plus(amount).ok_or_else(|| Refusal::at("settlements", "Too much"))?;
        }
    }
    Ok(Settled { total, prepaid })
}
