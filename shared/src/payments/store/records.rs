//! Orders and payments as they are stored. What cannot be read back is an error, never a guess.

use crate::platform::dynamodb::Versioned;
use serde::{Deserialize, Serialize};

use super::lookups;
use super::outbox::{ChannelsRecord, EventReceiptRecord, Shared};
use super::receipt_records::{self, ReceiptsRecord, TakenRecord, word};
use crate::payments::payment::{
    Approval, Cart, Change, Fact, FiscalDocument, FiscalReceipt, GatewayName, Goods, Intent, KeyedRequest, Known, Line, LineTax,
    Named, Operation, Order, Payment, PaymentAction, PaymentMeans, PollSchedule, Prepaid, Prepayment, Reason, Refund,
    RefundGrounds, RefundReason, RefundStatus, State, StatusEvent, Step, Stored,
};
use crate::platform::clock::Timestamp;
use crate::platform::ids::{InstallId, ItemId, MethodId, OrderId, OrderUuid, PaymentId};
use crate::platform::money::{Currency, Decimal, Money, Quantity};
use crate::platform::phone::Phone;

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
    /// There, and true, when the order has no currency that is known; `currency` is then only there for earlier releases.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    currency_unknown: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    lines: Vec<LineRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    returning: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    term: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prepayment: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prepayment_page: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    prepayment_unclear: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    install_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    said_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cart: Option<CartRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_payment: Option<String>,
    attempts: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier_ids: Vec<String>,
    /// Hash key of the sparse index `due`; there while the customer is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check_shard: Option<String>,
    /// Range key of the sparse index `due`: when the customer goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check_at: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    erasure_asked: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    found_as: Option<String>,
    /// Hash key of the sparse index `lookup`: the customer's phone; there while the customer is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lookup: Option<String>,
    /// Range key of the sparse index `lookup`: when the order was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lookup_at: Option<i64>,
    /// Hash key of the index `by-state`: the day on which the order was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// Range key of the index `by-state`: when it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved_at: Option<i64>,
}

/// What is known of the cart. What is left out is unknown; null is known to be none.
#[derive(Serialize, Deserialize)]
struct CartRecord {
    at: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_split: bool,
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    country: Fact<Option<String>>,
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    city: Fact<Option<String>>,
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    delivery: Fact<Option<String>>,
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    pickup_location: Fact<Option<String>>,
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    promocode: Fact<Option<String>>,
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    bonuses: Fact<String>,
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    known_customer: Fact<bool>,
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    goods: Fact<Vec<GoodsRecord>>,
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    amount: Fact<i64>,
}

#[derive(Serialize, Deserialize)]
struct GoodsRecord {
    ids: Vec<String>,
    quantity: String,
    #[serde(default, skip_serializing_if = "Fact::is_unknown")]
    warehouse: Fact<Option<String>>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vat: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
}

