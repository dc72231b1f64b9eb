//! What became of fiscal receipts at YooKassa.

use super::receipt::PREPAYMENT;
use super::{MAX_PAGES, YookassaGateway, unknown};
use crate::payments::gateway::contract::Unknown;
use crate::payments::payment::{Intent, Payment, ReceiptStatus, SecondReceipt};
use crate::payments::yookassa::types::{self, PaymentStatus, ReceiptRegistration};
use crate::platform::clock::Deadline;

fn status(registration: &ReceiptRegistration) -> Option<ReceiptStatus> {
    match registration {
        ReceiptRegistration::Pending => Some(ReceiptStatus::Pending),
        ReceiptRegistration::Succeeded => Some(ReceiptStatus::Registered),
        ReceiptRegistration::Canceled => Some(ReceiptStatus::Rejected),
        ReceiptRegistration::Other(status) => {
            tracing::warn!(status, "YooKassa says of a receipt what is not known");
            None
        }
    }
}

impl YookassaGateway {
    /// How the receipts of a payment and of its refunds stand. Those of refunds are asked for when the payment is looked at that is over.
    pub(super) async fn receipts_of(
        &self,
        found: &types::Payment,
        payment: &Payment,
        deadline: Deadline,
    ) -> Result<Option<ReceiptStatus>, Unknown> {
        if payment.receipts.is_none() {
            return Ok(None);
        }
        // What brought or gave back no money has no receipt to take, whatever is said of it.
        let is_captured = found.status == PaymentStatus::Succeeded;
        let mut all: Vec<_> = found.receipt_registration.0.iter().filter(|_| is_captured).filter_map(status).collect();
        let mut is_complete = payment.refunds.is_empty();
        if payment.is_over() && !is_complete {
            is_complete = true;
            let mut cursor = None;
            for _ in 0..MAX_PAGES {
                let page = self.client.refunds(&found.id, cursor.as_deref(), deadline).await;
                let page = page.map_err(|error| unknown("list_refunds", &error))?;
                let made = page.items.iter().filter(|refund| refund.status == types::RefundStatus::Succeeded);
                all.extend(made.filter_map(|refund| refund.receipt_registration.0.as_ref()).filter_map(status));
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
        }
        let first_of = |status| all.contains(&status).then_some(status);
        Ok(first_of(ReceiptStatus::Rejected)
            .or_else(|| first_of(ReceiptStatus::Pending))
            .or_else(|| first_of(ReceiptStatus::Registered).filter(|_| is_complete)))
    }

    /// The second receipt: of one that is known how it stands; one whose key cannot be repeated any more is looked for.
    pub(super) async fn second_receipt_of(
        &self,
        id: &str,
        payment: &Payment,
        deadline: Deadline,
    ) -> Result<Option<SecondReceipt>, Unknown> {
        let Some(receipts) = &payment.receipts else { return Ok(None) };
        let second = |receipt: &types::Receipt| {
            let status = status(&receipt.status).unwrap_or(ReceiptStatus::Pending);
            SecondReceipt { provider_id: receipt.id.clone(), status }
        };
        if let Some(known) = receipts.second.as_ref().filter(|known| known.status == ReceiptStatus::Pending) {
            let receipt = self.client.receipt(&known.provider_id, deadline).await;
            return receipt.map(|receipt| Some(second(&receipt))).map_err(|error| unknown("get_receipt", &error));
        }
        if payment.intent != Some(Intent::Receipt) || !payment.is_key_expired(self.clock.now()) {
            return Ok(None);
        }
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let page = self.client.receipts(id, cursor.as_deref(), deadline).await;
            let page = page.map_err(|error| unknown("list_receipts", &error))?;
            let is_second = |receipt: &&types::Receipt| {
                let is_live = receipt.status != ReceiptRegistration::Canceled;
                is_live && receipt.settlements.0.iter().flatten().any(|settlement| settlement.kind == PREPAYMENT)
            };
            if let Some(receipt) = page.items.iter().find(is_second) {
                return Ok(Some(second(receipt)));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(None);
            }
        }
        Err(Unknown("YooKassa has too many receipts of the payment to look for one".to_owned()))
    }
}
