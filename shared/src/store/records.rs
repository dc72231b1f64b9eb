//! Orders and payments as they are stored. What cannot be read back is an error, never a guess.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{InstallId, ItemId, MethodId, OrderId, OrderUuid, PaymentId};
use crate::money::{Currency, Money, Quantity};
use crate::payment::{Line, Order, Payment, Provider, Reason, State, Step};
use crate::phone::Phone;

/// An order's attributes. Amounts are minor units.
#[derive(Serialize, Deserialize)]
pub(super) struct OrderRecord {
    order_uuid: String,
    order_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    lines: Vec<LineRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    install_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_payment: Option<String>,
    attempts: u32,
}

#[derive(Serialize, Deserialize)]
struct LineRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    name: String,
    quantity: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtotal: Option<i64>,
}

/// A payment's attributes. Amounts are minor units, moments are milliseconds since 1970 UTC.
#[derive(Serialize, Deserialize)]
pub(super) struct PaymentRecord {
    payment_id: String,
    order_uuid: String,
    order_id: String,
    attempt: u32,
    method: String,
    provider: String,
    amount: i64,
    currency: String,
    state: String,
    unknown: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mismatch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_url: Option<String>,
    callback_token_hash: String,
    valid_till: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_text: Option<String>,
    created_at: i64,
    history: Vec<StepRecord>,
}

#[derive(Serialize, Deserialize)]
struct StepRecord {
    at: i64,
    state: String,
    by: String,
}

/// A record together with the version that the next write must name.
#[derive(Deserialize)]
pub(super) struct Versioned<T> {
    pub(super) version: u64,
    #[serde(flatten)]
    pub(super) record: T,
}

type Cause = String;

fn text<E: std::fmt::Display>(field: &str) -> impl FnOnce(E) -> Cause + '_ {
    move |error| format!("{field} {error}")
}

impl From<&Order> for OrderRecord {
    fn from(order: &Order) -> Self {
        Self {
            order_uuid: order.uuid.as_str().to_owned(),
            order_id: order.id.as_str().to_owned(),
            public_id: order.public_id.as_ref().map(|id| id.as_str().to_owned()),
            amount: order.amount.map(Money::minor),
            currency: order.currency.code().to_owned(),
            phone: order.phone.as_ref().map(|phone| phone.digits().to_owned()),
            email: order.email.clone(),
            name: order.name.clone(),
            lines: order.lines.iter().map(LineRecord::from).collect(),
            delivery: order.delivery.map(Money::minor),
            install_id: order.install_id.as_ref().map(|id| id.as_str().to_owned()),
            check_number: order.check_number.clone(),
            check_link: order.check_link.clone(),
            latest_payment: order.latest_payment.as_ref().map(|id| id.as_str().to_owned()),
            attempts: order.attempts,
        }
    }
}

impl From<&Line> for LineRecord {
    fn from(line: &Line) -> Self {
        Self {
            sku: line.sku.as_ref().map(|sku| sku.as_str().to_owned()),
            name: line.name.clone(),
            quantity: line.quantity.to_string(),
            price: line.price.map(Money::minor),
            subtotal: line.subtotal.map(Money::minor),
        }
    }
}

impl TryFrom<Versioned<OrderRecord>> for Order {
    type Error = Cause;