/// A payment's attributes. Amounts are minor units, moments are milliseconds since 1970 UTC.
#[derive(Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute of its own, which older releases know or not")]
pub(super) struct PaymentRecord {
    payment_id: String,
    order_uuid: String,
    order_id: String,
    attempt: u32,
    method: String,
    provider: String,
    amount: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prepaid: Option<PrepaidRecord>,
    currency: String,
    state: String,
    unknown: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    processing: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    withdrawn: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mismatch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sbp_payload: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    second_payment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    means: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    one_stage: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registered: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<OperationRecord>,
    #[serde(default, skip_serializing_if = "is_zero")]
    operations: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_url: Option<String>,
    callback_token_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    return_token: Option<String>,
    valid_till: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold_until: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lost: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    intent: Option<IntentRecord>,
    #[serde(default, skip_serializing_if = "is_zero")]
    refusals: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check: Option<FiscalReceiptRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receipts: Option<ReceiptsRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refunds: Vec<RefundRecord>,
    created_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    captured_at: Option<i64>,
    /// Range key of the index `by-state`.
    #[serde(default)]
    moved_at: i64,
    history: Vec<StepRecord>,
    #[serde(default)]
    told_payment_status: usize,
    #[serde(default)]
    told_order_status: usize,
    #[serde(default)]
    tell_failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tell_lease_until: Option<i64>,
    /// When the provider is asked next, by the version of the item that says so: an earlier release plans anew and leaves this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider_poll: Option<ProviderPollRecord>,
    /// What each channel has of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channels: Option<ChannelsRecord>,
    /// What became of the events for the shop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shop_receipts: Vec<EventReceiptRecord>,
    /// Present, and true, while a message is unpublished and was not tried yet: the stream's filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    untold: Option<bool>,
    /// Hash key of the sparse index `due`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check_shard: Option<String>,
    /// Range key of the sparse index `due`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check_at: Option<i64>,
    #[serde(default)]
    quiet_checks: u32,
    /// Range key of the sparse index `attention`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    troubled_since: Option<i64>,
    /// Hash key of the sparse index `attention`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attention: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeat_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unasked_since: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    hinted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_look_at: Option<i64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    last_looks: u32,
    /// Hash key of the sparse index `lookup`: the provider's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lookup: Option<String>,
    /// Range key of the sparse index `lookup`: when the attempt was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lookup_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct OperationRecord {
    name: String,
    number: u32,
    key: String,
    body: String,
    begun_at: i64,
}

impl From<&Operation> for OperationRecord {
    fn from(Operation { name, number, request, begun_at }: &Operation) -> Self {
        let KeyedRequest { key, body } = request.clone();
        Self { name: name.clone(), number: *number, key, body, begun_at: begun_at.millis() }
    }
}

impl From<OperationRecord> for Operation {
    fn from(OperationRecord { name, number, key, body, begun_at }: OperationRecord) -> Self {
        Self { name, number, request: KeyedRequest { key, body }, begun_at: Timestamp::from_millis(begun_at) }
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct ProviderPollRecord {
    at: i64,
    version: u64,
}

#[derive(Serialize, Deserialize)]
struct PrepaidRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    confirmed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    named: Option<String>,
}

impl From<&Prepaid> for PrepaidRecord {
    fn from(Prepaid { amount, page, confirmed, named }: &Prepaid) -> Self {
        let named = named.map(|named| named.name().to_owned());
        Self { amount: amount.map(Money::minor), page: page.clone(), confirmed: *confirmed, named }
    }
}

impl PrepaidRecord {
    fn read(self, currency: Currency) -> Result<Prepaid, Cause> {
        let amount = self.amount.map(|minor| Money::from_minor(minor, currency)).transpose().map_err(text("prepaid"))?;
        let named = self.named.map(|name| Named::from_name(&name).ok_or_else(|| "prepaid named is unknown".to_owned()));
        Ok(Prepaid { amount, page: self.page, confirmed: self.confirmed, named: named.transpose()? })
    }
}

#[derive(Serialize, Deserialize)]
struct StepRecord {
    /// Only if lines before it were dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    at: i64,
    state: String,
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    word: Option<StatusEventRecord>,
}

/// A status event for IMSHOP. Amounts are minor units of the payment's currency.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StatusEventRecord {
    Paid,
    Failed,
    PartiallyRefunded(i64),
    Refunded,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum IntentRecord {
    Cancel,
    Change { amount: i64, valid_till: i64, lines: Vec<LineRecord> },
    Refund { index: usize },
    Receipt,
}

#[derive(Serialize, Deserialize)]
struct FiscalReceiptRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    #[serde(default)]
    parts: u32,
}

#[derive(Serialize, Deserialize)]
struct RefundRecord {
    key_hash: String,
    amount: i64,
    status: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    repeats: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason_text: Option<String>,
    by: String,
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lines: Vec<TakenRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lines_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grounds_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scheduled_for: Option<i64>,
    /// There, and true, while it is scheduled; `status` is then `waiting`, by which earlier releases count it as taken and leave it alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_scheduled: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    refusal_unseen: bool,
    /// There, and true, while it awaits approval; `status` is then `waiting`, for the same reason.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    awaits_approval: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalRecord>,
}

