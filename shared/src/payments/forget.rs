//! The one way in which an order forgets its customer: on request ([`crate::payments::store::Orders::of_phone`]), or when the time is over for which the
//! customer is kept ([`Order::person_until`]).
//!
//! What of an order is the shop's books stays: ids, amounts, lines, attempts and their histories. What is the customer's goes: with the
//! order their names, contacts, address and installation; with its payments the address of their page at the provider, the notes on refunds, and a
//! fiscal document of the shop's that waited for its capture. Nothing goes while an attempt is open: Checkout may have to be
//! repeated with who pays, and a person may have to call them. Then the order is due again each hour until none is.
//!
//! Payments before their order: by the order the rest is found again when this breaks off.

use crate::payments::payment::{FiscalReceipt, Order, Payment};
use crate::payments::store::Orders;
use crate::platform::clock::Timestamp;
use crate::platform::dynamodb::{StoreError, Written};
use crate::platform::ids::OrderUuid;

/// How often one order may be written by others meanwhile.
const ROUNDS: u32 = 5;

/// What became of an order's customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// Nothing is known of one.
    NoCustomer,
    /// Their time is not over yet.
    NotYet,
    /// A payment is under way, or the provider must be asked about it: they go when that is over.
    Open,
    /// They are gone.
    Gone {
        /// How many addresses of pages at the provider went with them.
        pages: u32,
        /// How many fiscal documents.
        documents: u32,
    },
}

/// Why an order is to forget its customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// An erasure was asked for. The order remembers that, so that a later push does not keep the customer longer.
    Asked,
    /// Their time is over.
    Over,
}

/// Has an order forget its customer.
pub async fn customer(orders: &Orders, uuid: &OrderUuid, why: Why, now: Timestamp) -> Result<Forgotten, StoreError> {
    let (mut pages, mut documents) = (0, 0);
    for _ in 0..ROUNDS {
        let Some(order) = orders.order(uuid).await? else { return Ok(Forgotten::NoCustomer) };
        if !order.has_person() && order.person_until.is_none() {
            return Ok(Forgotten::NoCustomer);
        }
        // What was read before may have been written since.
        if why == Why::Over && order.person_until.is_none_or(|at| at > now) {
            return Ok(Forgotten::NotYet);
        }
        let erasure_asked = order.erasure_asked || why == Why::Asked;
        let payments = attempts(orders, &order).await?;
        if payments.iter().any(is_open) {
            let next = now.plus(Order::FORGET_RETRY);
            if order.person_until.is_some_and(|at| at > now && at <= next) && order.erasure_asked == erasure_asked {
                return Ok(Forgotten::Open);
            }
            if orders.save_order(&Order { person_until: Some(next), erasure_asked, ..order }).await? == Written::Yes {
                return Ok(Forgotten::Open);
            }
            continue;
        }
        if !forget_payments(orders, payments, &mut pages, &mut documents).await? {
            continue;
        }
        if orders.save_order(&Order { erasure_asked, ..order.without_person() }).await? == Written::Yes {
            tracing::info!(order_uuid = %uuid, pages, documents, "an order has forgotten its customer");
            return Ok(Forgotten::Gone { pages, documents });
        }
    }
    Err(StoreError::Failed { action: "UpdateItem", cause: "others keep writing the same order".to_owned() })
}

/// Whether the provider may have to be told again who pays, or a person may have to call them. What failed may still turn out to be paid until
/// its audit look is over.
fn is_open(payment: &Payment) -> bool {
    let is_looked_for = payment.state.is_failed() && (payment.poll.hinted || payment.poll.audit_at.is_some());
    let is_planned = payment.planned_refunds().next().is_some();
    !payment.is_over() || payment.poll.manual_review || is_looked_for || is_planned
}

/// The attempts to pay an order.
async fn attempts(orders: &Orders, order: &Order) -> Result<Vec<Payment>, StoreError> {
    let mut found = Vec::new();
    for id in order.payment_ids() {
        found.extend(orders.payment(&id).await?.filter(|payment| payment.order_uuid == order.uuid));
    }
    Ok(found)
}

/// Whether it is done; not if another request wrote one of them meanwhile.
async fn forget_payments(
    orders: &Orders,
    payments: Vec<Payment>,
    pages: &mut u32,
    documents: &mut u32,
) -> Result<bool, StoreError> {
    for payment in payments {
        let document = payment.fiscal_receipt.as_ref().and_then(|receipt| receipt.document.as_ref());
        if payment.action.is_none() && document.is_none() && !payment.has_notes() {
            continue;
        }
        let emptied = match document {
            Some(document) => orders.empty_document(&payment.id, document).await?,
            None => false,
        };
        let page = u32::from(payment.action.is_some());
        let fiscal_receipt = payment.fiscal_receipt.clone().map(|receipt| FiscalReceipt { document: None, ..receipt });
        if orders.save_emptied(Payment { action: None, fiscal_receipt, ..payment.without_notes() }).await? == Written::Conflict {
            return Ok(false);
        }
        *pages += page;
        *documents += u32::from(emptied);
    }
    Ok(true)
}
