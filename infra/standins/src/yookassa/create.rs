//! `POST /payments`.

use serde_json::Value;

use super::fields::Fields;
use super::methods::YookassaMethod;
use super::payment::Payment;
use super::records::Receipt;
use super::refusal::Refusal;
use super::setting::Setting;
use super::state::Books;
use super::{confirmation, receipt, shown};
use crate::money::Kopecks;

const LEAST: Kopecks = Kopecks(100);
const FIELDS: [&str; 20] = [
    "amount",
    "description",
    "receipt",
    "recipient",
    "payment_token",
    "payment_method_id",
    "payment_method_data",
    "confirmation",
    "save_payment_method",
    "capture",
    "client_ip",
    "metadata",
    "airline",
    "transfers",
    "deal",
    "merchant_customer_id",
    "receiver",
    "statements",
    "fraud_data",
    "payment_order",
];

pub(super) fn create(books: &mut Books, setting: &Setting<'_>, body: &Fields<'_>) -> Result<Value, Refusal> {
    body.only(&FIELDS)?;
    body.without(&["airline", "transfers", "deal", "receiver", "statements", "fraud_data", "payment_order"])?;
    let amount = body.required("amount", body.amount("amount")?)?;
    let method = method(body, setting)?;
    let capture = body.flag("capture")?.unwrap_or(false);
    let most = match method {
        Some(method) if capture || method.holds() => method.most(),
        // No public source has the text that YooKassa refuses these two with: it is ours.
        Some(_) => return Err(Refusal::at("capture", "Payment method does not support two-stage payments")),
        None => {
            let most = setting.choice(capture).map(YookassaMethod::most).max();
            most.ok_or_else(|| Refusal::at("capture", "No payment method of the shop supports two-stage payments"))?
        }
    };
    if !(LEAST..=most).contains(&amount) {
        return Err(Refusal::at("amount.value", format!("Must be {LEAST} to {most}")));
    }
    if body.flag("save_payment_method")? == Some(true) {
        let description = "This store can't make recurring payments. Contact the YooMoney manager to learn more";
        return Err(Refusal::forbidden("save_payment_method", description));
    }
    recipient(body)?;
    body.text("client_ip", 45)?;
    let by_token = method == Some(YookassaMethod::ApplePay);
    let confirmation = if by_token { None } else { Some(confirmation::read(body, method)?) };
    let receipt = body.object("receipt")?;
    let content = match &receipt {
        Some(receipt) => Some(receipt::read(receipt, amount, setting)?),
        None if setting.needs_receipts() => return Err(Refusal::no_receipt()),
        None => None,
    };
    let mut payment = Payment {
        description: body.text("description", 128)?.map(str::to_owned),
        metadata: body.metadata()?,
        customer: body.text("merchant_customer_id", 200)?.map(str::to_owned),
        confirmation,
        asked: method,
        method,
        overrides: std::mem::take(&mut books.next_overrides),
        ..Payment::new(amount, capture, setting.now)
    };
    if by_token {
        payment.pay((!payment.capture).then(|| setting.hold()), setting.now);
    }
    let id = payment.id.clone();
    books.payments.add(id.clone(), payment);
    if let Some(content) = content {
        books.add_own_receipt(Receipt::of_money(&id, None, content));
    }
    books.watch(&id);
    books.announce(&id, setting);
    books
        .payments
        .find(&id)
        .map(|payment| shown::payment(payment, setting))
        .ok_or_else(|| Refusal::unknown("payment_id", "Payment"))
}

/// The way to pay that the shop has chosen; none lets the customer choose.
fn method(body: &Fields<'_>, setting: &Setting<'_>) -> Result<Option<YookassaMethod>, Refusal> {
    let (saved, token) = (body.text("payment_method_id", 64)?, body.text("payment_token", 10_240)?);
    let data = body.object("payment_method_data")?;
    if [saved.is_some(), token.is_some(), data.is_some()].into_iter().filter(|there| *there).count() > 1 {
        let description = "Only one of payment_method_data, payment_method_id and payment_token is allowed";
        return Err(Refusal::at("payment_method_data", description));
    }
    if saved.is_some() {
        return Err(Refusal::at("payment_method_id", "Payment method doesn't exist or access denied"));
    }
    if token.is_some() {
        return Err(Refusal::at("payment_token", "Payment token is not valid"));
    }
    let Some(data) = data else { return Ok(None) };
    let kind = data.required("type", data.text("type", 64)?)?;
    let method = YookassaMethod::named(kind).filter(|method| setting.has(*method));
    let method = method.ok_or_else(|| Refusal::at("payment_method_data.type", "Payment method is not available"))?;
    match method {
        YookassaMethod::ApplePay => {
            data.only(&["type", "payment_data"])?;
            if !data.text("payment_data", 65_536)?.is_some_and(is_token) {
                return Err(Refusal::at(
                    "payment_method_data.payment_data",
                    "Illegal payment data. Failed to parse Apple Pay token",
                ));
            }
        }
        YookassaMethod::BankCard => {
            data.only(&["type", "card"])?;
            if data.get("card")?.is_some() {
                return Err(Refusal::forbidden("payment_method_data.card", "Card data is taken from shops with PCI DSS only"));
            }
        }
        YookassaMethod::YooMoney | YookassaMethod::Sbp | YookassaMethod::SberPay => data.only(&["type"])?,
    }
    Ok(Some(method))
}

/// Base64 of a JSON object.
fn is_token(text: &str) -> bool {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    serde_json::from_slice::<Value>(&bytes).is_ok_and(|token| token.is_object())
}

fn recipient(body: &Fields<'_>) -> Result<(), Refusal> {
    let Some(recipient) = body.object("recipient")? else { return Ok(()) };
    recipient.only(&["gateway_id"])?;
    recipient.text("gateway_id", 64).map(drop)
}