#[derive(Serialize, Deserialize)]
struct ApprovalRecord {
    by: String,
    at: i64,
}

/// The reason of a refund that was withdrawn: for earlier releases one that was refused, whose amount is free again.
const WITHDRAWN: &str = "withdrawn";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Over how many partitions of the index `due` payments are spread, so that none is hot; orders over as many of their own.
pub(super) const SHARDS: u8 = 8;
/// The one partition of the index `attention`, which is short.
pub(super) const OPEN: &str = "open";

/// The partition of the index `due` that the payment with an id belongs to.
fn shard(id: &str) -> String {
    let sum = id.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    (sum % SHARDS).to_string()
}

/// The partition for orders that stands beside one for payments. Payments never wait behind orders, and releases that know nothing of these never
/// find them.
pub(super) fn order_shard(shard: &str) -> String {
    format!("o{shard}")
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
            currency: order.currency.unwrap_or(Currency::Rub).code().to_owned(),
            currency_unknown: order.currency.is_none(),
            phone: order.phone.as_ref().map(|phone| phone.digits().to_owned()),
            email: order.email.clone(),
            name: order.name.clone(),
            lines: order.lines.iter().map(LineRecord::from).collect(),
            delivery: order.delivery.map(Money::minor),
            address: order.known.address.clone(),
            returning: order.known.returning,
            term: order.known.term,
            prepayment: match &order.known.prepayment {
                Some(Prepayment::Made(amount)) => Some(amount.minor()),
                Some(Prepayment::After(_) | Prepayment::Unclear) | None => None,
            },
            prepayment_unclear: order.known.prepayment == Some(Prepayment::Unclear),
            prepayment_page: match &order.known.prepayment {
                Some(Prepayment::After(page)) => Some(page.clone()),
                Some(Prepayment::Made(_) | Prepayment::Unclear) | None => None,
            },
            install_id: order.install_id.as_ref().map(|id| id.as_str().to_owned()),
            check_number: order.check_number.clone(),
            check_link: order.check_link.clone(),
            said_at: Some(order.said_at.millis()),
            cart: order.cart.as_ref().map(CartRecord::from),
            latest_payment: order.latest_payment.as_ref().map(|id| id.as_str().to_owned()),
            attempts: order.attempts,
            earlier_ids: order.earlier_ids.iter().map(|id| id.as_str().to_owned()).collect(),
            check_shard: order.person_until.map(|_| order_shard(&shard(order.uuid.as_str()))),
            check_at: order.person_until.map(Timestamp::millis),
            erasure_asked: order.erasure_asked,
            found_as: order.found_as.as_ref().map(|id| id.as_str().to_owned()),
            lookup: order.phone.as_ref().map(|phone| lookups::phone(phone.digits())),
            lookup_at: order.phone.as_ref().map(|_| order.recorded_at.unwrap_or(order.said_at).millis()),
            state: order.recorded_at.map(lookups::day_of),
            moved_at: order.recorded_at.map(Timestamp::millis),
        }
    }
}

impl From<&Cart> for CartRecord {
    fn from(cart: &Cart) -> Self {
        let cart = cart.clone();
        Self {
            at: cart.at.millis(),
            is_split: cart.is_split,
            country: cart.country,
            city: cart.city,
            delivery: cart.delivery,
            pickup_location: cart.pickup_location,
            promocode: cart.promocode,
            bonuses: cart.bonuses.map(|bonuses| bonuses.to_string()),
            known_customer: cart.known_customer,
            goods: cart.goods.map(|goods| goods.into_iter().map(GoodsRecord::from).collect()),
            amount: cart.amount.map(Money::minor),
        }
    }
}

impl From<Goods> for GoodsRecord {
    fn from(Goods { ids, quantity, warehouse }: Goods) -> Self {
        Self { ids, quantity: quantity.to_string(), warehouse }
    }
}