    fn try_from(Versioned { version, record }: Versioned<OrderRecord>) -> Result<Self, Cause> {
        let currency = Currency::parse(&record.currency).map_err(text("currency"))?;
        let money = |minor: Option<i64>| minor.map(|minor| Money::from_minor(minor, currency)).transpose();
        let lines = record.lines.into_iter().map(|line| {
            Ok(Line {
                sku: line.sku.as_deref().map(ItemId::parse).transpose().map_err(text("sku"))?,
                name: line.name,
                quantity: Quantity::parse(&line.quantity).map_err(text("quantity"))?,
                price: money(line.price).map_err(text("price"))?,
                subtotal: money(line.subtotal).map_err(text("subtotal"))?,
            })
        });
        Ok(Self {
            uuid: OrderUuid::parse(&record.order_uuid).map_err(text("order_uuid"))?,
            id: OrderId::parse(&record.order_id).map_err(text("order_id"))?,
            public_id: record.public_id.as_deref().map(OrderId::parse).transpose().map_err(text("public_id"))?,
            amount: money(record.amount).map_err(text("amount"))?,
            currency,
            phone: record.phone.map(|digits| Phone::parse(&format!("+{digits}"))).transpose().map_err(text("phone"))?,
            email: record.email,
            name: record.name,
            lines: lines.collect::<Result<_, Cause>>()?,
            delivery: money(record.delivery).map_err(text("delivery"))?,
            install_id: record.install_id.as_deref().map(InstallId::parse).transpose().map_err(text("install_id"))?,
            check_number: record.check_number,
            check_link: record.check_link,
            latest_payment: record.latest_payment.as_deref().map(PaymentId::parse).transpose().map_err(text("latest_payment"))?,
            attempts: record.attempts,
            version,
        })
    }
}

impl From<&Payment> for PaymentRecord {
    fn from(payment: &Payment) -> Self {
        Self {
            payment_id: payment.id.as_str().to_owned(),
            order_uuid: payment.order_uuid.as_str().to_owned(),
            order_id: payment.order_id.as_str().to_owned(),
            attempt: payment.attempt,
            method: payment.method.as_str().to_owned(),
            provider: payment.provider.name().to_owned(),
            amount: payment.amount.minor(),
            currency: payment.amount.currency().code().to_owned(),
            state: payment.state.name().to_owned(),
            unknown: payment.unknown,
            mismatch: payment.mismatch.clone(),
            payment_url: payment.url.clone(),
            return_url: payment.return_url.clone(),
            callback_token_hash: payment.callback_token_hash.clone(),
            valid_till: payment.valid_till.millis(),
            lease_until: payment.lease_until.map(Timestamp::millis),
            reason_code: payment.reason.as_ref().map(|reason| reason.code.clone()),
            reason_text: payment.reason.as_ref().map(|reason| reason.text.clone()),
            created_at: payment.created_at.millis(),
            history: payment
                .history
                .iter()
                .map(|step| StepRecord { at: step.at.millis(), state: step.state.clone(), by: step.by.clone() })
                .collect(),
        }
    }
}

impl TryFrom<Versioned<PaymentRecord>> for Payment {
    type Error = Cause;

    fn try_from(Versioned { version, record }: Versioned<PaymentRecord>) -> Result<Self, Cause> {
        let currency = Currency::parse(&record.currency).map_err(text("currency"))?;
        let reason = record.reason_code.map(|code| Reason { code, text: record.reason_text.unwrap_or_default() });
        let history = record.history.into_iter();
        Ok(Self {
            id: PaymentId::parse(&record.payment_id).map_err(text("payment_id"))?,
            order_uuid: OrderUuid::parse(&record.order_uuid).map_err(text("order_uuid"))?,
            order_id: OrderId::parse(&record.order_id).map_err(text("order_id"))?,
            attempt: record.attempt,
            method: MethodId::parse(&record.method).map_err(text("method"))?,
            provider: Provider::from_name(&record.provider).ok_or_else(|| "provider is unknown".to_owned())?,
            amount: Money::from_minor(record.amount, currency).map_err(text("amount"))?,
            state: State::from_name(&record.state).ok_or_else(|| "state is unknown".to_owned())?,
            unknown: record.unknown,
            mismatch: record.mismatch,
            url: record.payment_url,
            return_url: record.return_url,
            callback_token_hash: record.callback_token_hash,
            valid_till: Timestamp::from_millis(record.valid_till),
            lease_until: record.lease_until.map(Timestamp::from_millis),
            reason,
            created_at: Timestamp::from_millis(record.created_at),
            history: history.map(|step| Step { at: Timestamp::from_millis(step.at), state: step.state, by: step.by }).collect(),
            version,
        })
    }
}
