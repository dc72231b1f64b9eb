//! Receipts that are sent apart from a payment: the second one of goods that were paid in advance.

use serde_json::{Value, json};

use super::fields::Fields;
use super::payment::State;
use super::receipt::{check_customer, check_items};
use super::records::{Receipt, RefundState, without_moment};
use super::refusal::Refusal;
use super::setting::Setting;
use super::state::Books;
use crate::money::Kopecks;
use crate::random;

const SETTLEMENTS: [&str; 4] = ["cashless", "prepayment", "postpayment", "consideration"];

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
    check_customer(&body.required("customer", body.object("customer")?)?)?;
    if !body.required("send", body.flag("send")?)? {
        return Err(Refusal::at("send", "Only true is supported"));
    }
    let tax_system = body.code("tax_system_code", 1..=6)?;
    check_items(body, settled(body)?)?;
    let made = if kind == "payment" {
        let payment = books.payments.find(id).ok_or_else(|| Refusal::unknown(of, "Payment"))?;
        payment.state == State::Succeeded
    } else {
        let refund = books.refunds.find(id).ok_or_else(|| Refusal::unknown(of, "Refund"))?;
        refund.state == RefundState::Succeeded
    };
    if !made {
        return Err(Refusal::at(of, "Receipt can not be created in current status"));
    }
    let receipt_id = format!("rt-{}", random::uuid());
    let mut shown = json!({
        "id": receipt_id,
        "type": kind,
        "status": "pending",
        "items": body.get("items")?,
        "settlements": body.get("settlements")?,
        "created_at": super::shown::moment(setting.now),
    });
    shown[of] = json!(id);
    if let Some(tax_system) = tax_system {
        shown["tax_system_code"] = json!(tax_system);
    }
    books.receipts.add(receipt_id, Receipt(shown.clone()));
    Ok(without_moment(shown))
}

/// What was settled in all.
fn settled(body: &Fields<'_>) -> Result<Kopecks, Refusal> {
    let settlements = body.required("settlements", body.objects("settlements")?)?;
    let mut total = Kopecks(0);
    for settlement in &settlements {
        settlement.only(&["type", "amount"])?;
        settlement.required("type", settlement.one_of("type", &SETTLEMENTS)?)?;
        let amount = settlement.required("amount", settlement.amount("amount")?)?;
        total = total.plus(amount).ok_or_else(|| Refusal::at("settlements", "Too much"))?;
    }
    Ok(total)
}