impl CartRecord {
    fn read(self, currency: Currency) -> Result<Cart, Cause> {
        let goods = self.goods.map(|goods| goods.into_iter().map(GoodsRecord::read).collect::<Result<_, Cause>>());
        Ok(Cart {
            at: Timestamp::from_millis(self.at),
            is_split: self.is_split,
            country: self.country,
            city: self.city,
            delivery: self.delivery,
            pickup_location: self.pickup_location,
            promocode: self.promocode,
            bonuses: self.bonuses.map(|text| Decimal::parse(&text)).transpose().map_err(text("cart bonuses"))?,
            known_customer: self.known_customer,
            goods: goods.transpose()?,
            amount: self.amount.map(|minor| Money::from_minor(minor, currency)).transpose().map_err(text("cart amount"))?,
        })
    }
}

impl GoodsRecord {
    fn read(self) -> Result<Goods, Cause> {
        let quantity = Quantity::parse(&self.quantity).map_err(text("cart quantity"))?;
        Ok(Goods { ids: self.ids, quantity, warehouse: self.warehouse })
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
            brand: line.brand.clone(),
            category: line.category.clone(),
            vat: line.tax.vat.as_ref().map(ToString::to_string),
            subject: line.tax.subject.as_ref().map(ToString::to_string),
            mode: line.tax.mode.as_ref().map(ToString::to_string),
        }
    }
}

fn means(name: &str) -> Result<PaymentMeans, Cause> {
    PaymentMeans::from_name(name).ok_or_else(|| "means is unknown".to_owned())
}

impl LineRecord {
    fn read(self, currency: Currency) -> Result<Line, Cause> {
        let money = |minor: Option<i64>| minor.map(|minor| Money::from_minor(minor, currency)).transpose();
        Ok(Line {
            sku: self.sku.as_deref().map(ItemId::parse).transpose().map_err(text("sku"))?,
            name: self.name,
            quantity: Quantity::parse(&self.quantity).map_err(text("quantity"))?,
            price: money(self.price).map_err(text("price"))?,
            subtotal: money(self.subtotal).map_err(text("subtotal"))?,
            brand: self.brand,
            category: self.category,
            tax: LineTax {
                vat: word(self.vat.as_deref())?,
                subject: word(self.subject.as_deref())?,
                mode: word(self.mode.as_deref())?,
            },
        })
    }
}

impl TryFrom<Versioned<OrderRecord>> for Order {
    type Error = Cause;

    fn try_from(Versioned { version, record }: Versioned<OrderRecord>) -> Result<Self, Cause> {
        let currency = Currency::parse(&record.currency).map_err(text("currency"))?;
        let money = |minor: Option<i64>| minor.map(|minor| Money::from_minor(minor, currency)).transpose();
        let lines = record.lines.into_iter().map(|line| line.read(currency));
        let said_at = record.said_at.max(record.cart.as_ref().map(|cart| cart.at));
        Ok(Self {
            uuid: OrderUuid::parse(&record.order_uuid).map_err(text("order_uuid"))?,
            id: OrderId::parse(&record.order_id).map_err(text("order_id"))?,
            public_id: record.public_id.as_deref().map(OrderId::parse).transpose().map_err(text("public_id"))?,
            amount: money(record.amount).map_err(text("amount"))?,
            currency: (!record.currency_unknown).then_some(currency),
            phone: record.phone.map(|digits| Phone::parse(&format!("+{digits}"))).transpose().map_err(text("phone"))?,
            email: record.email,
            name: record.name,
            lines: lines.collect::<Result<_, Cause>>()?,
            delivery: money(record.delivery).map_err(text("delivery"))?,
            known: Known {
                address: record.address,
                returning: record.returning,
                term: record.term,
                prepayment: money(record.prepayment)
                    .map_err(text("prepayment"))?
                    .map(Prepayment::Made)
                    .or(record.prepayment_page.map(Prepayment::After))
                    .or(record.prepayment_unclear.then_some(Prepayment::Unclear)),
            },
            install_id: record.install_id.as_deref().map(InstallId::parse).transpose().map_err(text("install_id"))?,
            check_number: record.check_number,
            check_link: record.check_link,
            // Earlier releases say only when the cart was recorded.
            said_at: Timestamp::from_millis(said_at.unwrap_or_default()),
            cart: record.cart.map(|cart| cart.read(currency)).transpose()?,
            latest_payment: record.latest_payment.as_deref().map(PaymentId::parse).transpose().map_err(text("latest_payment"))?,
            attempts: record.attempts,
            earlier_ids: record
                .earlier_ids
                .iter()
                .map(|id| OrderId::parse(id))
                .collect::<Result<_, _>>()
                .map_err(text("earlier_ids"))?,
            person_until: record.check_at.map(Timestamp::from_millis),
            erasure_asked: record.erasure_asked,
            found_as: record.found_as.as_deref().map(OrderId::parse).transpose().map_err(text("found_as"))?,
            // Earlier releases say only when the shop said it last.
            recorded_at: record.moved_at.or(said_at).filter(|at| *at > 0).map(Timestamp::from_millis),
            version,
        })
    }
}

