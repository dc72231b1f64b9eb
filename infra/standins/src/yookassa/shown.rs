//! Objects as the API shows them.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::amounts::amount;
use super::confirmed;
use super::methods::YookassaMethod;
use super::payment::{Cancellation, Payment, State};
use super::readings::Reading;
use super::records::{Receipt, Refund, RefundState};
use super::registration::{OwnReceipt, Registration};
use super::setting::Setting;
use crate::money::Kopecks;

/// What YooKassa keeps of each payment, in thousandths.
const COMMISSION: u64 = 35;
const GATEWAY_ID: &str = "1983001";
/// The bank of every customer who pays by SBP: its number there, and with the Bank of Russia.
const PAYER_BANK: &str = "100000000111";
const PAYER_BIC: &str = "044525225";

/// `2018-07-10T14:27:54.691Z`.
pub(super) fn moment(at: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    // Fails only for years that no clock here reaches.
    at.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_else(|_| at.to_string())
}

/// What is left of this sum without the commission, which is rounded up from half a kopeck.
fn without_commission(sum: Kopecks) -> Kopecks {
    let commission = (sum.0 * COMMISSION + 500) / 1000;
    sum.minus(Kopecks(commission)).unwrap_or(sum)
}

fn cancellation(details: &Cancellation) -> Value {
    json!({ "party": details.party, "reason": details.reason })
}

pub(super) fn payment(payment: &Payment, setting: &Setting<'_>) -> Value {
    let as_held = setting.readings.is_other(Reading::AmountAfterCapture);
    let named = payment.captured.filter(|_| !as_held).unwrap_or(payment.amount);
    let status = match &payment.state {
        State::Pending(_) => "pending",
        State::Held => "waiting_for_capture",
        State::Succeeded => "succeeded",
        State::Canceled(_) => "canceled",
    };
    let paid = matches!(payment.state, State::Held | State::Succeeded);
    let shown = json!({
        "id": payment.id,
        "status": status,
        "amount": amount(named),
        "recipient": { "account_id": setting.options.yookassa_shop_id, "gateway_id": GATEWAY_ID },
        "created_at": moment(payment.created_at),
        "test": true,
        "paid": paid,
        "refundable": payment.is_refundable(setting.now),
        "metadata": payment.metadata,
    });
    let Value::Object(mut shown) = shown else { return shown };
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            shown.insert(name.to_owned(), value);
        }
    };
    put("description", payment.description.as_ref().map(|text| json!(text)));
    put("merchant_customer_id", payment.customer.as_ref().map(|text| json!(text)));
    put("captured_at", payment.captured_at.map(|at| json!(moment(at))));
    put("expires_at", payment.expires_at.map(|at| json!(moment(at))));
    put("payment_method", payment.method.map(|kind| method(payment, kind)));
    let authorized = paid && payment.method.is_some_and(is_authorized);
    put("authorization_details", authorized.then(|| authorization(payment)));
    put("receipt_registration", payment.receipt.as_ref().map(|own| json!(receipt_registration(&payment.state, own))));
    if let Some(captured) = payment.captured {
        put("income_amount", Some(amount(without_commission(captured))));
        put("refunded_amount", Some(amount(payment.refunded)));
    }
    match &payment.state {
        // It can be had only while the customer may use it.
        State::Pending(_) => {
            put("confirmation", payment.confirmation.as_ref().map(|how| confirmed::shown(payment, how, setting)));
        }
        State::Canceled(details) => put("cancellation_details", Some(cancellation(details))),
        State::Held | State::Succeeded => {}
    }
    overridden(shown, &payment.overrides)
}

fn overridden(mut shown: Map<String, Value>, overrides: &Map<String, Value>) -> Value {
    for (name, value) in overrides {
        if value.is_null() {
            shown.remove(name);
        } else {
            shown.insert(name.clone(), value.clone());
        }
    }
    Value::Object(shown)
}

/// Whether a card's bank has authorized what is paid so.
fn is_authorized(method: YookassaMethod) -> bool {
    match method {
        YookassaMethod::BankCard | YookassaMethod::SberPay | YookassaMethod::ApplePay => true,
        YookassaMethod::YooMoney | YookassaMethod::Sbp => false,
    }
}

fn method(payment: &Payment, kind: YookassaMethod) -> Value {
    let mut method = json!({ "type": kind.name(), "id": payment.id, "saved": false, "status": "inactive" });
    // A card may have failed before the customer paid in another way.
    if let Some(card) = payment.card.as_ref().filter(|_| kind == YookassaMethod::BankCard) {
        method["title"] = json!(card.title());
        method["card"] = card.shown();
    }
    if let Some(operation) = &payment.sbp_operation {
        method["sbp_operation_id"] = json!(operation);
        method["payer_bank_details"] = json!({ "bank_id": PAYER_BANK, "bic": PAYER_BIC });
    }
    method
}

/// Digits that are the same whenever this payment is asked for.
fn authorization(payment: &Payment) -> Value {
    let digits: String = payment.id.bytes().map(|byte| char::from(b'0' + byte % 10)).collect();
    let part = |range| digits.get(range).unwrap_or_default();
    json!({ "rrn": part(0..12), "auth_code": part(12..18), "three_d_secure": { "applied": payment.confirmed_at_bank } })
}

/// The register hears of a receipt once the money is captured.
fn receipt_registration(state: &State, own: &OwnReceipt) -> &'static str {
    let registration = match state {
        State::Pending(_) | State::Held => Registration::Pending,
        State::Succeeded => own.registration,
        State::Canceled(_) => Registration::Canceled,
    };
    registration.name()
}

pub(super) fn refund(refund: &Refund) -> Value {
    let status = match &refund.state {
        RefundState::Pending => "pending",
        RefundState::Succeeded => "succeeded",
        RefundState::Canceled(_) => "canceled",
    };
    let mut shown = json!({
        "id": refund.id,
        "payment_id": refund.payment_id,
        "status": status,
        "created_at": moment(refund.created_at),
        "amount": amount(refund.amount),
    });
    if let Some(description) = &refund.description {
        shown["description"] = json!(description);
    }
    if !refund.metadata.is_empty() {
        shown["metadata"] = json!(refund.metadata);
    }
    if let Some(own) = &refund.receipt {
        let registration = match &refund.state {
            RefundState::Pending => Registration::Pending,
            RefundState::Succeeded => own.registration,
            RefundState::Canceled(_) => Registration::Canceled,
        };
        shown["receipt_registration"] = json!(registration.name());
    }
    if let RefundState::Canceled(details) = &refund.state {
        shown["cancellation_details"] = cancellation(details);
    }
    shown
}

/// A receipt whose registration stands so.
pub(super) fn receipt(receipt: &Receipt, registration: Registration) -> Value {
    let mut shown = json!({
        "id": receipt.id,
        "type": if receipt.refund_id.is_some() { "refund" } else { "payment" },
        "status": registration.name(),
        "items": receipt.content.items,
        "settlements": receipt.settlements,
    });
    match &receipt.refund_id {
        Some(refund_id) => shown["refund_id"] = json!(refund_id),
        None => shown["payment_id"] = json!(receipt.payment_id),
    }
    if let Some(tax_system) = receipt.content.tax_system {
        shown["tax_system_code"] = json!(tax_system);
    }
    if let Some(at) = receipt.registered_at {
        shown["registered_at"] = json!(moment(at));
        shown["fiscal_document_number"] = json!("3986");
        shown["fiscal_storage_number"] = json!("9288000100115785");
        shown["fiscal_attribute"] = json!("2617603921");
    }
    shown
}