impl From<&Payment> for PaymentRecord {
    fn from(payment: &Payment) -> Self {
        let shared = Shared::of(&payment.outbox);
        let lookup = payment.provider_id.as_deref().and_then(lookups::provider);
        Self {
            payment_id: payment.id.as_str().to_owned(),
            order_uuid: payment.order_uuid.as_str().to_owned(),
            order_id: payment.order_id.as_str().to_owned(),
            attempt: payment.attempt,
            method: payment.method.as_str().to_owned(),
            provider: payment.provider.as_str().to_owned(),
            amount: payment.amount.minor(),
            prepaid: payment.prepaid.as_ref().map(PrepaidRecord::from),
            currency: payment.amount.currency().code().to_owned(),
            state: payment.state.name().to_owned(),
            unknown: payment.unknown,
            processing: payment.processing,
            withdrawn: payment.withdrawn,
            mismatch: payment.mismatch.clone(),
            payment_url: match &payment.action {
                Some(PaymentAction::Page(url)) => Some(url.clone()),
                Some(PaymentAction::Sbp(_)) | None => None,
            },
            sbp_payload: match &payment.action {
                Some(PaymentAction::Sbp(payload)) => Some(payload.clone()),
                Some(PaymentAction::Page(_)) | None => None,
            },
            provider_id: payment.provider_id.clone(),
            second_payment: payment.second_payment.clone(),
            means: Some(payment.means).filter(|means| *means != PaymentMeans::Card).map(|means| means.name().to_owned()),
            one_stage: !payment.two_stage,
            registered: payment.registered.map(Money::minor),
            operation: payment.operation.as_ref().map(OperationRecord::from),
            operations: payment.operations,
            return_url: payment.return_url.clone(),
            callback_token_hash: payment.callback_token_hash.clone(),
            return_token: payment.return_token.clone(),
            valid_till: payment.valid_till.millis(),
            hold_until: payment.hold_until.map(Timestamp::millis),
            lost: payment.lost,
            lease_until: payment.lease_until.map(Timestamp::millis),
            reason_code: payment.reason.as_ref().map(|reason| reason.code.clone()),
            reason_text: payment.reason.as_ref().map(|reason| reason.text.clone()),
            intent: payment.intent.as_ref().map(IntentRecord::from),
            refusals: payment.refusals,
            check: payment.fiscal_receipt.as_ref().map(FiscalReceiptRecord::from),
            receipts: payment.receipts.as_ref().map(ReceiptsRecord::from),
            refunds: payment.refunds.iter().map(RefundRecord::from).collect(),
            created_at: payment.created_at.millis(),
            captured_at: payment.captured_at.map(Timestamp::millis),
            moved_at: payment.changed_at().millis(),
            history: payment.history.iter().zip(1..).map(StepRecord::from).collect(),
            told_payment_status: shared.payment_status,
            told_order_status: shared.order_status,
            tell_failures: shared.failures,
            tell_lease_until: shared.lease_until,
            provider_poll: payment
                .poll
                .provider_at
                .filter(|_| !payment.is_over())
                .map(|at| ProviderPollRecord { at: at.millis(), version: payment.version + 1 }),
            channels: Some(ChannelsRecord::of(&payment.outbox)),
            shop_receipts: payment.outbox.receipts.iter().map(EventReceiptRecord::from).collect(),
            untold: payment.is_ready_to_publish().then_some(true),
            check_shard: payment.poll.next_at.map(|_| shard(payment.id.as_str())),
            check_at: payment.poll.next_at.map(Timestamp::millis),
            quiet_checks: payment.poll.unchanged,
            troubled_since: payment.poll.troubled_since.map(Timestamp::millis),
            attention: payment.poll.manual_review.then(|| OPEN.to_owned()),
            repeat_at: payment.poll.repeat_at.map(Timestamp::millis),
            unasked_since: payment.poll.unreachable_since.map(Timestamp::millis),
            hinted: payment.poll.hinted,
            last_look_at: payment.poll.audit_at.map(Timestamp::millis),
            last_looks: payment.poll.audits_done,
            lookup_at: lookup.as_ref().map(|_| payment.created_at.millis()),
            lookup,
        }
    }
}

impl From<(&Step, usize)> for StepRecord {
    fn from((step, position): (&Step, usize)) -> Self {
        let word = step.event.map(|word| match word {
            StatusEvent::Paid => StatusEventRecord::Paid,
            StatusEvent::Failed => StatusEventRecord::Failed,
            StatusEvent::PartiallyRefunded(amount) => StatusEventRecord::PartiallyRefunded(amount.minor()),
            StatusEvent::Refunded => StatusEventRecord::Refunded,
        });
        let Step { number, at, state, by, action, .. } = step;
        let number = (*number != position).then_some(*number);
        Self { number, at: at.millis(), state: state.clone(), by: by.clone(), action: action.clone(), word }
    }
}

impl StepRecord {
    fn read(self, position: usize, currency: Currency) -> Result<Step, Cause> {
        let word = match self.word {
            None => None,
            Some(StatusEventRecord::Paid) => Some(StatusEvent::Paid),
            Some(StatusEventRecord::Failed) => Some(StatusEvent::Failed),
            Some(StatusEventRecord::PartiallyRefunded(minor)) => {
                Some(StatusEvent::PartiallyRefunded(Money::from_minor(minor, currency).map_err(text("word"))?))
            }
            Some(StatusEventRecord::Refunded) => Some(StatusEvent::Refunded),
        };
        let number = self.number.unwrap_or(position);
        Ok(Step { number, at: Timestamp::from_millis(self.at), state: self.state, by: self.by, action: self.action, event: word })
    }
}

impl From<&Intent> for IntentRecord {
    fn from(intent: &Intent) -> Self {
        match intent {
            Intent::Cancel => Self::Cancel,
            Intent::Change(change) => Self::Change {
                amount: change.amount.minor(),
                valid_till: change.valid_till.millis(),
                lines: change.lines.iter().map(LineRecord::from).collect(),
            },
            Intent::Refund(index) => Self::Refund { index: *index },
            Intent::Receipt => Self::Receipt,
        }
    }
}

impl IntentRecord {
    fn read(self, currency: Currency) -> Result<Intent, Cause> {
        Ok(match self {
            Self::Cancel => Intent::Cancel,
            Self::Change { amount, valid_till, lines } => Intent::Change(Change {
                amount: Money::from_minor(amount, currency).map_err(text("intent"))?,
                valid_till: Timestamp::from_millis(valid_till),
                lines: lines.into_iter().map(|line| line.read(currency)).collect::<Result<_, Cause>>()?,
            }),
            Self::Refund { index } => Intent::Refund(index),
            Self::Receipt => Intent::Receipt,
        })
    }
}

impl From<&FiscalReceipt> for FiscalReceiptRecord {
    fn from(check: &FiscalReceipt) -> Self {
        Self {
            number: check.number.clone(),
            link: check.link.clone(),
            document: check.document.as_ref().map(|document| document.id.clone()),
            parts: check.document.as_ref().map_or(0, |document| document.parts),
        }
    }
}

impl From<FiscalReceiptRecord> for FiscalReceipt {
    fn from(record: FiscalReceiptRecord) -> Self {
        let parts = record.parts;
        Self { number: record.number, link: record.link, document: record.document.map(|id| FiscalDocument { id, parts }) }
    }
}

impl From<&Refund> for RefundRecord {
    fn from(refund: &Refund) -> Self {
        let reason = match &refund.status {
            RefundStatus::Refused(reason) => Some(reason.clone()),
            RefundStatus::Withdrawn => Some(Reason { code: WITHDRAWN.to_owned(), text: String::new() }),
            RefundStatus::AwaitsApproval
            | RefundStatus::Scheduled
            | RefundStatus::Waiting
            | RefundStatus::Pending
            | RefundStatus::Made => None,
        };
        let status = match &refund.status {
            RefundStatus::AwaitsApproval | RefundStatus::Scheduled => "waiting",
            RefundStatus::Withdrawn => "refused",
            RefundStatus::Waiting | RefundStatus::Pending | RefundStatus::Made | RefundStatus::Refused(_) => refund.status.name(),
        };
        Self {
            key_hash: refund.key_hash.clone(),
            amount: refund.amount.minor(),
            status: status.to_owned(),
            repeats: refund.repeats,
            reason_code: reason.as_ref().map(|reason| reason.code.clone()),
            reason_text: reason.map(|reason| reason.text),
            by: refund.by.clone(),
            at: refund.at.millis(),
            ended_at: refund.ended_at.map(Timestamp::millis),
            provider_id: refund.provider_id.clone(),
            accepted_at: refund.accepted_at.map(Timestamp::millis),
            lines: receipt_records::taken(&refund.part),
            lines_hash: refund.lines_hash.clone(),
            grounds_reason: refund.grounds.reason.map(|reason| reason.name().to_owned()),
            note: refund.grounds.note.clone(),
            scheduled_for: refund.scheduled_for.map(Timestamp::millis),
            is_scheduled: refund.status == RefundStatus::Scheduled,
            refusal_unseen: refund.is_refusal_unseen,
            awaits_approval: refund.status == RefundStatus::AwaitsApproval,
            approval: refund.approval.as_ref().map(|Approval { by, at }| ApprovalRecord { by: by.clone(), at: at.millis() }),
        }
    }
}

impl RefundRecord {
    fn read(self, currency: Currency) -> Result<Refund, Cause> {
        let reason = || Reason { code: self.reason_code.unwrap_or_default(), text: self.reason_text.unwrap_or_default() };
        let status = match self.status.as_str() {
            "waiting" if self.awaits_approval => RefundStatus::AwaitsApproval,
            "waiting" if self.is_scheduled => RefundStatus::Scheduled,
            "waiting" => RefundStatus::Waiting,
            "pending" => RefundStatus::Pending,
            "made" => RefundStatus::Made,
            "refused" => match reason() {
                Reason { code, .. } if code == WITHDRAWN => RefundStatus::Withdrawn,
                reason => RefundStatus::Refused(reason),
            },
            _ => return Err("refund status is unknown".to_owned()),
        };
        Ok(Refund {
            key_hash: self.key_hash,
            amount: Money::from_minor(self.amount, currency).map_err(text("refund"))?,
            status,
            repeats: self.repeats,
            by: self.by,
            at: Timestamp::from_millis(self.at),
            ended_at: self.ended_at.map(Timestamp::from_millis),
            provider_id: self.provider_id,
            accepted_at: self.accepted_at.map(Timestamp::from_millis),
            part: receipt_records::part(self.lines),
            lines_hash: self.lines_hash,
            grounds: RefundGrounds {
                // One that a newer release knows is another one here.
                reason: self.grounds_reason.map(|name| RefundReason::from_name(&name).unwrap_or(RefundReason::Other)),
                note: self.note,
            },
            scheduled_for: self.scheduled_for.map(Timestamp::from_millis),
            is_refusal_unseen: self.refusal_unseen,
            approval: self.approval.map(|ApprovalRecord { by, at }| Approval { by, at: Timestamp::from_millis(at) }),
        })
    }
}

impl TryFrom<Versioned<PaymentRecord>> for Payment {
    type Error = Cause;

    fn try_from(Versioned { version, record }: Versioned<PaymentRecord>) -> Result<Self, Cause> {
        let currency = Currency::parse(&record.currency).map_err(text("currency"))?;
        let reason = record.reason_code.map(|code| Reason { code, text: record.reason_text.unwrap_or_default() });
        let history = record.history.into_iter().zip(1..).map(|(step, position)| step.read(position, currency));
        let history = history.collect::<Result<Vec<_>, Cause>>()?;
        let shared = Shared {
            payment_status: record.told_payment_status,
            order_status: record.told_order_status,
            failures: record.tell_failures,
            lease_until: record.tell_lease_until,
        };
        let outbox = shared.outbox(record.channels, record.shop_receipts, &history);
        let refunds = record.refunds.into_iter().map(|refund| refund.read(currency));
        let payment = Self {
            id: PaymentId::parse(&record.payment_id).map_err(text("payment_id"))?,
            order_uuid: OrderUuid::parse(&record.order_uuid).map_err(text("order_uuid"))?,
            order_id: OrderId::parse(&record.order_id).map_err(text("order_id"))?,
            attempt: record.attempt,
            method: MethodId::parse(&record.method).map_err(text("method"))?,
            provider: GatewayName::parse(&record.provider).map_err(text("provider"))?,
            amount: Money::from_minor(record.amount, currency).map_err(text("amount"))?,
            prepaid: record.prepaid.map(|prepaid| prepaid.read(currency)).transpose()?,
            state: State::from_name(&record.state).ok_or_else(|| "state is unknown".to_owned())?,
            unknown: record.unknown,
            processing: record.processing,
            withdrawn: record.withdrawn,
            mismatch: record.mismatch,
            action: record.payment_url.map(PaymentAction::Page).or(record.sbp_payload.map(PaymentAction::Sbp)),
            provider_id: record.provider_id,
            second_payment: record.second_payment,
            means: record.means.map_or(Ok(PaymentMeans::Card), |name| means(&name))?,
            two_stage: !record.one_stage,
            registered: record
                .registered
                .map(|minor| Money::from_minor(minor, currency))
                .transpose()
                .map_err(text("registered"))?,
            operation: record.operation.map(Operation::from),
            operations: record.operations,
            return_url: record.return_url,
            callback_token_hash: record.callback_token_hash,
            return_token: record.return_token,
            valid_till: Timestamp::from_millis(record.valid_till),
            hold_until: record.hold_until.map(Timestamp::from_millis),
            lost: record.lost,
            lease_until: record.lease_until.map(Timestamp::from_millis),
            reason,
            intent: record.intent.map(|intent| intent.read(currency)).transpose()?,
            refusals: record.refusals,
            fiscal_receipt: record.check.map(FiscalReceipt::from),
            receipts: record.receipts.map(|receipts| receipts.read(currency)).transpose()?,
            refunds: refunds.collect::<Result<_, Cause>>()?,
            created_at: Timestamp::from_millis(record.created_at),
            captured_at: record.captured_at.map(Timestamp::from_millis),
            history,
            outbox,
            poll: PollSchedule {
                next_at: record.check_at.map(Timestamp::from_millis),
                provider_at: record
                    .provider_poll
                    .filter(|poll| poll.version == version)
                    .map(|poll| Timestamp::from_millis(poll.at)),
                unchanged: record.quiet_checks,
                troubled_since: record.troubled_since.map(Timestamp::from_millis),
                manual_review: record.attention.is_some(),
                repeat_at: record.repeat_at.map(Timestamp::from_millis),
                hinted: record.hinted,
                unreachable_since: record.unasked_since.map(Timestamp::from_millis),
                audit_at: record.last_look_at.map(Timestamp::from_millis),
                audits_done: record.last_looks,
            },
            version,
            stored: Stored::default(),
        };
        Ok(payment.in_store())
    }
}
